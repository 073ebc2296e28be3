"""Objects that tools draw in pixels: boxes, outlines, masks, key points.

A format's reader says what was drawn; here it becomes a label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tator.formats import Label
from tator.formats._gathered import Gathered
from tator.formats._rle import checked_rle, rle_box
from tator.formats._shapes import Place, box_label, extent, mask_label, outline_label
from tator.formats._turned import corners_of
from tator.types import BadInput, Mask, Polygon

RIGHT = 1e-6  # degrees below which a box is not turned


@dataclass(frozen=True)
class Drawn:
    """One object as a tool has it.

    Attributes:
        name: of its class, as `Gathered.name` noted it.
        box: x1, y1, x2, y2.
        turn_deg: by which the box is turned about its centre, clockwise.
        rings: outline and holes of each part, flat.
        mask: its pixels.
        rle: COCO run lengths of the whole image.
        points: key points [x, y, v].
        attributes: see tator.attributes.
        confidence: in [0, 1], or None.
    """

    name: str
    box: Sequence[float] | None = None
    turn_deg: float = 0.0
    rings: Sequence[Sequence[Sequence[float]]] = ()
    mask: Mask | None = None
    rle: Any = None
    points: Sequence[Sequence[float]] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    confidence: float | None = None


class DrawnSource(Gathered):
    """Base of readers whose entries are `Drawn`."""

    def _label(self, entry: Drawn, place: Place) -> Label | None:
        """Return an object as a label, or None after noting why it is not one."""
        index = self._numbered(entry.name, place)
        if index is None:
            return None
        label = _shape(index, entry, place)
        if label is None:
            return None
        attributes = entry.attributes | (label.attributes or {})
        if entry.points:
            attributes["keypoints"] = [[float(x), float(y), int(v)] for x, y, v in entry.points]
        return replace(label, attributes=attributes or None, confidence=entry.confidence)


def _shape(index: int, drawn: Drawn, place: Place) -> Label | None:
    if drawn.rle is not None:
        return _run_lengths(index, drawn.rle, place)
    if drawn.mask is not None:
        return mask_label(index, _inside(drawn.mask, place), place)
    if drawn.rings:
        return _parts(index, drawn.rings, place)
    if drawn.box is not None:
        return _box(index, drawn.box, drawn.turn_deg, place)
    seen = [value for x, y, v in drawn.points if v for value in (float(x), float(y))]
    if len(seen) < 4 or not all(map(math.isfinite, seen)):
        place.drop("shape without an area", f"{len(seen) // 2} key points: {drawn.name[:80]}")
        return None
    return box_label(index, extent(seen), place)


def _box(index: int, box: Sequence[float], turn_deg: float, place: Place) -> Label | None:
    if not math.isfinite(turn_deg) or not all(map(math.isfinite, box)):
        return box_label(index, (math.nan,) * 4, place)
    turn = turn_deg % 360
    if min(turn, 360 - turn) < RIGHT:
        return box_label(index, box, place)
    corners = corners_of(box, turn)
    label = box_label(index, extent(corners), place)
    return label and replace(label, polygons=[[corners]], attributes={"rotation": turn})


def _parts(index: int, parts: Sequence[Sequence[Sequence[float]]], place: Place) -> Label | None:
    """Return outlines with their holes as one label; bad ones are noted and left out."""
    kept: list[Polygon] = []
    boxes = []
    for outline, *holes in parts:
        part = outline_label(index, [outline], place)
        if part is None:
            continue
        inner = [hole for ring in holes if (hole := outline_label(index, [ring], place))]
        kept.append([ring for each in (part, *inner) for ring in (each.polygons or [[]])[0]])
        boxes.append(part.xyxy)
    if not kept:
        return None
    low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
    return Label(index, (float(low[0]), float(low[1]), float(high[2]), float(high[3])), kept)


def _inside(mask: Mask, place: Place) -> Mask | None:
    """Return what of a mask lies in the image; None where that is no pixel."""
    left, top = max(-mask.x, 0), max(-mask.y, 0)
    pixels = mask.data[top : max(place.height - mask.y, 0), left : max(place.width - mask.x, 0)]
    if pixels.sum() < mask.data.sum():
        place.repair("clipped to the image", "mask")
    ys, xs = pixels.nonzero()
    if not len(xs):
        return None
    y, x = int(ys.min()), int(xs.min())
    return Mask(mask.x + left + x, mask.y + top + y, pixels[y : ys.max() + 1, x : xs.max() + 1])


def _run_lengths(index: int, rle: Any, place: Place) -> Label | None:
    try:
        checked = checked_rle(rle, place.width, place.height)
    except BadInput as error:
        place.drop("mask refused", str(error))
        return None
    if not any(box := rle_box(checked)):
        place.drop("zero area", "mask")
        return None
    return Label(index, box, None, checked)
