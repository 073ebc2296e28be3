"""Pages of a dataset's images, and the way from one to the next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, func, select

from tator.datasets.dataset import Dataset, ImageRow, select_images
from tator.datasets.search_words import searched
from tator.storage.schema import image
from tator.types import BadInput

MOST = 1000  # images a page


def _named(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    """Return an image's row as JSON, with its path as "name".

    Gradio's clients would fetch a file for a "path".
    """
    return {"name" if key == "path" else key: value for key, value in row.items()}


def page(dataset: Dataset, offset: int, limit: int, state: str, search: str) -> dict:
    """Return {"total", "images"}: one page of images in path order.

    Raises:
        BadInput: offset below 0, limit outside 1..MOST, or unknown state.
    """
    if offset < 0 or not 1 <= limit <= MOST:
        raise BadInput(f"offset must be 0 or more and limit 1 to {MOST}; they are {offset} and {limit}")
    query = select_images(dataset.id, [state] if state else None)
    if search:
        query = query.where(*searched(search))
    with dataset.store.read() as conn:
        total = conn.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
        rows = conn.execute(query.offset(offset).limit(limit)).mappings().all()
    return {"total": total, "images": [_named(row) for row in rows]}


def following(dataset: Dataset, after_image_id: int, state: str) -> dict:
    """Return the next readable image of a state, in path order.

    The search wraps around at the end; "image_id" is None when none is left.

    Raises:
        NotFound: the dataset has no image after_image_id.
        BadInput: unknown state.
    """
    query = select_images(dataset.id, [state]).where(image.c.problem.is_(None), image.c.id != after_image_id).limit(1)
    start = dataset.image(after_image_id).path if after_image_id else ""
    with dataset.store.read() as conn:
        row = conn.execute(query.where(image.c.path > start)).mappings().first()
        row = row or conn.execute(query).mappings().first()
    return {"image_id": row["id"], **_named(row)} if row else {"image_id": None}


def position(dataset: Dataset, image_id: int) -> dict:
    """Return {"position", "total"} of an image in its dataset, in path order.

    Raises:
        NotFound: the dataset has no such image.
    """
    found: ImageRow = dataset.image(image_id)
    own = image.c.dataset_id == dataset.id
    with dataset.store.read() as conn:
        before = conn.execute(
            select(func.count()).select_from(image).where(own, image.c.path < found.path)
        ).scalar_one()
        total = conn.execute(select(func.count()).select_from(image).where(own)).scalar_one()
    return {"position": before, "total": total, "image": _named(asdict(found))}
