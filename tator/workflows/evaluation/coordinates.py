"""Pixels and the thousand steps in which language models write coordinates.

Both directions use one convention: continuous edges, k = v / side * 999.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEPS = 999  # the largest step: there are 1000
NORM1000, PIXEL = "norm1000", "pixel"
_TOKEN = re.compile(r"<\|coord_(\d+)\|>")


def token_value(value: object) -> int | None:
    """Return the step that a coordinate token names, None where it is none."""
    found = _TOKEN.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found.group(1)) if found else None


def to_pixels(steps: Sequence[float] | NDArray[np.floating], width: int, height: int) -> NDArray[np.float64]:
    """Return flat x, y, x, y, ... in pixels, cut to the image, as floats."""
    values = np.asarray(steps, np.float64) / STEPS
    sides = np.resize([width, height], values.shape).astype(np.float64)
    return np.clip(values * sides, 0, sides)


def to_steps(xyxy: Sequence[float], width: int, height: int) -> list[int]:
    """Return a box in steps that contains it and has at least one step a side.

    Near edges are rounded down, far ones up.
    """
    x1, y1, x2, y2 = (float(v) / side * STEPS for v, side in zip(xyxy, (width, height, width, height), strict=True))
    left, right = _apart(int(np.floor(x1 + _SLACK)), int(np.ceil(x2 - _SLACK)))
    top, bottom = _apart(int(np.floor(y1 + _SLACK)), int(np.ceil(y2 - _SLACK)))
    return [left, top, right, bottom]


_SLACK = 1e-9  # a whole step stays itself although it was computed in floating point


def _apart(low: int, high: int) -> tuple[int, int]:
    """Return the two edges in range and at least one step apart."""
    low, high = min(max(low, 0), STEPS), min(max(high, 0), STEPS)
    if high > low:
        return low, high
    return (low, low + 1) if low < STEPS else (STEPS - 1, STEPS)
