"""Colour histograms, texture and gradients as an encoder: no weights, no download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tator.protocols import Card
from tator.types import Image
from tator.vision.texture import hog, lbp

SIDE = 64  # crops are stretched to this many pixels
BATCH = 64  # crops described at once: keeps the arrays in the processor's cache


class ColourTexture:
    """622 numbers a crop: HSV histogram, local binary patterns, gradients, LAB grid."""

    card = Card(
        "colour_texture",
        task="encode",
        label="Colour and texture",
        requires=("cv2",),
        license="MIT",
        source="HOG: Dalal and Triggs 2005; LBP: Ojala et al. 2002",
        expects="Names BCCD's three blood cell classes with accuracy .99 (always the largest class: .85) and needs "
        "about 25 labels a class; it knows colour and texture only, so classes that differ by meaning need "
        "CLIP or DINO.",
    )
    version = 1  # raise it when the features change: cached ones are then made anew, heads refused

    dim = 622

    def __init__(self, weights: Path | None, device: str) -> None:
        """Hold nothing: there is nothing to learn."""

    def encode(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, 622) float32 of unit length; each of the four parts weighs the same.

        Args:
            crops: N images (h, w, 3) of any size.
        """
        import cv2

        rows = np.zeros((len(crops), self.dim), np.float32)
        for start in range(0, len(crops), BATCH):
            batch = crops[start : start + BATCH]
            squares = [cv2.resize(crop, (SIDE, SIDE), interpolation=shrinking(crop)) for crop in batch]
            rows[start : start + len(batch)] = describe(np.stack(squares))
        return rows


def shrinking(crop: Image) -> int:
    """Return OpenCV's interpolation: area averages when made smaller, else linear."""
    import cv2

    return cv2.INTER_AREA if min(crop.shape[:2]) > SIDE else cv2.INTER_LINEAR


def describe(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 622) features of (N, SIDE, SIDE, 3) RGB images, unit length."""
    gray = convert(images, "COLOR_RGB2GRAY").astype(np.float32)
    parts = (np.sqrt(hsv_histogram(images)), lbp(gray), hog(gray, orientations=9, cell=16, block=2), lab_grid(images))
    return unit(np.concatenate([unit(part) for part in parts], axis=1))


def convert(images: NDArray[np.uint8], code: str) -> NDArray[np.uint8]:
    """Return a stack of images in another colour space, in one call of OpenCV."""
    import cv2

    n, height, width = images.shape[:3]
    found = np.asarray(cv2.cvtColor(images.reshape(n * height, width, 3), getattr(cv2, code)), np.uint8)
    return found.reshape(n, height, width, *found.shape[2:])


def hsv_histogram(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 192) shares of pixels by hue (12), saturation (4) and value (4)."""
    hsv = convert(images, "COLOR_RGB2HSV").astype(np.int32)
    bins = (hsv[..., 0] * 12 // 180) * 16 + (hsv[..., 1] // 64) * 4 + hsv[..., 2] // 64
    index = np.arange(len(images))[:, None, None] * 192 + bins
    return (np.bincount(index.ravel(), minlength=len(images) * 192).reshape(-1, 192) / bins[0].size).astype(np.float32)


def lab_grid(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 96) means and deviations of L, a and b in 4 x 4 cells."""
    lab = convert(images, "COLOR_RGB2LAB").astype(np.float32) / 255
    cells = lab.reshape(len(images), 4, SIDE // 4, 4, SIDE // 4, 3)
    mean = cells.mean((2, 4))
    spread = np.sqrt(np.maximum((cells * cells).mean((2, 4)) - mean**2, 0))
    return np.concatenate([mean.reshape(len(images), -1), spread.reshape(len(images), -1)], axis=1)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows scaled to length 1; rows of zeros stay."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
