"""Turn the shapes that tools draw into labels, and labels into rings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tator.formats import SMALLEST, Label, Report, fit_box
from tator.types import Mask, Polygon
from tator.vision import masks

CIRCLE_CORNERS = 64  # of a circle read as an outline: its area is 0.2 % short of the circle's


@dataclass(frozen=True)
class Place:
    """Where a shape is read: the image it lies in, and where notes about it go.

    Attributes:
        width: of the image in pixels.
        height: of the image in pixels.
        report: takes the notes.
        file: named in them.
        line: named in them; None where lines mean nothing.
    """

    width: int
    height: int
    report: Report
    file: str
    line: int | None = None

    def drop(self, reason: str, detail: str = "") -> None:
        """Note something that is not imported."""
        self.report.drop(self.file, reason, detail, self.line)

    def repair(self, reason: str, detail: str = "") -> None:
        """Note something imported otherwise than written."""
        self.report.repair(self.file, reason, detail, self.line)

    def notice(self, reason: str, detail: str = "") -> None:
        """Note something that a person should look at."""
        self.report.notice(self.file, reason, detail, self.line)


def number(value: object) -> float:
    """Return a number of any spelling, also with a decimal comma; NaN if malformed."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return math.nan
    try:
        return float(value.replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return math.nan


def box_label(index: int, xyxy: Sequence[float], place: Place) -> Label | None:
    """Return a box as a label cut to the image; None after noting why it is not one."""
    box = fit_box(xyxy, place.width, place.height, place.report, place.file, place.line)
    return box and Label(index, box)


def mask_label(index: int, mask: Mask | None, place: Place) -> Label | None:
    """Return a mask in the image as a label with run lengths.

    None after noting that it has no pixel.
    """
    if mask is None:
        place.drop("zero area", "mask")
        return None
    x1, y1, x2, y2 = map(float, masks.box_of(mask))
    return Label(index, (x1, y1, x2, y2), None, masks.to_rle(mask, place.width, place.height))


def ordered(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
    """Return the box of two opposite corners in any order; NaN stays NaN."""
    if math.isnan(x1 + y1 + x2 + y2):
        return x1, y1, x2, y2
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def outline_label(index: int, rings: Sequence[Sequence[float]], place: Place) -> Label | None:
    """Return outlines as one label, or None after noting why they are none.

    A bad outline among good ones is left out.

    Args:
        index: number of the class in the source.
        rings: outlines of one object's parts, each flat x0, y0, x1, ... in pixels.
        place: where.
    """
    kept: list[Polygon] = []
    corners: list[float] = []
    for ring in rings:
        if len(ring) < 6 or len(ring) % 2 or not all(map(math.isfinite, ring)):
            place.drop("polygon refused", f"{len(ring)} numbers; expected x, y of at least 3 finite corners")
            continue
        flat = [min(max(float(v), 0.0), float((place.width, place.height)[at % 2])) for at, v in enumerate(ring)]
        if masks.ring_area(flat) < SMALLEST:
            place.drop("zero area", "polygon")
            continue
        kept.append([[round(value, 4) for value in flat]])
        corners += ring
    if not kept:
        return None
    box = fit_box(extent(corners), place.width, place.height, place.report, place.file, place.line)
    return box and Label(index, box, kept)


def extent(flat: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the box around flat corners x0, y0, x1, ..."""
    return min(flat[0::2]), min(flat[1::2]), max(flat[0::2]), max(flat[1::2])


def ellipse(cx: float, cy: float, rx: float, ry: float, turn_deg: float = 0.0) -> list[float]:
    """Return the outline of an ellipse turned clockwise on the screen, flat."""
    steps = (2 * math.pi * at / CIRCLE_CORNERS for at in range(CIRCLE_CORNERS))
    return turned([v for t in steps for v in (cx + rx * math.cos(t), cy + ry * math.sin(t))], turn_deg, cx, cy)


def turned(flat: Sequence[float], turn_deg: float, cx: float, cy: float) -> list[float]:
    """Return corners turned clockwise on the screen around a centre."""
    angle = math.radians(turn_deg) if math.isfinite(turn_deg) else math.nan  # a malformed one leaves no corner
    cosine, sine = math.cos(angle), math.sin(angle)
    pairs = ((x - cx, y - cy) for x, y in zip(flat[0::2], flat[1::2], strict=True))
    return [v for x, y in pairs for v in (cx + x * cosine - y * sine, cy + x * sine + y * cosine)]


def box_ring(xyxy: Sequence[float]) -> list[float]:
    """Return a box as a flat ring of four corners, clockwise from the upper left."""
    x1, y1, x2, y2 = xyxy
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def mask_of(label: Label, width: int, height: int) -> Mask | None:
    """Return the pixels of an outline or of run lengths.

    None for a plain box, and where they hold no pixel.

    Args:
        label: whose.
        width: of the image in pixels.
        height: of the image in pixels.
    """
    if not label.polygons:
        return masks.of_rle(label.rle) if label.rle else None
    x1, y1, x2, y2 = extent([value for polygon in label.polygons for value in polygon[0]])
    left, top = (
        max(math.floor(x1), 0),
        max(math.floor(y1), 0),
    )  # drawn in an array of its own extent: a photograph is far larger
    moved = [[[v - (left, top)[at % 2] for at, v in enumerate(ring)] for ring in polygon] for polygon in label.polygons]
    mask = masks.of_polygons(moved, min(math.ceil(x2), width) - left, min(math.ceil(y2), height) - top)
    return mask and replace(mask, x=mask.x + left, y=mask.y + top)


def polygons_of(label: Label) -> list[Polygon]:
    """Return a label's polygons, tracing its run lengths; [] for a plain box."""
    if label.polygons or not label.rle:
        return label.polygons or []
    mask = masks.of_rle(label.rle)
    return masks.to_polygons(mask, tolerance=0.5) if mask else []


def one_ring(polygons: Sequence[Polygon]) -> list[float]:
    """Return parts and holes as one flat ring, joined by cuts of no width.

    For formats with one ring per object.
    """
    if len(polygons) == len(polygons[0]) == 1:
        return list(polygons[0][0])
    rings = [list(ring) for polygon in polygons for ring in _wound(polygon)]
    joined = rings.pop(0)
    while rings:
        (_, at, start), index = min((_nearest(joined, ring), n) for n, ring in enumerate(rings))
        ring = rings.pop(index)
        loop = ring[2 * start :] + ring[: 2 * start]
        joined = joined[: 2 * at + 2] + loop + loop[:2] + joined[2 * at :]
    return joined


def _wound(polygon: Polygon) -> list[list[float]]:
    """Return the outline wound one way and the holes the other.

    A join then subtracts the holes.
    """
    clockwise = [masks.signed_ring_area(ring) > 0 for ring in polygon]
    return [ring if clockwise[at] == (at == 0) else _reversed(ring) for at, ring in enumerate(polygon)]


def _reversed(flat: Sequence[float]) -> list[float]:
    return [v for pair in list(zip(flat[0::2], flat[1::2], strict=True))[::-1] for v in pair]


def _nearest(ring: Sequence[float], other: Sequence[float]) -> tuple[float, int, int]:
    """Return (squared distance, corner of ring, corner of other) of the nearest pair."""
    import numpy as np

    a, b = np.reshape(ring, (-1, 2)), np.reshape(other, (-1, 2))
    apart = ((a[:, None] - b[None]) ** 2).sum(2)
    at, start = np.unravel_index(int(apart.argmin()), apart.shape)
    return float(apart[at, start]), int(at), int(start)
