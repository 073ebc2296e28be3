"""One COCO file: its images and categories, and its annotations by image.

Images and annotations of a large file stay in it, and are read again when they are asked for.
"""

from __future__ import annotations

import codecs
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from tator.encodings import UTF8
from tator.formats import Report
from tator.formats._coco_attributes import Crowds
from tator.formats._coco_ids import id_key
from tator.formats._json import read_json
from tator.formats._json_stream import CHUNK, decoded, entries
from tator.formats.tree import EVERY, Tree

KEYS = ("images", "annotations", "categories")
IN_MEMORY = 8 << 20  # bytes of a file that is parsed whole: 0.13 s, in which no other thread runs
LARGEST = 4 << 30  # bytes of a file that is read; COCO train2017 has 0.45 GB
NONE: Sequence[dict] = ()


@dataclass
class CocoFile:
    """What a COCO file holds.

    Attributes:
        path: of the file in its folder.
        images: as the file has them.
        categories: as the file has them.
        rows: annotations by the key of their image's id, captions apart.
        said: captions by the key of their image's id.
        used: ids of categories that annotations have.
        crowds: what `iscrowd` means in it.
    """

    path: str
    images: Sequence[dict]
    categories: Sequence[dict]
    rows: Mapping[str, Sequence[dict]]
    said: dict[str, list[str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    crowds: Crowds = field(default_factory=Crowds)

    def see(self, row: dict) -> str | None:
        """Take an annotation into account; return its image's key, None for a caption."""
        key = id_key(row.get("image_id"))
        self.used.add(id_key(row.get("category_id")))
        self.crowds.see(row)
        if _is_caption(row):
            self.said.setdefault(key, []).append(row["caption"])
            return None
        return key


def _is_caption(row: dict) -> bool:
    is_said = isinstance(row.get("caption"), str)
    return is_said and not any(row.get(shape) for shape in ("bbox", "segmentation", "keypoints"))


def open_file(tree: Tree, path: str, report: Report) -> CocoFile | None:
    """Return a COCO file's content, or None after noting why it is refused."""
    tree.claim(path)
    try:
        size = (tree.root / path).stat().st_size
        if size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20:,} MB")
        found = _large(tree, path, report) if size > IN_MEMORY else _whole(tree, path, report)
    except (ValueError, RecursionError, OSError, MemoryError) as error:
        report.drop(path, "refused as JSON", f"{str(error)[:160] or type(error).__name__}; expected a COCO file")
        return None
    if found and not (found.images or found.categories or found.rows or found.said):
        report.drop(path, "nothing of COCO in it", f"expected an object with lists under {', '.join(KEYS)}")
    return found


def _whole(tree: Tree, path: str, report: Report) -> CocoFile | None:
    content = read_json(tree, path, report, "a COCO file")
    if content is None:
        return None
    lists: dict[str, list[dict]] = {}
    for key in KEYS:
        given = content.get(key, []) if isinstance(content, dict) else None
        if not isinstance(given, list):
            report.drop(path, "refused as COCO", f"{key} is not a list")
            return None
        lists[key] = [row for row in given if isinstance(row, dict)]
        _tell_others(path, key, len(given) - len(lists[key]), report)
    rows: dict[str, list[dict]] = defaultdict(list)
    found = CocoFile(path, lists["images"], lists["categories"], rows)
    for row in lists["annotations"]:
        if (image := found.see(row)) is not None:
            rows[image].append(row)
    return found


def _tell_others(path: str, key: str, count: int, report: Report) -> None:
    if count:
        report.drop(path, "entry is not an object", f"{count} of {key}")


def _large(tree: Tree, path: str, report: Report) -> CocoFile:
    """Return a file of which the places of its entries are known.

    Raises:
        ValueError: it is not JSON, or its lists are none.
    """
    file = _opened(tree, path)
    images, rows = Placed(file), PlacedRows(file)
    categories: list[dict] = []
    found = CocoFile(path, images, categories, rows)
    others = dict.fromkeys(KEYS, 0)
    for n, (key, entry, start, end) in enumerate(entries(file, KEYS)):
        if n % EVERY == 0:
            tree.tell(0, 0, f"{path}, {start >> 20:,} MB read")
        if not isinstance(entry, dict):
            others[key] += 1
        elif key == "images":
            images.add(start, end)
        elif key == "categories":
            categories.append(read_entry(file, start, end))
        elif (image := found.see(_as_written(entry, file, start, end))) is not None:
            rows.add(image, start, end)
    for name, count in others.items():
        _tell_others(path, name, count, report)
    rows.sort()
    return found


def _opened(tree: Tree, path: str) -> BinaryIO:
    """Return a file open for reading, as UTF-8 in a temporary copy where it is not."""
    encoding = tree.deciphering.encoding(path)
    if encoding == UTF8:
        return open(tree.root / path, "rb")
    decoder, copy = codecs.getincrementaldecoder(encoding)("replace"), tempfile.TemporaryFile()
    with open(tree.root / path, "rb") as file:
        while content := file.read(CHUNK):
            copy.write(decoder.decode(content).lstrip("\ufeff").encode())
    copy.seek(0)
    return copy  # type: ignore[return-value]


def read_entry(file: BinaryIO, start: int, end: int) -> Any:
    """Return the entry between two bytes of a file; its place stays."""
    place = file.tell()
    file.seek(start)
    content = file.read(end - start)
    file.seek(place)
    return decoded(content)


def _as_written(row: dict, file: BinaryIO, start: int, end: int) -> dict:
    """Return an annotation with its text as written, where what is kept of it is text."""
    texts = (row.get("image_id"), row.get("category_id"), row.get("caption"))
    is_plain = all(not isinstance(text, str) or text.isascii() for text in texts)
    return row if is_plain else read_entry(file, start, end)


class Placed(Sequence[dict]):
    """Entries of a file by their places, 12 bytes each, read when asked for."""

    def __init__(self, file: BinaryIO, starts: Any = None, lengths: Any = None) -> None:
        self._file = file
        self._starts = array("q") if starts is None else starts
        self._lengths = array("i") if lengths is None else lengths

    def add(self, start: int, end: int) -> None:
        """Add the entry between two bytes."""
        self._starts.append(start)
        self._lengths.append(end - start)

    def ordered(self, order: NDArray[np.int64]) -> Placed:
        """Return the same entries in another order."""
        return Placed(self._file, np.asarray(self._starts)[order], np.asarray(self._lengths)[order])

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> dict: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[dict]: ...
    def __getitem__(self, at: int | slice) -> dict | Sequence[dict]:
        if isinstance(at, slice):
            return Placed(self._file, self._starts[at], self._lengths[at])
        start = int(self._starts[at])
        return read_entry(self._file, start, start + int(self._lengths[at]))


class PlacedRows(Mapping[str, Sequence[dict]]):
    """Annotations of a file by image, of which only the places are kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._placed = Placed(file)
        self._numbers: dict[str, int] = {}
        self._of = array("i")
        self._bounds: NDArray[np.int64] = np.zeros(1, np.int64)

    def add(self, key: str, start: int, end: int) -> None:
        """Add an image's annotation, which stands between two bytes."""
        self._of.append(self._numbers.setdefault(key, len(self._numbers)))
        self._placed.add(start, end)

    def sort(self) -> None:
        """Bring the annotations of each image together, after the last was added."""
        numbers = np.array(self._of, np.int32)
        self._placed = self._placed.ordered(np.argsort(numbers, kind="stable"))
        self._bounds = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(self._numbers)))])

    def __getitem__(self, key: str) -> Sequence[dict]:
        number = self._numbers[key]
        return self._placed[self._bounds[number] : self._bounds[number + 1]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
