"""Outlines and masks of COCO's `segmentation`, in every spelling of tools.

COCO has a list of flat outlines or run lengths. Met too: one flat outline, outlines of pairs, outlines nested deeper or
named, run lengths in a list, and each of them as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tator.formats import SMALLEST
from tator.formats._rle import checked_rle
from tator.formats._shapes import Place, number
from tator.types import BadInput, Polygon
from tator.vision import masks

DEEPEST = 6  # levels of lists and names around an outline
NOTHING: tuple[Any, ...] = (None, [], [[]], {}, "", "[]", "null")


def shape_of(given: Any, place: Place) -> tuple[list[Polygon] | None, dict | None]:
    """Return a segmentation as polygons or as packed run lengths; both None for none.

    Args:
        given: as the file has it.
        place: the image, and where notes go.
    """
    if given in NOTHING:
        return None, None
    parts = list(_parts(parsed(given)))
    rings = [part for part in parts if isinstance(part, list)]
    runs = [part for part in parts if isinstance(part, dict)]
    if not parts:
        place.repair("segmentation left out", f"{str(given)[:80]}; expected outlines or run lengths")
    if rings and runs:
        place.repair("mask left out", "the annotation has outlines too")
    return (_polygons(rings, place), None) if rings else (None, _mask(runs, place))


def stated_size(entry: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the (width, height) a file states of an image; None without one.

    Args:
        entry: of the image.
        rows: annotations of it; run lengths state a size where the entry has none.
    """
    given = [number(entry.get(side)) for side in ("width", "height")]
    if all(map(_is_side, given)):
        return int(given[0]), int(given[1])
    for row in rows:
        shape = row.get("segmentation")
        size = shape.get("size") if isinstance(shape, dict) else None
        if isinstance(size, list) and len(size) == 2 and all(map(_is_side, map(number, size))):
            return int(size[1]), int(size[0])
    return None


def _is_side(value: float) -> bool:
    return 0 < value < 1e9


def parsed(given: Any) -> Any:
    """Return a list or an object that stands as text; anything else as it is."""
    if not isinstance(given, str) or given.strip()[:1] not in ("[", "{"):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _parts(given: Any, depth: int = 0) -> Iterator[list | dict]:
    """Yield flat outlines and run lengths at any depth."""
    if depth > DEEPEST or not isinstance(given, (list, dict)) or not given:
        return
    if isinstance(given, dict):
        if "counts" in given:
            yield given
        elif (ring := _columns(given)) is not None:
            yield ring
        else:
            yield from chain.from_iterable(_parts(value, depth + 1) for value in given.values())
    elif not _holds_more(given):
        yield given
    elif (ring := _pairs(given)) is not None:
        yield ring
    else:
        for value in given:
            yield from _parts(value, depth + 1) if isinstance(value, (list, dict)) else ([value],)


def _columns(given: dict) -> list | None:
    """Return corners given as a list of x and a list of y, flat."""
    for across, down in (("x", "y"), ("all_points_x", "all_points_y")):
        xs, ys = given.get(across), given.get(down)
        if isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys):
            return [value for pair in zip(xs, ys, strict=True) for value in pair]
    return None


def _pairs(given: list) -> list | None:
    """Return corners given one by one, flat."""
    if all(isinstance(corner, dict) and {"x", "y"} <= corner.keys() for corner in given):
        given = [[corner["x"], corner["y"]] for corner in given]
    is_pairs = all(isinstance(corner, list) and len(corner) == 2 and not _holds_more(corner) for corner in given)
    return list(chain.from_iterable(given)) if is_pairs else None


def _holds_more(values: Sequence[Any]) -> bool:
    return not {list, dict}.isdisjoint(map(type, values))


def _polygons(rings: Sequence[list], place: Place) -> list[Polygon] | None:
    """Return rings as polygons, one per outline; note bad ones."""
    kept = []
    for ring in rings:
        if len(ring) < 6 or len(ring) % 2 or not all_finite(ring):
            place.repair("polygon left out", "expected at least 3 corners x, y of finite numbers")
            continue
        flat = _inside(ring, place)
        if masks.ring_area(flat) < SMALLEST:
            place.repair("polygon left out", "zero area")
        else:
            kept.append([flat])
    return kept or None


def _inside(ring: list, place: Place) -> list[float]:
    """Return a ring cut to the image."""
    if min(ring) >= 0 and max(ring[0::2]) <= place.width and max(ring[1::2]) <= place.height:
        return list(map(float, ring))
    return [min(max(float(v), 0.0), float((place.width, place.height)[at % 2])) for at, v in enumerate(ring)]


def _mask(runs: Sequence[dict], place: Place) -> dict | None:
    """Return run lengths of one object as packed ones, or None after noting why not."""
    kept = []
    for given in runs:
        try:
            kept.append(checked_rle(given, place.width, place.height))
        except BadInput as error:
            place.repair("mask left out", str(error))
    if len(kept) < 2:
        return kept[0] if kept else None
    pixels = np.zeros((place.height, place.width), bool)
    for mask in map(masks.of_rle, kept):
        pixels |= masks.to_dense(mask, place.width, place.height) if mask else False
    whole = masks.of_dense(pixels)
    return masks.to_rle(whole, place.width, place.height) if whole else None


def all_finite(values: Sequence[Any]) -> bool:
    """Return whether all values are numbers that can be drawn."""
    try:
        return {int, float}.issuperset(map(type, values)) and all(map(math.isfinite, values))
    except OverflowError:  # a whole number of hundreds of digits
        return False
