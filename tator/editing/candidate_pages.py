"""Read candidates a page at a time, and count them by source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal_column, select

from tator.datasets.dataset import Dataset
from tator.datasets.selecting import select_annotations
from tator.storage.schema import ANNOTATION_STATUSES, annotation, image, label_class
from tator.types import BadInput, NotFound

MOST = 1000  # candidates a page
HUMAN = "human"  # source of what a person drew
NO_SPLIT = "none"
# As an index of the table has it: another spelling would not find the index.
CONFIDENCE: ColumnElement[float] = literal_column("coalesce(annotation.confidence, -1.0)")
SPLITS = ("train", "val", "test", NO_SPLIT)  # that can be asked for
COLUMNS = tuple(annotation.c[name] for name in "id image_id class_id x1 y1 x2 y2 confidence source status".split())


@dataclass(frozen=True)
class Asked:
    """Which candidates are wanted.

    Attributes:
        status: candidate, accepted or rejected; "" any, of machine boxes.
        source: <backend>@<run>; "" any.
        class_name: "" any.
        conf_min: lowest confidence, in [0, 1].
        conf_max: highest confidence, in [0, 1].
        image_id: only of this image; 0 any.
        split: train, val, test or none (of no split); "" any.
        attribute: a name, or name=value; "" any.
    """

    status: str = "candidate"
    source: str = ""
    class_name: str = ""
    conf_min: float = 0.0
    conf_max: float = 1.0
    image_id: int = 0
    split: str = ""
    attribute: str = ""

    def __post_init__(self) -> None:
        if self.status and self.status not in ANNOTATION_STATUSES:
            raise BadInput(f"status must be empty or one of {', '.join(ANNOTATION_STATUSES)}, is {self.status[:40]!r}")
        if not 0 <= self.conf_min <= self.conf_max <= 1:
            raise BadInput(
                f"conf_min and conf_max must be in [0, 1], conf_min first; they are {self.conf_min:g} and {self.conf_max:g}"
            )
        if self.split not in ("", *SPLITS):
            raise BadInput(f"split must be empty or one of {', '.join(SPLITS)}, is {self.split[:40]!r}")
        if '"' in self.attribute or self.attribute.startswith("="):
            raise BadInput(f"attribute must be a name or name=value, without quotes, is {self.attribute[:80]!r}")


def candidates_page(dataset: Dataset, asked: Asked, offset: int = 0, limit: int = 200) -> dict[str, Any]:
    """Return {"total", "candidates"}: one page, the most confident first.

    Each candidate has "id", "image_id", "image" (its name), "class_id", "class_name", "xyxy", "has_outline",
    "confidence", "source" and "status".

    Raises:
        BadInput: offset below 0, or limit outside 1..MOST.
        NotFound: the dataset has no such class.
    """
    if offset < 0 or not 1 <= limit <= MOST:
        raise BadInput(f"offset must be 0 or more and limit 1 to {MOST}; they are {offset} and {limit}")
    names = dataset.class_names(retired=True)
    has_outline = annotation.c.polygons.is_not(None) | annotation.c.rle.is_not(None)
    query = select_annotations(dataset.id, *COLUMNS, image.c.path, has_outline.label("has_outline"))
    query = query.where(of_status(asked.status), *of_annotation(dataset, asked), *of_image(asked))
    order = (annotation.c.confidence.desc(), annotation.c.id)
    with dataset.store.read() as conn:
        total = conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        rows = conn.execute(query.order_by(*order).offset(offset).limit(limit)).mappings().all()
    return {"total": total, "candidates": [_as_json(row, names) for row in rows]}


def count_by_source(dataset: Dataset) -> list[dict[str, Any]]:
    """Return counts of each source of machine boxes, by name.

    Keys: source, candidate, accepted, rejected.
    """
    query = select_annotations(dataset.id, annotation.c.source, annotation.c.status, func.count().label("n"))
    query = query.where(annotation.c.source != HUMAN).group_by(annotation.c.source, annotation.c.status)
    found: dict[str, dict[str, int]] = {}
    with dataset.store.read() as conn:
        for source, status, n in conn.execute(query):
            found.setdefault(source, dict.fromkeys(ANNOTATION_STATUSES, 0))[status] = n
    return [{"source": source, **found[source]} for source in sorted(found)]


def of_status(status: str) -> ColumnElement[bool]:
    """Return the condition on the status; "" is any, of machine boxes."""
    return annotation.c.status == status if status else annotation.c.source != HUMAN


def of_annotation(dataset: Dataset, asked: Asked) -> list[ColumnElement[bool]]:
    """Return the conditions on an annotation besides its status.

    Raises:
        NotFound: the dataset has no such class.
    """
    a = annotation.c
    where: list[ColumnElement[bool]] = []
    if asked.source:
        where.append(a.source == asked.source)
    if asked.class_name:
        where.append(a.class_id == _class_id(dataset, asked.class_name))
    if asked.image_id:
        where.append(a.image_id == asked.image_id)
    if (asked.conf_min, asked.conf_max) != (0, 1):  # a candidate without a confidence is listed in the full range only
        where.append(CONFIDENCE.between(asked.conf_min, asked.conf_max))
    if asked.attribute:
        where.append(_has_attribute(asked.attribute))
    return where


def of_image(asked: Asked) -> list[ColumnElement[bool]]:
    """Return the conditions on the image of an annotation."""
    if not asked.split:
        return []
    return [image.c.split.is_(None) if asked.split == NO_SPLIT else image.c.split == asked.split]


def _has_attribute(asked: str) -> ColumnElement[bool]:
    name, is_valued, value = asked.partition("=")
    held = cast(annotation.c.attributes[name].as_string(), Text)
    if not is_valued:
        return held.is_not(None)
    flags = {"true": ("true", "1"), "false": ("false", "0")}  # SQLite answers flags as numbers
    return held.in_(flags.get(value, (value,)))


def _class_id(dataset: Dataset, name: str) -> int:
    query = select(label_class.c.class_id).where(
        label_class.c.dataset_id == dataset.id, label_class.c.name == name, ~label_class.c.retired
    )
    with dataset.store.read() as conn:
        found = conn.execute(query).scalar()
    if found is None:
        raise NotFound(f"dataset {dataset.name!r} has no class {name[:100]!r}")
    return found


def _as_json(row: Any, names: dict[int, str]) -> dict[str, Any]:
    keys = ("id", "image_id", "class_id", "confidence", "source", "status")
    return {
        **{key: row[key] for key in keys},
        "image": row["path"],
        "class_name": names[row["class_id"]],
        "xyxy": [row["x1"], row["y1"], row["x2"], row["y2"]],
        "has_outline": bool(row["has_outline"]),
    }
