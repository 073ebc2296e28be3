"""Read records into columns; no object of Python stays for a box or an image."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation.columns import ExactFloats, Texts, whole_numbers
from tator.workflows.evaluation.label_policy import UNKNOWN, LabelPolicy
from tator.workflows.evaluation.objects import Checked, Objects, check_objects
from tator.workflows.evaluation.records import Record
from tator.workflows.evaluation.tables import Evaluated, EvaluatedImage, Images, Table, outlines_of, starts_of


class _Side:
    """Boxes of one side while they are read, in arrays that grow in place."""

    def __init__(self) -> None:
        self.outlines: dict[int, Any] = {}
        self.count = 0
        self._image, self._label, self._score, self._ignored = array("i"), array("i"), array("d"), array("b")
        self._xyxy, self._ids = ExactFloats(), Texts()

    def add(self, row: int, objects: Objects, known: dict[str, int]) -> None:
        """Take the objects of an image; what is new of their labels is numbered."""
        if not len(objects):
            return
        self._image.extend([row] * len(objects))
        self._label.extend([known.setdefault(text, len(known)) for text in objects.labels])
        self._score.frombytes(objects.scores.tobytes())
        self._ignored.frombytes(objects.ignored.tobytes())
        self._xyxy.extend(objects.xyxy)
        self.outlines.update((self.count + k, each) for k, each in enumerate(objects.outlines) if each)
        if any(objects.ids):
            self._ids.extend([""] * (self.count - len(self._ids)))
            self._ids.extend(objects.ids)
        self.count += len(objects)

    def ids(self) -> Texts | None:
        """Return an id a box, "" for none; None where no box has one."""
        if not len(self._ids):
            return None
        self._ids.extend([""] * (self.count - len(self._ids)))
        return self._ids

    def columns(self) -> dict[str, NDArray]:
        """Return the columns by name; none can be added to then."""
        columns = {"image": self._image, "label": self._label, "score": self._score}
        found = {name: np.asarray(column) for name, column in columns.items()}
        return found | {"xyxy": self._xyxy.values().reshape(-1, 4), "ignored": np.asarray(self._ignored).view(bool)}


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
        gt, pred = _Side(), _Side()
        labels: dict[str, int] = {}
        invalid: dict[int, tuple[list, list]] = {}
        sources: Counter[str] = Counter()

        def read() -> Iterable[EvaluatedImage]:
            for row, record in enumerate(records):
                there, found = self._checked(record)
                if there.invalid or found.invalid:
                    invalid[row] = (there.invalid, found.invalid)
                gt.add(row, there.objects, labels)
                pred.add(row, found.objects, labels)
                sources[record.score_source] += len(found.objects)
                yield _image_of(record)

        images = Images.of(read())
        if not len(images):
            raise BadInput("there is no image to evaluate: the file or the chosen split is empty")
        return self._joined(images, (gt, pred), labels, classes, invalid, sources)

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
        images: Images,
        sides: tuple[_Side, _Side],
        labels: dict[str, int],
        classes: Sequence[str],
        invalid: dict[int, tuple[list, list]],
        sources: Counter[str],
    ) -> Evaluated:
        order = np.argsort(images.record_index, kind="stable")
        place = np.argsort(order)
        texts = list(labels)
        gt, pred = (side.columns() for side in sides)
        names, where = self.policy.categories([*classes, *(texts[at] for at in _as_they_come(gt["label"]))])
        used, times = np.unique(pred["label"], return_counts=True)
        assigned = self.policy.assign(
            {texts[at]: n for at, n in zip(used.tolist(), times.tolist(), strict=True)}, names
        )
        self.counts.update(assigned.counts)
        gt_rows = _class_rows([where.get(text, -1) for text in texts])
        pred_rows = _class_rows([assigned.rows.get(text, -1) for text in texts])
        has_bucket = len(names) in assigned.rows.values()
        return Evaluated(
            images.taken(order) if _is_moved(order) else images,
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


def _class_rows(rows: list[int]) -> NDArray[np.int16] | NDArray[np.int32] | NDArray[np.int64]:
    """Return rows of classes, of which there are seldom many."""
    return np.array(rows, np.int16) if max(rows, default=0) < 2**15 - 1 else whole_numbers(rows)


def _as_they_come(labels: NDArray) -> list[int]:
    """Return the distinct values, the first seen first."""
    values, first = np.unique(labels, return_index=True)
    return values[np.argsort(first)].tolist()


def _is_moved(order: NDArray[np.int64]) -> bool:
    return bool((order != np.arange(len(order))).any())


def _source_of(sources: Counter[str]) -> str:
    """Return where scores come from; the weakest source names them all."""
    found = {name for name, n in sources.items() if n}
    return next((name for name in ("constant", "token_logprob") if name in found), "model")


def _image_of(record: Record) -> EvaluatedImage:
    name = record.image or f"record {record.record_index}"
    return EvaluatedImage(record.record_index, name, record.width or 0, record.height or 0, record.image_id)


def _table(
    columns: dict[str, NDArray],
    side: _Side,
    place: NDArray[np.int64],
    class_of: NDArray,
    images: int,
    leave_out: int | None = None,
) -> Table:
    """Return one side's columns, image after image in the order of their ids."""
    outlines, ids = side.outlines, side.ids()
    columns["class_id"] = class_of[columns["label"]] if len(class_of) else columns["label"]
    if _is_moved(place) or (leave_out is not None and (columns["class_id"] == leave_out).any()):
        columns["image"] = whole_numbers(place[columns["image"]])
        order = np.argsort(columns["image"], kind="stable")
        order = order if leave_out is None else order[columns["class_id"][order] != leave_out]
        for name in columns:
            columns[name] = columns[name][order]
        outlines, ids = outlines_of(outlines, order), ids.taken(order) if ids is not None else None
    return Table(**columns, outlines=outlines, ids=ids, starts=starts_of(columns["image"], images))
