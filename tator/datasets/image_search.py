"""Find images by state, split, class, size and place of boxes, and captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, exists, func, select

from tator.datasets.dataset import Dataset, select_images
from tator.datasets.search_words import searched
from tator.storage.schema import annotation, image
from tator.types import BadInput

MOST = 200  # images a page
CAPTIONS = ("any", "with", "without")


@dataclass(frozen=True)
class Wanted:
    """What images must have; an empty list asks for nothing.

    Attributes:
        states: of the image.
        splits: "" being none.
        class_ids: one of these classes.
        sides: [least, below] square root of a box's area in pixels; one number has no upper end.
        aspects: [least, below] width by height of a box; one number has no upper end.
        area: [x1, y1, x2, y2] that holds a box's centre, as shares of the image.
        boxes: [least, below] accepted annotations of the image.
        size: [width, height] of the image.
        captions: any, with or without.
        only_problems: only images that cannot be read.
        search: see search_words.HELP.
    """

    states: Sequence[str] = ()
    splits: Sequence[str] = ()
    class_ids: Sequence[int] = ()
    sides: Sequence[float] = ()
    aspects: Sequence[float] = ()
    area: Sequence[float] = ()
    boxes: Sequence[int] = ()
    size: Sequence[int] = ()
    captions: str = "any"
    only_problems: bool = False
    search: str = ""

    def __post_init__(self) -> None:
        lengths = {"sides": (0, 1, 2), "aspects": (0, 1, 2), "area": (0, 4), "boxes": (0, 1, 2), "size": (0, 2)}
        for field in fields(self):
            if field.name in lengths and len(getattr(self, field.name)) not in lengths[field.name]:
                raise BadInput(
                    f"{field.name} must have {' or '.join(map(str, lengths[field.name]))} numbers, is {getattr(self, field.name)}"
                )
        if self.captions not in CAPTIONS:
            raise BadInput(f"captions must be one of {', '.join(CAPTIONS)}, is {self.captions[:40]!r}")


def find_images(dataset: Dataset, wanted: Wanted, offset: int, limit: int) -> dict:
    """Return a page of the images that have what is wanted, in path order.

    Returns:
        {"total", "images": [{"id", "name", "width", "height", "split", "state", "annotation_count", "problem", "caption"}]}.

    Raises:
        BadInput: offset below 0, limit outside 1..MOST, or a state is unknown.
    """
    if offset < 0 or not 1 <= limit <= MOST:
        raise BadInput(f"offset must be 0 or more and limit 1 to {MOST}; they are {offset} and {limit}")
    query = select_images(dataset.id, wanted.states, wanted.splits).where(*_of_image(wanted))
    if of_box := _of_box(wanted):
        query = query.where(
            exists().where(annotation.c.image_id == image.c.id, annotation.c.status == "accepted", *of_box)
        )
    with dataset.store.read() as conn:
        total = conn.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
        rows = conn.execute(query.add_columns(image.c.caption).offset(offset).limit(limit)).mappings().all()
    keys = ("id", "width", "height", "split", "state", "annotation_count", "problem")
    return {
        "total": total,
        "images": [
            {**{key: row[key] for key in keys}, "name": row["path"], "caption": row["caption"] or ""} for row in rows
        ],
    }


def _of_image(wanted: Wanted) -> list[ColumnElement]:
    where = _between(image.c.annotation_count, wanted.boxes)
    if wanted.size:
        where += [image.c.width == wanted.size[0], image.c.height == wanted.size[1]]
    if wanted.captions != "any":
        said = func.coalesce(image.c.caption, "")
        where.append(said != "" if wanted.captions == "with" else said == "")
    if wanted.only_problems:
        where.append(image.c.problem.is_not(None))
    if wanted.search:
        where += searched(wanted.search)
    return where


def _of_box(wanted: Wanted) -> list[ColumnElement]:
    a = annotation.c
    across, down = a.x2 - a.x1, a.y2 - a.y1
    where = _between(across * down, [side * side for side in wanted.sides])
    where += _between(across, wanted.aspects, down)
    if wanted.class_ids:
        where.append(a.class_id.in_(wanted.class_ids))
    if wanted.area:
        x1, y1, x2, y2 = (
            end if end < 1 else math.inf for end in wanted.area
        )  # an area that reaches the border includes what lies beyond it
        where += _between((a.x1 + a.x2) / 2, [x1, x2], image.c.width)
        where += _between((a.y1 + a.y2) / 2, [y1, y2], image.c.height)
    return where


def _between(value: ColumnElement, ends: Sequence[float], unit: ColumnElement | float = 1.0) -> list[ColumnElement]:
    """Return the condition that a value, in units, lies in a half-open range.

    The first end belongs to the range, the second does not.
    """
    where = [value >= ends[0] * unit] if ends else []
    return [*where, value < ends[1] * unit] if len(ends) == 2 and math.isfinite(ends[1]) else where
