"""Mask pictures with a list of classes are read as objects, in the layouts of many tools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.vision.masks import of_rle, to_dense
from tests.drawn_masks import BOTH, CAT, SIZE, ids, save
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told


def dataset(root: Path, place: str, listed: dict[str, str], mode: str = "L", values: np.ndarray | None = None) -> Path:
    """Write photographs a and b, their masks, and lists of classes."""
    for name in "ab":
        picture(root / "images" / f"{name}.png", SIZE)
        save(root / place.replace("{}", name), ids() if values is None else values, mode)
    for path, content in listed.items():
        text(root / path, content)
    return root


NUMBERED = [
    ("_classes.csv", "Pixel Value, Class\n0, background\n1, cat\n2, dog\n"),
    ("classes.txt", "background\ncat\ndog\n"),
    ("masks/classes.txt", "_background_\ncat\ndog\n"),
    ("labels.txt", "__ignore__\n_background_\ncat\ndog\n"),
    ("labels.txt", "0: unlabeled\n1: cat\n2: dog\n"),
    ("labels.txt", "cat\ndog\n"),
    ("codes.txt", "Void\ncat\ndog"),
    ("id2label.json", json.dumps({"0": "background", "1": "cat", "2": "dog"})),
    ("config.json", json.dumps({"id2label": {"0": "background", "1": "cat", "2": "dog"}, "model_type": "x"})),
    ("label2id.json", json.dumps({"background": 0, "cat": 1, "dog": 2})),
    ("classes.json", json.dumps(["background", "cat", "dog"])),
    ("labels.json", json.dumps([{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}])),
    ("objectInfo2.txt", "1\tcat\n2\tdog\n"),
    ("label_map.csv", "name,id\ncat,1\ndog,2\n"),
    ("objectInfo150.txt", "Idx\tRatio\tTrain\tVal\tName\n1\t0.2\t5\t1\tcat\n2\t0.1\t5\t1\tdog\n"),
    ("class_list.txt", "background: 0\ncat: 1\ndog: 2\n"),
    ("data.yaml", "names: {0: background, 1: cat, 2: dog}\ntrain: images\nval: images\n"),
    ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:::\ncat:::\ndog:::\n"),
]
IN_COLOUR = [
    ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndog:64,0,128::\ncat:128,64,0:ear:sit\n"),
    ("labelmap.txt", "dog:64,0,128::\ncat:128,64,0::\n"),
    ("label_colors.txt", "0 0 0 Void\n64 0 128 dog\n128 64 0 cat\n"),
    ("label_colors.txt", "128 64 0\t\tcat\n64 0 128\t\tdog\n"),
    ("class_dict.csv", "name,r,g,b\ncat,128,64,0\ndog,64,0,128\nvoid,0,0,0\n"),
    ("class_dict.csv", "name, red, green, blue\ndog, 64, 0, 128\ncat, 128, 64, 0\n"),
    ("classes.json", json.dumps([{"name": "cat", "color": "#804000"}, {"name": "dog", "color": [64, 0, 128]}])),
    ("dataset_meta.json", json.dumps({"label_map": {"0": "bg", "1": "dog", "2": "cat"}, "segmentation_colors": [[0, 0, 0], [64, 0, 128], [128, 64, 0]]})),
    ("colors.txt", "cat 128 64 0\ndog 64 0 128\n"),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["L", "P"])
@pytest.mark.parametrize(("file", "content"), NUMBERED)
def test_lists_with_numbers(tmp_path: Path, file: str, content: str, mode: str):
    source, found = read_folder(dataset(tmp_path, "masks/{}.png", {file: content}, mode))
    assert source.format == "masks" and not dropped(source), told(source)
    assert list(source.classes.values()) == ["cat", "dog"] and len(found) == 2
    assert all(named_boxes(source, labels) == BOTH and all(label.rle for label in labels) for labels in found.values())
    assert "masks are read as labels" in told(source) and file in told(source)


@pytest.mark.parametrize("mode", ["RGB", "P"])
@pytest.mark.parametrize(("file", "content"), IN_COLOUR)
def test_lists_with_colours(tmp_path: Path, file: str, content: str, mode: str):
    source, found = read_folder(dataset(tmp_path, "masks/{}.png", {file: content}, mode))
    assert source.format == "masks" and not dropped(source), told(source)
    assert set(source.classes.values()) == {"cat", "dog"}
    assert all(named_boxes(source, labels) == BOTH for labels in found.values())


PLACES = ["SegmentationClass/{}.png", "masks/{}.png", "labels/{}.png", "annotations/{}.png", "images/{}_mask.png", "x/{}.png", "annot/{}.tif"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_masks_in_any_place(tmp_path: Path, place: str):
    source, found = read_folder(dataset(tmp_path, place, {"_classes.csv": NUMBERED[0][1]}))
    assert not dropped(source) and set(found) == {"images/a.png", "images/b.png"}
    assert all(named_boxes(source, labels) == BOTH for labels in found.values())


def test_lists_of_two_splits_are_each_for_their_own_folder(tmp_path: Path):
    for split, order in (("train", "cat,dog"), ("valid", "dog,cat")):
        first, second = order.split(",")
        picture(tmp_path / split / f"{split}.jpg", SIZE)
        save(tmp_path / split / f"{split}_mask.png", ids(*((1, 2) if first == "cat" else (2, 1))))
        text(tmp_path / split / "_classes.csv", f"Pixel Value, Class\n0, background\n1, {first}\n2, {second}\n")
    source, found = read_folder(tmp_path)
    assert set(source.splits.values()) == {"train", "val"} and not dropped(source)
    assert all(named_boxes(source, labels) == BOTH for labels in found.values())


def test_empty_masks_are_images_without_objects(tmp_path: Path):
    """Most masks are empty, and all of one split."""
    for split, count in (("train", 60), ("valid", 3)):
        for at in range(count):
            picture(tmp_path / split / f"{split}{at}.jpg", SIZE)
            save(tmp_path / split / f"{split}{at}_mask.png", ids() if at == 37 else np.zeros((30, 40), np.uint8))
        text(tmp_path / split / "_classes.csv", "Pixel Value, Class\n0, background\n1, cat\n2, dog\n")
    source, found = read_folder(tmp_path)
    assert source.format == "masks" and not dropped(source) and found["valid/valid0.jpg"] == []
    assert named_boxes(source, found["train/train37.jpg"]) == BOTH and sum(map(len, found.values())) == 2


def test_overlays_beside_masks_are_no_images(tmp_path: Path):
    """As labelme2voc makes them."""
    for name in "ab":
        picture(tmp_path / f"JPEGImages/{name}.jpg", SIZE)
        picture(tmp_path / f"SegmentationClassVisualization/{name}.jpg", SIZE)
        save(tmp_path / f"SegmentationClass/{name}.png", ids(), "P")
    text(tmp_path / "class_names.txt", "_background_\ncat\ndog\n")
    source, found = read_folder(tmp_path)
    assert set(found) == {"JPEGImages/a.jpg", "JPEGImages/b.jpg"} and "SegmentationClassVisualization" in told(source)
    assert all(named_boxes(source, labels) == BOTH for labels in found.values())


@pytest.mark.parametrize("place", ["SegmentationClass/{}.png", "masks/{}.png"])
def test_lists_without_colours_mean_those_of_voc(tmp_path: Path, place: str):
    colours = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], np.uint8)
    values = ids()
    values[values == 255] = 0
    for name in "ab":
        picture(tmp_path / f"images/{name}.png", SIZE)
        path = tmp_path / place.replace("{}", name)
        path.parent.mkdir(exist_ok=True)
        PIL.Image.fromarray(colours[values]).save(path)
    text(tmp_path / "labelmap.txt", "background:::\ncat:::\ndog:::\n")
    source, found = read_folder(tmp_path)
    assert list(source.classes.values()) == ["cat", "dog"]
    assert all(named_boxes(source, labels) == BOTH for labels in found.values())


def test_lists_of_images_with_their_masks_give_the_splits(tmp_path: Path):
    dataset(
        tmp_path,
        "annot/{}.png",
        {
            "classes.txt": "bg\ncat\ndog",
            "train.txt": "/images/a.png annot/a.png\n",
            "val.txt": "images/b.png annot/b.png",
        },
    )
    source, _ = read_folder(tmp_path)
    assert source.splits == {"images/a.png": "train", "images/b.png": "val"} and not dropped(source)


def test_holes_and_parts_are_exact(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 3, (10, 8)).astype(np.uint8).repeat(3, 0).repeat(5, 1)
    source, found = read_folder(dataset(tmp_path, "masks/{}.png", {"classes.txt": "bg\ncat\ndog"}, values=values))
    drawn = np.zeros((30, 40), np.uint8)
    for label in found["images/a.png"] or []:
        pixels = to_dense(of_rle(label.rle), *SIZE)
        assert not drawn[pixels].any()
        drawn[pixels] = {"cat": 1, "dog": 2}[source.classes[label.class_index]]
    assert (drawn == values).all()


def binary(on: int) -> np.ndarray:
    found = np.zeros((30, 40), np.uint8)
    found[4:12, 5:20] = on
    return found


@pytest.mark.parametrize(("on", "listed"), [(255, "cat\n"), (255, "background\ncat\n"), (1, "cat\n"), (1, "bg\ncat\n")])
def test_masks_of_one_class(tmp_path: Path, on: int, listed: str):
    source, found = read_folder(dataset(tmp_path, "masks/{}.png", {"classes.txt": listed}, values=binary(on)))
    assert named_boxes(source, found["images/a.png"]) == [("cat", *CAT)] and not dropped(source)


def test_two_values_with_many_names_are_no_classes(tmp_path: Path):
    source, found = read_folder(
        dataset(tmp_path, "masks/{}.png", {"classes.txt": "cat\ndog\nfox\n"}, values=binary(255))
    )
    assert source.format == "images" and found["images/a.png"] is None


def test_what_may_be_the_background_is_told(tmp_path: Path):
    source, _ = read_folder(dataset(tmp_path, "masks/{}.png", {"classes.txt": "sky\ncat\ndog\nfox"}))
    assert "value 0 is read as 'sky'" in told(source)


def test_what_is_wrong_is_named_and_the_rest_is_read(tmp_path: Path):
    dataset(tmp_path, "masks/{}.png", {"classes.txt": "background\ncat\ndog\n"})
    for name in "cdef":
        picture(tmp_path / "images" / f"{name}.png", SIZE)
    values = ids()
    values[0, :5] = 9
    save(tmp_path / "masks/c.png", values)
    save(tmp_path / "masks/d.png", ids()[:20])
    (tmp_path / "masks/e.png").write_bytes((tmp_path / "masks/a.png").read_bytes()[:60])
    save(tmp_path / "masks/z.png", ids())
    source, found = read_folder(tmp_path)
    notes = told(source)
    assert named_boxes(source, found["images/a.png"]) == named_boxes(source, found["images/c.png"]) == BOTH
    assert "masks/c.png:None: value without a class: 9 (5 pixels)" in notes
    assert "masks/d.png:None: mask of another size: 40 x 20 pixels; the image has 40 x 30" in notes
    assert "masks/e.png" in notes and "masks/z.png:None: mask without an image" in notes
    assert "images/f.png:None: image without a mask" in notes and found["images/f.png"] is None


def test_lossy_masks_are_refused_by_name(tmp_path: Path):
    for name in "ab":
        picture(tmp_path / f"images/{name}.png", SIZE)
        (tmp_path / "masks").mkdir(exist_ok=True)
        PIL.Image.fromarray(binary(255)).save(tmp_path / f"masks/{name}.jpg")
    text(tmp_path / "classes.txt", "cat\n")
    source, _ = read_folder(tmp_path)
    assert source.format == "images" and dropped(source) == {"masks without a list of classes": 1}


def test_boxes_of_another_format_take_the_shapes_of_their_masks(tmp_path: Path):
    dataset(
        tmp_path,
        "SegmentationClass/{}.png",
        {"labelmap.txt": "background:0,0,0::\ncat:128,64,0::\ndog:64,0,128::\n"},
        "RGB",
    )
    box = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), (4, 4, 21, 12), strict=True)
    )
    text(
        tmp_path / "Annotations/a.xml",
        f"<annotation><filename>a.png</filename><object><name>cat</name><bndbox>{box}</bndbox></object></annotation>",
    )
    source, found = read_folder(tmp_path)
    (label,) = found["images/a.png"]
    assert source.format == "voc" and label.rle and label.xyxy == CAT and len(found["images/b.png"]) == 2
    assert "box fitted to its mask" in told(source) and "1 in Mask pictures only, as 'dog'" in told(source)


def test_outlines_of_another_format_need_no_masks(tmp_path: Path):
    dataset(tmp_path, "masks/{}.png", {"classes.txt": "background\ncat\ndog\n"})
    text(tmp_path / "labels/a.txt", "1 .1 .1 .5 .1 .5 .5\n1 .2 .2 .6 .2 .6 .6 .2 .7\n1 .2 .2 .6 .2 .6 .7\n")
    source, found = read_folder(tmp_path)
    assert source.format == "yolo_seg" and len(found["images/a.png"]) == 3 and len(found["images/b.png"]) == 2
    assert not dropped(source)


def test_masks_of_the_stored_pixels_turn_with_the_image(tmp_path: Path):
    for name in "ab":
        path = tmp_path / f"images/{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8)
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        PIL.Image.fromarray(noise).save(path, exif=exif)
        save(tmp_path / f"masks/{name}.png", ids())
    text(tmp_path / "classes.txt", "background\ncat\ndog\n")
    source, found = read_folder(tmp_path)
    (cat,) = [each for each in found["images/a.jpg"] if source.classes[each.class_index] == "cat"]
    assert cat.xyxy == (30 - 12, 5, 30 - 4, 20) and "labels turned with the image" in told(source)
