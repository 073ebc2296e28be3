"""What an annotation of a COCO file means: one row becomes a label.

Source: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tator.formats import Label, fit_box, fit_confidence
from tator.formats._coco_attributes import attributes_of, keypoints_of
from tator.formats._coco_ids import id_key
from tator.formats._coco_shapes import all_finite, parsed, shape_of
from tator.formats._rle import rle_box
from tator.formats._shapes import Place, box_ring, extent, number
from tator.formats._turned import angle_of, corners_of
from tator.types import Polygon

SAME_TURN = 3.0  # degrees by which corners rounded to whole pixels may differ from the angle beside them
XYXY = 0  # Detectron2's number of the way to write a box by its corners
RIGHT = 1e-6  # degrees below which a box is not turned


@dataclass(frozen=True)
class Dialect:
    """What a file means by its rows.

    Attributes:
        indices: {category id: our index}.
        points: {our index: how many key points the class has}.
        marks_masks: whether `iscrowd` says only that an object has run lengths.
    """

    indices: Mapping[str, int]
    points: Mapping[int, int] = field(default_factory=dict)
    marks_masks: bool = False


def label_of(row: dict, dialect: Dialect, place: Place) -> Label | None:
    """Return one annotation as a label, or None after noting why not.

    Args:
        row: as the file has it.
        dialect: of the file.
        place: the image, and where notes go.
    """
    index = dialect.indices.get(id_key(row.get("category_id")))
    if index is None:
        place.drop("class out of range", f"category {str(row.get('category_id'))[:40]}")
        return None
    polygons, rle = shape_of(row.get("segmentation"), place)
    attributes = attributes_of(row, dialect.marks_masks)
    score = row.get("score", attributes.pop("score", None))
    points = keypoints_of(row, dialect.points.get(index, 0), place)
    if points:
        attributes["keypoints"] = points
    corners = _corners(row, attributes) or _around(row, polygons, rle, points, place)
    if corners is None:
        return None
    if "rotation" in attributes:
        corners, polygons = _turned(corners, polygons, rle, attributes, place)
    box = fit_box(corners, place.width, place.height, place.report, place.file)
    if box is None:
        return None
    confidence = None if score is None else fit_confidence(score, place.report, place.file)
    return Label(index, box, polygons, rle, confidence, attributes or None)


def _corners(row: Mapping[str, Any], attributes: dict) -> tuple[float, ...] | None:
    """Return COCO's x, y, width, height as xyxy.

    Detectron2 also writes corners, which `bbox_mode` says, and centre, size and degrees anticlockwise, which go into the
    attributes. Numbers may be text; those that are not finite stay so, to be named by fit_box.

    Source: https://detectron2.readthedocs.io/en/latest/modules/structures.html, BoxMode.
    """
    bbox = parsed(row.get("bbox"))
    if not isinstance(bbox, list) or len(bbox) not in (4, 5) or not {int, float, str}.issuperset(map(type, bbox)):
        return None
    x, y, w, h, *turn = bbox if all_finite(bbox) else map(number, bbox)
    if turn:
        attributes["rotation"] = -turn[0]
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return (x, y, w, h) if row.get("bbox_mode") == XYXY else (x, y, x + w, y + h)


def _around(
    row: dict, polygons: list[Polygon] | None, rle: dict | None, points: list | None, place: Place
) -> tuple[float, ...] | None:
    """Return the box around what is drawn, or None after noting that nothing is."""
    corners: tuple[float, ...] | None = None
    if polygons:
        corners = extent([value for polygon in polygons for ring in polygon for value in ring])
    elif rle and any(box := rle_box(rle)):
        corners = box
    elif seen := [value for x, y, v in points or () if v for value in (x, y)]:
        corners = extent(seen)
    if corners is None:
        place.drop("no box", f"bbox {str(row.get('bbox'))[:80]}; expected [x, y, width, height]")
    else:
        place.repair("box taken from the shape")
    return corners


def _turned(
    corners: tuple[float, ...], polygons: list[Polygon] | None, rle: dict | None, attributes: dict, place: Place
) -> tuple[tuple[float, ...], list[Polygon] | None]:
    """Return box and outline of an object whose attributes have an angle.

    CVAT gives the box before turning and no outline; an outline of four corners is turned already. Any other shape has no
    angle.
    """
    given = attributes.pop("rotation")
    turn = float(given) % 360 if all_finite((given,)) else math.nan
    if min(turn, 360 - turn) < RIGHT:
        return corners, polygons
    if math.isnan(turn) or rle or not all(map(math.isfinite, corners)):
        told = "a mask is not turned" if rle else "expected degrees"
        place.repair("rotation left out", f"{str(given)[:40]}; {told}")
        return corners, polygons
    is_upright = not polygons or turn % 90 > RIGHT and _is_box(polygons, corners)
    if polygons and not is_upright and (drawn := _rectangle(polygons, turn)) is not None:
        attributes["rotation"] = turn
        return corners, [[drawn]]
    if not is_upright:
        place.repair("rotation left out", f"{turn:g}; the outline is no rectangle turned by it")
        return corners, polygons
    attributes["rotation"] = turn
    ring = corners_of(corners, turn)
    return extent(ring), [[ring]]


def _rectangle(polygons: Sequence[Polygon], turn: float) -> list[float] | None:
    """Return the corners of an outline that is a box turned by an angle, else None.

    The first is the one that is top left before turning.
    """
    ring = _open(polygons[0][0])
    if len(polygons) > 1 or len(ring) != 8:
        return None
    backwards = [value for at in (3, 2, 1, 0) for value in ring[2 * at : 2 * at + 2]]
    for flat in (ring, backwards):
        for start in range(0, 8, 2):
            rolled = flat[start:] + flat[:start]
            found = angle_of(rolled)
            if found is not None and abs((found - turn + 180) % 360 - 180) <= SAME_TURN:
                return rolled
    return None


def _is_box(polygons: Sequence[Polygon], corners: Sequence[float]) -> bool:
    """Return whether an outline is no more than its box."""
    ring = _open(polygons[0][0])
    places = set(zip(*[(round(v, 1) for v in ring[at::2]) for at in (0, 1)], strict=True))
    box = box_ring(tuple(corners))
    return len(polygons) == 1 and places == set(zip(*[(round(v, 1) for v in box[at::2]) for at in (0, 1)], strict=True))


def _open(ring: list[float]) -> list[float]:
    """Return a ring without a last corner that repeats the first."""
    return ring[:-2] if len(ring) > 2 and ring[:2] == ring[-2:] else ring
