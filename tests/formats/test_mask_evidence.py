"""Masks beside photographs are not images of a dataset, in the layout of any tool; drawings and photographs are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.formats.mask_evidence import mask_files
from tator.formats.table import open_source
from tator.formats.tree import Tree

SIZE = (40, 30)


def photograph(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    PIL.Image.fromarray(noise).save(path)


def mask(path: Path, mode: str = "L", seed: int = 0) -> None:
    """Write two rectangles on a background, as a picture of any mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = np.zeros((SIZE[1], SIZE[0]), np.uint16)
    ids[4:12, 5:20], ids[15:28, 10 + seed % 5 : 36] = 1, 2
    if mode == "RGB":
        picture = PIL.Image.fromarray(np.stack([ids * 60, ids * 7, ids], -1).astype(np.uint8))
    elif mode == "I;16":
        picture = PIL.Image.fromarray(ids * 1000 + ids)
    elif mode == "1" or path.suffix == ".jpg":
        picture = PIL.Image.fromarray(((ids > 0) * 255).astype(np.uint8)).convert(mode)
    else:
        picture = PIL.Image.fromarray(ids.astype(np.uint8) * (1 if mode == "P" else 100)).convert(mode)
        if mode == "P":
            picture.putpalette([value for at in range(256) for value in (at, 255 - at, at * 7 % 256)])
    picture.save(path)


LAYOUTS = [
    ("JPEGImages/{}.jpg", "SegmentationClass/{}.png", "P"),
    ("JPEGImages/{}.jpg", "SegmentationObject/{}.png", "P"),
    ("VOC2012/JPEGImages/{}.jpg", "VOC2012/SegmentationClassAug/{}.png", "L"),
    ("leftImg8bit/train/aachen/{}_leftImg8bit.png", "gtFine/train/aachen/{}_gtFine_labelIds.png", "L"),
    ("leftImg8bit/val/ulm/{}_leftImg8bit.png", "gtFine/val/ulm/{}_gtFine_instanceIds.png", "I;16"),
    ("leftImg8bit/val/ulm/{}_leftImg8bit.png", "gtCoarse/val/ulm/{}_gtCoarse_color.png", "RGB"),
    ("images/training/{}.jpg", "images/training/{}_seg.png", "RGB"),
    ("images/training/{}.jpg", "images/training/{}_parts_1.png", "RGB"),
    ("images/training/{}.jpg", "annotations/training/{}.png", "L"),
    ("val2017/{}.jpg", "annotations/panoptic_val2017/{}.png", "RGB"),
    ("train2017/{}.jpg", "stuffthingmaps/train2017/{}.png", "L"),
    ("training/image_02/0002/{}.png", "instances/0002/{}.png", "I;16"),
    ("Images/{}.jpg", "Masks/{}_mask_0.png", "L"),
    ("Images/{}.jpg", "Scribbles/{}_scribble_0.png", "L"),
    ("{}.jpg", "{}.jpg___fuse.png", "RGB"),
    ("{}.png", "{}.png___save.png", "RGB"),
    ("train/{}_jpg.rf.0a1b.jpg", "train/{}_jpg.rf.0a1b_mask.png", "L"),
    ("ds/img/{}.jpg", "ds/masks_machine/{}.png", "L"),
    ("ds/img/{}.jpg", "ds/masks_instances/{}.jpg/car_1.png", "L"),
    ("stage1/{}/images/{}.png", "stage1/{}/masks/9f8e.png", "L"),
    ("train/{}.png", "trainannot/{}.png", "L"),
    ("{}.png", "{}_L.png", "RGB"),
    ("images/{}.jpg", "masks/{}.jpg", "L"),
    ("images/{}.jpg", "masks/{}.gif", "L"),
    ("images/{}.jpg", "annotations/trimaps/{}.png", "L"),
    ("photos/{}.jpg", "anything/{}.png", "P"),
    ("photos/{}.jpg", "photos/{}.png", "L"),
    ("train/images/{}.jpg", "train/masks/{}.png", "1"),
    ("Images/{}.JPG", "MASKS/{}.PNG", "L"),
    ("images/{}.tif", "labels/{}.tif", "L"),
]


@pytest.mark.parametrize(("pictures", "masks", "mode"), LAYOUTS)
def test_masks_of_every_layout_are_set_aside_and_counted(tmp_path: Path, pictures: str, masks: str, mode: str):
    for at, name in enumerate(("000012", "0b c", "é1")):
        photograph(tmp_path / pictures.replace("{}", name), at)
        mask(tmp_path / masks.replace("{}", name), mode, at)
    tree = Tree.of(tmp_path)
    found = mask_files(tree)
    told = open_source(tree).report.merge(tree.report)
    assert len(tree.images) == 3 and len(found) == 3 and not set(tree.images) & found.keys()
    assert {each.photograph for each in found.values()} == set(tree.images)
    note = next(entry for entry in told.entries["noticed"] if entry["reason"].startswith("masks"))
    assert note["detail"].startswith("3 mask pictures"), note


def test_masks_without_their_photograph_are_counted_too(tmp_path: Path):
    photograph(tmp_path / "JPEGImages/a.jpg")
    for name in "abc":
        mask(tmp_path / "SegmentationClass" / f"{name}.png")
    tree = Tree.of(tmp_path)
    open_source(tree)
    assert tree.images == ["JPEGImages/a.jpg"] and "2 of them without" in tree.report.entries["noticed"][0]["detail"]


def test_masks_without_their_photograph_are_known_by_their_end(tmp_path: Path):
    for name in "ab":
        photograph(tmp_path / f"train/{name}.jpg")
    for name in "abc":
        mask(tmp_path / f"train/{name}_mask.png")
    photograph(tmp_path / "train/d_mask.png")  # a photograph of a mask
    tree = Tree.of(tmp_path)
    assert {path: found.photograph for path, found in mask_files(tree).items()} == {
        "train/a_mask.png": "train/a.jpg",
        "train/b_mask.png": "train/b.jpg",
        "train/c_mask.png": None,
    }


@pytest.mark.parametrize("drawn", [photograph, mask])
@pytest.mark.parametrize(
    "places",
    [
        ("train/images/a.png", "val/images/a.png"),  # namesakes in two splits
        ("images/a.png", "images/b.png"),
        ("masks/images/a.png", "masks/images/b.png"),
        ("people/with_mask.png", "people/without_mask.png"),
        ("maps/a.png", "maps/b.png"),  # a drawing in a folder that is called so
    ],
)
def test_images_stay_images(tmp_path: Path, drawn, places: tuple[str, str]):
    for at, place in enumerate(places):
        drawn(tmp_path / place, seed=at)
    assert mask_files(Tree.of(tmp_path)) == {}


@pytest.mark.parametrize("place", ["masks/a.png", "labels/a.png", "other/a.png", "images/a_mask.png"])
def test_photographs_in_places_of_masks_stay_images(tmp_path: Path, place: str):
    photograph(tmp_path / "images/a.jpg")
    photograph(tmp_path / place, 1)
    assert mask_files(Tree.of(tmp_path)) == {}


def test_a_picture_with_its_own_label_file_is_an_image(tmp_path: Path):
    photograph(tmp_path / "images/a.jpg")
    mask(tmp_path / "masks/a.png")
    (tmp_path / "masks/a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    assert mask_files(Tree.of(tmp_path)) == {}


def test_a_folder_of_nothing_but_masks_keeps_its_images(tmp_path: Path):
    mask(tmp_path / "masks/a.png")
    tree = Tree.of(tmp_path)
    open_source(tree)
    assert tree.images == ["masks/a.png"]


def test_a_broken_mask_is_no_mask_and_breaks_nothing(tmp_path: Path):
    photograph(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    assert mask_files(Tree.of(tmp_path)) == {}
