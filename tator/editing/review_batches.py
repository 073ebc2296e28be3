"""Batches of the review: many candidates answered at once, over any images.

Every image gets an edit of its own in the journal, so its history reads as always; the edits of a batch share their
client id, by which one undo finds them all.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from tator.datasets.dataset import Dataset
from tator.datasets.selecting import select_annotations
from tator.editing.candidate_pages import Asked, of_annotation, of_image
from tator.editing.checks import OPS_LIMIT, Op
from tator.editing.edits import USER_LIMIT
from tator.editing.journal import BATCH
from tator.storage.database import Store, chunks
from tator.storage.schema import annotation, edit, image
from tator.types import BadInput, NotFound

VERBS = {"accepted": "Accept", "rejected": "Reject"}
IDS_LIMIT = 10_000  # of one request

Held = Row[int, int, str, int]  # id, revision, state and annotation_count of an image


def decide(dataset: Dataset, ids: Sequence[str], answer: str, user: str = "") -> dict[str, Any]:
    """Accept or reject candidates of any images as one batch.

    What somebody decided meanwhile stays.

    Args:
        dataset: of the candidates.
        ids: of the candidates.
        answer: accepted or rejected.
        user: who is acting.

    Returns:
        {"batch", "boxes", "images", "left_out"}: what was changed, and how many of `ids` are candidates no more.

    Raises:
        BadInput: the answer is another, or there are too many ids.
    """
    if len(ids) > IDS_LIMIT:
        raise BadInput(f"ids may be {IDS_LIMIT:,} at a time, are {len(ids):,}")
    label = f"{VERBS[_checked(answer)]} {len(set(ids)):,} in review"
    query = select_annotations(dataset.id, annotation.c.image_id, annotation.c.id, status="candidate")
    with dataset.store.read() as conn:
        rows = [row for some in chunks(set(ids)) for row in conn.execute(query.where(annotation.c.id.in_(some)))]
    told = _answered(dataset, rows, answer, label, user)
    return told | {"left_out": len(set(ids)) - told["boxes"]}


def decide_all(dataset: Dataset, asked: Asked, answer: str, user: str = "") -> dict[str, Any]:
    """Accept or reject every candidate of a choice as one batch.

    Args:
        dataset: of the candidates.
        asked: which of them; its status does not matter.
        answer: accepted or rejected.
        user: who is acting.

    Returns:
        {"batch", "boxes", "images"}: what was changed.

    Raises:
        BadInput: the answer is another.
        NotFound: the dataset has no such class.
    """
    label = f"{VERBS[_checked(answer)]} all from {asked.conf_min:.2f} in review"
    query = select_annotations(dataset.id, annotation.c.image_id, annotation.c.id, status="candidate")
    with dataset.store.read() as conn:
        rows = conn.execute(query.where(*of_annotation(dataset, asked), *of_image(asked))).all()
    return _answered(dataset, rows, answer, label, user)


def _answered(dataset: Dataset, rows: Sequence[Any], answer: str, label: str, user: str) -> dict[str, Any]:
    """Answer candidates, given as (image id, id); return {"batch", "boxes", "images"}."""
    keys_of = defaultdict[int, list[str]](list)
    for image_id, key in rows:
        keys_of[image_id].append(key)
    writer = _Writer(dataset.store, f"{BATCH}{uuid.uuid4().hex}", user)
    for some in chunks(keys_of):
        writer.write(partial(_decided, keys_of, answer, label), some)
    return {"batch": writer.name if writer.boxes else "", "boxes": writer.boxes, "images": writer.images}


def undo_batch(dataset: Dataset, name: str, user: str = "") -> dict[str, Any]:
    """Take a batch back in all its images; what was decided otherwise since stays.

    Args:
        dataset: of the batch.
        name: "batch" of what decide answered.
        user: who is acting.

    Returns:
        {"boxes", "images"}: what are candidates again, and in how many images.

    Raises:
        NotFound: the dataset has no such batch.
        BadInput: it is taken back already.
    """
    joined = edit.join(image, image.c.id == edit.c.image_id)
    query = (
        select(edit.c.image_id).select_from(joined).where(edit.c.client_id == name, image.c.dataset_id == dataset.id)
    )
    with dataset.store.read() as conn:
        images = conn.execute(query.distinct()).scalars().all() if name.startswith(BATCH) else []
    if not images:
        raise NotFound(f"dataset {dataset.name!r} has no batch {name[:80]!r}")
    writer = _Writer(dataset.store, f"undo-{uuid.uuid4().hex}", user)
    for some in chunks(images):
        writer.write(partial(_taken_back, name), some)
    if not writer.boxes:
        raise BadInput("this batch is taken back already")
    return {"boxes": writer.boxes, "images": writer.images}


@dataclass(frozen=True)
class _Edit:
    """An edit that only sets statuses, and perhaps the image's state."""

    label: str
    forward: list[Op]
    inverse: list[Op]
    kind: str = "edit"
    target_id: int | None = None

    def statuses(self) -> dict[str, str]:
        """Return {annotation id: its status from now on}."""
        return {op["id"]: op["changes"]["status"] for op in self.forward if op["op"] == "set"}

    def state(self, before: str) -> str:
        """Return the image's state from now on."""
        return next((op["changes"]["state"] for op in self.forward if op["op"] == "image"), before)


def _decided(
    keys_of: Mapping[int, Sequence[str]], answer: str, label: str, conn: Connection, held: Sequence[Held]
) -> dict[int, list[_Edit]]:
    """Return the edits of some images that answer those which are candidates still."""
    now = _statuses(conn, [key for each in held for key in keys_of[each.id]])
    edits: dict[int, list[_Edit]] = {}
    for each in held:
        keys = [key for key in keys_of[each.id] if now.get(key) == "candidate"]
        edits[each.id] = list(_answers(keys, answer, label, is_new=each.state == "new"))
    return edits


def _answers(keys: Sequence[str], answer: str, label: str, is_new: bool) -> Iterator[_Edit]:
    """Yield the edits of one image."""
    most = OPS_LIMIT - 1  # a browser that repeats an edit sends it in one request
    for start in range(0, len(keys), most):
        some = keys[start : start + most]
        forward, inverse = [_set(key, answer) for key in some], [_set(key, "candidate") for key in some]
        if is_new and not start:
            forward, inverse = [_state("in_progress"), *forward], [*inverse, _state("new")]
        yield _Edit(label, forward, inverse)


def _taken_back(name: str, conn: Connection, held: Sequence[Held]) -> dict[int, list[_Edit]]:
    """Return the edits of some images that take their part of a batch back."""
    columns = (edit.c.id, edit.c.image_id, edit.c.revision, edit.c.label, edit.c.forward, edit.c.inverse)
    query = select(*columns).where(edit.c.client_id == name, edit.c.image_id.in_([each.id for each in held]))
    own = defaultdict[int, list[Any]](list)
    for row in conn.execute(query.order_by(edit.c.seq)):
        own[row.image_id].append(row)
    return {each.id: _undone(conn, each, own[each.id]) for each in held}


def _undone(conn: Connection, held: Held, own: Sequence[Any]) -> list[_Edit]:
    """Return an undo of each edit of a batch.

    Where the image was edited since, an edit reopens what still is as the batch left it.
    """
    label = f"Undo {own[0].label}"[:200]
    if held.revision == own[-1].revision:
        return [_Edit(label, row.inverse, row.forward, "undo", row.id) for row in reversed(own)]
    was = {op["id"]: op["changes"]["status"] for row in own for op in row.forward if op["op"] == "set"}
    now = _statuses(conn, was)
    still = [key for key in was if now.get(key) == was[key]]
    forward, inverse = [_set(key, "candidate") for key in still], [_set(key, was[key]) for key in still]
    return [_Edit(label, forward, inverse)] if still else []


def _statuses(conn: Connection, keys: Iterable[str]) -> dict[str, str]:
    query = select(annotation.c.id, annotation.c.status)
    return {
        key: status for some in chunks(keys) for key, status in conn.execute(query.where(annotation.c.id.in_(some)))
    }


@dataclass
class _Writer:
    """Writes edits of many images, some hundred in a transaction.

    Others can save in between.

    Attributes:
        store: the database.
        name: client id of the edits.
        user: who is acting.
        boxes: how many were changed so far.
        images: in how many images.
    """

    store: Store
    name: str
    user: str
    boxes: int = 0
    images: int = 0
    seq: int = 0

    def write(self, plan: Callable[[Connection, Sequence[Held]], dict[int, list[_Edit]]], ids: Sequence[int]) -> None:
        """Write the edits that `plan` returns for some images, in one transaction."""
        columns = (image.c.id, image.c.revision, image.c.state, image.c.annotation_count)
        with self.store.write() as conn:
            held = conn.execute(select(*columns).where(image.c.id.in_(ids)).with_for_update()).all()
            edits = {image_id: made for image_id, made in plan(conn, held).items() if made}
            if edits:
                statuses = {image_id: _merged(made) for image_id, made in edits.items()}
                grown = _set_statuses(conn, statuses)
                self._journal(conn, [each for each in held if each.id in edits], edits, grown)
                self._count(statuses)

    def _count(self, statuses: Mapping[int, dict[str, str]]) -> None:
        self.images += len(statuses)
        self.boxes += sum(map(len, statuses.values()))

    def _journal(
        self, conn: Connection, held: Sequence[Held], edits: Mapping[int, list[_Edit]], grown: Counter[int]
    ) -> None:
        rows, changed = [], []
        for each in held:
            rows += [self._row(each, at, made) for at, made in enumerate(edits[each.id], 1)]
            state = each.state
            for made in edits[each.id]:
                state = made.state(state)
            count = each.annotation_count + grown[each.id]
            changed.append({"_id": each.id, "_revision": rows[-1]["revision"], "_state": state, "_count": count})
        conn.execute(insert(edit), rows)
        values = {"revision": "_revision", "state": "_state", "annotation_count": "_count"}
        query = update(image).where(image.c.id == bindparam("_id"))
        conn.execute(query.values({name: bindparam(key) for name, key in values.items()}), changed)

    def _row(self, held: Held, at: int, made: _Edit) -> dict[str, Any]:
        self.seq += 1
        who = {"image_id": held.id, "client_id": self.name, "seq": self.seq, "user": self.user[:USER_LIMIT]}
        return who | vars(made) | {"revision": held.revision + at, "created_at": time.time()}


def _set_statuses(conn: Connection, statuses: Mapping[int, dict[str, str]]) -> Counter[int]:
    """Write the statuses; return {image id: by how many the accepted ones grew}."""
    before = _statuses(conn, [key for own in statuses.values() for key in own])
    grown, keys_with = Counter[int](), defaultdict[str, list[str]](list)
    for image_id, own in statuses.items():
        for key, status in own.items():
            grown[image_id] += (status == "accepted") - (before[key] == "accepted")
            keys_with[status].append(key)
    for status, keys in keys_with.items():
        for some in chunks(keys):
            mine = update(annotation).where(annotation.c.id.in_(some))
            conn.execute(mine.values(status=status, updated_at=time.time()))
    return grown


def _merged(edits: Sequence[_Edit]) -> dict[str, str]:
    return {key: status for each in edits for key, status in each.statuses().items()}


def _checked(answer: str) -> str:
    if answer not in VERBS:
        raise BadInput(f"answer must be one of {', '.join(VERBS)}, is {answer[:40]!r}")
    return answer


def _set(key: str, status: str) -> Op:
    return {"op": "set", "id": key, "changes": {"status": status}}


def _state(state: str) -> Op:
    return {"op": "image", "changes": {"state": state}}
