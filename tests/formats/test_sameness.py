"""One object in several files of a folder is one object, and what differs between them is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

BOXES = [("cat", 5, 6, 25, 30), ("dog", 30, 8, 50, 40), ("cat", 31, 9, 52, 41)]
NAMES = ["cat", "dog"]


def coco(path: Path, boxes: list[tuple], **more: object) -> None:
    rows = [
        {"id": at, "image_id": 1, "category_id": NAMES.index(name), "bbox": [x1, y1, x2 - x1, y2 - y1], **more}
        for at, (name, x1, y1, x2, y2) in enumerate(boxes)
    ]
    images = [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}]
    categories = [{"id": at, "name": name} for at, name in enumerate(NAMES)]
    text(path, json.dumps({"images": images, "annotations": rows, "categories": categories}))


def table(path: Path, boxes: list[tuple]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "class", "xmin", "ymin", "xmax", "ymax"])
        rows.writerows(["a.png", *box] for box in boxes)


def createml(path: Path, boxes: list[tuple]) -> None:
    places = [
        {"label": name, "coordinates": {"x": (x1 + x2) / 2, "y": (y1 + y2) / 2, "width": x2 - x1, "height": y2 - y1}}
        for name, x1, y1, x2, y2 in boxes
    ]
    text(path, json.dumps([{"image": "a.png", "annotations": places}]))


WRITERS = {"coco": (coco, "json"), "csv": (table, "csv"), "createml": (createml, "json")}


def moved(by: float) -> list[tuple]:
    return [(name, x1 + by, y1, x2 + by, y2) for name, x1, y1, x2, y2 in BOXES]


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize(
    "second", [BOXES, BOXES[:2], BOXES[::-1], moved(0.3)], ids=["all", "some", "turned", "rounded"]
)
def test_equal_objects_of_two_files_are_read_once(tmp_path: Path, format: str, second: list[tuple]):
    write, suffix = WRITERS[format]
    picture(tmp_path / "a.png")
    write(tmp_path / f"all.{suffix}", BOXES)
    write(tmp_path / f"more.{suffix}", second)
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["a.png"]) == sorted(BOXES) and not dropped(source)
    assert f"{len(second)} of {len(second)} are in all.{suffix} too" in told(source)


@pytest.mark.parametrize("format", WRITERS)
def test_other_objects_are_added_and_others_places_are_told(tmp_path: Path, format: str):
    write, suffix = WRITERS[format]
    picture(tmp_path / "a.png")
    write(tmp_path / f"one.{suffix}", BOXES[:2])
    write(tmp_path / f"two.{suffix}", [moved(0.9)[0], ("dog", 1, 1, 9, 9)])
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["a.png"]) == sorted([*BOXES[:2], ("dog", 1, 1, 9, 9)])
    assert dropped(source) == {"object differs between two files": 1} and "5.9 6.0 25.9 30.0 here" in told(source)


def test_objects_of_one_file_stay_as_they_are(tmp_path: Path):
    picture(tmp_path / "a.png")
    table(tmp_path / "a.csv", [*BOXES, BOXES[0]])
    source, found = read_folder(tmp_path)
    assert len(found["a.png"] or []) == 4


@pytest.mark.parametrize(
    ("shift", "ids", "count", "reason"),
    [
        (0, [0, 1, 2], 3, None),
        (6, [0, 1, 2], 3, "object differs between two files"),
        (6, [10, 11, 12], 6, None),
        (6, [None, None, None], 6, None),
        (6, [0, 0, 0], 6, None),
        (40, [0, 1, 2], 6, None),
        (6, [1, 0, 12], 6, None),
    ],
)
def test_an_id_tells_one_object_that_two_coco_files_place_apart(
    tmp_path: Path, shift: int, ids: list, count: int, reason: str | None
):
    picture(tmp_path / "a.png", (128, 64))
    coco(tmp_path / "a.json", BOXES)
    coco(tmp_path / "b.json", moved(shift))
    content = json.loads((tmp_path / "b.json").read_text())
    for row, key in zip(content["annotations"], ids, strict=True):
        row |= {"id": key, "keypoints": [9, 9, 2]}
    for entry in content["images"]:
        entry |= {"width": 128, "height": 64}
    text(tmp_path / "b.json", json.dumps(content))
    source, found = read_folder(tmp_path)
    labels = found["a.png"] or []
    assert len(labels) == count and dropped(source) == ({reason: 3} if reason else {})
    assert [bool(label.attributes) for label in labels[:3]] == [count == 3] * 3, "key points join the object"


def test_attributes_that_two_files_give_otherwise_are_told(tmp_path: Path):
    picture(tmp_path / "a.png")
    coco(tmp_path / "a.json", BOXES[:1], attributes={"occluded": True, "colour": "red"})
    coco(tmp_path / "b.json", BOXES[:1], attributes={"occluded": False, "colour": "red", "age": 3})
    source, found = read_folder(tmp_path)
    [label] = found["a.png"] or []
    assert label.attributes == {"occluded": True, "colour": "red", "age": 3}
    assert dropped(source) == {"attribute differs between two files": 1}
    assert "occluded is False here, True in a.json, which is read" in told(source)


@pytest.mark.parametrize("more", [{}, {"bbox": [], "segmentation": []}, {"bbox": None, "keypoints": None}])
def test_a_caption_with_a_category_is_a_caption(tmp_path: Path, more: dict):
    picture(tmp_path / "a.png")
    coco(tmp_path / "instances.json", BOXES)
    row = {"id": 1, "image_id": 1, "category_id": 0, "caption": "a cat", **more}
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [row], "categories": []}
    text(tmp_path / "captions.json", json.dumps(content))
    source, found = read_folder(tmp_path)
    assert source.captions == {"a.png": "a cat"} and len(found["a.png"] or []) == 3 and not dropped(source)


def test_two_formats_are_one_dataset(tmp_path: Path):
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    text(tmp_path / "classes.txt", "cat\n")
    text(tmp_path / "a.txt", "0 0.5 0.5 0.25 0.5\n")
    text(tmp_path / "c.txt", "0 0.5 0.5 0.25 0.5\n")
    with (tmp_path / "boxes.csv").open("w") as file:
        file.write(
            "filename,class,xmin,ymin,xmax,ymax\na.png,cat,24,12,40,36\nb.png,dog,1,2,30,40\nc.png,dog,1,2,30,40\n"
        )
    source, found = read_folder(tmp_path)
    assert source.format == "yolo" and named_boxes(source, found["a.png"]) == [("cat", 24, 12, 40, 36)]
    assert named_boxes(source, found["b.png"]) == [("dog", 1, 2, 30, 40)]
    assert named_boxes(source, found["c.png"]) == [("cat", 24, 12, 40, 36)]
    assert dropped(source) == {"more objects in another format": 1} and "1 in Plain CSV only, as 'dog'" in told(source)
