"""All boxes of an evaluation as columns, which are small and quick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation.label_policy import UNKNOWN, LabelPolicy
from tator.workflows.evaluation.objects import Checked, Objects, check_objects
from tator.workflows.evaluation.records import Record


@dataclass(frozen=True, eq=False)
class Table:
    """N boxes of all images, image after image.

    Attributes:
        image: (N,) row of the image.
        xyxy: (N, 4) float64 pixels.
        class_id: (N,) row of the classes; one past the last is unknown, -1 dropped.
        label: (N,) row of the labels as they were written.
        score: (N,) in [0, 1].
        ignored: (N,) regions that are no object.
        outlines: {row: ring or run lengths} of those that have one.
        ids: {row: id of the annotation} of those that have one.
        starts: (images + 1,) first row of each image.
    """

    image: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    class_id: NDArray[np.int64]
    label: NDArray[np.int64]
    score: NDArray[np.float64]
    ignored: NDArray[np.bool_]
    outlines: dict[int, Any]
    ids: dict[int, str]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image)

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Return the place of each box in an order that is not that of the lines."""
        order = np.lexsort([*self.xyxy.T[::-1], self.label, self.class_id])
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(self))
        return rank

    def rows_of(self, image: int) -> slice:
        """Return the rows of an image."""
        return slice(int(self.starts[image]), int(self.starts[image + 1]))


@dataclass(frozen=True, slots=True)
class EvaluatedImage:
    """An image: its id in the evaluation and where it came from."""

    record_index: int
    file_name: str
    width: int
    height: int
    image_id: int = 0


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

    images: list[EvaluatedImage]
    gt: Table
    pred: Table
    names: list[str]
    labels: list[str]
    counts: Counter[str]
    invalid: dict[int, tuple[list, list]]
    label_report: dict[str, Any]
    score_source: str
    has_bucket: bool = False


TOGETHER = 1000  # images whose arrays are joined into one: many small arrays take five times the memory
_NAMES = ("image", "xyxy", "label", "score", "ignored")


class _Column:
    """Boxes of one side while they are read."""

    def __init__(self) -> None:
        nothing = (np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))
        self.parts: list[list[NDArray]] = [[part] for part in nothing]
        self.outlines: dict[int, Any] = {}
        self.ids: dict[int, str] = {}
        self.count = 0

    def add(self, row: int, objects: Objects, known: dict[str, int]) -> None:
        labels = np.array([known.setdefault(text, len(known)) for text in objects.labels], np.int64)
        image = np.full(len(objects), row, np.int64)
        arrays = (image, objects.xyxy, labels, objects.scores, objects.ignored)
        for parts, array in zip(self.parts, arrays, strict=True):
            parts.append(array)
            if len(parts) > TOGETHER:
                parts[:] = _doubling(parts)
        self.outlines.update((self.count + k, each) for k, each in enumerate(objects.outlines) if each)
        self.ids.update((self.count + k, each) for k, each in enumerate(objects.ids) if each)
        self.count += len(objects)

    def joined(self) -> dict[str, NDArray]:
        """Return the columns by name."""
        return {name: np.concatenate(parts) for name, parts in zip(_NAMES, self.parts, strict=True)}


def _doubling(parts: list[NDArray]) -> list[NDArray]:
    """Return the parts with the small ones joined.

    Large ones stay, or each joining would copy all.
    """
    large = [part for part in parts if len(part) > TOGETHER]
    return [*large, np.concatenate([part for part in parts if len(part) <= TOGETHER])]


@dataclass
class Collecting:
    """Reads records into columns."""

    policy: LabelPolicy = field(default_factory=LabelPolicy)
    coord_mode: str = "pixel"
    counts: Counter[str] = field(default_factory=Counter)

    def collect(self, records: Iterable[Record], classes: Sequence[str] = ()) -> Evaluated:
        """Return the columns of records.

        Args:
            records: in any order; each record_index once.
            classes: the classes to evaluate, in their order; none takes those of the ground truth as they come.

        Raises:
            BadInput: there is no record, or a prediction of no class where that is an error.
        """
        gt, pred = _Column(), _Column()
        images: list[EvaluatedImage] = []
        labels: dict[str, int] = {}
        invalid: dict[int, tuple[list, list]] = {}
        sources: Counter[str] = Counter()
        for record in records:
            row = len(images)
            images.append(_image_of(record))
            there, found = self._checked(record)
            if there.invalid or found.invalid:
                invalid[row] = (there.invalid, found.invalid)
            gt.add(row, there.objects, labels)
            pred.add(row, found.objects, labels)
            sources[record.score_source] += len(found.objects)
        if not images:
            raise BadInput("there is no image to evaluate: the file or the chosen split is empty")
        order = np.argsort([each.record_index for each in images], kind="stable")
        return self._joined([images[at] for at in order], order, (gt, pred), labels, classes, invalid, sources)

    def _checked(self, record: Record) -> tuple[Checked, Checked]:
        """Return both sides of a record, in pixels, checked."""
        width, height = record.width or 0, record.height or 0
        if not width or not height:
            self.counts["missing_size"] += 1
        mode = record.coord_mode or self.coord_mode
        there = check_objects(record.gt, width, height, mode)
        found = check_objects(record.pred, width, height, mode)
        self.counts.update({f"gt_{key}": n for key, n in there.counts.items() if n and key != "score_missing"})
        self.counts.update({key: n for key, n in found.counts.items() if n})
        self.counts["empty_pred"] += not len(found.objects)
        return there, found

    def _joined(
        self,
        images: list[EvaluatedImage],
        order: NDArray[np.int64],
        sides: tuple[_Column, _Column],
        labels: dict[str, int],
        classes: Sequence[str],
        invalid: dict[int, tuple[list, list]],
        sources: Counter[str],
    ) -> Evaluated:
        place = np.argsort(order)
        texts = list(labels)
        gt, pred = (side.joined() for side in sides)
        gt_labels, pred_labels = gt["label"], pred["label"]
        seen = [texts[at] for at in dict.fromkeys(gt_labels.tolist())]
        names, where = self.policy.categories([*classes, *seen])
        used = Counter(pred_labels.tolist())
        assigned = self.policy.assign({texts[at]: n for at, n in sorted(used.items())}, names)
        self.counts.update(assigned.counts)
        gt_rows = np.array([where.get(text, -1) for text in texts], np.int64)
        pred_rows = np.array([assigned.rows.get(text, -1) for text in texts], np.int64)
        has_bucket = len(names) in assigned.rows.values()
        return Evaluated(
            images,
            _table(gt, sides[0], place, gt_rows, len(images)),
            _table(pred, sides[1], place, pred_rows, len(images), leave_out=-1),
            [*names, UNKNOWN] if has_bucket else names,
            texts,
            self.counts,
            {int(place[row]): lists for row, lists in invalid.items()},
            assigned.report,
            _source_of(sources),
            has_bucket,
        )


def _source_of(sources: Counter[str]) -> str:
    """Return where scores come from; the weakest source names them all."""
    found = {name for name, n in sources.items() if n}
    return next((name for name in ("constant", "token_logprob") if name in found), "model")


def _image_of(record: Record) -> EvaluatedImage:
    name = record.image or f"record {record.record_index}"
    return EvaluatedImage(record.record_index, name, record.width or 0, record.height or 0, record.image_id)


def _table(
    columns: dict[str, NDArray],
    side: _Column,
    place: NDArray[np.int64],
    class_of: NDArray[np.int64],
    images: int,
    leave_out: int | None = None,
) -> Table:
    """Return one side's columns, image after image in the order of their ids."""
    image, label = place[columns["image"]], columns["label"]
    order = np.argsort(image, kind="stable")
    class_id = class_of[label] if len(label) else label
    if leave_out is not None:
        order = order[class_id[order] != leave_out]
    to = {int(old): new for new, old in enumerate(order)} if side.outlines or side.ids else {}
    outlines = {to[old]: each for old, each in side.outlines.items() if old in to}
    ids = {to[old]: each for old, each in side.ids.items() if old in to}
    starts = np.concatenate([[0], np.cumsum(np.bincount(image[order], minlength=images))])
    xyxy, score, ignored = (columns[name][order] for name in ("xyxy", "score", "ignored"))
    return Table(image[order], xyxy, class_id[order], label[order], score, ignored, outlines, ids, starts)


def only(table: Table, keep: NDArray[np.bool_], place: NDArray[np.int64]) -> Table:
    """Return the boxes of some images.

    Args:
        table: of all images.
        keep: (images,) which stay.
        place: (images,) their new rows.
    """
    rows = np.flatnonzero(keep[table.image])
    to = {int(old): new for new, old in enumerate(rows)} if table.outlines or table.ids else {}
    outlines, ids = ({to[at]: each for at, each in part.items() if at in to} for part in (table.outlines, table.ids))
    image = place[table.image[rows]]
    starts = np.concatenate([[0], np.cumsum(np.bincount(image, minlength=int(keep.sum())))])
    return Table(
        image,
        table.xyxy[rows],
        table.class_id[rows],
        table.label[rows],
        table.score[rows],
        table.ignored[rows],
        outlines,
        ids,
        starts,
    )
