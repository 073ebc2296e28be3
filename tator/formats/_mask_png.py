"""Masks as PNG images, as several formats hold them: on where not black."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.formats import Label
from tator.formats._shapes import mask_of
from tator.storage.images import PIXEL_LIMIT, open_picture
from tator.types import BadInput
from tator.vision import masks

_ERRORS = (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError, struct.error, zlib.error)


def read_mask(content: bytes, most_pixels: int = PIXEL_LIMIT) -> NDArray[np.bool_]:
    """Return a PNG's pixels, (H, W) bool.

    A file that is too large is refused before it is decoded.

    Args:
        content: of the file.
        most_pixels: it may have.

    Raises:
        BadInput: it is not a PNG, damaged, or larger.
    """
    try:
        with open_picture(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.width * picture.height > most_pixels:
                raise BadInput(f"{picture.width} x {picture.height} is larger than the image")
            if picture.mode.startswith("I"):  # deep grey, which "L" would cut off at 255
                return np.asarray(picture) > 0
            return np.asarray(picture if picture.mode == "1" else picture.convert("L")) > 0
    except (*_ERRORS, PIL.Image.DecompressionBombError) as error:
        raise BadInput(f"not a PNG that can be read ({str(error)[:60] or type(error).__name__})") from error


def draw_mask(label: Label, width: int, height: int) -> bytes:
    """Return an object's pixels as a PNG of the whole image.

    It is black where the object has neither outline nor mask.
    """
    mask = mask_of(label, width, height)
    return write_mask(masks.to_dense(mask, width, height) if mask else np.zeros((height, width), bool))


def write_mask(pixels: NDArray[np.bool_]) -> bytes:
    """Return (H, W) bool as a PNG of one bit a pixel."""
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
