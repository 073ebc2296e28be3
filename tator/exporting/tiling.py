"""Cut the images of an export into tiles, with what of their labels lies in each."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.exporting.cut_attributes import cut_attributes, hidden_count
from tator.formats import Label
from tator.formats.writing import Written
from tator.storage.images import read_image
from tator.types import BadInput, Image, Mask, Progress, Work
from tator.vision import masks, tiles

# Four tiles cover any object that is no larger than a tile, so one of them shows a quarter of it or more: none is lost.
# A higher limit could lose some; a lower one labels slivers that nobody could name.
MIN_VISIBLE = 0.25
SMALLEST_TILE, LARGEST_TILE = 32, 10_000  # pixels of a side
JPEGS = frozenset(".jpg .jpeg .jpe .jfif .mpo".split())
JPEG_QUALITY = 95
LONGEST_NAME = 240  # bytes: room for an ending under what file systems take
AT_ONCE = 16  # tiles encoded before they are written, so that memory does not grow with the image
ENCODERS = 4  # threads; Pillow encodes outside Python's lock


@dataclass(frozen=True)
class Tiling:
    """How images are cut.

    Attributes:
        size: of a tile's side in pixels.
        overlap: share of its side that a tile shares with the next.
        min_visible: share of an object's area that a tile must show for the object to be labelled there.
        keep_empty: keep tiles without objects.
    """

    size: int
    overlap: float = tiles.OVERLAP
    min_visible: float = MIN_VISIBLE
    keep_empty: bool = True

    def __post_init__(self) -> None:
        if not SMALLEST_TILE <= self.size <= LARGEST_TILE:
            raise BadInput(f"tile_px must be 0 or from {SMALLEST_TILE} to {LARGEST_TILE}, is {self.size}")
        if not 0 <= self.overlap <= tiles.MOST_OVERLAP:
            raise BadInput(f"tile_overlap must be from 0 to {tiles.MOST_OVERLAP:g}, is {self.overlap:g}")
        if not 0 <= self.min_visible <= 1:
            raise BadInput(f"tile_min_visible must be from 0 to 1, is {self.min_visible:g}")

    def tiles(self, width: int, height: int) -> NDArray[np.int64]:
        """Return the (N, 4) tiles of an image; see tiles.tiles_of."""
        return tiles.tiles_of(width, height, self.size, self.overlap)

    def problem(self, width: int, height: int) -> str:
        """Say why an image cannot be cut, or ""."""
        try:
            self.tiles(width, height)
        except BadInput as error:
            return str(error)
        return ""


@dataclass
class Tally:
    """What came of cutting.

    Attributes:
        tiles: that are kept.
        bare: of these, the ones without objects.
        bare_left_out: tiles left out because they have no objects.
        labels: objects in tiles; one in two tiles counts twice.
        pieces: objects at the edge of a tile that shows too little of them, not labelled there.
        lost: objects that no tile shows enough of.
        captions: left out, as they speak of whole images.
        notes_of_images: left out likewise.
        turned: rotations left out, as the edge of a tile cuts the turned box.
        hidden: key points that lie outside the tile that shows their object.
    """

    tiles: int = 0
    bare: int = 0
    bare_left_out: int = 0
    labels: int = 0
    pieces: int = 0
    lost: int = 0
    captions: int = 0
    notes_of_images: int = 0
    turned: int = 0
    hidden: int = 0

    def add(self, other: Tally) -> None:
        """Add another's counts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @classmethod
    def of(cls, found: Iterable[SplitTiles]) -> Tally:
        """Return the counts of several splits together."""
        whole = cls()
        for each in found:
            whole.add(each.tally)
        return whole

    def facts(self) -> dict:
        """Return what an export says of its tiles."""
        return {
            "tiles": self.tiles,
            "tiles_left_out": self.bare_left_out,
            "pieces_left_out": self.pieces,
            "objects_left_out": self.lost,
        }

    def notes(self, tiling: Tiling) -> list[str]:
        """Return what a person should know."""
        least = f"{tiling.min_visible:.0%}"
        told = [
            (self.lost, f"objects are in no tile: none shows {least} of them; larger tiles would"),
            (self.pieces, f"pieces of objects are not labelled: their tile shows less than {least} of them"),
            (self.bare, f"of {self.tiles} tiles are without objects"),
            (self.bare_left_out, "tiles without objects are left out"),
            (self.captions, "captions are left out: they describe whole images"),
            (self.notes_of_images, "images have notes that are left out: they describe whole images"),
            (self.turned, "rotations are left out: the edge of a tile cuts the turned box"),
            (self.hidden, "key points are outside the tile of their object, and not labelled there"),
        ]
        return [f"{count} {text}" for count, text in told if count]


@dataclass
class SplitTiles:
    """The tiles of one split's images with their labels.

    They are cut anew on each pass, so memory stays flat.

    Attributes:
        images: of the split, in order.
        tiling: how they are cut.
        image_path: where an image of a split goes, by split and name.
        tally: of the last time.
    """

    images: Iterable[Written]
    tiling: Tiling
    image_path: Callable[[str, str], str]
    tally: Tally = field(default_factory=Tally)

    @property
    def annotations(self) -> int:
        """Return how many labels the tiles hold."""
        return self.tally.labels

    def __iter__(self) -> Iterator[Written]:
        for group in self.groups():
            yield from (written for _, written in group)

    def groups(self) -> Iterator[list[tuple[NDArray[np.int64], Written]]]:
        """Yield [(tile in its image, the tile as a writer sees it)] for each image."""
        self.tally = Tally()
        for image in self.images:
            yield self._cut(image)

    def _cut(self, image: Written) -> list[tuple[NDArray[np.int64], Written]]:
        found = self.tiling.tiles(image.width, image.height)
        inner: dict[int, list[Label]] = {}
        for label in image.labels:
            parts = dict(cut(label, found, self.tiling.min_visible))
            kept = {row: part for row, part in parts.items() if part is not None}
            for row, part in kept.items():
                inner.setdefault(row, []).append(part)
                self.tally.turned += "rotation" in (label.attributes or {}) and "rotation" not in (
                    part.attributes or {}
                )
                self.tally.hidden += hidden_count(label.attributes, part.attributes)
            self.tally.pieces += len(parts) - len(kept)
            self.tally.lost += not kept
        rows = range(len(found)) if self.tiling.keep_empty else sorted(inner)
        self.tally.add(Tally(len(rows), len(rows) - len(inner), len(found) - len(rows), sum(map(len, inner.values()))))
        self.tally.captions += bool(image.caption)
        self.tally.notes_of_images += bool(image.notes)
        opened = _Opened(image)
        return [(found[row], self._written(opened, found[row], inner.get(row, []))) for row in rows]

    def _written(self, opened: _Opened, tile: NDArray[np.int64], labels: list[Label]) -> Written:
        image, (left, top, right, bottom) = opened.image, map(int, tile)
        name = tile_name(image.name, left, top)
        path, content = self.image_path(image.split, name), partial(opened.tile, tile, name)
        return Written(path, name, image.split, right - left, bottom - top, labels, content=content, tags=image.tags)


class _Opened:
    """An image to be cut, for a format that holds its images.

    It is decoded once, when the first tile is asked for.
    """

    def __init__(self, image: Written) -> None:
        self.image = image

    @cached_property
    def _pixels(self) -> Image | None:
        content, _ = self.image.content()
        return np.asarray(PIL.Image.open(io.BytesIO(content)).convert("RGB")) if content else None

    def tile(self, tile: NDArray[np.int64], name: str) -> tuple[bytes, str]:
        """Return a tile as `Written.content` says."""
        if self._pixels is None:
            return b"", ""
        return _encode(self._pixels, tile, name), "jpeg" if name.endswith(".jpg") else "png"


def tile_name(name: str, left: int, top: int) -> str:
    """Return the name of an image's tile: images of different names never share one.

    A source called JPEG makes JPEG tiles, any other PNG. What would be too long for a file is
    cut and told apart by a hash.
    """
    ending = ".jpg" if PurePosixPath(name).suffix.lower() in JPEGS else ".png"
    folder, slash, trunk = name.rpartition(".")[0].rpartition("/")
    place = f"_x{left}_y{top}"
    room = LONGEST_NAME - len(place)
    if len(trunk.encode()) > room:
        mark = "~" + hashlib.sha256(trunk.encode()).hexdigest()[:16]
        trunk = trunk.encode()[: room - len(mark)].decode(errors="ignore") + mark
    return f"{folder}{slash}{trunk}{place}{ending}"


def cut(label: Label, found: NDArray[np.int64], min_visible: float) -> Iterator[tuple[int, Label | None]]:
    """Yield (row, label in the tile's pixels) for each tile a label touches.

    The label is None where too little of it shows.

    Args:
        label: of the image.
        found: (N, 4) tiles.
        min_visible: see Tiling.
    """
    shape = _Shape(label)
    for row in tiles.touched(found, shape.reach).tolist():
        part, share = shape.inside(found[row])
        yield row, part if part is not None and share >= min_visible - 1e-9 else None


class _Shape:
    """One label, to be cut several times.

    Its outline or mask is prepared once, and only where an edge cuts it.
    """

    def __init__(self, label: Label) -> None:
        self.label = label

    @cached_property
    def _outline(self) -> Any:
        return tiles.outline_of(self.label.polygons) if self.label.polygons else None

    @cached_property
    def _mask(self) -> Mask | None:
        return masks.of_rle(self.label.rle) if self.label.rle else None

    @cached_property
    def reach(self) -> tuple[float, float, float, float]:
        """Return the box around the label's box and outline, which files may hold apart."""
        around = [self.label.xyxy]
        if self.label.polygons:
            around.append(tiles.extent(self.label.polygons))
        if self._mask is not None:
            around.append(tuple(masks.box_of(self._mask).tolist()))
        return (*np.min(around, axis=0)[:2].tolist(), *np.max(around, axis=0)[2:].tolist())

    def inside(self, tile: NDArray[np.int64]) -> tuple[Label | None, float]:
        """Return what a tile shows of the label, and its share of the label's area.

        The label is None where the tile shows nothing of it.
        """
        x1, y1, x2, y2 = self.reach
        if tile[0] <= x1 and tile[1] <= y1 and x2 <= tile[2] and y2 <= tile[3]:
            polygons = self.label.polygons and tiles.move_polygons(self.label.polygons, tile)
            return self._part(tile, tiles.clip_box(self.label.xyxy, tile), polygons, True), 1.0
        if self._outline is not None and self._outline.area > tiles.SMALLEST_AREA:
            polygons, area = tiles.clip_outline(self._outline, tile)
            whole, box = self._outline.area, tiles.extent(polygons) if polygons else None
            return (self._part(tile, box, polygons), area / whole) if box else (None, 0.0)
        if self._mask is not None:
            mask = tiles.clip_mask(self._mask, tile)
            if mask is None:
                return None, 0.0
            box, share = tuple(masks.box_of(mask).tolist()), mask.data.sum() / self._mask.data.sum()
            return self._part(tile, box), float(share)
        return self._box(tile)

    def _box(self, tile: NDArray[np.int64]) -> tuple[Label | None, float]:
        x1, y1, x2, y2 = self.label.xyxy
        box = tiles.clip_box(self.label.xyxy, tile)
        across, down = box[2] - box[0], box[3] - box[1]
        if min(across, down) <= 0:
            return None, 0.0
        return self._part(tile, box), across / (x2 - x1) * down / (y2 - y1)

    def _part(self, tile: NDArray[np.int64], box: tuple, polygons: list | None = None, is_whole: bool = False) -> Label:
        attributes = cut_attributes(self.label.attributes, tile.tolist(), is_whole)
        mask = tiles.clip_mask(self._mask, tile) if self._mask is not None else None
        rle = masks.to_rle(mask, int(tile[2] - tile[0]), int(tile[3] - tile[1])) if mask else None
        return replace(self.label, xyxy=box, polygons=polygons or None, rle=rle, attributes=attributes)


def count_tiles(found: Sequence[SplitTiles], total: int) -> Work:
    """Go through the tiles once and return how many there are.

    Raises:
        BadInput: there is none to write.
    """
    done = 0
    for split in found:
        for _ in split.groups():
            done += 1
            if done % 50 == 0 or done == total:
                yield Progress(done, total, "Looking at the tiles")
    if not (count := sum(split.tally.tiles for split in found)):
        raise BadInput("no tile shows an object; choose larger tiles, or keep tiles without objects")
    return count


def encoded(
    path: Path, size: tuple[int, int], wanted: Sequence[tuple[NDArray[np.int64], Written]], pool: ThreadPoolExecutor
) -> Iterator[tuple[str, bytes]]:
    """Yield (path in the export, file) of an image's tiles, in order.

    The image is decoded once.

    Args:
        path: image file.
        size: (width, height) that its labels are for.
        wanted: tiles, as SplitTiles.groups yields them.
        pool: encodes.

    Raises:
        BadInput: the image cannot be read, or has another size.
    """
    pixels = read_image(path)
    if pixels.shape[1::-1] != size:
        raise BadInput(
            f"{path.name}: is {pixels.shape[1]} x {pixels.shape[0]} now, the labels are for {size[0]} x {size[1]}"
        )
    for start in range(0, len(wanted), AT_ONCE):
        batch = wanted[start : start + AT_ONCE]
        files = pool.map(lambda pair: _encode(pixels, pair[0], pair[1].path), batch)
        yield from ((written.path, file) for (_, written), file in zip(batch, files, strict=True))


def _encode(pixels: Image, tile: NDArray[np.int64], name: str) -> bytes:
    left, top, right, bottom = map(int, tile)
    picture, packed = PIL.Image.fromarray(pixels[top:bottom, left:right]), io.BytesIO()
    if name.endswith(".jpg"):
        picture.save(packed, "JPEG", quality=JPEG_QUALITY)
    else:
        picture.save(packed, "PNG", compress_level=1)
    return packed.getvalue()
