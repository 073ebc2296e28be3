"""Open, save, undo and redo the annotations of one image."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from tator.datasets.label_map import LabelClass, revive_class
from tator.datasets.owners import owner_of
from tator.editing import journal
from tator.editing.checks import OF_IMAGE, OPS_LIMIT, Edit, Frame, Op, checked_id, checked_int, checked_op, read_edits
from tator.editing.draft import Draft, ids_of
from tator.editing.journal import Entry, Stacks
from tator.editing.rows import add_many, check_count, rows_of, rows_with_ids, write_changes
from tator.storage.database import Store
from tator.storage.schema import image, label_class
from tator.types import BadInput, Conflict
from tator.warning_codes import BOXES_FITTED, CLASS_CAME_BACK, OUTLINES_DROPPED, OUTLINES_MOVED, SHAPES_CLIPPED, warned

__all__ = ["add_many", "edit_within", "open_image", "redo", "save_edits", "undo"]

TOLD = ("width", "height", "revision", "state", "split", "caption", "tags", "notes", "problem", "annotation_count")
OPENED = select(image.c.id.label("image_id"), image.c.path.label("name"), *(image.c[name] for name in TOLD)).where(
    image.c.id == bindparam("image")  # built once, as the queries of rows.py and journal.py are
)
STACK_DEPTH = 200  # entries of undo and redo that an opened image carries; the server undoes beyond them
USER_LIMIT = 100  # characters


@dataclass(frozen=True)
class _Open:
    """An image held for writing."""

    id: int
    dataset_id: int
    width: int
    height: int
    revision: int
    annotation_count: int
    state: str
    caption: str | None
    tags: list[str] | None
    notes: str | None
    is_cut: bool = False  # a shape that was saved reached past the image
    followed: frozenset[str] = frozenset()  # see Draft
    dropped: int = 0
    revived: tuple[LabelClass, ...] = ()  # classes that an undo or redo brought back


def open_image(store: Store, image_id: int) -> dict[str, Any]:
    """Return an image with its annotations and the top of its undo and redo stacks.

    Raises:
        NotFound: no such image.
    """
    with store.read() as conn:
        owner = owner_of(conn, _id(image_id))
        found = conn.execute(OPENED, {"image": image_id}).mappings().one()
        stacks = journal.stacks_of(conn, image_id, STACK_DEPTH, journal.STACK_OPS)
        return dict(found) | {
            "dataset": owner["name"],
            "annotations": rows_of(conn, image_id),
            "undo": [vars(each) for each in stacks.undo],
            "redo": [vars(each) for each in stacks.redo],
        }


def save_edits(
    store: Store,
    image_id: int,
    base_revision: int,
    client_id: str,
    edits: list[dict[str, Any]],
    user: str = "",
) -> dict[str, Any]:
    """Apply edits to an image and journal them, all or none.

    They are durable when this returns.

    Args:
        store: the database.
        image_id: the image.
        base_revision: revision of the image that the first edit was made on.
        client_id: names the window that sends them.
        edits: {"seq", "kind", "label", "ops"} each; those saved before are acknowledged again, not applied again.
        user: who is acting.

    Returns:
        The image's "revision", the "acknowledged" seqs and the "annotation_count" of accepted annotations.

    Raises:
        NotFound: no such image.
        BadInput: names the field and what was expected.
        Conflict: somebody else edited since base_revision; details carry the current rows.
    """
    wanted = read_edits(edits)
    checked_id(client_id, "client_id")
    checked_int(base_revision, "base_revision")
    with store.write() as conn:
        held = _hold(conn, image_id)
        known = journal.known_edits(conn, held.id, client_id, [each.seq for each in wanted])
        fresh = [each for each in wanted if each.seq not in known]
        if fresh and base_revision + sum(revision > base_revision for revision in known.values()) != held.revision:
            raise _conflict(conn, held, base_revision)
        if fresh and any(seq > fresh[0].seq for seq in known):
            raise BadInput(f"edit {fresh[0].seq} of client {client_id} is new, but a later one was saved before")
        saved = _record(conn, held, client_id, fresh, user) if fresh else held
    acknowledged = [each.seq for each in wanted]
    told = {"revision": saved.revision, "acknowledged": acknowledged, "annotation_count": saved.annotation_count}
    happened = {
        SHAPES_CLIPPED: saved.is_cut,
        OUTLINES_MOVED: bool(saved.followed & {"polygons", "rle"}),
        BOXES_FITTED: "xyxy" in saved.followed,
        OUTLINES_DROPPED: saved.dropped > 0,
        CLASS_CAME_BACK: bool(saved.revived),
    }
    return warned(told | _returned(saved), happened)


def edit_within(conn: Connection, image_id: int, client_id: str, label: str, ops: list[Op], user: str = "") -> None:
    """Make an edit of an image in an open write transaction, whatever its revision is.

    Args:
        conn: in a transaction.
        image_id: the image.
        client_id: names who edits; one that made no edit of the image yet.
        label: what the history shows.
        ops: see save_edits.
        user: who is acting.
    """
    starts = range(0, len(ops), OPS_LIMIT)
    sent = [{"seq": at, "label": label, "ops": ops[start : start + OPS_LIMIT]} for at, start in enumerate(starts, 1)]
    held = _hold(conn, image_id)
    for each in sent:
        held = _record(conn, held, client_id, read_edits([each]), user)


def undo(store: Store, image_id: int, client_id: str, seq: int, user: str = "") -> dict[str, Any]:
    """Take back the last edit of an image, whoever made it, as an edit of its own.

    Args:
        store: the database.
        image_id: the image.
        client_id: names who asks, for retries.
        seq: the client's number for this request; the same number again changes nothing.
        user: who is acting.

    Returns:
        What save_edits returns, with the "label" of the edit taken back and the "ops" that were applied.

    Raises:
        NotFound: no such image.
        BadInput: there is nothing to undo.
        Conflict: the annotations were changed outside the journal, so the edit cannot be taken back.
    """
    return _step(store, image_id, client_id, Edit(checked_int(seq, "seq"), "undo"), user)


def redo(store: Store, image_id: int, client_id: str, seq: int, user: str = "") -> dict[str, Any]:
    """Redo the edit that was undone last.

    See undo for arguments, result and errors.
    """
    return _step(store, image_id, client_id, Edit(checked_int(seq, "seq"), "redo"), user)


def _step(store: Store, image_id: int, client_id: str, step: Edit, user: str) -> dict[str, Any]:
    checked_id(client_id, "client_id")
    with store.write() as conn:
        held = _hold(conn, image_id)
        if not journal.known_edits(conn, held.id, client_id, [step.seq]):
            held = _record(conn, held, client_id, [step], user)
        entry = journal.entry_of(conn, client_id, step.seq)
    told = {"revision": held.revision, "acknowledged": [step.seq], "annotation_count": held.annotation_count}
    told |= {"label": entry.label, "ops": entry.forward}
    return warned(told | _returned(held), {CLASS_CAME_BACK: bool(held.revived)})


def _returned(saved: _Open) -> dict[str, Any]:
    """Return {"classes_back"}: classes that came back, where some did."""
    return {"classes_back": [row.as_json() for row in saved.revived]} if saved.revived else {}


def _hold(conn: Connection, image_id: int) -> _Open:
    """Read an image and lock it until this transaction ends.

    No other writer can change it before that.
    """
    columns = (
        image.c.id,
        image.c.dataset_id,
        image.c.width,
        image.c.height,
        image.c.revision,
        image.c.annotation_count,
    )
    query = select(*columns, *(image.c[name] for name in OF_IMAGE)).where(image.c.id == _id(image_id)).with_for_update()
    found = conn.execute(query).all()
    owner_of(conn, image_id)  # refuses an image that does not exist
    return _Open(*found[0])


def _record(conn: Connection, held: _Open, client_id: str, edits: list[Edit], user: str) -> _Open:
    """Apply new edits to a held image, journal each, and write what changed."""
    user = user[:USER_LIMIT]
    mine = label_class.c.dataset_id == held.dataset_id
    classes = select(label_class.c.class_id, label_class.c.retired).where(mine).with_for_update(read=True)
    frame = Frame(held.id, held.width, held.height, {key: is_retired for key, is_retired in conn.execute(classes)})
    asked, edits = edits, [_checked(each, frame, user) if each.kind == "edit" else each for each in edits]
    steps = sum(each.kind != "edit" for each in edits)
    stacks = journal.stacks_of(conn, held.id, steps) if steps else Stacks([], [])
    draft, before = _draft(conn, held, edits, stacks)
    is_cut = any(_shapes(a) != _shapes(b) for a, b in zip(asked, edits, strict=True))
    for revision, each in enumerate(edits, held.revision + 1):
        _apply(conn, held, draft, stacks, each, revision, client_id, user)
    used = {row["class_id"] for key, row in draft.rows.items() if row is not None and row != before[key]}
    back = tuple(revive_class(conn, held.dataset_id, key) for key in sorted(used) if frame.classes.get(key))
    grown = write_changes(conn, held.id, before, draft.rows)
    check_count(conn, [held.id])
    saved = replace(
        held, revision=held.revision + len(edits), annotation_count=held.annotation_count + grown, **draft.image
    )
    saved = replace(saved, is_cut=is_cut, followed=frozenset(draft.followed), dropped=draft.dropped, revived=back)
    changed = {"revision": saved.revision, "annotation_count": saved.annotation_count, **draft.image}
    conn.execute(update(image).where(image.c.id == held.id).values(**changed))
    return saved


def _checked(each: Edit, frame: Frame, user: str) -> Edit:
    """Return an edit with checked ops.

    New annotations carry author and time, for every later redo.
    """
    ops = [checked_op(op, f"edits[seq {each.seq}].ops[{j}]", frame) for j, op in enumerate(each.ops)]
    made = time.time()
    for j, op in enumerate(ops):
        if op["op"] == "add":  # a microsecond apart, so that the order of drawing is the order of reading
            op["annotation"] |= {"author": user, "created_at": made + j * 1e-6}
    return replace(each, ops=ops)


def _shapes(each: Edit) -> list[tuple[Any, Any]]:
    """Return the boxes and outlines of an edit, to see whether checking moved one."""
    told = [op.get("annotation") or op.get("changes") or {} for op in each.ops]
    return [(row.get("xyxy"), row.get("polygons")) for row in told]


def _draft(conn: Connection, held: _Open, edits: list[Edit], stacks: Stacks) -> tuple[Draft, dict[str, Any]]:
    """Load every row that the edits can touch.

    Returns the draft, and the rows as they were.
    """
    ids = ids_of(op for each in edits if each.kind == "edit" for op in each.ops)
    ids |= ids_of(op for entry in stacks.undo + stacks.redo for op in entry.forward + entry.inverse)
    found = rows_with_ids(conn, ids)
    elsewhere = {key for key, (owner, _) in found.items() if owner != held.id}
    before = {key: found[key][1] if key in found else None for key in ids - elsewhere}
    return Draft(dict(before), elsewhere, {name: getattr(held, name) for name in OF_IMAGE}), before


def _apply(
    conn: Connection,
    held: _Open,
    draft: Draft,
    stacks: Stacks,
    each: Edit,
    revision: int,
    client_id: str,
    user: str,
) -> None:
    """Apply one edit to the draft and the stacks, and journal it."""
    target = None if each.kind == "edit" else _top(conn, held, stacks, each)
    if target is None:
        draft.reshape(each.ops)
    ops = each.ops if target is None else target.inverse if each.kind == "undo" else target.forward
    inverse = draft.apply(ops, f"edits[seq {each.seq}]", BadInput if target is None else Conflict)
    label = each.label or (f"{each.kind.title()} {target.label}".strip() if target else "")
    columns = {
        "kind": each.kind,
        "label": label[:200],
        "target_id": target and target.edit,
        "forward": ops,
        "inverse": inverse,
    }
    key = journal.append(
        conn, image_id=held.id, client_id=client_id, seq=each.seq, user=user, revision=revision, **columns
    )
    if target is None:
        stacks.undo.append(Entry(key, label, ops, inverse))
        stacks.redo.clear()
    elif each.kind == "undo":
        stacks.redo.append(target)
    else:
        stacks.undo.append(target)


def _top(conn: Connection, held: _Open, stacks: Stacks, each: Edit) -> Entry:
    """Pop what an undo or redo is about, and see that the client means the same."""
    stack = stacks.undo if each.kind == "undo" else stacks.redo
    if not stack:
        raise BadInput(f"there is nothing to {each.kind} on image {held.id}")
    entry = stack.pop()
    if each.ops and ids_of(each.ops) != ids_of(entry.inverse if each.kind == "undo" else entry.forward):
        raise _conflict(
            conn,
            held,
            held.revision,
            f"seq {each.seq} would {each.kind} another edit than the last one, {entry.label!r}",
        )
    return entry


def _conflict(conn: Connection, held: _Open, base: int, why: str = "") -> Conflict:
    last = journal.last_edit(conn, held.id)
    who = last["user"] or f"client {last['client_id']}" if last["client_id"] else "an import"
    why = why or f"it is at revision {held.revision}, last edited by {who}; this save was made on revision {base}"
    rows = rows_of(conn, held.id)
    return Conflict(
        f"image {held.id} has changed: {why}", revision=held.revision, annotations=rows, state=held.state, author=last
    )


def _id(value: Any) -> int:
    return checked_int(value, "image_id")
