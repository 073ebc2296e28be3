"""Labels in the frame of the stored pixels, turned with an image that EXIF turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

from tator.attributes import Attributes
from tator.formats import Label, Report
from tator.formats._shapes import extent
from tator.types import Mask
from tator.vision import masks

ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4: how the stored pixels are turned to be upright
TURNS = (5, 6, 7, 8)  # those that exchange width and height
Size = tuple[int, int]


def stored_turn(root: Path, path: str, told: Size, upright: Size, report: Report, file: str) -> int:
    """Return how a label file's frame is turned to be upright, 0 for not at all.

    It is where the file states the size of the stored pixels of an image that EXIF turns. Any other size that differs from
    the image's is noted.

    Args:
        root: folder of the source.
        path: image in it.
        told: (width, height) that the file states.
        upright: (width, height) of the image as it is shown.
        report: takes the note.
        file: that states the size.
    """
    if told == upright:
        return 0
    turn = _orientation(root / path) if told == upright[::-1] else 0
    if turn in TURNS:
        report.repair(file, "labels turned with the image", f"{path}: made on the stored {told[0]} x {told[1]} pixels")
        return turn
    detail = f"{path}: file says {told[0]} x {told[1]}, the image is {upright[0]} x {upright[1]}"
    report.notice(file, "image size differs", detail)
    return 0


def _orientation(path: Path) -> int:
    try:
        with PIL.Image.open(path) as picture:
            return int(picture.getexif().get(ORIENTATION, 1))
    except (OSError, ValueError, TypeError, SyntaxError):
        return 0


def turned_labels(labels: Sequence[Label], turn: int, stored: Size) -> list[Label]:
    """Return labels of the stored frame in the upright one.

    Args:
        labels: in pixels of the stored frame.
        turn: EXIF orientation, one of TURNS; 0 leaves them.
        stored: (width, height) of the stored frame.
    """
    return [_turned(label, turn, stored) for label in labels] if turn else list(labels)


def _turned(label: Label, turn: int, stored: Size) -> Label:
    polygons = label.polygons and [[_points(ring, turn, stored) for ring in polygon] for polygon in label.polygons]
    x1, y1, x2, y2 = label.xyxy
    box = extent(_points([x1, y1, x2, y2], turn, stored))
    rle = label.rle and _rle(label.rle, turn, stored)
    return replace(label, xyxy=box, polygons=polygons, rle=rle, attributes=_attributes(label.attributes, turn, stored))


def _points(flat: Sequence[float], turn: int, stored: Size) -> list[float]:
    """Return x0, y0, x1, ... turned upright."""
    width, height = stored
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return [v for x, y in pairs for v in ((height - y) if turn in (6, 7) else y, (width - x) if turn in (7, 8) else x)]


def _rle(rle: dict, turn: int, stored: Size) -> dict | None:
    mask = masks.of_rle(rle)
    if mask is None:
        return None
    crop = mask.data
    upright = {5: crop.T, 6: np.rot90(crop, -1), 7: np.rot90(crop, 2).T, 8: np.rot90(crop)}[turn]
    left, top, _, _ = extent(_points(masks.box_of(mask).tolist(), turn, stored))
    return masks.to_rle(Mask(int(left), int(top), upright), stored[1], stored[0])


def _attributes(known: Attributes | None, turn: int, stored: Size) -> Attributes | None:
    """Return attributes with key points and angle turned.

    What is mirrored has no angle any more.
    """
    moved = dict(known or {})
    if points := moved.get("keypoints"):
        moved["keypoints"] = [[*_points(point[:2], turn, stored), point[2]] if point[2] else point for point in points]
    if "rotation" in moved:
        angle = (moved.pop("rotation") + (90 if turn == 6 else 270)) % 360
        moved |= {"rotation": angle} if turn in (6, 8) and angle else {}
    return moved or None
