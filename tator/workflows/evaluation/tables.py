"""All boxes of an evaluation as columns, which are small and quick.

A box takes 35 bytes, and 16 more where its corners have more digits than float32 holds; an image takes 30 and its name.
"""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.columns import Texts, Whole, whole_numbers

RANKED = 100_000  # boxes that are ordered at once


@dataclass(frozen=True, eq=False)
class Table:
    """N boxes of all images, image after image.

    Attributes:
        image: (N,) row of the image.
        xyxy: (N, 4) pixels, float32 where that is exact; `boxes` gives what to compute with.
        class_id: (N,) row of the classes; one past the last is unknown, -1 dropped.
        label: (N,) row of the labels as they were written.
        score: (N,) in [0, 1].
        ignored: (N,) regions that are no object.
        outlines: {row: ring or run lengths} of those that have one.
        ids: ids of the annotations, "" for none; None where no box has one.
        starts: (images + 1,) first row of each image.
    """

    image: Whole
    xyxy: NDArray[np.float32] | NDArray[np.float64]
    class_id: Whole
    label: Whole
    score: NDArray[np.float64]
    ignored: NDArray[np.bool_]
    outlines: dict[int, Any]
    ids: Texts | None
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image)

    def boxes(self, rows: Any) -> NDArray[np.float64]:
        """Return (n, 4) corners of some boxes, to compute with."""
        return self.xyxy[rows].astype(np.float64)

    def areas(self) -> NDArray[np.float64]:
        """Return (N,) areas in square pixels."""
        sides = (self.xyxy[:, at + 2].astype(np.float64) - self.xyxy[:, at] for at in (0, 1))
        return np.multiply(*sides)

    @cached_property
    def rank(self) -> NDArray[np.int32]:
        """Return the places of an image's boxes in an order that is not that of lines."""
        rank = np.empty(len(self), np.int32)
        cuts = np.searchsorted(self.starts, np.arange(0, len(self) + RANKED, RANKED)).clip(max=len(self.starts) - 1)
        ends = np.unique(self.starts[cuts]).tolist()
        for rows in (slice(*pair) for pair in itertools.pairwise(ends)):
            order = np.lexsort([*self.xyxy[rows].T[::-1], self.label[rows], self.class_id[rows]])
            rank[rows.start + order] = np.arange(rows.start, rows.stop)
        return rank

    def rows_of(self, image: int) -> slice:
        """Return the rows of an image."""
        return slice(int(self.starts[image]), int(self.starts[image + 1]))

    def id_of(self, row: int) -> str:
        """Return the id of a box's annotation, "" for none."""
        return self.ids[row] if self.ids is not None else ""


@dataclass(frozen=True, slots=True)
class EvaluatedImage:
    """An image: its id in the evaluation and where it came from."""

    record_index: int
    file_name: str
    width: int
    height: int
    image_id: int = 0


class Images(Sequence[EvaluatedImage]):
    """The images of an evaluation, by record_index.

    Attributes:
        record_index: (N,) id in the evaluation.
        width: (N,) pixels, 0 where unknown.
        height: (N,) pixels, 0 where unknown.
        image_id: (N,) id in the database, 0 for none.
        names: N file names.
    """

    def __init__(self, record_index: Whole, width: Whole, height: Whole, image_id: Whole, names: Texts) -> None:
        """Keep the columns."""
        self.record_index, self.width, self.height = record_index, width, height
        self.image_id, self.names = image_id, names

    @classmethod
    def of(cls, images: Iterable[EvaluatedImage]) -> Images:
        """Return images as columns, in their order."""
        columns, names = [array("q") for _ in range(4)], Texts()
        for each in images:
            facts = (each.record_index, each.width, each.height, each.image_id)
            for column, value in zip(columns, facts, strict=True):
                column.append(value)
            names.append(each.file_name)
        index, width, height, image_id = (whole_numbers(np.asarray(column)) for column in columns)
        return cls(index, width, height, image_id, names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[at] for at in range(*row.indices(len(self)))]
        at = range(len(self))[row]
        facts = (int(column[at]) for column in (self.width, self.height, self.image_id))
        return EvaluatedImage(int(self.record_index[at]), self.names[at], *facts)

    def __iter__(self) -> Iterator[EvaluatedImage]:
        return (self[at] for at in range(len(self)))

    def taken(self, rows: NDArray[np.int64]) -> Images:
        """Return some images, in that order."""
        columns = (self.record_index[rows], self.width[rows], self.height[rows], self.image_id[rows])
        return Images(*columns, self.names.taken(rows))


@dataclass
class Evaluated:
    """What is there and what was predicted, ready to be matched.

    Attributes:
        images: by record_index.
        gt: ground truth.
        pred: predictions that mean a class, or the bucket.
        names: classes; "unknown" is the last where there is a bucket.
        labels: descriptions as they were written.
        counts: of what was invalid, swapped, unknown and dropped.
        invalid: {image row: ([gt], [pred])} of what was refused.
        label_report: how unknown descriptions were read.
        score_source: model, token_logprob or constant.
        has_bucket: the last class is that of unknown descriptions.
    """

    images: Images
    gt: Table
    pred: Table
    names: list[str]
    labels: list[str]
    counts: Counter[str]
    invalid: dict[int, tuple[list, list]]
    label_report: dict[str, Any]
    score_source: str
    has_bucket: bool = False


def only(table: Table, keep: NDArray[np.bool_], place: NDArray[np.int64]) -> Table:
    """Return the boxes of some images.

    Args:
        table: of all images.
        keep: (images,) which stay.
        place: (images,) their new rows.
    """
    rows = np.flatnonzero(keep[table.image])
    image = whole_numbers(place[table.image[rows]])
    columns = {name: getattr(table, name)[rows] for name in ("xyxy", "class_id", "label", "score", "ignored")}
    return Table(
        image, **columns, outlines=outlines_of(table.outlines, rows),
        ids=table.ids.taken(rows) if table.ids is not None else None, starts=starts_of(image, int(keep.sum())),
    )  # fmt: skip


def outlines_of(outlines: dict[int, Any], rows: NDArray[np.int64]) -> dict[int, Any]:
    """Return outlines by the place of their row among some rows."""
    if not outlines:
        return {}
    return {new: outlines[old] for new, old in enumerate(rows.tolist()) if old in outlines}


def starts_of(image: Whole, images: int) -> NDArray[np.int64]:
    """Return (images + 1,) the first row of each image."""
    return np.concatenate([[0], np.cumsum(np.bincount(image, minlength=images))])
