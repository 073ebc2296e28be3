"""COCO run lengths as files have them: as numbers or as packed text."""

from __future__ import annotations

import re
from typing import Any

from tator.types import BadInput
from tator.vision.masks import area_of_rle as rle_area
from tator.vision.masks import box_of_rle as rle_box
from tator.vision.run_lengths import pack_counts, unpack_counts

__all__ = ["checked_rle", "rle_area", "rle_box"]

_NUMBERS = re.compile(r"\[?\s*\d{1,10}([\s,]+\d{1,10})+\s*\]?")
_BYTES = re.compile(r"b'[^']*'|b\"[^\"]*\"", re.DOTALL)


def checked_rle(given: Any, width: int, height: int) -> dict:
    """Return run lengths of any spelling, checked in full, as packed COCO RLE.

    {"size": [h, w], "counts": packed text}. Counts may be numbers, COCO's packed text, numbers as text, or bytes; a
    missing size is the image's.

    Raises:
        BadInput: wrong size, or counts that do not cover the image exactly.
    """
    size = given.get("size") or [height, width] if isinstance(given, dict) else given
    if not isinstance(given, dict) or size != [height, width]:
        raise BadInput(f"run lengths are for size {str(size)[:40]}; expected [{height}, {width}]")
    runs = _runs(given.get("counts"))
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise BadInput("run lengths must be whole numbers of 0 or more")
    if sum(runs) != width * height:
        raise BadInput(f"run lengths cover {sum(runs)} pixels; expected {width * height}")
    return {"size": [height, width], "counts": pack_counts(runs)}


def _runs(counts: Any) -> Any:
    """Return the numbers that counts of any spelling stand for; others as they are."""
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if isinstance(counts, list):
        return [int(run) if isinstance(run, float) and run.is_integer() else run for run in counts]
    if not isinstance(counts, str):
        return counts
    if _NUMBERS.fullmatch(counts):
        return [int(run) for run in re.findall(r"\d+", counts)]
    if _BYTES.fullmatch(counts):  # Python's spelling of bytes, which a script took for text
        counts = counts[2:-1].replace("\\\\", "\\")
    return unpack_counts(counts).tolist()
