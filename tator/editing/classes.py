"""Delete a class of a dataset, its annotations going to another one."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.datasets.selecting import select_annotations
from tator.editing.edits import save_edits
from tator.storage.database import chunks
from tator.storage.schema import annotation, image
from tator.types import BadInput, Conflict, NotFound

TRIES = 5  # a person who edits the same image meanwhile makes a try stale


def delete_class(dataset: Dataset, class_id: int, move_to: int, user: str = "") -> dict:
    """Retire a class, moving its annotations to another class if one is given.

    The move is one undoable edit per image.

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
    holders = _holders(dataset, class_id)
    if holders and move_to == -1:
        raise Conflict(
            f"class {names[class_id]!r} has annotations in {len(holders)} images; say with move_to which "
            "class takes them",
            images=len(holders),
        )
    client = f"class-{uuid.uuid4().hex}"
    label = f"Move {names[class_id]} to {names[move_to]}"[:200] if holders else ""
    moved = sum(_move(dataset, image_id, class_id, move_to, client, label, user) for image_id in holders)
    dataset.retire_class(class_id)
    return {"deleted": class_id, "moved": moved, "images": len(holders)}


def _holders(dataset: Dataset, class_id: int) -> list[int]:
    """Return the ids of images with annotations of a class, whatever their status."""
    query = select_annotations(dataset.id, annotation.c.image_id).where(annotation.c.class_id == class_id).distinct()
    with dataset.store.read() as conn:
        return sorted(conn.execute(query).scalars())


def _move(dataset: Dataset, image_id: int, class_id: int, move_to: int, client: str, label: str, user: str) -> int:
    """Give one image's annotations of a class another class; return how many."""
    for attempt in range(TRIES):
        with dataset.store.read() as conn:
            revision = conn.execute(select(image.c.revision).where(image.c.id == image_id)).scalar_one()
            wanted = (annotation.c.image_id == image_id) & (annotation.c.class_id == class_id)
            ids = list(conn.execute(select(annotation.c.id).where(wanted)).scalars())
        try:
            for part in chunks(ids):
                ops = [{"op": "set", "id": each, "changes": {"class_id": move_to}} for each in part]
                edit = {"seq": revision + 1, "kind": "edit", "label": label, "ops": ops}
                revision = save_edits(dataset.store, image_id, revision, f"{client}-{image_id}"[:64], [edit], user)[
                    "revision"
                ]
            return len(ids)
        except Conflict:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")
