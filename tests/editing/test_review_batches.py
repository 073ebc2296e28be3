"""Batches of the review: many answers at once, in the journal of every image, and taken back at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.editing.candidate_pages import Asked
from tator.editing.candidates import replace_candidates
from tator.editing.checks import OPS_LIMIT
from tator.editing.edits import open_image, redo, save_edits, undo
from tator.editing.review_batches import decide, decide_all, undo_batch
from tator.types import BadInput, Detections, NotFound
from tests.folders import make, yolo_folder

IMAGES = 4


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    """Return a dataset with a candidate of 0.2, 0.5 and 0.9 in each image."""
    rows = {f"{i}.png": "0 .5 .5 .5 .5\n" if i == 0 else None for i in range(IMAGES)}
    pets = make(wb, yolo_folder(tmp_path / "pets", rows, ["cat", "dog"]), "pets")
    boxes = [[1, 1, 9, 9], [20, 1, 30, 9], [40, 1, 50, 9]]
    for row in pets.images():
        replace_candidates(pets, {row.id: Detections.of(boxes, [0.2, 0.5, 0.9], [0, 1, 0])}, "blobs", "run")
    return pets


def facts(pets: Dataset) -> list[tuple]:
    """Return what every image holds: state, count of labels, and each box with its status."""
    found = []
    for row in pets.images():
        opened = open_image(pets.store, row.id)
        boxes = sorted((each["xyxy"], each["confidence"], each["status"]) for each in opened["annotations"])
        found.append((opened["state"], opened["annotation_count"], boxes))
    return found


def statuses(pets: Dataset) -> dict[float, set[str]]:
    """Return {confidence: statuses of the machine's boxes}."""
    found: dict[float, set[str]] = {}
    for _, _, boxes in facts(pets):
        for _, confidence, status in boxes:
            if confidence is not None:
                found.setdefault(round(confidence, 2), set()).add(status)
    return found


@pytest.mark.parametrize("answer", ["accepted", "rejected"])
def test_all_above_a_confidence_are_answered_and_one_undo_takes_it_back(pets, answer):
    before = facts(pets)
    told = decide_all(pets, Asked(conf_min=0.5), answer, "ann")
    assert (told["boxes"], told["images"]) == (2 * IMAGES, IMAGES)
    assert statuses(pets) == {0.2: {"candidate"}, 0.5: {answer}, 0.9: {answer}}
    assert [row.annotation_count for row in pets.images()] == [
        3 if answer == "accepted" else 1,
        *([2 if answer == "accepted" else 0] * 3),
    ]
    assert [state for state, _, _ in facts(pets)] == ["reviewed", *["in_progress"] * 3]
    (entry,) = open_image(pets.store, pets.images()[1].id)["undo"]
    assert entry["label"] == f"{answer.title()[:6]} all from 0.50 in review" and entry["batch"] == told["batch"]
    assert undo_batch(pets, told["batch"], "ann") == {"boxes": 2 * IMAGES, "images": IMAGES}
    assert facts(pets) == before
    with pytest.raises(BadInput, match="already"):
        undo_batch(pets, told["batch"])
    assert facts(pets) == before


def test_the_undo_of_a_batch_is_on_the_stacks_of_every_image(pets):
    image_id = pets.images()[2].id
    told = decide_all(pets, Asked(), "accepted")
    after = facts(pets)
    undo_batch(pets, told["batch"])
    opened = open_image(pets.store, image_id)
    assert opened["undo"] == [] and [entry["batch"] for entry in opened["redo"]] == [told["batch"]]
    redo(pets.store, image_id, "me", 1)
    assert facts(pets)[2] == after[2]
    undo(pets.store, image_id, "me", 2)
    assert open_image(pets.store, image_id)["undo"] == []


def test_an_undo_leaves_what_was_changed_since(pets):
    told = decide_all(pets, Asked(class_name="cat"), "accepted")
    image_id = pets.images()[1].id
    opened = open_image(pets.store, image_id)
    low, high = sorted(
        (row for row in opened["annotations"] if row["class_id"] == 0), key=lambda row: row["confidence"]
    )
    ops = [
        {"op": "set", "id": low["id"], "changes": {"status": "rejected"}},
        {"op": "set", "id": high["id"], "changes": {"xyxy": [41, 2, 50, 9]}},
    ]
    save_edits(pets.store, image_id, opened["revision"], "me", [{"seq": 1, "kind": "edit", "label": "", "ops": ops}])
    assert undo_batch(pets, told["batch"]) == {"boxes": 2 * IMAGES - 1, "images": IMAGES}
    now = {row["id"]: row for row in open_image(pets.store, image_id)["annotations"]}
    assert now[low["id"]]["status"] == "rejected"
    assert now[high["id"]]["status"] == "candidate" and now[high["id"]]["xyxy"] == [41, 2, 50, 9]


def test_some_are_answered_by_their_ids_and_what_is_decided_already_stays(pets):
    ids = [
        row["id"]
        for each in pets.images()
        for row in open_image(pets.store, each.id)["annotations"]
        if row["confidence"]
    ]
    first = decide(pets, ids[:2], "rejected")
    assert (first["boxes"], first["images"], first["left_out"]) == (2, 1, 0)
    second = decide(pets, [*ids[:7], ids[6], "nothing-has-this"], "accepted")
    assert (second["boxes"], second["images"], second["left_out"]) == (5, 3, 3)
    undo_batch(pets, second["batch"])
    assert (
        sorted(
            status
            for each in pets.images()
            for status in (r["status"] for r in open_image(pets.store, each.id)["annotations"] if r["confidence"])
        )
        == ["candidate"] * 10 + ["rejected"] * 2
    )


def test_nothing_to_answer_is_no_batch(pets):
    assert decide_all(pets, Asked(conf_min=0.95), "accepted") == {"batch": "", "boxes": 0, "images": 0}
    assert decide(pets, [], "accepted") == {"batch": "", "boxes": 0, "images": 0, "left_out": 0}
    assert open_image(pets.store, pets.images()[0].id)["undo"] == []


def test_an_image_with_more_boxes_than_one_request_takes_is_undone_whole(pets):
    image_id, n = pets.images()[3].id, OPS_LIMIT + 500
    boxes = [[at % 60, at // 60, at % 60 + 2, at // 60 + 2] for at in range(n)]
    replace_candidates(pets, {image_id: Detections.of(boxes, [0.99] * n, [1] * n)}, "many", "run")
    told = decide_all(pets, Asked(conf_min=0.95), "accepted")
    assert told["boxes"] == pets.images()[3].annotation_count == n
    assert max(len(entry["forward"]) for entry in open_image(pets.store, image_id)["undo"]) <= OPS_LIMIT
    undo_batch(pets, told["batch"])
    assert pets.images()[3].annotation_count == 0
    assert open_image(pets.store, image_id)["undo"] == []


def test_a_batch_of_another_dataset_or_none_cannot_be_undone(pets, wb, tmp_path):
    told = decide_all(pets, Asked(), "accepted")
    other = make(wb, yolo_folder(tmp_path / "other", {"0.png": None}, ["cat"]), "other")
    for dataset, name in ((other, told["batch"]), (pets, "batch-odd"), (pets, ""), (pets, "me")):
        with pytest.raises(NotFound, match="no batch"):
            undo_batch(dataset, name)
    for call in (lambda: decide(pets, [], "candidate"), lambda: decide_all(pets, Asked(), "odd")):
        with pytest.raises(BadInput, match="answer must be one of accepted, rejected"):
            call()
    with pytest.raises(BadInput, match="10,000 at a time, are 10,001"):
        decide(pets, ["x"] * 10_001, "accepted")
