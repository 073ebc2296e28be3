"""Keep large and deep images at every size, and cut tiles from them.

A pyramid is one file. It keeps values as they are stored, each level half as wide and high as the one before. So every
window over the values of a deep image is shown from the same file, and a tile costs no more than its own pixels.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.storage.caches import Cache, register_cache
from tator.storage.deep_colours import shown_colours
from tator.storage.depth import ROWS, Range, eight_bits
from tator.storage.images import _cached, _place
from tator.storage.stored_values import Depth, stored_values
from tator.types import NotFound, Unavailable

PYRAMIDS = register_cache(Cache("pyramids", "Large and deep images at every size, from which tiles are cut."))
TILE = 512  # pixels of a side
LEVELS = 9  # the last has a single row of each ROWS
HEAD = 1 << 13  # bytes in which a pyramid says what it holds
LIMIT = 8 << 30  # bytes of all pyramids of a workspace; those not looked at for longest go first
SPARE = 1 << 30  # bytes of the disk that pyramids leave free
TRIES = 3  # to make a pyramid that is deleted before it is read
FRESH_S = 60.0  # a look is noted no more often
KEY, ENDING = f"pyramid|{TILE}|1", ".tiles"

_one = threading.Lock()  # held while a pyramid is made: who wants the same one waits for it


@dataclass(frozen=True)
class Pyramid:
    """A pyramid on disk.

    Attributes:
        path: its file.
        width: of the image.
        height: of the image.
        kind: NumPy's name of the type of its values.
        channels: 1 grey, 3 colours, 4 colours with their cover.
        depth: what a deep image holds; None for one of 8 bits.
    """

    path: Path
    width: int
    height: int
    kind: str
    channels: int
    depth: Depth | None

    @property
    def version(self) -> str:
        """A name that changes with the image."""
        return self.path.stem

    @property
    def levels(self) -> int:
        """How many levels there are: down to one tile, LEVELS at most."""
        longest = max(self.width, self.height)
        return next((level + 1 for level in range(LEVELS) if longest <= TILE << level), LEVELS)

    def shape(self, level: int) -> tuple[int, ...]:
        """Return (H, W) or (H, W, C) of a level."""
        size = -(-self.height >> level), -(-self.width >> level)
        return size if self.channels == 1 else (*size, self.channels)

    def place(self, level: int) -> int:
        """Return where in the file a level begins; after the last one, its end."""
        item = np.dtype(self.kind).itemsize
        return HEAD + sum(int(np.prod(self.shape(below))) * item for below in range(level))

    def tile(self, level: int, x: int, y: int, shown: Range | None = None) -> bytes:
        """Return a tile as a PNG.

        Args:
            level: 0 is the image itself, each further one half as wide and high.
            x: column of the tile.
            y: row of the tile.
            shown: values of a deep image that become black and white; None is its own range.

        Raises:
            NotFound: there is no such tile.
        """
        if not 0 <= level < self.levels:
            raise NotFound(f"no level {level}: there are {self.levels}")
        shape = self.shape(level)
        if not (0 <= x * TILE < shape[1] and 0 <= y * TILE < shape[0]):
            raise NotFound(f"no tile {x}, {y} of level {level}: it has {shape[1]} x {shape[0]} pixels")
        part = self._part(level, (x * TILE, y * TILE, (x + 1) * TILE, (y + 1) * TILE), shown)
        file = io.BytesIO()
        PIL.Image.fromarray(part).save(file, "PNG", compress_level=1)
        return file.getvalue()

    def part(self, xyxy: tuple[int, int, int, int], least: int) -> NDArray[np.uint8]:
        """Return a part of the image, RGB, as small as it may be.

        Args:
            xyxy: the part, in whole pixels inside the image.
            least: pixels that its longer side keeps, where the image has so many.
        """
        longest = max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1])
        level = next(level for level in reversed(range(self.levels)) if level == 0 or longest >> level >= least)
        x1, y1, x2, y2 = xyxy
        part = self._part(level, (x1 >> level, y1 >> level, -(-x2 >> level), -(-y2 >> level)), None)
        return part if part.ndim == 3 else np.repeat(part[..., None], 3, 2)

    def _part(self, level: int, xyxy: tuple[int, int, int, int], shown: Range | None) -> NDArray[np.uint8]:
        x1, y1, x2, y2 = xyxy
        stored = np.memmap(self.path, self.kind, "r", self.place(level), self.shape(level))
        return self._shown(np.array(stored[y1:y2, x1:x2]), shown)

    def _shown(self, values: NDArray, shown: Range | None) -> NDArray[np.uint8]:
        if self.depth is None:
            return values
        ends = shown or (self.depth.low, self.depth.high)
        return shown_colours(values, ends) if self.channels > 1 else eight_bits(values, ends)


def pyramid(path: Path, folder: Path) -> Pyramid:
    """Return the pyramid of an image from the cache, made once for each content.

    Args:
        path: image file.
        folder: where pyramids are kept; safe to delete.

    Raises:
        BadInput: the image cannot be read; that is never cached.
        Unavailable: the disk has no room for it.
    """
    found = _place(path, folder, KEY, ENDING)
    for _ in range(TRIES):
        try:
            if not found.exists():
                with _one:
                    _cached(path, folder, KEY, ENDING, lambda file: _make(path, folder, file))
            return _read(found)
        except FileNotFoundError:  # the cache is emptied meanwhile
            continue
    raise Unavailable(f"{path.name}: its tiles were deleted while they were read; ask for them again")


def _read(path: Path) -> Pyramid:
    if time.time() - path.stat().st_mtime > FRESH_S:
        os.utime(path)
    with path.open("rb") as file:
        head = json.loads(file.read(HEAD).rstrip(b"\0"))
    depth = head.pop("depth")
    return Pyramid(path, **head, depth=Depth(**depth) if depth else None)


def _make(path: Path, folder: Path, file: BinaryIO) -> None:
    with stored_values(path) as values:
        first = values.rows(0, 1)
        channels = 1 if first.ndim == 2 else first.shape[2]
        depth = values.depth() if values.is_deep else None
        made = Pyramid(path, values.width, values.height, first.dtype.name, channels, depth)
        _make_room(folder, made.place(made.levels), path.name)
        facts = {name: getattr(made, name) for name in ("width", "height", "kind", "channels")}
        file.write(json.dumps(facts | {"depth": asdict(depth) if depth else None}).encode().ljust(HEAD, b"\0"))
        for top in range(0, values.height, ROWS):
            band = values.rows(top, min(top + ROWS, values.height))
            try:
                _write_band(file, made, band, top)
            except OSError as error:
                raise Unavailable(f"{path.name}: its tiles cannot be written: {error.strerror}") from error


def _write_band(file: BinaryIO, made: Pyramid, band: NDArray, top: int) -> None:
    """Write some rows of an image, and what becomes of them on every level."""
    for level in range(made.levels):
        row = int(np.prod(made.shape(level)[1:])) * band.dtype.itemsize
        file.seek(made.place(level) + (top >> level) * row)
        file.write(np.ascontiguousarray(band).data)
        if level + 1 < made.levels:
            band = halved(band)


def halved(values: NDArray) -> NDArray:
    """Return values (H, W) or (H, W, C) half as wide and high: each the mean of four.

    The last row or column of an odd number counts twice.
    """
    import cv2

    odd = [(0, values.shape[0] % 2), (0, values.shape[1] % 2), (0, 0)][: values.ndim]
    even = np.pad(values, odd, "edge") if any(more for _, more in odd) else np.ascontiguousarray(values)
    height, width = even.shape[0] // 2, even.shape[1] // 2
    if values.dtype in (np.uint8, np.uint16, np.float32):
        return cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    means = even.reshape(height, 2, width, 2, *even.shape[2:]).mean((1, 3), np.float64)
    return np.round(means).astype(values.dtype)


def _make_room(folder: Path, needed: int, name: str) -> None:
    """Delete the pyramids that were not looked at for longest until another one fits.

    Raises:
        Unavailable: the disk has no room for it even then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = sorted(_kept(folder), key=lambda found: found[1].st_mtime)
    total = sum(facts.st_size for _, facts in kept)
    for path, facts in kept:
        if total + needed <= LIMIT and shutil.disk_usage(folder).free >= needed + SPARE:
            break
        try:
            path.unlink(missing_ok=True)
            total -= facts.st_size
        except PermissionError:  # it is being read: some systems keep it until then
            continue
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise Unavailable(
            f"{name}: its tiles take {needed >> 20} MB, and the disk of the workspace has {free >> 20} MB free, "
            f"of which {SPARE >> 20} MB stay free"
        )


def _kept(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob(f"*/*{ENDING}"):
        try:
            yield path, path.stat()
        except FileNotFoundError:
            continue
