"""Delete a class of a dataset, its annotations going to another one."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import retire_class
from tator.datasets.selecting import select_annotations
from tator.editing.edits import edit_within
from tator.storage.schema import annotation, label_class
from tator.types import BadInput, Conflict, NotFound


def delete_class(dataset: Dataset, class_id: int, move_to: int, user: str = "") -> dict:
    """Retire a class, moving its annotations to another class if one is given.

    The move is an undoable edit of each image. The class goes in the transaction that finds no annotation of it left, so
    that no edit saved meanwhile can keep it; cut off before that, the class is there and deleting it again goes on.

    Args:
        dataset: whose class.
        class_id: to delete.
        move_to: class that takes the annotations; -1 for none.
        user: who is acting.

    Returns:
        {"deleted": class id, "moved": annotations moved, "images": images changed}.

    Raises:
        NotFound: no such class.
        BadInput: move_to is the class itself.
        Conflict: it has annotations and move_to is -1.
    """
    names = dataset.class_names()
    for wanted in (class_id, move_to) if move_to != -1 else (class_id,):
        if wanted not in names:
            raise NotFound(f"dataset {dataset.name!r} has no class with id {wanted}")
    if move_to == class_id:
        raise BadInput(f"move_to is {move_to}, the class to delete; expected another one")
    label = f"Move {names[class_id]} to {names.get(move_to, 'none')}"[:200]
    move = _Move(class_id, move_to, f"class-{uuid.uuid4().hex}", label, user)
    images = moved = 0
    if move_to != -1:
        for image_id in _holders_of(dataset, class_id):
            with dataset.store.write() as conn:  # one image each, so that others can save meanwhile
                count = move.apply(conn, image_id)
            images, moved = images + bool(count), moved + count
    with dataset.store.write() as conn:
        held = (label_class.c.dataset_id == dataset.id) & (label_class.c.class_id == class_id)
        conn.execute(
            select(label_class.c.class_id).where(held).with_for_update()
        )  # until this ends nobody saves into it
        later = _holders(conn, dataset.id, class_id)  # of edits that were saved since
        if later and move_to == -1:
            raise Conflict(
                f"class {names[class_id]!r} has annotations in {len(later)} images; say with move_to which "
                "class takes them",
                images=len(later),
            )
        for image_id in later:
            images, moved = images + 1, moved + move.apply(conn, image_id)
        retire_class(conn, dataset.id, class_id)
    return {"deleted": class_id, "moved": moved, "images": images}


def _holders_of(dataset: Dataset, class_id: int) -> list[int]:
    with dataset.store.read() as conn:
        return _holders(conn, dataset.id, class_id)


def _holders(conn: Connection, dataset_id: int, class_id: int) -> list[int]:
    """Return the ids of images with annotations of a class, whatever their status."""
    query = select_annotations(dataset_id, annotation.c.image_id).where(annotation.c.class_id == class_id).distinct()
    return sorted(conn.execute(query).scalars())


@dataclass(frozen=True)
class _Move:
    """An edit of each image that gives annotations of one class another."""

    class_id: int
    move_to: int
    client: str
    label: str
    user: str

    def apply(self, conn: Connection, image_id: int) -> int:
        """Edit one image; return how many annotations moved."""
        wanted = (annotation.c.image_id == image_id) & (annotation.c.class_id == self.class_id)
        ids = conn.execute(select(annotation.c.id).where(wanted)).scalars().all()
        ops = [{"op": "set", "id": each, "changes": {"class_id": self.move_to}} for each in ids]
        if ops:
            client = f"{self.client}-{os.urandom(3).hex()}-{image_id}"[:64]
            edit_within(conn, image_id, client, self.label, ops, self.user)
        return len(ops)
