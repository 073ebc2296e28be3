"""Turned boxes: corners, angle, and the smallest one around points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tator.formats import Label
from tator.formats._shapes import box_ring, turned

SQUARE = 0.02  # by which sides and diagonals of a rectangle may differ, as a share: files round corners to pixels
ROUNDED = 1.0  # pixels by which corners rounded to whole ones may be off


def corners_of(xyxy: Sequence[float], turn_deg: float) -> list[float]:
    """Return the corners of a box turned clockwise about its centre, flat.

    The first is the one that is top left before turning.
    """
    x1, y1, x2, y2 = xyxy
    return turned(box_ring(xyxy), turn_deg, (x1 + x2) / 2, (y1 + y2) / 2)


def angle_of(corners: Sequence[float]) -> float | None:
    """Return by how many degrees a box of these corners is turned.

    It is clockwise, from 0 to less than 360. None where the four corners are no rectangle that runs clockwise, or where it is not turned.

    Args:
        corners: x1, y1, ... of four corners, the first being top left before turning.
    """
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = zip(corners[0::2], corners[1::2], strict=True)
    across, down = math.hypot(bx - ax, by - ay), math.hypot(dx - ax, dy - ay)
    slack = SQUARE * max(across, down) + ROUNDED
    is_even = abs(math.hypot(cx - dx, cy - dy) - across) <= slack and abs(math.hypot(cx - bx, cy - by) - down) <= slack
    is_square = abs(math.hypot(cx - ax, cy - ay) - math.hypot(dx - bx, dy - by)) <= slack
    runs_clockwise = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax) > 0
    if not (is_even and is_square and runs_clockwise and min(across, down) > 0):
        return None
    turn = math.degrees(math.atan2(by - ay, bx - ax)) % 360
    return turn if min(turn, 360 - turn) > 1e-6 else None


def turn_of(label: Label) -> float | None:
    """Return by how many degrees a label's outline is a turned box.

    None where it is none, or none any more, as the edge of the image cut it.
    """
    ring = label.polygons[0][0] if label.polygons else []
    return angle_of(ring) if len(ring) == 8 else None


def rectangle_of(flat: Sequence[float]) -> list[float]:
    """Return the corners of the smallest turned box around points, clockwise, flat."""
    import cv2
    import numpy as np

    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(flat, np.float32).reshape(-1, 2)))
    first = int((corners.sum(1)).argmin())
    return [float(value) for value in np.roll(corners, -first, axis=0).ravel()]
