"""Any sequence of edits, undos, redos and retries, against a model that keeps every state."""
# ruff: noqa: F811 - pytest finds the imported fixtures by name

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tator.editing import journal
from tator.editing.edits import open_image, redo, undo
from tator.editing.reshaping import reshaped
from tator.storage import schema
from tator.storage.database import Store
from tests.saving import HEIGHT, WIDTH, box, change, client, new_image, save, store  # noqa: F401

KEYS = st.sampled_from("abcde")
BOXES = st.tuples(st.floats(0, 40), st.floats(0, 40), st.floats(41, WIDTH), st.floats(41, HEIGHT)).map(list)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "class_id": st.integers(0, 1),
        "xyxy": BOXES,
        "status": st.sampled_from(schema.ANNOTATION_STATUSES),
        "confidence": st.none() | st.floats(0, 1),
        "polygons": st.none() | st.just([[[1, 1, 9, 1, 9, 9.5]]]),
        "source": st.text("é<>@a", min_size=1, max_size=5),
    },
).filter(bool)
IMAGE = st.fixed_dictionaries(
    {}, optional={"state": st.sampled_from(schema.IMAGE_STATES), "caption": st.none() | st.text("aé🙂\n", max_size=5)}
).filter(bool)
OPS = st.one_of(
    st.tuples(st.just("add"), KEYS, CHANGES),
    st.tuples(st.just("set"), KEYS, CHANGES),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("image"), IMAGE),
)
STEPS = st.lists(st.one_of(st.lists(OPS, min_size=1, max_size=4), st.sampled_from(["undo", "redo"])), max_size=12)


class Model:
    """The plainest possible editor: it keeps a copy of every state."""

    def __init__(self) -> None:
        self.state, self.past, self.future = {"rows": {}, "state": "new", "caption": None}, [], []

    def step(self, step, image_id: int) -> dict | None:
        """Take a step; return the edit to send, or None where it makes no sense."""
        if step in ("undo", "redo"):
            source, target = (self.past, self.future) if step == "undo" else (self.future, self.past)
            if not source:
                return None
            target.append(self.state)
            self.state = source.pop()
            return {"kind": step, "ops": []}
        after, ops = copy.deepcopy(self.state), []
        for op in step:
            ops += self.apply(after, op, image_id)
        if not ops:
            return None
        self.past.append(self.state)
        self.state, self.future = after, []
        return {"kind": "edit", "ops": ops}

    def apply(self, state: dict, op: tuple, image_id: int) -> list[dict]:
        if op[0] == "image":
            state |= op[1]
            return [{"op": "image", "changes": op[1]}]
        key = f"{op[1]}{image_id}"
        if (op[0] == "add") == (key in state["rows"]):
            return []
        if op[0] == "delete":
            del state["rows"][key]
            return [{"op": "delete", "id": key}]
        if op[0] == "set":
            row = state["rows"][key] | reshaped(state["rows"][key], op[2])
            state["rows"][key] = {name: value for name, value in row.items() if name != "rle" or value}
            return [change(key, **op[2])]
        row = box(key) | {"polygons": None, "confidence": None, "source": "human", "status": "accepted"} | op[2]
        state["rows"][key] = row | {"author": "ann"}
        return [{"op": "add", "annotation": row}]


def state_of(store: Store, image_id: int) -> dict:
    opened = open_image(store, image_id)
    return {
        "rows": {row["id"]: row for row in opened["annotations"]},
        "state": opened["state"],
        "caption": opened["caption"],
    }


def replayed(store: Store, image_id: int) -> dict:
    """Apply the journal's forward ops to an empty image, with code of its own."""
    state = {"rows": {}, "state": "new", "caption": None}
    with store.read() as conn:
        forwards = (
            conn.execute(
                select(schema.edit.c.forward).where(schema.edit.c.image_id == image_id).order_by(schema.edit.c.revision)
            )
            .scalars()
            .all()
        )
    for op in (op for ops in forwards for op in ops):
        if op["op"] == "image":
            state |= op["changes"]
        elif op["op"] == "delete":
            del state["rows"][op["id"]]
        elif op["op"] == "set":
            state["rows"][op["id"]] = state["rows"][op["id"]] | op["changes"]
        else:
            state["rows"][op["annotation"]["id"]] = {
                name: value for name, value in op["annotation"].items() if name != "created_at"
            }
    return state


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, size=st.integers(1, 5), data=st.data())
def test_any_sequence_of_edits_undos_redos_and_retries_is_kept_exactly(store, steps, size, data):
    image_id, model, sent = new_image(store), Model(), []
    for step in steps:
        if (request := model.step(step, image_id)) is not None:
            sent.append({"seq": len(sent) + 1, "label": "x", **request})
    for start in range(0, len(sent), size):
        request = sent[start : start + size]
        told = save(store, image_id, start, *request, user="ann")
        assert told["revision"] == start + len(request)
        if data.draw(st.booleans(), label="retry"):
            first = data.draw(st.integers(0, start), label="from")
            assert save(store, image_id, first, *sent[first : start + size], user="ann")["revision"] == told["revision"]
    assert state_of(store, image_id) == model.state == replayed(store, image_id)
    opened = open_image(store, image_id)
    assert (len(opened["undo"]), len(opened["redo"])) == (len(model.past), len(model.future))
    assert opened["annotation_count"] == sum(row["status"] == "accepted" for row in model.state["rows"].values())
    check_stacks(store, image_id, model)


def check_stacks(store: Store, image_id: int, model: Model) -> None:
    """Undo everything, meeting each earlier state on the way; then redo it all."""
    later = [*model.past, model.state][1:] + model.future[::-1]
    for seq, state in enumerate(reversed(model.past), 1000):
        undo(store, image_id, client(image_id), seq, "bob")
        assert state_of(store, image_id) == state
    for seq, state in enumerate(later, 2000):
        redo(store, image_id, client(image_id), seq, "bob")
        assert state_of(store, image_id) == state
    assert state_of(store, image_id) == replayed(store, image_id)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(["edit", "undo", "redo"]), max_size=60),
    depth=st.integers(1, 20),
    page=st.integers(1, 9),
)
def test_the_stacks_read_backwards_are_those_read_forwards(store, kinds, depth, page):
    image_id, undos, redos = new_image(store), [], []
    with store.write() as conn:
        for revision, kind in enumerate(kinds, 1):
            source = {"undo": undos, "redo": redos}.get(kind)
            if source == []:
                continue
            target = source.pop() if source else None
            facts = {
                "image_id": image_id,
                "client_id": client(image_id),
                "seq": revision,
                "revision": revision,
                "kind": kind,
                "forward": [],
                "inverse": [],
            }
            key = journal.append(conn, **facts, target_id=target)
            (redos if kind == "undo" else undos).append(target or key)
            if kind == "edit":
                redos.clear()
        original, journal.PAGE = journal.PAGE, page
        try:
            assert journal.stack_ids(conn, image_id, depth) == (undos[-depth:], redos[-depth:])
        finally:
            journal.PAGE = original
