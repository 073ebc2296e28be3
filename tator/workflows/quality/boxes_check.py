"""Find problems in the annotations of one image.

Pure functions of rows, NumPy inside.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tator.datasets.dataset import is_crowd
from tator.formats import SMALLEST
from tator.vision.boxes import EDGE, area
from tator.vision.masks import box_of_rle
from tator.vision.matching import intersection
from tator.vision.tiles import extent

SAME = 0.01  # pixels: boxes nearer than this are one box saved twice
INSIDE_SHARE = 0.98  # of a box's area inside another of its class: one object boxed twice
OFF_PX, OFF_SHARE = 2.0, 0.02  # a side may be this far from its outline's, in pixels or as a share of the box
CHUNK = 1000  # boxes compared with all others at once, so that memory stays flat

Found = tuple[str, list[str], str]  # check, annotation ids (what a repair acts on), detail


class AnnotationRow(Protocol):
    """A row of the annotation table, or a dictionary with its columns."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of a column."""


@dataclass(frozen=True)
class Limits:
    """What counts as wrong.

    Attributes:
        tiny_px: boxes with a side below this are tiny, in pixels.
        inside_share: a box with this share of its area inside another of its class is contained.
    """

    tiny_px: float = 4.0
    inside_share: float = INSIDE_SHARE


def check_rows(
    rows: Sequence[AnnotationRow], width: int, height: int, classes: Collection[int], limits: Limits
) -> Iterator[Found]:
    """Yield the problems of an image's annotations.

    Each comes with the ids that a repair would change.

    Args:
        rows: of the annotation table, oldest first.
        width: of the image in pixels; 0 where unknown.
        height: of the image in pixels.
        classes: ids in the label map.
        limits: what counts as wrong.
    """
    sound = []
    for row in rows:
        if row["class_id"] not in classes:
            yield "class_out_of_range", [row["id"]], f"class {row['class_id']} is not in the label map"
        if is_crowd(row):  # a region holds boxes of its class, and that is right
            continue
        found = _one_box(row, width, height, limits)
        if found:
            yield found
        if not found or found[0] == "tiny_boxes":
            sound.append(row)
        for ring in (ring for polygon in row["polygons"] or () for ring in polygon):
            if crossing := first_crossing(ring):
                yield "crossing_polygons", [row["id"]], f"near {crossing[0]:.0f}, {crossing[1]:.0f}"
                break
        if (off := box_off_outline(row)) is not None:
            yield "box_off_outline", [row["id"]], off
    yield from _pairs(sound, limits)


def box_off_outline(row: AnnotationRow) -> str | None:
    """Return how far a box is from its outline or mask, or None where they agree."""
    outer, box = outline_box(row), [row["x1"], row["y1"], row["x2"], row["y2"]]
    if outer is None or any(value is None or not math.isfinite(value) for value in box):
        return None
    off = np.abs(np.subtract(outer, box))
    sides = np.tile([box[2] - box[0], box[3] - box[1]], 2)
    if (off <= np.maximum(OFF_PX, OFF_SHARE * sides)).all():
        return None
    return f"a side is {off.max():.1f} pixels off"


def outline_box(row: AnnotationRow) -> tuple[float, float, float, float] | None:
    """Return the xyxy box around an annotation's outline or mask.

    None where it has none, or one without an area.
    """
    if row["polygons"]:
        x1, y1, x2, y2 = extent(row["polygons"])
    elif row["rle"]:
        x1, y1, x2, y2 = box_of_rle(row["rle"])
    else:
        return None
    return (x1, y1, x2, y2) if all(map(math.isfinite, (x1, y1, x2, y2))) and x1 < x2 and y1 < y2 else None


def _one_box(row: AnnotationRow, width: int, height: int, limits: Limits) -> Found | None:
    box = [row["x1"], row["y1"], row["x2"], row["y2"]]
    if any(value is None or not math.isfinite(value) for value in box):
        return "not_finite", [row["id"]], str(box)
    x1, y1, x2, y2 = box
    if x2 - x1 < SMALLEST or y2 - y1 < SMALLEST:
        return "zero_area", [row["id"]], f"{x2 - x1:g} x {y2 - y1:g} pixels"
    if width and (min(x1, y1) < -EDGE or x2 > width + EDGE or y2 > height + EDGE):
        return "outside", [row["id"]], f"{x1:.0f} {y1:.0f} {x2:.0f} {y2:.0f} in {width} x {height}"
    if min(x2 - x1, y2 - y1) < limits.tiny_px:
        return "tiny_boxes", [row["id"]], f"{x2 - x1:.1f} x {y2 - y1:.1f} pixels"
    return None


def _pairs(rows: Sequence[AnnotationRow], limits: Limits) -> Iterator[Found]:
    """Yield boxes that equal an older one of their class or lie inside a larger."""
    by_class: dict[int, list[int]] = {}
    for at, row in enumerate(rows):
        by_class.setdefault(row["class_id"], []).append(at)
    for places in by_class.values():
        if len(places) < 2:
            continue
        boxes = np.array([[rows[at][side] for side in ("x1", "y1", "x2", "y2")] for at in places])
        copies = set()
        for older, newer in _equal(boxes):
            copies.add(newer)
            yield "duplicate_boxes", [rows[places[newer]]["id"]], f"equals {rows[places[older]]['id']}"
        for outer, inner in _contained(boxes, limits.inside_share):
            if inner not in copies and outer not in copies:
                yield "contained_boxes", [rows[places[inner]]["id"]], f"inside {rows[places[outer]]['id']}"


def _equal(boxes: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Yield (older, newer) of equal boxes, each newer one once."""
    first: dict[tuple, int] = {}
    for at, box in enumerate(np.round(boxes / SAME).astype(np.int64).tolist()):
        key = tuple(box)
        if key in first:
            yield first[key], at
        else:
            first[key] = at


def _contained(boxes: NDArray[np.float64], share: float) -> Iterator[tuple[int, int]]:
    """Yield (outer, inner) where a larger box holds this share of the inner one.

    Each inner box comes once.
    """
    areas = area(boxes)
    order = np.argsort(boxes[:, 0], kind="stable")
    for start in range(0, len(order), CHUNK):  # of neighbours from left to right, with the few boxes that reach them
        rows = order[start : start + CHUNK]
        left, right = boxes[rows, 0].min(), boxes[rows, 2].max()
        others = np.flatnonzero((boxes[:, 2] > left) & (boxes[:, 0] < right))
        shared = intersection(boxes[rows], boxes[others])
        is_inner = (shared >= share * areas[rows, None]) & (areas[None, others] > areas[rows, None])
        for at in np.flatnonzero(is_inner.any(1)):
            yield int(others[is_inner[at].argmax()]), int(rows[at])


def first_crossing(flat: Sequence[float]) -> tuple[float, float] | None:
    """Return where a ring crosses itself, or None.

    Edges that only touch or overlap do not cross.

    Args:
        flat: corners x0, y0, x1, ...
    """
    import shapely

    points = np.asarray(flat, np.float64).reshape(-1, 2)
    is_finite = np.isfinite(points).all()
    if len(points) < 4 or (is_finite and shapely.Polygon(points).is_valid):  # most are, and it costs little to ask
        return None
    ends = np.roll(points, -1, axis=0)
    is_edge = np.isfinite(points).all(1) & np.isfinite(ends).all(1) & (points != ends).any(1)
    edges = shapely.linestrings(np.stack([points, ends], axis=1)[is_edge])
    pairs = shapely.STRtree(edges).query(edges, predicate="crosses")
    if not pairs.size:
        return None
    where = shapely.intersection(*edges[pairs[:, 0]])
    return where.x, where.y
