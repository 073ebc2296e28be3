"""COCO panoptic: segments are read from the pictures of their ids, which are no images of the dataset."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tator.formats import Label
from tator.formats._panoptic_pixels import read_ids
from tator.vision.masks import of_rle, to_dense
from tests.folders import picture, text
from tests.formats.test_turning import OBJECT, STORED, photograph
from tests.reading import dropped, named_boxes, read_folder, told

WIDTH, HEIGHT = 64, 48
CAR, SKY, CROWD = 3226956, 7, 300
IDS = np.zeros((HEIGHT, WIDTH), np.uint32)
IDS[:10] = SKY
IDS[20:30, 5:25] = CAR
IDS[22:24, 8:12] = SKY  # seen through a window
IDS[20:40, 40:60] = CROWD
SEGMENTS = [
    {"id": CAR, "category_id": 1, "area": 192, "bbox": [5, 20, 20, 10], "iscrowd": 0},
    {"id": SKY, "category_id": 9, "area": 648, "bbox": [0, 0, 64, 24], "iscrowd": 0},
    {"id": CROWD, "category_id": 1, "area": 400, "bbox": [40, 20, 20, 20], "iscrowd": 1},
]
CATEGORIES = [{"id": 1, "name": "car", "isthing": 1}, {"id": 9, "name": "sky", "isthing": 0}]
FOUND = [("car", 5, 20, 25, 30), ("car", 40, 20, 60, 40), ("sky", 0, 0, 64, 24)]


def write_ids(path: Path, ids: np.ndarray) -> None:
    """Write ids as panopticapi's id2rgb does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack([ids >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)).save(path)


def panoptic(names: dict[str, str], segments: list[dict], categories: list[dict], size=(WIDTH, HEIGHT)) -> str:
    """Return a file of the segments of images: {image: its picture}."""
    images = [{"id": at, "file_name": name, "width": size[0], "height": size[1]} for at, name in enumerate(names, 5)]
    rows = [{"image_id": at, "file_name": name, "segments_info": segments} for at, name in enumerate(names.values(), 5)]
    return json.dumps({"images": images, "annotations": rows, "categories": categories})


LAYOUTS = {
    "beside": ("images/a.jpg", "annotations/panoptic_train.json", "annotations/panoptic_train/a.png"),
    "coco": ("train2017/a.jpg", "annotations/panoptic_train2017.json", "annotations/panoptic_train2017/a.png"),
    "same name": ("images/train/a.png", "annotations/panoptic_train.json", "annotations/panoptic_train/a.png"),
    "one folder": ("a.jpg", "panoptic.json", "a.png"),
    "masks": ("images/a.jpg", "panoptic.json", "masks/a.png"),
    "far": ("images/a.jpg", "labels/val.json", "labels/panoptic/val/a.png"),
}


def folder(root: Path, layout: str = "beside", segments: list[dict] | None = None, **more) -> tuple[str, Path]:
    """Write one image, and return its path with that of the picture of its segments."""
    image, file, mask = LAYOUTS[layout]
    picture(root / image)
    write_ids(root / mask, more.pop("ids", IDS))
    names = {Path(image).name: Path(mask).name}
    text(
        root / file,
        panoptic(names, SEGMENTS if segments is None else segments, more.pop("categories", CATEGORIES), **more),
    )
    return image, root / mask


@pytest.mark.parametrize("layout", LAYOUTS)
def test_segments_are_masks_and_their_pictures_are_no_images(tmp_path: Path, layout: str):
    image, _ = folder(tmp_path, layout)
    source, found = read_folder(tmp_path)
    assert source.format == "coco_panoptic" and list(found) == [image] and not dropped(source)
    assert named_boxes(source, found[image]) == FOUND and list(source.classes.values()) == ["car", "sky"]
    for label, segment in zip(found[image], SEGMENTS, strict=True):
        assert np.array_equal(to_dense(of_rle(label.rle), WIDTH, HEIGHT), segment["id"] == IDS)
    assert [label.attributes for label in found[image]] == [None, {"isthing": False}, {"crowd": True}]
    assert "1 of 2, such as sky" in told(source) and not source.report.counts["repaired"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, (1 << 24) - 1), min_size=6, max_size=6))
def test_ids_are_those_of_the_formula(tmp_path_factory: pytest.TempPathFactory, ids: list[int]):
    path = tmp_path_factory.mktemp("ids") / "a.png"
    write_ids(path, np.array(ids, np.uint32).reshape(2, 3))
    pixels = np.asarray(Image.open(path)).astype(int)
    assert (pixels @ [1, 256, 256**2]).ravel().tolist() == read_ids(path).ravel().tolist() == ids


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_grey_pictures_hold_ids_too(tmp_path: Path, mode: str):
    ids = np.array([[0, 1], [200, 9]], np.uint8 if mode == "L" else np.uint16)
    Image.fromarray(ids).save(tmp_path / "a.png")
    assert np.array_equal(read_ids(tmp_path / "a.png"), ids)


def test_without_pictures_the_boxes_are_read_and_that_is_told(tmp_path: Path):
    image, mask = folder(tmp_path)
    mask.unlink()
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found[image]) == [*FOUND[:2], ("sky", 0, 0, 64, 24)]
    assert all(label.rle is None for label in found[image])
    assert source.report.counts["repaired"] == {"picture of the segments is not in the folder": 1}
    assert "a.png; the boxes of 3 segments are read" in told(source)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"not a picture"])
def test_a_damaged_picture_is_told_and_the_boxes_are_read(tmp_path: Path, content: bytes):
    image, mask = folder(tmp_path)
    mask.write_bytes(content)
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found[image]) == FOUND and "a.png: not a PNG that can be read" in told(source)


@pytest.mark.parametrize(
    ("change", "boxes", "reason"),
    [
        ({"category_id": 4}, FOUND[1:], "class out of range"),
        ({"id": 99}, FOUND[1:], "segment without a pixel"),
        ({"id": "x"}, FOUND[1:], "segment without a pixel"),
        ({"id": None}, FOUND[1:], "segment without a pixel"),
        ({"id": -3}, FOUND[1:], "segment without a pixel"),
        ({"bbox": None}, FOUND, None),
        ({"bbox": [0, 0, 3, 3], "area": 9}, FOUND, None),
        ({"area": None}, FOUND, None),
        ({"bbox": [1e9, 1e9, 1, 1]}, FOUND, None),
        ({"category_id": "1", "id": float(CAR)}, FOUND, None),
    ],
)
def test_a_bad_segment_is_named_and_the_others_are_read(tmp_path: Path, change: dict, boxes: list, reason: str | None):
    image, _ = folder(tmp_path, segments=[SEGMENTS[0] | change, *SEGMENTS[1:]])
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found[image]) == boxes and dropped(source) == ({reason: 1} if reason else {})


def test_segments_that_no_row_lists_are_told(tmp_path: Path):
    folder(tmp_path, segments=SEGMENTS[:1])
    source, _ = read_folder(tmp_path)
    assert "segments that the file does not list" in source.report.counts["noticed"] and "a.png: 2 of them" in told(
        source
    )


def test_a_smaller_picture_is_resized_and_one_of_other_proportions_is_not(tmp_path: Path):
    image, mask = folder(tmp_path)
    write_ids(mask, IDS[::2, ::2])
    source, found = read_folder(tmp_path)
    assert len(found[image]) == 3 and source.report.counts["repaired"] == {"picture of the segments resized": 1}
    write_ids(mask, IDS[:, :32])
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found[image])[0] == FOUND[0]
    assert source.report.counts["repaired"] == {"picture of the segments has other proportions": 1}


def test_where_all_are_stuff_no_object_is_marked(tmp_path: Path):
    image, _ = folder(tmp_path, categories=[row | {"isthing": 0} for row in CATEGORIES])
    source, found = read_folder(tmp_path)
    assert [label.attributes for label in found[image]] == [None, None, {"crowd": True}] and "2 of 2" in told(source)


def test_a_list_of_images_longer_than_what_is_searched_first_is_no_hindrance(
    tmp_path: Path,
):
    image, _ = folder(tmp_path)
    path = tmp_path / LAYOUTS["beside"][1]
    content = json.loads(path.read_text())
    content["images"] += [{"id": at, "file_name": "x" * 1000} for at in range(100, 2200)]
    text(path, json.dumps(content))
    source, found = read_folder(tmp_path)
    assert source.format == "coco_panoptic" and len(found[image]) == 3


def test_instances_beside_panoptic_are_each_read_once(tmp_path: Path):
    image, _ = folder(tmp_path)
    rows = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 20, 20, 10]}]
    content = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": rows, "categories": CATEGORIES[:1]}
    text(tmp_path / "annotations/instances_train.json", json.dumps(content))
    source, found = read_folder(tmp_path)
    [label] = found[image]
    assert isinstance(label, Label) and source.format == "coco" and label.xyxy == (5, 20, 25, 30) and label.rle
    assert "2 in COCO panoptic only" in told(source)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_segments_of_a_stored_frame_are_turned_with_the_image(tmp_path: Path, orientation: int):
    upright = photograph(tmp_path / "images/a.png", orientation)
    ids = np.zeros(STORED[::-1], np.uint32)
    ids[OBJECT[1] : OBJECT[3], OBJECT[0] : OBJECT[2]] = CAR
    write_ids(tmp_path / "panoptic/a.png", ids)
    segments = [{"id": CAR, "category_id": 1}]
    text(tmp_path / "panoptic.json", panoptic({"a.png": "a.png"}, segments, CATEGORIES, STORED))
    source, found = read_folder(tmp_path)
    [label] = found["images/a.png"]
    assert np.array_equal(to_dense(of_rle(label.rle), *STORED[::-1]), upright[..., 0] > 128)
    assert source.report.counts["repaired"] == {"labels turned with the image": 1}
