"""Boxes as arrays: area, clipping and crops.

NumPy in, NumPy out; xyxy pixels, x2/y2 exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Image

Boxes = NDArray[np.float32]  # (N, 4) xyxy pixels
Float = TypeVar("Float", bound=np.floating)  # checks and crops compute in float64
ROUNDING = 0.5  # pixels a model's box may reach past the image before its clipping is told
EDGE = 1.0  # pixels a box may reach past the image before it is refused; less is rounding and is clipped


def area(xyxy: NDArray[Float]) -> NDArray[Float]:
    """Return (N,) areas in square pixels; inverted boxes count as 0."""
    return np.prod(np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0), axis=1)


def reaches_out(xyxy: NDArray[np.floating], width: int, height: int) -> NDArray[np.bool_]:
    """Return (N,) whether boxes reach past an image by more than rounding."""
    return (np.abs(xyxy - clip(xyxy, width, height)) > ROUNDING).any(1)


def clip(xyxy: NDArray[np.floating], width: int, height: int) -> Boxes:
    """Return the boxes cut to the image."""
    return np.clip(xyxy, 0, [width, height, width, height]).astype(np.float32)


def around(centres: NDArray[np.floating], sizes: NDArray[np.floating]) -> Boxes:
    """Return the boxes of (N, 2) sizes around (N, 2) centres, pixels."""
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).astype(np.float32)


def pad(xyxy: NDArray[Float], share: float) -> NDArray[Float]:
    """Return the boxes grown on each side by a share of their own width and height."""
    grow = (xyxy[:, 2:] - xyxy[:, :2]) * share
    return np.concatenate([xyxy[:, :2] - grow, xyxy[:, 2:] + grow], axis=1)


def jitter(xyxy: Boxes, share: float, rng: np.random.Generator) -> Boxes:
    """Return boxes with each side moved by up to ±`share` of the width or height."""
    sides = np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)
    return (xyxy + sides * rng.uniform(-share, share, xyxy.shape)).astype(np.float32)


def crop(image: Image, xyxy: Sequence[float], padding: float = 0.0) -> Image:
    """Return the pixels that a box touches, at least one, cut to the image.

    Args:
        image: (H, W, 3).
        xyxy: one box, pixels.
        padding: share of the box's size to add on each side.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = pad(np.asarray(xyxy, np.float64).reshape(1, 4), padding)[0]
    left, top = int(np.clip(np.floor(x1), 0, width - 1)), int(np.clip(np.floor(y1), 0, height - 1))
    right, bottom = int(np.clip(np.ceil(x2), left + 1, width)), int(np.clip(np.ceil(y2), top + 1, height))
    return image[top:bottom, left:right]


def from_flat(values: Sequence[float], width: int, height: int, name: str = "boxes") -> Boxes:
    """Return checked (N, 4) boxes of a flat list x1, y1, x2, y2, x1, ...

    Raises:
        BadInput: wrong length, not a finite number, inverted, or outside the image.
    """
    if len(values) % 4:
        raise BadInput(f"{name} must hold 4 numbers a box, has {len(values)}")
    boxes = numbers(values, name).reshape(-1, 4)
    for row in boxes:
        text = "[" + ", ".join(f"{value:g}" for value in row) + "]"
        if row[2] <= row[0] or row[3] <= row[1]:
            raise BadInput(f"{name}: {text} is not a box; it must be x1, y1, x2, y2 with x1 < x2 and y1 < y2")
        if (row[:2] < -EDGE).any() or (row[2:] > np.array([width, height]) + EDGE).any():
            raise BadInput(f"{name}: {text} lies outside the image of {width} x {height} pixels")
    clipped = clip(boxes, width, height)
    if (area(clipped) <= 0).any():
        raise BadInput(f"{name}: a box is empty after cutting it to the image of {width} x {height} pixels")
    return clipped


def numbers(values: Sequence[float], name: str) -> NDArray[np.float64]:
    """Return the values as an array.

    Raises:
        BadInput: one is not a finite number; the message names it.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise BadInput(f"{name} must be finite numbers, holds {value!r}")
    return np.asarray(values, np.float64)
