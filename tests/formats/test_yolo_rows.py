"""Rows of YOLO files are told apart by their numbers over the whole folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tator.formats import Label
from tests.folders import picture, text
from tests.reading import dropped, read_folder, told


def read(root: Path, rows: str, yaml: str = "") -> tuple[list[Label], str]:
    picture(root / "images/a.png", (100, 50)), text(root / "labels/a.txt", rows)
    if yaml:
        text(root / "data.yaml", yaml)
    source, found = read_folder(root)
    assert not dropped(source), told(source)
    return found["images/a.png"] or [], told(source)


def test_a_sixth_column_is_the_confidence(tmp_path: Path):
    found, _ = read(tmp_path, "0 .5 .5 .2 .4 .87\n0 .5 .5 .1 .1\n0 .2 .2 .1 .1 1\n")
    assert [label.confidence for label in found] == [0.87, None, 1] and found[0].xyxy == (40, 15, 60, 35)


def test_a_sixth_column_of_whole_numbers_is_a_track(tmp_path: Path):
    found, _ = read(tmp_path, "0 .5 .5 .2 .4 1\n0 .2 .2 .1 .1 12\n")
    assert [label.attributes for label in found] == [{"track": 1}, {"track": 12}]


def test_seven_columns_are_confidence_and_track_or_a_triangle(tmp_path: Path):
    found, _ = read(tmp_path / "t", "0 .5 .5 .2 .4 .87 1\n0 .2 .3 .1 .2 .7 2\n")
    assert [(label.confidence, label.attributes) for label in found] == [(0.87, {"track": 1}), (0.7, {"track": 2})]
    found, _ = read(tmp_path / "p", "0 .1 .1 .5 .1 .5 .9\n1 .2 .2 .4 .2 .4 .7\n")
    assert all(label.polygons and label.attributes is None for label in found)


def pose(rng: np.random.Generator, points: int, values: int) -> str:
    x, y = rng.uniform(0.3, 0.7, 2)
    w, h = rng.uniform(0.2, 0.5, 2)
    row = [0, x, y, w, h]
    for _ in range(points):
        row += [
            x + rng.uniform(-0.5, 0.5) * w,
            y + rng.uniform(-0.5, 0.5) * h,
            *[int(rng.integers(0, 3))] * (values - 2),
        ]
    return " ".join(f"{value:.6g}" for value in row) + "\n"


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize(("points", "values"), [(17, 2), (17, 3), (4, 3), (5, 2), (1, 3), (21, 3), (68, 2)])
def test_key_points_with_and_without_kpt_shape(tmp_path: Path, points: int, values: int, is_told: bool):
    rows = [pose(np.random.default_rng(at), points, values) for at in range(5)]
    yaml = f"names: [man]\ntrain: images\nval: images\nkpt_shape: [{points}, {values}]\n" if is_told else ""
    found, notes = read(tmp_path, "".join(rows), yaml)
    assert len(found) == 5 and not any(label.polygons for label in found)
    for label, row in zip(found, rows, strict=True):
        numbers = [float(token) for token in row.split()]
        first = label.attributes["keypoints"][0]
        assert len(label.attributes["keypoints"]) == points
        assert first[:2] == pytest.approx([numbers[5] * 100, numbers[6] * 50], abs=1e-3)
        assert first[2] == (numbers[7] if values == 3 else 2)
    assert is_told != ("key points without kpt_shape" in notes)


@pytest.mark.parametrize(
    "row", ["0 .5 .5 .4 .6" + "".join(f" {v:.2f}" for at in range(17) for v in (0.4 + at / 100, 0.45 + at / 100))]
)
def test_one_row_of_key_points(tmp_path: Path, row: str):
    (label,), _ = read(tmp_path, row)
    assert len(label.attributes["keypoints"]) == 17


@pytest.mark.parametrize("corners", [4, 6, 9, 17, 32])
def test_outlines_of_constant_length_stay_outlines(tmp_path: Path, corners: int):
    rng, rows = np.random.default_rng(corners), []
    for _ in range(12):
        turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
        centre, size = rng.uniform(0.3, 0.7, 2), rng.uniform(0.05, 0.25)
        flat = np.stack([centre[0] + size * np.cos(turn), centre[1] + size * np.sin(turn)], 1).ravel()
        rows.append(" ".join(["0", *(f"{value:.5f}" for value in flat)]))
    found, _ = read(tmp_path, "\n".join(rows))
    assert len(found) == 12 and all(label.polygons and label.attributes is None for label in found)


def test_mixed_rows_are_read_one_by_one(tmp_path: Path):
    found, _ = read(tmp_path, "0 .5 .5 .2 .4\n0 .5 .5 .3 .4 .5\n0 .1 .1 .5 .1 .5 .9\n0 .1 .1 .5 .1 .5 .9 .1 .9\n")
    assert [bool(label.polygons) for label in found] == [False, False, True, True] and found[1].confidence == 0.5


def test_key_points_are_named_by_kpt_names_and_rows_of_other_classes_are_filled_up(tmp_path: Path):
    yaml = "names: [man, cat]\ntrain: images\nval: images\nkpt_shape: [3, 3]\nkpt_names:\n  0: [nose, hand, foot]\n  1: [nose]\n"
    rows = "0 .5 .5 .4 .4 .5 .5 2 0 0 0 .6 .6 1\n1 .3 .3 .2 .2 .3 .3 2 0 0 0 0 0 0\n0 .7 .7 .2 .2 0 0 0 0 0 0 0 0 0\n"
    (
        picture(tmp_path / "images/a.png", (100, 50)),
        text(tmp_path / "labels/a.txt", rows),
        text(tmp_path / "data.yaml", yaml),
    )
    source, found = read_folder(tmp_path)
    assert source.format == "yolo_pose" and {k: s.names for k, s in source.skeletons.items()} == {
        0: ("nose", "hand", "foot"),
        1: ("nose",),
    }
    first, second, third = found["images/a.png"]
    assert len(first.attributes["keypoints"]) == 3 and len(second.attributes["keypoints"]) == 1
    assert third.attributes is None and not dropped(source)


@pytest.mark.parametrize(
    "told", ["kpt_names: [nose]", "kpt_names: {x: [nose]}", "kpt_names: {0: nose}", "kpt_names: {0: []}"]
)
def test_names_of_key_points_that_are_none_are_told_or_left(tmp_path: Path, told: str):
    yaml = f"names: [man]\ntrain: images\nval: images\nkpt_shape: [1, 3]\n{told}\n"
    (
        picture(tmp_path / "images/a.png"),
        text(tmp_path / "labels/a.txt", "0 .5 .5 .4 .4 .5 .5 2\n"),
        text(tmp_path / "data.yaml", yaml),
    )
    source, found = read_folder(tmp_path)
    assert len(found["images/a.png"][0].attributes["keypoints"]) == 1
    assert dropped(source) == ({} if "[nose]" == told[-6:] else {"names of key points left out": 1})


SURE, TRACK, CORNERS_AND_TRACK = "0 .5 .5 .2 .4 .87\n", "0 .5 .5 .2 .4 12\n", "0 .5 .5 .2 .4 .87 3\n"
TRIANGLE = "0 .1 .1 .5 .1 .5 .9\n"


@pytest.mark.parametrize("list_name", ["classes.txt", "data.yaml", ""])
@pytest.mark.parametrize("inside", ["labels/{}.txt", "train/labels/{}.txt", "labels/val/{}.txt"])
def test_datasets_in_one_folder_are_judged_each_by_its_own_rows(tmp_path: Path, list_name: str, inside: str):
    kinds = {"a": SURE, "b": TRACK, "c": CORNERS_AND_TRACK, "d": TRIANGLE}
    for name, rows in kinds.items():
        file = inside.format(name)
        picture(tmp_path / name / file.replace("labels", "images").replace(".txt", ".png"), (100, 50))
        text(tmp_path / name / file, rows)
        if list_name:
            text(tmp_path / name / list_name, "dog\n" if list_name == "classes.txt" else "names: [dog]\n")
    source, found = read_folder(tmp_path)
    assert not dropped(source), told(source)
    by_name = {path.rpartition("/")[2][0]: labels[0] for path, labels in found.items()}
    assert (by_name["a"].confidence, by_name["a"].attributes) == (0.87, None)
    assert (by_name["b"].confidence, by_name["b"].attributes) == (None, {"track": 12})
    assert (by_name["c"].confidence, by_name["c"].attributes) == (0.87, {"track": 3})
    assert by_name["d"].polygons and not by_name["a"].polygons


def test_splits_and_videos_of_one_dataset_are_judged_together(tmp_path: Path):
    for place, rows in {"train/one": TRACK, "train/two": "0 .2 .2 .1 .1 1\n", "val/one": "0 .2 .2 .1 .1 0\n"}.items():
        picture(tmp_path / "images" / f"{place}.png", (100, 50))
        text(tmp_path / "labels" / f"{place}.txt", rows)
    _, found = read_folder(tmp_path)
    assert sorted(labels[0].attributes["track"] for labels in found.values()) == [0, 1, 12]
