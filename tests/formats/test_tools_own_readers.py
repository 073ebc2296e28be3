"""What the tools' own code writes is read, and what is written here their own code reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tests.folders import picture
from tests.oracles import BESIDE, darwin_reads, run_python, ultralytics_env, ultralytics_reads
from tests.reading import dropped, named_boxes, read_folder

pytestmark = pytest.mark.slow

DATUMARO = """
import sys
import numpy as np
from datumaro import Bbox, Caption, Dataset, DatasetItem, Image, Label, Mask, Points, Polygon
pixels = np.zeros((48, 64), bool)
pixels[6:16, 4:24] = True
shapes = [
    Bbox(4, 6, 20, 10, label=1, id=1, group=3, z_order=2, attributes={"occluded": True, "colour": "red"}),
    Polygon([4, 6, 24, 6, 24, 16], label=0, id=2, attributes={"is_crowd": True}),
    Mask(pixels, label=1, id=3),
    Points([4, 6, 24, 16], [1, 2], label=0, id=4),
    Label(0), Caption("two"),
]
items = [DatasetItem(id=f"far/{s}", subset=s, media=Image.from_numpy(np.zeros((48, 64, 3), np.uint8)), annotations=shapes) for s in ("train", "val")]
Dataset.from_iterable(items, categories=["cat", "dog"]).export(sys.argv[1], "datumaro", save_media=True)
print("ANSWER")
"""

ULTRALYTICS = """
import asyncio, json, sys
from pathlib import Path
from ultralytics.data.converter import convert_ndjson_to_yolo
made = Path(asyncio.run(convert_ndjson_to_yolo(sys.argv[1], sys.argv[2])))
print("ANSWER" + json.dumps({"yaml": made.read_text(), "rows": sorted(p.read_text() for p in made.parent.rglob("labels/*/*.txt"))}))
"""


def test_what_datumaro_writes_is_read(tmp_path: Path):
    run_python(DATUMARO, str(tmp_path / "d"), env=dict(os.environ), folder=tmp_path, python=str(BESIDE))
    source, found = read_folder(tmp_path / "d")
    assert source.format == "datumaro" and not dropped(source) and set(source.splits.values()) == {"train", "val"}
    assert list(source.classes.values()) == ["cat", "dog"] and len(found) == 2
    for path, labels in found.items():
        assert named_boxes(source, labels) == [
            pytest.approx((name, 4, 6, 24, 16)) for name in ("cat", "cat", "dog", "dog")
        ]
        kept = [label.attributes for label in labels if label.attributes]
        assert {"occluded": True, "colour": "red", "group": 3, "z": 2} in kept and {"crowd": True} in kept
        assert {"keypoints": [[4, 6, 1], [24, 16, 2]]} in kept
        assert source.captions[path] == "two" and source.tags[path] == ["cat"]


@pytest.mark.parametrize("is_outlined", [False, True])
def test_ultralytics_reads_our_ndjson_offline(tmp_path: Path, is_outlined: bool):
    ring = [4.0, 6.0, 24.0, 6.0, 24.0, 16.0]
    labels = [Label(1, (4, 6, 24, 16), [[ring]] if is_outlined else None), Label(0, (8, 12, 40, 36))]
    splits = {s: [Written(f"images/{s}/{s}.png", f"{s}.png", s, 64, 48, labels)] for s in ("train", "val")}
    for split in splits:
        picture(tmp_path / "out" / "images" / split / f"{split}.png")
    list(FORMATS["ultralytics_ndjson"].write(Folder(tmp_path / "out"), ["cat", "a dog"], splits))
    file = str(tmp_path / "out" / "dataset.ndjson")
    env = ultralytics_env(tmp_path / "config")
    read = json.loads(run_python(ULTRALYTICS, file, str(tmp_path / "made"), env=env, folder=tmp_path))
    assert "a dog" in read["yaml"] and len(read["rows"]) == 2 and read["rows"][0] == read["rows"][1]
    rows = [[float(value) for value in line.split()] for line in read["rows"][0].splitlines()]
    expected = [value / (64, 48)[at % 2] for at, value in enumerate(ring if is_outlined else (14, 11, 20, 10))]
    assert rows[0] == pytest.approx([1, *expected]) and len(rows) == 2 and rows[1][0] == 0


def test_ultralytics_reads_our_pose_labels(tmp_path: Path):
    points = [[12.0, 14.0, 2], [20.5, 30.25, 1], [0.0, 0.0, 0]]
    rows = [(1, (4, 6, 24, 36), points), (0, (8, 12, 40, 36), points[:1]), (1, (30, 12, 40, 20), None)]
    labels = [Label(index, box, attributes={"keypoints": given} if given else None) for index, box, given in rows]
    splits = {s: [Written(f"images/{s}/{s}.png", f"{s}.png", s, 64, 48, labels)] for s in ("train", "val")}
    out = Folder(tmp_path / "out")
    out.skeletons = {1: Skeleton(("nose", "hand", "tail"), ((0, 1),))}
    for split in splits:
        picture(tmp_path / "out" / "images" / split / f"{split}.png")
    list(FORMATS["yolo_pose"].write(out, ["cat", "a dog"], splits))
    (read,) = ultralytics_reads(tmp_path / "config", (tmp_path / "out", "pose"))
    assert read["names"] == {"0": "cat", "1": "a dog"}
    for split in splits:
        (found,) = read[split]
        assert found["cls"] == [1, 0, 1]
        for (_, (x1, y1, x2, y2), given), box, told in zip(rows, found["boxes"], found["keypoints"], strict=True):
            assert box == pytest.approx([(x1 + x2) / 128, (y1 + y2) / 96, (x2 - x1) / 64, (y2 - y1) / 48], abs=1e-6)
            whole = [*(given or []), *[[0.0, 0.0, 0]] * (3 - len(given or []))]
            assert [value for point in told for value in point] == pytest.approx(
                [value / size for point in whole for value, size in zip(point, (64, 48, 1), strict=True)], abs=1e-6
            )
    assert any("filled up to 3" in note for note in out.notes) and any(
        "without key points" in note for note in out.notes
    )


def test_v7_reads_our_darwin_files(tmp_path: Path):
    rings = [[4.0, 6.0, 24.0, 6.0, 24.0, 16.0], [30.0, 30.0, 40.0, 30.0, 40.0, 40.5]]
    labels = [
        Label(0, (4, 6, 24, 16), attributes={"track": 7, "text": "hé"}),
        Label(1, (4, 6, 40, 40.5), [[ring] for ring in rings]),
    ]
    image = Written("images/train/n/a.png", "n/a.png", "train", 64, 48, labels, tags=["night"])
    list(FORMATS["darwin"].write(Folder(tmp_path), ["cat", "a dog"], {"train": [image]}))
    (found,) = darwin_reads(tmp_path).values()
    box, outline, tag = found["rows"]
    assert (found["image"], found["folder"]) == ("a.png", "/images/train/n") and tag[:2] == ["night", "tag"]
    assert box == ["cat", "bounding_box", {"x": 4, "y": 6, "w": 20, "h": 10}, None, 7, "hé"]
    assert outline[:3] == ["a dog", "polygon", {"x": 4, "y": 6, "w": 36, "h": 34.5}]
    assert [[value for point in path for value in (point["x"], point["y"])] for path in outline[3]] == rings
