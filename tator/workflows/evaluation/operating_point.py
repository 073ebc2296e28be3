"""The score from which predictions count.

The best one, how sure that is, and every other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.matches import Matched
from tator.workflows.evaluation.tables import Evaluated

RESAMPLES = 200  # of the images, for an interval; its ends move by about 0.002 from one seed to the next
BINS = 256  # scores that a resample tries
TOGETHER = 100_000  # boxes that a resample weighs at once
POINTS = 1000  # scores of a curve; more distinct ones are thinned evenly


def best_f1(data: Evaluated, matched: Matched, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Return the largest F1 over all scores, its score, and 95 % intervals.

    Of equal ones the highest score is taken. The threshold was chosen on the same images, so the value flatters a little;
    the interval says how much to trust it.
    """
    keep = ~matched.in_ignored
    score, hit, image = data.pred.score[keep], matched.gt_of[keep] >= 0, data.pred.image[keep]
    objects = np.bincount(data.gt.image[~data.gt.ignored], minlength=len(data.images))
    nothing = {"best_f1": None, "best_f1_score_thr": None, "best_f1_interval": None, "best_f1_score_thr_interval": None}
    if not len(score) or not objects.sum():
        return nothing | ({"best_f1": 0.0} if objects.sum() else {})
    value, at = _best(score, hit, int(objects.sum()))
    values, places = _resampled(score, hit, image, objects, seed, resamples)
    ends = [np.quantile(each, [0.025, 0.975]).tolist() if len(each) else None for each in (values, places)]
    return {
        "best_f1": value,
        "best_f1_score_thr": at,
        "best_f1_interval": ends[0],
        "best_f1_score_thr_interval": ends[1],
    }


def _best(score: NDArray, hit: NDArray, objects: int) -> tuple[float, float]:
    order = np.argsort(-score, kind="stable")
    score, hit = score[order], hit[order]
    del order
    last = np.append(np.flatnonzero(score[1:] != score[:-1]), len(score) - 1)  # the last of equal scores
    f1 = 2 * np.cumsum(hit, dtype=np.int32)[last] / (last + 1 + objects)
    at = int(f1.argmax())
    return float(f1[at]), float(score[last[at]])


def _resampled(
    score: NDArray, hit: NDArray, image: NDArray, objects: NDArray, seed: int, resamples: int
) -> tuple[NDArray, NDArray]:
    """Return the best F1 and its score of each resample of the images."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BINS), method="lower"))[::-1]  # scores that occur, falling
    place = np.searchsorted(-edges, -score, side="left").astype(np.int16)  # the first threshold that lets it in
    rng = np.random.default_rng(seed)
    n = len(objects)
    hit_place, hit_image = place[hit], image[hit]
    values, places = [], []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, n, n), minlength=n)
        total = int((weight * objects).sum())
        if not total:
            continue
        taken, tp = (
            np.cumsum(_weighed(at, of, weight, len(edges))) for at, of in ((place, image), (hit_place, hit_image))
        )
        f1 = 2 * tp / (taken + total)
        values.append(f1.max())
        places.append(edges[f1.argmax()])
    return np.array(values), np.array(places)


def _weighed(place: NDArray, image: NDArray, weight: NDArray, places: int) -> NDArray[np.float64]:
    """Return how much lies at each place, each box weighing what its image does."""
    found = np.zeros(places)
    for start in range(0, len(place), TOGETHER):
        rows = slice(start, start + TOGETHER)
        found += np.bincount(place[rows], weight[image[rows]], places)
    return found


def best_per_class(data: Evaluated, matched: Matched) -> dict[str, dict[str, float | None]]:
    """Return {class: {"f1", "score_thr"}} of the best threshold of each class."""
    keep = ~matched.in_ignored
    found: dict[str, dict[str, float | None]] = {}
    for at, name in enumerate(data.names):
        own = keep & (data.pred.class_id == at)
        objects = int((~data.gt.ignored & (data.gt.class_id == at)).sum())
        if objects and own.any():
            f1, score_thr = _best(data.pred.score[own], matched.gt_of[own] >= 0, objects)
            found[name] = {"f1": f1, "score_thr": score_thr}
        else:
            found[name] = {"f1": 0.0 if objects else None, "score_thr": None}
    return found


def curves(data: Evaluated, matched: Matched) -> dict[str, Any]:
    """Return counts at every threshold, for a slider that asks nobody.

    Returns:
        {"thresholds": falling scores and every hundredth, "images", "is_exact": all distinct scores are there, "all" and
        each of "classes":
        {"class", "gt", "tp": [a threshold], "pred": [a threshold]}}; fp is pred - tp, fn is gt - tp.
    """
    keep = ~matched.in_ignored
    score, hit, class_id = data.pred.score[keep], matched.gt_of[keep] >= 0, data.pred.class_id[keep]
    distinct = np.unique(score)[::-1]
    picked = np.unique(np.linspace(0, max(len(distinct) - 1, 0), POINTS).round().astype(int))
    kept = distinct[picked] if len(distinct) > POINTS else distinct
    edges = np.union1d(kept, np.arange(101) / 100)[::-1]  # a slider stops at hundredths
    place = np.searchsorted(-edges, -score, side="left")
    there = np.bincount(data.gt.class_id[~data.gt.ignored], minlength=len(data.names))

    def line(name: str, own: NDArray[np.bool_], gt: int) -> dict[str, Any]:
        pred, tp = (
            np.cumsum(np.bincount(place[rows], minlength=len(edges)))[: len(edges)] for rows in (own, own & hit)
        )
        return {"class": name, "gt": gt, "tp": tp.tolist(), "pred": pred.tolist()}

    every = np.ones(len(score), bool)
    lines = [line(name, class_id == at, int(there[at])) for at, name in enumerate(data.names)]
    facts = {"iou_thr": matched.iou_thr, "images": len(data.images), "is_exact": len(kept) == len(distinct)}
    return facts | {"thresholds": edges.tolist(), "all": line("", every, int(there.sum())), "classes": lines}
