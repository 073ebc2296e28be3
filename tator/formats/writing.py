"""What every writer of a format is given, and what several of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from tator.attributes import Skeleton
from tator.formats import Label
from tator.storage.workspace import inside
from tator.types import BadInput


def _no_content() -> tuple[bytes, str]:
    raise BadInput("a format that holds the images themselves needs them, and here are labels only")


@dataclass(frozen=True)
class Written:
    """An image as a writer sees it.

    Attributes:
        path: of the image file in the written dataset, with /, as `place` of the format says.
        name: path inside its split, with sub-folders.
        split: train, val, test or another name.
        width: in pixels.
        height: in pixels.
        labels: their class_index is the row of the label map.
        caption: of the image, or None.
        tags: of the image.
        notes: of the image, or None.
        content: returns the image as the bytes of an upright JPEG or PNG, and which; no bytes where it cannot be read.
            Only formats that hold images ask for it.
    """

    path: str
    name: str
    split: str
    width: int
    height: int
    labels: Sequence[Label]
    caption: str | None = None
    content: Callable[[], tuple[bytes, str]] = _no_content
    tags: Sequence[str] = ()
    notes: str | None = None

    @property
    def trunk(self) -> str:
        """Return `name` without its ending."""
        return self.name.rpartition(".")[0]


ANY = frozenset({"*"})  # what a format that holds attributes of any name says in HOLDS_ATTRIBUTES
Splits = Mapping[str, Iterable[Written]]  # by split; each may be gone through several times


class Output(Protocol):
    """Where a writer puts files; names are relative, with /.

    Attributes:
        notes: {what was lost or changed in writing: how often}.
        skeletons: {row of the label map: key points of the class}.
    """

    notes: Counter
    skeletons: Mapping[int, Skeleton]

    def text(self, name: str, text: str) -> None:
        """Write a whole text file."""

    def open(self, name: str, compressed: bool = True) -> AbstractContextManager[IO[bytes]]:
        """Lend a file to write bytes to, one at a time."""


class Folder:
    """A folder as an output."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: Counter = Counter()
        self.skeletons: Mapping[int, Skeleton] = {}

    def text(self, name: str, text: str) -> None:
        """Write a whole text file."""
        self._path(name).write_bytes(text.encode())

    def open(self, name: str, compressed: bool = True) -> AbstractContextManager[IO[bytes]]:
        """Lend a file to write bytes to."""
        return open(self._path(name), "wb")

    def _path(self, name: str) -> Path:
        path = inside(self.root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def each(splits: Splits) -> Iterator[Written]:
    """Yield the images of every split."""
    for images in splits.values():
        yield from images


def write_rows(file: IO[bytes], rows: Iterable[bytes], before: bytes = b"[\n", after: bytes = b"\n]\n") -> None:
    """Write pieces with commas between them."""
    file.write(before)
    for at, row in enumerate(rows):
        file.write(row if at == 0 else b",\n" + row)
    file.write(after)


def in_split(split: str, name: str) -> str:
    """Return where most formats have an image: images/<split>/<name>."""
    return f"images/{split}/{name}"


def boxes_only(out: Output, label: Label, kind: str) -> None:
    """Count an outline that a format has no room for."""
    if label.polygons or label.rle:
        out.notes[f"outlines are left out: {kind} holds boxes only"] += 1


def outlines_only(out: Output, label: Label, kind: str) -> None:
    """Count what is joined or traced where a format has one ring an object."""
    if label.rle and not label.polygons:
        out.notes[f"masks are written as outlines, exact to half a pixel: {kind} holds no masks"] += 1
    elif label.polygons and (len(label.polygons) > 1 or len(label.polygons[0]) > 1):
        out.notes[f"parts and holes are joined by cuts of no width: {kind} holds one ring an object"] += 1


def pixels_only(out: Output, label: Label, kind: str) -> None:
    """Count an outline that is drawn where a format holds masks of whole pixels."""
    if label.polygons:
        out.notes[f"outlines are written as masks of whole pixels: {kind} holds no outlines"] += 1


def short_number(value: float) -> str:
    """Return a number as text with at most four decimals, and none where it is whole."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
