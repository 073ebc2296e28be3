"""Datumaro's COCO is read, attributes and key points and segments too, and it reads ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats._shapes import extent
from tator.formats._turned import corners_of
from tator.vision.masks import area_of_rle
from tests.formats.test_coco_written import BOX, MASK, POINTS, RING, written
from tests.oracles import BESIDE, run_python
from tests.reading import dropped, read_folder

pytestmark = pytest.mark.slow

WRITE = """
import sys
import numpy as np
from datumaro import AnnotationType, Bbox, Caption, Dataset, DatasetItem, Image, LabelCategories, Mask, Points, PointsCategories, Polygon
pixels = np.zeros((48, 64), bool)
pixels[20:30, 30:50] = True
shapes = [
    Bbox(20, 16, 20, 12, label=1, id=1, group=1, attributes={"occluded": True, "colour": "red", "rotation": 30.0}),
    Polygon([4, 30, 24, 30, 24, 40], label=0, id=2, group=2),
    Mask(pixels, label=1, id=3, group=3),
    Bbox(40, 2, 10, 10, label=1, id=4, group=4),
    Points([42, 4, 46, 8], [1, 2], label=1, id=4, group=4),
    Caption("two", id=5),
]
joints = PointsCategories.from_iterable([(1, ["nose", "tail"], {(1, 2)})])
categories = {AnnotationType.label: LabelCategories.from_iterable(["cat", "dog"]), AnnotationType.points: joints}
items = [DatasetItem(id="a", subset="train", media=Image.from_numpy(np.zeros((48, 64, 3), np.uint8)), annotations=shapes)]
Dataset.from_iterable(items, categories=categories).export(sys.argv[1], "coco", save_media=True)
print("ANSWER")
"""

READ = """
import json, sys
from datumaro import AnnotationType, Dataset
found = Dataset.import_from(sys.argv[1], "coco_instances")
[item] = list(found)
rows = [[a.type.name, a.label, list(map(float, a.get_bbox())), float(a.get_area()), dict(a.attributes)] for a in item.annotations]
print("ANSWER" + json.dumps(rows))
"""


def datumaro(code: str, folder: Path) -> str:
    return run_python(code, str(folder), env=dict(os.environ), folder=folder.parent, python=str(BESIDE))


def test_what_datumaro_writes_is_read_once(tmp_path: Path):
    """It writes the objects into files of instances, of stuff, of key points and of segments."""
    datumaro(WRITE, tmp_path / "d")
    source, found = read_folder(tmp_path / "d")
    [(path, [turned, outline, mask, points])] = found.items()
    ring = corners_of((20, 16, 40, 28), 30)
    assert turned.attributes == {"occluded": True, "colour": "red", "rotation": 30.0}
    assert turned.polygons[0][0] == pytest.approx(ring) and turned.xyxy == pytest.approx(extent(ring))
    assert outline == Label(0, (4, 30, 24, 40), [[[4, 30, 24, 30, 24, 40]]])
    assert mask.xyxy == (30, 20, 50, 30) and area_of_rle(mask.rle) == 200 and mask.attributes is None
    assert points.attributes == {"keypoints": [[42, 4, 1], [46, 8, 2]]} and source.captions == {path: "two"}
    assert source.skeletons == {1: Skeleton(("nose", "tail"), ((0, 1),))} and not dropped(source)


def test_its_segments_alone_are_read(tmp_path: Path):
    datumaro(WRITE, tmp_path / "d")
    for file in (tmp_path / "d/annotations").glob("*.json"):
        if not file.name.startswith("panoptic"):
            file.unlink()
    source, found = read_folder(tmp_path / "d")
    [(_, [mask])] = found.items()
    assert source.format == "coco_panoptic" and mask.xyxy == (30, 20, 50, 30) and area_of_rle(mask.rle) == 200


def test_datumaro_reads_ours_with_attributes_and_crowds(tmp_path: Path):
    found = [
        Label(1, BOX, attributes={"occluded": True, "colour": "red", "track": 7}),
        Label(0, BOX, [[RING]], attributes={"keypoints": POINTS}),
        Label(1, BOX, rle=MASK, attributes={"crowd": True}),
    ]
    rows = json.loads(datumaro(READ, written(tmp_path / "out", "coco", found)))
    by_label = {(kind, index): (box, area, said) for kind, index, box, area, said in rows}
    assert by_label["polygon", 0][:2] == ([4, 6, 20, 10], 200) and by_label["mask", 1][1] == 168
    assert by_label["mask", 1][2]["is_crowd"] is True and by_label["polygon", 0][2]["is_crowd"] is False
    boxes = [said for kind, index, _, _, said in rows if (kind, index) == ("bbox", 1)]
    assert {"is_crowd": False, "occluded": True, "colour": "red", "track_id": 7} in boxes
