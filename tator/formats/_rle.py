"""COCO run lengths: counts of off and on pixels, column by column.

They are written as numbers or as packed text.

Source: https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c, rleToString and rleFrString.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tator.types import BadInput


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
    runs = unpack_counts(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise BadInput("run lengths must be whole numbers of 0 or more")
    if sum(runs) != width * height:
        raise BadInput(f"run lengths cover {sum(runs)} pixels; expected {width * height}")
    return {"size": [height, width], "counts": pack_counts(runs)}


def unpack_counts(text: str) -> list[int]:
    """Return the run lengths that COCO packed into text.

    Raises:
        BadInput: the text is cut off or has foreign characters.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 60:
            raise BadInput("run lengths have characters that COCO does not use")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise BadInput("run lengths are cut off")
    return runs


def pack_counts(runs: Sequence[int]) -> str:
    """Return run lengths as COCO's packed text."""
    text = []
    for at, run in enumerate(runs):
        value = run - runs[at - 2] if at > 2 else run
        more = True
        while more:
            code, value = value & 31, value >> 5
            more = value != -1 if code & 16 else value != 0
            text.append(chr((code | 32 if more else code) + 48))
    return "".join(text)


def rle_box(rle: dict) -> tuple[float, float, float, float]:
    """Return the xyxy box in pixels around checked run lengths.

    All zero when no pixel is on.
    """
    height, width = rle["size"]
    x1, y1, x2, y2 = width, height, 0, 0
    at = 0
    for number, run in enumerate(unpack_counts(rle["counts"])):
        if number % 2 and run:
            first, last = at, at + run - 1
            x1, x2 = min(x1, first // height), max(x2, last // height + 1)
            whole = first // height != last // height
            y1, y2 = (0, height) if whole else (min(y1, first % height), max(y2, last % height + 1))
        at += run
    return (float(x1), float(y1), float(x2), float(y2)) if x2 else (0.0, 0.0, 0.0, 0.0)


def rle_area(rle: dict) -> int:
    """Return how many pixels are on."""
    return sum(unpack_counts(rle["counts"])[1::2])
