"""Masks, polygons and run lengths: exact round trips, against pycocotools."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tator.types import Mask
from tator.vision import masks

pixels = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14), elements=st.booleans())


def dense(mask: Mask | None, like: np.ndarray) -> np.ndarray:
    return np.zeros_like(like) if mask is None else masks.to_dense(mask, like.shape[1], like.shape[0])


@settings(deadline=None)
@given(pixels)
def test_polygons_without_tolerance_give_the_same_pixels(drawn):
    mask = masks.of_dense(drawn)
    if mask is not None:
        again = masks.of_polygons(masks.to_polygons(mask, 0), drawn.shape[1], drawn.shape[0])
        assert (dense(again, drawn) == drawn).all()


@settings(deadline=None)
@given(pixels)
def test_run_lengths_come_back_and_pycocotools_counts_the_same_area(drawn):
    from pycocotools import mask as coco

    mask = masks.of_dense(drawn)
    if mask is not None:
        rle = masks.to_rle(mask, drawn.shape[1], drawn.shape[0])
        assert (dense(masks.of_rle(rle), drawn) == drawn).all()
        assert coco.area({"size": rle["size"], "counts": rle["counts"].encode()}) == drawn.sum()


def ring() -> np.ndarray:
    drawn = np.zeros((40, 50), bool)
    drawn[5:35, 10:40] = True
    drawn[15:25, 20:30] = False
    return drawn


def test_a_hole_is_a_second_ring():
    polygons = masks.to_polygons(masks.of_dense(ring()), 0)
    assert len(polygons) == 1 and len(polygons[0]) == 2
    assert [masks.ring_area(one) for one in polygons[0]] == [900, 100]
    assert sorted(polygons[0][0][::2])[0] == 10 and sorted(polygons[0][0][::2])[-1] == 40


def test_components_are_polygons_largest_first():
    drawn = np.zeros((30, 30), bool)
    drawn[1:4, 1:4], drawn[10:25, 10:25] = True, True
    areas = [masks.ring_area(rings[0]) for rings in masks.to_polygons(masks.of_dense(drawn))]
    assert areas == [225, 9]


def test_tolerance_drops_corners_and_stays_near():
    y, x = np.mgrid[:200, :200]
    drawn = (x - 100) ** 2 + (y - 90) ** 2 < 70**2
    exact, simple = (masks.to_polygons(masks.of_dense(drawn), t)[0][0] for t in (0, 1.5))
    assert len(simple) < len(exact) / 4
    again = dense(masks.of_polygons([[simple]], 200, 200), drawn)
    assert (again & drawn).sum() / (again | drawn).sum() > 0.97


def test_a_concave_shape_is_not_made_convex():
    drawn = np.zeros((60, 60), bool)
    drawn[5:55, 5:15], drawn[45:55, 5:55] = True, True
    outline = masks.to_polygons(masks.of_dense(drawn), 1)[0][0]
    assert masks.ring_area(outline) == drawn.sum()


def test_holes_are_filled_up_to_a_size():
    mask = masks.of_dense(ring())
    assert masks.fill_holes(mask).data.all()
    assert not masks.fill_holes(mask, largest=99).data.all()
    assert masks.box_of(mask).tolist() == [10, 5, 40, 35]


def test_nothing_is_no_mask():
    assert masks.of_dense(np.zeros((4, 4), bool)) is None
    assert masks.of_polygons([], 4, 4) is None
    assert not masks.to_dense(Mask(50, 50, np.ones((3, 3), bool)), 10, 10).any()


@settings(deadline=None)
@given(pixels, st.integers(1, 30), st.integers(1, 30))
def test_a_resized_mask_has_the_pixels_that_it_lies_on(drawn, width, height):
    mask = masks.of_dense(drawn)
    rows, columns = np.arange(height) * drawn.shape[0] // height, np.arange(width) * drawn.shape[1] // width
    expected = drawn[rows[:, None], columns]
    if mask is not None:
        assert (dense(masks.resized(mask, drawn.shape[::-1], (width, height)), expected) == expected).all()
