"""Attributes, tags and notes are edited as everything else: checked, undone, redone, and there after a restart."""
# ruff: noqa: F811 - pytest finds the imported fixtures by name

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tator.editing.edits import open_image, redo, undo
from tator.ops import call
from tator.storage.database import Store
from tator.types import BadInput, NotFound
from tests.folders import make, yolo_folder
from tests.saving import add, change, client, edit, image, new_image, rows, save, store  # noqa: F401

STATES = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["colour", "text", "läge"]), st.text("ab ö", min_size=1, max_size=3), min_size=1, max_size=3
    ),
    st.fixed_dictionaries({"occluded": st.booleans(), "z": st.integers(-3, 3)}),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STATES, min_size=1, max_size=5))
def test_every_step_is_taken_back_and_done_again_exactly(store: Store, states: list):
    image, seen, key = new_image(store), [], ""
    key = f"k{image}"
    save(store, image, 0, edit(1, add(key, attributes=states[0])))
    for at, attributes in enumerate(states, 2):
        save(store, image, at - 1, edit(at, change(key, attributes=attributes)))
        seen.append(rows(store, image))
        assert seen[-1][0].get("attributes") == attributes
        assert ("attributes" in seen[-1][0]) == bool(attributes), "a row without attributes does not carry the key"
    seq = len(states) + 2
    for before in reversed(seen[:-1]):
        undo(store, image, client(image), seq)
        assert rows(store, image) == before
        seq += 1
    for after in seen[1:]:
        redo(store, image, client(image), seq)
        assert rows(store, image) == after
        seq += 1


def test_attributes_survive_deletion_undo_and_a_restart(tmp_path, store: Store, image: int):
    attributes = {"occluded": True, "keypoints": [[1, 2, 2]], "colour": "red"}
    key = f"k{image}"
    save(store, image, 0, edit(1, add(key, attributes=attributes)), edit(2, {"op": "delete", "id": key}))
    assert rows(store, image) == []
    again = Store.open(str(store.engine.url))
    undo(again, image, client(image), 3)
    assert rows(again, image)[0]["attributes"] == attributes
    assert open_image(again, image)["annotations"][0]["attributes"] == attributes
    again.close()


def test_a_shape_that_changes_keeps_attributes_that_do_not(store: Store, image: int):
    key = f"k{image}"
    save(store, image, 0, edit(1, add(key, attributes={"colour": "red"})), edit(2, change(key, class_id=1)))
    assert rows(store, image)[0]["attributes"] == {"colour": "red"}


WRONG = {
    "a list": [1],
    "text": "occluded",
    "a type": {"occluded": 1},
    "an angle": {"rotation": 360},
    "no number": {"depth": float("inf")},
    "a name": {"x" * 201: 1},
    "a point": {"keypoints": [[1, 2]]},
    "half a character": {"text": "\ud800"},
    "too many": {str(n): n for n in range(101)},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_attribute_is_refused_by_name(store: Store, image: int, case: str):
    with pytest.raises(BadInput, match="attributes"):
        save(store, image, 0, edit(1, add(f"k{image}", attributes=WRONG[case])))
    save(store, image, 0, edit(1, add(f"k{image}")))
    with pytest.raises(BadInput, match=r"changes\.attributes"):
        save(store, image, 1, edit(2, change(f"k{image}", attributes=WRONG[case])))
    assert "attributes" not in rows(store, image)[0]


def remark(**changes) -> dict:
    return {"op": "image", "changes": changes}


def test_tags_and_notes_of_an_image_are_edited_and_taken_back(store: Store, image: int):
    save(store, image, 0, edit(1, remark(tags=["night", "wet", "night"], notes="Ask Ann.")))
    save(store, image, 1, edit(2, remark(tags=["dry"])), edit(3, remark(tags=None, notes=None)))
    told = open_image(store, image)
    assert (told["tags"], told["notes"]) == (None, None)
    undo(store, image, client(image), 4)
    undo(store, image, client(image), 5)
    told = open_image(store, image)
    assert (told["tags"], told["notes"]) == (["night", "wet"], "Ask Ann.")
    undo(store, image, client(image), 6)
    redo(store, image, client(image), 7)
    assert open_image(store, image)["tags"] == ["night", "wet"]


@pytest.mark.parametrize(
    "changes", [{"tags": "night"}, {"tags": [1]}, {"tags": ["x" * 201]}, {"notes": 3}, {"notes": "\0"}]
)
def test_what_is_no_tag_or_note_is_refused(store: Store, image: int, changes: dict):
    with pytest.raises(BadInput, match="|".join(changes)):
        save(store, image, 0, edit(1, remark(**changes)))


def test_remarks_and_key_points_are_set_by_name(wb, tmp_path):
    dataset = make(wb, yolo_folder(tmp_path / "set", {"a.png": "0 .5 .5 .2 .2"}, ["cat"]))
    path = dataset.images()[0].path
    told = call(wb, "images_remark", dataset="set", image=path, tags=["night", "night"], notes=" Ask Ann. ")
    assert (told["tags"], told["notes"]) == (["night"], "Ask Ann.")
    assert call(wb, "images_remark", dataset="set", image=path)["tags"] == []
    call(wb, "annotations_undo", image_id=told["image_id"], client_id="me", seq=1)
    assert dataset.remarks([told["image_id"]])[told["image_id"]] == {"tags": ["night"], "notes": "Ask Ann."}
    with pytest.raises(NotFound, match="nothing.png"):
        call(wb, "images_remark", dataset="set", image="nothing.png")
    skeleton = {"names": ["nose", "tail"], "edges": [[0, 1]]}
    made = call(wb, "class_skeleton", dataset="set", class_id=0, names=["nose", "tail"], edges=[0, 1])
    assert made["skeleton"] == skeleton == call(wb, "datasets_get", dataset="set")["classes"][0]["skeleton"]
    for names, edges in ((["nose"], [0, 1]), ([""], []), (["nose"], [0])):
        with pytest.raises(BadInput, match="skeleton|edges"):
            call(wb, "class_skeleton", dataset="set", class_id=0, names=names, edges=edges)
    assert "skeleton" not in call(wb, "class_skeleton", dataset="set", class_id=0, names=[])
