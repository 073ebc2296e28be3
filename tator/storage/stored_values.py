"""Read the stored values of large and deep images, upright, in bands of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.storage.deep_colours import deep_colours, has_deep_colours, turned
from tator.storage.depth import ROWS, sampled_range, sampling_step
from tator.storage.images import LARGE, _is_deep, _opened, _orientation, _rgb, _size, one_large

BINS = 256  # of a histogram
Cut = Callable[[int, int, int, int], NDArray]  # x1, y1, x2, y2 in the file's own frame


@dataclass(frozen=True)
class Depth:
    """What a deep image holds.

    Attributes:
        lowest: its lowest value that is a number.
        highest: its highest.
        low: value that is shown black unless another is asked for.
        high: value that is shown white unless another is asked for.
        counts: how many of the sampled values lie in each of the equal parts from lowest to highest.
    """

    lowest: float
    highest: float
    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True)
class StoredValues:
    """An open image.

    Attributes:
        width: of the upright image.
        height: of the upright image.
        is_deep: whether its values are of more than 8 bits.
        rows: returns the values of rows from one up to another, (H, W) grey or (H, W, 3 or 4) colours.
        depth: reads what a deep image holds; colours' own cover counts for none.
    """

    width: int
    height: int
    is_deep: bool
    rows: Callable[[int, int], NDArray]
    depth: Callable[[], Depth]


def needs_tiles(path: Path) -> tuple[bool, bool]:
    """Return whether an image is large, and whether it is deep, without decoding it.

    Raises:
        BadInput: the file cannot be read.
    """
    with _opened(path) as picture:
        return picture.width * picture.height > LARGE, _is_deep(picture)


@contextmanager
def stored_values(path: Path) -> Iterator[StoredValues]:
    """Open an image's values; it is decoded once, and held while it is open.

    Raises:
        BadInput: the file cannot be read.
    """
    with _opened(path) as picture, one_large(picture):
        orientation, is_deep, (width, height) = _orientation(picture), _is_deep(picture), _size(picture)
        is_sideways, is_backwards = orientation >= 5, orientation in (3, 4, 7, 8)
        across, down = picture.size
        cut = _cut_colours(path) if has_deep_colours(picture) else _cut_picture(picture, is_deep)

        def rows(first: int, last: int) -> NDArray:
            if is_backwards:
                first, last = height - last, height - first
            return turned(cut(first, 0, last, down) if is_sideways else cut(0, first, across, last), orientation)

        yield StoredValues(width, height, is_deep, rows, lambda: _depth(cut, across, down))


def _cut_colours(path: Path) -> Cut:
    pixels = deep_colours(path)
    return lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2]


def _cut_picture(picture: PIL.Image.Image, is_deep: bool) -> Cut:
    """Decode a picture; return what cuts deep values, 8-bit grey or RGB from it."""
    picture.seek(0)
    is_stored = is_deep or picture.mode == "L" and "transparency" not in picture.info
    picture.load()

    def cut(x1: int, y1: int, x2: int, y2: int) -> NDArray:
        part = picture.crop((x1, y1, x2, y2))
        values = np.asarray(part if is_stored else _rgb(part, None))
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    return cut


def _depth(cut: Cut, width: int, height: int) -> Depth:
    """Go through a deep image for its ends, and sample it as `own_range` does."""
    lowest, highest, seen = np.inf, -np.inf, 0
    sampled: list[NDArray] = []
    for first in range(0, height, ROWS):
        values = cut(0, first, width, min(first + ROWS, height))
        flat = values[..., :3].ravel() if values.ndim == 3 else values.ravel()
        step = sampling_step(flat.size // len(values) * height)
        sampled.append(flat[-seen % step :: step])
        seen += flat.size
        finite = flat if flat.dtype.kind in "iu" else flat[np.isfinite(flat)]
        if finite.size:
            lowest, highest = min(lowest, float(finite.min())), max(highest, float(finite.max()))
    sample = np.concatenate(sampled)
    low, high = sampled_range(sample)
    if lowest > highest:
        lowest, highest = low, high
    counts, _ = np.histogram(sample[np.isfinite(sample)], BINS, (lowest, max(highest, lowest + 1)))
    return Depth(lowest, highest, low, high, counts.tolist())
