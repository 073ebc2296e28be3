"""Check a dataset, repair what is found, and count what it holds."""

from __future__ import annotations

from typing import Literal

from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench
from tator.workflows.quality.boxes_check import Limits
from tator.workflows.quality.check import check_dataset
from tator.workflows.quality.repairs import repair_dataset
from tator.workflows.quality.statistics import dataset_stats

Repairable = Literal[
    "class_out_of_range",
    "not_finite",
    "zero_area",
    "outside",
    "tiny_boxes",
    "duplicate_boxes",
    "contained_boxes",
    "crossing_polygons",
    "box_off_outline",
    "split_leakage",
]  # those of quality.check.CHECKS with a repair; a test holds it


@operation(mirrors=("datasets_check",), writes=False, title="Check")
def datasets_check(
    wb: Workbench, dataset: str, tiny_px: float = 4.0, near_bits: int = 4, with_looks: bool = True
) -> Work:
    """Check a dataset; every finding names its image.

    Looks for unreadable, missing, equal and similar images, images in two splits, EXIF rotation, images without labels and
    labels without images, classes out of range, boxes that are not finite, empty, outside, tiny, double or contained, and
    outlines that cross themselves or do not fit their box. The first 500 findings of each kind are listed, all are counted.

    Args:
        dataset: dataset name, from datasets_list.
        tiny_px: boxes with a side below this many pixels are tiny.
        near_bits: bits of 64 in which the perceptual hashes of near duplicates may differ, 0 to 10.
        with_looks: decode every image, for near duplicates and EXIF rotation; without it only the files' bytes are compared.

    Raises:
        NotFound: no such dataset.
        BadInput: near_bits is out of range.
    """
    return (yield from check_dataset(wb.dataset(dataset), Limits(tiny_px=tiny_px), near_bits, with_looks))


@operation(title="Repair")
def datasets_repair(
    wb: Workbench, dataset: str, check: Repairable, image_ids: list[int] = [], tiny_px: float = 4.0, near_bits: int = 4
) -> Work:
    """Repair what a check finds, as edits of each image that undo takes back.

    Moving images between splits (split_leakage) is the one repair that is not an edit of an image.

    Args:
        dataset: dataset name, from datasets_list.
        check: which findings to repair, from datasets_check.
        image_ids: only these images; empty takes all that have the finding.
        tiny_px: as given to datasets_check.
        near_bits: as given to datasets_check.

    Raises:
        NotFound: no such dataset.
        BadInput: the check cannot be repaired.
    """
    limits = Limits(tiny_px=tiny_px)
    return (yield from repair_dataset(wb.dataset(dataset), check, image_ids, limits, near_bits, wb.user))


@operation(writes=False)
def datasets_stats(wb: Workbench, dataset: str) -> dict:
    """Return a dataset's numbers: sizes, splits, classes, boxes, heat map, captions.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    return dataset_stats(wb.dataset(dataset))
