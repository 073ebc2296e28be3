"""What a save must refuse, by the name of the field."""
# ruff: noqa: F811 - pytest finds the imported fixtures by name

from __future__ import annotations

import pytest

from tator.editing.edits import open_image, save_edits, undo
from tator.editing.leases import renew_lease
from tator.types import BadInput, NotFound
from tests.saving import WIDTH, add, box, change, client, edit, image, new_image, save, store  # noqa: F401

BAD_ROWS = {
    "id": ["", "a b", "x" * 65, "../x", "é", 5, None, ["a"]],
    "class_id": [2, 9, -1, 1.0, True, None, "0", 10**400],
    "xyxy": [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [1, 2, 1, 4],
        [5, 2, 3, 4],
        [1, 4, 3, 2],
        [float("nan"), 2, 3, 4],
        [1, 2, float("inf"), 4],
        [1, 2, "3", 4],
        [1, 2, None, 4],
        [True, 2, 3, 4],
        [-1.1, 2, 3, 4],
        [1, 2, WIDTH + 1.1, 4],
        [-0.5, 2, 0, 4],
        "1 2 3 4",
        None,
        {},
        [10**400, 2, 3, 4],
    ],
    "polygons": [
        [],
        [[]],
        [[[]]],
        [[[1, 2, 3, 4]]],
        [[[1, 2, 3, 4, 5, 6, 7]]],
        [[[1, 2, 3, 4, 5, float("nan")]]],
        [[[1, 2, 3, 4, 5, 999]]],
        [[1, 2]],
        "x",
        5,
    ],
    "confidence": [-0.1, 1.1, float("nan"), "1", True],
    "source": ["", "x" * 101, None, "a\0b", "\ud800"],
    "status": ["done", None, 1, ["accepted"]],
    "colour": ["red"],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_ROWS.items() for value in values],
    ids=lambda v: str(v)[:30],
)
def test_a_bad_annotation_is_refused_by_the_name_of_its_field(store, name, value):
    image = new_image(store)
    with pytest.raises(BadInput, match=name):
        save(store, image, 0, edit(1, {"op": "add", "annotation": box("fine") | {name: value}}))
    if name != "id":
        key = f"ok{image}"
        save(store, image, 0, edit(1, add(key)))
        with pytest.raises(BadInput, match=name):
            save(store, image, 1, edit(2, change(key, **{name: value})))
    assert open_image(store, image)["revision"] == (0 if name == "id" else 1)


BAD_EDITS = [
    None,
    {},
    "[]",
    [None],
    [[]],
    [{"seq": 1}],
    [{"seq": 1, "ops": []}],
    [edit(-1, add("x"))],
    [edit(1.5, add("x"))],
    [edit(True, add("x"))],
    [edit(2**31, add("x"))],
    [edit(1, add("x"), kind="drop")],
    [edit(1, add("x"), label="x" * 201)],
    [edit(1, add("x"), label=5)],
    [edit(1, "add")],
    [edit(1, {"op": "eval"})],
    [edit(1, {"op": ["add"]})],
    [edit(1, {"op": "delete"})],
    [edit(1, {"op": "set", "id": "x", "changes": {}})],
    [edit(1, {"op": "set", "id": "x", "changes": {"author": "me"}})],
    [edit(1, {"op": "set", "id": "x", "changes": {"image_id": 5}})],
    [edit(1, {"op": "add"})],
    [edit(1, {"op": "add", "annotation": {"id": "x"}})],
    [edit(1, {"op": "image", "changes": {"state": "done"}})],
    [edit(1, {"op": "image", "changes": {"caption": 5}})],
    [edit(1, {"op": "image", "changes": {"path": "/etc/passwd"}})],
    [edit(1, add("x")), edit(1, add("y"))],
    [edit(2, add("x")), edit(1, add("y"))],
    [edit(1, *[add("x")] * 2001)],
    [edit(i, kind="undo") for i in range(2001)],
    [edit(1, {"op": "add"}, kind="undo")],
    [edit(1, {"op": "add", "annotation": "x"}, kind="undo")],
    [edit(1, {"op": "set", "id": ["x"]}, kind="redo")],
    [edit(1, {"op": "delete"}, kind="undo")],
    [edit(1, {"op": "drop"}, kind="undo")],
    [edit(1, kind="undo")],
    [edit(1, kind="redo")],
    [edit(1, change("absent", class_id=1))],
    [edit(1, {"op": "delete", "id": "absent"})],
    [edit(1, add("x"), add("x"))],
    [{**edit(1, add("x")), "user": "root"}],
]


@pytest.mark.parametrize("edits", BAD_EDITS, ids=lambda v: str(v)[:40])
def test_malformed_edits_are_refused(store, image, edits):
    with pytest.raises(BadInput, match="edits|seq|nothing to"):
        save_edits(store, image, 0, client(image), edits)
    assert open_image(store, image)["revision"] == 0


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "a;drop", None, 5])
def test_bad_client_ids_are_refused(store, image, bad):
    for call in (
        lambda: save_edits(store, image, 0, bad, [edit(1, add("z"))]),
        lambda: undo(store, image, bad, 1),
        lambda: renew_lease(store, image, bad),
    ):
        with pytest.raises(BadInput, match="client_id must be"):
            call()


@pytest.mark.parametrize("absent", [10**6, 0])
def test_an_unknown_image_is_named(store, absent):
    for call in (
        open_image,
        lambda s, i: save_edits(s, i, 0, "c", [edit(1, add("z"))]),
        lambda s, i: undo(s, i, "c", 1),
        lambda s, i: renew_lease(s, i, "c"),
    ):
        with pytest.raises(NotFound, match=str(absent)):
            call(store, absent)
