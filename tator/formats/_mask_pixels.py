"""Whether a picture's pixels are those of a mask: few values, in flat areas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.storage.images import FORMATS, open_picture

MOST_PIXELS = 60_000_000  # of a picture that is decoded to be judged
MOST_VALUES = 1024  # different colours: ADE20K's masks have several hundred, a photograph tens of thousands
LEAST_FLAT = 0.8  # share of pixels equal to their left neighbour; photographs have at most a half
_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    MemoryError,
    OverflowError,
    PIL.Image.DecompressionBombError,
)
NEARLY_ALL = 0.95  # of a mask kept as JPEG lie within two of 16 levels of grey


def is_mask_like(path: Path, is_loose: bool = False) -> bool:
    """Return whether a picture could be a mask by its pixels.

    Args:
        path: of the file.
        is_loose: take every picture of few values, flat or not.
    """
    try:
        with open_picture(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return picture.mode in ("P", "1")
            is_lossy = picture.format in ("JPEG", "MPO")
            pixels = np.asarray(picture)
    except _ERRORS:
        return False
    return _is_two_grey(pixels) if is_lossy else _is_flat(pixels, 0.0 if is_loose else LEAST_FLAT)


def is_broken(path: Path) -> bool:
    """Return whether a picture cannot be decoded."""
    try:
        with open_picture(path, formats=FORMATS) as picture:
            if picture.width * picture.height <= MOST_PIXELS:
                picture.load()
    except _ERRORS:
        return True
    return False


def _is_flat(pixels: NDArray, least: float) -> bool:
    if pixels.dtype.kind not in "uib" or not pixels.size:
        return False
    codes = pixels if pixels.ndim == 2 else _codes(pixels)
    if codes.shape[1] > 1 and np.mean(codes[:, 1:] == codes[:, :-1]) < least:
        return False
    return np.unique(codes).size <= min(MOST_VALUES, max(2, codes.size // 8))


def _codes(pixels: NDArray) -> NDArray[np.uint32]:
    """Return one number for each colour."""
    channels = np.moveaxis(pixels.astype(np.uint32), -1, 0)
    return sum((channel << (8 * at) for at, channel in enumerate(channels[:4])), np.zeros(pixels.shape[:2], np.uint32))


def _is_two_grey(pixels: NDArray) -> bool:
    """Return whether nearly all of a JPEG is of two levels of grey."""
    if pixels.ndim == 3:
        channels = pixels.astype(np.int16)
        if np.mean(np.ptp(channels, axis=-1) > 12) > 1 - NEARLY_ALL:
            return False
        pixels = pixels[..., 0]
    counts = np.sort(np.bincount((pixels.ravel() >> 4), minlength=16))
    return counts[-2:].sum() >= NEARLY_ALL * pixels.size and bool(np.ptp(pixels) > 100)
