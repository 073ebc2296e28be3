"""One object, one shape: box, outline, mask, key points and angle change together, told, and are taken back exactly."""
# ruff: noqa: F811 - pytest finds the imported fixtures by name

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.editing.edits import redo, undo
from tator.editing.reshaping import FITS, angle_of, reshaped
from tator.vision import masks
from tator.vision.tiles import extent
from tests.saving import HEIGHT, WIDTH, add, change, client, edit, image, new_image, rows, save, store  # noqa: F401

PART = st.floats(0, 1)
BOXES = st.tuples(st.floats(0, 40), st.floats(0, 30), st.floats(45, WIDTH), st.floats(35, HEIGHT)).map(list)
RINGS = st.lists(st.tuples(PART, PART), min_size=3, max_size=8)


def within(box: list[float], ring: list[tuple[float, float]]) -> list[float]:
    """Return the corners of a ring in 0..1 laid into a box that they touch on every side."""
    points = [*ring, (0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0)]
    x1, y1, x2, y2 = box
    return [v for x, y in points for v in (x1 + x * (x2 - x1), y1 + y * (y2 - y1))]


@settings(max_examples=60)
@given(BOXES, BOXES, RINGS)
def test_an_outline_fills_its_new_box_and_comes_back_with_the_old_one(old: list, new: list, ring: list):
    row = {"xyxy": old, "polygons": [[within(old, ring)]]}
    there = reshaped(row, {"xyxy": new})
    assert extent((row | there)["polygons"]) == pytest.approx(new, abs=1.1 * FITS)
    back = row | there | reshaped(row | there, {"xyxy": old})
    assert np.allclose(back["polygons"], row["polygons"], atol=0.02)


@pytest.mark.parametrize("new", [[10, 10, 40, 40], [30, 20, 60, 50], [0, 0, 90, 70], [50, 50, 53, 54]])
def test_a_mask_is_moved_and_scaled_with_its_box(store, image, new: list):
    rng = np.random.default_rng(3)
    data = rng.random((30, 30)) < 0.7
    data[0, 0] = data[-1, -1] = True
    rle = masks.to_rle(masks.of_dense(data, 10, 10), WIDTH, HEIGHT)
    row = {"xyxy": [10.0, 10.0, 40.0, 40.0], "polygons": None, "rle": rle}
    moved = reshaped(row, {"xyxy": [float(v) for v in new]}).get("rle", rle)
    assert moved["size"] == [HEIGHT, WIDTH]
    box = masks.box_of(masks.of_rle(moved)).tolist()
    assert np.abs(np.subtract(box, new)).max() <= 3
    if new[2] - new[0] == 30:
        assert np.array_equal(masks.of_rle(moved).data, data), "a move keeps every pixel"


def test_each_change_is_told_and_taken_back(store, image):
    ring, key = [10.0, 10.0, 30.0, 10.0, 30.0, 20.0], f"k{image}"
    save(store, image, 0, edit(1, add(key, xyxy=[10, 10, 30, 20], polygons=[[ring]])))
    before = rows(store, image)
    told = save(store, image, 1, edit(2, change(key, xyxy=[20, 10, 40, 20])))
    assert told["warnings"] == ["outlines_moved"]
    [row] = rows(store, image)
    assert row["polygons"] == [[[20, 10, 40, 10, 40, 20]]]
    told = save(store, image, 2, edit(3, change(key, polygons=[[[1, 2, 5, 2, 5, 9]]])))
    assert told["warnings"] == ["boxes_fitted"] and rows(store, image)[0]["xyxy"] == [1, 2, 5, 9]
    after = rows(store, image)
    both = change(key, xyxy=[1, 2, 5, 9], polygons=[[[1, 2, 5, 2, 5, 9]]])
    assert "warnings" not in save(store, image, 3, edit(4, both)), "who names both says what is meant"
    for seq in (5, 6, 7):
        undo(store, image, client(image), seq)
    assert rows(store, image) == before
    for seq in (8, 9):
        told = redo(store, image, client(image), seq)
    assert rows(store, image) == after and told["ops"][0]["changes"]["xyxy"] == [1, 2, 5, 9]


def test_a_flat_outline_cannot_be_scaled_and_is_dropped(store, image):
    key, line = f"k{image}", [[[10, 15, 20, 15, 30, 15]]]
    save(store, image, 0, edit(1, add(key, xyxy=[10, 10, 30, 20], polygons=line)))
    told = save(store, image, 1, edit(2, change(key, xyxy=[0, 0, 50, 50])))
    assert told["warnings"] == ["outlines_dropped"] and rows(store, image)[0]["polygons"] is None
    undo(store, image, client(image), 3)
    assert rows(store, image)[0]["polygons"] == line


def turned(angle: float, centre=(50.0, 40.0), size=(30.0, 12.0)) -> list:
    """Return the polygons of a box turned clockwise by an angle."""
    turn = math.radians(angle)
    cos, sin, (w, h) = math.cos(turn), math.sin(turn), size
    ring = []
    for x, y in ((-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)):
        ring += [centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos]
    return [[ring]]


@given(st.floats(0, 359.9))
def test_the_angle_is_that_of_the_corners(angle: float):
    found = angle_of(turned(angle))
    assert found is not None and abs((found - angle + 180) % 360 - 180) < 0.01 and 0 <= found < 360


@pytest.mark.parametrize(
    "polygons", [[[[0, 0, 9, 0, 9, 5]]], [[[0, 0, 9, 0, 12, 5, 0, 5]]], [[[0, 0, 0, 0, 0, 0, 0, 0]]]]
)
def test_what_is_no_turned_box_has_no_angle(polygons: list):
    assert angle_of(polygons) is None


def test_an_angle_follows_its_corners_or_goes(store, image):
    shape, key = turned(30), f"k{image}"
    box = list(extent(shape))
    save(store, image, 0, edit(1, add(key, xyxy=box, polygons=shape, attributes={"rotation": 30.0, "text": "x"})))
    moved = [box[0] + 5, box[1] - 3, box[2] + 5, box[3] - 3]
    save(store, image, 1, edit(2, change(key, xyxy=moved)))
    assert rows(store, image)[0]["attributes"] == {"rotation": 30.0, "text": "x"}
    save(store, image, 2, edit(3, change(key, polygons=turned(75))))
    assert rows(store, image)[0]["attributes"]["rotation"] == pytest.approx(75, abs=0.01)
    save(store, image, 3, edit(4, change(key, xyxy=[0, 0, 90, 20])))
    assert rows(store, image)[0]["attributes"] == {"text": "x"}, "stretched, it is no turned box"
    for seq in (5, 6, 7):
        undo(store, image, client(image), seq)
    assert rows(store, image)[0]["attributes"] == {"rotation": 30.0, "text": "x"}


def test_key_points_go_with_their_box(store):
    image = new_image(store)
    points = {"keypoints": [[10, 10, 2], [30, 20, 1], [0, 0, 0]]}
    save(store, image, 0, edit(1, add("p", xyxy=[10, 10, 30, 20], attributes=points)))
    save(store, image, 1, edit(2, change("p", xyxy=[20, 10, 60, 30])))
    assert rows(store, image)[0]["attributes"] == {"keypoints": [[20, 10, 2], [60, 30, 1], [0, 0, 0]]}


@pytest.mark.parametrize("more", [{}, {"group": 3}])
def test_a_turned_box_that_becomes_a_plain_one_has_no_angle_any_more(more: dict):
    ring = [20.0, 10.0, 40.0, 30.0, 30.0, 40.0, 10.0, 20.0]
    row = {"xyxy": [10, 10, 40, 40], "polygons": [[ring]], "attributes": {"rotation": 45.0, **more}}
    assert reshaped(row, {"polygons": None}) == {"polygons": None, "attributes": more or None}
