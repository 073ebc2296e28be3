"""What an annotation of a COCO file means: one row becomes a label.

Source: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tator.formats import SMALLEST, Label, fit_box, fit_confidence
from tator.formats._coco_ids import id_key
from tator.formats._rle import checked_rle, rle_box
from tator.formats._shapes import Place
from tator.types import BadInput, Polygon
from tator.vision import masks


def label_of(row: dict, indices: Mapping[str, int], place: Place) -> Label | None:
    """Return one annotation as a label, or None after noting why not.

    Args:
        row: as the file has it.
        indices: {category id: our index} of the file.
        place: the image, and where notes go.
    """
    index = indices.get(id_key(row.get("category_id")))
    if index is None:
        place.drop("class out of range", f"category {str(row.get('category_id'))[:40]}")
        return None
    if row.get("iscrowd") == 1:
        place.drop("crowd region", "a region of many objects is not a single object")
        return None
    shape = row.get("segmentation")
    polygons = _polygons(shape, place) if isinstance(shape, list) else None
    rle = _run_lengths(shape, place) if isinstance(shape, dict) else None
    corners = _corners(row.get("bbox"))
    if corners is None:
        corners = _extent(polygons) or (rle_box(rle) if rle else None)
        if not corners:
            place.drop("no box", f"bbox {str(row.get('bbox'))[:80]}; expected [x, y, width, height]")
            return None
        place.repair("box taken from the shape")
    box = fit_box(corners, place.width, place.height, place.report, place.file)
    if box is None:
        return None
    score = row.get("score")
    confidence = None if score is None else fit_confidence(score, place.report, place.file)
    return Label(index, box, polygons, rle, confidence)


def _run_lengths(shape: dict, place: Place) -> dict | None:
    """Return a segmentation as packed run lengths, or None after noting why not."""
    try:
        return checked_rle(shape, place.width, place.height)
    except BadInput as error:
        place.repair("mask left out", str(error))
        return None


def _polygons(shape: list, place: Place) -> list[Polygon] | None:
    """Return a segmentation list as polygons, one per outline; note bad ones."""
    kept = []
    for ring in shape:
        if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2 or not all(map(_is_finite, ring)):
            place.repair("polygon left out", "expected at least 3 corners x, y of finite numbers")
            continue
        flat = [min(max(float(v), 0.0), float((place.width, place.height)[at % 2])) for at, v in enumerate(ring)]
        if masks.ring_area(flat) < SMALLEST:
            place.repair("polygon left out", "zero area")
        else:
            kept.append([flat])
    return kept or None


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _corners(bbox: Any) -> tuple[float, ...] | None:
    """Return COCO's x, y, width, height as xyxy.

    Numbers that are not finite stay so, to be named by fit_box.
    """
    is_numbers = isinstance(bbox, list) and len(bbox) == 4 and all(isinstance(v, (int, float)) for v in bbox)
    return (bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]) if is_numbers else None


def _extent(polygons: list[Polygon] | None) -> tuple[float, ...] | None:
    xs = [x for polygon in polygons or [] for ring in polygon for x in ring[0::2]]
    ys = [y for polygon in polygons or [] for ring in polygon for y in ring[1::2]]
    return (min(xs), min(ys), max(xs), max(ys)) if xs else None
