"""One-to-one matches of predictions and ground truths over all images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tator.vision.matching import first_free
from tator.workflows.evaluation.overlaps import Pairs
from tator.workflows.evaluation.tables import Evaluated


@dataclass(frozen=True, eq=False)
class Matched:
    """What each box was matched with at one overlap.

    Attributes:
        iou_thr: least overlap of a match.
        gt_of: (P,) ground truth of each prediction, -1 none.
        pred_of: (G,) prediction of each ground truth, -1 none.
        overlap: (P,) overlap of the match to seven digits, 0 where there is none.
        in_ignored: (P,) unmatched predictions that lie in a region which is no object.
    """

    iou_thr: float
    gt_of: NDArray[np.int32]
    pred_of: NDArray[np.int32]
    overlap: NDArray[np.float32]
    in_ignored: NDArray[np.bool_]


def match_by_score(data: Evaluated, pairs: Pairs, iou_thr: float) -> Matched:
    """Match within classes, the most confident prediction first.

    What a threshold on the score leaves is matched as it would be alone. Boxes of equal scores are matched by their
    overlap, so that their order does not matter.
    """
    may = (pairs.overlap >= iou_thr) & (data.pred.class_id[pairs.pred] == data.gt.class_id[pairs.gt])
    fits = pairs[may & ~data.gt.ignored[pairs.gt]]
    keys = (data.gt.rank[fits.gt], data.pred.rank[fits.pred], -fits.overlap, -data.pred.score[fits.pred])
    fits = fits[np.lexsort(keys)]
    return _matched(data, fits, pairs[may & data.gt.ignored[pairs.gt]], iou_thr)


def match_by_overlap(
    data: Evaluated, pairs: Pairs, iou_thr: float, counted: NDArray[np.bool_], same_class: bool = False
) -> Matched:
    """Match the pairs that overlap most first, whatever their class.

    Args:
        data: both sides.
        pairs: from overlapping.
        iou_thr: least overlap.
        counted: (P,) predictions that take part.
        same_class: only within classes.
    """
    may = (pairs.overlap >= iou_thr) & counted[pairs.pred]
    if same_class:
        may &= data.pred.class_id[pairs.pred] == data.gt.class_id[pairs.gt]
    fits = pairs[may & ~data.gt.ignored[pairs.gt]]
    keys = (data.gt.rank[fits.gt], data.pred.rank[fits.pred], -data.pred.score[fits.pred], -fits.overlap)
    return _matched(data, fits[np.lexsort(keys)], pairs[may & data.gt.ignored[pairs.gt]], iou_thr)


def _matched(data: Evaluated, fits: Pairs, crowds: Pairs, iou_thr: float) -> Matched:
    taken = fits[first_free(fits.pred, fits.gt)]
    gt_of, pred_of = np.full(len(data.pred), -1, np.int32), np.full(len(data.gt), -1, np.int32)
    overlap, in_ignored = np.zeros(len(data.pred), np.float32), np.zeros(len(data.pred), bool)
    gt_of[taken.pred], pred_of[taken.gt], overlap[taken.pred] = taken.gt, taken.pred, taken.overlap
    in_ignored[crowds.pred] = True
    return Matched(iou_thr, gt_of, pred_of, overlap, in_ignored & (gt_of < 0))
