"""A head follows the classes of its dataset: through renames by id, and it says which were deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.ops import call, operations
from tator.types import Unavailable
from tests.folders import coloured, make

BOXES = [4.0, 6.0, 20.0, 18.0]


@pytest.fixture
def squares(wb, tmp_path: Path):
    """Return a dataset of red and blue squares with an active head."""
    dataset = make(wb, coloured(tmp_path / "set"), "squares")
    arguments = {"dataset": "squares", "name": "first", "encoder": "colour_texture", "c": 1.0}
    wb.jobs.run_here(operations()["heads_train"].fn, "heads_train", arguments)
    call(wb, "heads_activate", name="first")
    return dataset


def named(wb, dataset) -> dict:
    return call(wb, "classify_boxes", image_id=dataset.images()[0].id, boxes=BOXES)


def test_a_head_names_classes_as_they_are_called_now(wb, squares):
    before = named(wb, squares)["boxes"][0]
    assert before["class_name"] in ("red", "blue")
    other = {"red": "blue", "blue": "red"}[before["class_name"]]
    ids = {name: class_id for class_id, name in squares.class_names().items()}
    call(wb, "class_rename", dataset="squares", class_id=ids[before["class_name"]], name="first kind")
    call(wb, "class_rename", dataset="squares", class_id=ids[other], name=before["class_name"])
    after = named(wb, squares)
    assert after["boxes"][0]["class_id"] == before["class_id"], "though another class has the old name by now"
    assert after["boxes"][0]["class_name"] == "first kind" and "warnings" not in after
    assert call(wb, "heads_list")[0]["renamed"] == {before["class_name"]: "first kind", other: before["class_name"]}


def test_a_head_says_that_its_class_was_deleted(wb, squares):
    before = named(wb, squares)["boxes"][0]
    rest = next(key for key in squares.class_names() if key != before["class_id"])
    call(wb, "class_delete", dataset="squares", class_id=before["class_id"], move_to=rest)
    call(wb, "class_add", dataset="squares", name=before["class_name"])
    told = named(wb, squares)
    assert told["warnings"] == ["class_deleted"]
    assert told["boxes"][0]["class_id"] == -1 and not told["boxes"][0]["accepted"], (
        "a new class of that name is another"
    )
    assert call(wb, "heads_list")[0]["deleted_classes"] == [before["class_name"]]


def test_in_another_dataset_classes_are_told_by_name(wb, squares, tmp_path: Path):
    call(wb, "class_rename", dataset="squares", class_id=0, name="x")
    call(wb, "class_rename", dataset="squares", class_id=1, name="y")
    other = make(wb, coloured(tmp_path / "other"), "other")
    told = named(wb, other)["boxes"][0]
    assert told["class_name"] in ("red", "blue") and told["class_id"] in other.class_names()


def test_a_head_that_knows_no_class_of_a_dataset_is_not_used_on_it(wb, squares, tmp_path: Path):
    other = make(wb, coloured(tmp_path / "other"), "other")
    for class_id in other.class_names():
        call(wb, "class_rename", dataset="other", class_id=class_id, name=f"kind {class_id}")
    with pytest.raises(Unavailable, match="'first' knows no class of 'other'; its own are .*red.*Train a head"):
        named(wb, other)
    with pytest.raises(Unavailable, match="'first' knows no class of 'other'"):
        call(wb, "heads_active", dataset="other")
    assert call(wb, "heads_active", dataset="squares")["name"] == call(wb, "heads_active")["name"] == "first"
    call(wb, "class_rename", dataset="other", class_id=0, name="red")
    assert {box["class_name"] for box in named(wb, other)["boxes"]} <= {"red", "blue"}
