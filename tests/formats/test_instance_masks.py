"""Masks that number objects, as public datasets have them, and the polygons and overlays beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.drawn_masks import CAT, DOG, SIZE, coloured, ids, save
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_voc_masks_need_no_list_and_instances_are_objects(tmp_path: Path, mode: str):
    """Two cats touch: one part of the class, two instances. The dog is in two parts, one instance."""
    classes, objects = np.zeros((2, 30, 40), np.uint8)
    classes[4:12, 5:20], objects[4:12, 5:12], objects[4:12, 12:20] = 8, 1, 2
    classes[15:28, 10:20] = classes[15:28, 25:36] = 12
    objects[15:28, 10:20] = objects[15:28, 25:36] = 3
    colours = np.array([[(n >> b & 1) << 7 | (n >> b + 3 & 1) << 6 for b in range(3)] for n in range(256)], np.uint8)
    for name in "ab":
        picture(tmp_path / f"JPEGImages/{name}.jpg", SIZE)
        for folder, values in (("Class", classes), ("Object", objects)):
            path = tmp_path / f"Segmentation{folder}/{name}.png"
            path.parent.mkdir(exist_ok=True)
            found = PIL.Image.fromarray(values if mode == "P" else colours[values])
            if mode == "P":
                found.putpalette(colours.ravel().tolist())
            found.save(path)
    source, found = read_folder(tmp_path)
    expected = [("cat", 5, 4, 12, 12), ("cat", 12, 4, 20, 12), ("dog", 10, 15, 36, 28)]
    assert not dropped(source) and len(source.classes) == 20
    assert all(named_boxes(source, labels) == expected for labels in found.values())
    text(tmp_path / "labelmap.txt", "background:0,0,0::\nfox:64,0,0::\nwolf:64,0,128::\n")
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["JPEGImages/a.jpg"])[0][0] == "fox" and len(source.classes) == 2


def cityscapes(root: Path, kinds: list[str]) -> None:
    stuff = ids(26, 7)
    stuff[stuff == 255] = 0
    numbered = stuff.astype(np.uint16)
    numbered[4:12, 5:12], numbered[4:12, 12:20] = 26000, 26001
    train = np.full_like(stuff, 255)
    train[stuff == 26], train[stuff == 7] = 13, 0
    values = {"instanceIds": numbered, "labelIds": stuff, "labelTrainIds": train}
    for name in ("ulm_000000_000019", "ulm_000001_000019"):
        picture(root / f"leftImg8bit/train/ulm/{name}_leftImg8bit.png", SIZE)
        for kind in kinds:
            save(root / f"gtFine/train/ulm/{name}_gtFine_{kind}.png", values.get(kind, coloured(ids())))


@pytest.mark.parametrize(
    "kinds", [["instanceIds", "labelIds", "color"], ["labelIds"], ["labelTrainIds"], ["instanceIds"]]
)
def test_cityscapes(tmp_path: Path, kinds: list[str]):
    cityscapes(tmp_path, kinds)
    source, found = read_folder(tmp_path)
    cars = [("car", 5, 4, 12, 12), ("car", 12, 4, 20, 12)] if "instanceIds" in kinds else [("car", *CAT)]
    assert source.format == "masks" and set(source.splits.values()) == {"train"} and not dropped(source), told(source)
    assert all(named_boxes(source, labels) == [*cars, ("road", *DOG)] for labels in found.values())
    assert ("*_gtfine_color" in told(source)) == ("color" in kinds)


def polygons(*objects: tuple[str, list], **more) -> str:
    rows = [{"label": name, "polygon": ring, **more} for name, ring in objects]
    return json.dumps({"imgHeight": 30, "imgWidth": 40, "objects": rows})


RING = [[5, 4], [20, 4], [20, 12], [5, 12]]


def test_cityscapes_polygons(tmp_path: Path):
    cityscapes(tmp_path, [])
    place = "gtFine/train/ulm/ulm_000000_000019_gtFine_polygons.json"
    text(
        tmp_path / place,
        polygons(("car", RING), ("bicyclegroup", RING), ("out of roi", RING), ("person", [[1, 1], [2]])),
    )
    text(tmp_path / "gtFine/train/ulm/x_000000_000019_gtFine_polygons.json", polygons(("car", RING)))
    source, found = read_folder(tmp_path)
    car, group = found["leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png"]
    assert source.format == "cityscapes" and set(source.splits.values()) == {"train"}
    assert car.polygons == [[[5, 4, 20, 4, 20, 12, 5, 12]]] and group.attributes == {"crowd": True}
    assert dropped(source) == {"polygon refused": 1, "image is not in the folder": 1}
    assert "1 polygons such as 'out of roi'" in told(source)


def test_masks_are_read_before_polygons(tmp_path: Path):
    cityscapes(tmp_path, ["instanceIds"])
    text(tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_polygons.json", polygons(("car", RING)))
    source, found = read_folder(tmp_path)
    assert source.format == "masks" and "polygons beside masks are not read" in told(source)
    assert not dropped(source) and all(len(labels) == 3 for labels in found.values())


@pytest.mark.parametrize("listed", [True, False])
def test_kitti_instances_hold_class_and_number(tmp_path: Path, listed: bool):
    values = ids(26, 7, np.uint16) * 256
    values[4:12, 5:12] += 1
    values[4:12, 12:20] += 2
    for name in ("000000_10", "000001_10"):
        picture(tmp_path / f"training/image_2/{name}.png", SIZE)
        save(tmp_path / f"training/instance/{name}.png", values)
    if listed:
        text(tmp_path / "labels.txt", "0 unlabeled\n7 street\n26 auto\n")
    source, found = read_folder(tmp_path)
    car, road = ("auto", "street") if listed else ("car", "road")
    expected = [(car, 5, 4, 12, 12), (car, 12, 4, 20, 12), (road, *DOG)]
    assert source.format == "masks" and all(named_boxes(source, labels) == expected for labels in found.values())


@pytest.mark.parametrize(("place", "times"), [("instances", 256), ("instances", 1000), ("instance", 1000)])
def test_a_mask_of_classes_tells_what_values_of_instances_hold(tmp_path: Path, place: str, times: int):
    classes = ids(9, 7)
    classes[classes == 255] = 0
    values = classes.astype(np.uint16) * times
    values[4:12, 12:20] += 1
    for name in "ab":
        picture(tmp_path / f"training/images/{name}.jpg", SIZE)
        save(tmp_path / f"training/labels/{name}.png", classes)
        save(tmp_path / f"training/{place}/{name}.png", values)
    listed = [{"name": f"thing--{at}", "color": [at, at, 9]} for at in range(12)]
    text(
        tmp_path / "config.json",
        json.dumps({"version": 1, "labels": [{"name": "void", "color": [0, 0, 0]}, *listed[1:]]}),
    )
    source, found = read_folder(tmp_path)
    cats = [("thing--9", 5, 4, 12, 12), ("thing--9", 12, 4, 20, 12)]
    assert all(named_boxes(source, labels) == [("thing--7", *DOG), *cats] for labels in found.values())
