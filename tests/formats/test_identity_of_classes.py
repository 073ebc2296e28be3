"""Class names are text as written, and every data.yaml names the classes of its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import named_boxes, read_folder, told

BOX = "0 .5 .5 .2 .2\n"
ODD = [
    "on",
    "off",
    "yes",
    "No",
    "null",
    "~",
    "1.0",
    "007",
    "0x1F",
    "1_000",
    "2024-01-01",
    "12:30:45",
    ".inf",
    "=",
    "true",
]


@pytest.mark.parametrize("form", ["list", "block", "dict", "quoted"])
def test_names_stay_as_written(tmp_path: Path, form: str):
    lines = {
        "list": "[" + ", ".join(ODD) + "]",
        "block": "".join(f"\n  - {name}" for name in ODD),
        "dict": "".join(f"\n  {at}: {name}" for at, name in enumerate(ODD)),
        "quoted": "{" + ", ".join(f"'{at}': \"{name}\"" for at, name in enumerate(ODD)) + "}",
    }
    picture(tmp_path / "images/train/a.png"), text(tmp_path / "labels/train/a.txt", BOX)
    text(tmp_path / "data.yaml", f"train: images/train\nval: images/train\nnc: {len(ODD)}\nnames: {lines[form]}\n")
    source, _ = read_folder(tmp_path)
    assert list(source.classes.values()) == ODD and not source.report.counts["noticed"], told(source)


def two_sets(root: Path, names: tuple[str, str]) -> None:
    for folder, listed in zip(("dsA", "dsB"), names, strict=True):
        (
            picture(root / folder / "train/images" / f"{folder}.png"),
            text(root / folder / f"train/labels/{folder}.txt", BOX),
        )
        text(root / folder / "data.yaml", f"train: train/images\nval: train/images\nnames: {listed}\n")


@pytest.mark.parametrize(
    ("names", "expected", "classes"),
    [
        (("[dog]", "[cat]"), ("dog", "cat"), ["dog", "cat"]),
        (("[dog, cat]", "[cat, dog]"), ("dog", "cat"), ["dog", "cat"]),
        (("{3: fish, 0: dog}", "[cat, bird]"), ("dog", "cat"), ["dog", "fish", "cat", "bird"]),
        (("[dog]", "[dog]"), ("dog", "dog"), ["dog"]),
    ],
)
def test_every_data_yaml_names_its_own_folder(tmp_path: Path, names, expected, classes: list[str]):
    two_sets(tmp_path, names)
    source, found = read_folder(tmp_path)
    got = [named_boxes(source, found[f"{at}/train/images/{at}.png"])[0][0] for at in ("dsA", "dsB")]
    assert tuple(got) == expected and list(source.classes.values()) == classes
    assert set(source.splits.values()) == {"train"}


@pytest.mark.parametrize("file", ["classes.txt", "obj.names", "_darknet.labels"])
def test_lists_in_two_folders_are_joined_by_name(tmp_path: Path, file: str):
    for folder, name in (("a", "dog"), ("b", "cat")):
        picture(tmp_path / folder / f"{folder}.png"), text(tmp_path / folder / f"{folder}.txt", BOX)
        text(tmp_path / folder / file, name + "\n")
    source, found = read_folder(tmp_path, "yolo")
    assert [named_boxes(source, found[f"{at}/{at}.png"])[0][0] for at in "ab"] == ["dog", "cat"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a_model.yaml", "nc: 80\ndepth_multiple: 0.33\n"),
        ("a_model.yaml", "nc: 3\nanchors:\n  - [1, 2]\nbackbone: [[-1, 1, Conv, [64]]]\nhead: []\n"),
        ("args.yaml", "task: detect\nmode: train\nepochs: 10\nval: true\nsplit: val\n"),
        ("a_hyp.yaml", "lr0: 0.01\nmomentum: 0.9\ntrain: 3\n"),
        ("bytetrack.yaml", "tracker_type: bytetrack\ntrack_high_thresh: 0.5\n"),
    ],
)
def test_other_yaml_files_are_not_the_datasets(tmp_path: Path, name: str, content: str):
    picture(tmp_path / "images/train/a.png"), text(tmp_path / "labels/train/a.txt", BOX), text(tmp_path / name, content)
    text(tmp_path / "data.yaml", "train: images/train\nval: images/train\nnames: [dog]\n")
    source, found = read_folder(tmp_path)
    assert source.classes == {0: "dog"} and len(found["images/train/a.png"]) == 1
    assert not source.report.counts["dropped"], told(source)


@pytest.mark.parametrize(
    ("place", "content", "split"),
    [
        ("setB", "path: ./setB\ntrain: images/x", "train"),
        ("setB", "path: /content/drive/setB\ntest: images/x", "test"),
        ("setB", "path: setB\ntrain: [images/x]", "train"),
        ("", "train: A/../images/x", "train"),
        ("", "val: ../images/x", "val"),
        ("", "train: list/train_set.txt", "train"),
        ("", "path: .\nval: ./images/x/", "val"),
    ],
)
def test_paths_are_resolved_as_trainers_do(tmp_path: Path, place: str, content: str, split: str):
    for folder in ("setA", place) if place else ("",):
        picture(tmp_path / folder / "images/x/a.png"), text(tmp_path / folder / "labels/x/a.txt", BOX)
    text(tmp_path / "list/train_set.txt", "./images/x/a.png\n")
    text(tmp_path / "data.yaml", f"{content}\nnames: [dog]\n")
    source, _ = read_folder(tmp_path)
    assert source.splits == {f"{place}/images/x/a.png".lstrip("/"): split} and not source.report.counts["dropped"]
