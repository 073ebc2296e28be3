"""What is written for Label Studio, Scalabel and Hugging Face, their own code reads as it was meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tator.formats import Label
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.vision.masks import of_dense, to_rle
from tests.folders import picture
from tests.oracles import service_reads

pytestmark = pytest.mark.slow

RLE = to_rle(of_dense(np.ones((10, 8), bool), 30, 10), 64, 48)
LABELS = [
    Label(0, (4.0, 6.0, 24.0, 16.0), attributes={"occluded": True, "depth": 2.5}),
    Label(1, (4.0, 6.0, 24.0, 16.0), [[[4.0, 6.0, 24.0, 6.0, 24.0, 16.0]]]),
    Label(1, (30.0, 10.0, 38.0, 20.0), None, RLE, attributes={"crowd": True}),
]


def written(root: Path, format: str) -> Path:
    """Write two splits of one image each."""
    splits = {}
    for split in ("train", "val"):
        path = FORMATS[format].image_path(split, "a b.png")
        picture(root / path)
        splits[split] = [Written(path, "a b.png", split, 64, 48, LABELS, "Pets.", tags=["night"])]
    assert list(FORMATS[format].write(Folder(root), ["cat", "dog"], splits)) == [1, 2]
    return root


def test_label_studio_reads_what_is_written(tmp_path: Path):
    found = service_reads(written(tmp_path, "label_studio"), "label_studio")
    place = "/data/local-files/?d=images/{}/a%20b.png"
    boxes = [[place.format(split), name, 4, 6, 20, 10] for split in ("train", "val") for name in ("cat", "dog")]
    assert [row[:2] for row in found["boxes"]] == [row[:2] for row in boxes]
    assert [row[2:] for row in found["boxes"]] == [pytest.approx(row[2:], abs=1e-4) for row in boxes]
    assert found["masks"] == [80, 80]


def test_scalabel_reads_what_is_written(tmp_path: Path):
    found = service_reads(written(tmp_path, "bdd100k"), "scalabel")
    rows = [
        ["cat", 4, 6, 24, 16, 0, 0, {"occluded": True, "depth": 2.5}],
        ["dog", 4, 6, 24, 16, 3, 0, {}],
        ["dog", 30, 10, 38, 20, 0, 80, {"crowd": True}],
    ]
    assert found == {f"{split}/a b.png": rows for split in ("train", "val")}


def test_datasets_reads_what_is_written(tmp_path: Path):
    found = service_reads(written(tmp_path, "hf_objects"), "hugging_face")
    objects = {"bbox": [[4, 6, 20, 10], [4, 6, 20, 10], [30, 10, 8, 10]], "category": [0, 1, 1], "area": [200, 200, 80]}
    more = {"id": [0, 1, 2], "iscrowd": [False, False, True], "occluded": [True, None, None], "size": [64, 48]}
    assert found == {split: [objects | more] for split in ("train", "validation")}
