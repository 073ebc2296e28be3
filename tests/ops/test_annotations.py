"""The operations on annotations: JSON in, plain results out, by name and with the user who acts."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tator.ops import call
from tator.ops.annotations import JSON_LIMIT
from tator.types import BadInput, Conflict, NotFound


@pytest.fixture
def image_id(wb, tmp_path) -> int:
    """Import one image of 60 x 40 pixels with one labelled box."""
    source = tmp_path / "source"
    source.mkdir()
    Image.new("RGB", (60, 40), "white").save(source / "a.png")
    (source / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (source / "classes.txt").write_text("cat\ndog\n")
    told = wb.jobs.wait(call(wb, "datasets_create", name="pets", source=str(source)), 60)
    assert told["state"] == "succeeded", told
    return call(wb, "images_list", dataset="pets")["images"][0]["id"]


def added(key: str, **fields) -> str:
    row = {"id": key, "class_id": 1, "xyxy": [1, 2, 30, 20], **fields}
    return json.dumps([{"seq": 1, "kind": "edit", "label": "Draw", "ops": [{"op": "add", "annotation": row}]}])


def save(wb, image_id: int, edits: str, base: int = 0, client: str = "me") -> dict:
    return call(wb, "annotations_save", image_id=image_id, base_revision=base, client_id=client, edits=edits)


def test_the_whole_round_of_editing_by_operations(wb, image_id):
    opened = call(wb, "image_open", image_id=image_id)
    assert (opened["dataset"], opened["name"], opened["width"], opened["height"]) == ("pets", "a.png", 60, 40)
    (imported,) = opened["annotations"]
    assert imported["xyxy"] == pytest.approx([24, 16, 36, 24]) and opened["annotation_count"] == 1
    with wb.acting("ann"):
        assert save(wb, image_id, added("new")) == {"revision": 1, "acknowledged": [1], "annotation_count": 2}
    listed = call(wb, "annotations_list", dataset="pets", image="a.png")
    assert listed["revision"] == 1
    assert {row["id"]: row["author"] for row in listed["annotations"]}["new"] == "ann"
    assert call(wb, "annotations_undo", image_id=image_id, client_id="me", seq=2)["annotation_count"] == 1
    assert call(wb, "annotations_redo", image_id=image_id, client_id="me", seq=3)["annotation_count"] == 2
    with pytest.raises(Conflict, match="revision 3"):
        save(wb, image_id, added("late"), client="other")
    json.dumps([opened, listed])


def test_an_image_is_found_by_its_path_in_its_dataset_only(wb, image_id):
    with pytest.raises(NotFound, match=r"'pets' has no image '\.\./a\.png'"):
        call(wb, "annotations_list", dataset="pets", image="../a.png")
    with pytest.raises(NotFound, match="nowhere"):
        call(wb, "annotations_list", dataset="nowhere", image="a.png")


def test_a_save_tells_of_a_shape_that_was_cut_to_the_image(wb, image_id):
    assert "warnings" not in save(wb, image_id, added("inside", xyxy=[0, 0, 60, 40]))
    cut = save(wb, image_id, added("past", xyxy=[-0.5, 0, 30, 40]), base=1, client="other")
    assert cut["warnings"] == ["shapes_clipped"]
    outline = [[[1, 1, 60.5, 1, 30, 20]]]
    cut = save(wb, image_id, added("outline", polygons=outline), base=2, client="third")
    assert cut["warnings"] == ["shapes_clipped"]


def test_leases_name_the_others(wb, image_id):
    with wb.acting("ann"):
        call(wb, "image_lease", image_id=image_id, client_id="one")
    (other,) = call(wb, "image_lease", image_id=image_id, client_id="two")["others"]
    assert other["user"] == "ann"


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ("", "not JSON"),
        ("[", "not JSON"),
        ("{}", "edits must be a list"),
        ("[]x", "not JSON"),
        (DEEP, "nested too deeply"),
        (DEEP + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('[{"seq": 1, "ops": [' + "[" * 500 + "]" * 500 + "]}]", r"ops\[0\] must be an object"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        (added("nan").replace("30", "NaN"), r"xyxy\[2\] must be a number"),
        (added("inf").replace("30", "1e999"), r"xyxy\[2\] must be a number"),
        (added("half").replace("Draw", "\\ud800"), "cannot be stored"),
        ('"' + "x" * JSON_LIMIT + '"', "may be 5,000,000 characters of JSON, is 5,000,002"),
        (added("out", xyxy=[1, 2, 62, 20]), "from -1 to 61"),
        (added("un", polygon=[]), "'polygon'"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_list_of_edits_is_refused_by_name(wb, image_id, edits, says):
    with pytest.raises(BadInput, match=says):
        save(wb, image_id, edits)
    assert call(wb, "image_open", image_id=image_id)["revision"] == 0
