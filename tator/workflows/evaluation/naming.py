"""Names given to boxes that are there, judged like any predictions.

Places are right, so only names count; a box's place is then any place of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.evaluator import Settings, evaluate_records
from tator.workflows.evaluation.records import Record

SIDE, STEP = 8.0, 10.0  # pixels of the places that stand for the boxes, so that no two overlap
MOST_BOXES = 100_000  # of an image and class that count, so all of them


def judge_names(
    true: Sequence[str],
    named: Sequence[str],
    score: NDArray[np.floating],
    image: NDArray[np.int64],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the figures of names on boxes.

    Args:
        true: (N,) names that are right.
        named: (N,) names that were given.
        score: (N,) how sure each name is, in [0, 1].
        image: (N,) number of the image that each box lies in.
        classes: names in the order of the answer.

    Returns:
        {"per_class": [{"name", "precision", "recall", "f1", "support", "AP"}], "confusion": rows true, columns named,
        "macro_f1", "AP", "best_f1", "best_f1_score_thr", "best_f1_interval": by image}.
    """
    order = np.argsort(image, kind="stable")
    starts = np.flatnonzero(np.diff(image[order], prepend=image[order][:1] - 1))
    records = [_record(at, rows, true, named, score) for at, rows in enumerate(np.split(order, starts[1:]))]
    settings = Settings(metrics="coco", iou_thrs=(0.5,), score_thr=0.0, with_masks=False, max_dets=(MOST_BOXES,))
    found = evaluate_records(records, settings, classes)
    rows = {row["class"]: row for row in found.per_class}
    shown = [_row(name, rows[name]) for name in classes]
    f1s = [row["f1"] for row in shown if row["support"]]
    table = [row[: len(classes)] for row in found.confusion[: len(classes)]]
    keys = ("best_f1", "best_f1_score_thr", "best_f1_interval")
    facts = {"per_class": shown, "confusion": table, "macro_f1": float(np.mean(f1s)) if f1s else 0.0}
    return facts | {"AP": found.metrics.get("bbox_AP"), **{key: found.metrics.get(key) for key in keys}}


def _record(at: int, rows: NDArray[np.int64], true: Sequence[str], named: Sequence[str], score: NDArray) -> Record:
    places = [[STEP * n, 0.0, STEP * n + SIDE, SIDE] for n in range(len(rows))]
    there = [_object(place, true[row]) for place, row in zip(places, rows, strict=True)]
    given = [_object(place, named[row]) | {"score": float(score[row])} for place, row in zip(places, rows, strict=True)]
    return Record(at, str(at), int(STEP * len(rows)), int(SIDE), there, given)


def _object(place: list[float], name: str) -> dict[str, Any]:
    return {"type": "bbox_2d", "points": place, "desc": str(name)}


def _row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a class's figures, 0 where nothing was named so."""
    figures = {key: float(row[key] or 0.0) for key in ("precision", "recall", "f1")}
    return {"name": name, **figures, "support": int(row["gt"]), "AP": row["AP"]}
