"""BDD100K and Scalabel: every form, shape and attribute, and what is no object, by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.vision.masks import of_dense, to_rle
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

BOX = ("car", 16, 24, 48, 36)
BOX2D = {"box2d": {"x1": 16, "y1": 24, "x2": 48, "y2": 36}}
THREE = [[16, 24], [48, 24], [48, 36]]
POLY2D = {"poly2d": [{"vertices": THREE, "types": "LLL", "closed": True}]}
RLE = {"rle": to_rle(of_dense(np.ones((12, 32), bool), 16, 24), 64, 48)}
FACTS = {"name": "a.png", "timestamp": 10000, "attributes": {"weather": "clear", "scene": "undefined", "wet": True}}


def flat(rows: list[dict]) -> str:
    return json.dumps([FACTS | {"labels": rows}])


def scalabel(rows: list[dict]) -> str:
    categories = [{"name": "vehicle", "subcategories": [{"name": "bus"}, {"name": "car"}]}]
    return json.dumps({"config": {"categories": categories}, "groups": [], "frames": [FACTS | {"labels": rows}]})


def first_release(rows: list[dict]) -> str:
    facts = FACTS | {"name": "a"}
    return json.dumps(facts | {"frames": [{"timestamp": 10000, "objects": rows}]})


def one_frame(rows: list[dict]) -> str:
    return json.dumps(FACTS | {"labels": rows})


def late_keys(rows: list[dict]) -> str:
    """A file whose labels come after texts longer than any look at its ends."""
    frames = [{"url": "x" * 40_000, "name": "b.png"}, {"labels": rows, **FACTS}, {"url": "x" * 40_000, "name": "b.png"}]
    return json.dumps(frames)


def one(root: Path, content: str, file: str = "labels/det_train.json"):
    """Read a folder with the image a.png; return the source and the image's labels."""
    picture(root / "a.png")
    text(root / file, content)
    source, found = read_folder(root)
    assert source.format == "bdd100k"
    return source, found["a.png"]


@pytest.mark.parametrize("form", [flat, scalabel, first_release, one_frame, late_keys])
@pytest.mark.parametrize("shape", [BOX2D, POLY2D, RLE, BOX2D | POLY2D, BOX2D | RLE])
def test_every_form_and_shape(tmp_path: Path, form, shape: dict):
    row = {"id": "1", "category": "car", "attributes": {"occluded": True, "truncated": False}, **shape}
    source, (label,) = one(tmp_path, form([row]))
    assert named_boxes(source, [label]) == [pytest.approx(BOX)]
    assert not dropped(source).keys() - {"image is not in the folder"}
    assert bool(label.polygons) == ("poly2d" in shape) and bool(label.rle) == ("rle" in shape)
    assert label.attributes == {"occluded": True, "truncated": False}
    assert source.tags == {"a.png": ["weather: clear", "wet"]} and source.splits == {"a.png": "train"}
    assert list(source.classes.values()) == (["bus", "car"] if form is scalabel else ["car"])


def test_points_of_the_first_release(tmp_path: Path):
    rows = [
        {"category": "area/drivable", "poly2d": [[*point, "L"] for point in THREE]},
        {"category": "lane/road curb", "poly2d": [[*point, "L"] for point in THREE]},
    ]
    source, found = one(tmp_path, first_release(rows))
    assert [name for name, *_ in named_boxes(source, found)] == ["area/drivable"]
    assert dropped(source) == {"shape without an area": 1}


@pytest.mark.parametrize("types", ["LCCL", "LCCC"])
def test_curves(tmp_path: Path, types: str):
    part = {"vertices": [[0, 24], [0, 0], [48, 0], [48, 24]], "types": types, "closed": True}
    source, (label,) = one(tmp_path, flat([{"category": "car", "poly2d": [part]}]))
    assert named_boxes(source, [label]) == [pytest.approx(("car", 0, 6, 48, 24))]  # its top is at a quarter of the way
    assert "curves read as short lines" in told(source)


def test_a_curve_that_ends_where_the_outline_begins(tmp_path: Path):
    part = {"vertices": [[0, 24], [48, 24], [48, 0], [0, 0]], "types": "LLCC", "closed": True}
    source, (label,) = one(tmp_path, flat([{"category": "car", "poly2d": [part]}]))
    assert named_boxes(source, [label]) == [pytest.approx(("car", 0, 6, 48, 24))] and not dropped(source)


def test_tracks_scores_and_several_parts(tmp_path: Path):
    away = [[50, 2], [60, 2], [60, 8]]
    parts = {"poly2d": [*POLY2D["poly2d"], {"vertices": away, "types": "LLL", "closed": True}]}
    frame = FACTS | {
        "videoName": "clip",
        "frameIndex": 3,
        "labels": [{"id": "7", "category": "car", "score": 0.5, **parts}],
    }
    source, (label,) = one(tmp_path, json.dumps([frame]))
    assert label.attributes == {"track": "7"} and label.confidence == 0.5 and len(label.polygons) == 2
    assert not source.report.counts["repaired"]


def test_frames_of_several_videos_keep_apart(tmp_path: Path):
    for video in ("one", "two"):
        picture(tmp_path / video / "1.png")
    rows = [
        {"name": "1.png", "videoName": video, "frameIndex": 0, "labels": [{"id": "1", "category": video, **BOX2D}]}
        for video in ("one", "two")
    ]
    text(tmp_path / "box_track.json", json.dumps(rows))
    source, found = read_folder(tmp_path)
    assert {path: named_boxes(source, labels)[0][0] for path, labels in found.items()} == {
        "one/1.png": "one",
        "two/1.png": "two",
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"category": "car", "box3d": {"location": [1, 2, 3]}}, "shape without an area"),
        (
            {"category": "lane", "poly2d": [{"vertices": THREE, "types": "LLL", "closed": False}]},
            "shape without an area",
        ),
        ({"category": "car"}, "object without a place"),
        (BOX2D, "object without a class"),
        ({"category": "car", "box2d": {"x1": 1}}, "not a finite number"),
        (
            {"category": "car", "poly2d": [{"vertices": [[1, 2], "x"], "types": "LL", "closed": True}]},
            "polygon refused",
        ),
        ({"category": "car", "rle": {"counts": "1", "size": [2, 2]}}, "mask refused"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, flat([{"category": "car", **BOX2D}, row]))
    assert dropped(source) == {reason: 1} and named_boxes(source, found) == [pytest.approx(BOX)]


def test_several_frames_of_the_first_release_are_named(tmp_path: Path):
    content = {"name": "a", "frames": [{"objects": [{"category": "car", **BOX2D}]}] * 2}
    source, found = one(tmp_path, json.dumps(content))
    assert dropped(source) == {"annotation of a video": 1} and not found


def test_what_is_written_is_read_with_everything(tmp_path: Path):
    given = {"crowd": True, "occlusion": 2, "text": "x", "keypoints": [[20.0, 30.0, 2], [0.0, 0.0, 0], [40.0, 30.0, 1]]}
    label = Label(1, (16.0, 24.0, 48.0, 36.0), confidence=0.5, attributes=given)
    out = Folder(tmp_path)
    out.skeletons = {1: Skeleton(("nose", "ear", "tail"), ((0, 2),))}
    picture(tmp_path / "images/val/a.png")
    image = Written("images/val/a.png", "a.png", "val", 64, 48, [label], tags=["night", "weather: clear"])
    assert list(FORMATS["bdd100k"].write(out, ["bus", "car"], {"val": [image]})) == [1]
    source, found = read_folder(tmp_path)
    (back,) = found["images/val/a.png"]
    assert back.confidence == 0.5 and source.tags == {"images/val/a.png": ["night", "weather: clear"]}
    assert back.attributes == given | {"keypoints": [[20, 30, 2], [40, 30, 1]]}
    assert source.skeletons == {1: Skeleton(("nose", "tail"), ((0, 1),))} and source.splits == {
        "images/val/a.png": "val"
    }
