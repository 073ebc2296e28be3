"""Candidates: machine boxes in a layer of their own.

A run writes, replaces and clears its own candidates and nothing else.

Candidates are not edits: the journal and the image's revision have no part in them, so that a run neither makes the edit
of a person who has the image open stale nor is taken back by their undo.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, or_, select

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import retired_ids
from tator.datasets.selecting import select_annotations
from tator.editing.checks import POINTS_LIMIT
from tator.editing.draft import ids_of
from tator.editing.rows import READ, Row, add_many, from_table, write_changes
from tator.storage.database import chunks
from tator.storage.schema import annotation, edit, image, lease
from tator.types import BadInput, Detections, Mask
from tator.vision.boxes import area, clip, reaches_out
from tator.vision.masks import to_polygons, to_rle
from tator.vision.matching import iou, match_greedy, within_class

REPEAT_IOU = 0.9  # a box of the same class that overlaps this much is the same object drawn again
SOURCE_LIMIT = 100  # characters; the width of the column
COUNTED = ("new", "updated", "removed", "settled", "clipped", "outside", "retired")


@dataclass
class _Held:
    """An image's annotations that matter to a run.

    Attributes:
        width: of the image in pixels; 0 where unknown.
        height: of the image in pixels.
        settled: rows that a person decided about, changed or has open; the run leaves them alone.
        own: the run's earlier candidates, which it may replace.
    """

    width: int
    height: int
    settled: list[Row] = field(default_factory=list)
    own: list[Row] = field(default_factory=list)


def source_of(backend: str, run: str) -> str:
    """Return what the candidates of a run carry as their source.

    Raises:
        BadInput: the backend or the run has no name, or both together are too long.
    """
    source = f"{backend}@{run}"
    if not backend or not run or "@" in backend or len(source) > SOURCE_LIMIT:
        raise BadInput(f"a source must be <backend>@<run> of at most {SOURCE_LIMIT} characters, is {source[:120]!r}")
    return source


def replace_candidates(
    dataset: Dataset, found_by_image: Mapping[int, Detections], backend: str, run: str
) -> Counter[str]:
    """Replace what the same run found in some images, in one transaction.

    What a person drew, accepted, rejected or changed is never touched, nor candidates of other runs. A box that was
    found before keeps its id.

    Args:
        dataset: of the images.
        found_by_image: {image id: boxes in pixels, class_id being the dataset's}; no boxes clears the run's earlier ones.
            Masks become polygons.
        backend: id of the card that found them.
        run: name of the run or recipe.

    Returns:
        How many are "new", "updated" (found before), "removed" (not found again), "settled" (left out: they repeat what
        a person decided about or has open), "clipped" (cut to the image) and "outside" (left out: not in the image),
        "retired" (left out: their class was deleted).

    Raises:
        BadInput: an image or a class is not of the dataset, or a box or confidence is not a finite number.
    """
    source, counts = source_of(backend, run), Counter(dict.fromkeys(COUNTED, 0))
    with dataset.store.write() as conn:
        held, added = _hold(conn, dataset.id, list(found_by_image), source), []
        gone = list(retired_ids(conn, dataset.id))
        for image_id, found in found_by_image.items():
            is_gone = np.isin(found.class_id, gone)
            counts["retired"] += int(is_gone.sum())
            kept = _inside(found[~is_gone], held[image_id], counts)
            added += _replace(conn, image_id, kept, held[image_id], source, counts)
        add_many(conn, dataset.id, added)
    return counts


def clear_candidates(dataset: Dataset, source: str) -> dict[str, int]:
    """Delete the candidates of a source that nobody has accepted, rejected or changed.

    Returns:
        {"cleared", "kept"}: kept ones are candidates still, but a person changed them, and undo must find them.
    """
    waiting = select_annotations(dataset.id, annotation.c.id, annotation.c.image_id, status="candidate")
    with dataset.store.write() as conn:
        rows = conn.execute(waiting.where(annotation.c.source == source)).all()
        kept = _journalled(conn, {row.image_id for row in rows})
        free = [row.id for row in rows if row.id not in kept]
        for some in chunks(free):
            conn.execute(delete(annotation).where(annotation.c.id.in_(some)))
    return {"cleared": len(free), "kept": len(rows) - len(free)}


def _hold(conn: Connection, dataset_id: int, ids: list[int], source: str) -> dict[int, _Held]:
    """Return what a run must know about its images.

    Raises:
        BadInput: an image is not of the dataset.
    """
    held: dict[int, _Held] = {}
    for some in chunks(ids):
        mine = select(image.c.id, image.c.width, image.c.height).where(image.c.id.in_(some))
        for row in conn.execute(mine.where(image.c.dataset_id == dataset_id)):
            held[row.id] = _Held(row.width, row.height)
    if missing := sorted(set(ids) - set(held)):
        raise BadInput(f"image {missing[0]} is not of this dataset")
    settled, is_open = _journalled(conn, held), _opened(conn, held)
    matters = or_(annotation.c.status != "candidate", annotation.c.source == source)
    for some in chunks(ids):
        for row in conn.execute(select(*READ).where(annotation.c.image_id.in_(some), matters)):
            keeps = row.status != "candidate" or row.id in settled or row.image_id in is_open
            plain = from_table(row) | {"created_at": row.created_at}
            (held[row.image_id].settled if keeps else held[row.image_id].own).append(plain)
    return held


def _journalled(conn: Connection, image_ids: Iterable[int]) -> set[str]:
    """Return the ids of annotations that edits of these images mention.

    Undo and redo need them as they are.
    """
    found: set[str] = set()
    for some in chunks(image_ids):
        for forward, inverse in conn.execute(select(edit.c.forward, edit.c.inverse).where(edit.c.image_id.in_(some))):
            found |= ids_of(forward) | ids_of(inverse)
    return found


def _opened(conn: Connection, image_ids: Iterable[int]) -> set[int]:
    """Return the images that somebody has open.

    What they see must not vanish before they have saved.
    """
    query = select(lease.c.image_id).where(lease.c.expires_at > time.time())
    return {
        key for some in chunks(image_ids) for key in conn.execute(query.where(lease.c.image_id.in_(some))).scalars()
    }


def _inside(found: Detections, held: _Held, counts: Counter[str]) -> Detections:
    """Return the boxes cut to the image, without those that lie outside it."""
    if not (np.isfinite(found.xyxy).all() and ((found.confidence >= 0) & (found.confidence <= 1)).all()):
        raise BadInput("candidates need boxes of finite numbers, and a confidence in [0, 1]")
    if not held.width:
        return found
    cut = Detections(
        clip(found.xyxy, held.width, held.height), found.confidence, found.class_id, found.mask, found.data
    )
    lies_in = area(cut.xyxy) > 0
    counts["clipped"] += int((lies_in & reaches_out(found.xyxy, held.width, held.height)).sum())
    counts["outside"] += int((~lies_in).sum())
    return cut[lies_in]


def _replace(
    conn: Connection, image_id: int, found: Detections, held: _Held, source: str, counts: Counter[str]
) -> list[Row]:
    """Update and remove the run's earlier candidates of an image.

    Returns the rows that are to be added.
    """
    is_settled = _repeats(found, held.settled) >= 0
    counts["settled"] += int(is_settled.sum())
    found = found[~is_settled]
    again = match_greedy(_overlap(found, held.own), found.confidence, REPEAT_IOU)
    rows = [_row(one, image_id, source, held) for one in found]
    before: dict[str, Row | None] = {row["id"]: row for row in held.own}
    after: dict[str, Row | None] = dict.fromkeys(before)
    for at, row in zip(again, rows, strict=True):
        if at >= 0:
            old = held.own[at]
            after[old["id"]] = old | row | {"id": old["id"], "created_at": old["created_at"]}
    write_changes(conn, image_id, before, after)
    updated = int((again >= 0).sum())
    counts.update(new=len(rows) - updated, updated=updated, removed=len(before) - updated)
    return [row for at, row in zip(again, rows, strict=True) if at < 0]


def _repeats(found: Detections, rows: list[Row]) -> NDArray[np.int64]:
    """Return (N,) the row that each box repeats, -1 for none; several may repeat one."""
    overlap = _overlap(found, rows)
    return np.where(overlap.max(1, initial=0) >= REPEAT_IOU, overlap.argmax(1) if rows else -1, -1)


def _overlap(found: Detections, rows: list[Row]) -> NDArray[np.float32]:
    """Return (N, M) overlaps of boxes and rows; 0 where their classes differ."""
    boxes = np.array([row["xyxy"] for row in rows], np.float32).reshape(-1, 4)
    classes = np.array([row["class_id"] for row in rows], np.int64)
    return within_class(iou(found.xyxy, boxes), found.class_id, classes)


def _row(one: Detections, image_id: int, source: str, held: _Held) -> Row:
    outline = _outline(one.mask[0] if one.mask else None, held)
    attributes = one.data["attributes"][0] if "attributes" in one.data else None
    return {
        "id": os.urandom(16).hex(),
        "image_id": image_id,
        "class_id": int(one.class_id[0]),
        "xyxy": one.xyxy[0].astype(float).tolist(),
        "confidence": float(one.confidence[0]),
        "source": source,
        "status": "candidate",
        "author": "",
        **outline,
        **({"attributes": attributes} if attributes else {}),
    }


def _outline(mask: Mask | None, held: _Held) -> dict[str, Any]:
    """Return a mask as polygons, or as run lengths.

    Run lengths are used where polygons would have too many points to edit.
    """
    if mask is None or not mask.data.any():
        return {"polygons": None, "rle": None}
    polygons = to_polygons(mask)
    if sum(len(ring) for rings in polygons for ring in rings) <= POINTS_LIMIT:
        return {"polygons": polygons, "rle": None}
    height, width = mask.data.shape
    size = (held.width, held.height) if held.width else (mask.x + width, mask.y + height)
    return {"polygons": None, "rle": to_rle(mask, *size)}
