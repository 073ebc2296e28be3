"""The operations on candidates: listed, counted, cleared, and accepted as any edit is."""

from __future__ import annotations

import json

import pytest

from tator.editing.candidates import replace_candidates
from tator.ops import call
from tator.types import BadInput, Detections, NotFound
from tests.folders import make, yolo_folder


@pytest.fixture
def image_id(wb, tmp_path) -> int:
    """Return an image of dataset pets with two candidates of blobs@first."""
    pets = make(wb, yolo_folder(tmp_path / "pets", {"a.png": "0 .5 .5 .5 .5\n"}, ["cat", "dog"]), "pets")
    (row,) = pets.images()
    found = Detections.of([[1, 1, 9, 9], [50, 30, 60, 40]], [0.9, 0.3], [0, 1])
    replace_candidates(pets, {row.id: found}, "blobs", "first")
    return row.id


def test_candidates_are_listed_and_accepted_by_an_edit(wb, image_id):
    listed = call(wb, "candidates_list", dataset="pets", conf_min=0.5)
    assert listed["total"] == 1
    (best,) = listed["candidates"]
    assert (best["class_name"], best["image"], best["image_id"]) == ("cat", "images/a.png", image_id)
    accept = [{"seq": 1, "ops": [{"op": "set", "id": best["id"], "changes": {"status": "accepted"}}]}]
    saved = call(
        wb, "annotations_save", image_id=image_id, base_revision=0, client_id="me", edits=json.dumps([
            each | {"kind": "edit", "label": "Accept"} for each in accept
        ]),
    )  # fmt: skip
    assert saved["annotation_count"] == 2
    assert call(wb, "candidates_sources", dataset="pets") == [
        {"source": "blobs@first", "candidate": 1, "accepted": 1, "rejected": 0}
    ]
    json.dumps(call(wb, "candidates_list", dataset="pets", status=""))


def test_clearing_leaves_what_was_accepted(wb, image_id):
    test_candidates_are_listed_and_accepted_by_an_edit(wb, image_id)
    assert call(wb, "candidates_clear", dataset="pets", source="blobs@first") == {"cleared": 1, "kept": 0}
    opened = call(wb, "image_open", image_id=image_id)
    assert sorted(row["source"] for row in opened["annotations"]) == ["blobs@first", "human"]
    assert {row["status"] for row in opened["annotations"]} == {"accepted"}


def test_what_cannot_be_asked_is_refused_by_name(wb, image_id):
    for name, arguments, told in (
        ("candidates_list", {"dataset": "cats"}, "'cats'"),
        ("candidates_list", {"dataset": "pets", "class_name": "owl"}, "'owl'"),
        ("candidates_sources", {"dataset": "cats"}, "'cats'"),
        ("candidates_clear", {"dataset": "cats", "source": "x@y"}, "'cats'"),
    ):
        with pytest.raises(NotFound, match=told):
            call(wb, name, **arguments)
    for arguments in ({"status": "odd"}, {"conf_min": -1.0}, {"limit": 0}, {"offset": -1}):
        with pytest.raises(BadInput):
            call(wb, "candidates_list", dataset="pets", **arguments)
