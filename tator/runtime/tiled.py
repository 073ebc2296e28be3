"""Ask a detector or finder about a large image tile by tile.

Small objects keep their pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tator.types import Detections, Image
from tator.vision.matching import ioa, nms
from tator.vision.tiles import OVERLAP, tiles_of

BATCH = 8  # tiles of one call: what a detector takes together, and how long others wait for the device
DUPLICATE = 0.5  # boxes of one class that overlap more than this are one object
FRAGMENT = 0.7  # a box cut off by its tile is a part of another that holds this share of it
EDGE = 1.0  # pixels from a tile's inner edge within which a box counts as cut off

Detect = Callable[[Sequence[Image]], Sequence[Detections]]


def detect_tiled(
    detect: Detect, image: Image, size: int, overlap: float = OVERLAP, iou: float = DUPLICATE, batch: int = BATCH
) -> Detections:
    """Return the objects of an image that is looked at in tiles, best first.

    What two tiles both show is kept once; a box that a tile's edge cut off gives way to the whole
    one in the next tile.

    Args:
        detect: answers a batch of tiles: lends the model, so that others can cut in between batches.
        image: the whole image.
        size: of a tile's side in pixels.
        overlap: share of its side that a tile shares with the next; as wide as the largest object.
        iou: boxes of one class that overlap more are one object, in [0, 1].
        batch: tiles of one call.

    Raises:
        BadInput: size or overlap is out of range, or the image has too many tiles.
    """
    tiles = tiles_of(image.shape[1], image.shape[0], size, overlap)
    parts, cut = [], []
    for start in range(0, len(tiles), batch):
        several = tiles[start : start + batch]
        crops = [image[top:bottom, left:right] for left, top, right, bottom in several]
        for tile, answer in zip(several, detect(crops), strict=True):
            parts.append(_moved(answer, tile))
            cut.append(_is_cut(parts[-1].xyxy, tile, image))
    return _merged(Detections.concat(parts), np.concatenate(cut), iou)


def find_tiled(
    find: Callable[[Image], Sequence[Detections]],
    image: Image,
    size: int,
    overlap: float = OVERLAP,
    iou: float = DUPLICATE,
) -> list[Detections]:
    """Return the instances of each phrase, found in tiles, best first.

    Args:
        find: answers one tile, one Detections a phrase, class_id its row, as ConceptSegmenter.find does.
        image: the whole image.
        size: of a tile's side in pixels.
        overlap: share of its side that a tile shares with the next; as wide as the largest object.
        iou: boxes of one phrase that overlap more are one object, in [0, 1].

    Raises:
        BadInput: size or overlap is out of range, or the image has too many tiles.
    """
    counts: list[int] = []

    def detect(crops: Sequence[Image]) -> list[Detections]:
        answers = [find(crop) for crop in crops]
        counts.extend(len(answer) for answer in answers)
        return [Detections.concat(answer) for answer in answers]

    every = detect_tiled(detect, image, size, overlap, iou, batch=1)
    return [every[every.class_id == row] for row in range(max(counts))]


def _moved(answer: Detections, tile: NDArray[np.int64]) -> Detections:
    """Return a tile's detections in the pixels of the image."""
    left, top = int(tile[0]), int(tile[1])
    xyxy = answer.xyxy + np.array([left, top, left, top], np.float32)
    masks = answer.mask and tuple(replace(mask, x=mask.x + left, y=mask.y + top) for mask in answer.mask)
    return replace(answer, xyxy=xyxy, mask=masks)


def _is_cut(xyxy: NDArray[np.float32], tile: NDArray[np.int64], image: Image) -> NDArray[np.bool_]:
    """Return (N,) whether each box ends at an inner edge of its tile.

    An edge that is also the image's does not count.
    """
    height, width = image.shape[:2]
    low, high = tile[:2], tile[2:]
    at_low = (xyxy[:, :2] <= low + EDGE) & (low > 0)
    at_high = (xyxy[:, 2:] >= high - EDGE) & (high < [width, height])
    return np.any(at_low | at_high, axis=1)


def _merged(every: Detections, is_cut: NDArray[np.bool_], iou: float) -> Detections:
    """Return detections without fragments and duplicates, best first."""
    whole = every[~_fragments(every, is_cut)]
    return whole[nms(whole.xyxy, whole.confidence, iou, whole.class_id)]


def _fragments(every: Detections, is_cut: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) whether each box is the cut-off part of a larger one of its class."""
    found = np.zeros(len(every), bool)
    area = np.prod(every.xyxy[:, 2:] - every.xyxy[:, :2], axis=1)
    for row in np.flatnonzero(is_cut):
        larger = np.flatnonzero((every.class_id == every.class_id[row]) & (area > area[row]))
        if len(larger):
            found[row] = ioa(every.xyxy[row : row + 1], every.xyxy[larger]).max() >= FRAGMENT
    return found
