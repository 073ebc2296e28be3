"""Pairs of a prediction and a ground truth of one image that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.vision.matching import pair_ioa, pair_iou
from tator.workflows.evaluation.columns import Whole, whole_numbers
from tator.workflows.evaluation.tables import Evaluated, EvaluatedImage, Table

TOGETHER = 200_000  # pairs of boxes that are compared at once
LEAST = 0.1  # pairs that overlap less are told by nobody: TIDE's background threshold, https://arxiv.org/abs/2008.08115


@dataclass(frozen=True, eq=False)
class Pairs:
    """K pairs, image after image.

    Attributes:
        pred: (K,) row of the predictions.
        gt: (K,) row of the ground truths.
        overlap: (K,) intersection over union; over the prediction's area where the ground truth is ignored.
    """

    pred: Whole
    gt: Whole
    overlap: NDArray[np.float64]

    def __getitem__(self, rows: Any) -> Pairs:
        return Pairs(self.pred[rows], self.gt[rows], self.overlap[rows])

    def __len__(self) -> int:
        return len(self.pred)


def overlapping(data: Evaluated, with_masks: bool = False, least: float = LEAST) -> Pairs:
    """Return the pairs that overlap by at least so much.

    Args:
        data: both sides.
        with_masks: compare outlines where one of the two has one.
        least: smallest overlap, in (0, 1].
    """
    has_masks = with_masks and bool(data.pred.outlines or data.gt.outlines)
    parts = [_thinned(data, pair, has_masks, least) for pair in _crossed(data)]
    if not parts:
        return Pairs(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _crossed(data: Evaluated) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield every prediction with every ground truth of its image, in parts."""
    there = np.diff(data.gt.starts)
    pairs = np.cumsum(there[data.pred.image])  # up to and with each prediction
    whole = int(pairs[-1]) if len(pairs) else 0
    cuts = np.searchsorted(pairs, np.arange(TOGETHER, whole + TOGETHER, TOGETHER)).clip(max=max(len(pairs) - 1, 0))
    first = 0
    for cut in np.unique(cuts).tolist() if whole else []:
        rows = np.arange(first, cut + 1)
        counts = there[data.pred.image[rows]]
        pred = np.repeat(rows, counts)
        within = np.arange(len(pred)) - np.repeat(np.cumsum(counts) - counts, counts)
        yield pred, data.gt.starts[data.pred.image[pred]] + within
        first = cut + 1


def _thinned(
    data: Evaluated, pair: tuple[NDArray, NDArray], has_masks: bool, least: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the pairs that overlap by at least so much, and by how much."""
    pred, gt = pair
    near = _touching(data, pred, gt)
    pred, gt = pred[near], gt[near]
    a, b, ignored = data.pred.boxes(pred), data.gt.boxes(gt), data.gt.ignored[gt]
    overlap = np.where(ignored, pair_ioa(a, b), pair_iou(a, b)) if ignored.any() else pair_iou(a, b)
    if has_masks:
        _mask_overlaps(data, pred, gt, overlap)
    keep = overlap >= least
    return whole_numbers(pred[keep]), whole_numbers(gt[keep]), overlap[keep]


def _touching(data: Evaluated, pred: NDArray, gt: NDArray) -> NDArray[np.int64]:
    """Return the pairs whose boxes share an area: few of those of a crowded image."""
    a, b = data.pred.xyxy, data.gt.xyxy
    rows = np.flatnonzero((a[pred, 0] < b[gt, 2]) & (b[gt, 0] < a[pred, 2]))
    pred, gt = pred[rows], gt[rows]
    return rows[(a[pred, 1] < b[gt, 3]) & (b[gt, 1] < a[pred, 3])]


def _mask_overlaps(data: Evaluated, pred: NDArray, gt: NDArray, overlap: NDArray[np.float64]) -> None:
    """Replace the overlap of boxes by that of masks where one has an outline."""
    pairs = zip(pred.tolist(), gt.tolist(), strict=True)
    has = np.flatnonzero([p in data.pred.outlines or g in data.gt.outlines for p, g in pairs])
    images = data.pred.image[pred[has]]
    for image in np.unique(images).tolist():
        rows = has[images == image]
        overlap[rows] = _mask_iou(data, data.images[image], pred[rows], gt[rows])


def _mask_iou(data: Evaluated, image: EvaluatedImage, pred: NDArray, gt: NDArray) -> NDArray[np.float64]:
    """Return the overlap of pairs of masks of one image."""
    from pycocotools import mask as coco

    some, others = np.unique(pred), np.unique(gt)
    one = [outline_rle(data.pred, row, image) for row in some.tolist()]
    two = [outline_rle(data.gt, row, image) for row in others.tolist()]
    values = np.asarray(coco.iou(one, two, data.gt.ignored[others].astype(np.uint8))).reshape(len(some), len(others))
    return values[np.searchsorted(some, pred), np.searchsorted(others, gt)]


def outline_rle(table: Table, row: int, image: EvaluatedImage) -> dict[str, Any]:
    """Return the run lengths of an object, a box being a quadrilateral."""
    from pycocotools import mask as coco

    outline = table.outlines.get(row)
    if isinstance(outline, dict):
        return {"size": outline["size"], "counts": outline["counts"]}
    ring = outline if outline else box_ring(table.xyxy[row])
    return coco.merge(coco.frPyObjects([ring], image.height, image.width))


def box_ring(xyxy: NDArray[np.float64]) -> list[float]:
    """Return a box as a ring of four corners."""
    x1, y1, x2, y2 = (float(value) for value in xyxy)
    return [x1, y1, x2, y1, x2, y2, x1, y2]
