"""One object, one shape: what a new box or outline means for the rest of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tator.editing.rows import Row
from tator.types import BadInput, Mask, Polygon
from tator.vision.masks import box_of, of_dense, of_rle, to_rle
from tator.vision.tiles import extent

DECIMALS = 4  # of a pixel
FITS = 0.01  # pixels by which an outline may differ from a box that it fills
TURN = 0.05  # degrees by which an angle may differ from the one that is kept
SQUARE = 0.02  # cosine of the angle between two sides up to which they count as square

Box = Sequence[float]


def reshaped(row: Row, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes of an annotation and what follows from them.

    A new box takes outline, mask and key points along; one that cannot follow is dropped. A new outline takes the box along
    where the client does not name it, and ends a mask. The angle of a turned box follows its corners, or goes where they
    are no turned box any more.

    Args:
        row: the annotation as it is.
        changes: fields as a client changes them; those that it names are kept as they are.
    """
    if not {"xyxy", "polygons"} & changes.keys():
        return changes
    more: dict[str, Any] = {}
    attributes = dict(row.get("attributes") or {})
    if "polygons" in changes:
        if row.get("rle"):
            more["rle"] = None
        if changes["polygons"] and "xyxy" not in changes:
            more |= _box_around(changes["polygons"])
    elif changes["xyxy"] != row["xyxy"]:
        more |= _followed(row, changes["xyxy"])
        if attributes.get("keypoints"):
            points = attributes["keypoints"]
            attributes["keypoints"] = [
                [*_placed([x, y], row["xyxy"], changes["xyxy"]), v] if v else [x, y, v] for x, y, v in points
            ]
    if "polygons" in changes and not changes["polygons"]:
        attributes.pop("rotation", None)  # a plain box again
    _turn(attributes, (row | more | changes).get("polygons"))
    if attributes != (row.get("attributes") or {}):
        more["attributes"] = attributes or None
    return more | changes


def _box_around(polygons: list[Polygon]) -> dict[str, Any]:
    x1, y1, x2, y2 = extent(polygons)
    return {"xyxy": [x1, y1, x2, y2]} if x1 < x2 and y1 < y2 else {}


def _followed(row: Row, new: Box) -> dict[str, Any]:
    """Return outline and mask as they are after their box became another."""
    more: dict[str, Any] = {}
    if (polygons := row.get("polygons")) and not _fits(extent(polygons), new):
        old = _source(row["xyxy"], extent(polygons))
        more["polygons"] = old and [[_placed(ring, old, new) for ring in rings] for rings in polygons]
    if rle := row.get("rle"):
        moved = _moved_mask(rle, row["xyxy"], new)
        more |= {} if moved == rle else {"rle": moved}
    return more


def _fits(outline: Box, box: Box) -> bool:
    """Return whether an outline fills a box already, so that it can stay as it is."""
    return all(abs(a - b) <= FITS for a, b in zip(outline, box, strict=True))


def _source(box: Box, outline: Box) -> Box | None:
    """Return what a new box replaces: the old box, or the outline's own.

    The outline's counts where it reaches out of the box.

    None where the outline is flat, so that it cannot be scaled.
    """
    if outline[0] >= outline[2] or outline[1] >= outline[3]:
        return None
    is_inside = all(outline[at] >= box[at] and outline[at + 2] <= box[at + 2] for at in (0, 1))
    return box if is_inside else outline


def _placed(values: Sequence[float], old: Box, new: Box) -> list[float]:
    """Return x, y, x, y, ... moved and scaled as the old box becomes the new one."""
    scale = [(new[axis + 2] - new[axis]) / (old[axis + 2] - old[axis]) for axis in (0, 1)]
    return [round(new[at % 2] + (value - old[at % 2]) * scale[at % 2], DECIMALS) for at, value in enumerate(values)]


def _moved_mask(rle: dict, box: Box, new: Box) -> dict | None:
    """Return run lengths moved and scaled to whole pixels; None where nothing is left."""
    try:
        mask = of_rle(rle)
    except BadInput:  # not run lengths: nothing that could be moved
        return None
    if mask is not None and _fits(box_of(mask).tolist(), new):
        return rle
    if mask is None or not (old := _source(box, box_of(mask).tolist())):
        return None
    placed = np.round(_placed(box_of(mask).tolist(), old, new)).astype(int)
    across, down = max(placed[2] - placed[0], 1), max(placed[3] - placed[1], 1)
    height, width = mask.data.shape
    rows, columns = ((np.arange(n) + 0.5) * size / n for n, size in ((down, height), (across, width)))
    moved: Mask | None = of_dense(mask.data[np.ix_(rows.astype(int), columns.astype(int))], *map(int, placed[:2]))
    return to_rle(moved, rle["size"][1], rle["size"][0]) if moved else None


def _turn(attributes: dict[str, Any], polygons: list[Polygon] | None) -> None:
    """Let the angle of a turned box follow its corners."""
    if "rotation" not in attributes or polygons is None:
        return
    angle = angle_of(polygons)
    if angle is None:
        del attributes["rotation"]
    elif abs((angle - attributes["rotation"] + 180) % 360 - 180) > TURN:
        attributes["rotation"] = angle


def angle_of(polygons: list[Polygon]) -> float | None:
    """Return the degrees clockwise, in [0, 360), by which a box was turned.

    None where the outline is not four corners with square angles.

    Args:
        polygons: the corners clockwise, the first being the top left one before turning.
    """
    if len(polygons) != 1 or len(polygons[0]) != 1 or len(polygons[0][0]) != 8:
        return None
    corners = np.reshape(polygons[0][0], (4, 2))
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*sides.T)
    cosines = np.abs((sides * np.roll(sides, -1, axis=0)).sum(1))
    if not lengths.all() or (cosines > SQUARE * lengths * np.roll(lengths, -1)).any():
        return None
    return round(math.degrees(math.atan2(sides[0][1], sides[0][0])) % 360, DECIMALS) % 360
