"""Masks are written as VOC has them, and what a pixel cannot hold is counted."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tator.formats import Label
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.vision.masks import of_dense, of_rle, to_dense, to_rle
from tests.folders import picture
from tests.reading import dropped, read_folder

SIZE = (60, 36)


def label(index: int, pixels: np.ndarray) -> Label:
    mask = of_dense(pixels)
    height, width = mask.data.shape
    box = (mask.x, mask.y, mask.x + width, mask.y + height)
    return Label(index, tuple(map(float, box)), rle=to_rle(mask, *SIZE))


def write(root: Path, names: list[str], images: dict[str, list[Label]], size: tuple[int, int] = SIZE) -> Folder:
    out, splits = Folder(root), {}
    for path, labels in images.items():
        split, _, name = path.partition("/")
        place = FORMATS["masks"].image_path(split, name)
        picture(root / place, size)
        splits.setdefault(split, []).append(Written(place, name, split, *size, labels))
    assert list(FORMATS["masks"].write(out, names, splits))[-1] == len(images)
    return out


def objects(labels: list[Label]) -> list[tuple[int, bytes]]:
    return sorted((each.class_index, to_dense(of_rle(each.rle), *SIZE).tobytes()) for each in labels)


PLACES = ("a.png", "b c.png", "night/a.png", "日本/a.png", "ñ.x.png", "a_mask.png", "0001.png")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_objects_without_overlap_read_back_equal(data: st.DataObject):
    """Of several parts, with holes, touching one another, in the same class or not."""
    count = data.draw(st.integers(1, 4))
    names = data.draw(
        st.lists(
            st.text("abcXé 日-_.", min_size=1, max_size=8).map(str.strip).filter(bool),
            min_size=count,
            max_size=count,
            unique=True,
        )
    )
    names = [name for name in names if name not in ("_", "-") and name.strip("_- ")] or ["cat"]
    images = {}
    for place in data.draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True)):
        seed = data.draw(st.integers(0, 999))
        grid = np.random.default_rng(seed).integers(0, 5, (6, 6)).repeat(6, 0).repeat(10, 1)
        kinds = [data.draw(st.integers(0, len(names) - 1)) for _ in range(4)]
        rows = [label(kinds[at - 1], grid == at) for at in range(1, 5) if (grid == at).any()]
        images[f"{data.draw(st.sampled_from(('train', 'val')))}/{place}"] = rows
    with tempfile.TemporaryDirectory() as folder:
        out = write(Path(folder), names, images)
        source, found = read_folder(Path(folder))
    assert source.format == "masks" and list(source.classes.values()) == names and not dropped(source)
    assert not out.notes and found.keys() == {FORMATS["masks"].image_path(*path.split("/", 1)) for path in images}
    for path, labels in images.items():
        split, name = path.split("/", 1)
        place = FORMATS["masks"].image_path(split, name)
        assert source.splits[place] == split and objects(found[place]) == objects(labels)


def test_many_classes_and_many_objects(tmp_path: Path):
    """More than a palette holds: the masks are in colours."""
    names = [f"class {at}" for at in range(300)]
    size = (240, 180)
    labels = [
        Label(at, (x, y, x + 10.0, y + 10.0)) for at in range(300) for y, x in [[10.0 * v for v in divmod(at, 24)]]
    ]
    write(tmp_path, names, {"train/a.png": labels, "train/b.png": labels[:4]}, size)
    assert PIL.Image.open(tmp_path / "SegmentationClass/a.png").mode == "RGB"
    source, found = read_folder(tmp_path)
    assert source.format == "masks" and list(source.classes.values()) == names and not dropped(source)
    read = [(each.class_index, each.xyxy) for each in found["JPEGImages/a.png"]]
    assert sorted(read) == [(each.class_index, each.xyxy) for each in labels]


def test_values_are_classes_and_colours_are_those_of_the_list(tmp_path: Path):
    pixels = np.zeros((SIZE[1], SIZE[0]), bool)
    pixels[2:5, 3:9] = True
    write(tmp_path, ["cat", "dog"], {"train/a.png": [label(1, pixels)], "train/b.png": []})
    found = PIL.Image.open(tmp_path / "SegmentationClass/a.png")
    assert (
        found.mode == "P"
        and (np.asarray(found) == 2 * pixels).all()
        and not np.asarray(PIL.Image.open(tmp_path / "SegmentationClass/b.png")).any()
    )
    assert (np.asarray(found.convert("RGB"))[pixels] == (0, 128, 0)).all()
    assert (tmp_path / "labelmap.txt").read_text().splitlines()[1:] == [
        "background:0,0,0::",
        "cat:128,0,0::",
        "dog:0,128,0::",
    ]
    assert (tmp_path / "ImageSets/Segmentation/train.txt").read_text() == "a\nb\n"
    source, read = read_folder(tmp_path)
    assert read["JPEGImages/b.png"] == [] and len(read["JPEGImages/a.png"]) == 1


def rectangle(x1: int, y1: int, x2: int, y2: int, index: int = 0, **attributes) -> Label:
    return Label(index, (x1, y1, x2, y2), attributes=attributes or None)


@pytest.mark.parametrize(
    ("labels", "told", "kept"),
    [
        ([rectangle(2, 2, 9, 9)], {"boxes without an outline are written as filled rectangles": 1}, [(2, 2, 9, 9)]),
        ([rectangle(2, 2, 9, 9), rectangle(4, 4, 6, 6, 1)], {"objects are partly covered by others": 1}, [(2, 2, 9, 9), (4, 4, 6, 6)]),
        ([rectangle(4, 4, 6, 6, z=1), rectangle(2, 2, 9, 9, 1)], {"objects are partly covered by others": 1}, [(2, 2, 9, 9), (4, 4, 6, 6)]),
        ([rectangle(4, 4, 6, 6), rectangle(2, 2, 9, 9, 1, z=1)], {"objects are left out: others cover them whole": 1}, [(2, 2, 9, 9)]),
        ([Label(0, (1, 1, 9, 9), [[[1.0, 1, 9, 1, 9, 9]]])], {"outlines are written as masks of whole pixels": 1}, [(1, 1, 9, 9)]),
        ([Label(0, (1, 1, 1.2, 1.2), [[[1.0, 1, 1.2, 1, 1.2, 1.2]]])], {"objects are left out: they hold the middle of no pixel": 1}, []),
        ([rectangle(59.8, 35.9, 60, 36)], {}, [(59, 35, 60, 36)]),
    ],
)  # fmt: skip
def test_what_a_pixel_cannot_hold_is_counted(
    tmp_path: Path, labels: list[Label], told: dict[str, int], kept: list[tuple]
):
    out = write(tmp_path, ["cat", "dog"], {"train/a.png": labels, "train/b.png": [rectangle(1, 1, 5, 5)]})
    for start, count in told.items():
        extra = 1 + len([each for each in labels if not each.polygons]) if "boxes without" in start else count
        assert [n for note, n in out.notes.items() if note.startswith(start)] == [max(count, extra)]
    source, found = read_folder(tmp_path)
    assert sorted(each.xyxy for each in found["JPEGImages/a.png"]) == kept


@pytest.mark.parametrize(
    ("name", "told"), [("background", "read as no object"), ("Void", "read as no object"), ("a:b", "with a colon")]
)
def test_names_that_a_list_cannot_hold_are_told(tmp_path: Path, name: str, told: str):
    out = write(tmp_path, ["cat", name], {"train/a.png": [rectangle(1, 1, 5, 5)], "train/b.png": []})
    assert any(told in note for note in out.notes)
    source, found = read_folder(tmp_path)
    assert len(found["JPEGImages/a.png"]) == 1 and source.classes[0] == "cat"
