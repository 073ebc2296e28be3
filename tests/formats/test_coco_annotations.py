"""What an annotation of a COCO file means: outlines and masks in every spelling, crowds, attributes, angles, key points."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.attributes import Skeleton
from tator.formats import Label, Report
from tator.formats._coco_annotation import Dialect, label_of
from tator.formats._coco_attributes import Crowds, skeleton_of
from tator.formats._shapes import Place, mask_of
from tator.formats._turned import corners_of
from tests.folders import coco, picture, text
from tests.reading import dropped, read_folder, told

WIDTH, HEIGHT = 64, 48


def packed(pixels: np.ndarray) -> bytes:
    """Return a mask as pycocotools packs it."""
    from pycocotools import mask

    return mask.encode(np.asfortranarray(pixels))["counts"]


RING = [4.0, 6.0, 24.0, 6.0, 24.0, 16.0, 4.0, 16.0]
PAIRS = [[4, 6], [24, 6], [24, 16], [4, 16]]
MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[6:16, 4:24] = 1
PACKED = packed(MASK)
RUNS = [4 * 48 + 6, *[10, 38] * 19, 10, 40 * 48 + 32]
RLE = {"size": [HEIGHT, WIDTH], "counts": RUNS}


def label(row: dict, dialect: Dialect | None = None) -> tuple[Label | None, Report]:
    """Return what one annotation becomes, and what was told of it."""
    place = Place(WIDTH, HEIGHT, Report(), "a.json")
    whole = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 10], **row}
    return label_of(whole, dialect or Dialect({"1": 0}), place), place.report


@pytest.mark.parametrize(
    "shape",
    [
        RING,
        [RING],
        [[RING]],
        [[[RING]]],
        PAIRS,
        [PAIRS],
        [[PAIRS]],
        {"0": RING},
        {"a": [RING]},
        {"polygons": {"outer": PAIRS}},
        [{"x": x, "y": y} for x, y in PAIRS],
        [[{"x": x, "y": y} for x, y in PAIRS]],
        {"all_points_x": RING[0::2], "all_points_y": RING[1::2]},
        json.dumps([RING]),
        json.dumps(RING),
        [[int(v) for v in RING]],
    ],
    ids=lambda shape: str(shape)[:40],
)
def test_an_outline_is_read_in_every_spelling(shape: object):
    for row in ({}, {"bbox": None}):
        found, report = label({"segmentation": shape, **row})
        assert found and found.polygons == [[RING]] and found.xyxy == (4, 6, 24, 16) and not found.rle
        assert report.counts["repaired"] == ({"box taken from the shape": 1} if row else {})


@pytest.mark.parametrize("nesting", [lambda a, b: [a, b], lambda a, b: [[a], [b]], lambda a, b: {"0": a, "1": [b]}])
def test_parts_of_an_object_stay_apart(nesting):
    other = [40.0, 6.0, 50.0, 6.0, 50.0, 16.0]
    found, report = label({"segmentation": nesting(RING, other)})
    assert found and found.polygons == [[RING], [other]] and not report.counts["repaired"]


@pytest.mark.parametrize(
    "shape",
    [
        [1, 2, 3, 4],
        [1, 2, 3, 4, 5, 6, 7],
        [1, 1, math.nan, 1, 9, 9],
        [[1, 1, 9, 1, None, 9]],
        [[1, 1, 9, 1, 10**400, 9]],
        ["a", "b"],
        "polygon",
        5,
        {"a": 1},
        [[[[[[[[[RING]]]]]]]]],
    ],
    ids=str,
)
def test_what_is_no_outline_is_told_once_and_the_box_stays(shape: object):
    found, report = label({"segmentation": shape})
    assert found == Label(0, (4, 6, 24, 16)) and report.counts["repaired"].total() == 1


@pytest.mark.parametrize(
    "shape",
    [
        RLE,
        {"counts": RUNS},
        {"size": None, "counts": RUNS},
        {"size": [48.0, 64.0], "counts": [float(run) for run in RUNS]},
        {"size": [HEIGHT, WIDTH], "counts": PACKED.decode()},
        {"size": [HEIGHT, WIDTH], "counts": PACKED},
        {"size": [HEIGHT, WIDTH], "counts": str(PACKED)},
        {"counts": PACKED.decode()},
        {"counts": " ".join(map(str, RUNS))},
        {"counts": str(RUNS)},
        [RLE],
        {"rle": RLE},
        json.dumps(RLE),
    ],
    ids=lambda shape: str(shape)[:40],
)
def test_run_lengths_are_read_in_every_spelling(shape: object):
    found, report = label({"segmentation": shape, "bbox": [4, 6, 20, 10]})
    assert found and found.rle == {"size": [HEIGHT, WIDTH], "counts": PACKED.decode()}
    assert not found.polygons and not report.counts["repaired"]


@given(st.binary(min_size=12, max_size=12))
def test_bytes_that_a_script_took_for_text_are_read(bits: bytes):
    pixels = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(8, 12)
    given_ = packed(pixels)
    for counts in (given_, str(given_), given_.decode()):
        place = Place(12, 8, Report(), "a.json")
        row = {"category_id": 1, "bbox": [0, 0, 12, 8], "segmentation": {"size": [8, 12], "counts": counts}}
        found = label_of(row, Dialect({"1": 0}), place)
        assert found and found.rle and found.rle["counts"] == given_.decode()


def test_several_run_lengths_are_one_object():
    parts = [np.zeros_like(MASK) for _ in range(2)]
    parts[0][6:16, 4:10] = parts[1][6:16, 8:24] = 1
    found, _ = label({"segmentation": [{"counts": packed(part)} for part in parts]})
    assert found and found.rle and found.rle["counts"] == PACKED.decode()


@pytest.mark.parametrize("shape", [None, [], [[]], {}, "", "[]"])
def test_a_plain_box_has_no_outline_and_nothing_is_told(shape: object):
    found, report = label({"segmentation": shape})
    assert found == Label(0, (4, 6, 24, 16)) and not report.counts["repaired"]


@pytest.mark.parametrize("bbox", [[4, 6, 20, 10], [4.0, 6.0, 20.0, 10.0], ["4", "6.0", 20, "10"], "[4, 6, 20, 10]"])
def test_a_box_is_read_in_every_spelling(bbox: object):
    assert label({"bbox": bbox})[0] == Label(0, (4, 6, 24, 16))


@pytest.mark.parametrize(
    "bbox", [[4, 6, 10**400, 10], [4, 6, "wide", 10], [4, math.nan, 20, 10], [4, 6, -math.inf, 10]]
)
def test_a_box_without_a_finite_number_is_named(bbox: object):
    found, report = label({"bbox": bbox})
    assert found is None and report.counts["dropped"] == {"not a finite number": 1}


MARKS = [1, 1.0, True, "1", "true"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("shape", [RLE, [RING], []], ids=["mask", "outline", "box"])
def test_a_crowd_is_kept_as_a_crowd(mark: object, shape: object):
    found, report = label({"iscrowd": mark, "segmentation": shape})
    assert found and found.attributes == {"crowd": True} and bool(found.rle) == (shape is RLE)
    assert not report.counts["dropped"]


@pytest.mark.parametrize("mark", [0, 0.0, False, "0", "", None, [1]])
def test_other_marks_are_no_crowd(mark: object):
    assert label({"iscrowd": mark})[0] == Label(0, (4, 6, 24, 16))


def rows(*kinds: str) -> list[dict]:
    """Return annotations: m(ask), o(utline) or b(ox), * marked, + with attributes."""
    shapes = {"m": RLE, "o": [RING], "b": []}
    said = {"attributes": {"occluded": False}}
    return [
        {"segmentation": shapes[kind[0]], "iscrowd": int("*" in kind), **(said if "+" in kind else {})}
        for kind in kinds
    ]


@pytest.mark.parametrize(
    ("found", "are_masks"),
    [
        (rows("m*"), True),
        (rows("m*", "m*"), True),
        (rows("m*+", "m*+"), True),
        (rows("m*+", "o+"), True),
        (rows("m*", "b+"), True),
        (rows("m*", "o"), False),
        (rows("m*", "b"), False),
        (rows("m*", "m"), False),
        (rows("m*+", "m+"), False),
        (rows("m*+", "o*+"), False),
        (rows("o*"), False),
        (rows("b*", "o"), False),
        (rows("o", "m"), False),
        ([{"segmentation": [RLE], "iscrowd": 1}], True),
        ([{"segmentation": RLE, "iscrowd": 1, "attributes": {"is_crowd": True}}, *rows("m*+")], False),
    ],
)
def test_what_iscrowd_means_is_told_from_the_whole_file(found: list[dict], are_masks: bool):
    crowds = Crowds()
    for row in found:
        crowds.see(row)
    assert crowds.are_masks == are_masks


def test_images_as_datumaro_has_them_tell_its_masks():
    crowds = Crowds()
    for row in rows("m*", "o"):
        crowds.see(row)
    entry = {"id": 1, "license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
    crowds.see_image(entry | {"coco_url": "http://images.cocodataset.org/a.jpg"})
    assert not crowds.are_masks
    crowds.see_image(entry)
    assert crowds.are_masks


def test_masks_that_a_tool_marks_all_are_objects_and_that_is_told(tmp_path: Path):
    picture(tmp_path / "a.png")
    text(tmp_path / "a.json", coco(["a.png"], [{**row, "bbox": [4, 6, 20, 10]} for row in rows("m*+", "m*+", "o+")]))
    source, found = read_folder(tmp_path)
    assert [each.attributes for each in found["a.png"]] == [{"occluded": False}] * 3
    assert source.report.counts["noticed"] == {"iscrowd marks masks here, not crowds": 1} and "(2)" in told(source)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"attributes": {"occluded": 1, "colour": "red"}}, {"occluded": True, "colour": "red"}),
        ({"attributes": {"occluded": "false", "track_id": 7}}, {"occluded": False, "track": 7}),
        ({"attributes": {"track_id": 7, "keyframe": False}}, {"track": 7, "interpolated": True}),
        ({"attributes": {"track_id": 7, "keyframe": True}}, {"track": 7}),
        ({"occluded": 1, "truncated": 0, "weight": 2.5}, {"occluded": True, "truncated": False, "weight": 2.5}),
        ({"attributes": {"a": 1}, "a": 2}, {"a": 1}),
        ({"attributes": [{"name": "a", "value": 1}]}, {"a": 1}),
        ({"attributes": '{"a": 1}'}, {"a": 1}),
        ({"attributes": ["red", "old"]}, {"attributes": ["red", "old"]}),
        ({"isbbox": True, "color": "#12ab34", "metadata": {}, "width": 64, "events": []}, None),
        ({"metadata": {"occluded": "true", "age": 3}, "color": "red"}, {"occluded": True, "age": 3, "color": "red"}),
        ({"extra": {"instance_id": 12}}, {"instance_id": 12}),
        ({"ignore": 1}, {"crowd": True}),
        ({"ignore": 0}, None),
        ({"attributes": {"is_crowd": True}}, {"crowd": True}),
        ({"attributes": {"is_crowd": False}}, None),
        ({"utf8_string": "Abc", "legibility": "legible"}, {"text": "Abc", "legibility": "legible"}),
        ({"group_id": 4, "z_order": 2}, {"group": 4, "z": 2}),
        ({"category_name": "cat", "file_name": "a.png", "num_keypoints": 0}, None),
        ({"attributes": {}, "area": 5}, None),
        ({"attributes": None}, None),
    ],
)
def test_attributes_are_read_under_our_names(row: dict, expected: dict | None):
    found, report = label(row)
    assert found and found.attributes == expected and not report.counts["repaired"]


def test_a_score_among_the_attributes_is_the_confidence():
    found, _ = label({"attributes": {"score": 0.25}})
    assert found == Label(0, (4, 6, 24, 16), confidence=0.25)


@pytest.mark.parametrize("turn", [30.0, 91.0, 123.5, 200.0, 359.0, -30.0, 390.0])
@pytest.mark.parametrize("outline", ["none", "its box", "turned"])
@pytest.mark.parametrize("is_inside", [True, False], ids=["attributes", "field"])
def test_a_turned_box_is_turned(turn: float, outline: str, is_inside: bool):
    ring = corners_of((20, 16, 40, 28), turn)
    shape: list = {"none": [], "its box": [[20, 16, 40, 16, 40, 28, 20, 28]], "turned": [ring[4:] + ring[:4]]}[outline]
    xs, ys = ring[0::2], ring[1::2]
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)] if outline == "turned" else [20, 16, 20, 12]
    angle = {"attributes": {"rotation": turn}} if is_inside else {"rotation": turn}
    found, report = label({"bbox": box, "segmentation": shape, **angle})
    assert found and found.attributes == {"rotation": pytest.approx(turn % 360)} and not report.counts["repaired"]
    assert found.polygons and found.polygons[0][0] == pytest.approx(ring)
    assert found.xyxy == pytest.approx((min(xs), min(ys), max(xs), max(ys)))


@pytest.mark.parametrize(
    ("row", "is_told"),
    [
        ({"attributes": {"rotation": 0.0}}, False),
        ({"attributes": {"rotation": 360}}, False),
        ({"attributes": {"rotation": "steep"}}, True),
        ({"attributes": {"rotation": 30}, "segmentation": RLE}, True),
        ({"attributes": {"rotation": 30}, "segmentation": [[4, 6, 24, 6, 14, 16]]}, True),
        ({"attributes": {"rotation": 30}, "segmentation": [RING, [30, 6, 40, 6, 40, 16]]}, True),
    ],
)
def test_what_is_not_turned_has_no_angle(row: dict, is_told: bool):
    found, report = label(row)
    assert found and found.attributes is None and found.xyxy == (4, 6, 24, 16)
    assert report.counts["repaired"] == ({"rotation left out": 1} if is_told else {})


POINTS = [[5.0, 7.0, 2], [0.0, 0.0, 0], [9.5, 8.0, 1]]


@pytest.mark.parametrize(
    ("keypoints", "names", "expected", "reason"),
    [
        ([5, 7, 2, 0, 0, 0, 9.5, 8, 1], 3, POINTS, None),
        ([[5, 7, 2], [0, 0, 0], [9.5, 8, 1]], 3, POINTS, None),
        ([5, 7, 2, 0, 0, 0, 9.5, 8, 1], 0, POINTS, None),
        ([5, 7, 9, 8], 2, [[5, 7, 2], [9, 8, 2]], None),
        ([[5, 7], [9, 8]], 2, [[5, 7, 2], [9, 8, 2]], None),
        ([5, 7, 0.9, 9, 8, 1], 2, [[5, 7, 2], [9, 8, 1]], "visibility of key points changed"),
        ([5, 7, 2], 2, [[5, 7, 2]], "number of key points differs"),
        ([5, 7, 2, 1], 3, None, "key points left out"),
        ([5, None, 2], 1, None, "key points left out"),
        ("nose", 1, None, "key points left out"),
        ([0] * 9, 3, None, None),
        ([], 3, None, None),
        (None, 3, None, None),
    ],
)
def test_key_points_are_read(keypoints: object, names: int, expected: list | None, reason: str | None):
    found, report = label({"keypoints": keypoints, "num_keypoints": 2}, Dialect({"1": 0}, {0: names}))
    assert found and found.attributes == ({"keypoints": expected} if expected else None)
    assert [*report.counts["repaired"], *report.counts["noticed"]] == ([reason] if reason else [])


def test_key_points_alone_have_the_box_around_those_that_are_marked():
    found, report = label({"bbox": None, "keypoints": [5, 7, 2, 0, 0, 0, 9, 8, 1]})
    assert found and found.xyxy == (5, 7, 9, 8) and report.counts["repaired"] == {"box taken from the shape": 1}


@pytest.mark.parametrize(
    ("skeleton", "edges", "left_out"),
    [
        ([[1, 2], [2, 3]], ((0, 1), (1, 2)), 0),
        ([[0, 1], [1, 2]], ((0, 1), (1, 2)), 0),
        ([[1, 4], [2, 3], "x", [1]], ((1, 2),), 3),
        ([], (), 0),
        (None, (), 0),
    ],
)
def test_joints_count_from_one_or_from_zero(skeleton: object, edges: tuple, left_out: int):
    report = Report()
    category = {"name": "cat", "keypoints": ["nose", "ear", "tail"], "skeleton": skeleton}
    assert skeleton_of(category, "a.json", report) == Skeleton(("nose", "ear", "tail"), edges)
    assert report.counts["repaired"] == ({"joints left out": 1} if left_out else {})


def test_key_points_join_the_object_of_another_file(tmp_path: Path):
    picture(tmp_path / "a.png")
    box = {"bbox": [4, 6, 20, 10], "segmentation": [RING]}
    text(tmp_path / "instances_train.json", coco(["a.png"], [box, {"category_id": 2}]))
    other = json.loads(coco(["a.png"], [{**box, "keypoints": [5, 7, 2, 9, 8, 1], "num_keypoints": 2}]))
    other["categories"] = [{"id": 1, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}]
    text(tmp_path / "person_keypoints_train.json", json.dumps(other))
    source, found = read_folder(tmp_path)
    assert len(found["a.png"]) == 2 and not dropped(source)
    assert found["a.png"][0].attributes == {"keypoints": [[5, 7, 2], [9, 8, 1]]} and found["a.png"][0].polygons
    assert source.skeletons == {0: Skeleton(("nose", "tail"), ((0, 1),))}


def test_a_mask_covers_what_pycocotools_covers():
    found, _ = label({"segmentation": RLE})
    mask = found and mask_of(found, WIDTH, HEIGHT)
    assert mask and (mask.x, mask.y, mask.data.shape, bool(mask.data.all())) == (4, 6, (10, 20), True)
