"""Compare boxes: overlap, duplicates, one-to-one matching and fusion.

Boxes are xyxy pixels, x2/y2 exclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Detections
from tator.vision.boxes import Boxes, Float, area

Rows = NDArray[np.signedinteger[Any]]

PAIRS = 50_000  # that first_free has as objects of Python at once
WBF_IOU = 0.55  # boxes that overlap more are one object; https://arxiv.org/abs/1910.13302, section 3


def intersection(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return (N, M) areas that each box of `a` shares with each of `b`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=2)


def iou(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return the (N, M) intersections over unions, in [0, 1]; 0 for empty boxes."""
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def pair_iou(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return the (N,) overlap of each box of `a` with the same row of `b`."""
    shared = _pair_shared(a, b)
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def pair_ioa(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return the (N,) share of each box of `a` that lies in the same row of `b`."""
    shared, whole = _pair_shared(a, b), area(a)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _pair_shared(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    sides = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0)
    return np.prod(sides, axis=1)


def ioa(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return the (N, M) shares of each box of `a` that lie in each of `b`, in [0, 1]."""
    shared, whole = intersection(a, b), area(a)[:, None]
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def within_class(overlap: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the (N, M) overlaps with 0 where the class ids (N,) and (M,) differ."""
    return np.where(a[:, None] == b[None], overlap, 0)


def nms(
    xyxy: Boxes, confidence: NDArray[np.float32], iou: float, class_id: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the rows that no better box overlaps by more than `iou`, best first.

    Args:
        xyxy: (N, 4) pixels.
        confidence: (N,); of equal ones the first is better.
        iou: threshold in [0, 1], exclusive.
        class_id: (N,); boxes of different classes never suppress each other. None treats all as one class.
    """
    order = np.argsort(-confidence, kind="stable")
    return _thinned(xyxy, order, lambda overlap: overlap > iou, class_id, len(xyxy))


def distinct(xyxy: Boxes, order: NDArray[np.int64], iou: float, limit: int) -> NDArray[np.int64]:
    """Return up to `limit` rows in the given order, without repeats.

    A repeat overlaps an earlier row by `iou` or more.

    Args:
        xyxy: (N, 4) pixels.
        order: rows, the best first.
        iou: threshold in [0, 1], inclusive.
        limit: most rows to return.
    """
    return _thinned(xyxy, order, lambda overlap: overlap >= iou, None, limit)


def _thinned(
    xyxy: Boxes,
    order: NDArray[np.int64],
    is_repeat: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
    class_id: NDArray[np.int64] | None,
    limit: int,
) -> NDArray[np.int64]:
    """Take the first row of the order and drop its repeats, until none is left.

    Memory grows with N only.
    """
    kept: list[int] = []
    while len(order) and len(kept) < limit:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        repeats = is_repeat(iou(xyxy[best : best + 1], xyxy[order])[0])
        if class_id is not None:
            repeats &= class_id[order] == class_id[best]
        order = order[~repeats]
    return np.array(kept, np.int64)


def match_greedy(
    overlap: NDArray[np.float32],
    confidence: NDArray[np.float32],
    threshold: float,
    crowd: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Match each detection to the free ground truth that it overlaps most.

    The most confident detection chooses first.

    Args:
        overlap: (D, G) of detections with ground truths; IoU, or IoA where the ground truth is a crowd.
        confidence: (D,); of equal ones the first chooses first.
        threshold: least overlap of a match, inclusive.
        crowd: (G,) ground truths that several detections may share, taken where no other fits.

    Returns:
        (D,) row of the ground truth, -1 for none.

    Source: pycocotools.cocoeval.COCOeval.evaluateImg.
    """
    matched = np.full(len(overlap), -1, np.int64)
    crowd = np.zeros(overlap.shape[1], bool) if crowd is None else crowd
    free = ~crowd
    for row in np.argsort(-confidence, kind="stable"):
        fits = overlap[row] >= threshold
        choice = _last_best(overlap[row], fits & free)
        if choice < 0:
            choice = _last_best(overlap[row], fits & crowd)
        if choice >= 0:
            matched[row] = choice
            free[choice] = False
    return matched


def _last_best(values: NDArray[np.float32], may: NDArray[np.bool_]) -> int:
    """Return the column with the largest allowed value, -1 for none.

    Of equal ones it is the last, as in COCO.
    """
    columns = np.flatnonzero(may)
    return int(columns[::-1][values[columns[::-1]].argmax()]) if len(columns) else -1


def first_free(rows: Rows, columns: Rows) -> NDArray[np.bool_]:
    """Return which pairs are taken when each row and each column may be taken once.

    Pairs are looked at in their order, the best first; over many images at once this is as fast as over one.

    Args:
        rows: (K,) row of each pair.
        columns: (K,) column of each pair.
    """
    taken = np.zeros(len(rows), bool)
    if not len(rows):
        return taken
    is_used = bytearray(int(rows.max()) + 1), bytearray(int(columns.max()) + 1)
    for start in range(0, len(rows), PAIRS):
        part = slice(start, start + PAIRS)
        for at, (row, column) in enumerate(zip(rows[part].tolist(), columns[part].tolist(), strict=True), start):
            if not is_used[0][row] and not is_used[1][column]:
                is_used[0][row] = is_used[1][column] = 1
                taken[at] = True
    return taken


def match_one_to_one(overlap: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Pair rows with columns so that the overlaps of all pairs together are largest.

    Args:
        overlap: (N, M) in [0, 1].
        threshold: least overlap of a pair, inclusive.

    Returns:
        (N,) column of each row, -1 for none.

    Source: the assignment problem, scipy.optimize.linear_sum_assignment.
    """
    from scipy.optimize import linear_sum_assignment

    allowed = np.where(overlap >= threshold, overlap, 0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    matched = np.full(len(overlap), -1, np.int64)
    is_pair = (allowed[rows, columns] > 0) & (overlap[rows, columns] >= threshold)
    matched[rows[is_pair]] = columns[is_pair]
    return matched


def fuse_boxes(found: Sequence[Detections], iou: float = WBF_IOU) -> Detections:
    """Merge overlapping boxes of one class into their confidence-weighted mean.

    An object that few detectors saw loses confidence: the mean is scaled by min(boxes, detectors) / detectors.

    Args:
        found: one Detections per detector, all of one image, xyxy in pixels, each with a confidence.
        iou: boxes that overlap more than this are one object, in (0, 1].

    Returns:
        Fused boxes without masks, highest confidence first; data["votes"] counts detectors.

    Raises:
        BadInput: iou is outside (0, 1], or a box has no confidence.

    Source: https://arxiv.org/abs/1910.13302, section 3.
    """
    if not 0 < iou <= 1:
        raise BadInput(f"iou must be in (0, 1], is {iou}")
    boxes = Detections.concat([
        Detections(each.xyxy, each.confidence, each.class_id, data={"detector": np.full(len(each), row)})
        for row, each in enumerate(found)
    ])  # fmt: skip
    if np.isnan(boxes.confidence).any():
        raise BadInput("boxes to fuse must have a confidence; boxes that a person drew have none")
    if not len(boxes):
        return Detections.of([], votes=np.zeros(0, np.int64))
    fused = Detections.concat([_weighted_mean(boxes[rows], len(found)) for rows in _clusters(boxes, iou)])
    return fused[np.argsort(-fused.confidence, kind="stable")]


def _clusters(boxes: Detections, threshold: float) -> list[list[int]]:
    """Return the rows of each object.

    A box joins the object of its class whose mean it overlaps most.
    """
    clusters: list[list[int]] = []
    means = np.zeros((0, 4), np.float32)
    for row in np.argsort(-boxes.confidence, kind="stable"):
        classes = boxes.class_id[[rows[0] for rows in clusters]]
        overlap = within_class(iou(boxes.xyxy[row : row + 1], means), boxes.class_id[row : row + 1], classes)[0]
        if len(overlap) and overlap.max() > threshold:
            at = int(overlap.argmax())
            clusters[at].append(int(row))
            means[at] = _mean_box(boxes[clusters[at]])
        else:
            clusters.append([int(row)])
            means = np.concatenate([means, boxes.xyxy[row : row + 1]])
    return clusters


def _mean_box(boxes: Detections) -> NDArray[np.float32]:
    """Return the (4,) mean weighted by confidence; the plain one where all are 0."""
    weights = boxes.confidence if boxes.confidence.sum() > 0 else None
    return np.average(boxes.xyxy, axis=0, weights=weights).astype(np.float32)


def _weighted_mean(boxes: Detections, detectors: int) -> Detections:
    """Return the one box that stands for all of an object's."""
    scale = min(len(boxes), detectors) / detectors
    votes = len(np.unique(boxes.data["detector"]))
    return Detections.of(_mean_box(boxes), [boxes.confidence.mean() * scale], boxes.class_id[:1], votes=[votes])
