"""Two evaluations of the same images side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation.evaluator import Evaluation
from tator.workflows.evaluation.metrics import per_image
from tator.workflows.evaluation.rates import rates, share

RESAMPLES = 1000  # of the images; a difference of 95 % intervals needs more than the 200 of one value
LISTED = 200  # images in the answer, those that differ most
COMPARED = ("AP", "AP50", "f1", "precision", "recall")
HEADLINE = ("bbox_AP", "bbox_AP50", "bbox_AP75", "best_f1", "dup_rate", "fp_per_image", "coverage")


def compare(
    one: dict[str, Any], other: dict[str, Any], pair: tuple[Evaluation, Evaluation], seed: int = 0
) -> dict[str, Any]:
    """Return what differs from one evaluation to another of the same ground truth.

    Args:
        one: metrics.json of the first.
        other: metrics.json of the second.
        pair: both, opened.
        seed: of the resampling.

    Returns:
        {"per_class": rows with both values and the delta, "metrics", "images": {"wins", "losses", "ties"}, "rows": images
        that differ most, "bootstrap": interval of the difference of F1 and the share of resamples where the second is better}.

    Raises:
        BadInput: the two are not of the same ground truth.
    """
    hashes = [(each.get("ground_truth") or {}).get("gt_sha256") for each in (one, other)]
    if not hashes[0] or hashes[0] != hashes[1]:
        raise BadInput("the two evaluations are of different ground truth, so their numbers cannot be compared")
    counts = [np.stack(per_image(each.data, each.matched, each.least), axis=1) for each in pair]
    deltas = image_f1(counts[1]) - image_f1(counts[0])
    return {
        "metrics": {key: _pair(one["metrics"].get(key), other["metrics"].get(key)) for key in HEADLINE},
        "per_class": _classes(one["per_class"], other["per_class"]),
        "images": {
            "wins": int((deltas > 0).sum()),
            "losses": int((deltas < 0).sum()),
            "ties": int((deltas == 0).sum()),
        },
        "rows": _rows(pair[0], counts, deltas),
        "bootstrap": paired_bootstrap(counts[0], counts[1], seed),
    }


def image_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (images,) F1 of (images, 3) tp, fp, fn.

    1 where nothing is there and nothing was predicted.
    """
    tp, fp, fn = counts.T
    whole = 2 * tp + fp + fn
    return np.divide(2 * tp, whole, out=np.ones(len(tp)), where=whole > 0)


def paired_bootstrap(
    one: NDArray[np.int64], other: NDArray[np.int64], seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return how sure the difference of two micro F1 is, resampling images.

    Args:
        one: (images, 3) tp, fp, fn.
        other: of the same images.
        seed: of the resampling.
        resamples: how many.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 16.
    """
    n, rng = len(one), np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, n, n), minlength=n)
        before, after = (_f1(weight @ counts) for counts in (one, other))
        if before is not None and after is not None:
            values.append(after - before)
    measured = _pair(_f1(one.sum(0)), _f1(other.sum(0)))
    interval = np.quantile(values, [0.025, 0.975]).tolist() if values else None
    better = share(int((np.array(values) > 0).sum()), len(values))
    told = {"f1": measured, "delta": measured["delta"], "interval": interval, "share_better": better}
    return told | {"is_clear": bool(interval and (interval[0] > 0 or interval[1] < 0)), "resamples": len(values)}


def _f1(sums: NDArray[np.int64]) -> float | None:
    return rates(*map(int, sums))["f1"]


def _pair(one: float | None, other: float | None) -> dict[str, float | None]:
    return {"one": one, "other": other, "delta": None if one is None or other is None else other - one}


def _classes(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    before, after = ({row["class"]: row for row in rows} for rows in (one, other))
    return [
        {"class": name, "gt": after.get(name, before.get(name, {})).get("gt")}
        | {key: _pair(before.get(name, {}).get(key), after.get(name, {}).get(key)) for key in COMPARED}
        for name in dict.fromkeys([*before, *after])
    ]


def _rows(found: Evaluation, counts: list[NDArray[np.int64]], deltas: NDArray[np.float64]) -> list[dict[str, Any]]:
    order = np.lexsort([np.arange(len(deltas)), -np.abs(deltas)])
    rows = []
    for at in order[:LISTED]:
        if deltas[at] == 0:
            break
        image = found.data.images[int(at)]
        facts = {"record_index": image.record_index, "image_id": image.image_id, "file_name": image.file_name}
        named = [dict(zip(("tp", "fp", "fn"), map(int, each[at]), strict=True)) for each in counts]
        rows.append(facts | {"delta": float(deltas[at]), "one": named[0], "other": named[1]})
    return rows
