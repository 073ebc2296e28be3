"""Boxes of COCO files in the ways that tools write them, and the names that they give to images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.formats import Label
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
