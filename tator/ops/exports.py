"""Export datasets as zip files, list and delete them."""
from __future__ import annotations

from typing import Literal

from tator.exporting import export_dataset, export_file, listing
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench

Format = Literal[
    "yolo", "yolo_seg", "yolo_obb", "coco", "roboflow", "voc", "imagenet", "cvat", "labelme", "createml", "via", "openimages", "csv", "qwen",
]  # those of formats.table that can be written; a test holds it


@operation(mirrors=("datasets_download", "sam3_datasets_convert"))
def datasets_export(
    wb: Workbench,
    dataset: str,
    format: Format = "yolo",
    with_images: bool = True,
    splits: list[str] = [],
    states: list[str] = [],
    classes: list[str] = [],
    statuses: list[str] = ["accepted"],
) -> Work:
    """Write a dataset's annotations into a zip that other tools train on.

    The same content gives the same bytes. What a format has no room for is said in the notes.

    Args:
        dataset: dataset name, from datasets_list.
        format: how it is written, from formats_list; yolo trains in ultralytics, coco loads in pycocotools, roboflow trains in rfdetr.
        with_images: put the image files in.
        splits: only these of train, val, test and "" (none); empty takes all.
        states: only images that are new, in_progress or reviewed; empty takes all but new ones without annotations.
        classes: only these class names; empty takes all.
        statuses: annotations that are accepted, candidate or rejected.

    Raises:
        NotFound: no such dataset.
        BadInput: unknown state, status or class, or nothing to export.
    """
    return (yield from export_dataset(wb.dataset(dataset), format, with_images, splits, states, classes, statuses))


@operation(writes=False)
def exports_list(wb: Workbench) -> list[dict]:
    """List finished exports with size and download address, newest first."""
    return listing(wb.workspace.folder("exports"))


@operation
def exports_delete(wb: Workbench, file: str) -> dict:
    """Delete an export.

    Args:
        file: its name, from exports_list.

    Raises:
        BadInput: not a file name.
        NotFound: no such export.
    """
    export_file(wb.workspace.folder("exports"), file).unlink()
    return {"deleted": file}
