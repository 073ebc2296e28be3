"""The numbers of a detector with known classes: matched within classes, by score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.matches import Matched, match_by_overlap
from tator.workflows.evaluation.overlaps import Pairs
from tator.workflows.evaluation.rates import family, level, rates, share
from tator.workflows.evaluation.tables import Evaluated

SIZES = (("small", 0.0, 32.0**2), ("medium", 32.0**2, 96.0**2), ("large", 96.0**2, 1e10))  # COCO's, square pixels


Least = float | NDArray[np.float64]  # score from which predictions count: one, or one a class


def in_score(data: Evaluated, score_thr: Least) -> NDArray[np.bool_]:
    """Return (P,) the predictions that are scored high enough."""
    least = score_thr[data.pred.class_id] if isinstance(score_thr, np.ndarray) else score_thr
    return data.pred.score >= least


def counted(data: Evaluated, matched: Matched, score_thr: Least) -> NDArray[np.bool_]:
    """Return (P,) the predictions that count.

    Scored high enough and not in a region that is no object.
    """
    return in_score(data, score_thr) & ~matched.in_ignored


def per_image(data: Evaluated, matched: Matched, score_thr: Least) -> tuple[NDArray, NDArray, NDArray]:
    """Return (images,) true positives, false positives and misses."""
    counts = counted(data, matched, score_thr)
    hit = counts & (matched.gt_of >= 0)
    n = len(data.images)
    tp = counts_of(data.pred.image[hit], n)
    fp = counts_of(data.pred.image[counts & ~hit], n)
    return tp, fp, counts_of(data.gt.image[~data.gt.ignored], n) - tp


def counts_of(rows: NDArray, n: int) -> NDArray[np.int32]:
    """Return (n,) how often each row occurs."""
    return np.bincount(rows, minlength=n).astype(np.int32)


def closed_family(data: Evaluated, matched: Matched, score_thr: Least, prefix: str = "") -> dict[str, Any]:
    """Return the f1@ keys at one overlap."""
    return family(f"{prefix}f1@{level(matched.iou_thr)}", *per_image(data, matched, score_thr))


def per_class(data: Evaluated, matched: Matched, score_thr: Least) -> list[dict[str, Any]]:
    """Return a row a class: gt, pred, tp, fp, fn, precision, recall and f1."""
    counts = counted(data, matched, score_thr)
    hit, n = counts & (matched.gt_of >= 0), len(data.names)
    tp = np.bincount(data.pred.class_id[hit], minlength=n)
    pred = np.bincount(data.pred.class_id[counts], minlength=n)
    gt = np.bincount(data.gt.class_id[~data.gt.ignored], minlength=n)
    rows = []
    for at, name in enumerate(data.names):
        sums = {"tp": int(tp[at]), "fp": int(pred[at] - tp[at]), "fn": int(gt[at] - tp[at])}
        rows.append({"class": name, "gt": int(gt[at]), "pred": int(pred[at]), **sums, **rates(*sums.values())})
    return rows


def confusion(data: Evaluated, pairs: Pairs, matched: Matched, score_thr: Least) -> list[list[int]]:
    """Return counts by true class (rows) and predicted class (columns).

    Background is the last of both. What was matched within its class is on the diagonal; what is left is matched
    across classes by overlap.
    """
    n = len(data.names)
    table = np.zeros((n + 1, n + 1), np.int64)
    counts = counted(data, matched, score_thr)
    hit = counts & (matched.gt_of >= 0)
    free_gt = ~data.gt.ignored
    free_gt[matched.gt_of[hit]] = False
    open_pairs = pairs[free_gt[pairs.gt] & (counts & ~hit)[pairs.pred]]
    crossed = match_by_overlap(data, open_pairs, matched.iou_thr, counts & ~hit)
    wrong = crossed.gt_of >= 0
    np.add.at(table, (data.pred.class_id[hit], data.pred.class_id[hit]), 1)
    np.add.at(table, (data.gt.class_id[crossed.gt_of[wrong]], data.pred.class_id[wrong]), 1)
    free_gt[crossed.gt_of[wrong]] = False
    table[n] += np.bincount(data.pred.class_id[counts & ~hit & ~wrong], minlength=n + 1)
    table[:, n] += np.bincount(data.gt.class_id[free_gt], minlength=n + 1)
    return table.tolist()


def by_size(data: Evaluated, matched: Matched, score_thr: Least) -> dict[str, dict[str, Any]]:
    """Return counts and rates of small, medium and large boxes.

    A prediction that is no hit counts in the bucket of its own size.
    """
    counts = counted(data, matched, score_thr)
    hit = counts & (matched.gt_of >= 0)
    gt_area, pred_area = data.gt.areas(), data.pred.areas()
    found = {}
    for name, low, high in SIZES:
        there = ~data.gt.ignored & (gt_area >= low) & (gt_area < high)
        is_hit = np.zeros(len(data.gt), bool)
        is_hit[matched.gt_of[hit]] = True
        tp = int((there & is_hit).sum())
        fp = int((counts & ~hit & (pred_area >= low) & (pred_area < high)).sum())
        sums = {"tp": tp, "fp": fp, "fn": int(there.sum()) - tp}
        found[name] = {"gt": int(there.sum()), **sums, **rates(*sums.values())}
    return found


def duplicates(data: Evaluated, pairs: Pairs, matched: Matched, score_thr: Least) -> NDArray[np.bool_]:
    """Return (P,) false positives over an object that another prediction has."""
    counts = counted(data, matched, score_thr)
    hit = counts & (matched.gt_of >= 0)
    has = np.zeros(len(data.gt), bool)
    has[matched.gt_of[hit]] = True
    same = data.pred.class_id[pairs.pred] == data.gt.class_id[pairs.gt]
    over = same & (pairs.overlap >= matched.iou_thr) & has[pairs.gt] & ~data.gt.ignored[pairs.gt]
    found = np.zeros(len(data.pred), bool)
    found[pairs.pred[over]] = True
    return found & counts & ~hit


def rest(data: Evaluated, pairs: Pairs, matched: Matched, score_thr: Least) -> dict[str, Any]:
    """Return rates of duplicates and detections, and the recall within reach."""
    counts = counted(data, matched, score_thr)
    tp, fp, fn = (int(part.sum()) for part in per_image(data, matched, score_thr))
    images, objects = len(data.images), tp + fn
    reached = {}
    fits = pairs.overlap >= matched.iou_thr
    for name, may in (
        ("recall_bound", fits & (data.pred.class_id[pairs.pred] == data.gt.class_id[pairs.gt])),
        ("recall_bound_any_class", fits),
    ):
        near = np.unique(pairs.gt[may])
        reached[f"{name}@{level(matched.iou_thr)}"] = share(int((~data.gt.ignored[near]).sum()), objects)
    return {
        "dup_rate": share(int(duplicates(data, pairs, matched, score_thr).sum()), int(counts.sum())),
        "det_rate": share(len(np.unique(data.pred.image[counts])), images),
        "coverage": share(tp, objects),
        "fp_per_image": fp / images,
        **reached,
    }
