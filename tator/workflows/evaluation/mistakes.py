"""The mistakes of an evaluation, one by one, each with its image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput
from tator.workflows.evaluation.evaluator import Evaluation
from tator.workflows.evaluation.matches import match_by_overlap
from tator.workflows.evaluation.metrics import Least, counted, duplicates, per_image

KINDS = ("missed", "false", "wrong_class", "loose_box", "duplicate")
SORTS = ("worst", "confidence", "overlap", "area", "image")


def mistakes(found: Evaluation, score_thr: Least | None = None) -> list[dict[str, Any]]:
    """Return every mistake at a threshold on the score.

    A false prediction is told once: as a duplicate, else as a wrong class, else as a loose box, else as false. An object
    that a wrong class or a loose box belongs to is not told again as missed.

    Args:
        found: the evaluation.
        score_thr: predictions below do not count; None takes that of the evaluation.

    Returns:
        {"kind", "record_index", "image_id", "file_name", "class", "predicted_class", "score", "overlap", "xyxy",
        "predicted_xyxy"} of each; what does not apply is None.
    """
    data, matched = found.data, found.matched
    thr = found.least if score_thr is None else score_thr
    counts = counted(data, matched, thr)
    hit = counts & (matched.gt_of >= 0)
    open_gt = ~data.gt.ignored
    open_gt[matched.gt_of[hit]] = False
    double = duplicates(data, found.pairs, matched, thr)
    open_pred = counts & ~hit & ~double
    rows = [_row(found, "duplicate", int(p), _taken(found, int(p))) for p in np.flatnonzero(double)]
    for kind, least, same in (("wrong_class", matched.iou_thr, False), ("loose_box", 0.0, True)):
        pairs = found.pairs[open_gt[found.pairs.gt] & open_pred[found.pairs.pred]]
        crossed = match_by_overlap(data, pairs, least, open_pred, same)
        for p in np.flatnonzero(crossed.gt_of >= 0):
            g = int(crossed.gt_of[p])
            rows.append(_row(found, kind, int(p), g, float(crossed.overlap[p])))
            open_gt[g] = open_pred[p] = False
    rows += [_row(found, "false", int(p), -1) for p in np.flatnonzero(open_pred)]
    rows += [_row(found, "missed", -1, int(g)) for g in np.flatnonzero(open_gt)]
    return rows


def _taken(found: Evaluation, pred: int) -> int:
    """Return the object that a duplicate overlaps most."""
    own = found.pairs[_rows_of(found, pred)]
    same = (found.data.gt.class_id[own.gt] == found.data.pred.class_id[pred]) & ~found.data.gt.ignored[own.gt]
    return int(own.gt[same][own.overlap[same].argmax()])


def _rows_of(found: Evaluation, pred: int) -> slice:
    """Return the pairs of a prediction; pairs are in its order."""
    low, high = np.searchsorted(found.pairs.pred, [pred, pred + 1])
    return slice(int(low), int(high))


def _row(found: Evaluation, kind: str, pred: int, gt: int, overlap: float | None = None) -> dict[str, Any]:
    data = found.data
    image = data.images[int(data.pred.image[pred] if pred >= 0 else data.gt.image[gt])]
    if overlap is None and pred >= 0 and gt >= 0:
        own = found.pairs[_rows_of(found, pred)]
        overlap = float(own.overlap[own.gt == gt][0])
    return {
        "kind": kind,
        "record_index": image.record_index,
        "image_id": image.image_id,
        "file_name": image.file_name,
        "class": data.names[data.gt.class_id[gt]] if gt >= 0 else None,
        "predicted_class": data.names[data.pred.class_id[pred]] if pred >= 0 else None,
        "score": float(data.pred.score[pred]) if pred >= 0 else None,
        "overlap": overlap,
        "xyxy": data.gt.xyxy[gt].tolist() if gt >= 0 else None,
        "predicted_xyxy": data.pred.xyxy[pred].tolist() if pred >= 0 else None,
        "annotation": data.gt.id_of(gt) if gt >= 0 else "",
    }


def chosen(
    rows: list[dict[str, Any]], kind: str = "", class_name: str = "", low: float = 0.0, high: float = 1.0
) -> list[dict[str, Any]]:
    """Return the mistakes of a kind, a class and a range of scores.

    Raises:
        BadInput: no such kind.
    """
    if kind and kind not in KINDS:
        raise BadInput(f"kind must be one of {', '.join(KINDS)} or empty, is {kind!r}")
    return [
        row
        for row in rows
        if (not kind or row["kind"] == kind)
        and (not class_name or class_name in (row["class"], row["predicted_class"]))
        and (row["score"] is None or low <= row["score"] <= high)
    ]


def ordered(rows: list[dict[str, Any]], sort: str, found: Evaluation, score_thr: Least) -> list[dict[str, Any]]:
    """Return mistakes in an order.

    The worst image first, or by confidence, overlap, area, or image.

    Raises:
        BadInput: no such order.
    """
    if sort not in SORTS:
        raise BadInput(f"sort must be one of {', '.join(SORTS)}, is {sort!r}")
    if sort == "image":
        return sorted(rows, key=lambda row: row["record_index"])
    if sort == "worst":
        bad = _badness(found, score_thr)
        return sorted(rows, key=lambda row: (-bad[row["record_index"]], row["record_index"], -(row["score"] or 0)))
    keys = {
        "confidence": lambda row: -(row["score"] if row["score"] is not None else -1),
        "overlap": lambda row: row["overlap"] if row["overlap"] is not None else 2,
        "area": lambda row: -_area(row),
    }
    return sorted(rows, key=lambda row: (keys[sort](row), row["record_index"]))


def _area(row: dict[str, Any]) -> float:
    x1, y1, x2, y2 = row["xyxy"] or row["predicted_xyxy"]
    return (x2 - x1) * (y2 - y1)


def _badness(found: Evaluation, score_thr: Least) -> dict[int, int]:
    """Return {record index: wrong boxes of the image}."""
    _, fp, fn = per_image(found.data, found.matched, score_thr)
    wrong: NDArray[np.int64] = fp + fn
    return dict(zip(found.data.images.record_index.tolist(), wrong.tolist(), strict=True))
