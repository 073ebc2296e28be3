"""Pairs of a prediction and a ground truth of one image that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.vision.matching import ioa, iou
from tator.workflows.evaluation.tables import Evaluated, EvaluatedImage, Table

LEAST = 0.1  # pairs that overlap less are told by nobody: TIDE's background threshold, https://arxiv.org/abs/2008.08115


@dataclass(frozen=True, eq=False)
class Pairs:
    """K pairs, image after image.

    Attributes:
        pred: (K,) row of the predictions.
        gt: (K,) row of the ground truths.
        overlap: (K,) intersection over union; over the prediction's area where the ground truth is ignored.
    """

    pred: NDArray[np.int64]
    gt: NDArray[np.int64]
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
    parts = [_of_image(data, image, with_masks, least) for image in range(len(data.images))]
    columns = zip(*parts, strict=True)
    pred, gt, overlap = (np.concatenate(column) for column in columns)
    return Pairs(pred.astype(np.int64), gt.astype(np.int64), overlap)


def _of_image(data: Evaluated, image: int, with_masks: bool, least: float) -> tuple[NDArray, NDArray, NDArray]:
    found, there = data.pred.rows_of(image), data.gt.rows_of(image)
    if found.start == found.stop or there.start == there.stop:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    a, b = data.pred.xyxy[found], data.gt.xyxy[there]
    overlap = iou(a, b)
    ignored = data.gt.ignored[there]
    if ignored.any():
        overlap[:, ignored] = ioa(a, b[ignored])
    if with_masks and (data.pred.outlines or data.gt.outlines):
        _mask_overlaps(data, data.images[image], (found.start, there.start), overlap)
    rows, columns = np.nonzero(overlap >= least)
    return rows + found.start, columns + there.start, overlap[rows, columns]


def _mask_overlaps(data: Evaluated, image: EvaluatedImage, first: tuple[int, int], overlap: NDArray) -> None:
    """Replace the overlap of boxes by that of masks where one has an outline."""
    from pycocotools import mask as coco

    rows, columns = np.nonzero(overlap > 0)
    has = [
        first[0] + r in data.pred.outlines or first[1] + c in data.gt.outlines
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    rows, columns = rows[has], columns[has]
    if not len(rows):
        return
    some, others = np.unique(rows), np.unique(columns)
    one = [outline_rle(data.pred, first[0] + int(r), image) for r in some]
    two = [outline_rle(data.gt, first[1] + int(c), image) for c in others]
    crowd = data.gt.ignored[first[1] + others].astype(np.uint8)
    values = np.asarray(coco.iou(one, two, crowd)).reshape(len(some), len(others))
    overlap[rows, columns] = values[np.searchsorted(some, rows), np.searchsorted(others, columns)]


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
