"""What a tile keeps of an annotation's attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tator.attributes import Attributes

HIDDEN = [0.0, 0.0, 0]  # a key point that is not labelled
DECIMALS = 3  # of a pixel


def cut_attributes(attributes: Attributes | None, tile: Sequence[float], is_whole: bool) -> Attributes | None:
    """Return the attributes of the part of an object that a tile shows.

    Key points are in the tile's pixels, those outside it as not labelled. A turned box that was cut is none any more, so
    its rotation goes.

    Args:
        attributes: of the object, in the image's pixels.
        tile: x1, y1, x2, y2 in the image.
        is_whole: whether the tile shows all of the object.
    """
    if not attributes or not attributes.keys() & {"keypoints", "rotation"}:
        return attributes
    kept: dict[str, Any] = {name: value for name, value in attributes.items() if name != "rotation" or is_whole}
    if "keypoints" in kept:
        kept["keypoints"] = [_point(point, tile) for point in kept["keypoints"]]
    return kept or None


def _point(point: Sequence[float], tile: Sequence[float]) -> list[float]:
    x, y, visible = point
    left, top, right, bottom = map(float, tile)
    if not visible or not (left <= x <= right and top <= y <= bottom):
        return list(HIDDEN)
    return [round(x - left, DECIMALS), round(y - top, DECIMALS), visible]


def hidden_count(before: Attributes | None, after: Attributes | None) -> int:
    """Return how many labelled key points a cut hid."""

    def labelled(attributes: Attributes | None) -> int:
        return sum(point[2] > 0 for point in (attributes or {}).get("keypoints", ()))

    return labelled(before) - labelled(after)
