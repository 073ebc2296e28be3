"""GrabCut: masks from the colours around a box or points; nothing to download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tator.models._clicks import check_prompt
from tator.protocols import Card, Embedding, Prompt
from tator.types import Detections, Image
from tator.vision.boxes import Boxes, clip, pad
from tator.vision.masks import box_of, of_dense

SIDE = 200  # longest side GrabCut works on, pixels: 10 to 100 ms (facts, section 6)
ROUNDS = 5  # iterations, as in OpenCV's example
AROUND = 0.35  # share of the box added on each side to learn the background's colours from
CORE = 0.4  # share of the box's sides that is surely the object
REACH = 0.2  # how far an object may reach from its points where nothing else says so, share of the image's shorter side
LEAST_REACH = 14.0  # half a side of the first window around a click, pixels
GROWTH = 1.5  # how much larger the next window is
MOST_REACH = 0.5  # half a side of the largest window, share of the image's shorter side
STEADY = 0.88  # overlap of what two windows in turn show from which it is the same object
MOST_SHARE = 0.15  # of a window that an object fills: masks that filled more of drawn scenes had run into the ground
LEAST_SHARE = 0.01  # of a window: less is the disc of DISC around the point, which every answer holds
RIM = 2  # pixels at a window's edge
DISC = 0.02  # radius around a point, share of the working area's longest side


class GrabCut:
    """Masks by colour, from a box or from points.

    An explicit action whose result a person looks at.
    """

    card = Card(
        "grabcut",
        task="segment",
        label="GrabCut mask",
        requires=("cv2",),
        license="Apache-2.0",
        rank=0,
        source="Rother, Kolmogorov and Blake, SIGGRAPH 2004",
        expects="Cuts an object out by colour where it stands out from its background; as a box tool it makes boxes "
        "worse (BCCD, boxes 15% off: IoU .63 from .74 for red cells, .41 from .74 for platelets), so look at "
        "the preview before keeping it.",
    )

    def __init__(self, weights: Path | None, device: str) -> None:
        """Hold nothing: everything is learned from the one image."""

    def embed(self, image: Image) -> Embedding:
        """Keep the image as it is."""
        return Embedding(self.card.id, image.shape[1], image.shape[0], image, image.nbytes)

    def segment(self, embedding: Embedding, prompt: Prompt) -> Detections:
        """Return one candidate with its mask, or none where no object stands out.

        Its confidence is NaN: GrabCut has no measure of how good a mask is.

        Raises:
            BadInput: the embedding is another model's, or the prompt is empty.
        """
        check_prompt(self.card, embedding, prompt)
        image = embedding.features
        if prompt.box is None and len(prompt.points) == 1:
            return detections_of(grown(image, prompt.points), 0, 0)
        box = self._region(prompt, embedding)
        left, top, right, bottom = np.round(clip(pad(box, AROUND), embedding.width, embedding.height)[0]).astype(int)
        part = image[top:bottom, left:right]
        if min(part.shape[:2]) < 3:
            return Detections.empty()
        inner = box[0] - [left, top, left, top]
        found = cut(part, inner, prompt.points - [left, top], prompt.labels, is_tight=prompt.box is not None)
        return detections_of(found, left, top)

    def _region(self, prompt: Prompt, embedding: Embedding) -> Boxes:
        """Return (1, 4): the box, or the area that the points speak about."""
        if prompt.box is not None:
            return np.asarray(prompt.box, np.float32).reshape(1, 4)
        positive, negative = prompt.points[prompt.labels], prompt.points[~prompt.labels]
        low, high = positive.min(0), positive.max(0)
        reach = REACH * min(embedding.width, embedding.height)
        if len(negative):
            reach = max(reach, float(np.linalg.norm(negative - (low + high) / 2, axis=1).max()))
        reach = max(reach, float((high - low).max()) / 2)
        return clip(np.concatenate([low - reach, high + reach])[None], embedding.width, embedding.height)


def detections_of(found: NDArray[np.bool_], left: int, top: int) -> Detections:
    """Return an object's pixels as detections; none where no pixel is on.

    Args:
        found: (h, w) pixels of the object.
        left: where they begin in the image, pixels.
        top: where they begin in the image, pixels.
    """
    mask = of_dense(found, left, top)
    if mask is None:
        return Detections.empty()
    drawn = Detections.of(box_of(mask))
    return Detections(drawn.xyxy, drawn.confidence, drawn.class_id, (mask,))


def grown(image: Image, points: NDArray) -> NDArray[np.bool_]:
    """Return (H, W) pixels of the object at a point that nothing else bounds.

    None is on where no object stands out.

    A point does not say how large its object is. GrabCut is asked in larger and larger windows around it: what stands out
    is the same in two windows in turn, fills a small part of them and does not reach their rim. The largest such object
    counts, as a smaller one is a part of it. Colours that run on to the rim, or a mask that is another in each window, are
    no object.

    Args:
        image: (H, W, 3).
        points: (1, 2) on the object, image pixels.
    """
    height, width = image.shape[:2]
    middle, reach, before, best = points[0], LEAST_REACH, None, np.zeros((height, width), bool)
    while reach <= max(MOST_REACH * min(height, width), LEAST_REACH):
        found, share = _in_window(image, middle, reach, points)
        if before is not None and LEAST_SHARE <= before[1] <= MOST_SHARE and overlap(before[0], found) >= STEADY:
            best = before[0]
        before, reach = (found, share), reach * GROWTH
    return best


def _in_window(image: Image, middle: NDArray, reach: float, points: NDArray) -> tuple[NDArray[np.bool_], float]:
    """Return (H, W) pixels found in a window, and their share of it.

    The share is infinite where they reach the window's rim inside the image.
    """
    height, width = image.shape[:2]
    around = np.concatenate([middle - reach, middle + reach])[None]
    left, top, right, bottom = np.round(clip(around, width, height)[0]).astype(int)
    part = cut(image[top:bottom, left:right], np.array([0, 0, right - left, bottom - top]), points - [left, top],
               np.ones(len(points), bool), is_tight=False)  # fmt: skip
    inner = part[RIM * (top > 0) : part.shape[0] - RIM * (bottom < height),
                 RIM * (left > 0) : part.shape[1] - RIM * (right < width)]  # fmt: skip
    found = np.zeros((height, width), bool)
    found[top:bottom, left:right] = part
    return found, float(part.mean()) if inner.sum() == part.sum() else np.inf


def overlap(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    """Return the intersection over union of two masks, 0 where both are empty."""
    either = int((one | two).sum())
    return int((one & two).sum()) / either if either else 0.0


def cut(part: Image, box: NDArray, points: NDArray, labels: NDArray[np.bool_], is_tight: bool) -> NDArray[np.bool_]:
    """Return (h, w) pixels of the object in a part of an image.

    Args:
        part: (h, w, 3).
        box: (4,) where the object lies, part pixels; outside of it is background.
        points: (P, 2) part pixels.
        labels: (P,) True on the object.
        is_tight: the box is the object's, so its middle surely belongs to it.
    """
    import cv2

    height, width = part.shape[:2]
    zoom = min(1.0, SIDE / max(height, width))
    small = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA) if zoom < 1 else part
    trimap = draw_trimap(small.shape[:2], box * zoom, points * zoom, labels, is_tight)
    cv2.setRNGSeed(0)  # its k-means starts at random: the same click gives the same mask
    back, front = np.zeros((1, 65)), np.zeros((1, 65))  # the colour models OpenCV fills
    nowhere = (0, 0, 0, 0)  # the box is ignored where a mask is given
    cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), trimap, nowhere, back, front, ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    found = meant(found, points[labels] * zoom)
    return cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5


def draw_trimap(
    shape: tuple[int, int],
    box: NDArray,
    points: NDArray,
    labels: NDArray[np.bool_],
    is_tight: bool,
) -> NDArray[np.uint8]:
    """Return what is surely or probably object or background, in OpenCV's four values."""
    import cv2

    height, width = shape
    trimap = np.full(shape, cv2.GC_BGD if is_tight else cv2.GC_PR_BGD, np.uint8)
    x1, y1, x2, y2 = np.clip(np.round(box), 0, [width, height, width, height]).astype(int)
    if is_tight:
        trimap[y1:y2, x1:x2] = cv2.GC_PR_FGD
    if not (trimap == cv2.GC_BGD).any():  # nothing is surely background: learn it from the rim
        trimap[[0, -1]], trimap[:, [0, -1]] = cv2.GC_BGD, cv2.GC_BGD
    if is_tight and not len(points):
        middle = (int(x1 + x2) // 2, int(y1 + y2) // 2)
        axes = (max(1, int((x2 - x1) * CORE / 2)), max(1, int((y2 - y1) * CORE / 2)))
        cv2.ellipse(trimap, middle, axes, 0, 0, 360, cv2.GC_FGD, -1)
    radius = max(1, round(DISC * max(shape)))
    for (x, y), is_on in zip(points, labels, strict=True):
        if not is_tight and is_on:
            cv2.circle(trimap, (round(x), round(y)), radius * 5, cv2.GC_PR_FGD, -1)
    for (x, y), is_on in zip(points, labels, strict=True):
        cv2.circle(trimap, (round(x), round(y)), radius, cv2.GC_FGD if is_on else cv2.GC_BGD, -1)
    return trimap


def meant(found: NDArray[np.uint8], positive: NDArray) -> NDArray[np.uint8]:
    """Return the components that hold positive points.

    Without points, the largest component.
    """
    import cv2

    count, parts, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    if count < 2:
        return found
    height, width = found.shape
    hit = {int(parts[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)]) for x, y in positive} - {0}
    wanted = hit or {1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())}
    return np.isin(parts, list(wanted)).astype(np.uint8)
