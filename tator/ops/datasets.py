"""Create, list, rename and delete datasets."""

from __future__ import annotations

from typing import Literal

from tator.datasets.dataset import Dataset
from tator.datasets.removal import remove_dataset
from tator.importing.creating import import_dataset
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench


@operation(mirrors=("datasets_list", "sam3_datasets_list"), writes=False)
def datasets_list(wb: Workbench) -> list[dict]:
    """List datasets with their folder, storage and counts."""
    return Dataset.listing(wb.store)


@operation(mirrors=("datasets_upload", "qwen_dataset_init", "qwen_dataset_finalize"), title="Import", makes="name")
def datasets_create(
    wb: Workbench,
    name: str,
    source: str,
    storage: Literal["linked", "managed"] = "linked",
    with_labels: bool = True,
    format: str = "",
    mapping: list[str] = [],
) -> Work:
    """Create a dataset of a folder, a zip or an upload.

    What cannot be read is listed; the rest is imported.
    Labels of every format in formats_list are recognised by content, class names by what the format has for them or by
    labelmap.txt, classes.txt, obj.names or data.yaml, splits by train.txt, val.txt, test.txt, data.yaml or folder names,
    captions by text_labels/<name>.txt or captions.jsonl. datasets_preview shows all of this before anything is written. Run
    again with the same arguments after an interruption, it goes on where it stopped.

    Args:
        name: of the new dataset: letters, digits, space, dot, dash, underscore.
        source: absolute path of a folder or .zip on the server, or upload:<id> of an upload.
        storage: linked leaves a folder's images where they are, managed copies them; zips and uploads are managed.
        with_labels: read the labels found beside the images as accepted annotations.
        format: of the labels, from formats_list; empty takes the first that is recognised.
        mapping: "source=ours" renames a class of the source, "source=" leaves its labels out; others keep their names.

    Raises:
        BadInput: the name or source is refused, or holds no image.
        Conflict: a dataset has the name.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    own = wb.own_source(source)
    return (yield from import_dataset(wb.workspace, wb.store, name, own, storage, with_labels, format, mapping))


@operation(mirrors=("datasets_check", "sam3_datasets_classes"), writes=False)
def datasets_get(wb: Workbench, dataset: str) -> dict:
    """Return one dataset: counts, classes in order, and the report of its import.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    return wb.dataset(dataset).describe()


@operation
def datasets_rename(wb: Workbench, dataset: str, new_name: str) -> dict:
    """Rename a dataset and return it.

    Args:
        dataset: dataset name, from datasets_list.
        new_name: letters, digits, space, dot, dash, underscore; at most 100.

    Raises:
        NotFound: no such dataset.
        BadInput: the name is refused.
        Conflict: another dataset has the name.
    """
    return wb.dataset(dataset).rename(new_name).describe()


@operation(mirrors=("datasets_delete",))
def datasets_delete(wb: Workbench, dataset: str, confirm: str) -> dict:
    """Put a dataset into the trash; trash_restore brings it back whole.

    Its name is free at once. Linked images are never touched.

    Args:
        dataset: dataset name, from datasets_list.
        confirm: the dataset's name once more, as a confirmation.

    Raises:
        NotFound: no such dataset.
        BadInput: confirm is not the name.
    """
    return remove_dataset(wb.dataset(dataset), confirm, wb.user)
