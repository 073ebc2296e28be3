"""Which edits of the labels moved each class's AP from one evaluation to another."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import snapshots_of
from tator.storage.database import chunks
from tator.storage.schema import edit
from tator.types import BadInput
from tator.workflows.evaluation.accuracy import average_precision
from tator.workflows.evaluation.collecting import Collecting
from tator.workflows.evaluation.evaluator import Settings
from tator.workflows.evaluation.records import Record

MOST_S = 20.0  # after that the remaining images are listed without their share
SMALLEST = 1e-12  # a smaller change of AP is rounding


Reads = Callable[[], Iterable[Record]]


def label_changes(before: Reads, after: Reads, settings: Settings) -> dict[str, Any]:
    """Return each image whose labels changed, and how much AP each change moves alone.

    The predictions are those of the first evaluation throughout. Only records whose labels changed are held.

    Args:
        before: reads the records of the first evaluation.
        after: reads those of the second.
        settings: how predictions are judged.

    Returns:
        {"AP": {class: [before, after]}, "images": [{"file_name", "image_id", "added", "removed", "delta": {class: AP}}]},
        what moves AP most first; delta is None where time ran out.
    """
    changed = _changed(before, after)
    began, base = time.monotonic(), _ap(before, {}, settings)
    rows: list[dict[str, Any]] = []
    for name, (old, new) in changed.items():
        own, their = _objects(old), _objects(new)
        row: dict[str, Any] = {"file_name": name, "image_id": new.image_id or old.image_id}
        row |= {"added": len(their - own), "removed": len(own - their), "delta": None}
        if time.monotonic() - began < MOST_S:
            row["delta"] = _difference(base, _ap(before, {name: new}, settings))
        rows.append(row)
    whole = _ap(before, {name: new for name, (_, new) in changed.items()}, settings)
    rows.sort(key=lambda row: (-max(map(abs, (row["delta"] or {}).values()), default=0), row["file_name"]))
    return {"AP": {name: [base.get(name), whole.get(name)] for name in {**base, **whole}}, "images": rows}


def _name(record: Record) -> str:
    return record.image or str(record.record_index)


def _changed(before: Reads, after: Reads) -> dict[str, tuple[Record, Record]]:
    """Return {file name: both records} of images whose labels differ."""
    marks = {_name(record): _mark(record) for record in before()}
    known = ((_name(record), record) for record in after() if _name(record) in marks)
    new = {name: record for name, record in known if marks[name] != _mark(record)}
    old = {_name(record): record for record in before() if _name(record) in new}
    return {name: (record, new[name]) for name, record in old.items()}


def _mark(record: Record) -> bytes:
    """Return what tells the labels of a record from others."""
    return hashlib.sha256(repr(sorted(_objects(record))).encode()).digest()


def _objects(record: Record) -> set[tuple]:
    """Return the labels of a record, comparable."""
    return {(each["desc"], str(each["points"]), bool(each.get("ignore")), str(each.get("rle"))) for each in record.gt}


def _ap(read: Reads, others: Mapping[str, Record], settings: Settings) -> dict[str, float | None]:
    """Return AP of each class with the labels of some images taken from elsewhere."""
    mixed = (replace(each, gt=others[_name(each)].gt) if _name(each) in others else each for each in read())
    data = Collecting(settings.policy).collect(mixed)
    found = average_precision(data, "bbox", settings.iou_thrs, settings.max_dets)
    return {name: row["AP"] for name, row in found.per_class.items()}


def _difference(one: Mapping[str, float | None], other: Mapping[str, float | None]) -> dict[str, float]:
    deltas = {name: (other.get(name) or 0.0) - (one.get(name) or 0.0) for name in {**one, **other}}
    return {name: delta for name, delta in deltas.items() if abs(delta) > SMALLEST}


def edits_between(dataset: Dataset, old: str, new: str, image_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return {image id: edits} made between two snapshots, oldest first.

    Args:
        dataset: of the snapshots.
        old: name of the earlier snapshot.
        new: name of the later one.
        image_ids: whose edits.

    Raises:
        BadInput: a snapshot is gone.
    """
    times = {each["name"]: each["created_at"] for each in snapshots_of(dataset)}
    if gone := [name for name in (old, new) if name not in times]:
        raise BadInput(f"snapshot {gone[0]!r} of the evaluation is not there any more")
    first, last = sorted((times[old], times[new]))
    columns = (edit.c.id, edit.c.image_id, edit.c.label, edit.c.kind, edit.c.user, edit.c.created_at)
    found: dict[int, list[dict[str, Any]]] = {image_id: [] for image_id in image_ids}
    with dataset.store.read() as conn:
        for ids in chunks(image_ids):
            query = select(*columns).where(edit.c.image_id.in_(ids), edit.c.created_at.between(first, last))
            for row in conn.execute(query.order_by(edit.c.id)).mappings():
                found[row["image_id"]].append({key: row[key] for key in ("id", "label", "kind", "user", "created_at")})
    return found
