"""A label lands on the image it was written for, however it is addressed, and on no namesake."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.formats._coco_ids import id_key
from tator.formats._references import spellings
from tator.formats.table import open_source
from tator.formats.tree import Tree
from tator.types import BadInput
from tests.folders import make, picture, text
from tests.reading import dropped, read_folder, told

BOX = "0 .5 .5 .2 .2\n"
ADDRESSES = [
    "/data/local-files/?d=my%20set/ph%C3%B6to%201.jpg",
    "https://host:8080/tasks/7/my%20set/ph%C3%B6to%201.jpg?X-Amz-Date=1&sig=a/b.c#top",
    "file:///home/u/my%20set/ph%C3%B6to%201.jpg",
    "s3://bucket/my set/phöto 1.jpg",
    "gs://bucket/my set/phöto 1.jpg",
    "C:\\Users\\u\\my set\\phöto 1.jpg",
    "..\\my set\\phöto 1.JPG",
    "http://host/api?id=3&path=/srv/my+set/ph%C3%B6to+1.jpg",
    "/data/upload/4/my%2520set/ph%25C3%25B6to%25201.jpg",
    "MY SET/PHÖTO 1.jpg",
    unicodedata.normalize("NFD", "my set/phöto 1.jpg"),
]


def coco_file(names: list[str]) -> str:
    import json

    images = [{"id": at, "file_name": name} for at, name in enumerate(names)]
    boxes = [{"id": at, "image_id": at, "category_id": 1, "bbox": [1 + at, 1, 9, 9]} for at in range(len(names))]
    return json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]})


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_decoded(tmp_path: Path, address: str):
    picture(tmp_path / "my set" / "phöto 1.jpg")
    picture(tmp_path / "other" / "b.jpg")
    text(tmp_path / "result.json", coco_file([address]))
    source, found = read_folder(tmp_path)
    assert len(found["my set/phöto 1.jpg"] or ()) == 1 and not dropped(source), told(source)


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(st.characters(exclude_characters="/\\?#\0", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
)
def test_a_name_is_among_the_spellings_of_its_address(name: str):
    if name not in (".", "..") and name == name.strip():
        assert name in spellings(name)
        assert f"h/{name}.png" in spellings(f"http://h/{quote(name)}.png?a=b")


def test_a_name_as_written_wins_over_a_decoded_one(tmp_path: Path):
    picture(tmp_path / "a%20b.jpg"), picture(tmp_path / "a b.jpg"), picture(tmp_path / "c#1.jpg")
    text(tmp_path / "result.json", coco_file(["a%20b.jpg", "c#1.jpg"]))
    _, found = read_folder(tmp_path)
    assert {path for path, labels in found.items() if labels} == {"a%20b.jpg", "c#1.jpg"}


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("a.JPG", "a.TXT"),
        ("Images/a.jpg", "Labels/a.txt"),
        ("IMAGES/Train/a.jpeg", "labels/train/A.txt"),
        (unicodedata.normalize("NFD", "images/é.jpg"), unicodedata.normalize("NFC", "labels/é.txt")),
        (unicodedata.normalize("NFC", "images/é.png"), unicodedata.normalize("NFD", "labels/é.txt")),
    ],
)
def test_pairs_that_differ_in_case_or_unicode_form(tmp_path: Path, image: str, label: str):
    picture(tmp_path / image), picture(tmp_path / "images" / "b.jpg")
    text(tmp_path / "labels" / "b.txt", BOX)
    text(tmp_path / label, BOX)
    _, found = read_folder(tmp_path)
    assert found.pop(image) and found.popitem()[1]


def test_case_that_tells_two_apart_is_kept(tmp_path: Path):
    for name, row in (("a", BOX), ("A", BOX + "0 .2 .2 .1 .1\n")):
        picture(tmp_path / "images" / f"{name}.jpg"), text(tmp_path / "labels" / f"{name}.txt", row)
    _, found = read_folder(tmp_path)
    assert [len(found[f"images/{name}.jpg"]) for name in "aA"] == [1, 2]


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (["Test/img0.jpg"], "Train/img0.jpg"),
        (["images/val2017/img0.jpg"], "train2017/img0.jpg"),
        (["data/valid/img0.jpg", "data/train/x.jpg"], "/home/u/data/train/img0.jpg"),
        (["cam2/img0.jpg", "cam1/x.jpg"], "cam1/img0.jpg"),
        (["a/img0.jpg", "b/img0.jpg"], "c/img0.jpg"),
    ],
)
def test_a_namesake_in_another_folder_gets_nothing(tmp_path: Path, there: list[str], asked: str):
    for path in there:
        picture(tmp_path / path)
    text(tmp_path / "result.json", coco_file([asked]))
    source, found = read_folder(tmp_path)
    assert not any(found.values()) and asked in told(source) and there[0] in told(source)


def test_two_references_at_one_image_are_both_named_and_neither_is_read(tmp_path: Path):
    picture(tmp_path / "pics" / "img0.jpg")
    text(tmp_path / "result.json", coco_file(["day/img0.jpg", "night/img0.jpg"]))
    source, found = read_folder(tmp_path)
    assert not found["pics/img0.jpg"] and "day/img0.jpg and night/img0.jpg" in told(source)


@pytest.mark.parametrize("order", [1, -1])
def test_an_exact_reference_wins_over_a_guess(tmp_path: Path, order: int):
    picture(tmp_path / "pics" / "img0.jpg")
    names = ["pics/img0.jpg", "night/img0.jpg"][::order]
    text(tmp_path / "result.json", coco_file(names))
    source, found = read_folder(tmp_path)
    (label,) = found["pics/img0.jpg"]
    assert label.xyxy[0] == 1 + names.index("pics/img0.jpg") and "night/img0.jpg" in told(source)


@pytest.mark.parametrize("subsets", [("Test", "Train", "Validation"), ("day", "night", "dusk"), ("night", "day", "x")])
def test_subsets_of_cvat_stay_apart(tmp_path: Path, subsets: tuple[str, ...]):
    kept = next(name for name in subsets if name in ("Test", "day"))
    picture(tmp_path / "images" / kept / "img0.jpg")
    shape = '<box label="cat" xtl="{0}" ytl="1" xbr="20" ybr="9"/>'
    images = [
        f'<image id="0" name="img0.jpg" subset="{name}" width="64" height="48">{shape.format(at)}</image>'
        for at, name in enumerate(subsets)
    ]
    text(tmp_path / "annotations.xml", f"<annotations><version>1.1</version>{''.join(images)}</annotations>")
    source, found = read_folder(tmp_path)
    (label,) = found[f"images/{kept}/img0.jpg"]
    assert label.xyxy[0] == subsets.index(kept)
    assert all(f"{name}/img0.jpg" in told(source) for name in subsets if name != kept)


def test_label_files_between_namesakes_are_nobodys(tmp_path: Path):
    for folder in ("train", "val"):
        picture(tmp_path / folder / "a.jpg")
    text(tmp_path / "labels" / "a.txt", BOX)
    source, found = read_folder(tmp_path, "yolo")
    assert not any(found.values()) and "train/a.jpg or val/a.jpg" in told(source)


def test_label_files_of_another_split_are_not_guessed(tmp_path: Path):
    picture(tmp_path / "images" / "test" / "a.jpg"), picture(tmp_path / "images" / "train" / "b.jpg")
    text(tmp_path / "labels" / "train" / "a.txt", BOX), text(tmp_path / "labels" / "train" / "b.txt", BOX)
    source, found = read_folder(tmp_path)
    assert not found["images/test/a.jpg"] and dropped(source) == {"label file without an image": 1}


@pytest.mark.parametrize("folder", ["", "obj", "labels"])
def test_orphans_are_named_with_their_rows(tmp_path: Path, folder: str):
    picture(tmp_path / folder / "a.jpg"), text(tmp_path / folder / "a.txt", BOX)
    text(tmp_path / folder / "gone.txt", BOX * 3)
    text(tmp_path / "README.txt", "read me\n"), text(tmp_path / "notes.txt", "5 images of 3 cats in 1 town\n")
    source, _ = read_folder(tmp_path, "yolo")
    assert dropped(source) == {"label file without an image": 1} and "3 rows" in told(source)


def test_links_to_folders_inside_are_followed_once(tmp_path: Path):
    picture(tmp_path / "images" / "train" / "a.jpg")
    text(tmp_path / "poly" / "labels" / "train" / "a.txt", BOX)
    os.symlink("../images", tmp_path / "poly" / "images")
    os.symlink(".", tmp_path / "loop")
    source, found = read_folder(tmp_path)
    assert list(found) == ["images/train/a.jpg"] and len(found["images/train/a.jpg"]) == 1
    assert "poly/images" in told(source) and "link to a folder" in told(source)


def test_links_out_of_the_folder_are_refused_by_name(tmp_path: Path):
    picture(tmp_path / "out" / "a.jpg"), picture(tmp_path / "set" / "b.jpg")
    os.symlink("../out", tmp_path / "set" / "images")
    os.symlink("nowhere", tmp_path / "set" / "train")
    tree = Tree.of(tmp_path / "set")
    assert tree.images == ["b.jpg"] and tree.links == {}
    assert {entry["file"]: entry["reason"] for entry in tree.report.entries["dropped"]} == {
        "images": "link leads out of the folder",
        "train": "link leads nowhere",
    }


def test_links_to_other_allowed_folders_are_followed(tmp_path: Path):
    real, home = tmp_path / "photos", tmp_path / "set"
    picture(real / "train" / "a.jpg"), picture(real / "lone.jpg"), picture(tmp_path / "hidden" / "c.jpg")
    text(home / "labels" / "train" / "a.txt", BOX), text(home / "labels" / "one.txt", BOX)
    os.symlink(real, home / "images")
    os.symlink(real / "lone.jpg", home / "one.jpg")
    os.symlink(real / "train", home / "again")
    os.symlink(tmp_path, home / "above")
    os.symlink(real, real / "loop")
    os.symlink(tmp_path / "hidden", real / "train" / "out")
    tree = Tree.of(home, allowed=[real.resolve()])
    assert tree.images == ["images/lone.jpg", "images/train/a.jpg", "one.jpg"]
    told = {entry["file"]: entry["reason"] for kind in tree.report.entries.values() for entry in kind}
    assert told == {
        "images": "link to a folder",
        "again": "link not followed",
        "images/loop": "link not followed",
        "above": "link leads out of the folder",
        "images/train/out": "link leads out of the folder",
    }
    source = open_source(tree)
    assert len(source.labels("images/train/a.jpg", 64, 48)) == 1


@pytest.mark.parametrize("storage", ["linked", "managed"])
def test_images_behind_a_link_are_imported_where_the_workbench_allows_it(wb, tmp_path: Path, storage: str):
    picture(tmp_path / "photos" / "a.jpg"), text(tmp_path / "set" / "labels" / "a.txt", BOX)
    picture(tmp_path / "set" / "images" / "b.jpg")
    os.symlink(tmp_path / "photos", tmp_path / "set" / "images" / "more")
    wb.workspace.source_roots = [tmp_path.resolve()]
    dataset = make(wb, tmp_path / "set", storage=storage)
    rows = {row.path: row for row in dataset.images()}
    assert rows.keys() == {"images/b.jpg", "images/more/a.jpg"}
    assert dataset.path(rows["images/more/a.jpg"]).is_file()
    wb.workspace.source_roots = [(tmp_path / "set").resolve()]
    if storage == "linked":
        with pytest.raises(BadInput, match="leads out of the folder"):
            dataset.path(rows["images/more/a.jpg"])


@given(number=st.integers(-(2**80), 2**80))
def test_ids_are_compared_by_value(number: int):
    assert id_key(number) == id_key(str(number)) != id_key(number + 1)
    assert id_key(str(number)) != id_key(f"{number}.5")
    if abs(number) < 2**53:
        assert id_key(float(number)) == id_key(number) != id_key(number + 0.5 if abs(number) < 2**50 else number - 1)


def test_ids_of_other_types_are_not_numbers():
    keys = [id_key(value) for value in (1, True, "01", "one", 1.5, "true", 0, False)]
    assert len(set(keys)) == len(keys) and id_key(None) == id_key([1]) == ""
