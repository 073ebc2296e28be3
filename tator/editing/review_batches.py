"""Batches of the review: many candidates answered at once, over any images.

Every image gets an edit of its own in the journal, so its history reads as always; the edits of a batch share their
client id, by which one undo finds them all.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
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
from tator.storage.database import chunks
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
    with dataset.store.write() as conn:
        rows = [row for some in chunks(set(ids)) for row in conn.execute(query.where(annotation.c.id.in_(some)))]
        told = _answered(conn, rows, answer, label, user)
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
    with dataset.store.write() as conn:
        rows = conn.execute(query.where(*of_annotation(dataset, asked), *of_image(asked))).all()
        return _answered(conn, rows, answer, label, user)


def _answered(conn: Connection, rows: Sequence[Any], answer: str, label: str, user: str) -> dict[str, Any]:
    """Answer candidates, given as (image id, id); return {"batch", "boxes", "images"}."""
    keys_of = defaultdict[int, list[str]](list)
    for image_id, key in rows:
        keys_of[image_id].append(key)
    writer = _Writer(conn, f"{BATCH}{uuid.uuid4().hex}", user)
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
    columns = (edit.c.id, edit.c.image_id, edit.c.revision, edit.c.label, edit.c.forward, edit.c.inverse)
    joined = edit.join(image, image.c.id == edit.c.image_id)
    query = select(*columns).select_from(joined).where(edit.c.client_id == name, image.c.dataset_id == dataset.id)
    with dataset.store.write() as conn:
        found = conn.execute(query.order_by(edit.c.image_id, edit.c.seq)).all() if name.startswith(BATCH) else []
        if not found:
            raise NotFound(f"dataset {dataset.name!r} has no batch {name[:80]!r}")
        own = defaultdict[int, list[Any]](list)
        for row in found:
            own[row.image_id].append(row)
        writer = _Writer(conn, f"undo-{uuid.uuid4().hex}", user)
        for some in chunks(own):
            writer.write(partial(_taken_back, conn, own), some)
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


def _decided(keys_of: Mapping[int, Sequence[str]], answer: str, label: str, held: Held) -> list[_Edit]:
    """Return the edits of an image that answer candidates."""
    edits, keys, most = [], keys_of[held.id], OPS_LIMIT - 1  # a browser that repeats an edit sends it in one request
    for start in range(0, len(keys), most):
        some = keys[start : start + most]
        forward, inverse = [_set(key, answer) for key in some], [_set(key, "candidate") for key in some]
        if held.state == "new" and not start:
            forward, inverse = [_state("in_progress"), *forward], [*inverse, _state("new")]
        edits.append(_Edit(label, forward, inverse))
    return edits


def _taken_back(conn: Connection, own: Mapping[int, Sequence[Any]], held: Held) -> list[_Edit]:
    """Return the edits of an image that take its part of a batch back."""
    label = f"Undo {own[held.id][0].label}"[:200]
    if held.revision == own[held.id][-1].revision:
        return [_Edit(label, row.inverse, row.forward, "undo", row.id) for row in reversed(own[held.id])]
    was = {op["id"]: op["changes"]["status"] for row in own[held.id] for op in row.forward if op["op"] == "set"}
    query = select(annotation.c.id, annotation.c.status)
    now = {key: status for some in chunks(was) for key, status in conn.execute(query.where(annotation.c.id.in_(some)))}
    still = [key for key in was if now.get(key) == was[key]]
    forward, inverse = [_set(key, "candidate") for key in still], [_set(key, was[key]) for key in still]
    return [_Edit(label, forward, inverse)] if still else []


@dataclass
class _Writer:
    """Writes edits of many images together.

    Attributes:
        conn: in a transaction.
        name: client id of the edits.
        user: who is acting.
        boxes: how many were changed so far.
        images: in how many images.
    """

    conn: Connection
    name: str
    user: str
    boxes: int = 0
    images: int = 0
    seq: int = 0

    def write(self, edits_of: Callable[[Held], list[_Edit]], image_ids: Sequence[int]) -> None:
        """Write what `edits_of` returns for each of some images."""
        columns = (image.c.id, image.c.revision, image.c.state, image.c.annotation_count)
        held = self.conn.execute(select(*columns).where(image.c.id.in_(image_ids)).with_for_update()).all()
        edits = {each.id: made for each in held if (made := edits_of(each))}
        if not edits:
            return
        statuses = {each.id: _merged(edits[each.id]) for each in held if each.id in edits}
        self._count(statuses)
        grown = self._set_statuses(statuses)
        self._journal([each for each in held if each.id in edits], edits, grown)

    def _count(self, statuses: Mapping[int, dict[str, str]]) -> None:
        self.images += len(statuses)
        self.boxes += sum(map(len, statuses.values()))

    def _set_statuses(self, statuses: Mapping[int, dict[str, str]]) -> Counter[int]:
        """Write the statuses; return {image id: by how many the accepted ones grew}."""
        wanted = {key: status for own in statuses.values() for key, status in own.items()}
        grown, query = Counter[int](), select(annotation.c.id, annotation.c.image_id, annotation.c.status)
        for some in chunks(wanted):
            for key, image_id, before in self.conn.execute(query.where(annotation.c.id.in_(some))):
                grown[image_id] += (wanted[key] == "accepted") - (before == "accepted")
        for status in set(wanted.values()):
            for some in chunks(key for key in wanted if wanted[key] == status):
                mine = update(annotation).where(annotation.c.id.in_(some))
                self.conn.execute(mine.values(status=status, updated_at=time.time()))
        return grown

    def _journal(self, held: Sequence[Held], edits: Mapping[int, list[_Edit]], grown: Counter[int]) -> None:
        rows, changed = [], []
        for each in held:
            rows += [self._row(each, at, made) for at, made in enumerate(edits[each.id], 1)]
            state = each.state
            for made in edits[each.id]:
                state = made.state(state)
            count = each.annotation_count + grown[each.id]
            changed.append({"_id": each.id, "_revision": rows[-1]["revision"], "_state": state, "_count": count})
        self.conn.execute(insert(edit), rows)
        values = {"revision": "_revision", "state": "_state", "annotation_count": "_count"}
        query = update(image).where(image.c.id == bindparam("_id"))
        self.conn.execute(query.values({name: bindparam(key) for name, key in values.items()}), changed)

    def _row(self, held: Held, at: int, made: _Edit) -> dict[str, Any]:
        self.seq += 1
        who = {"image_id": held.id, "client_id": self.name, "seq": self.seq, "user": self.user[:USER_LIMIT]}
        return who | vars(made) | {"revision": held.revision + at, "created_at": time.time()}


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
