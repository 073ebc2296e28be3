"""YOLO and COCO: what their rows mean, and write -> read -> equal."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tator.datasets.label_map import check_class_name, palette_color
from tator.formats import Label, Report, coco, fit_box, folder_split, yolo
from tator.formats._coco_written import annotation_json
from tator.formats._rle import checked_rle, rle_area, rle_box
from tator.formats.tree import Tree, content_root
from tator.types import BadInput
from tator.vision.run_lengths import pack_counts, unpack_counts
from tator.workbench import Workbench
from tests.folders import boxes, export, make, picture, same_boxes, text, yolo_folder
from tests.folders import coco as coco_text


def rows(folder: Path, content: str, size=(64, 48), names=("cat", "dog")) -> tuple[list, Report]:
    yolo_folder(folder, {"a.png": content}, list(names) if names else None)
    source = yolo.read(Tree.of(folder))
    return source.labels("images/a.png", *size), source.report


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0 nan .5 .1 .1", "not a finite number"),
        ("0 inf .5 .1 .1", "not a finite number"),
        ("0 .5 .5 -inf .1", "not a finite number"),
        ("0 .5 .5 -.1 .1", "negative width or height"),
        ("0 .5 .5 .1 -.2", "negative width or height"),
        ("0 .5 .5 0 .1", "zero area"),
        ("0 .5 .5 .1 0", "zero area"),
        ("0 .5 .5 0 0", "zero area"),
        ("0 1.5 .5 .1 .1", "outside the image"),
        ("0 320 240 50 60", "outside the image"),
        ("0 .5 -.6 .1 .1", "outside the image"),
        ("2 .5 .5 .1 .1", "class out of range"),
        ("-1 .5 .5 .1 .1", "class out of range"),
        ("0.5 .5 .5 .1 .1", "class out of range"),
        ("99999999999999999999 .5 .5 .1 .1", "class out of range"),
        ("0 .5 .5 .1", "not a YOLO row"),
        ("0,.5,.5,.1,.1", "not a YOLO row"),
        ("0 .1 .1 .2 .2 .3 .3 .4", "not a YOLO row"),
        ("cat .5 .5 .1 .1", "not a YOLO row"),
        ("0 .5 .5 .1 x", "not a YOLO row"),
        ("0", "not a YOLO row"),
        ("0 .1 .1 .2 .1 .3 .1", "zero area"),
        ("0 .1 .1 nan .1 .3 .3", "not a finite number"),
        ("1 .3 .3 .2 .2", "repeats an earlier row"),
    ],
)
def test_t39_bad_yolo_rows_are_dropped_by_file_line_and_reason(tmp_path: Path, row: str, reason: str):
    found, report = rows(tmp_path, f"1 .3 .3 .2 .2\n\n{row}\n0 .5 .5 .2 .2\n")
    assert [label.class_index for label in found] == [1, 0]
    assert report.entries["dropped"] == [
        {"file": "labels/a.txt", "line": 3, "reason": reason, "detail": report.entries["dropped"][0]["detail"]}
    ]


def test_t41_yolo_boxes_and_polygons_mixed_in_one_file(tmp_path: Path):
    found, report = rows(tmp_path, "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75\n0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n")
    assert found[0].xyxy == (16, 12, 48, 36) and found[0].polygons is None
    assert found[1].xyxy == (16, 12, 48, 36) and found[1].polygons == [[[16, 12, 48, 12, 48, 36]]]
    assert found[2].xyxy == pytest.approx((6.4, 4.8, 12.8, 9.6))
    assert not report.counts["dropped"]


def test_boxes_a_little_outside_are_clipped_and_said(tmp_path: Path):
    found, report = rows(tmp_path, "0 .05 .5 .2 .2\n0 .1 .5 .2000001 .2\n")
    assert found[0].xyxy[0] == 0 and found[0].xyxy[2] == pytest.approx(9.6)
    assert report.counts["repaired"] == {"clipped to the image": 1}, "rounding is not worth a line"


def test_numbered_classes_take_any_index(tmp_path: Path):
    found, report = rows(tmp_path, "7 .5 .5 .1 .1\n", names=None)
    assert found[0].class_index == 7 and not report.counts["dropped"]


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/a.jpg", "labels/a.txt"),
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("images/val/a.jpg", "labels/val/a.txt"),
        ("a.jpg", "a.txt"),
        ("a.jpg", "labels/a.txt"),
        ("sub/a.jpg", "labels/sub/a.txt"),
        ("x/images/images/a.b.jpg", "x/images/labels/a.b.txt"),
        ("obj_train_data/a.jpg", "obj_train_data/a.txt"),
        ("pics/a.jpg", "pics/labels/a.txt"),
        ("pics/a.jpg", "labels/a.txt"),
    ],
)
def test_label_files_are_found(tmp_path: Path, image: str, label: str):
    picture(tmp_path / image, format="PNG")
    text(tmp_path / label, "0 .5 .5 .1 .1")
    tree = Tree.of(tmp_path)
    assert yolo.sniff(tree) and len(yolo.read(tree).labels(image, 64, 48)) == 1


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train/images/a.jpg", "train"),
        ("images/val/a.jpg", "val"),
        ("valid/a.jpg", "val"),
        ("test/a.jpg", "test"),
        ("images/a.jpg", None),
        ("trainer/a.jpg", None),
        ("train.jpg", None),
    ],
)
def test_splits_of_folders(path: str, split: str | None):
    assert folder_split(path) == split


@pytest.mark.parametrize(
    ("file", "content", "names"),
    [
        ("labelmap.txt", "cat\ndog\n\n", ["cat", "dog"]),
        ("classes.txt", "cat\r\ndog\r\n", ["cat", "dog"]),
        ("obj.names", "red car\nÄpfel", ["red car", "Äpfel"]),
        ("data.yaml", "names: [cat, dog]\nnc: 2", ["cat", "dog"]),
        ("data.yaml", "names:\n  0: cat\n  1: yes\n", ["cat", "yes"]),
        ("data.yaml", "train: x\nnames: {'0': a, '1': b}", ["a", "b"]),
        ("labels/classes.txt", "cat\ndog", ["cat", "dog"]),
        ("labelmap.txt", "\ufeffcat\ndog", ["cat", "dog"]),
    ],
)
def test_class_names_from_every_kind_of_file(tmp_path: Path, file: str, content: str, names: list[str]):
    text(yolo_folder(tmp_path, {"a.png": "1 .5 .5 .1 .1"}) / file, content)
    source = yolo.read(Tree.of(tmp_path))
    assert list(source.classes.values()) == names and len(source.labels("images/a.png", 64, 48)) == 1


def test_t40_ids_of_names_need_not_be_contiguous(tmp_path: Path):
    text(yolo_folder(tmp_path, {"a.png": "5 .5 .5 .1 .1\n3 .5 .5 .2 .2"}) / "data.yaml", "names: {5: five, 1: one}")
    source = yolo.read(Tree.of(tmp_path))
    assert source.classes == {1: "one", 5: "five"} and len(source.labels("images/a.png", 64, 48)) == 1
    assert source.report.counts["dropped"] == {"class out of range": 1}


def coco_labels(folder: Path, annotations: list[dict], **options) -> tuple[list, Report]:
    picture(folder / "images" / "a.png")
    text(folder / "annotations" / "instances_train.json", coco_text(["a.png"], annotations, **options))
    tree = Tree.of(folder)
    assert coco.sniff(tree)
    source = coco.read(tree)
    return source.labels("images/a.png", 64, 48), source.report


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"bbox": [1, 1, float("nan"), 5]}, "not a finite number"),
        ({"bbox": [float("inf"), 1, 5, 5]}, "not a finite number"),
        ({"bbox": [1, 1, -5, 5]}, "negative width or height"),
        ({"bbox": [1, 1, 0, 5]}, "zero area"),
        ({"bbox": [100, 100, 5, 5]}, "outside the image"),
        ({"category_id": 9}, "class out of range"),
        ({"category_id": None}, "class out of range"),
        ({"category_id": [1]}, "class out of range"),
        ({"bbox": [1, 1, 5]}, "no box"),
        ({"bbox": None}, "no box"),
        ({"bbox": "1,1,5,5"}, "no box"),
    ],
)
def test_t39_bad_coco_annotations_are_dropped_by_id_and_reason(tmp_path: Path, bad: dict, reason: str):
    found, report = coco_labels(tmp_path, [{}, bad, {"category_id": 2}])
    assert [label.class_index for label in found] == [0, 1]
    assert report.counts["dropped"] == {reason: 1} and "annotation 2" in report.entries["dropped"][0]["file"]


@pytest.mark.parametrize(
    ("score", "confidence", "repaired"),
    [
        (0.25, 0.25, 0),
        (0, 0.0, 0),
        (1, 1.0, 0),
        (None, None, 0),
        (1.01, None, 1),
        (-0.1, None, 1),
        (87, None, 1),
        (float("nan"), None, 1),
        (float("inf"), None, 1),
        (True, None, 1),
        ("0.5", None, 1),
        ([0.5], None, 1),
    ],
)
def test_coco_scores_are_confidences(tmp_path: Path, score: object, confidence: float | None, repaired: int):
    found, report = coco_labels(tmp_path, [{}, {"score": score, "segmentation": [[4, 4, 9, 4, 9, 9]]}])
    assert [label.confidence for label in found] == [None, confidence] and found[1].polygons
    assert report.counts["repaired"].total() == report.counts["repaired"]["confidence left out"] == repaired
    assert all("annotation 2" in entry["file"] for entry in report.entries["repaired"])


def test_coco_shapes(tmp_path: Path):
    rle = {"size": [48, 64], "counts": [48 * 2 + 3, 4, 48 * 64 - 48 * 2 - 7]}
    shapes = [
        [[1, 1, 9, 1, 9, 9]],
        [[1, 1, 9, 1, 9, 9], [20, 20, 30, 20, 30, 30]],
        rle,
        [[1, 1, 2, 2]],
        [[1, 1, float("nan"), 1, 2, 2]],
        [],
    ]
    found, report = coco_labels(
        tmp_path, [{"segmentation": shape} for shape in shapes] + [{"bbox": None, "segmentation": rle}]
    )
    assert [label.polygons and len(label.polygons) for label in found] == [1, 2, None, None, None, None, None]
    assert rle_area(found[2].rle) == 4 and found[6].xyxy == (2, 3, 3, 7)
    assert report.counts["repaired"] == {"polygon left out": 2, "box taken from the shape": 1}


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(1, 20))
def test_run_lengths_round_trip(flags: list[bool], height: int):
    from pycocotools import mask

    width = -(-len(flags) // height)
    drawn = np.zeros(width * height, np.uint8)
    drawn[: len(flags)] = flags
    packed = mask.encode(np.asfortranarray(drawn.reshape(width, height).T))["counts"].decode()
    runs = unpack_counts(packed)
    assert pack_counts(runs) == packed and sum(runs) == width * height
    given_ = {"size": [height, width], "counts": runs.tolist()}
    assert checked_rle(given_, width, height) == {"size": [height, width], "counts": packed}
    x1, y1, x2, y2 = rle_box({"size": [height, width], "counts": packed})
    assert [x1, y1, x2 - x1, y2 - y1] == mask.toBbox(
        {"size": [height, width], "counts": packed}
    ).tolist() or not drawn.any()


@pytest.mark.parametrize(
    "bad",
    [
        {"size": [48, 64], "counts": [5, 5]},
        {"size": [1, 1], "counts": [1]},
        {"size": [48, 64], "counts": [-5, 48 * 64 + 5]},
        None,
        "x",
        {"size": [48, 64], "counts": "zzzz"},
        {"size": [48, 64], "counts": "\n"},
        {"size": [48, 64], "counts": [1.5]},
        {"size": [48, 64]},
        {"size": [48, 64], "counts": "o" * 10_000},
    ],
)
def test_run_lengths_that_do_not_fit_are_refused(bad):
    with pytest.raises(BadInput, match="run lengths"):
        checked_rle(bad, 64, 48)


def test_report_lists_are_capped_and_counts_are_not():
    report = Report()
    for n in range(2500):
        report.drop(f"{n}.txt", "zero area")
        report.drop(f"{n}.txt", "outside the image")
    merged = Report().merge(report).merge(Report.of(report.as_json()))
    assert merged.counts["dropped"] == {"zero area": 5000, "outside the image": 5000}
    assert len(report.as_json()["dropped"]) == len(merged.as_json()["dropped"]) == 2000


@given(st.tuples(*[st.floats(-200, 200)] * 4))
def test_a_kept_box_lies_inside_and_has_area(xyxy: tuple):
    box = fit_box(xyxy, 64, 48, Report(), "a.txt")
    assert box is None or (0 <= box[0] < box[2] <= 64 and 0 <= box[1] < box[3] <= 48)


def test_content_root(tmp_path: Path):
    picture(tmp_path / "a" / "mine" / "images" / "x.png")
    (tmp_path / "a" / "__MACOSX").mkdir()
    assert content_root(tmp_path / "a") == tmp_path / "a" / "mine"
    assert content_root(tmp_path / "a" / "mine") == tmp_path / "a" / "mine"


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\:"), min_size=1, max_size=12)


def fits(part: str) -> bool:
    return part.strip(" .") == part and len(part.encode()) < 100


@st.composite
def datasets(draw):
    """Return ({path: [(class, box)]}, class names) with odd names and the same basenames in several folders."""
    folders = draw(st.lists(NAMES.filter(fits), min_size=1, max_size=3, unique_by=str.casefold))
    stems = draw(st.lists(NAMES.filter(fits), min_size=1, max_size=3, unique_by=str.casefold))
    classes = draw(st.lists(NAMES.filter(visible), min_size=1, max_size=4, unique=True))
    corner = st.tuples(st.floats(0, 60), st.floats(0, 44), st.floats(2, 64), st.floats(2, 48))
    box = st.tuples(
        st.integers(0, len(classes) - 1), corner.map(lambda c: (c[0], c[1], min(c[0] + c[2], 64), min(c[1] + c[3], 48)))
    )
    return {f"{folder}/{stem}.png": draw(st.lists(box, max_size=4)) for folder in folders for stem in stems}, classes


def visible(name: str) -> bool:
    try:
        return check_class_name(name) == name
    except BadInput:
        return False


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(datasets(), st.sampled_from(["yolo", "coco"]))
def test_write_then_read_gives_equal_boxes(drawn, format: str):
    paths, classes = drawn
    with tempfile.TemporaryDirectory() as home:
        wb = Workbench.at(Path(home) / "home")
        root = Path(home) / "source"
        for path, found in paths.items():
            picture(root / path)
            lines = [
                f"{c} {(x1 + x2) / 128:.9f} {(y1 + y2) / 96:.9f} {(x2 - x1) / 64:.9f} {(y2 - y1) / 48:.9f}"
                for c, (x1, y1, x2, y2) in found
            ]
            text(root / (path[:-4] + ".txt"), "\n".join(lines))
        text(root / "labelmap.txt", "".join(f"{name}\n" for name in classes))
        first = make(wb, root, "first")
        second = make(wb, export(first, format)[1], "second")
        ours, theirs = boxes(first), boxes(second)
        assert len(ours) == len(theirs) == len(paths)
        assert [c.name for c in second.classes()] == classes
        left = list(theirs.items())
        for path, found in ours.items():
            name = unicodedata.normalize("NFC", path.rpartition("/")[2])  # what a zip's names are unpacked as
            match = next(pair for pair in left if pair[0].endswith(name) and same_boxes(found, pair[1]))
            left.remove(match)
        wb.close()


def test_palette_colours_are_distinct():
    colors = [palette_color(n) for n in range(60)]
    assert len(set(colors)) == 60 and all(len(c) == 7 for c in colors)


def test_coco_with_holes_becomes_run_lengths(tmp_path: Path):
    polygons = [[[0, 0, 10, 0, 10, 10, 0, 10], [2, 2, 6, 2, 6, 6, 2, 6]]]
    found = annotation_json(Label(0, (0, 0, 10, 10), polygons), 1, 1, (20, 20))
    assert found["area"] == 84 and found["segmentation"]["size"] == [20, 20] and json.dumps(found)
