"""Inspect a source, merge it into a dataset, clone a dataset, list formats."""

from __future__ import annotations

from typing import Literal

from tator.datasets.glossary import aliases, glossary_of
from tator.formats.table import FORMATS
from tator.importing.cloning import clone_dataset, merge_dataset
from tator.importing.merging import merge_source
from tator.importing.preview import preview_dataset, preview_source
from tator.ops import operation
from tator.types import BadInput, Work
from tator.workbench import Workbench

DATASET = "dataset:"  # what stands before a dataset's name to merge from it


@operation(writes=False)
def formats_list(wb: Workbench) -> list[dict]:
    """List the formats that folders are read in and exports are written in."""
    return [
        {"name": each.name, "label": each.label, "reads": True, "writes": each.write is not None}
        for each in FORMATS.values()
    ]


@operation(writes=False, title="Look")
def datasets_preview(wb: Workbench, source: str, format: str = "", dataset: str = "") -> Work:
    """Look at a folder, zip, upload or dataset as an import would; nothing is written.

    The answer holds the format recognised and others found, images, splits, classes with counts and what each would become,
    and the report of what would be dropped or repaired.

    Args:
        source: absolute path of a folder or .zip on the server, upload:<id> of an upload, or dataset:<name>.
        format: read the labels as this format, from formats_list; empty takes the first that is recognised.
        dataset: dataset that it may be merged into, whose classes are suggested as targets; empty for a new one.

    Raises:
        BadInput: the source is refused, holds no image, or is a dataset that cannot be merged into the other.
        NotFound: the source or the dataset does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    source = wb.own_source(source)
    if not dataset:
        if source.startswith(DATASET):
            raise BadInput("source is a dataset: name in dataset the one that it would be merged into")
        return (yield from preview_source(wb.workspace, source, format))
    data = wb.dataset(dataset)
    ours = [row.name for row in data.classes()]
    words = aliases(glossary_of(data)["entries"], ours)
    if source.startswith(DATASET):
        return (yield from preview_dataset(data, wb.dataset(source.removeprefix(DATASET)), words))
    return (yield from preview_source(wb.workspace, source, format, ours, words))


@operation(title="Merge", makes="dataset")
def datasets_merge(
    wb: Workbench, dataset: str, source: str, with_labels: bool = True, format: str = "", mapping: list[str] = []
) -> Work:
    """Add a folder, a zip, an upload or another dataset to a dataset.

    Run again with the same arguments after an interruption, it goes on where it stopped. A linked dataset takes only images that
    lie in its own folder; a managed one gets a copy of each.

    Args:
        dataset: dataset that is added to, from datasets_list.
        source: absolute path of a folder or .zip on the server, upload:<id> of an upload, or dataset:<name>.
        with_labels: take the labels as well as the images; a dataset's annotations always come along.
        format: of the labels, from formats_list; empty takes the first that is recognised.
        mapping: "source=ours" joins a class of the source to one of ours or a new one, "source=" leaves its labels out.

    Raises:
        NotFound: no such dataset or source.
        BadInput: the source is refused, or cannot join a linked dataset.
        Conflict: another merge into the dataset is unfinished.
    """
    target = wb.dataset(dataset)
    if source.startswith(DATASET):
        return (yield from merge_dataset(target, wb.dataset(source.removeprefix(DATASET)), mapping))
    return (yield from merge_source(target, wb.own_source(source), with_labels, format, mapping))


@operation(title="Clone", makes="new_name")
def datasets_clone(
    wb: Workbench, dataset: str, new_name: str, storage: Literal["same", "linked", "managed"] = "same"
) -> Work:
    """Make a dataset with the same images, classes, annotations and captions.

    Args:
        dataset: dataset to clone, from datasets_list.
        new_name: of the clone: letters, digits, space, dot, dash, underscore.
        storage: managed copies the images into the workspace, linked leaves them where they are, same does what the dataset does.

    Raises:
        NotFound: no such dataset.
        BadInput: the name is refused, or a managed dataset is to be cloned as linked.
        Conflict: another dataset has the name.
    """
    return (yield from clone_dataset(wb.dataset(dataset), new_name, storage))
