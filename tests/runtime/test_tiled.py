"""Images in tiles: every object once, whole, with its mask, in the pixels of the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.models.owlv2 import Owlv2Base
from tator.runtime.tiled import BATCH, detect_tiled, find_tiled
from tator.types import BadInput, Detections, Image
from tator.vision.masks import box_of, of_dense
from tests import tiny


def blobs(crop: Image) -> Detections:
    """Return each colour of a crop as an object, class_id its red value."""
    boxes, masks, colours = [], [], [value for value in np.unique(crop[..., 0]) if value]
    for colour in colours:
        masks.append(of_dense(crop[..., 0] == colour))
        boxes.append(box_of(masks[-1]))
    shares = [float(mask.data.sum()) / crop[..., 0].size for mask in masks]
    return Detections(np.reshape(boxes, (-1, 4)).astype(np.float32), np.array(shares, np.float32),
                      np.array(colours, np.int64), tuple(masks))  # fmt: skip


@st.composite
def scenes(draw):
    width, height = draw(st.integers(30, 200)), draw(st.integers(30, 200))
    image, boxes = np.zeros((height, width, 3), np.uint8), []
    for colour in range(1, draw(st.integers(1, 6)) + 1):
        w, h = draw(st.integers(2, 12)), draw(st.integers(2, 12))
        x, y = draw(st.integers(0, width - w)), draw(st.integers(0, height - h))
        if not image[y : y + h, x : x + w].any():
            image[y : y + h, x : x + w] = colour
            boxes.append([x, y, x + w, y + h, colour])
    return image, sorted(boxes, key=lambda row: row[4])


@settings(max_examples=60, deadline=None)
@given(scene=scenes(), size=st.integers(32, 90))
def test_objects_smaller_than_the_overlap_are_found_once_and_whole(scene, size):
    image, boxes = scene
    every = detect_tiled(lambda crops: [blobs(crop) for crop in crops], image, size, overlap=0.5)
    every = every[np.argsort(every.class_id)]
    np.testing.assert_array_equal(np.column_stack([every.xyxy, every.class_id]), boxes)
    for xyxy, mask in zip(every.xyxy, every.mask or (), strict=True):
        np.testing.assert_array_equal(box_of(mask), xyxy)
        assert mask.data.all()


def test_tiles_are_asked_in_batches_and_bad_sizes_are_refused():
    asked: list[int] = []

    def detect(crops):
        asked.append(len(crops))
        return [Detections.empty() for _ in crops]

    image = np.zeros((100, 400, 3), np.uint8)
    assert len(detect_tiled(detect, image, 40, overlap=0.0)) == 0
    assert sum(asked) == 30 and max(asked) == BATCH
    with pytest.raises(BadInput, match="tiles need 1 pixel or more"):
        detect_tiled(detect, image, 0)


def test_a_finder_answers_each_phrase_over_all_tiles():
    finder, image = Owlv2Base(tiny.owlv2(), "cpu"), tiny.picture(160, 120)
    phrases = ["red box", "blue ball"]

    def find(crop: Image) -> list[Detections]:
        return finder.find(finder.embed(crop), phrases, Detections.empty(), 0.0)

    answers = find_tiled(find, image, 100)
    assert [set(answer.class_id.tolist()) for answer in answers] == [{0}, {1}]
    assert all(answer.xyxy[:, 2].max() > 100 and (answer.xyxy <= [160, 120, 160, 120]).all() for answer in answers)
    one = find_tiled(find, image, 200)
    for row, answer in enumerate(one):
        np.testing.assert_allclose(answer.xyxy, find(image)[row].xyxy, atol=1e-3)
