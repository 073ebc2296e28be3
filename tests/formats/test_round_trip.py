"""What a format writes, it reads back equal: any names, any boxes, same basenames in two folders, every split."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tator.datasets.label_map import check_class_name
from tator.formats import Label, Source
from tator.formats._shapes import box_ring, extent, polygons_of, turned
from tator.formats.table import FORMATS, open_source, writable
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written
from tator.importing.embedded import take_out
from tator.storage.workspace import path_problem
from tator.vision.masks import of_polygons, of_rle, to_dense, to_rle
from tests.folders import finish

OUTLINES = {
    "yolo_seg",
    "coco",
    "roboflow",
    "labelme",
    "cvat",
    "via",
    "via3",
    "tfrecord",
    "openimages",
    "datumaro",
    "ultralytics_ndjson",
    "supervisely",
    "darwin",
    "gt_jsonl",
    "label_studio",
    "bdd100k",
}  # formats that hold outlines of any form
MASKS = {"tfrecord", "openimages"}  # of these, those that hold them as whole pixels
ONE_A_PIXEL = {"masks"}  # formats whose objects cannot overlap, which have tests of their own
CAPTIONS = {"coco", "labelme", "via", "via3", "tfrecord", "datumaro", "gt_jsonl", "label_studio", "hf_objects"}
WIDTH, HEIGHT = 96, 72
TOLERANCE = {"qwen": 1.01}  # whole pixels, and a box of less than a pixel becomes one of one pixel
LETTERS = "abcXYZ012 ._-+=()[]{}#@&%'!,;~^ñüßжд中文ア🚢"


def stem(name: str) -> bool:
    """Whether a name can be that of a visible file in an export."""
    return not name.startswith(".") and name.strip(" ") == name and not path_problem(name) and name not in (".", "..")


stems = st.text(LETTERS, min_size=1, max_size=12).filter(stem)
class_names = st.lists(
    st.text(LETTERS + '<>"/:|*', min_size=1, max_size=12).map(str.strip).filter(bool).map(check_class_name),
    min_size=1,
    max_size=5,
    unique=True,
)


@dataclass(frozen=True)
class Sample:
    """A small dataset.

    Attributes:
        names: classes.
        images: {split: [(name inside the split, labels, caption)]}.
    """

    names: list[str]
    images: dict[str, list[tuple[str, list[Label], str | None]]]


@st.composite
def boxes(draw: st.DrawFn, classes: int) -> Label:
    x1 = draw(st.floats(0, WIDTH - 1, width=32))
    y1 = draw(st.floats(0, HEIGHT - 1, width=32))
    w, h = draw(st.floats(0.5, WIDTH, width=32)), draw(st.floats(0.5, HEIGHT, width=32))
    confidence = draw(st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True))
    box = (x1, y1, min(x1 + w, WIDTH), min(y1 + h, HEIGHT))
    return Label(draw(st.integers(0, classes - 1)), box, confidence=confidence)


@st.composite
def shapes(draw: st.DrawFn, classes: int) -> Label:
    """A box, an outline, an outline with a hole, two parts, or run lengths."""
    box = draw(boxes(classes))
    x1, y1, x2, y2 = box.xyxy
    kind = draw(st.sampled_from(("box", "outline", "hole", "parts", "rle")))
    if kind == "box" or x2 - x1 < 8 or y2 - y1 < 8:
        return box
    tip = x1 + (x2 - x1) * draw(st.floats(0, 1))
    roof = [x1, y2, x2, y2, x2, y1 + 3, tip, y1, x1, y1 + 3]
    middle = (x1 + x2) / 2
    left, right = [x1, y1, middle - 1, y1, middle - 1, y2, x1, y2], [middle + 1, y1, x2, y1, x2, y2, middle + 1, y2]
    hole = [x1 + 2, y2 - 1, x1 + 2, y1 + 4, x2 - 2, y1 + 4, x2 - 2, y2 - 1]
    polygons = {"outline": [[roof]], "hole": [[roof, hole]], "parts": [[left], [right]], "rle": [[roof]]}[kind]
    if kind != "rle":
        return replace(box, polygons=polygons)
    mask = of_polygons(polygons, WIDTH, HEIGHT)
    xyxy = (float(mask.x), float(mask.y), float(mask.x + mask.data.shape[1]), float(mask.y + mask.data.shape[0]))
    return replace(box, xyxy=xyxy, rle=to_rle(mask, WIDTH, HEIGHT))


FOLDERS = ("", "night/", "a b.c/", "night/a b.c/", "dots./", "日本/")


@st.composite
def samples(draw: st.DrawFn, format: str, kind=boxes) -> Sample:
    """A dataset whose basenames meet again in other folders and splits, as far as the format has a place for each."""
    names, known = draw(class_names), FORMATS[format]
    images, taken = {}, set()
    pool = draw(st.lists(stems, min_size=1, max_size=3, unique_by=str.casefold))
    for split in draw(st.sampled_from((("train",), ("train", "val"), ("train", "val", "test")))):
        for name in draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4)):
            folder = draw(st.sampled_from(FOLDERS))
            place = folder + name if known.one_namespace else known.image_path(split, folder + name)
            if place.casefold().rstrip(". ") in taken:
                continue
            taken.add(place.casefold().rstrip(". "))
            caption = draw(st.none() | st.text(LETTERS, min_size=1, max_size=20).filter(str.strip))
            labels = draw(st.lists(kind(len(names)), max_size=4))
            images.setdefault(split, []).append((f"{folder}{name}.png", labels, caption))
    return Sample(names, images)


FILE = io.BytesIO()
Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(FILE, "PNG", compress_level=0)


def written(root: Path, format: str, sample: Sample, out: Folder | None = None) -> dict[str, Written]:
    """Write a sample with its images and return {path: image}."""
    known = FORMATS[format]
    splits: dict[str, Sequence[Written]] = {}
    for split, rows in sample.images.items():
        for name, labels, caption in rows:
            place = known.image_path(split, name)
            image = Written(place, name, split, WIDTH, HEIGHT, labels, caption, lambda: (FILE.getvalue(), "png"))
            splits[split] = [*splits.get(split, ()), image]
            if not known.holds_images:
                (root / image.path).parent.mkdir(parents=True, exist_ok=True)
                (root / image.path).write_bytes(FILE.getvalue())
    done = list(known.write(out or Folder(root), sample.names, splits))
    total = sum(map(len, splits.values()))
    assert done[-1] == total and done == sorted(done)
    finish(take_out(root))
    return {image.path: image for images in splits.values() for image in images}


ROWS = ("dota", "kitti")  # formats that are known by their rows only


def read(root: Path, format: str) -> tuple[Source, dict[str, list[Label]]]:
    tree = Tree.of(root)
    assert (
        FORMATS[format].sniff(tree)
        or (FORMATS["yolo"].sniff(tree) or format in ROWS)  # files without a row may be anybody's
        and not any(map(tree.read_text, tree.texts - {"labelmap.txt"}))
    )
    source = open_source(tree, format)
    return source, {path: source.labels(path, WIDTH, HEIGHT) for path in tree.images}


def matched(ours: Sequence[Label], theirs: Sequence[Label], within: float) -> list[tuple[Label, Label]]:
    """Pair labels of equal class and box; fail when one has no partner."""
    left, pairs = list(theirs), []
    for label in ours:
        near = [
            o
            for o in left
            if o.class_index == label.class_index and np.allclose(o.xyxy, label.xyxy, rtol=0, atol=within)
        ]
        assert near, f"{label} is not among {left}"
        partner = min(near, key=lambda other: unlikeness(label, other))
        left.remove(partner)
        pairs.append((label, partner))
    assert not left
    return pairs


def unlikeness(ours: Label, theirs: Label) -> tuple:
    """Return what orders the partners of equal class and nearly equal box: having a shape, its pixels, the box."""
    shapes = bool(ours.polygons or ours.rle), bool(theirs.polygons or theirs.rle)
    apart = float(np.abs(np.subtract(ours.xyxy, theirs.xyxy)).sum())
    return shapes[0] != shapes[1], differing(ours, theirs) if all(shapes) else 0, apart


def pixels(label: Label, finer: int = 1) -> np.ndarray:
    """Return an object drawn on the image, or on one that many times as large."""
    size = WIDTH * finer, HEIGHT * finer
    if label.rle:
        mask = of_rle(label.rle)
        return (
            (np.zeros((HEIGHT, WIDTH), bool) if mask is None else to_dense(mask, WIDTH, HEIGHT))
            .repeat(finer, 0)
            .repeat(finer, 1)
        )
    mask = of_polygons([[[v * finer for v in ring] for ring in each] for each in polygons_of(label)], *size)
    return np.zeros(size[::-1], bool) if mask is None else to_dense(mask, *size)


def differing(ours: Label, theirs: Label) -> float:
    """Return how many pixels differ; where rounding moves an edge over a row of centres, a finer drawing tells."""
    return min((pixels(ours, finer) ^ pixels(theirs, finer)).sum() / finer**2 for finer in (1, 4))


def distinct(labels: Sequence[Label], format: str) -> list[Label]:
    """Drop what YOLO's readers drop: rows that are equal when written."""
    if not format.startswith("yolo"):
        return list(labels)
    kept: dict[tuple, Label] = {}
    for label in labels:
        kept.setdefault((label.class_index, *(round(v, 3) for v in label.xyxy)), label)
    return list(kept.values())


@pytest.mark.parametrize("format", sorted(writable().keys() - ONE_A_PIXEL))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_boxes_read_back_equal(format: str, data: st.DataObject):
    sample = data.draw(samples(format))
    with tempfile.TemporaryDirectory() as folder:
        images = written(Path(folder), format, sample)
        source, found = read(Path(folder), format)
    assert list(source.classes.values()) == sample.names
    assert not source.report.counts["dropped"].keys() - {"repeats an earlier row"}, source.report.entries["dropped"]
    assert found.keys() == images.keys()
    for path, image in images.items():
        assert source.splits[path] == image.split
        assert found[path] is not None, f"{path} is not known as labelled"
        matched(distinct(image.labels, format), distinct(found[path], format), TOLERANCE.get(format, 0.01))
        if format in CAPTIONS:
            assert source.captions.get(path) == image.caption
        confidences = [sorted(label.confidence or 0 for label in labels) for labels in (image.labels, found[path])]
        assert confidences[1] == (confidences[0] if FORMATS[format].holds_confidence else [0] * len(found[path]))


@pytest.mark.parametrize("format", sorted(OUTLINES))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_outlines_read_back_equal(format: str, data: st.DataObject):
    sample = data.draw(samples(format, shapes))
    with tempfile.TemporaryDirectory() as folder:
        images = written(Path(folder), format, sample)
        source, found = read(Path(folder), format)
    assert not source.report.counts["dropped"].keys() - {"repeats an earlier row"}, source.report.entries["dropped"]
    for path, image in images.items():
        for ours, theirs in matched(distinct(image.labels, format), distinct(found[path], format), within=1.01):
            if not (ours.polygons or ours.rle):
                continue
            a, b = pixels(ours), pixels(theirs)
            off = differing(ours, theirs)
            assert off <= 0.05 * a.sum() + 6, f"{off} of {a.sum()} pixels differ: {ours} {theirs}"
            if format in MASKS:
                assert (a == b).all()
            elif ours.polygons and len(ours.polygons) == len(ours.polygons[0]) == 1:
                assert np.allclose(ours.polygons[0][0], theirs.polygons[0][0], atol=0.01)


@st.composite
def turned_boxes(draw: st.DrawFn, classes: int) -> Label:
    """A rectangle turned by any angle, inside the image."""
    w, h = draw(st.floats(4, 30)), draw(st.floats(4, 30))
    reach = np.hypot(w, h) / 2
    cx, cy = draw(st.floats(reach, WIDTH - reach)), draw(st.floats(reach, HEIGHT - reach))
    ring = turned(box_ring((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)), draw(st.floats(0, 180)), cx, cy)
    return Label(draw(st.integers(0, classes - 1)), extent(ring), [[ring]])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_turned_boxes_read_back_equal(data: st.DataObject):
    sample = data.draw(samples("yolo_obb", turned_boxes))
    with tempfile.TemporaryDirectory() as folder:
        images = written(Path(folder), "yolo_obb", sample)
        source, found = read(Path(folder), "yolo_obb")
    for path, image in images.items():
        for ours, theirs in matched(distinct(image.labels, "yolo_obb"), distinct(found[path], "yolo_obb"), within=0.01):
            assert np.allclose(ours.polygons[0][0], theirs.polygons[0][0], atol=0.01)


FOUR_CORNERS = ("yolo_obb", "dota")  # formats of turned boxes


def is_lost(label: Label, format: str) -> bool:
    """Whether the format cannot hold the label's outline; turned boxes hold one ring of four corners."""
    rings = [polygon[0] for polygon in polygons_of(label)]
    return bool(label.polygons or label.rle) and not (format in FOUR_CORNERS and [len(ring) for ring in rings] == [8])


@pytest.mark.parametrize("format", sorted(writable().keys() - OUTLINES - ONE_A_PIXEL))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_formats_without_outlines_say_so_and_keep_the_boxes(format: str, data: st.DataObject):
    sample = data.draw(samples(format, shapes))
    with tempfile.TemporaryDirectory() as folder:
        out = Folder(Path(folder))
        images = written(Path(folder), format, sample, out)
        source, found = read(Path(folder), format)
    outlined = sum(is_lost(each, format) for image in images.values() for each in image.labels)
    told = sum(count for note, count in out.notes.items() if "outlines" in note)
    assert told == outlined
    for path, image in (
        images.items() if format not in FOUR_CORNERS else ()
    ):  # there a shape becomes the turned box around it
        matched(distinct(image.labels, format), distinct(found[path], format), TOLERANCE.get(format, 0.01))


@pytest.mark.parametrize("name", ["ñ", "é", "帽"])
def test_a_record_file_says_nothing_of_how_names_are_written(name: str, tmp_path: Path):
    written(tmp_path, "tfrecord", Sample([name], {"train": [("0.png", [], None)]}))
    record = next(path for path in tmp_path.rglob("*") if "tfrecord" in path.name)
    record.write_bytes(record.read_bytes() + "安全帽 头盔".encode("gb18030"))
    source, _ = read(tmp_path, "tfrecord")
    assert list(source.classes.values()) == [name]
