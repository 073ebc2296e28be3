"""Read colours of 16 bits in full; Pillow cuts them to 8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.storage.depth import ROWS, Range, eight_bits
from tator.types import BadInput, Image

COLOURED = ("RGB", "RGBX", "RGBA", "LA")
OPAQUE = 65535


def has_deep_colours(picture: PIL.Image.Image) -> bool:
    """Return whether a picture, not decoded yet, has colours of 16 bits."""
    return picture.mode in COLOURED and any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))


def deep_colours(path: Path) -> NDArray[np.uint16]:
    """Return (H, W, 3 or 4) colours, in the frame that Pillow has them in.

    A TIFF is turned by its tag, a PNG is not.

    Raises:
        BadInput: they cannot be decoded.
    """
    import cv2

    found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        raise BadInput(f"{path.name}: its colours of 16 bits cannot be decoded")
    colours: NDArray[np.uint16] = np.asarray(found, np.uint16)
    for top in range(0, len(colours), ROWS):  # in place: a copy of a large image would fill the memory
        colours[top : top + ROWS, :, :3] = colours[top : top + ROWS, :, 2::-1].copy()
    return colours


def turned(pixels: NDArray, orientation: int) -> NDArray:
    """Return pixels (H, W) or (H, W, C) upright, as their EXIF orientation says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def shown_colours(found: NDArray[np.uint16], shown: Range | None = None) -> Image:
    """Return deep colours as (H, W, 3) uint8 RGB, transparency put on white.

    Args:
        found: (H, W, 3 or 4), from deep_colours.
        shown: values that become black and white; None is the image's own range.
    """
    colours = eight_bits(found[..., :3], shown)
    if found.shape[2] == 4:
        for top in range(0, len(found), ROWS):
            cover = found[top : top + ROWS, :, 3:].astype(np.float32) / OPAQUE
            colours[top : top + ROWS] = colours[top : top + ROWS] * cover + 255 * (1 - cover) + 0.5
    return colours


def encoded(colours: NDArray[np.uint16], ending: str) -> bytes:
    """Return deep colours as a file.

    Args:
        colours: (H, W, 3 or 4).
        ending: .png or .tif.
    """
    import cv2

    order = [2, 1, 0, 3][: colours.shape[2]]
    return cv2.imencode(ending, np.ascontiguousarray(colours[..., order]))[1].tobytes()
