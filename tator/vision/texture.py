"""Gradient and texture histograms of many small images at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-5  # added to block norms, as scikit-image does
CLIP = 0.2  # L2-Hys: normalise, clip, normalise again (Dalal and Triggs 2005, section 6.4)


def hog(gray: NDArray[np.float32], orientations: int, cell: int, block: int = 1) -> NDArray[np.float32]:
    """Return histograms of oriented gradients, as scikit-image's hog gives one by one.

    Args:
        gray: (N, H, W) float32 intensities; H and W are multiples of `cell`.
        orientations: bins over 180 degrees.
        cell: side of a cell in pixels.
        block: side of a block in cells; blocks overlap and are normalised by L2-Hys.

    Returns:
        (N, blocks down * blocks across * block * block * orientations) float32.

    Source: Dalal and Triggs, Histograms of Oriented Gradients, CVPR 2005.
    """
    down, across = np.zeros_like(gray), np.zeros_like(gray)
    down[:, 1:-1] = gray[:, 2:] - gray[:, :-2]
    across[:, :, 1:-1] = gray[:, :, 2:] - gray[:, :, :-2]
    angle = np.arctan2(down, across)
    bins = np.floor(angle * np.float32(orientations / np.pi)).astype(np.int32) % orientations
    cells = _sum_cells(np.hypot(down, across), bins, orientations, cell)
    view = np.lib.stride_tricks.sliding_window_view
    windows = view(view(cells, block, axis=1), block, axis=2)
    blocks = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], -1)
    return _normalise(np.minimum(_normalise(blocks), CLIP)).reshape(len(gray), -1)


def _sum_cells(weight: NDArray, bins: NDArray, orientations: int, cell: int) -> NDArray[np.float32]:
    n, height, width = weight.shape
    rows, columns = height // cell, width // cell
    place = (np.arange(height) // cell)[:, None] * columns + np.arange(width) // cell
    index = ((np.arange(n)[:, None, None] * (rows * columns) + place) * orientations + bins).ravel()
    sums = np.bincount(index, weight.ravel(), n * rows * columns * orientations)
    return (sums / cell**2).astype(np.float32).reshape(n, rows, columns, orientations)


def _normalise(blocks: NDArray) -> NDArray:
    return blocks / np.sqrt((blocks**2).sum(-1, keepdims=True) + EPSILON**2)


def lbp(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return histograms of uniform local binary patterns of the 8 neighbours.

    Args:
        gray: (N, H, W) intensities.

    Returns:
        (N, 10) float32 that sum to 1: bins 0 to 8 count set neighbours of uniform patterns, 9 the rest.

    Source: Ojala, Pietikainen and Maenpaa, IEEE TPAMI 24(7), 2002, section 2.3.
    """
    n, height, width = gray.shape
    centre = gray[:, 1:-1, 1:-1]
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    code = np.zeros(centre.shape, np.uint8)
    for bit, (y, x) in enumerate(ring):
        code |= (gray[:, y : y + height - 2, x : x + width - 2] >= centre).astype(np.uint8) << bit
    index = np.arange(n)[:, None, None] * 10 + UNIFORM[code]
    return (np.bincount(index.ravel(), minlength=n * 10).reshape(n, 10) / centre[0].size).astype(np.float32)


def _uniform_bins() -> NDArray[np.int64]:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(1)
    return np.where(changes <= 2, bits.sum(1), 9)


UNIFORM = _uniform_bins()  # (256,) pattern -> bin
