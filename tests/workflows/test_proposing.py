"""Proposing: a worker that finds bright squares, run over a real dataset, cut off, resumed and repeated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import snapshots_of
from tator.editing.edits import open_image, save_edits
from tator.ops import call
from tator.storage.thresholds import keep_operating_point, model_folder
from tator.types import BadInput, Detections
from tator.workflows.proposing import ProposingRecipe, class_table, propose, strip_of, try_out
from tests.folders import finish, make, text

CLASSES = ["Red thing", "green"]  # of the model; the dataset has red_thing and blue
COUNT = 8


def paint(path: Path, number: int) -> None:
    """Draw a red square, whose place depends on the number, and a green one."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[4:14, 2 + number : 12 + number] = (200, 0, 0)
    pixels[30:40, 40:50] = (0, 220, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    for number in range(COUNT):
        paint(tmp_path / "set" / "images" / f"{number}.png", number)
    text(tmp_path / "set" / "labels" / "0.txt", "0 .1 .2 .15 .2\n")  # imported with labels: reviewed
    text(tmp_path / "set" / "labelmap.txt", "red_thing\nblue\n")
    return make(wb, tmp_path / "set", "squares")


def finder(dataset: Dataset):
    """Return what makes a worker that finds squares by their colour, the brighter the more confident."""

    import cv2

    def detect(row) -> Detections:
        image = dataset.load(row)
        found = []
        for class_id, channel in enumerate((0, 1)):
            _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., channel] > 99).astype(np.uint8))
            found += [([x, y, x + w, y + h], image[y, x, channel] / 255, class_id) for x, y, w, h, _ in stats[1:]]
        boxes, confidence, classes = zip(*found, strict=True)
        return Detections.of(boxes, confidence, classes)

    return lambda device: lambda rows: [detect(row) for row in rows]


RECIPE = ProposingRecipe(batch=2)


def run(dataset: Dataset, recipe: ProposingRecipe = RECIPE, mapping=(), **options) -> dict:
    table = class_table(dataset, CLASSES, mapping)
    return finish(propose(dataset, recipe, table, finder(dataset), "squares", "one", **options))


def candidates(wb, **asked) -> list[dict]:
    return call(wb, "candidates_list", dataset="squares", **asked)["candidates"]


def test_classes_are_matched_by_name_or_as_given(squares):
    told = [(row.target, row.how, row.is_new) for row in class_table(squares, CLASSES)]
    assert told == [("red_thing", "spelling", False), ("", "left out", False)]
    told = [(row.target, row.how, row.is_new) for row in class_table(squares, CLASSES, ["Red thing=", "green=leaf"])]
    assert told == [("", "given", False), ("leaf", "given", True)]
    with pytest.raises(BadInput, match="names no class"):
        class_table(squares, CLASSES, ["owl=blue"])


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu")])
def test_a_run_says_what_went_where(wb, squares, devices):
    told = run(squares, devices=devices)
    assert told["images"] == {"done": COUNT - 1, "kept": 0, "left_out_reviewed": 1, "bad": 0}
    nothing = dict.fromkeys(("updated", "removed", "settled", "clipped", "outside", "retired", "reviewed"), 0)
    assert told["candidates"] == nothing | {"new": COUNT - 1, "left_out_by_class": COUNT - 1}
    assert [row["name"] for row in snapshots_of(squares)] == [told["snapshot"]]
    listed = candidates(wb)
    assert {row["source"] for row in listed} == {"squares@one"} and len(listed) == COUNT - 1
    assert all(row["class_name"] == "red_thing" and row["image"] != "images/0.png" for row in listed)
    json.dumps(told)


@pytest.mark.parametrize(
    ("box", "codes"),
    [
        ((1, 1, 9, 9), []),
        ((-0.3, 1, 9, 9), []),
        ((-3, 1, 9, 9), ["candidates_clipped"]),
        ((70, 1, 90, 9), ["candidates_outside"]),
    ],
)
def test_a_run_warns_of_boxes_that_leave_the_image(squares, box: tuple, codes: list[str]):
    def worker(device: str):
        return lambda rows: [Detections.of([box, (20, 20, 30, 30)], [0.9, 0.8], [0, 0]) for _ in rows]

    told = finish(propose(squares, RECIPE, class_table(squares, CLASSES), worker, "squares", "one"))
    assert told.get("warnings", []) == codes
    assert told["candidates"]["new"] == (COUNT - 1) * (1 if "candidates_outside" in codes else 2)


def test_new_classes_are_made_when_the_first_is_found(wb, squares):
    run(squares, ProposingRecipe(max_per_image=1, include_reviewed=True, snapshot_before=False), ["green=leaf"])
    assert [row.name for row in squares.classes()] == ["red_thing", "blue", "leaf"]
    assert [row["class_name"] for row in candidates(wb)] == ["leaf"] * COUNT, "the brightest of each image"
    assert snapshots_of(squares) == []
    told = run(squares, ProposingRecipe(conf=0.99, snapshot_before=False), ["green=leaf"])
    assert told["candidates"]["removed"] == COUNT - 1 and len(candidates(wb)) == 1, "the reviewed image was left alone"


@pytest.mark.parametrize("change", ["class_delete", "class_rename"])
@pytest.mark.parametrize("is_new", [False, True])
def test_classes_that_change_during_a_run_are_followed(wb, squares, change: str, is_new: bool):
    mapping, made = (["green=leaf"], 2) if is_new else ([], 0)
    worker, asked = finder(squares)("cpu"), []

    def changing(device: str):
        def find(rows):
            if len(asked) == 1:  # the first batch is stored: the class has its candidates
                more = {"move_to": 1} if change == "class_delete" else {"name": "other"}
                call(wb, change, dataset="squares", class_id=made, **more)
            asked.append(len(rows))
            return worker(rows)

        return find

    told = finish(propose(squares, RECIPE, class_table(squares, CLASSES, mapping), changing, "squares", "one"))
    names = {row.class_id: row.name for row in squares.classes()}
    listed = [row["class_name"] for row in candidates(wb)]
    assert set(listed) <= set(names.values()) and len(set(names.values())) == len(names)
    if change == "class_rename":
        assert names[made] == "other" and "other" in listed and not told.get("warnings")
    else:
        assert made not in names and told["warnings"] == ["candidates_retired"] and told["candidates"]["retired"] > 0


def test_a_second_run_leaves_what_a_person_did(wb, squares):
    run(squares)
    first, second, *others = candidates(wb)
    for seq, (row, status) in enumerate(((first, "accepted"), (second, "rejected")), 1):
        ops = [{"op": "set", "id": row["id"], "changes": {"status": status}}]
        edits = [{"seq": seq, "kind": "edit", "label": "Review", "ops": ops}]
        save_edits(squares.store, row["image_id"], 0, "me", edits)
    before = [open_image(squares.store, row["image_id"]) for row in (first, second)]
    told = run(squares)["candidates"]
    assert (told["settled"], told["updated"], told["new"]) == (2, COUNT - 3, 0)
    assert [open_image(squares.store, row["image_id"]) for row in (first, second)] == before
    assert sorted(row["id"] for row in candidates(wb)) == sorted(row["id"] for row in others)


def test_a_cancelled_run_is_resumed_and_a_bad_image_listed(wb, squares, tmp_path):
    (squares.root / "images" / "7.png").write_bytes(b"damaged")
    work = propose(
        squares, RECIPE, class_table(squares, CLASSES), finder(squares), "squares", "one", folder=tmp_path / "run"
    )
    while not candidates(wb):
        next(work)
    work.close()
    stored = {row["id"] for row in candidates(wb)}
    told = run(squares, folder=tmp_path / "run")
    assert told["images"] == {"done": COUNT - 2 - len(stored), "kept": len(stored), "left_out_reviewed": 1, "bad": 1}
    assert [one["image"] for one in told["bad"]] == ["images/7.png"]
    assert stored < {row["id"] for row in candidates(wb)} and len(candidates(wb)) == COUNT - 2
    assert len(snapshots_of(squares)) == 1, "taken before the first box only"


def test_an_image_marked_reviewed_during_the_run_is_left_alone(wb, squares):
    last = squares.images()[-1]
    work = propose(squares, RECIPE, class_table(squares, CLASSES), finder(squares), "squares", "one")
    next(work)
    edits = [{"seq": 1, "kind": "edit", "label": "Done", "ops": [{"op": "image", "changes": {"state": "reviewed"}}]}]
    save_edits(squares.store, last.id, 0, "me", edits)
    assert finish(work)["candidates"]["reviewed"] == 1
    assert last.id not in {row["image_id"] for row in candidates(wb)}


def test_a_strip_is_tried_and_not_stored(wb, squares):
    rows = strip_of(squares, 4)
    assert rows == strip_of(squares, 4) and len({row.id for row in rows}) == 4
    assert [row.annotation_count for row in rows] == [0, 0, 0, 1], "one image is labelled, it is shown"
    found = finish(try_out(squares, RECIPE, class_table(squares, CLASSES), finder(squares), rows))
    assert {key: len(one) for key, one in found.items()} == {row.id: 1 for row in rows}
    assert candidates(wb) == [] and snapshots_of(squares) == []
    assert len(strip_of(squares)) == COUNT


@pytest.mark.parametrize("keeps, kept", [({"red_thing": 0.8}, {"leaf"}), ({"leaf": 0.9}, {"red_thing"}), ({}, set())])
def test_an_operating_point_of_the_model_wins_over_conf(wb, squares, keeps, kept):
    conf = 0.9 if not keeps else 0.1
    keep_operating_point(model_folder(squares.workspace, "squares"), conf, keeps, "of may")
    told = run(squares, RECIPE, ["green=leaf"])
    assert told["thresholds"] == {"conf": conf, "classes": keeps, "from": "operating point", "evaluation": "of may"}
    assert {row["class_name"] for row in candidates(wb)} == kept
    table = class_table(squares, CLASSES, ["green=leaf"])
    tried = finish(try_out(squares, RECIPE, table, finder(squares), squares.images(), backend="squares"))
    assert {table[at].target for found in tried.values() for at in found.class_id} == kept
