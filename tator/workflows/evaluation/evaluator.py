"""Evaluate records.

Everything that is told of them, and what the report and the charts are made from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation import metrics
from tator.workflows.evaluation.accuracy import MAX_DETS, Accuracy, average_precision
from tator.workflows.evaluation.collecting import Collecting
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.matches import Matched, match_by_score
from tator.workflows.evaluation.metrics import Least
from tator.workflows.evaluation.open_metrics import SCOPES, Meanings, OpenMatched, open_family, open_match
from tator.workflows.evaluation.operating_point import best_f1, best_per_class
from tator.workflows.evaluation.overlaps import Pairs, overlapping
from tator.workflows.evaluation.rates import level
from tator.workflows.evaluation.records import Record
from tator.workflows.evaluation.tables import Evaluated, only

RANKLESS = "constant"


@dataclass(frozen=True)
class Settings:
    """How predictions are judged.

    Attributes:
        policy: which class a description means.
        metrics: coco, f1ish or both.
        iou_thrs: overlaps of AP; none takes 0.50 to 0.95.
        f1_iou_thrs: overlaps of the f1@ keys; the first one of 0.50, or the largest, is the primary one.
        f1ish_iou_thrs: overlaps of the f1ish@ keys.
        scope: annotated or all: which predictions the f1ish@ keys count.
        score_thr: least score of a prediction that counts.
        class_score_thrs: those of classes that have their own.
        with_masks: outlines count where there are any.
        max_dets: most predictions of an image and class in AP and AR.
        seed: of the resampling.
    """

    policy: LabelPolicy = field(default_factory=LabelPolicy)
    metrics: str = "both"
    iou_thrs: Sequence[float] = ()
    f1_iou_thrs: Sequence[float] = (0.5,)
    f1ish_iou_thrs: Sequence[float] = (0.3, 0.5)
    scope: str = "annotated"
    score_thr: float = 0.25
    class_score_thrs: Mapping[str, float] = field(default_factory=dict)
    with_masks: bool = True
    max_dets: Sequence[int] = MAX_DETS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.metrics not in ("coco", "f1ish", "both"):
            raise BadInput(f"metrics must be coco, f1ish or both, is {self.metrics!r}")
        if self.scope not in SCOPES:
            raise BadInput(f"f1ish_pred_scope must be one of {', '.join(SCOPES)}, is {self.scope!r}")
        for name in ("iou_thrs", "f1_iou_thrs", "f1ish_iou_thrs"):
            values = [*getattr(self, name)]
            if any(not 0 < value <= 1 for value in values):
                raise BadInput(f"{name} must be in (0, 1], are {values}")
            if len({level(value) for value in values}) != len(set(values)) and name != "iou_thrs":
                raise BadInput(f"{name} are told with two decimals, which {values} have in common; leave one out")
        for value in (self.score_thr, *self.class_score_thrs.values()):
            if not 0 <= value <= 1:
                raise BadInput(f"score_thr must be in [0, 1], is {value}")
        most = [*self.max_dets]
        if not most or most != sorted(set(most)) or most[0] < 1:
            raise BadInput(f"max_dets must rise from 1, are {most}")

    def least(self, names: Sequence[str]) -> Least:
        """Return the score from which predictions count: one, or one a class."""
        if not self.class_score_thrs:
            return self.score_thr
        return np.array([self.class_score_thrs.get(name, self.score_thr) for name in names], np.float64)


def primary(thresholds: Sequence[float]) -> float:
    """Return 0.5 where it is among them, else the largest."""
    return 0.5 if 0.5 in thresholds else max(thresholds)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that is known of the predictions of some images.

    Attributes:
        data: both sides.
        settings: how they were judged.
        pairs: of boxes that overlap.
        matched: within classes, at the primary overlap.
        open_matched: whatever the class, by overlap.
        accuracy: {kind: AP}.
        metrics: {key: number or None}.
        per_class: a row a class.
        confusion: counts, background last.
    """

    data: Evaluated
    settings: Settings
    pairs: Pairs
    matched: Matched
    open_matched: dict[str, OpenMatched]
    accuracy: dict[str, Accuracy]
    metrics: dict[str, Any]
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]

    @property
    def least(self) -> Least:
        """Return the score from which predictions count: one, or one a class."""
        return self.settings.least(self.data.names)

    @property
    def facts(self) -> dict[str, Any]:
        """Return what metrics.json holds."""
        settings = self.settings
        return {
            "metrics": self.metrics,
            "counters": {key: int(n) for key, n in sorted(self.data.counts.items()) if n},
            "per_class": self.per_class,
            "by_size": metrics.by_size(self.data, self.matched, self.least),
            "confusion": {"classes": [*self.data.names, "background"], "rows": self.confusion},
            "images": len(self.data.images),
            "gt": int((~self.data.gt.ignored).sum()),
            "gt_ignored": int(self.data.gt.ignored.sum()),
            "pred": len(self.data.pred),
            "label_policy": settings.policy.policy,
            "label_miss": settings.policy.miss,
            "score_source": self.data.score_source,
            "ap_is_rankless": is_rankless(self.data),
            "score_thr": settings.score_thr,
            "class_score_thrs": dict(settings.class_score_thrs),
            "iou_thr": self.matched.iou_thr,
            "max_dets": list(settings.max_dets),
        }


def evaluate_records(records: Iterable[Record], settings: Settings, classes: Sequence[str] = ()) -> Evaluation:
    """Read records and judge them; see evaluate."""
    return evaluate(Collecting(settings.policy).collect(records, classes), settings)


def evaluate(data: Evaluated, settings: Settings, ap: Callable = average_precision) -> Evaluation:
    """Judge predictions.

    Args:
        data: both sides.
        settings: how.
        ap: computes the average precision.
    """
    accuracy = _accuracy(data, settings, ap) if settings.metrics != "f1ish" else {}  # first: it holds most for a while
    pairs, at = overlapping(data), primary(settings.f1_iou_thrs)
    matched = {thr: match_by_score(data, pairs, thr) for thr in sorted({at, *settings.f1_iou_thrs})}
    found: dict[str, Any] = {}
    least = settings.least(data.names)
    for one in matched.values():
        found |= metrics.closed_family(data, one, least)
    found |= metrics.rest(data, pairs, matched[at], least)
    found |= best_f1(data, matched[at], settings.seed)
    for kind, each in accuracy.items():
        found |= {f"{kind}_{key}": value for key, value in each.summary.items()}
    open_matched: dict[str, OpenMatched] = {}
    if settings.metrics != "coco":
        open_matched, more = _open(data, settings, pairs)
        found |= more
    rows = _class_rows(data, matched[at], settings, accuracy)
    table = metrics.confusion(data, pairs, matched[at], least)
    return Evaluation(data, settings, pairs, matched[at], open_matched, accuracy, _plain(found), rows, table)


def is_rankless(data: Evaluated) -> bool:
    """Return whether the scores rank nothing.

    They are constant, so AP depends on the order of the boxes.
    """
    constant = len(data.pred) > 1 and bool((data.pred.score == data.pred.score[0]).all())
    return constant or data.score_source == RANKLESS


def _accuracy(data: Evaluated, settings: Settings, ap: Callable) -> dict[str, Accuracy]:
    kinds = ["bbox"]
    has_size = bool(((data.images.width > 0) & (data.images.height > 0)).all())
    if settings.with_masks and has_size and data.pred.outlines:
        kinds.append("segm")
    return {kind: ap(data, kind, settings.iou_thrs, settings.max_dets) for kind in kinds}


def _open(data: Evaluated, settings: Settings, pairs: Pairs) -> tuple[dict[str, OpenMatched], dict[str, Any]]:
    """Return the matches in the chosen scope by overlap, and the keys of both scopes."""
    if settings.with_masks and (data.pred.outlines or data.gt.outlines):
        pairs = overlapping(data, with_masks=True)
    embed = settings.policy.embed if data.label_report["unique_unknown_desc"] else None  # names of classes need none
    meanings = Meanings.of(data.labels, embed, settings.policy.threshold)
    matched: dict[str, OpenMatched] = {}
    found: dict[str, Any] = {}
    for thr in sorted(set(settings.f1ish_iou_thrs)):
        for scope in SCOPES:
            each = open_match(data, pairs, thr, meanings, scope, settings.least(data.names))
            is_chosen = scope == settings.scope
            found |= open_family(data, each, "f1ish" if is_chosen else f"f1ish_{scope}")
            if is_chosen:
                matched[level(thr)] = each
    return matched, found


def _class_rows(
    data: Evaluated, matched: Matched, settings: Settings, accuracy: dict[str, Accuracy]
) -> list[dict[str, Any]]:
    best = best_per_class(data, matched)
    rows = metrics.per_class(data, matched, settings.least(data.names))
    nothing = {"AP": None, "AP50": None, "AP75": None}
    for row in rows:
        row |= accuracy["bbox"].per_class[row["class"]] if "bbox" in accuracy else nothing
        if "segm" in accuracy:
            row |= {f"segm_{key}": value for key, value in accuracy["segm"].per_class[row["class"]].items()}
        row |= {"best_f1": best[row["class"]]["f1"], "best_f1_score_thr": best[row["class"]]["score_thr"]}
    return rows


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return numbers as JSON has them."""
    return {key: _number(value) for key, value in found.items()}


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def subset(data: Evaluated, keep: NDArray[np.bool_]) -> Evaluated:
    """Return the same for some images only.

    Args:
        data: both sides.
        keep: (images,) which images stay.
    """
    place = np.cumsum(keep) - 1
    images = data.images.taken(np.flatnonzero(keep))
    gt, pred = (only(table, keep, place) for table in (data.gt, data.pred))
    invalid = {int(place[row]): lists for row, lists in data.invalid.items() if keep[row]}
    return replace(data, images=images, invalid=invalid, gt=gt, pred=pred)
