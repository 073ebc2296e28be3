"""One object, one shape: what a new box or outline means for the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tator.editing.rows import Row

SAME_SCALE = 1e-3  # by which width and height may be scaled apart for a turned box to stay one


def reshaped(row: Row, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes of an annotation and what follows from them.

    A new box takes outline and key points along; run lengths, which describe the old shape, are dropped, and so is the
    angle of a turned box where it is one no longer.

    Args:
        row: the annotation as it is.
        changes: fields as a client changes them; those that it names are kept as they are.
    """
    if not {"xyxy", "polygons"} & set(changes):
        return changes
    more: dict[str, Any] = {"rle": None} if row.get("rle") and "rle" not in changes else {}
    attributes = dict(row.get("attributes") or {})
    if "xyxy" in changes and "polygons" not in changes:
        old, new = row["xyxy"], changes["xyxy"]
        if row.get("polygons"):
            more["polygons"] = [[_placed(ring, old, new) for ring in rings] for rings in row["polygons"]]
        if attributes.get("keypoints"):
            attributes["keypoints"] = [_placed(point, old, new) for point in attributes["keypoints"]]
        if not _is_rigid(old, new):
            attributes.pop("rotation", None)
    elif "polygons" in changes:
        attributes.pop("rotation", None)
    if "attributes" not in changes and attributes != (row.get("attributes") or {}):
        more["attributes"] = attributes or None
    return changes | more


def _placed(values: Sequence[float], old: Sequence[float], new: Sequence[float]) -> list[float]:
    """Return x, y, x, y, ... moved as the old box becomes the new one.

    Of an odd number of values the first two are a point, and the last stays as it is.
    """
    scale = [(new[axis + 2] - new[axis]) / (old[axis + 2] - old[axis]) for axis in (0, 1)]
    moved = [new[at % 2] + (value - old[at % 2]) * scale[at % 2] for at, value in enumerate(values)]
    return moved if len(values) % 2 == 0 else [*moved[:2], *values[2:]]


def _is_rigid(old: Sequence[float], new: Sequence[float]) -> bool:
    """Return whether both sides are scaled alike, so that right angles stay right."""
    across, down = ((new[axis + 2] - new[axis]) / (old[axis + 2] - old[axis]) for axis in (0, 1))
    return abs(across - down) <= SAME_SCALE * max(across, down)
