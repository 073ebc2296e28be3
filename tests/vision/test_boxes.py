"""Boxes: crops, movement and checked lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tator.types import BadInput
from tator.vision import boxes

corner = arrays(np.float32, (5, 2), elements=st.floats(0, 400, width=32))
size = arrays(np.float32, (5, 2), elements=st.floats(1, 300, width=32))
some_boxes = st.builds(lambda at, sides: np.concatenate([at, at + sides], axis=1).astype(np.float32), corner, size)


@settings(deadline=None)
@given(some_boxes)
def test_crop_is_never_empty_and_lies_in_the_image(xyxy):
    image = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    for box in [*xyxy, [-50, -50, -10, -10], [79.5, 59.5, 500, 500]]:
        found = boxes.crop(image, box, 0.1)
        assert 1 <= found.shape[0] <= 60 and 1 <= found.shape[1] <= 80


def test_crop_takes_the_pixels_that_the_box_touches():
    image = np.zeros((10, 10, 3), np.uint8)
    image[2:5, 3:7] = 1
    assert boxes.crop(image, [3, 2, 7, 5]).all() and boxes.crop(image, [3, 2, 7, 5]).shape == (3, 4, 3)
    assert boxes.crop(image, [3.4, 2.4, 6.1, 4.1]).shape == (3, 4, 3)


def test_jitter_moves_each_side_by_its_share_at_most():
    xyxy = np.tile(np.array([[10, 20, 110, 70]], np.float32), (500, 1))
    moved = boxes.jitter(xyxy, 0.15, np.random.default_rng(0)) - xyxy
    assert np.abs(moved[:, ::2]).max() <= 15.001 and np.abs(moved[:, 1::2]).max() <= 7.501
    assert moved.std(0).min() > 3


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, 2, 3], "4 numbers"),
        ([1, 2, float("nan"), 4], "nan"),
        ([1, 2, float("inf"), 4], "inf"),
        ([5, 5, 4, 9], "x1 < x2"),
        ([0, 0, 200, 10], "outside"),
        ([-30, 0, 10, 10], "outside"),
        ([1, 2, "3", 4], "'3'"),
        ([1, 2, True, 4], "True"),
        ([100.2, 10, 100.9, 20], "empty"),
    ],
)
def test_flat_lists_are_refused_by_name(values, told):
    with pytest.raises(BadInput, match="boxes") as refused:
        boxes.from_flat(values, 100, 50)
    assert told in str(refused.value)


def test_flat_lists_are_cut_to_the_image():
    assert boxes.from_flat([-0.5, 1, 100.5, 50], 100, 50).tolist() == [[0, 1, 100, 50]]
    assert boxes.from_flat([], 100, 50).shape == (0, 4)
