"""The verbs of the review: asked by name as pages and programs do."""

from __future__ import annotations

import json

import pytest

from tator.editing.candidates import replace_candidates
from tator.ops import call
from tator.types import BadInput, Detections, NotFound
from tests.folders import make, yolo_folder


@pytest.fixture
def pets(wb, tmp_path):
    """Return a dataset with two candidates in each of two images."""
    pets = make(wb, yolo_folder(tmp_path / "pets", {"a.png": None, "b.png": None}, ["cat", "dog"]), "pets")
    for row in pets.images():
        found = Detections.of([[1, 1, 9, 9], [50, 30, 60, 40]], [0.9, 0.3], [0, 1])
        replace_candidates(pets, {row.id: found}, "blobs", "first")
    return pets


def test_a_queue_is_paged_answered_and_taken_back(wb, pets):
    first = call(wb, "review_queue", dataset="pets", limit=3)
    rest = call(wb, "review_queue", dataset="pets", limit=3, after=first["after"])
    assert [item["image"] for item in first["items"] + rest["items"]] == ["images/a.png"] * 2 + ["images/b.png"] * 2
    assert rest["after"] == "" and set(first["items"][0]) == {
        "id", "image_id", "image", "class_id", "xyxy", "confidence", "source",
    }  # fmt: skip
    json.dumps([first, rest])
    told = call(wb, "review_decide", dataset="pets", ids=[item["id"] for item in first["items"]], answer="rejected")
    assert told["boxes"] == 3 and call(wb, "review_progress", dataset="pets") == {"left": 1, "done": 3}
    call(wb, "review_undo", dataset="pets", batch=told["batch"])
    assert call(wb, "review_progress", dataset="pets") == {"left": 4, "done": 0}


def test_all_from_a_confidence_are_accepted_of_one_class(wb, pets):
    told = call(wb, "review_decide_all", dataset="pets", conf_min=0.2, class_name="dog")
    assert (told["boxes"], told["images"]) == (2, 2)
    assert call(wb, "review_progress", dataset="pets", class_name="dog") == {"left": 0, "done": 2}
    assert call(wb, "review_progress", dataset="pets") == {"left": 2, "done": 2}


def test_the_orders_have_names_for_people(wb):
    assert {"image", "confidence", "doubt"} <= {row["name"] for row in call(wb, "review_orders_list")}
    assert all(row["label"] for row in call(wb, "review_orders_list"))


def test_what_is_not_there_is_named(wb, pets):
    for name, facts in (
        ("review_queue", {"dataset": "cats"}),
        ("review_queue", {"dataset": "pets", "order": "odd"}),
        ("review_queue", {"dataset": "pets", "class_name": "owl"}),
        ("review_progress", {"dataset": "pets", "class_name": "owl"}),
        ("review_decide_all", {"dataset": "pets", "class_name": "owl"}),
        ("review_undo", {"dataset": "pets", "batch": "batch-none"}),
    ):
        with pytest.raises(NotFound):
            call(wb, name, **facts)
    with pytest.raises(BadInput):
        call(wb, "review_queue", dataset="pets", status="odd")
