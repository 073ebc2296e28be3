"""LabelMe and X-AnyLabeling: shapes of four corners, groups, flags, and what else a shape says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.formats import Label, labelme
from tator.formats._turned import corners_of
from tator.formats.table import open_source
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written
from tests.folders import picture, text

SIZE = (200, 100)
TURNED = corners_of((60, 30, 100, 50), 20)


def read(root: Path, *shapes: dict, **more):
    picture(root / "a.png", SIZE)
    content = {"shapes": list(shapes), "imagePath": "a.png", "imageWidth": SIZE[0], "imageHeight": SIZE[1], **more}
    text(root / "a.json", json.dumps(content))
    source = open_source(Tree.of(root))
    return source, source.labels("a.png", *SIZE)


def shape(kind: str, points: list, **more) -> dict:
    return {"label": "dog", "points": points, "shape_type": kind, **more}


def pairs(flat: list[float]) -> list[list[float]]:
    return [[x, y] for x, y in zip(flat[0::2], flat[1::2], strict=True)]


BOX = [[10, 10], [50, 10], [50, 40], [10, 40]]


@pytest.mark.parametrize("kind", ["rectangle", "rotation", "quadrilateral", "oriented_rectangle"])
@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("backwards", [False, True])
def test_four_corners_of_a_box_are_a_box_from_any_corner_and_either_way(tmp_path: Path, kind, start, backwards):
    corners = BOX[start:] + BOX[:start]
    source, [label] = read(tmp_path, shape(kind, corners[::-1] if backwards else corners))
    assert (label.xyxy, label.polygons, label.attributes) == ((10, 10, 50, 40), None, None)
    assert not source.report.counts["dropped"]


def test_a_turned_box_is_an_outline_with_its_angle_and_any_other_quad_an_outline(tmp_path: Path):
    skew = [[10, 60], [50, 62], [48, 90], [8, 70]]
    _, [turned, quad] = read(tmp_path, shape("rotation", pairs(TURNED), direction=0.35), shape("quadrilateral", skew))
    assert turned.polygons[0][0] == pytest.approx(TURNED, abs=1e-3)
    assert turned.attributes == {"rotation": pytest.approx(20, abs=1e-3)}
    assert quad.attributes is None and quad.polygons[0][0][:2] == [10, 60]


def test_what_else_a_shape_says_is_kept(tmp_path: Path):
    facts = {
        "flags": {"wet": True, "old": False},
        "attributes": {"colour": "red"},
        "description": "behind the tree",
        "difficult": True,
        "score": 0.75,
        "group_id": 4,
        "kie_linking": [[1, 2]],
    }
    source, [label] = read(
        tmp_path, shape("rectangle", BOX, **facts), flags={"night": True, "day": False, "caption": "A street"}
    )
    expected = {"wet": True, "old": False, "colour": "red", "text": "behind the tree", "difficult": True, "group": 4}
    assert (label.attributes, label.confidence) == (expected, 0.75)
    assert (source.tags, source.captions) == ({"a.png": ["night"]}, {"a.png": "A street"})
    assert source.report.counts["noticed"] == {"links between objects are not kept": 1}


@pytest.mark.parametrize(
    "points", [BOX[:3], BOX + [[1, 1]], [[1, 1], [math.nan, 2], [3, 3], [4, 4]], [[1], [2], [3], [4]]]
)
def test_other_numbers_of_corners_are_refused_by_name(tmp_path: Path, points: list):
    source, labels = read(tmp_path, shape("rectangle", points), shape("rectangle", BOX))
    assert len(labels) == 1 and sum(source.report.counts["dropped"].values()) == 1


NAMES = st.sampled_from(["colour", "occluded", "truncated", "group", "text", "difficult", "track", "crowd"])
VALUES = {
    "colour": st.sampled_from(["red", "blau"]),
    "group": st.integers(0, 9),
    "track": st.integers(0, 9),
    "text": st.just("hi"),
}


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from([0.0, 15.0, 200.0]))
def test_attributes_tags_and_angles_come_back_as_they_were_written(tmp_path_factory, data: st.DataObject, turn: float):
    root = tmp_path_factory.mktemp("labelme")
    facts = {name: data.draw(VALUES.get(name, st.just(True))) for name in data.draw(st.sets(NAMES))}
    ring = corners_of((60, 30, 100, 50), turn)
    shown = facts | ({"rotation": turn} if turn else {})
    box = min(ring[0::2]), min(ring[1::2]), max(ring[0::2]), max(ring[1::2])
    label = Label(0, box, [[ring]] if turn else None, None, data.draw(st.none() | st.just(0.5)), shown or None)
    image = Written("a.png", "a.png", "train", *SIZE, [label], None, tags=["night"])
    list(labelme.write(Folder(root), ["dog"], {"train": [image]}))
    picture(root / "a.png", SIZE)
    source = open_source(Tree.of(root))
    [found] = source.labels("a.png", *SIZE)
    assert found.xyxy == pytest.approx(box, abs=1e-3) and found.confidence == label.confidence
    assert (found.attributes or {}) == pytest.approx(shown, abs=1e-3) if turn else (found.attributes or {}) == facts
    assert source.tags == {"a.png": ["night"]}
