"""Pixels of mask pictures, and the connected parts in them, cut to their boxes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.storage.images import FORMATS, open_picture
from tator.types import BadInput, Mask
from tator.vision.masks import MOST_PIXELS

BLOCK = 4_000_000  # pixels that are looked at together
MOST_PARTS = 2_000  # of one class in one mask: more is noise, which is one object
Codes = NDArray[np.integer]
Box = tuple[int, int, int, int]
_ERRORS = (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError, struct.error, zlib.error)


@dataclass(frozen=True)
class Pixels:
    """A mask picture.

    Attributes:
        codes: (H, W) values, or colours as 0xRRGGBB.
        palette: {value: colour} where the values are numbers of colours.
        has_values: whether codes are values.
    """

    codes: Codes
    palette: dict[int, int] | None
    has_values: bool

    def coloured(self) -> Codes:
        """Return the colours of the pixels, (H, W), as 0xRRGGBB."""
        if not self.has_values:
            return self.codes
        values = np.arange(256, dtype=np.int32)
        table = values << 16 | values << 8 | values
        for value, colour in (self.palette or {}).items():
            table[value] = colour
        return table[np.minimum(self.codes, 255)]

    def colour_of(self, value: int) -> int | None:
        """Return the colour that a value is shown in, None where it has none."""
        if self.palette is not None:
            return self.palette.get(value)
        return value << 16 | value << 8 | value if 0 <= value <= 255 else None

    def valued(self) -> Codes:
        """Return the values of the pixels, (H, W): of grey colours their grey."""
        return self.codes if self.has_values else self.codes & 255


def size_of(path: Path) -> tuple[int, int] | None:
    """Return (width, height) of a picture's stored pixels, None where it has none."""
    try:
        with open_picture(path, formats=FORMATS) as picture:
            return picture.size
    except (*_ERRORS, PIL.Image.DecompressionBombError):
        return None


def read_pixels(path: Path) -> Pixels:
    """Return the pixels of a mask picture as they are stored.

    Raises:
        BadInput: it cannot be decoded, is too large, or its format loses pixels.
    """
    try:
        with open_picture(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadInput(f"{picture.width} x {picture.height} pixels are more than {MOST_PIXELS:,}")
            if picture.format in ("JPEG", "MPO"):
                raise BadInput("JPEG changes the values of pixels; expected PNG")
            return _pixels(picture)
    except (*_ERRORS, PIL.Image.DecompressionBombError) as error:
        raise BadInput(f"not a picture that can be read ({str(error)[:80] or type(error).__name__})") from error


def _pixels(picture: PIL.Image.Image) -> Pixels:
    if picture.mode == "P":
        flat = picture.getpalette("RGB") or []
        triples = zip(flat[0::3], flat[1::3], flat[2::3], strict=False)
        palette = {value: r << 16 | g << 8 | b for value, (r, g, b) in enumerate(triples)}
        return Pixels(np.asarray(picture), palette, True)
    if picture.mode in ("1", "L", "I", "I;16", "I;16B", "I;16L"):
        codes = np.asarray(picture)
        return Pixels(codes.astype(np.uint8) if picture.mode == "1" else codes, None, True)
    if picture.mode == "LA":
        return Pixels(np.asarray(picture)[..., 0], None, True)
    colours = np.asarray(picture.convert("RGBA")).view(">u4")[..., 0] >> 8  # bytes of red, green, blue and alpha
    return Pixels(colours, None, False)


def is_grey(colours: Collection[int]) -> bool:
    """Return whether colours, as 0xRRGGBB, are all shades of grey."""
    return all(colour >> 16 == colour & 255 == colour >> 8 & 255 for colour in colours)


@dataclass
class Extent:
    """Where the pixels of one code lie.

    Attributes:
        box: around them, x2 and y2 exclusive.
        area: how many there are.
    """

    box: Box
    area: int


def extents(codes: Codes) -> dict[int, Extent]:
    """Return {code: where its pixels lie} of a picture, (H, W), looked at once."""
    height, width = codes.shape
    found: dict[int, Extent] = {}
    step = max(1, BLOCK // max(width, 1))
    for top in range(0, height, step):
        for code, box, area in _block(codes[top : top + step]):
            x1, y1, x2, y2 = box[0], box[1] + top, box[2], box[3] + top
            if (known := found.get(code)) is None:
                found[code] = Extent((x1, y1, x2, y2), area)
            else:
                a, b, c, d = known.box
                known.box = (min(a, x1), min(b, y1), max(c, x2), max(d, y2))
                known.area += area
    return found


def _block(codes: Codes) -> Iterator[tuple[int, Box, int]]:
    """Yield (code, box, area) of some rows, from their runs of equal pixels."""
    height, width = codes.shape
    is_start = np.ones((height, width), bool)
    np.not_equal(codes[:, 1:], codes[:, :-1], out=is_start[:, 1:])
    rows, starts = np.nonzero(is_start)
    ends = np.append(starts[1:], 0)
    ends[ends == 0] = width  # each row begins with a run
    values, at = np.unique(codes[rows, starts], return_inverse=True)
    left, right = np.full(len(values), width), np.zeros(len(values), int)
    top, bottom = np.full(len(values), height), np.zeros(len(values), int)
    for least, by in ((left, starts), (top, rows)):
        np.minimum.at(least, at, by)
    for most, by in ((right, ends), (bottom, rows + 1)):
        np.maximum.at(most, at, by)
    areas = np.bincount(at, ends - starts, len(values))
    for number, value in enumerate(values.tolist()):
        box = int(left[number]), int(top[number]), int(right[number]), int(bottom[number])
        yield value, box, int(areas[number])


def cut(codes: Codes, box: Box) -> Codes:
    """Return the codes in a box."""
    x1, y1, x2, y2 = box
    return codes[y1:y2, x1:x2]


def parts(pixels: NDArray[np.bool_], x: int, y: int) -> list[Mask] | None:
    """Return the connected parts of some pixels; what touches at a corner is one.

    None where there are more than MOST_PARTS.

    Args:
        pixels: (H, W) of a part of an image.
        x: left edge of that part in image pixels.
        y: top edge.
    """
    import cv2

    count, numbers, stats, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    if count - 1 > MOST_PARTS:
        return None
    boxes = (tuple(map(int, stats[at][:4])) for at in range(1, count))
    return [
        Mask(x + left, y + top, numbers[top : top + height, left : left + width] == at)
        for at, (left, top, width, height) in enumerate(boxes, 1)
    ]
