"""Tags and notes of images, written as edits that undo takes back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.editing.edits import edit_within
from tator.storage.schema import image
from tator.types import NotFound


def set_remarks(dataset: Dataset, path: str, tags: Sequence[str], notes: str, user: str = "") -> dict:
    """Write an image's tags and notes as an edit; return both as they are stored.

    Args:
        dataset: of the image.
        path: of the image in the dataset.
        tags: none deletes them.
        notes: "" deletes them.
        user: who is acting.

    Raises:
        NotFound: the dataset has no such image.
        BadInput: a tag or the notes are too long.
    """
    mine = (image.c.dataset_id == dataset.id) & (image.c.path == path)
    with dataset.store.write() as conn:
        image_id = conn.execute(select(image.c.id).where(mine)).scalar()
        if image_id is None:
            raise NotFound(f"dataset {dataset.name!r} has no image {path[:200]!r}")
        op = {"op": "image", "changes": {"tags": list(tags), "notes": notes.strip() or None}}
        edit_within(conn, image_id, f"remarks-{uuid.uuid4().hex}", "Tags and notes", [op], user)
    kept = dataset.remarks([image_id]).get(image_id, {})
    return {"image": path, "image_id": image_id, "tags": kept.get("tags", []), "notes": kept.get("notes", "")}
