"""Follow a head's classes through the changes of its dataset.

A renamed class is told by its new name, and one that was deleted is known to be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.datasets.glossary import aliases, glossary_of
from tator.datasets.label_map import read_classes
from tator.datasets.names import match_names
from tator.storage.database import Store
from tator.storage.schema import dataset as dataset_table
from tator.types import Unavailable

SHOWN = 5  # classes of a head that a message names
GONE = -1  # class id of a class that the dataset does not have


@dataclass(frozen=True)
class Meaning:
    """What an output of a head means by now.

    Attributes:
        class_id: of the dataset, or GONE.
        name: the class's name by now; the one it was trained under where it is gone.
        is_deleted: whether the class it learned from was deleted since.
    """

    class_id: int
    name: str
    is_deleted: bool = False


def origin_of(data: Dataset) -> dict[str, Any]:
    """Return what a head's report keeps of its classes.

    The dataset's time of making tells it from one of another workspace with the same number.
    """
    ids = {row.name: row.class_id for row in reversed(data.classes(retired=True))}
    return {"dataset_id": data.id, "dataset_made": _made(data.store, data.id), "class_ids": ids}


def meanings(labels: Sequence[str], report: dict[str, Any], data: Dataset) -> list[Meaning]:
    """Return what each output of a head means in a dataset.

    In the dataset that the head learned from classes are told by id, in any other by name and glossary.

    Args:
        labels: names of the outputs.
        report: of the head.
        data: whose classes are meant.
    """
    kept = report.get("origin") or {}
    own = _own(labels, kept, data.store) if kept.get("dataset_id") == data.id else None
    classes = data.classes()
    names = [row.name for row in classes]
    rows = match_names(labels, names, aliases(glossary_of(data)["entries"], names))
    named = [Meaning(classes[at].class_id, classes[at].name) if at >= 0 else None for at in rows]
    return [
        (own or {}).get(label) or by_name or Meaning(GONE, label) for label, by_name in zip(labels, named, strict=True)
    ]


def check_known(name: str, meant: Sequence[Meaning], data: Dataset) -> None:
    """Refuse a head that knows no class of a dataset: it could only be wrong.

    Args:
        name: of the head.
        meant: its outputs, as `meanings` returns them.
        data: the dataset that it is to be used on.

    Raises:
        Unavailable: it knows none.
    """
    if any(each.class_id != GONE for each in meant):
        return
    known = ", ".join(each.name for each in meant[:SHOWN]) + (", ..." if len(meant) > SHOWN else "")
    told = f"head {name!r} knows no class of {data.name!r}; its own are {known}"
    raise Unavailable(f"{told}. Train a head on this dataset in the Train CLIP tab, or activate another one")


def changes(labels: Sequence[str], report: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return {"renamed": {was: is}, "deleted_classes": names} of a head.

    A key that would say nothing is left out.

    Args:
        labels: names of the outputs.
        report: of the head.
        store: of the dataset it learned from.
    """
    own = _own(labels, report.get("origin") or {}, store) or {}
    renamed = {label: each.name for label, each in own.items() if each.name != label}
    deleted = [label for label, each in own.items() if each.is_deleted]
    return {name: value for name, value in (("renamed", renamed), ("deleted_classes", deleted)) if value}


def _own(labels: Sequence[str], kept: dict[str, Any], store: Store) -> dict[str, Meaning] | None:
    """Return {label: meaning} by class ids.

    None where the head's dataset is not of this workspace.
    """
    ids, number = kept.get("class_ids"), kept.get("dataset_id")
    if not isinstance(ids, dict) or not isinstance(number, int) or _made(store, number) != kept.get("dataset_made"):
        return None
    with store.read() as conn:
        now = {row.class_id: row for row in read_classes(conn, number, retired=True)}
    found = {}
    for label in labels:
        if (row := now.get(ids.get(label, GONE))) is not None:
            found[label] = Meaning(GONE, label, True) if row.retired else Meaning(row.class_id, row.name)
    return found


def _made(store: Store, dataset_id: int) -> float | None:
    with store.read() as conn:
        return conn.execute(select(dataset_table.c.created_at).where(dataset_table.c.id == dataset_id)).scalar()
