"""Files of annotation tools as their makers describe them: every shape, its attributes, and what is no object."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.formats import Label
from tator.formats._shapes import extent
from tator.formats._turned import corners_of
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.vision.masks import of_rle
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

WIDE = (64, 48)


def folder(root: Path, files: dict[str, str], images=("a.png",)) -> Path:
    for name in images:
        picture(root / name)
    for name, content in files.items():
        text(root / name, content)
    return root


def one(root: Path, files: dict[str, str], image: str = "a.png"):
    """Read a folder of one image; return the source and the image's labels."""
    source, found = read_folder(folder(root, files, (image,)))
    return source, found[image]


def datumaro(*annotations: dict, **more) -> dict[str, str]:
    labels = [{"name": name, "parent": "", "attributes": []} for name in ("cat", "dog")]
    item = {"id": "a", "annotations": list(annotations), "image": {"path": "a.png", "size": [48, 64]}}
    content = {"infos": {}, "categories": {"label": {"labels": labels, "attributes": []}}, "items": [item], **more}
    return {"annotations/train.json": json.dumps(content)}


def shape(kind: str, **more) -> dict:
    return {"id": 1, "type": kind, "attributes": {}, "group": 0, "label_id": 1, "z_order": 0, **more}


@pytest.mark.parametrize(
    ("row", "box"),
    [
        (shape("bbox", bbox=[4, 6, 20, 10]), (4, 6, 24, 16)),
        (shape("polygon", points=[4, 6, 24, 6, 24, 16]), (4, 6, 24, 16)),
        (shape("ellipse", points=[4, 6, 24, 16]), (4, 6, 24, 16)),
        (shape("points", points=[4, 6, 24, 16], visibility=[1, 2]), (4, 6, 24, 16)),
        (shape("bbox", bbox=[10, 10, 20, 10], attributes={"rotation": 90}), (15, 5, 25, 25)),
        (shape("rotated_bbox", points=[20, 15, 20, 10, 90]), (15, 5, 25, 25)),
        (shape("mask", rle={"size": [48, 64], "counts": [48 * 4 + 6, 10, 38, 10, 48 * 64 - 256]}), (4, 6, 6, 16)),
    ],
)
def test_datumaro_shapes(tmp_path: Path, row: dict, box: tuple):
    source, found = one(tmp_path, datumaro(row, dm_format_version="1.0"))
    assert source.format == "datumaro" and source.splits == {"a.png": "train"} and not dropped(source)
    assert named_boxes(source, found) == [pytest.approx(("dog", *box), abs=0.05)]


def test_datumaro_attributes_and_key_points(tmp_path: Path):
    given = {"is_crowd": True, "occluded": False, "track_id": 7, "colour": "red", "score": 0.5}
    rows = [shape("bbox", bbox=[4, 6, 20, 10], attributes=given, group=3, z_order=2)]
    rows += [shape("points", points=[5, 7, 9, 9], visibility=[2, 1]), {"type": "label", "label_id": 0}]
    source, (label,) = one(tmp_path, datumaro(*rows, {"type": "caption", "caption": "two"}))
    expected = {"crowd": True, "occluded": False, "track": 7, "colour": "red", "group": 3, "z": 2}
    assert label.attributes == expected | {"keypoints": [[5, 7, 2], [9, 9, 1]]} and label.confidence == 0.5
    assert source.tags == {"a.png": ["cat"]} and source.captions == {"a.png": "two"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (shape("bbox"), "not a finite number"),
        (shape("bbox", bbox=[1, 2, 3]), "not a finite number"),
        (shape("bbox", bbox=[4, 6, 20, 10], label_id=9), "object without a class"),
        (shape("bbox", bbox=[4, 6, 20, 10], label_id="x"), "object without a class"),
        (shape("polyline", points=[1, 2, 3, 4]), "shape without an area"),
        (shape("blob"), "unknown shape"),
        (shape("mask", rle={"size": [1, 1], "counts": [1]}), "mask refused"),
        (shape("mask"), "mask refused"),
        (shape("polygon", points="x"), "polygon refused"),
        (shape("points", points=[4, 6]), "shape without an area"),
    ],
)
def test_what_datumaro_has_and_is_no_object_is_named_and_the_rest_is_read(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, datumaro(row, shape("bbox", bbox=[4, 6, 20, 10], id=5)))
    assert dropped(source) == {reason: 1} and len(found) == 1
    assert "annotations/train.json" in told(source)


def ultralytics(annotations: dict, **head) -> dict[str, str]:
    dataset = {"type": "dataset", "task": "detect", "name": "x", "class_names": {"0": "cat", "1": "dog"}, **head}
    row = {"type": "image", "file": "a.png", "url": "https://x/y/a.png?Expires=1", "width": 64, "height": 48}
    lines = [dataset, row | {"split": "val", "annotations": annotations}]
    return {"x.ndjson": "\n".join(map(json.dumps, lines))}


@pytest.mark.parametrize(
    ("annotations", "head"),
    [
        ({"boxes": [[1, 0.25, 0.25, 0.25, 0.25]]}, {}),
        ({"segments": [[1, 0.125, 0.125, 0.375, 0.125, 0.375, 0.375]]}, {}),
        ({"obb": [[1, 0.125, 0.125, 0.375, 0.125, 0.375, 0.375, 0.125, 0.375]]}, {}),
        ({"pose": [[1, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 2, 0.3, 0.3, 1]]}, {"kpt_shape": [2, 3]}),
    ],
)
def test_ultralytics_ndjson(tmp_path: Path, annotations: dict, head: dict):
    source, found = one(tmp_path, ultralytics(annotations, **head))
    assert source.format == "ultralytics_ndjson" and source.splits == {"a.png": "val"} and not dropped(source)
    assert named_boxes(source, found) == [pytest.approx(("dog", 8, 6, 24, 18))] and list(source.classes) == [0, 1]
    if head:
        assert found[0].attributes["keypoints"][1] == pytest.approx([19.2, 14.4, 1]) and source.skeletons[1].names


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({"boxes": [[7, 0.25, 0.25, 0.25, 0.25]]}, "class out of range"),
        ({"boxes": [[]]}, "class out of range"),
        ({"boxes": [[1, 0.25]]}, "wrong number of values"),
        ({"segments": [[1, 0.2, 0.2, 0.3]]}, "wrong number of values"),
        ({"pose": [[1, 0.25, 0.25, 0.25, 0.25, 0.2]]}, "wrong number of values"),
        ({"cubes": [[1]]}, "unknown kind of annotation"),
        ({"boxes": [[1, "x", 0.25, 0.25, 0.25]]}, "not a finite number"),
    ],
)
def test_what_ultralytics_ndjson_has_wrong_is_named_with_its_line(tmp_path: Path, annotations: dict, reason: str):
    good = {"boxes": [*annotations.pop("boxes", []), [0, 0.5, 0.5, 0.5, 0.5]]}
    source, found = one(tmp_path, ultralytics(annotations | good))
    assert dropped(source) == {reason: 1} and len(found) == 1
    assert [entry["line"] for entry in source.report.entries["dropped"]] == [2]


def packed(pixels: np.ndarray, mode: str = "L") -> str:
    file = io.BytesIO()
    picture = Image.fromarray(pixels.astype(np.uint8) * 255)
    if mode == "RGBA":
        clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        clear.putalpha(picture)
        picture = clear
    picture.save(file, "PNG")
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


def supervisely(*objects: dict, tags=()) -> dict[str, str]:
    content = {"description": "seen", "tags": list(tags), "size": {"height": 48, "width": 64}, "objects": list(objects)}
    meta = {"classes": [{"title": "cat", "shape": "any"}, {"title": "dog", "shape": "any"}], "tags": []}
    return {"meta.json": json.dumps(meta), "ds/ann/a.png.json": json.dumps(content)}


def thing(kind: str, exterior=(), interior=(), **more) -> dict:
    points = {"exterior": list(exterior), "interior": list(interior)}
    return {"id": 1, "classTitle": "dog", "geometryType": kind, "tags": [], "points": points, **more}


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_supervisely_bitmaps_lie_where_their_origin_says(tmp_path: Path, mode: str):
    pixels = np.ones((10, 20), bool)
    pixels[3:5, 4:8] = False
    row = thing("bitmap", bitmap={"origin": [4, 6], "data": packed(pixels, mode)})
    source, (label,) = one(tmp_path, supervisely(row), "ds/img/a.png")
    mask = of_rle(label.rle)
    assert (mask.x, mask.y) == (4, 6) and (mask.data == pixels).all() and not dropped(source)


def test_supervisely_boxes_polygons_and_tags(tmp_path: Path):
    ring, hole = [[4, 6], [24, 6], [24, 16], [4, 16]], [[8, 8], [12, 8], [12, 12]]
    tag = {"name": "colour", "value": "red"}
    rows = [
        thing("rectangle", [[24, 16], [4, 6]], tags=[tag, {"name": "wet", "value": None}]),
        thing("polygon", ring, [hole]),
    ]
    source, (box, outline) = one(tmp_path, supervisely(*rows, tags=[tag]), "ds/img/a.png")
    assert named_boxes(source, [box, outline]) == [("dog", 4, 6, 24, 16)] * 2 and list(source.classes.values()) == [
        "cat",
        "dog",
    ]
    assert box.attributes == {"colour": "red", "wet": True} and len(outline.polygons[0]) == 2
    assert source.tags["ds/img/a.png"] == ["colour: red"] and source.notes["ds/img/a.png"] == "seen"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (thing("bitmap", bitmap={"origin": [4, 6], "data": "!!"}), "bitmap refused"),
        (thing("bitmap", bitmap={"origin": [4], "data": packed(np.ones((2, 2), bool))}), "bitmap refused"),
        (thing("bitmap", bitmap={"origin": [400, 6], "data": packed(np.ones((2, 2), bool))}), "zero area"),
        (
            thing("bitmap", bitmap={"origin": [4, 6], "data": base64.b64encode(zlib.compress(b"x")).decode()}),
            "bitmap refused",
        ),
        (thing("point", [[4, 6]]), "shape without an area"),
        (thing("rectangle", [[4, 6]]), "unknown shape"),
        (thing("polygon", [[4, 6]]), "polygon refused"),
        (thing("sphere"), "unknown shape"),
        ({"geometryType": "rectangle"}, "object without a class"),
    ],
)
def test_what_supervisely_has_and_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, supervisely(row, thing("rectangle", [[4, 6], [24, 16]])), "ds/img/a.png")
    assert dropped(source) == {reason: 1} and len(found) == 1 and "ds/ann/a.png.json" in told(source)


def test_datumaro_attributes_come_back_as_they_were_written(tmp_path: Path):
    corners = corners_of((10, 10, 30, 20), 30.0)
    given = {"crowd": True, "track": 7, "colour": "red", "group": 3, "z": 2, "keypoints": [[12, 12, 2], [20, 15, 1]]}
    labels = [
        Label(0, (10, 10, 30, 20), attributes=given, confidence=0.25),
        Label(0, extent(corners), [[corners]], attributes={"rotation": 30.0}),
    ]
    image = Written("images/train/a.png", "a.png", "train", *WIDE, labels)
    list(FORMATS["datumaro"].write(Folder(tmp_path), ["cat"], {"train": [image]}))
    source, found = one(tmp_path, {}, "images/train/a.png")
    assert [label.attributes for label in found] == [given, {"rotation": pytest.approx(30)}]
    assert found[0].confidence == 0.25 and found[1].polygons[0][0] == pytest.approx(corners, abs=0.01)
