"""The numbers of a model that answers in free words.

Places matched whatever their class, then meanings compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation.columns import Whole
from tator.workflows.evaluation.label_policy import Embed, normalise
from tator.workflows.evaluation.matches import Matched, match_by_overlap
from tator.workflows.evaluation.metrics import Least, counts_of, in_score
from tator.workflows.evaluation.overlaps import Pairs
from tator.workflows.evaluation.rates import family, level, share
from tator.workflows.evaluation.tables import Evaluated

SCOPES = ("annotated", "all")
TOGETHER = 10_000  # images whose meanings are compared at once


@dataclass(frozen=True, eq=False)
class Meanings:
    """Which descriptions mean the same.

    Attributes:
        word: (labels,) the normalised form of each label, as a number.
        cosine: (labels, labels) of their vectors, None without an encoder.
        threshold: least cosine of one meaning.
    """

    word: NDArray[np.int64]
    cosine: NDArray[np.float32] | None
    threshold: float

    @classmethod
    def of(cls, labels: list[str], embed: Embed | None, threshold: float) -> Meanings:
        """Return the meanings of labels."""
        words: dict[str, int] = {}
        numbers = [words.setdefault(normalise(label), len(words)) for label in labels]
        vectors = embed([normalise(label) for label in labels]) if embed and labels else None
        return cls(np.array(numbers, np.int64), None if vectors is None else vectors @ vectors.T, threshold)

    def same(self, one: Whole, other: Whole) -> NDArray[np.bool_]:
        """Return (K,) whether two labels mean the same."""
        equal = self.word[one] == self.word[other]
        return equal if self.cosine is None else equal | (self.cosine[one, other] >= self.threshold)

    def similarities(self, rows: Whole, one: Whole, other: Whole) -> dict[int, float]:
        """Return {row: cosine} of labels that are not written alike.

        Empty without an encoder.
        """
        if self.cosine is None:
            return {}
        different = self.word[one] != self.word[other]
        values = self.cosine[one, other][different].tolist()
        return dict(zip(rows[different].tolist(), values, strict=True))


@dataclass(frozen=True, eq=False)
class OpenMatched:
    """Matches at one overlap, whatever the class.

    Attributes:
        matched: the pairs.
        counted: (P,) predictions in scope.
        in_score: (P,) predictions scored high enough, in scope or not.
        is_right: (P,) matched, and the meanings are the same.
        scope: annotated or all.
        sem_sim: {prediction: cosine} of matched descriptions that are written differently, where an encoder was asked.
    """

    matched: Matched
    counted: NDArray[np.bool_]
    in_score: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    scope: str
    sem_sim: dict[int, float] = field(default_factory=dict)


def open_match(
    data: Evaluated, pairs: Pairs, iou_thr: float, meanings: Meanings, scope: str, score_thr: Least
) -> OpenMatched:
    """Match predictions in scope by overlap and compare what they mean.

    Raises:
        BadInput: no such scope.
    """
    if scope not in SCOPES:
        raise BadInput(f"f1ish_pred_scope must be one of {', '.join(SCOPES)}, is {scope!r}")
    high = in_score(data, score_thr)
    wanted = high & in_scope(data, meanings) if scope == "annotated" else high
    matched = match_by_overlap(data, pairs, iou_thr, wanted)
    right = np.zeros(len(data.pred), bool)
    hit = np.flatnonzero(matched.gt_of >= 0)
    there = matched.gt_of[hit]
    same_class = data.pred.class_id[hit] == data.gt.class_id[there]
    right[hit] = same_class | meanings.same(data.pred.label[hit], data.gt.label[there])
    similar = meanings.similarities(hit, data.pred.label[hit], data.gt.label[there])
    return OpenMatched(matched, wanted & ~matched.in_ignored, high, right, scope, similar)


def in_scope(data: Evaluated, meanings: Meanings) -> NDArray[np.bool_]:
    """Return (P,) predictions that mean what some ground truth of their image means."""
    found = np.zeros(len(data.pred), bool)
    for start in range(0, len(data.images), TOGETHER):
        end = min(start + TOGETHER, len(data.images))
        pred, gt = (slice(int(table.starts[start]), int(table.starts[end])) for table in (data.pred, data.gt))
        for size, one, other in (
            (len(data.labels), meanings.word[data.pred.label[pred]], meanings.word[data.gt.label[gt]]),
            (len(data.names), data.pred.class_id[pred], data.gt.class_id[gt]),
        ):
            own, there = (table.image[rows] * np.int64(size) for table, rows in ((data.pred, pred), (data.gt, gt)))
            found[pred] |= np.isin(own + one, there + other)
    return found if meanings.cosine is None else found | _near_in_meaning(data, meanings)


def _near_in_meaning(data: Evaluated, meanings: Meanings) -> NDArray[np.bool_]:
    """Return (P,) predictions near in meaning to a ground truth of their image."""
    found = np.zeros(len(data.pred), bool)
    for image in range(len(data.images)):
        rows, there = data.pred.rows_of(image), data.gt.rows_of(image)
        own, labels = data.pred.label[rows], np.unique(data.gt.label[there])
        if len(own) and len(labels):
            found[rows] = (
                meanings.same(np.repeat(own, len(labels)), np.tile(labels, len(own))).reshape(len(own), -1).any(1)
            )
    return found


def open_family(data: Evaluated, found: OpenMatched, prefix: str = "f1ish") -> dict[str, Any]:
    """Return the f1ish@ keys at one overlap."""
    sums = open_per_image(data, found)
    key = f"{prefix}@{level(found.matched.iou_thr)}"
    pairs, right = sums["tp_loc"], sums["tp_full"]
    totals = {"pred_total": int(found.in_score.sum()), "pred_eval": int(found.counted.sum())}
    totals["pred_ignored"] = totals["pred_total"] - totals["pred_eval"]
    ok, bad = int(right.sum()), int((pairs - right).sum())
    meant = {"matched_sem_ok": ok, "matched_sem_bad": bad, "sem_acc_on_matched": share(ok, ok + bad)}
    loc = family(key, sums["tp_loc"], sums["fp_loc"], sums["fn_loc"], "_loc", totals)
    full = family(key, sums["tp_full"], sums["fp_full"], sums["fn_full"], "_full", meant)
    return loc | full


def open_per_image(data: Evaluated, found: OpenMatched) -> dict[str, NDArray[np.int32]]:
    """Return (images,) counts of each image."""
    n, image = len(data.images), data.pred.image
    tp = counts_of(image[found.matched.gt_of >= 0], n)
    pred = counts_of(image[found.counted], n)
    gt = counts_of(data.gt.image[~data.gt.ignored], n)
    right = counts_of(image[found.is_right], n)
    total = counts_of(image[found.in_score], n)
    return {
        "tp_loc": tp,
        "fp_loc": pred - tp,
        "fn_loc": gt - tp,
        "tp_full": right,
        "fp_full": pred - right,
        "fn_full": gt - right,
        "pred_count_eval": pred,
        "pred_count_ignored": total - pred,
    }
