"""What models answer, as the canvas reads it."""

from __future__ import annotations

import numpy as np
import pytest

from tator.runtime.answers import candidate, known
from tator.types import Detections, Mask


def found(pixels: np.ndarray, **data) -> Detections:
    height, width = pixels.shape
    columns = {name: np.array([value]) for name, value in data.items()}
    mask = Mask(10, 20, pixels.astype(bool))
    xyxy = np.array([[10, 20, 10 + width, 20 + height]], np.float32)
    return Detections(xyxy, np.array([0.5], np.float32), np.array([-1]), (mask,), columns)


def test_a_candidate_traces_its_mask():
    answer = candidate(found(np.ones((2, 3))), 0)
    assert answer["xyxy"] == [10, 20, 13, 22] and answer["confidence"] == 0.5
    assert sorted(zip(*[iter(answer["polygons"][0][0])] * 2, strict=True)) == [(10, 20), (10, 22), (13, 20), (13, 22)]


def test_a_candidate_without_a_mask_has_no_polygons():
    assert candidate(Detections.of([[1, 2, 3, 4]]), 0) == {"xyxy": [1, 2, 3, 4], "polygons": None, "confidence": None}


@pytest.mark.parametrize(("least_pixels", "is_traced"), [(1, True), (2, False)])
def test_a_mask_of_one_pixel_counts_where_the_verb_says_so(least_pixels: int, is_traced: bool):
    answer = candidate(found(np.ones((1, 1))), 0, least_pixels=least_pixels)
    assert (answer["polygons"] is not None) == is_traced


def test_holes_are_filled_where_asked():
    ring = np.ones((3, 3))
    ring[1, 1] = 0
    assert [len(candidate(found(ring), 0, fill_holes=fill)["polygons"][0]) for fill in (False, True)] == [2, 1]


def test_points_that_a_candidate_contradicts_are_told_where_they_were_counted():
    assert candidate(found(np.ones((1, 1)), points_broken=2), 0)["points_broken"] == 2
    assert "points_broken" not in candidate(found(np.ones((1, 1))), 0)


def test_a_confidence_that_no_model_gave_is_none():
    assert known(np.float32(np.nan)) is None and known(np.float32(0)) == 0
