"""Exports of Darwin, Labelbox, SuperAnnotate and of models' records: every shape, and what is no object, by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.formats.table import FORMATS
from tator.formats.tree import Tree
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

RING = [4, 6, 24, 6, 24, 16]
PAIRS = [{"x": 4, "y": 6}, {"x": 24, "y": 6}, {"x": 24, "y": 16}]
HOLE = [{"x": 18, "y": 7}, {"x": 22, "y": 7}, {"x": 22, "y": 9}]


def one(root: Path, files: dict[str, str], format: str = ""):
    """Read a folder with the image a.png; return the source and the image's labels."""
    picture(root / "a.png")
    for name, content in files.items():
        text(root / name, content)
    source, found = read_folder(root, format)
    return source, found["a.png"]


def darwin_2(*rows: dict) -> dict[str, str]:
    slot = {"type": "image", "slot_name": "0", "width": 64, "height": 48}
    item = {"name": "a.png", "path": "/", "slots": [slot]}
    return {"x/a.json": json.dumps({"version": "2.0", "schema_ref": "x", "item": item, "annotations": list(rows)})}


def darwin_1(*rows: dict) -> dict[str, str]:
    image = {"width": 64, "height": 48, "filename": "a.png", "original_filename": "a.png", "path": "/"}
    return {"x/a.json": json.dumps({"dataset": "x", "image": image, "annotations": list(rows)})}


@pytest.mark.parametrize("version", [darwin_1, darwin_2])
@pytest.mark.parametrize(
    ("row", "holes"),
    [
        ({"bounding_box": {"x": 4, "y": 6, "w": 20, "h": 10}}, 0),
        ({"polygon": {"path": PAIRS}, "bounding_box": {"x": 4, "y": 6, "w": 20, "h": 10}}, 0),
        ({"polygon": {"paths": [HOLE, PAIRS]}}, 1),
        ({"polygon": {"path": PAIRS, "additional_paths": [HOLE]}}, 1),
        ({"complex_polygon": {"path": [PAIRS, HOLE]}}, 1),
        ({"ellipse": {"angle": 0, "center": {"x": 14, "y": 11}, "radius": {"x": 10, "y": 5}}}, 0),
        ({"skeleton": {"nodes": [{"x": 4, "y": 6, "occluded": True}, {"x": 24, "y": 16, "occluded": False}]}}, 0),
    ],
)
def test_darwin_shapes(tmp_path: Path, version, row: dict, holes: int):
    source, (label,) = one(tmp_path, version({"name": "dog", **row}))
    assert source.format == "darwin" and not dropped(source)
    assert named_boxes(source, [label]) == [pytest.approx(("dog", 4, 6, 24, 16), abs=0.05)]
    assert len(label.polygons[0]) - 1 == holes if label.polygons else not holes
    if "skeleton" in row:
        assert label.attributes == {"keypoints": [[4, 6, 1], [24, 16, 2]]}


def test_darwin_attributes_and_tags(tmp_path: Path):
    more = {"attributes": ["wet", "side:left"], "instance_id": {"value": 7}, "text": {"text": "hello"}}
    sure = {"inference": {"confidence": 0.5}, "bounding_box": {"x": 4, "y": 6, "w": 20, "h": 10}}
    source, (label,) = one(tmp_path, darwin_2({"name": "dog", **more, **sure}, {"name": "night", "tag": {}}))
    assert label.attributes == {"wet": True, "side": "left", "track": 7, "text": "hello"} and label.confidence == 0.5
    assert source.tags == {"a.png": ["night"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": "dog", "line": {"path": PAIRS}}, "shape without an area"),
        ({"name": "dog", "keypoint": {"x": 1, "y": 2}}, "shape without an area"),
        ({"name": "dog", "mask": {}}, "mask of a raster layer"),
        ({"name": "dog", "bounding_box": {"x": 4}}, "not a finite number"),
        ({"name": "dog", "polygon": {"paths": [[{"x": 1, "y": 1}]]}}, "polygon refused"),
        ({"name": "dog", "frames": {}}, "annotation of a video"),
        ({"bounding_box": {"x": 4, "y": 6, "w": 20, "h": 10}}, "object without a class"),
        ({"name": "dog", "blob": {}}, "unknown shape"),
    ],
)
def test_what_darwin_has_and_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    good = {"name": "dog", "bounding_box": {"x": 4, "y": 6, "w": 20, "h": 10}}
    source, found = one(tmp_path, darwin_2(row, good))
    assert dropped(source) == {reason: 1} and len(found) == 1 and "x/a.json" in told(source)


def labelbox(*objects: dict, data: dict | None = None, classifications=()) -> dict[str, str]:
    annotations = {"objects": list(objects), "classifications": list(classifications), "relationships": []}
    project = {"name": "x", "labels": [{"label_kind": "Default", "annotations": annotations}]}
    row = {"data_row": data or {"id": "1", "external_id": "a.png"}, "media_attributes": {"height": 48, "width": 64}}
    return {"export.ndjson": json.dumps({**row, "projects": {"p": project}}) + "\n"}


BOX = {"name": "dog", "bounding_box": {"top": 6, "left": 4, "height": 10, "width": 20}}


@pytest.mark.parametrize("shape", [{"bounding_box": BOX["bounding_box"]}, {"polygon": PAIRS}])
@pytest.mark.parametrize(
    "data",
    [
        {"external_id": "a.png"},
        {"external_id": None, "global_key": "a.png"},
        {"row_data": "https://storage.labelbox.com/x/a.png?Expires=1"},
        {"row_data": "https://x/photos%2Fa.png", "external_id": "cust-17"},
    ],
)
def test_labelbox_shapes_and_names(tmp_path: Path, shape: dict, data: dict):
    source, found = one(tmp_path, labelbox({"name": "dog", **shape}, data=data))
    assert source.format == "labelbox" and named_boxes(source, found) == [("dog", 4, 6, 24, 16)] and not dropped(source)


def test_labelbox_answers_become_attributes_and_tags(tmp_path: Path):
    inner = {"name": "how", "text_answer": {"content": "far"}}
    asked = [
        {"name": "side", "radio_answer": {"name": "left", "classifications": [inner]}},
        {"name": "seen", "checklist_answers": [{"name": "head"}, {"name": "tail"}]},
    ]
    source, (label,) = one(tmp_path, labelbox({**BOX, "classifications": asked}, classifications=asked[:1]))
    assert label.attributes == {"side": "left", "how": "far", "seen": ["head", "tail"]}
    assert source.tags == {"a.png": ["side: left", "how: far"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": "dog", "mask": {"url": "https://api.labelbox.com/masks/1"}}, "mask behind an address"),
        ({"name": "dog", "point": {"x": 1, "y": 2}}, "shape without an area"),
        ({"name": "dog", "line": PAIRS}, "shape without an area"),
        ({"name": "dog", "bounding_box": {"top": 6}}, "not a finite number"),
        ({"name": "dog", "polygon": [{"x": 1}]}, "polygon refused"),
        ({"bounding_box": {}}, "object without a class"),
        ({"name": "dog"}, "unknown shape"),
    ],
)
def test_what_labelbox_has_and_is_no_object_is_named_with_its_line(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, labelbox(row, BOX))
    assert dropped(source) == {reason: 1} and len(found) == 1
    assert [entry["line"] for entry in source.report.entries["dropped"]] == [1]


def superannotate(*instances: dict, file: str = "a.png___objects.json") -> dict[str, str]:
    content = {"metadata": {"name": "a.png", "width": 64, "height": 48}, "instances": list(instances), "tags": ["wet"]}
    classes = [{"id": 5, "name": "cat"}, {"id": 7, "name": "dog"}]
    return {f"set/{file}": json.dumps(content), "classes/classes.json": json.dumps(classes)}


def instance(kind: str, **more) -> dict:
    return {"type": kind, "classId": 7, "groupId": 0, "pointLabels": {}, "attributes": [], **more}


@pytest.mark.parametrize("file", ["a.png___objects.json", "a.png.json"])
@pytest.mark.parametrize(
    "row",
    [
        instance("bbox", points={"x1": 4, "y1": 6, "x2": 24, "y2": 16}),
        instance("polygon", points=RING, exclude=[[18, 7, 22, 7, 22, 9]]),
        instance("ellipse", cx=14, cy=11, rx=10, ry=5, angle=0),
        instance(
            "rbbox", points=dict(zip("x1 y1 x2 y2 x3 y3 x4 y4".split(), [4, 6, 24, 6, 24, 16, 4, 16], strict=True))
        ),
        instance("template", points=[{"id": 1, "x": 4, "y": 6}, {"id": 2, "x": 24, "y": 16}]),
        instance("bbox", classId=99, className="dog", points={"x1": 4, "y1": 6, "x2": 24, "y2": 16}),
    ],
)
def test_superannotate_shapes(tmp_path: Path, row: dict, file: str):
    picture(tmp_path / "set" / "a.png___fuse.png")
    source, (label,) = one(tmp_path, superannotate(row, file=file))
    assert source.format == "superannotate" and not dropped(source) and list(source.classes.values()) == ["cat", "dog"]
    assert named_boxes(source, [label]) == [pytest.approx(("dog", 4, 6, 24, 16), abs=0.05)]
    assert source.tree.images == ["a.png"] and source.tags == {"a.png": ["wet"]}


def test_superannotate_attributes(tmp_path: Path):
    given = [{"id": 1, "groupId": 2, "name": "left", "groupName": "side"}]
    row = instance("bbox", points={"x1": 4, "y1": 6, "x2": 24, "y2": 16}, attributes=given, trackingId="t1")
    _, (label,) = one(tmp_path, superannotate(row | {"groupId": 3}))
    assert label.attributes == {"side": "left", "track": "t1", "group": 3}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (instance("point", x=1, y=2), "shape without an area"),
        (instance("polyline", points=RING), "shape without an area"),
        (instance("blob"), "unknown shape"),
        (instance("bbox", points={"x1": 4}), "not a finite number"),
        (instance("bbox", classId=-1, points={}), "object without a class"),
        (instance("polygon", points=[1, 2]), "polygon refused"),
    ],
)
def test_what_superannotate_has_and_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    good = instance("bbox", points={"x1": 4, "y1": 6, "x2": 24, "y2": 16})
    source, found = one(tmp_path, superannotate(row, good))
    assert dropped(source) == {reason: 1} and len(found) == 1 and "a.png___objects.json" in told(source)


def records(*objects: dict, **more) -> dict[str, str]:
    row = {"images": ["a.png"], "objects": list(objects), "width": 64, "height": 48, **more}
    return {"train.jsonl": json.dumps(row) + "\n"}


def bins(*values: float) -> list[float]:
    return [value / (64, 48)[at % 2] * 999 for at, value in enumerate(values)]


TOKENS = [f"<|coord_{round(value)}|>" for value in bins(4, 6, 24, 16)]


@pytest.mark.parametrize(
    ("given", "more", "why"),
    [
        ({"bbox_2d": [4, 6, 24, 16]}, {}, "pixels: numbers to 24 lie inside the images"),
        ({"poly": RING}, {}, "pixels"),
        ({"bbox_2d": [24, 16, 4, 6]}, {}, "pixels"),
        ({"bbox_2d": bins(4, 6, 24, 16)}, {}, "thousandths of the image: numbers to 374.625 reach beyond an image"),
        ({"bbox_2d": TOKENS}, {}, "thousandths of the image: coordinate tokens"),
        ({"bbox_2d": bins(4, 6, 24, 16)}, {"coord_mode": "norm1000"}, "the file says norm1000"),
        ({"bbox_2d": [4, 6, 24, 16]}, {"metadata": {"coord_mode": "pixel"}}, "the file says pixel"),
    ],
)
def test_records_of_ground_truth_and_what_their_numbers_mean(tmp_path: Path, given: dict, more: dict, why: str):
    source, found = one(tmp_path, records({"desc": "dog", **given}, **more, summary="a dog"))
    assert source.format == "gt_jsonl" and not dropped(source) and source.captions == {"a.png": "a dog"}
    assert named_boxes(source, found) == [pytest.approx(("dog", 4, 6, 24, 16), abs=0.05)]
    assert [why in entry["detail"] for entry in source.report.entries["noticed"]] == [True]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"desc": "dog"}, "object without one geometry"),
        ({"desc": "dog", "bbox_2d": [1, 2, 3, 4], "poly": RING}, "object without one geometry"),
        ({"desc": "dog", "bbox": [1, 2, 3, 4]}, "object without one geometry"),
        ({"desc": "", "bbox_2d": [1, 2, 3, 4]}, "object without a class"),
        ({"desc": "dog", "bbox_2d": [1, 2, 3]}, "wrong number of values"),
        ({"desc": "dog", "poly": [1, 2, 3, 4]}, "wrong number of values"),
        ({"desc": "dog", "bbox_2d": [1, 2, 1, 2]}, "zero area"),
        ({"desc": "dog", "bbox_2d": ["x", 2, 3, 4]}, "not a finite number"),
    ],
)
def test_what_is_no_object_of_a_record_is_named_with_its_line(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, records(row, {"desc": "dog", "bbox_2d": [4, 6, 24, 16]}))
    assert dropped(source) == {reason: 1} and len(found) == 1
    assert [entry["line"] for entry in source.report.entries["dropped"]] == [1]


def test_predictions_are_read_where_they_are_asked_for(tmp_path: Path):
    ours = {"type": "bbox_2d", "points": [4, 6, 24, 16], "desc": "dog", "score": 1.0}
    row = {"image": "a.png", "width": 64, "height": 48, "coord_mode": "pixel", "gt": [ours]}
    row["pred"] = [{**ours, "desc": "cat", "score": 0.25}, {**ours, "type": "poly", "points": RING}]
    files = {"gt_vs_pred.jsonl": json.dumps(row)}
    source, found = one(tmp_path, files)
    assert source.format == "gt_jsonl" and [row[0] for row in named_boxes(source, found)] == ["dog"]
    source, found = one(tmp_path, files, "gt_vs_pred")
    assert sorted((name, label.confidence) for (name, *_), label in zip(named_boxes(source, found[:1]), found)) == [
        ("cat", 0.25)
    ]
    assert len(found) == 2 and found[1].polygons


def test_a_list_of_label_studio_is_no_create_ml(tmp_path: Path):
    region = {"type": "rectanglelabels", "value": {"x": 1, "y": 1, "width": 9, "height": 9}, "original_width": 64}
    task = {"data": {"image": "a.png"}, "annotations": [{"completed_by": 1, "result": [region]}]}
    row = {"image": "a.png", "annotations": [{"label": "result", "coordinates": {"x": 9, "y": 9}}]}
    for name, rows, is_createml in (
        ("studio", [task], False),
        ("ours", [row], True),
        ("none", [row | {"annotations": []}], True),
    ):
        text(tmp_path / name / "x.json", json.dumps(rows))
        assert FORMATS["createml"].sniff(Tree.of(tmp_path / name)) is is_createml, name
