"""Tiles: they cover the image and never leave it; what is cut out of boxes, outlines and masks is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.exporting.tiling import MIN_VISIBLE, cut
from tator.formats import Label
from tator.types import BadInput, Mask
from tator.vision import masks, tiles

SIDE = 96
grids = st.tuples(
    st.integers(1, 300), st.integers(1, 300), st.integers(8, 128), st.floats(0, tiles.MOST_OVERLAP)
).filter(lambda grid: grid[0] * grid[1] < 100 * grid[2] ** 2)
corners = st.tuples(st.integers(0, SIDE), st.integers(0, SIDE))
places = st.tuples(st.integers(0, SIDE - 8), st.integers(0, SIDE - 8), st.integers(8, 64)).map(
    lambda at: (at[0], at[1], min(at[0] + at[2], SIDE), min(at[1] + at[2], SIDE))
)


@given(grids)
def test_tiles_cover_the_image_and_never_leave_it(grid: tuple):
    width, height, size, overlap = grid
    found = tiles.tiles_of(width, height, size, overlap)
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in found.tolist():
        assert (right - left, bottom - top) == (min(size, width), min(size, height))
        assert left >= 0 and top >= 0 and right <= width and bottom <= height
        covered[top:bottom, left:right] = True
    assert covered.all() and len(np.unique(found, axis=0)) == len(found)


def test_the_last_tile_is_aligned_to_the_edge_and_the_others_stand_a_stride_apart():
    found = tiles.tiles_of(1000, 640, 640, 0.25)
    assert found.tolist() == [[0, 0, 640, 640], [360, 0, 1000, 640]]
    assert tiles.tiles_of(1600, 10, 640, 0.25)[:, 0].tolist() == [0, 480, 960]
    assert tiles.tiles_of(30, 20, 640).tolist() == [[0, 0, 30, 20]]


@pytest.mark.parametrize("grid", [(10, 10, 0, 0.2), (10, 10, 4, -0.1), (10, 10, 4, 0.95), (10, 10, 4, float("nan"))])
def test_impossible_tiles_are_refused(grid: tuple):
    with pytest.raises(BadInput, match="tiles need"):
        tiles.tiles_of(*grid)


def test_too_many_tiles_are_refused_before_they_are_made():
    with pytest.raises(BadInput, match="larger tiles"):
        tiles.tiles_of(10**9, 10**9, 32)


@given(st.lists(places, min_size=1, max_size=4), places)
def test_a_box_touches_the_tiles_it_shares_area_with(boxes: list, tile: tuple):
    for box in boxes:
        shared = max(min(box[2], tile[2]) - max(box[0], tile[0]), 0) * max(
            min(box[3], tile[3]) - max(box[1], tile[1]), 0
        )
        assert len(tiles.touched(np.array([tile]), box)) == (shared > 0)
        if shared:
            x1, y1, x2, y2 = tiles.clip_box(box, tile)
            assert (x2 - x1) * (y2 - y1) == shared
            assert (x1 + tile[0], y1 + tile[1]) == (max(box[0], tile[0]), max(box[1], tile[1]))


def dense(polygons: list, tile: tuple) -> np.ndarray:
    width, height = tile[2] - tile[0], tile[3] - tile[1]
    mask = masks.of_polygons(polygons, width, height)
    return np.zeros((height, width), bool) if mask is None else masks.to_dense(mask, width, height)


@settings(deadline=None)
@given(
    st.lists(corners, min_size=3, max_size=9, unique=True),
    st.lists(corners, min_size=3, max_size=5, unique=True),
    places,
)
def test_a_clipped_outline_has_the_pixels_that_it_has_in_the_image(outline: list, hole: list, tile: tuple):
    """Rings that may cross themselves and each other; corners off the pixel grid, so that no centre is on an edge."""
    rings = [
        [value + 0.21 + 0.13 * (at % 5) for at, value in enumerate(np.ravel(ring).tolist())] for ring in (outline, hole)
    ]
    whole = masks.of_polygons([rings], SIDE + 2, SIDE + 2)
    expected = np.zeros((SIDE + 2, SIDE + 2), bool) if whole is None else masks.to_dense(whole, SIDE + 2, SIDE + 2)
    polygons, area = tiles.clip_outline(tiles.outline_of([rings]), tile)
    found = dense(polygons, tile)
    assert (found != expected[tile[1] : tile[3], tile[0] : tile[2]]).sum() <= 1  # a centre may lie on a slanted edge
    for polygon in polygons:
        x1, y1, x2, y2 = tiles.extent([polygon])
        assert x1 >= 0 and y1 >= 0 and x2 <= tile[2] - tile[0] and y2 <= tile[3] - tile[1]
    drawn = sum(
        masks.ring_area(ring) * (1 if at == 0 else -1) for polygon in polygons for at, ring in enumerate(polygon)
    )
    assert drawn == pytest.approx(area, abs=0.05)


def test_a_concave_outline_falls_into_parts_and_a_hole_stays():
    comb = [0, 0, 90, 0, 90, 80, 70, 80, 70, 20, 20, 20, 20, 80, 0, 80]
    parts, area = tiles.clip_outline(tiles.outline_of([[comb]]), (0, 40, 96, 96))
    assert len(parts) == 2 and area == 2 * 20 * 40
    frame = [[10, 10, 80, 10, 80, 80, 10, 80], [30, 30, 60, 30, 60, 60, 30, 60]]
    (whole,), area = tiles.clip_outline(tiles.outline_of([frame]), (0, 0, 90, 90))
    assert len(whole) == 2 and area == 70 * 70 - 30 * 30
    ((ring,),), area = tiles.clip_outline(tiles.outline_of([frame]), (45, 0, 96, 96))
    assert len(ring) == 16 and area == 35 * 70 - 15 * 30


def test_overlapping_parts_count_once():
    left, right = [0, 0, 40, 0, 40, 20, 0, 20], [20, 0, 60, 0, 60, 20, 20, 20]
    assert tiles.outline_of([[left], [right]]).area == 60 * 20


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40), st.integers(1, 40), places)
def test_a_clipped_mask_has_the_pixels_that_it_has_in_the_image(x: int, y: int, width: int, height: int, tile: tuple):
    data = np.random.default_rng(x + width).random((height, width)) > 0.5
    whole = masks.to_dense(Mask(x, y, data), SIDE, SIDE)
    part = tiles.clip_mask(Mask(x, y, data), tile)
    expected = whole[tile[1] : tile[3], tile[0] : tile[2]]
    if part is None:
        assert not expected.any()
    else:
        assert (masks.to_dense(part, tile[2] - tile[0], tile[3] - tile[1]) == expected).all()


objects = st.tuples(st.floats(0, 0.98), st.floats(0, 0.98), st.floats(0.01, 1), st.floats(0.01, 1), st.booleans())


@settings(deadline=None)
@given(grids, objects)
def test_no_object_up_to_the_size_of_a_tile_is_lost(grid: tuple, drawn: tuple):
    width, height, size, overlap = grid
    x1, y1 = drawn[0] * width, drawn[1] * height
    x2, y2 = min(x1 + drawn[2] * size, width), min(y1 + drawn[3] * size, height)
    roof = [[[x1, y2, (x1 + x2) / 2, y1, x2, y2, (x1 + x2) / 2, (y1 + y2) / 2]]]
    label = Label(0, (x1, y1, x2, y2), roof if drawn[4] else None)
    assert any(part is not None for _, part in cut(label, tiles.tiles_of(width, height, size, overlap), MIN_VISIBLE))
