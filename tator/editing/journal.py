"""The append-only journal of edits, and the undo and redo stacks that it implies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, cast, insert, select

from tator.storage.database import chunks
from tator.storage.schema import edit
from tator.types import BadInput

LATER = 2**31 - 1  # more than any revision, which is a 32-bit integer in PostgreSQL
PAGE = 256  # journal rows read at a time, newest first
BATCH = "batch-"  # client ids of edits of many images that are undone together begin so
STACK_OPS = 5_000  # ops of a stack handed to a browser, so that one opened image stays a small answer
# Built once, as are all queries that opening an image asks: building one takes longer than SQLite's answer.
ENTRIES = select(
    edit.c.id,
    edit.c.label,
    edit.c.client_id,
    cast(edit.c.forward, Text).label("forward"),
    cast(edit.c.inverse, Text).label("inverse"),
).where(edit.c.id.in_(bindparam("ids", expanding=True)))
NEWEST = (
    select(edit.c.id, edit.c.kind, edit.c.target_id, edit.c.revision)
    .where(edit.c.image_id == bindparam("image_id"), edit.c.revision < bindparam("before"))
    .order_by(edit.c.revision.desc())
    .limit(PAGE)
)


@dataclass(frozen=True)
class Entry:
    """An edit on one of the stacks.

    Attributes:
        edit: its journal id.
        label: what the history shows.
        forward: the ops as applied.
        inverse: the ops that take them back.
        batch: that it is one of; "" for none.
    """

    edit: int
    label: str
    forward: list[dict[str, Any]]
    inverse: list[dict[str, Any]]
    batch: str = ""


@dataclass
class Stacks:
    """What can be undone and redone, oldest first, the next one last."""

    undo: list[Entry]
    redo: list[Entry]


def stacks_of(conn: Connection, image_id: int, depth: int, ops: int | None = None) -> Stacks:
    """Return the top of both stacks of an image.

    Args:
        conn: a connection.
        image_id: the image.
        depth: entries wanted of each.
        ops: stop each stack after about this many ops; None reads all of `depth`.
    """
    undo, redo = stack_ids(conn, image_id, depth)
    return Stacks(_entries(conn, undo, ops), _entries(conn, redo, ops))


def stack_ids(conn: Connection, image_id: int, depth: int) -> tuple[list[int], list[int]]:
    """Return the edit ids on top of the undo and redo stacks, oldest first.

    Reads the journal backwards, ids and kinds only, and stops as soon as both are known: an undo hides the
    nearest earlier push, and only what came after the last plain edit can be redone.
    """
    undo: list[int] = []
    since: list[tuple[str, int]] = []  # undos and redos after the last plain edit, newest first
    hidden, is_tail = 0, True
    for key, kind, target, _ in _backwards(conn, image_id):  # unpacked: names cost a row ten times as much
        is_tail = is_tail and kind != "edit"
        if is_tail:
            since.append((kind, target))
        elif len(undo) == depth:
            break
        if kind == "undo":
            hidden += 1
        elif hidden:
            hidden -= 1
        elif len(undo) < depth:
            undo.append(target if kind == "redo" else key)
    redo: list[int] = []
    for kind, target in reversed(since):
        if kind == "undo":
            redo.append(target)
        else:
            redo.pop()
    return undo[::-1], redo[max(0, len(redo) - depth) :]


def known_edits(conn: Connection, image_id: int, client_id: str, seqs: Iterable[int]) -> dict[int, int]:
    """Return {seq: revision it made} of those edits that were saved before.

    Raises:
        BadInput: the client used one of the numbers on another image.
    """
    query = select(edit.c.seq, edit.c.revision, edit.c.image_id).where(edit.c.client_id == client_id)
    found = [row for some in chunks(seqs) for row in conn.execute(query.where(edit.c.seq.in_(some)))]
    if strays := [row for row in found if row.image_id != image_id]:
        raise BadInput(
            f"seq {strays[0].seq} of client {client_id} was used on image {strays[0].image_id}; count up across images"
        )
    return {row.seq: row.revision for row in found}


def append(conn: Connection, **columns: Any) -> int:
    """Write one journal row and return its id."""
    return conn.execute(insert(edit).values(**columns, created_at=time.time()).returning(edit.c.id)).scalar_one()


def last_edit(conn: Connection, image_id: int) -> dict[str, Any]:
    """Return who made the last edit of an image and when.

    Both are empty when there is none.
    """
    query = select(edit.c.user, edit.c.client_id, edit.c.created_at).where(edit.c.image_id == image_id)
    row = conn.execute(query.order_by(edit.c.revision.desc()).limit(1)).first()
    return (
        {"user": row.user, "client_id": row.client_id, "at": row.created_at}
        if row
        else {"user": "", "client_id": "", "at": None}
    )


def entry_of(conn: Connection, client_id: str, seq: int) -> Entry:
    """Return a saved edit by the client's number for it."""
    row = conn.execute(select(edit).where(edit.c.client_id == client_id, edit.c.seq == seq)).one()
    return Entry(row.id, row.label, row.forward, row.inverse)


def _backwards(conn: Connection, image_id: int) -> Iterator[Row]:
    before = LATER
    while before:
        page = conn.execute(NEWEST, {"image_id": image_id, "before": before}).all()
        yield from page
        before = page[-1].revision if len(page) == PAGE else 0


def _entries(conn: Connection, ids: list[int], ops: int | None) -> list[Entry]:
    """Read entries from the newest back, until there are enough ops."""
    newest_first: list[Entry] = []
    for start in range(len(ids), 0, -PAGE):
        wanted = ids[max(0, start - PAGE) : start]
        found = _read_entries(conn, wanted)
        newest_first += [found[key] for key in reversed(wanted)]
    return _within(newest_first, ops)[::-1]


def _read_entries(conn: Connection, ids: list[int]) -> dict[int, Entry]:
    """Return {edit id: entry}.

    All ops are parsed at once, in a third of the time that one by one takes.
    """
    rows = conn.execute(ENTRIES, {"ids": ids}).all()
    parsed = iter(json.loads(f"[{','.join(text for _, _, _, *both in rows for text in both)}]"))
    return {
        key: Entry(key, label, next(parsed), next(parsed), client if client.startswith(BATCH) else "")
        for key, label, client, _, _ in rows
    }


def _within(newest_first: list[Entry], ops: int | None) -> list[Entry]:
    kept: list[Entry] = []
    total = 0
    for entry in newest_first:
        total += len(entry.forward)
        if kept and ops is not None and total > ops:
            break
        kept.append(entry)
    return kept
