"""Check what a person points at: points, boxes and examples, as flat numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tator.protocols import Prompt
from tator.types import BadInput, Detections
from tator.vision.boxes import EDGE, Boxes, from_flat, numbers

MOST_BOXES = 5_000  # of one call
MOST_POINTS = 200
MOST_EXEMPLARS = 100


def make_prompt(
    width: int,
    height: int,
    positive: Sequence[float],
    negative: Sequence[float],
    box: Sequence[float],
    class_id: int = -1,
) -> Prompt:
    """Return the checked prompt of an image.

    Args:
        width: of the image in pixels.
        height: of the image in pixels.
        positive: points on the object, flat x, y, x, y, ... in pixels.
        negative: points off the object, likewise.
        box: loose box x1, y1, x2, y2 in pixels; empty for none.
        class_id: class the object probably has; -1 for none.

    Raises:
        BadInput: no prompt, or a number outside the image.
    """
    on, off = checked_points(positive, width, height, "positive"), checked_points(negative, width, height, "negative")
    if len(box) not in (0, 4):
        raise BadInput(f"box must be empty or x1, y1, x2, y2, has {len(box)} numbers")
    if not len(box) and not len(on):
        raise BadInput("a prompt needs a box or at least one positive point")
    labels = np.arange(len(on) + len(off)) < len(on)
    loose = from_flat(box, width, height, "box")[0] if box else None
    return Prompt(np.concatenate([on, off]), labels, loose, class_id)


def checked_points(values: Sequence[float], width: int, height: int, name: str) -> NDArray[np.float32]:
    """Return (P, 2) points in the image.

    Raises:
        BadInput: an odd count, too many, not finite or outside the image.
    """
    if len(values) % 2 or len(values) > 2 * MOST_POINTS:
        raise BadInput(f"{name} must hold x, y of up to {MOST_POINTS} points, has {len(values)} numbers")
    points = numbers(values, name).reshape(-1, 2)
    for x, y in points:
        if not (-EDGE <= x <= width + EDGE and -EDGE <= y <= height + EDGE):
            raise BadInput(f"{name}: point ({x:g}, {y:g}) lies outside the image of {width} x {height} pixels")
    return np.clip(points, 0, [width, height]).astype(np.float32)


def checked_boxes(values: Sequence[float], width: int, height: int) -> Boxes:
    """Return (N, 4) boxes in the image, at least one.

    Raises:
        BadInput: none, too many, malformed or outside the image.
    """
    if not 4 <= len(values) <= 4 * MOST_BOXES:
        raise BadInput(f"boxes must hold 1 to {MOST_BOXES} boxes of 4 numbers, has {len(values)} numbers")
    return from_flat(values, width, height)


def checked_exemplars(values: Sequence[float], positive: Sequence[bool], width: int, height: int) -> Detections:
    """Return example boxes with data["positive"].

    Raises:
        BadInput: too many, malformed, outside the image, or another number of flags.
    """
    if len(values) % 4 or len(values) > 4 * MOST_EXEMPLARS:
        raise BadInput(f"exemplars must hold up to {MOST_EXEMPLARS} boxes of 4 numbers, has {len(values)} numbers")
    count = len(values) // 4
    if positive and len(positive) != count:
        raise BadInput(f"exemplar_positive must have one value per box or be empty: {len(positive)} for {count} boxes")
    boxes = from_flat(values, width, height, "exemplars") if values else np.zeros((0, 4), np.float32)
    return Detections.of(boxes, positive=np.array(positive or [True] * count, bool))


def is_cut(values: Sequence[float], width: int, height: int) -> bool:
    """Return whether some of x, y, x, y, ... lie past an image and so were clipped."""
    return any(not 0 <= value <= (width, height)[i % 2] for i, value in enumerate(values))
