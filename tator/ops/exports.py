"""Export datasets as zip files, list and delete them."""
from __future__ import annotations

from typing import Literal

from tator.exporting import export_dataset, export_file, listing
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench


@operation(mirrors=("datasets_download", "sam3_datasets_convert"))
def datasets_export(
    wb: Workbench,
    dataset: str,
    format: Literal["yolo", "coco"] = "yolo",
    with_images: bool = True,
    splits: list[str] = [],
    states: list[str] = [],
) -> Work:
    """Write a dataset's accepted annotations into a zip that other tools train on.

    Args:
        dataset: dataset name, from datasets_list.
        format: yolo (data.yaml, trains in ultralytics) or coco (loads in pycocotools).
        with_images: put the image files in.
        splits: only these of train, val, test and "" (none); empty takes all.
        states: only images that are new, in_progress or reviewed; empty takes all but new ones without annotations.

    Raises:
        NotFound: no such dataset.
        BadInput: unknown state, or nothing to export.
    """
    return (yield from export_dataset(wb.dataset(dataset), format, with_images, splits, states))


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
