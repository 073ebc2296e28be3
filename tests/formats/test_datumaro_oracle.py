"""Datumaro reads what is written here, and what it writes is read here: neither reader nor writer is taken at its word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tator.formats import Label
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tests.folders import picture
from tests.oracles import BESIDE, datumaro_reads, run_python
from tests.reading import dropped, named_boxes, read_folder, told

pytestmark = pytest.mark.slow
SIZE = (64, 48)
CAT, DOG = (4.0, 6.0, 24.0, 16.0), (30.0, 20.0, 40.0, 40.0)
TURNED = [20.0, 10.0, 30.0, 20.0, 24.0, 26.0, 14.0, 16.0]

WRITES = """
import sys
import numpy as np
from datumaro import Bbox, Dataset, DatasetItem, Image, Mask
from datumaro.components.annotation import RotatedBbox
def pixels(x1, y1, x2, y2):
    found = np.zeros((48, 64), bool)
    found[y1:y2, x1:x2] = True
    return found
photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
boxes = [Bbox(4, 6, 20, 10, label=0, id=1, attributes={"track_id": 3, "visibility": 0.5, "occluded": True}),
         Bbox(30, 20, 10, 20, label=1, id=2, attributes={"track_id": 4, "visibility": 0.25})]
turned = [RotatedBbox(20, 20, 12, 6, 30, label=0, attributes={"difficulty": 1}), RotatedBbox(35, 30, 10, 20, 0, label=1)]
masks = [Mask(pixels(4, 6, 24, 16), label=1, id=1, group=1), Mask(pixels(30, 20, 40, 40), label=2, id=2, group=2)]
shapes, names = {
    "mot_seq_gt": (boxes, ["cat", "dog"]), "wider_face": (boxes, ["cat", "dog"]), "kitti_detection": (boxes, ["cat", "dog"]),
    "dota": (turned, ["cat", "dog"]),
}.get(sys.argv[2], (masks, ["background", "cat", "dog"]))
names_of = (str if sys.argv[2] == "mot_seq_gt" else "{:06d}".format)
items = [DatasetItem(id=names_of(n), subset="train", media=Image.from_numpy(photo), annotations=shapes) for n in (1, 2)]
Dataset.from_iterable(items, categories=names).export(sys.argv[1], sys.argv[2], save_media=True)
print("ANSWER")
"""

WRITTEN_BY_DATUMARO = {
    "mot_seq_gt": ("mot", [{"visibility": 0.5, "track": 1}, {"visibility": 0.25, "track": 2}]),
    "wider_face": ("wider", [{"occlusion": 1}, None]),
    "kitti_detection": ("kitti", [{"occlusion": 1}, None]),
    "dota": ("dota", [{"rotation": pytest.approx(30, abs=0.1), "difficult": True}, None]),
    "voc_segmentation": ("masks", [None, None]),
    "voc_instance_segmentation": ("masks", [None, None]),
    "camvid": ("masks", [None, None]),
    "cityscapes": ("masks", [None, None]),
    "kitti_segmentation": ("masks", [None, None]),
}


@pytest.mark.parametrize("exporter", WRITTEN_BY_DATUMARO)
def test_what_datumaro_writes_is_read(tmp_path: Path, exporter: str):
    root = tmp_path / "d"
    run_python(WRITES, str(root), exporter, env=dict(os.environ), folder=tmp_path, python=str(BESIDE))
    source, found = read_folder(root)
    format, attributes = WRITTEN_BY_DATUMARO[exporter]
    assert source.format == format and list(source.classes.values()) == ["cat", "dog"] and len(found) == 2
    assert not dropped(source), told(source)
    assert exporter == "mot_seq_gt" or set(source.splits.values()) == {"train"}
    cat = (13.3, 14.4, 26.7, 25.6) if exporter == "dota" else CAT
    for labels in found.values():
        assert named_boxes(source, labels) == [pytest.approx(("cat", *cat)), pytest.approx(("dog", *DOG))]
        assert [label.attributes for label in sorted(labels, key=lambda label: label.class_index)] == attributes


WRITTEN_HERE = {"dota": "dota", "kitti": "kitti_detection", "masks": "voc_segmentation"}


@pytest.mark.parametrize("format", WRITTEN_HERE)
def test_datumaro_reads_what_is_written(tmp_path: Path, format: str):
    known, splits = FORMATS[format], {}
    cat = Label(0, (14, 10, 30, 26), [[TURNED]]) if format == "dota" else Label(0, CAT)
    labels = [cat, Label(1, DOG), Label(1, (50, 2, 60, 12))]
    for split in ("train", "val"):
        for name in (f"{split}_1.png", f"{split}_2.png"):
            place = known.image_path(split, name)
            picture(tmp_path / place, SIZE)
            kept = labels if name.endswith("1.png") else labels[1:2]
            splits.setdefault(split, []).append(Written(place, name, split, *SIZE, kept))
    list(known.write(Folder(tmp_path), ["cat", "dog"], splits))
    read = datumaro_reads(tmp_path, WRITTEN_HERE[format])
    assert [name for name in read["labels"] if name in ("cat", "dog")] == ["cat", "dog"]
    assert sorted(read["items"]) == ["train_1", "train_2", "val_1", "val_2"]
    assert {read["subsets"][item][:5].removesuffix("_") for item in ("val_1", "val_2")} == {"val"}
    kind = {"dota": "rotated_bbox", "kitti": "bbox", "masks": "mask"}[format]
    for item, rows in read["items"].items():
        expected = (
            [("cat", *cat.xyxy), ("dog", *DOG), ("dog", 50, 2, 60, 12)] if item.endswith("1") else [("dog", *DOG)]
        )
        rows = [row for row in rows if row[1] in ("cat", "dog")]
        assert {row[0] for row in rows} == {kind}
        ends = [tuple(row[1:6]) for row in rows]
        assert sorted(ends) == [pytest.approx(row, abs=0.01) for row in expected], item
