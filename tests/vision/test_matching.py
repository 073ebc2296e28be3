"""Matching: overlap, suppression, matching and fusion, against torchvision, pycocotools and a search through all pairings."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tator.types import BadInput, Detections
from tator.vision import matching


def to_xywh(xyxy: np.ndarray) -> np.ndarray:
    """Return left, top, width and height, as pycocotools takes them."""
    wide = xyxy.astype(np.float64)
    return np.concatenate([wide[:, :2], wide[:, 2:] - wide[:, :2]], axis=1)


def boxes_of(count: int) -> st.SearchStrategy:
    """Return boxes that lie close enough together to overlap often."""
    corner = arrays(np.float32, (count, 2), elements=st.floats(0, 60, width=32))
    size = arrays(np.float32, (count, 2), elements=st.floats(4, 60, width=32))
    return st.builds(lambda at, sides: np.concatenate([at, at + sides], axis=1).astype(np.float32), corner, size)


def unique(count: int) -> st.SearchStrategy:
    """Return confidences without ties: which of two equal boxes wins is each library's own choice."""
    return st.permutations(range(count)).map(lambda order: (np.array(order, np.float32) + 1) / (count + 1))


threshold = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])


def is_clear(overlap: np.ndarray, threshold: float) -> bool:
    """Return whether no overlap is so near the threshold that float32 and float64 may differ about it."""
    return not (np.abs(overlap - threshold) < 1e-4).any()


@settings(deadline=None)
@given(boxes_of(5), boxes_of(4))
def test_overlap_equals_pycocotools_and_torchvision(a, b):
    import torch
    from pycocotools import mask as coco
    from torchvision.ops import box_iou

    expected = coco.iou(to_xywh(a), to_xywh(b), [0] * len(b))
    assert np.allclose(matching.iou(a, b), expected, atol=1e-4)
    assert np.allclose(matching.iou(a, b), box_iou(torch.from_numpy(a), torch.from_numpy(b)), atol=1e-5)
    assert np.allclose(matching.pair_iou(a[:4], b), np.diagonal(expected), atol=1e-4)
    crowd = coco.iou(to_xywh(a), to_xywh(b), [1] * len(b))
    assert np.allclose(matching.ioa(a, b), crowd, atol=1e-4)


def test_empty_and_inverted_boxes_overlap_nothing():
    nothing = np.array([[5, 5, 5, 5], [9, 9, 2, 2]], np.float32)
    assert not matching.iou(nothing, nothing).any() and not matching.ioa(nothing, nothing).any()
    assert matching.iou(np.zeros((0, 4), np.float32), nothing).shape == (0, 2)
    assert matching.nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []


@settings(deadline=None)
@given(boxes_of(12), unique(12), arrays(np.int64, 12, elements=st.integers(0, 2)), threshold)
def test_suppression_equals_torchvision(xyxy, confidence, class_id, limit):
    import torch
    from torchvision.ops import batched_nms, nms

    if not is_clear(matching.iou(xyxy, xyxy), limit):
        return
    boxes, scores = torch.from_numpy(xyxy), torch.from_numpy(confidence)
    assert matching.nms(xyxy, confidence, limit).tolist() == nms(boxes, scores, limit).tolist()
    by_class = batched_nms(boxes.double(), scores.double(), torch.from_numpy(class_id), limit)
    assert matching.nms(xyxy, confidence, limit, class_id).tolist() == by_class.tolist()


def test_distinct_keeps_the_given_order_and_stops_at_the_limit():
    xyxy = np.array([[0, 0, 10, 10], [0, 0, 10, 10.2], [20, 20, 30, 30]], np.float32)
    assert matching.distinct(xyxy, np.array([1, 0, 2]), 0.9, 5).tolist() == [1, 2]
    assert matching.distinct(xyxy, np.array([2, 0, 1]), 0.9, 1).tolist() == [2]
    assert matching.distinct(xyxy[[0, 0]], np.array([0, 1]), 1.0, 5).tolist() == [0], "the threshold itself repeats"


@settings(deadline=None)
@given(boxes_of(6), boxes_of(5), unique(6), threshold, arrays(np.bool_, 5))
def test_greedy_matching_equals_cocoeval(found, truth, confidence, limit, crowd):
    matched = matching.match_greedy(overlap_with(found, truth, crowd), confidence, limit, crowd)
    if is_clear(overlap_with(found, truth, crowd), limit):
        assert matched.tolist() == cocoeval_matches(found, truth, confidence, limit, crowd)


def overlap_with(found: np.ndarray, truth: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    wide = found.astype(np.float64), truth.astype(np.float64)
    return np.where(crowd, matching.ioa(*wide), matching.iou(*wide))


def cocoeval_matches(found, truth, confidence, limit, crowd) -> list[int]:
    """Return what pycocotools matches each detection with."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    sides = to_xywh(truth)
    rows = [
        {"id": i + 1, "image_id": 1, "category_id": 1, "bbox": box.tolist(), "area": float(box[2] * box[3]), "iscrowd": int(is_crowd)}
        for i, (box, is_crowd) in enumerate(zip(sides, crowd, strict=True))
    ]  # fmt: skip
    answers = [
        {"image_id": 1, "category_id": 1, "bbox": box.tolist(), "score": float(score)}
        for box, score in zip(to_xywh(found), confidence, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": rows}
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(answers), "bbox")
        judge.params.iouThrs, judge.params.areaRng, judge.params.areaRngLbl = np.array([limit]), [[0, 1e10]], ["all"]
        judge.evaluate()
    one = judge.evalImgs[0]
    by_id = dict(zip(one["dtIds"], one["dtMatches"][0], strict=True))
    return [int(by_id[row + 1]) - 1 for row in range(len(found))]


@settings(deadline=None, max_examples=50)
@given(arrays(np.float32, (4, 5), elements=st.floats(0, 1, width=32)), threshold)
def test_one_to_one_matching_is_the_best_of_all_pairings(overlap, limit):
    matched = matching.match_one_to_one(overlap, limit)
    pairs = [(row, column) for row, column in enumerate(matched) if column >= 0]
    assert len({column for _, column in pairs}) == len(pairs)
    assert all(overlap[row, column] >= limit for row, column in pairs)
    allowed = np.where(overlap >= limit, overlap, 0).astype(float)
    best = max(sum(allowed[row, column] for row, column in enumerate(order)) for order in permutations(range(5), 4))
    assert sum(allowed[row, column] for row, column in pairs) == pytest.approx(best, abs=1e-5)


def test_overlap_within_a_class_only():
    overlap = np.full((2, 2), 0.8, np.float32)
    kept = matching.within_class(overlap, np.array([1, 2]), np.array([1, 1]))
    assert kept.tolist() == [[np.float32(0.8)] * 2, [0, 0]]


def test_fusion_weighs_by_confidence_and_scales_by_votes():
    first = Detections.of([[0, 0, 100, 100], [300, 300, 340, 340]], [0.9, 0.8], [1, 1])
    second = Detections.of([[10, 10, 110, 110]], [0.3], [1])
    fused = matching.fuse_boxes([first, second])
    assert np.allclose(fused.xyxy, [[2.5, 2.5, 102.5, 102.5], [300, 300, 340, 340]], atol=1e-3)
    assert np.allclose(fused.confidence, [0.6, 0.4]), "0.8 by one of two detectors counts half"
    assert fused.data["votes"].tolist() == [2, 1]


def test_fusion_keeps_classes_apart_and_repeats_of_one_detector_from_counting_twice():
    boxes = [[0, 0, 100, 100], [0, 0, 100, 98]]
    apart = matching.fuse_boxes([Detections.of(boxes[:1], [0.9], [1]), Detections.of(boxes[:1], [0.9], [2])])
    assert sorted(apart.class_id.tolist()) == [1, 2] and apart.data["votes"].tolist() == [1, 1]
    repeated = matching.fuse_boxes([Detections.of(boxes, [0.9, 0.8], [1, 1])])
    assert len(repeated) == 1 and repeated.data["votes"].tolist() == [1]
    assert repeated.confidence[0] == pytest.approx(0.85), "never raised above the mean"


@settings(deadline=None)
@given(boxes_of(6), unique(6), threshold)
def test_fused_boxes_lie_around_what_they_stand_for(xyxy, confidence, limit):
    found = [Detections.of(xyxy[rows], confidence[rows], np.zeros(3, np.int64)) for rows in ([0, 1, 2], [3, 4, 5])]
    fused = matching.fuse_boxes(found, limit)
    assert 1 <= len(fused) <= 6 and (np.diff(fused.confidence) <= 0).all()
    assert (fused.xyxy >= xyxy.min(0) - 1e-3).all() and (fused.xyxy <= xyxy.max(0) + 1e-3).all()
    swapped = matching.fuse_boxes(found[::-1], limit)
    assert np.allclose(swapped.xyxy, fused.xyxy) and np.allclose(swapped.confidence, fused.confidence)


def test_fusion_of_nothing_and_of_refused_values():
    assert len(matching.fuse_boxes([Detections.empty(), Detections.empty()])) == 0
    with pytest.raises(BadInput, match="iou must be in"):
        matching.fuse_boxes([Detections.empty()], 0)
    with pytest.raises(BadInput, match="confidence"):
        matching.fuse_boxes([Detections.of([[0, 0, 1, 1]])])
