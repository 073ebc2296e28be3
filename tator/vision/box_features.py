"""Features of boxes and their surroundings.

A linear model learns from them where the edges of an object are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tator.types import Image
from tator.vision.boxes import Boxes
from tator.vision.texture import hog

SIZE = 48  # side of the context crop in pixels
CONTEXT = 0.35  # share of the box's size added on each side before the crop
INSIDE = slice(12, 36)  # rows or columns of the crop that lie mostly in the box
MIDDLE = np.zeros(SIZE, np.float32)  # weights that average them
MIDDLE[INSIDE] = 1 / 24
THUMB = np.repeat(np.eye(12, dtype=np.float32) / 4, 4, axis=1)  # (12, SIZE): averages each 4 pixels
VERSION = 1  # raise it when the features change: old weights are then refused
DIM = 1_296
ROWS = 512  # of an image converted at once


def lab_image(image: Image) -> NDArray[np.uint8]:
    """Return the image as (H, W, 4): L, a, b and gray, each 0 to 255."""
    import cv2

    planes = np.empty((*image.shape[:2], 4), np.uint8)
    for top in range(0, len(image), ROWS):  # a large image would be held three times
        band = image[top : top + ROWS]
        planes[top : top + ROWS, :, :3] = cv2.cvtColor(band, cv2.COLOR_RGB2LAB)
        planes[top : top + ROWS, :, 3] = cv2.cvtColor(band, cv2.COLOR_RGB2GRAY)
    return planes


def context_crops(lab: NDArray[np.uint8], xyxy: Boxes) -> NDArray[np.uint8]:
    """Return (N, SIZE, SIZE, 4) square crops of boxes with their surroundings."""
    import cv2

    crops = np.empty((len(xyxy), SIZE, SIZE, 4), np.uint8)
    for row, (x1, y1, x2, y2) in enumerate(np.asarray(xyxy, np.float64)):
        width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
        zoom = np.array([SIZE / (width * (1 + 2 * CONTEXT)), SIZE / (height * (1 + 2 * CONTEXT))])
        shift = -zoom * [x1 - CONTEXT * width, y1 - CONTEXT * height]
        matrix = np.array([[zoom[0], 0, shift[0]], [0, zoom[1], shift[1]]])
        cv2.warpAffine(lab, matrix, (SIZE, SIZE), crops[row], cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    return crops


def describe(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, DIM) features of context crops.

    They are colour profiles, a thumbnail and gradients.

    Source: facts measured on BCCD, "a box refiner learned from the user's own boxes".
    """
    n = len(crops)
    if not n:
        return np.zeros((0, DIM), np.float32)
    planes = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
    gray, lab = planes[:, 3] * np.float32(255), planes[:, :3]
    lab = lab - np.median(lab.reshape(n, 3, -1), axis=2)[:, :, None, None]
    profiles = [MIDDLE @ lab, lab @ MIDDLE, spread(lab, axis=2), spread(lab, axis=3)]
    thumbs = THUMB @ lab @ THUMB.T
    gradients = hog(gray, orientations=8, cell=8)
    return np.concatenate([part.reshape(n, -1) for part in [*profiles, thumbs, gradients]], axis=1).astype(np.float32)


def spread(planes: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the standard deviation along an axis, at a third of the cost of np.std."""
    return np.sqrt(np.maximum((planes * planes).mean(axis) - planes.mean(axis) ** 2, 0))


def describe_boxes(lab: NDArray[np.uint8], xyxy: Boxes) -> NDArray[np.float32]:
    """Return (N, DIM) features of boxes in an image from `lab_image`."""
    return describe(context_crops(lab, xyxy))


def deltas(xyxy: Boxes, target: Boxes) -> NDArray[np.float32]:
    """Return (N, 4) distances of each side from the target's.

    Each is a share of the width or height.
    """
    return np.divide(target - xyxy, np.tile(xyxy[:, 2:] - xyxy[:, :2], 2))


def apply_deltas(xyxy: Boxes, moves: NDArray[np.float32]) -> Boxes:
    """Return the boxes with each side moved by a share of width or height."""
    return (xyxy + moves * np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)).astype(np.float32)
