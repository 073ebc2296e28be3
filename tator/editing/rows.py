"""Annotation rows: from the table to plain dictionaries and back.

The browser, the journal and the API hold the dictionaries.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from tator.storage.database import chunks
from tator.storage.schema import annotation, image, label_class
from tator.types import BadInput

Row = dict[
    str, Any
]  # id, class_id, xyxy, polygons, confidence, source, status, author; rle and attributes where there are any
READ = [  # what from_table unpacks, in its order
    annotation.c[name]
    for name in "id class_id x1 y1 x2 y2 polygons rle attributes confidence source status author image_id created_at".split()
]
OF_IMAGE = (  # built once: that takes longer than SQLite's answer
    select(*READ)
    .where(annotation.c.image_id == bindparam("image_id"))
    .order_by(annotation.c.created_at, annotation.c.id)
)
ANNOTATIONS_LIMIT = 100_000  # an image


def from_table(found: Any) -> Row:
    """Return an annotation, selected by READ, as the browser holds it."""
    key, class_id, x1, y1, x2, y2, polygons, rle, attributes, confidence, source, status, author, _, _ = found
    row = {
        "id": key,
        "class_id": class_id,
        "xyxy": [x1, y1, x2, y2],
        "polygons": polygons,
        "confidence": confidence,
        "source": source,
        "status": status,
        "author": author,
    }
    if rle:
        row["rle"] = rle
    if attributes:
        row["attributes"] = attributes
    return row


def to_table(row: Row, image_id: int, now: float) -> dict[str, Any]:
    """Return the columns of an annotation.

    `created_at` is kept where the row carries it.
    """
    x1, y1, x2, y2 = map(float, row["xyxy"])
    confidence = row.get("confidence")
    return {
        "id": row["id"],
        "image_id": image_id,
        "class_id": int(row["class_id"]),
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "polygons": row.get("polygons"),
        "rle": row.get("rle"),
        "attributes": row.get("attributes") or None,
        "confidence": None if confidence is None or math.isnan(confidence) else float(confidence),
        "source": row.get("source", "human"),
        "status": row.get("status", "accepted"),
        "author": row.get("author", ""),
        "created_at": row.get("created_at", now),
        "updated_at": now,
    }


def rows_of(conn: Connection, image_id: int) -> list[Row]:
    """Return an image's annotations, in the order they were made."""
    return [from_table(found) for found in conn.execute(OF_IMAGE, {"image_id": image_id}).all()]


def rows_with_ids(conn: Connection, ids: Iterable[str]) -> dict[str, tuple[int, Row]]:
    """Return {id: (image id, row with created_at)} of the ids that exist.

    They may be on any image.
    """
    found = {}
    for some in chunks(ids):
        for each in conn.execute(select(*READ).where(annotation.c.id.in_(some))):
            found[each.id] = (each.image_id, from_table(each) | {"created_at": each.created_at})
    return found


def write_changes(conn: Connection, image_id: int, before: dict[str, Row | None], after: dict[str, Row | None]) -> int:
    """Write the rows that differ; return by how many the accepted ones grew.

    Args:
        conn: in a transaction.
        image_id: whose annotations these are.
        before: {id: row as stored, None where there was none}.
        after: the same ids; None where there is to be none.
    """
    now, changed = time.time(), [key for key in after if before[key] != after[key]]
    gone = [key for key in changed if after[key] is None]
    new = [row for key in changed if before[key] is None and (row := after[key]) is not None]
    kept = [row for key in changed if before[key] is not None and (row := after[key]) is not None]
    for some in chunks(gone):
        conn.execute(delete(annotation).where(annotation.c.id.in_(some)))
    if new:
        conn.execute(insert(annotation), [to_table(row, image_id, now) for row in new])
    if kept:
        columns = [{f"_{name}": value for name, value in to_table(row, image_id, now).items()} for row in kept]
        names = [name for name in annotation.c.keys() if name not in ("id", "image_id", "created_at")]
        query = update(annotation).where(annotation.c.id == bindparam("_id"))
        conn.execute(query.values({name: bindparam(f"_{name}") for name in names}), columns)
    return _accepted(after.values()) - _accepted(before.values())


def _accepted(rows: Iterable[Row | None]) -> int:
    return sum(row is not None and row["status"] == "accepted" for row in rows)


def add_many(conn: Connection, dataset_id: int, rows: Sequence[Row]) -> int:
    """Insert annotations of any images of one dataset, without the journal.

    Imports and machines use it.

    Args:
        conn: in a transaction.
        dataset_id: the dataset of the images and classes.
        rows: like those of an image, each with its `image_id`; `id` may be absent.

    Returns:
        How many were inserted.

    Raises:
        BadInput: an image or class is not of the dataset, or a box is not finite with x1 < x2 and y1 < y2.
    """
    _check_images(conn, dataset_id, {row["image_id"] for row in rows})
    classes = set(conn.execute(select(label_class.c.class_id).where(label_class.c.dataset_id == dataset_id)).scalars())
    for row in rows:
        _check_row(row, classes)
    now = time.time()
    columns = [
        to_table(row | {"id": row.get("id") or os.urandom(16).hex()}, row["image_id"], now + i * 1e-6)
        for i, row in enumerate(rows)
    ]
    if columns:
        conn.execute(insert(annotation), columns)
    grown = Counter(column["image_id"] for column in columns if column["status"] == "accepted")
    if grown:
        query = update(image).where(image.c.id == bindparam("_id"))
        query = query.values(annotation_count=image.c.annotation_count + bindparam("_n"))
        conn.execute(query, [{"_id": key, "_n": n} for key, n in grown.items()])
    check_count(conn, {row["image_id"] for row in rows})
    return len(columns)


def check_count(conn: Connection, image_ids: Iterable[int]) -> None:
    """Refuse what made an image hold too many annotations.

    Raises:
        BadInput: an image has more than 100,000; the transaction is undone.
    """
    for some in chunks(image_ids):
        counted = (
            select(annotation.c.image_id, func.count())
            .where(annotation.c.image_id.in_(some))
            .group_by(annotation.c.image_id)
        )
        for image_id, count in conn.execute(counted):
            if count > ANNOTATIONS_LIMIT:
                raise BadInput(f"image {image_id} would have {count} annotations; the limit is {ANNOTATIONS_LIMIT}")


def _check_images(conn: Connection, dataset_id: int, ids: set[int]) -> None:
    for some in chunks(ids):
        known = set(
            conn.execute(select(image.c.id).where(image.c.id.in_(some), image.c.dataset_id == dataset_id)).scalars()
        )
        if missing := sorted(set(some) - known):
            raise BadInput(f"image {missing[0]} is not of this dataset")


def _check_row(row: Row, classes: set[int]) -> None:
    x1, y1, x2, y2 = row["xyxy"]
    if not (all(map(math.isfinite, row["xyxy"])) and x1 < x2 and y1 < y2):
        raise BadInput(
            f"xyxy of an annotation of image {row['image_id']} must be finite, x1 < x2 and y1 < y2, is {row['xyxy']}"
        )
    if row["class_id"] not in classes:
        raise BadInput(
            f"class_id of an annotation of image {row['image_id']} must be a class of the dataset, is {row['class_id']}"
        )
