"""Label Studio: every form of its export, every shape, every answer, and what is no object, by name."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tator.formats import Label
from tator.formats._brush import packed, unpacked
from tator.formats.table import FORMATS
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written
from tator.types import BadInput
from tator.vision.masks import of_rle, to_dense
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

SIZE = {"original_width": 64, "original_height": 48}
RIGHT = {"x": 25, "y": 50, "width": 50, "height": 25}
BOX = ("dog", 16, 24, 48, 36)
OVAL = {"x": 50, "y": 50, "radiusX": 25, "radiusY": 25}
THREE = [[25, 50], [75, 50], [75, 75]]


def result(value: dict, label: str | None = "dog", kind: str = "rectanglelabels", **more) -> dict:
    value = value if label is None else value | {kind: [label]}
    return {"id": "r1", "from_name": "label", "to_name": "image", "type": kind, "value": value, **SIZE, **more}


def task(*results: dict, image: str = "a.png", **more) -> dict:
    annotation = {"id": 7, "completed_by": 3, "was_cancelled": False, "result": list(results)}
    return {"id": 1, "data": {"image": image}, "annotations": [annotation], "predictions": [], **more}


def said_once(*results: dict) -> dict:
    return {"id": 7, "result": list(results)}


def one(root: Path, *tasks: dict, name: str = "a.png"):
    """Read a folder with one image; return the source and the image's labels."""
    picture(root / name)
    text(root / "project.json", json.dumps(list(tasks)))
    source, found = read_folder(root)
    assert source.format == "label_studio"
    return source, found[name]


def in_a_list(row: dict) -> dict[str, str]:
    return {"project.json": json.dumps([row])}


def alone(row: dict) -> dict[str, str]:
    return {"1.json": json.dumps(row)}


def an_annotation(row: dict) -> dict[str, str]:
    whole = row["annotations"][0] | {"task": {"id": 1, "data": row["data"]}}
    return {"export/7": "", "7.json": json.dumps(whole)}


def flipped(value):
    if isinstance(value, dict):
        return {key: flipped(value[key]) for key in reversed(value)}
    return [flipped(each) for each in value] if isinstance(value, list) else value


def turned_round(row: dict) -> dict[str, str]:
    """The keys of every object in the opposite order, after a text longer than any look at a file's ends."""
    filler = {"meta": {"text": ["x" * 70_000]}, "data": {}, "id": 9}
    return {"project.json": json.dumps([filler, flipped(row), filler])}


def old(row: dict) -> dict[str, str]:
    return {"project.json": json.dumps([{"completions" if key == "annotations" else key: row[key] for key in row}])}


def short(row: dict) -> dict[str, str]:
    """The same as JSON-min, which has the regions under the name of the tool."""
    said = row["annotations"][0]
    rows = [each["value"] | SIZE for each in said["result"]]
    return {
        "min.json": json.dumps(
            [{"image": row["data"]["image"], "id": 1, "label": rows, "annotator": 3, "annotation_id": 7}]
        )
    }


def table(row: dict) -> dict[str, str]:
    """The same as CSV, whose cells are the fields of JSON-min."""
    (facts,) = json.loads(short(row)["min.json"])
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow([*facts, "created_at"])
    writer.writerow([*(json.dumps(each) if isinstance(each, list) else each for each in facts.values()), ""])
    return {"project.csv": lines.getvalue()}


@pytest.mark.parametrize("form", [in_a_list, alone, an_annotation, turned_round, old, short, table])
@pytest.mark.parametrize(
    ("value", "kind", "is_outline"),
    [
        (RIGHT, "rectanglelabels", False),
        ({"points": THREE, "closed": True}, "polygonlabels", True),
        (OVAL | {"y": 62.5, "radiusY": 12.5}, "ellipselabels", True),
        ({"format": "rle", "rle": packed(np.pad(np.ones((12, 32), bool), ((24, 12), (16, 16))))}, "brushlabels", False),
    ],
)
def test_every_form_and_shape(tmp_path: Path, form, value: dict, kind: str, is_outline: bool):
    picture(tmp_path / "a.png")
    for name, content in form(task(result(value, kind=kind))).items():
        text(tmp_path / name, content)
    source, found = read_folder(tmp_path)
    assert source.format == "label_studio" and not dropped(source).keys() - {"entry without an image name"}
    assert named_boxes(source, found["a.png"]) == [pytest.approx(BOX, abs=0.05)]
    (label,) = found["a.png"]
    assert bool(label.polygons) == is_outline and bool(label.rle) == ("rle" in value)
    assert ("ellipse read as an outline" in told(source)) == ("radiusX" in value)


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"annotations": [said_once(result(RIGHT, image_rotation=90))]}, "image was turned while it was labelled"),
        ({"annotations": [], "drafts": [{"result": [result(RIGHT)]}]}, "draft left out"),
        ({"annotations": [said_once(result(RIGHT | {"labels": ["cat"]}))]}, "several labels of an object"),
    ],
)
def test_what_a_person_should_know_is_told(tmp_path: Path, more: dict, note: str):
    source, found = one(tmp_path, task() | more)
    assert note in told(source) and len(found) == len(more["annotations"]) and not dropped(source)


@pytest.mark.parametrize("turn", [0, 30, 90, 200, -45, 360])
def test_a_box_turns_about_its_upper_left_corner(tmp_path: Path, turn: float):
    value = {"x": 50, "y": 50, "width": 12.5, "height": 12.5, "rotation": turn}
    _, (label,) = one(tmp_path, task(result(value)))
    angle = np.radians(turn)
    across, down = np.array([np.cos(angle), np.sin(angle)]) * 8, np.array([-np.sin(angle), np.cos(angle)]) * 6
    corners = np.array([[32, 24]] + [[32, 24] + step for step in (across, across + down, down)])
    assert label.xyxy == pytest.approx((*corners.min(0), *corners.max(0)), abs=1e-3)
    if turn % 360:
        assert np.allclose(np.reshape(label.polygons[0][0], (-1, 2)), corners, atol=1e-3)
        assert label.attributes == {"rotation": pytest.approx(turn % 360)}
    else:
        assert label.polygons is None and label.attributes is None


@settings(deadline=None, max_examples=50)
@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 40))))
def test_masks_are_packed_and_unpacked(pixels: np.ndarray):
    assert (unpacked(packed(pixels), pixels.shape[1], pixels.shape[0]) == pixels).all()


def test_values_that_are_listed_one_by_one_are_unpacked():
    alpha = np.array([0, 255, 127, 128] * 8, np.uint8)
    values = np.repeat(alpha, 4)
    bits = f"{values.size:032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    bits += f"0{0b10:02b}{99:08b}" + "".join(f"{value:08b}" for value in values[:100])
    bits += f"0{0b00:02b}{7:03b}" + "".join(f"{value:08b}" for value in values[100:108])
    bits += f"0{0b01:02b}{11:04b}" + "".join(f"{value:08b}" for value in values[108:120])
    bits += f"0{0b11:02b}{7:016b}" + "".join(f"{value:08b}" for value in values[120:])
    content = np.packbits([int(bit) for bit in bits]).tolist()
    assert (unpacked(content, 8, 4).ravel() == (alpha >= 128)).all()
    for cut in (content[:10], content[:40], content[:-1]):
        with pytest.raises(BadInput, match="cut off"):
            unpacked(cut, 8, 4)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("/data/upload/1-abcd1234-my_photo.png", "my photo.png"),
        ("/data/upload/3/0a1b2c3d-a.png", "a.png"),
        ("/data/upload/3/0a1b2c3d-a.png", "images/0a1b2c3d-a.png"),
        ("/data/local-files/?d=in%20the%20cellar/a.png", "a.png"),
        ("s3://bucket/some/a.png", "some/a.png"),
        ("https://example.com/files/a.png?token=x", "a.png"),
        ("a", "a.png"),
    ],
)
def test_addresses_of_images(tmp_path: Path, image: str, name: str):
    source, found = one(tmp_path, task(result(RIGHT), image=image), name=name)
    assert not dropped(source) and len(found) == 1


def test_attributes_of_a_region_and_answers_about_the_image(tmp_path: Path):
    rows = [
        result(RIGHT, score=0.5),
        result(RIGHT | {"choices": ["wet"]}, None, "choices", from_name="state"),
        result(RIGHT | {"choices": ["true"]}, None, "choices", from_name="occluded"),
        result(RIGHT | {"choices": ["a", "b"]}, None, "choices", from_name="both"),
        result(RIGHT | {"number": 4}, None, "number", from_name="age"),
        result(RIGHT | {"rating": 3}, None, "rating", from_name="stars"),
        result(RIGHT | {"text": ["hello", "you"]}, None, "textarea", from_name="transcription"),
        {"id": "q1", "from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": ["night"]}},
        {"id": "q2", "from_name": "kind", "to_name": "image", "type": "taxonomy", "value": {"taxonomy": [["a", "b"]]}},
        {"id": "q3", "from_name": "remark", "to_name": "image", "type": "textarea", "value": {"text": ["dark"]}},
        {"id": "q4", "from_name": "caption", "to_name": "image", "type": "textarea", "value": {"text": ["A dog."]}},
    ]
    source, (label,) = one(tmp_path, task(*rows))
    free = {"state": "wet", "both": ["a", "b"], "age": 4, "stars": 3}
    assert label.attributes == free | {"occluded": True, "text": "hello\nyou"} and label.confidence == 0.5
    assert source.tags == {"a.png": ["night", "kind: a / b"]}
    assert source.notes == {"a.png": "remark: dark"} and source.captions == {"a.png": "A dog."}


def test_a_shape_and_its_label_in_two_results_and_a_class_from_a_choice(tmp_path: Path):
    apart = [result(RIGHT, None, "rectangle"), result(RIGHT | {"labels": ["dog"]}, None, "labels")]
    chosen = {"id": "r2"}
    asked = [result(OVAL, None, "ellipse", **chosen), result(OVAL | {"choices": ["cat"]}, None, "choices", **chosen)]
    source, found = one(tmp_path, task(*apart, *asked))
    assert [name for name, *_ in named_boxes(source, found)] == ["cat", "dog"] and not dropped(source)


def test_key_points_belong_to_their_parent(tmp_path: Path):
    spots = {"nose": (50, 50), "tail": (75, 75)}
    points = [
        result({"x": x, "y": y, "width": 1}, name, "keypointlabels", id=name, parentID="r1")
        for name, (x, y) in spots.items()
    ]
    source, labels = one(tmp_path, task(points[0], result(RIGHT), *points[1:], result(RIGHT | {"y": 5}, id="r2")))
    assert [label.attributes for label in labels] == [{"keypoints": [[32, 24, 2], [48, 36, 2]]}, None]
    assert source.skeletons[labels[0].class_index].names == ("nose", "tail")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (result({"x": 1, "y": 1, "width": 1}, kind="keypointlabels", id="x"), "shape without an area"),
        (result({"points": THREE, "closed": False}, kind="polygonlabels", id="x"), "shape without an area"),
        (result({"vertices": []}, kind="vectorlabels", id="x"), "shape without an area"),
        (result({"sequence": []}, kind="labels", id="x"), "annotation of a video"),
        (result({"start": 1, "end": 2}, kind="labels", id="x"), "annotation of a text or a sound"),
        (result({"imageDataURL": "x"}, kind="bitmasklabels", id="x"), "mask as an embedded picture"),
        (result(RIGHT, None, id="x"), "object without a class"),
        (result({"points": [[1, 2]]}, kind="polygonlabels", id="x"), "polygon refused"),
        (result({"x": 5, "y": "no", "width": 1, "height": 2}, id="x"), "not a finite number"),
        (result({"format": "rle", "rle": [1, 2]}, kind="brushlabels", id="x"), "mask refused"),
        (result({"format": "rle", "rle": ["a"]}, kind="brushlabels", id="x"), "mask refused"),
        (result({"format": "rle", "rle": packed(np.ones((2, 2), bool))}, kind="brushlabels", id="x"), "mask refused"),
        ({"type": "relation", "from_id": "r1", "to_id": "r2", "labels": ["on"]}, "relation between objects"),
        (result({"odd": 1}, id="x"), "unknown shape"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, task(result(RIGHT), row))
    assert dropped(source) == {reason: 1} and named_boxes(source, found) == [pytest.approx(BOX)]


def said(key: int, *results: dict, **more) -> dict:
    return {"id": key, "completed_by": {"id": key * 10}, "result": list(results), **more}


def test_annotations_of_several_people(tmp_path: Path):
    moved = result(RIGHT | {"x": 5})
    both = {"annotations": [said(1, result(RIGHT)), said(2, result(RIGHT), moved | {"id": "r2"})]}
    source, found = one(tmp_path, task() | both)
    assert [label.attributes for label in found] == [{"annotator": 10}, {"annotator": 20}]
    assert "several annotations of an image" in told(source)


@pytest.mark.parametrize(
    ("annotations", "note"),
    [
        ([said(1, result(RIGHT)), said(2, result(OVAL), was_cancelled=True)], "skipped annotation left out"),
        ([said(1, result(OVAL)), said(2, result(RIGHT), ground_truth=True)], "only the ground truth is read"),
    ],
)
def test_one_annotation_of_several(tmp_path: Path, annotations: list[dict], note: str):
    source, found = one(tmp_path, task() | {"annotations": annotations})
    assert named_boxes(source, found) == [pytest.approx(BOX)] and note in told(source)


def test_predictions_are_read_where_nobody_annotated(tmp_path: Path):
    guess = {
        "id": 1,
        "model_version": "m",
        "score": 0.25,
        "result": [result(RIGHT), result(RIGHT | {"x": 1}, id="r2", score=0.5)],
    }
    source, found = one(tmp_path, task() | {"annotations": [], "predictions": [guess]})
    assert [label.confidence for label in found] == [0.25, 0.5] and "predictions read as labels" in told(source)
    source, found = one(tmp_path, task(result(RIGHT), predictions=[guess]))
    assert len(found) == 1 and "predictions left out" in told(source)
    source, found = read_folder(tmp_path, "label_studio_predictions")
    assert [label.confidence for label in found["a.png"]] == [0.25, 0.5] and not source.report.counts["noticed"]


def test_a_short_form_with_several_annotators_and_an_answer(tmp_path: Path):
    region = RIGHT | SIZE | {"rectanglelabels": ["dog"]}
    row = {
        "image": "/data/upload/a.png",
        "id": 1,
        "label": [region],
        "choice": "night",
        "annotator": 1,
        "annotation_id": 1,
    }
    other = row | {"label": [region | {"x": 5}], "annotator": 2, "annotation_id": 2, "mood": {"choices": ["a", "b"]}}
    source, found = one(tmp_path, row, other)
    assert [label.attributes for label in found] == [{"annotator": 1}, {"annotator": 2}] and not dropped(source)
    assert source.tags == {"a.png": ["night", "mood: a", "mood: b"]}


def test_pages_and_several_images_of_a_task(tmp_path: Path):
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / name)
    pages = task(result(RIGHT, item_index=0), result(RIGHT, item_index=1, id="r2")) | {
        "data": {"image": ["a.png", "b.png"]}
    }
    two = task(result(RIGHT, to_name="left"), result(RIGHT, to_name="right", id="r2"))
    two |= {"data": {"x": "b.png", "y": "c.png"}}
    text(tmp_path / "project.json", json.dumps([pages, two]))
    shown = "".join(f'<Image name="{name}" value="${key}"/>' for name, key in (("left", "x"), ("right", "y")))
    labels = '<Label value="cat"/><Label value="dog"/>'
    config = f'<View>{shown}<RectangleLabels name="label" toName="left">{labels}</RectangleLabels></View>'
    text(tmp_path / "config.xml", config)
    source, found = read_folder(tmp_path)
    assert {name: len(labels) for name, labels in found.items()} == {"a.png": 1, "b.png": 2, "c.png": 1}
    assert list(source.classes.values()) == ["cat", "dog"]


def test_what_is_written_is_read_with_everything(tmp_path: Path):
    turned = Label(
        0,
        (10.0, 10.0, 20.0, 25.0),
        attributes={"crowd": True, "occluded": False, "text": "x", "z": 2, "colours": ["a", "b"]},
    )
    points = Label(
        1, (30.0, 10.0, 50.0, 25.0), confidence=0.5, attributes={"keypoints": [[35.0, 12.0, 2], [0.0, 0.0, 0]]}
    )
    out = Folder(tmp_path)
    picture(tmp_path / "images/train/a.png")
    image = Written(
        "images/train/a.png", "a.png", "train", 64, 48, [turned, points], "caption", tags=["night"], notes="dark"
    )
    assert list(FORMATS["label_studio"].write(out, ["cat", "dog"], {"train": [image]})) == [1]
    source, found = read_folder(tmp_path)
    first, second = found["images/train/a.png"]
    assert first.attributes == turned.attributes and second.confidence == 0.5 and not dropped(source)
    assert second.attributes == {"keypoints": [[35, 12, 2]]}
    assert (source.tags, source.notes, source.captions) == tuple(
        {"images/train/a.png": value} for value in (["night"], "dark", "caption")
    )
    assert not Tree.of(tmp_path).tables == [] and source.splits == {"images/train/a.png": "train"}


def test_outlines_with_holes_are_written_as_masks(tmp_path: Path):
    ring, hole = [4.0, 4, 24, 4, 24, 24, 4, 24], [8.0, 8, 8, 16, 16, 16, 16, 8]
    out = Folder(tmp_path)
    picture(tmp_path / "a.png")
    image = Written("a.png", "a.png", "train", 64, 48, [Label(0, (4, 4, 24, 24), [[ring, hole]])])
    list(FORMATS["label_studio"].write(out, ["cat"], {"train": [image]}))
    _, found = read_folder(tmp_path)
    mask = of_rle(found["a.png"][0].rle)
    dense = to_dense(mask, 64, 48)
    assert dense.sum() == 400 - 64 and not dense[12, 12] and out.notes.total() == 1
