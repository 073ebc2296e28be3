"""No box is ever left in a deleted class: not by undo, not by those who save meanwhile."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.editing.classes import delete_class
from tator.ops import call
from tator.types import BadInput, Conflict
from tests.folders import make, yolo_folder


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    """Return a dataset of two classes, each with boxes in two images."""
    rows = "0 .3 .3 .2 .2\n1 .7 .7 .2 .2"
    return make(wb, yolo_folder(tmp_path / "set", {"a.png": rows, "b.png": rows}, ["cat", "dog", "owl"]))


def held(dataset: Dataset) -> dict[int, int]:
    """Return {class id: boxes}."""
    found = dataset.annotation_rows([row.id for row in dataset.images()])
    ids = [row["class_id"] for rows in found.values() for row in rows]
    return {key: ids.count(key) for key in sorted(set(ids))}


def undo(wb, dataset: Dataset, seq: int = 1, step: str = "annotations_undo") -> list[dict]:
    """Undo, or redo, the last edit of every image."""
    return [call(wb, step, image_id=row.id, client_id=f"me-{row.id}", seq=seq) for row in dataset.images()]


def test_undo_brings_the_class_back_and_says_so(wb, pets: Dataset):
    assert call(wb, "class_delete", dataset="set", class_id=0, move_to=2) == {"deleted": 0, "moved": 2, "images": 2}
    assert held(pets) == {1: 2, 2: 2} and list(pets.class_names()) == [1, 2]
    first, second = undo(wb, pets)
    assert first["warnings"] == ["class_came_back"] and first["classes_back"][0]["name"] == "cat"
    assert "warnings" not in second, "it was back by then"
    assert held(pets) == {0: 2, 1: 2} and pets.class_names() == {1: "dog", 2: "owl", 0: "cat"}
    assert [row.position for row in pets.classes()] == [0, 1, 2]
    result = wb.jobs.run_here(*exporting("set"))
    assert result["annotations"] == 4 and not any("deleted" in note for note in result["notes"])


def exporting(name: str) -> tuple:
    from tator.ops import operations

    return operations()["datasets_export"].fn, "datasets_export", {"dataset": name, "format": "yolo"}


def test_a_redo_into_a_class_that_was_deleted_since_brings_that_one_back(wb, pets: Dataset):
    call(wb, "class_delete", dataset="set", class_id=0, move_to=2)
    undo(wb, pets)
    call(wb, "class_delete", dataset="set", class_id=2)
    assert [told.get("warnings") for told in undo(wb, pets, 2, "annotations_redo")] == [["class_came_back"], None]
    assert held(pets) == {1: 2, 2: 2} and set(pets.class_names()) == {0, 1, 2}


def test_a_class_whose_name_is_taken_comes_back_with_a_number(wb, pets: Dataset):
    call(wb, "class_delete", dataset="set", class_id=0, move_to=2)
    call(wb, "class_add", dataset="set", name="cat")
    assert undo(wb, pets)[0]["classes_back"][0]["name"] == "cat (2)"
    assert pets.class_names() == {1: "dog", 2: "owl", 3: "cat", 0: "cat (2)"}


def test_an_undone_deletion_of_a_box_brings_its_class_back(wb, pets: Dataset):
    row = pets.images()[0]
    opened = call(wb, "image_open", image_id=row.id)
    ops = [{"op": "delete", "id": each["id"]} for each in opened["annotations"] if each["class_id"] == 1]
    edits = json.dumps([{"seq": 1, "ops": ops}])
    call(wb, "annotations_save", image_id=row.id, base_revision=0, client_id="me", edits=edits)
    call(wb, "class_delete", dataset="set", class_id=1, move_to=0)
    undone = call(wb, "annotations_undo", image_id=row.id, client_id="me", seq=2)
    assert undone["warnings"] == ["class_came_back"] and 1 in pets.class_names()


def test_a_box_cannot_be_put_into_a_deleted_class(wb, pets: Dataset):
    call(wb, "class_delete", dataset="set", class_id=0, move_to=2)
    row = pets.images()[0]
    box = {"id": "new", "class_id": 0, "xyxy": [1, 1, 9, 9]}
    edits = json.dumps([{"seq": 1, "ops": [{"op": "add", "annotation": box}]}])
    with pytest.raises(BadInput, match="class of the dataset"):
        call(wb, "annotations_save", image_id=row.id, base_revision=row.revision, client_id="me", edits=edits)


@pytest.mark.parametrize("move_to", [2, -1])
def test_whoever_saves_while_a_class_is_deleted_is_moved_or_refused(wb, pets: Dataset, move_to: int):
    ids, stop, accepted = [row.id for row in pets.images()], threading.Event(), []

    def draw(image_id: int) -> None:
        revision = 0
        for number in range(500):
            if stop.is_set() and number > 20:
                return
            box = {"id": f"{image_id}-{number}", "class_id": 0, "xyxy": [1, 1, 9, 9]}
            edits = json.dumps([{"seq": number + 1, "ops": [{"op": "add", "annotation": box}]}])
            base = {"image_id": image_id, "base_revision": revision, "client_id": f"c{image_id}", "edits": edits}
            try:
                revision = call(wb, "annotations_save", **base)["revision"]
                accepted.append(box["id"])
            except Conflict as stale:
                revision = stale.details["revision"]
            except BadInput:
                return

    threads = [threading.Thread(target=draw, args=(image_id,)) for image_id in ids]
    for thread in threads:
        thread.start()
    while len(accepted) < 6:
        pass
    try:
        delete_class(pets, 0, move_to)
    except Conflict:
        assert move_to == -1
    stop.set()
    for thread in threads:
        thread.join()
    is_gone = 0 not in pets.class_names()
    assert is_gone == (move_to != -1) and (held(pets).get(0, 0) == 0) == is_gone
    assert sum(held(pets).values()) == 4 + len(accepted), "what was acknowledged is there"
