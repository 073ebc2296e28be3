"""Pictures of single objects, cut out of their images for people to judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import PIL.Image
import PIL.ImageDraw

from tator.storage.caches import Cache, register_cache
from tator.storage.images import _cached, _opened, _upright_rgb
from tator.storage.pyramids import pyramid
from tator.storage.stored_values import needs_tiles
from tator.types import BadInput

CROPS = register_cache(Cache("crops", "Pictures of single objects with their surroundings, for the review."))
Part = tuple[int, int, int, int]  # x1, y1, x2, y2 in whole pixels
SURROUNDINGS = 0.2  # of the longer side of a box, shown around it
LEAST_ROOM = 8.0  # pixels
LINE, RIM = (255, 255, 255), (20, 20, 28)  # the outline is seen on bright and on dark images


def crop(path: Path, cache_folder: Path, xyxy: Sequence[float], size: int = 192, pyramids: Path | None = None) -> Path:
    """Return a small upright JPEG of a box and its surroundings from the cache.

    The outline of the box is drawn.

    Args:
        path: image file.
        cache_folder: where crops are kept; safe to delete.
        xyxy: the box, in pixels of the upright image.
        size: longest side in pixels; what is smaller is not enlarged.
        pyramids: where those of large images are kept, so that these are decoded once for all crops; None decodes each time.

    Raises:
        BadInput: the image cannot be read, or the box lies outside it; that is never cached.
    """

    def write(file: BinaryIO) -> None:
        cut, part = _cut(path, xyxy, size, pyramids)
        cut.thumbnail((size, size), PIL.Image.Resampling.LANCZOS)
        scale = cut.width / (part[2] - part[0])
        _outline(cut, [(v - part[at % 2]) * scale for at, v in enumerate(xyxy)])
        cut.save(file, "JPEG", quality=85)

    return _cached(path, cache_folder, f"crop|{size}|{','.join(f'{v:.1f}' for v in xyxy)}", ".jpg", write)


def _cut(path: Path, xyxy: Sequence[float], size: int, pyramids: Path | None) -> tuple[PIL.Image.Image, Part]:
    """Return the surroundings of a box, not too small, and their place."""
    if pyramids is not None and needs_tiles(path)[0]:
        found = pyramid(path, pyramids)
        part = _inside(path, xyxy, found.width, found.height)
        return PIL.Image.fromarray(found.part(part, size)), part
    with _opened(path) as picture:
        shown = _upright_rgb(picture)
    part = _inside(path, xyxy, *shown.size)
    return shown.crop(part), part


def _inside(path: Path, xyxy: Sequence[float], width: int, height: int) -> Part:
    part = _surroundings(xyxy, width, height)
    if not (part[0] < part[2] and part[1] < part[3]):
        raise BadInput(f"{path.name}: {list(xyxy)} lies outside its {width} x {height} pixels")
    return part


def _surroundings(xyxy: Sequence[float], width: int, height: int) -> Part:
    """Return the part of an image around a box; empty where that is outside."""
    x1, y1, x2, y2 = xyxy
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        return 0, 0, 0, 0
    room = max(SURROUNDINGS * max(x2 - x1, y2 - y1), LEAST_ROOM)
    return max(0, int(x1 - room)), max(0, int(y1 - room)), min(width, int(x2 + room)), min(height, int(y2 + room))


def _outline(picture: PIL.Image.Image, xyxy: Sequence[float]) -> None:
    x1, y1, x2, y2 = map(round, xyxy)
    pen = PIL.ImageDraw.Draw(picture)
    for out, colour in ((2, RIM), (1, LINE)):
        pen.rectangle((x1 - out, y1 - out, max(x1, x2 - 1 + out), max(y1, y2 - 1 + out)), outline=colour)
