"""VIA 3: every shape, kind of attribute, file and view of its projects, and what is no box of an image."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tator.vision.masks import ring_area
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

IMAGE_REGION, IMAGE, FRAME_REGION = "FILE1_Z0_XY1", "FILE1_Z0_XY0", "FILE1_Z1_XY1"


def project(folder: Path, rows: list[dict], attributes: dict | None = None, files: dict | None = None, **more) -> Path:
    """Write a project over the images a and b; a row's view is 1, that of image a, unless it says otherwise."""
    for name in ("a.png", "b.png"):
        picture(folder / "images" / name)
    files = files or {
        "1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": ""},
        "2": {"fid": "2", "fname": "b.png", "type": 2, "loc": 1, "src": ""},
    }
    named = {
        "1": {
            "aname": "class",
            "anchor_id": IMAGE_REGION,
            "type": 4,
            "desc": "",
            "options": {"0": "dog", "1": "cat"},
            "default_option_id": "",
        }
    }
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__", "pname": "x", "data_format_version": "3.1.1", "vid_list": list(files)},
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": named if attributes is None else attributes,
        "file": files,
        "view": {fid: {"fid_list": [fid]} for fid in files},
        "metadata": {
            f"1_{at:08}": {"vid": "1", "flg": 0, "z": [], "xy": [2, 4, 4, 16, 16], "av": {"1": "1"}, **row}
            for at, row in enumerate(rows)
        },
    }
    text(folder / "project.json", json.dumps({**content, **more}))
    return folder


@pytest.mark.parametrize(
    ("xy", "box"),
    [
        ([2, 4, 6, 20, 10], (4, 6, 24, 16)),
        ([2, "4", "6,0", 20.0, 10], (4, 6, 24, 16)),
        ([7, 4, 6, 24, 6, 24, 16], (4, 6, 24, 16)),
        ([8, 14, 6, 24, 9, 20, 16, 4, 12], (4, 6, 24, 16)),
        ([3, 20, 20, 10], (10, 10, 30, 30)),
        ([4, 30, 20, 10, 5], (20, 15, 40, 25)),
        ([9, 30, 20, 20, 30, 10, 20], (10, 10, 30, 30)),
    ],
)
def test_every_shape_with_an_area(tmp_path: Path, xy: list, box: tuple):
    source, found = read_folder(project(tmp_path, [{"xy": xy}]))
    assert source.format == "via3" and named_boxes(source, found["images/a.png"]) == [
        pytest.approx(("cat", *box), abs=0.03)
    ]
    assert found["images/b.png"] == [] and list(source.classes.values()) == ["dog", "cat"] and not dropped(source)


def test_circles_are_round(tmp_path: Path):
    _, found = read_folder(project(tmp_path, [{"xy": [3, 32, 24, 10]}, {"xy": [9, 42, 24, 32, 34, 22, 24]}]))
    for label in found["images/a.png"]:
        assert ring_area(label.polygons[0][0]) == pytest.approx(math.pi * 100, rel=0.01)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"xy": [1, 4, 4]}, "shape without an area"),
        ({"xy": [5, 4, 4, 9, 9]}, "shape without an area"),
        ({"xy": [6, 4, 4, 9, 9, 4, 9]}, "shape without an area"),
        ({"xy": [2, 4, 4, 9]}, "unknown shape"),
        ({"xy": [77, 4, 4, 9, 9]}, "unknown shape"),
        ({"xy": [None, 4]}, "unknown shape"),
        ({"xy": [[2], 4]}, "unknown shape"),
        ({"xy": [7, 4, 4, 9, 9]}, "polygon refused"),
        ({"xy": [7, 4, 4, 9, 9, None, 4]}, "polygon refused"),
        ({"xy": [9, 4, 4, 9, 9, 14, 14]}, "polygon refused"),
        ({"xy": [9, 1e300, -1e300, 1e308, 9, 14, 1e308]}, "polygon refused"),
        ({"xy": [3, 4, 4, 1e308]}, "outside the image"),
        ({"xy": [8, 4, 4, 9, float("nan"), 4, 9]}, "not a finite number"),
        ({"xy": [2, 4, 4, float("inf"), 9]}, "not a finite number"),
        ({"xy": [2, 4, 4, -3, 9]}, "negative width or height"),
        ({"xy": [2, 4, 4, 0, 9]}, "zero area"),
        ({"xy": [2, 400, 400, 9, 9]}, "outside the image"),
        ({"z": [1.5], "xy": [2, 4, 4, 9, 9]}, "part of a video"),
        ({"z": [1.5, 2.5], "xy": []}, "part of a video"),
    ],
)
def test_t39_what_is_no_box_is_named_and_the_others_are_read(tmp_path: Path, row: dict, reason: str):
    source, found = read_folder(project(tmp_path, [row, {}]))
    assert dropped(source) == {reason: 1} and "project.json (images/a.png)" in told(source)
    assert named_boxes(source, found["images/a.png"]) == [("cat", 4, 4, 20, 20)]


@pytest.mark.parametrize(
    ("attributes", "av", "name"),
    [
        ({"1": {"aname": "Name", "anchor_id": IMAGE_REGION, "type": 1, "options": {}}}, {"1": "Swan"}, "Swan"),
        (
            {"7": {"aname": "kind", "anchor_id": IMAGE_REGION, "type": 3, "options": {"a": "cat", "b": "dog"}}},
            {"7": "b"},
            "dog",
        ),
        (
            {"7": {"aname": "kind", "anchor_id": FRAME_REGION, "type": 2, "options": {"a": "cat", "b": "dog"}}},
            {"7": "b,a"},
            "dog",
        ),
        (
            {"1": {"aname": "x", "anchor_id": IMAGE_REGION, "type": 4, "options": {"0": "cat"}}},
            {"1": "elsewhere"},
            "elsewhere",
        ),
        ({"1": {"aname": "colour", "type": 1}, "2": {"aname": "Label", "type": 1}}, {"1": "red", "2": "cat"}, "cat"),
        (
            {
                "5": {"aname": "person", "anchor_id": IMAGE_REGION, "type": 1},
                "6": {"aname": "car", "anchor_id": IMAGE_REGION, "type": 1},
            },
            {"6": "car"},
            "car",
        ),
        ({}, {"1": "cat"}, "cat"),
        ({}, {}, "object"),
        (
            {"1": {"aname": "class", "anchor_id": IMAGE_REGION, "type": 4, "options": {"0": "cat"}}},
            {"1": ["cat"]},
            "cat",
        ),
    ],
)
def test_classes_of_every_kind_of_attribute(tmp_path: Path, attributes: dict, av: dict, name: str):
    source, found = read_folder(project(tmp_path, [{"av": av}], attributes))
    assert [row[0] for row in named_boxes(source, found["images/a.png"])] == [name]
    assert ("region without a class" in told(source)) == (name == "object")


@pytest.mark.parametrize("keys", [("0", "1"), ("1", "2"), ("5", "90"), ("b", "a"), ("", "x")])
def test_t40_options_of_any_kind_of_id(tmp_path: Path, keys: tuple[str, str]):
    attributes = {"1": {"aname": "class", "type": 4, "options": dict(zip(keys, ("cat", "dog"), strict=True))}}
    source, found = read_folder(
        project(tmp_path, [{"av": {"1": keys[1]}}, {"av": {"1": keys[0]}, "xy": [2, 1, 1, 9, 9]}], attributes)
    )
    assert list(source.classes.values()) == ["cat", "dog"] and len(found["images/a.png"]) == 2
    assert [source.classes[label.class_index] for label in found["images/a.png"]] == ["dog", "cat"]


def test_captions_are_attributes_of_the_image(tmp_path: Path):
    attributes = {
        "1": {"aname": "class", "anchor_id": IMAGE_REGION, "type": 1},
        "2": {"aname": "Caption", "anchor_id": IMAGE, "type": 1},
        "3": {"aname": "author", "anchor_id": IMAGE, "type": 1},
    }
    source, found = read_folder(
        project(tmp_path, [{"xy": [], "av": {"2": "A cat, asleep.", "3": "ann"}}, {"av": {"1": "cat"}}], attributes)
    )
    assert source.captions == {"images/a.png": "A cat, asleep."} and len(found["images/a.png"]) == 1
    assert source.tags == {"images/a.png": ["author: ann"]} and not told(source)


@pytest.mark.parametrize("kind", ["local", "address", "file", "path"])
def test_files_wherever_they_were(tmp_path: Path, kind: str):
    fname = {
        "local": "a.png",
        "address": "https://example.invalid/set/a.png",
        "file": "file:///home/ann/a.png",
        "path": "images/a.png",
    }[kind]
    files = {"1": {"fid": 1, "fname": fname, "type": 2, "loc": 1, "src": fname}}
    source, found = read_folder(project(tmp_path, [{}], files=files))
    assert named_boxes(source, found["images/a.png"]) == [("cat", 4, 4, 20, 20)] and found["images/b.png"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"view": {"1": {"fid_list": ["1", "2"]}, "2": {"fid_list": ["2"]}}}, "view of several files"),
        ({"view": {"1": {"fid_list": []}, "2": {"fid_list": ["2"]}}}, "view of several files"),
        ({"file": {"1": {"fname": "a.mp4", "type": 4}, "2": {"fname": "b.png", "type": 2}}}, "video or audio file"),
        (
            {"file": {"1": {"fname": "gone.png", "type": 2}, "2": {"fname": "b.png", "type": 2}}},
            "image is not in the folder",
        ),
        ({"file": {"1": {"type": 2}, "2": {"fname": "b.png", "type": 2}}}, "entry without an image name"),
    ],
)
def test_views_that_show_no_single_image_are_named(tmp_path: Path, change: dict, reason: str):
    source, found = read_folder(project(tmp_path, [{}, {"vid": "2"}], **change))
    assert dropped(source) == {reason: 1} and found["images/a.png"] is None
    assert named_boxes(source, found["images/b.png"]) == [("cat", 4, 4, 20, 20)]


def test_the_older_layout_with_the_views_beside_the_project(tmp_path: Path):
    """Version 3.1.0 had vid_list at the top and one path for all files."""
    source, found = read_folder(
        project(
            tmp_path,
            [{}],
            project={"pname": "x", "data_format_version": "3.1.0"},
            vid_list=["1", "2"],
            config={"file": {"path": ""}, "ui": {}},
        )
    )
    assert source.format == "via3" and len(found["images/a.png"]) == 1


def test_a_via2_file_is_not_taken_for_it(tmp_path: Path):
    from tests.encoders import via

    picture(tmp_path / "a.png")
    via(tmp_path, [("a.png", "cat", (4, 4, 20, 20))])
    assert read_folder(tmp_path)[0].format == "via"
