"""Bring label files and class lists onto datasets that are there."""

from __future__ import annotations

from typing import Literal

from tator.datasets.glossary import aliases, glossary_of
from tator.exporting.class_lists import class_list
from tator.importing.class_lists import import_classes
from tator.importing.label_files import preview_labels
from tator.importing.labels import import_labels
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench


@operation(writes=False, title="Look at label files")
def labels_preview(
    wb: Workbench,
    dataset: str,
    source: str,
    format: str = "",
    status: Literal["accepted", "candidate"] = "accepted",
    renames: list[str] = [],
) -> Work:
    """Look at label files as labels_import would read them; nothing is written.

    The answer says how many images were found exactly, by name only, not at all or not for certain, and holds the classes
    with counts and what each would become, and the report.

    Args:
        dataset: dataset whose images are labelled, from datasets_list.
        source: absolute path of a folder or .zip of label files on the server, or upload:<id> of an upload.
        format: of the labels, from formats_list; empty takes the first that is recognised.
        status: what they are to become.
        renames: "text=instead" in what the files call images, one after the other; "_gt=" takes _gt off.

    Raises:
        NotFound: no such dataset or source.
        BadInput: the source is refused or holds no labels.
    """
    data = wb.dataset(dataset)
    words = aliases(glossary_of(data)["entries"], [row.name for row in data.classes()])
    return (yield from preview_labels(data, wb.own_source(source), format, status == "candidate", words, renames))


@operation(title="Import labels")
def labels_import(
    wb: Workbench,
    dataset: str,
    source: str,
    status: Literal["accepted", "candidate"] = "accepted",
    existing: Literal["keep", "replace", "skip"] = "keep",
    source_name: str = "labels",
    format: str = "",
    mapping: list[str] = [],
    renames: list[str] = [],
) -> Work:
    """Bring label files onto images that a dataset has; a snapshot is taken first.

    A label file is paired with the image of its name; where several images have it, its folders must tell them apart.
    Accepted labels are edits that undo takes back in Label.

    Args:
        dataset: dataset whose images are labelled, from datasets_list.
        source: absolute path of a folder or .zip of label files on the server, or upload:<id>, which is used up.
        status: accepted makes them labels, candidate boxes that a person decides about.
        existing: keep adds to the labels that an image has, replace takes their place, skip leaves such an image alone.
        source_name: what the candidates are from, such as the name of a model; the same name again replaces them.
        format: of the labels, from formats_list; empty takes the first that is recognised.
        mapping: "source=ours" joins a class of the files to one of ours or a new one, "source=" leaves its labels out.
        renames: "text=instead" in what the files call images, one after the other; "_gt=" takes _gt off.

    Raises:
        NotFound: no such dataset or source.
        BadInput: the source is refused, holds no labels, or the mapping is refused.
    """
    data, name = wb.dataset(dataset), source_name.strip()
    asked = (status, existing, name, format, mapping, wb.user, renames)
    return (yield from import_labels(data, wb.own_source(source), *asked))


@operation
def classes_import(wb: Workbench, dataset: str, text: str, kind: Literal["lines", "yaml", "json"] = "lines") -> dict:
    """Add the classes of a list to a dataset; those it has stay as they are.

    Args:
        dataset: dataset name, from datasets_list.
        text: content of the list.
        kind: lines of a .txt or .names file, a YAML file with names, or JSON with a list or names by number.

    Raises:
        NotFound: no such dataset.
        BadInput: the list is refused or names no class.
    """
    return import_classes(wb.dataset(dataset), text, kind)


@operation(writes=False)
def classes_export(wb: Workbench, dataset: str, kind: Literal["txt", "names", "yaml", "json"] = "txt") -> dict:
    """Return the class names of a dataset as a list in the order of the label map.

    Args:
        dataset: dataset name, from datasets_list.
        kind: txt and names hold a name a line, yaml and json names by number.

    Raises:
        NotFound: no such dataset.
    """
    return class_list([row.name for row in wb.dataset(dataset).classes()], kind)
