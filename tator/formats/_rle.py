"""COCO run lengths as files have them: as numbers or as packed text."""

from __future__ import annotations

from typing import Any

from tator.types import BadInput
from tator.vision.masks import area_of_rle as rle_area
from tator.vision.masks import box_of_rle as rle_box
from tator.vision.run_lengths import pack_counts, unpack_counts

__all__ = ["checked_rle", "rle_area", "rle_box"]


def checked_rle(given: Any, width: int, height: int) -> dict:
    """Return run lengths of any spelling, checked in full, as packed COCO RLE.

    {"size": [h, w], "counts": packed text}.

    Raises:
        BadInput: wrong size, or counts that do not cover the image exactly.
    """
    if not isinstance(given, dict) or given.get("size") != [height, width]:
        size = given.get("size") if isinstance(given, dict) else given
        raise BadInput(f"run lengths are for size {str(size)[:40]}; expected [{height}, {width}]")
    counts = given.get("counts")
    runs = unpack_counts(counts).tolist() if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise BadInput("run lengths must be whole numbers of 0 or more")
    if sum(runs) != width * height:
        raise BadInput(f"run lengths cover {sum(runs)} pixels; expected {width * height}")
    return {"size": [height, width], "counts": pack_counts(runs)}
