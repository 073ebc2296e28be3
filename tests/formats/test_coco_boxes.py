"""Boxes of COCO files in the ways that tools write them, and the names that they give to images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.attributes import cleaned
from tator.formats import Label, Report
from tator.formats._coco_annotation import Dialect
from tator.formats._coco_attributes import Crowds, notes_of, skeleton_of, tags_of
from tator.formats._coco_shapes import stated_size
from tator.formats._turned import corners_of
from tests.folders import coco, picture, text
from tests.formats.test_coco_annotations import label
from tests.reading import dropped, read_folder


@pytest.mark.parametrize(("mode", "x2", "y2"), [(0, 20, 10), (1, 24, 16), (None, 24, 16)])
def test_detectron2_says_how_it_writes_a_box(mode: int | None, x2: float, y2: float):
    assert label({"bbox": [4, 6, 20, 10], "bbox_mode": mode})[0] == Label(0, (4, 6, x2, y2))


@pytest.mark.parametrize("turn", [30.0, -45.0, 120.0])
def test_five_numbers_are_centre_size_and_degrees_anticlockwise(turn: float):
    found, report = label({"bbox": [30, 22, 20, 12, turn], "bbox_mode": 4})
    assert found and found.attributes == {"rotation": pytest.approx(-turn % 360)} and not report.counts["repaired"]
    assert found.polygons and found.polygons[0][0] == pytest.approx(corners_of((20, 16, 40, 28), -turn))


@pytest.mark.parametrize(
    "entry",
    [
        {"file_name": "a.png"},
        {"filename": "a.png"},
        {"coco_url": "http://images.cocodataset.org/train2017/a.png"},
        {"file_name": "", "path": "/data/images/a.png"},
        {"file_name": None, "coco_url": "https://host/images/a.png?size=1"},
    ],
    ids=str,
)
def test_an_image_is_found_by_whatever_names_it(tmp_path: Path, entry: dict):
    picture(tmp_path / "images/a.png")
    content = json.loads(coco(["a.png"], [{}]))
    content["images"] = [{"id": 1, "width": 64, "height": 48} | entry]
    text(tmp_path / "lvis_v1_train.json", json.dumps(content))
    source, found = read_folder(tmp_path)
    assert len(found["images/a.png"] or []) == 1 and not dropped(source)


ODD = st.sampled_from([10**400, -(10**400), float("nan"), float("inf"), 1e308, "", "x", "[1", b"", True, None, 2**63])
VALUES = st.recursive(
    ODD | st.integers(-100, 100) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(("counts", "size", "x", "y", "a")), inner)
    ),
    max_leaves=12,
)
FIELDS = (
    *("bbox", "segmentation", "iscrowd", "score", "keypoints", "attributes", "category_id", "id", "bbox_mode"),
    *("rotation", "ignore", "occluded", "track_id", "free", "area", "image_id"),
)


@settings(max_examples=150, deadline=None)
@given(row=st.dictionaries(st.sampled_from(FIELDS), VALUES), names=st.integers(0, 3))
def test_any_annotation_is_read_or_named(row: dict, names: int):
    found, report = label(row, Dialect({"1": 0}, {0: names}, marks_masks=False))
    crowds = Crowds()
    crowds.see(row)
    assert crowds.are_masks in (True, False)
    assert (found is None) == bool(report.counts["dropped"])
    if found:
        x1, y1, x2, y2 = found.xyxy
        assert 0 <= x1 < x2 <= 64 and 0 <= y1 < y2 <= 48
        cleaned(found.attributes, report.repair)


@settings(max_examples=60, deadline=None)
@given(category=st.dictionaries(st.sampled_from(("keypoints", "skeleton", "name")), VALUES), entry=VALUES)
def test_any_category_and_size_are_read_or_named(category: dict, entry: object):
    skeleton_of(category, "a.json", Report())
    rows = [{"segmentation": entry}]
    stated_size({"width": entry, "height": entry, "tags": entry}, rows)
    tags_of({"tags": entry, "extra": entry})
    notes_of({"notes": entry})
