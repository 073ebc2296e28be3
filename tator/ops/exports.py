"""Export datasets as zip files, list and delete them."""

from __future__ import annotations

from typing import Literal

from tator.datasets.snapshots import Snapshot
from tator.exporting.crops import export_crops
from tator.exporting.plan import Content
from tator.exporting.tiling import Tiling
from tator.exporting.writing import export_dataset
from tator.exporting.zips import export_file, listing
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench

Format = Literal[
    "yolo",
    "yolo_seg",
    "yolo_obb",
    "yolo_pose",
    "masks",
    "coco",
    "roboflow",
    "voc",
    "imagenet",
    "cvat",
    "labelme",
    "createml",
    "via3",
    "via",
    "openimages",
    "csv",
    "qwen",
    "tfrecord",
    "dota",
    "kitti",
    "datumaro",
    "ultralytics_ndjson",
    "supervisely",
    "darwin",
    "label_studio",
    "bdd100k",
    "hf_objects",
    "gt_jsonl",
]  # those of formats.table that can be written; a test holds it


@operation(mirrors=("datasets_download", "sam3_datasets_convert"), title="Export")
def datasets_export(
    wb: Workbench,
    dataset: str,
    format: Format = "yolo",
    with_images: bool = True,
    splits: list[str] = [],
    states: list[str] = [],
    classes: list[str] = [],
    statuses: list[str] = ["accepted"],
    snapshot: str = "",
    tile_px: int = 0,
    tile_overlap: float = 0.2,
    tile_min_visible: float = 0.25,
    tile_keep_empty: bool = True,
) -> Work:
    """Write a dataset's annotations into a zip that other tools train on.

    The same content gives the same bytes. The notes say what a format cannot hold and what tiles cut off.

    Args:
        dataset: dataset name, from datasets_list.
        format: how it is written, from formats_list; yolo trains in ultralytics, coco loads in pycocotools, roboflow trains in rfdetr.
        with_images: include the image files; tfrecord always holds them and is refused without.
        splits: only these of train, val, test and "" (none); empty takes all.
        states: only images that are new, in_progress or reviewed; empty takes all but new ones without annotations.
        classes: only these class names; empty takes all.
        statuses: annotations that are accepted, candidate or rejected.
        snapshot: export this snapshot of the dataset, the same bytes each time; empty exports what it holds now.
        tile_px: cut the images into square tiles with this side, 32 to 10,000 pixels; 0 writes them whole.
        tile_overlap: share of its side that a tile shares with the next, 0 to 0.9.
        tile_min_visible: share of an object's area that a tile must show for it to be labelled there, 0 to 1.
        tile_keep_empty: keep tiles without objects, which teach a model what is not an object; without them a val split cannot show false positives.

    Raises:
        NotFound: no such dataset or snapshot.
        BadInput: unknown state, status or class, a setting of the tiles is refused, or nothing to export.
    """
    content = _content(wb, dataset, snapshot)
    tiling = Tiling(tile_px, tile_overlap, tile_min_visible, tile_keep_empty) if tile_px else None
    return (yield from export_dataset(content, format, with_images, splits, states, classes, statuses, tiling))


@operation(mirrors=("crop_zip_init", "crop_zip_chunk", "crop_zip_finalize"), title="Cut crops")
def crop_zip(
    wb: Workbench,
    dataset: str,
    margin: float = 0.0,
    smallest_px: int = 4,
    splits: list[str] = [],
    states: list[str] = [],
    classes: list[str] = [],
    statuses: list[str] = ["accepted"],
    snapshot: str = "",
) -> Work:
    """Cut every annotated object out of its image into a zip with a folder a class.

    Args:
        dataset: dataset name, from datasets_list.
        margin: added to each side, as a share of the box's width and height, 0 to 5.
        smallest_px: boxes with a shorter side are left out, in pixels.
        splits: only these of train, val, test and "" (none); empty takes all.
        states: only images that are new, in_progress or reviewed; empty takes all but new ones without annotations.
        classes: only these class names; empty takes all.
        statuses: annotations that are accepted, candidate or rejected.
        snapshot: cut from this snapshot of the dataset; empty takes what it holds now.

    Raises:
        NotFound: no such dataset or snapshot.
        BadInput: a setting is refused, or there is nothing to cut.
    """
    return (
        yield from export_crops(_content(wb, dataset, snapshot), margin, smallest_px, splits, states, classes, statuses)
    )


def _content(wb: Workbench, dataset: str, snapshot: str) -> Content:
    """Return the dataset, or a snapshot of it."""
    return Snapshot.open(wb.dataset(dataset), snapshot) if snapshot else wb.dataset(dataset)


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
