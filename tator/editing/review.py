"""The review: one queue of candidates over a dataset, and how far it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from tator.datasets.dataset import Dataset
from tator.editing.candidate_pages import HUMAN, MOST, Asked, of_annotation, of_image, of_status
from tator.editing.review_orders import Order
from tator.storage.database import chunks
from tator.storage.schema import ANNOTATION_STATUSES, annotation, image
from tator.types import BadInput

ITEM = ("id", "image_id", "class_id", "x1", "y1", "x2", "y2", "confidence", "source")


def review_page(dataset: Dataset, asked: Asked, order: Order, after: str = "", limit: int = 200) -> dict[str, Any]:
    """Return {"items", "after"}: a page of the queue, and where the next begins.

    A page goes on behind the last item of the one before, whatever was decided meanwhile.

    Args:
        dataset: whose annotations.
        asked: which of them.
        order: of the queue.
        after: cursor of the page before; "" for the first page.
        limit: most items, 1 to MOST.

    Returns:
        "after" is "" on the last page. Each item has "id", "image_id", "image" (its name), "class_id", "xyxy",
        "confidence" and "source".

    Raises:
        BadInput: limit is out of range, or the cursor is of another order.
        NotFound: the dataset has no such class.
    """
    if not 1 <= limit <= MOST:
        raise BadInput(f"limit must be 1 to {MOST}, is {limit}")
    keys = [key.column.label(f"key{at}") for at, key in enumerate(order.keys)]
    query = _joined(dataset, asked, order, *(annotation.c[name] for name in ITEM), *keys)
    if after:
        query = query.where(order.after(after))
    with dataset.store.read() as conn:
        rows = conn.execute(query.order_by(*(key.sorting() for key in order.keys)).limit(limit + 1)).mappings().all()
        names = dict[int, str]()
        for some in chunks({row["image_id"] for row in rows}):
            names |= {
                key: path for key, path in conn.execute(select(image.c.id, image.c.path).where(image.c.id.in_(some)))
            }
    shown = rows[:limit]
    last = order.cursor([shown[-1][key.name] for key in keys]) if len(rows) > limit else ""
    return {"items": [_as_json(row, names) for row in shown], "after": last}


def review_progress(dataset: Dataset, asked: Asked) -> dict[str, int]:
    """Return {"left", "done"}: candidates that wait, and those that do not.

    Done are those that were accepted or rejected.

    Args:
        dataset: whose candidates.
        asked: which of them; its status does not matter.
    """
    machine = (annotation.c.source >= "", annotation.c.source != HUMAN)  # the first names SQLite the index to take
    rest = (*machine, *of_annotation(dataset, asked), _in_dataset(dataset, asked))
    counts = dict[str, int]()
    with dataset.store.read() as conn:
        for status in ANNOTATION_STATUSES:  # one by one, as the index has them: grouping takes six times as long
            query = select(func.count()).select_from(annotation).where(annotation.c.status == status, *rest)
            counts[status] = conn.execute(query).scalar_one()
    return {"left": counts["candidate"], "done": counts["accepted"] + counts["rejected"]}


def _joined(dataset: Dataset, asked: Asked, order: Order, *columns: Any) -> Select:
    """Return the query without its order.

    How it is worded tells SQLite along which index to walk.
    """
    if order.is_by_image:
        joined = image.join(annotation, image.c.id == annotation.c.image_id)
        query = select(*columns).select_from(joined).where(image.c.dataset_id == dataset.id, *of_image(asked))
        status = func.coalesce(annotation.c.status, "") == asked.status if asked.status else of_status("")
    else:
        query, status = select(*columns).where(_in_dataset(dataset, asked)), of_status(asked.status)
    return query.where(status, *of_annotation(dataset, asked))


def _in_dataset(dataset: Dataset, asked: Asked) -> ColumnElement[bool]:
    ours = select(1).where(image.c.id == annotation.c.image_id, image.c.dataset_id == dataset.id, *of_image(asked))
    return ours.correlate(annotation).exists()


def _as_json(row: Any, names: dict[int, str]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "image_id", "class_id", "confidence", "source")},
        "image": names[row["image_id"]],
        "xyxy": [row["x1"], row["y1"], row["x2"], row["y2"]],
    }
