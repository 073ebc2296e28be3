"""What a row of a YOLO label file may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_SHARE = 2.0  # of the image, by which a row is still one that is only wrong: it is read, and refused by name


def is_number(token: str) -> bool:
    """Return whether a token is a number."""
    try:
        float(token)
    except ValueError:
        return False
    return True


def is_row(row: Sequence[str]) -> bool:
    """Return whether a row could be a label: a class number, then shares of the image."""
    if len(row) < 5 or not all(map(is_number, row)):
        return False
    index, *values = map(float, row[:5])
    return (
        index >= 0
        and index == int(index)
        and not any(math.isfinite(value) and abs(value) > MOST_SHARE for value in values)
    )
