"""Captions of images: read, counted, and written as edits that undo takes back."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select

from tator.datasets.dataset import Dataset
from tator.editing.edits import save_edits
from tator.storage.schema import image
from tator.types import BadInput, NotFound


def caption_of(dataset: Dataset, path: str) -> dict:
    """Return {"image", "image_id", "caption"} of one image.

    The caption is "" where there is none.

    Raises:
        NotFound: the dataset has no such image.
    """
    row = _row(dataset, path)
    return {"image": path, "image_id": row.id, "caption": row.caption or ""}


def set_caption(dataset: Dataset, path: str, caption: str, user: str = "") -> dict:
    """Write an image's caption as an edit that undo takes back; "" deletes it.

    Raises:
        NotFound: the dataset has no such image.
        BadInput: the caption is too long.
    """
    row = _row(dataset, path)
    if (row.caption or "") != caption.strip():
        save_caption(dataset, row.id, row.revision, caption, user)
    return caption_of(dataset, path)


def _row(dataset: Dataset, path: str):  # noqa: ANN202
    query = select(image.c.id, image.c.revision, image.c.caption).where(
        image.c.dataset_id == dataset.id, image.c.path == path
    )
    with dataset.store.read() as conn:
        row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"dataset {dataset.name!r} has no image {path[:200]!r}")
    return row


def save_caption(dataset: Dataset, image_id: int, revision: int, caption: str, user: str) -> None:
    """Write an image's caption as an edit based on a revision; "" deletes it.

    Raises:
        Conflict: the image has another revision by now.
        BadInput: the caption is too long.
    """
    ops = [{"op": "image", "changes": {"caption": caption.strip() or None}}]
    edit = {"seq": 1, "kind": "edit", "label": "Caption", "ops": ops}
    save_edits(dataset.store, image_id, revision, f"caption-{uuid.uuid4().hex}", [edit], user)


def caption_count(dataset: Dataset) -> int:
    """Return how many images have a caption.

    Raises:
        BadInput: none has.
    """
    mine = (image.c.dataset_id == dataset.id) & image.c.caption.is_not(None) & (image.c.caption != "")
    with dataset.store.read() as conn:
        count = conn.execute(select(func.count()).select_from(image).where(mine)).scalar_one()
    if not count:
        raise BadInput(f"no image of dataset {dataset.name!r} has a caption")
    return count
