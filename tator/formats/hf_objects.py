"""Hugging Face datasets of objects: metadata.jsonl, metadata.csv or Parquet.

A row is an image, with a column of its objects: their boxes, categories and more.

Source: https://huggingface.co/docs/datasets/en/image_dataset and
https://huggingface.co/docs/datasets/en/object_detection
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SPLITS, Label, Report, fit_confidence, folder_split
from tator.formats import _parquet as parquet
from tator.formats._box_forms import FORMS, BoxForm, Seen, form_of
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._hf_features import Noted, class_names, noted
from tator.formats._hf_rows import (
    BOXES,
    CLASSES,
    CROWDS,
    FILE_KEYS,
    NOTHING,
    OUTLINES,
    SCORES,
    are_rows,
    first,
    is_csv,
    is_parquet,
    objects_of,
    rows_of,
)
from tator.formats._hf_writing import ATTRIBUTES, write_rows
from tator.formats._json import as_dict, as_list
from tator.formats._json_keys import any_file, each_file
from tator.formats._lists import merge_names, name_files, read_names
from tator.formats._shapes import Place, number
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits
from tator.storage.images import EXTENSIONS
from tator.types import Unavailable

NAME = "hf_objects"
LABEL = "Hugging Face objects"
HOLDS_ATTRIBUTES = ATTRIBUTES
HOLDS_CONFIDENCE = True
HOLDS_CAPTIONS = True
LINES = (".jsonl", ".ndjson")
CAPTIONS = ("text", "caption")
KNOWN = (*FILE_KEYS, *CAPTIONS, "width", "height", "image_id", "id", "additional_file_names")
KINDS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
INSIDE = "image inside a table is not taken out"
WITHOUT_NAMES = "categories without names"


def sniff(tree: Tree) -> bool:
    """Whether the folder has tables of images with objects."""
    return (
        any_file(tree, are_rows, *LINES)
        or any(is_csv(sample) for _, sample in tree.samples(".csv"))
        or any(is_parquet(tree, path) for path in tree.each(".parquet"))
    )


def image_path(split: str, name: str) -> str:
    """Return where an image is in a written dataset: beside its metadata."""
    return f"{split}/{name}"


def read(tree: Tree) -> ObjectsSource:
    """Return the source of a folder that `sniff` took."""
    source = ObjectsSource(tree, Report())
    source.card = noted(tree, source.report)
    source.names = source.card.names
    for path in tables(tree):
        source.add(path)
    source.settle_names()
    return source


def tables(tree: Tree) -> list[str]:
    """Return the tables of images with objects of a folder."""
    lines = list(each_file(tree, are_rows, *LINES))
    lines += [path for path, sample in tree.each_sample(".csv") if is_csv(sample)]
    return lines + [path for path in tree.each(".parquet") if is_parquet(tree, path)]


@dataclass(frozen=True)
class Object:
    """An object as its row has it.

    Attributes:
        category: number or text.
        box: its four numbers.
        rings: outlines in pixels.
        rle: COCO run lengths.
        attributes: see tator.attributes.
        confidence: in [0, 1], or None.
    """

    category: Any
    box: tuple[float, ...]
    rings: list[list[list[float]]] = field(default_factory=list)
    rle: dict | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    confidence: float | None = None


class ObjectsSource(DrawnSource):
    """A folder with tables of objects; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.card = Noted()
        self.names: list[str] = []
        self._seen: list[Seen] = []
        self._numbers: set[int] = set()
        self._form = BoxForm()
        self._left: set[tuple[str, str]] = set()

    def add(self, path: str) -> None:
        """Take the rows of a table."""
        try:
            if path.lower().endswith(".parquet"):
                self.names = self.names or class_names(parquet.features_of(self.tree, path))
            inside = _inside(path)
            for line, row in rows_of(self.tree, path, self.report):
                self._row(row, path, line, inside)
        except Unavailable as error:
            self.tree.claim(path)
            self.report.drop(path, "Parquet is not read", str(error))

    def _row(self, row: dict, path: str, line: int, inside: str) -> None:
        image = self._image(row, path, line, inside)
        if image is None:
            return
        if split := folder_split(image) or table_split(path):
            self.splits[image] = split
        self.told_size(image, path, row.get("width"), row.get("height"))
        if isinstance(text := first(row, CAPTIONS), str) and text:
            self.captions[image] = text
        objects, others = objects_of(row)
        for key in others:
            if key not in KNOWN and (path, key) not in self._left:
                self._left.add((path, key))
                self.report.notice(path, "column left out", key[:80])
        size = number(row.get("width")), number(row.get("height"))
        where = f"{path} ({image})"
        for each in objects:
            self.take(image, where, None, self._object(each, size, where))

    def _image(self, row: dict, path: str, line: int, inside: str) -> str | None:
        """Return the image of a row: by name, or by where an embedded one was put."""
        given = first(row, FILE_KEYS)
        if not path.lower().endswith(".parquet") or isinstance(given, str):
            return self.find(given.get("path") if isinstance(given, dict) else given, path, line)
        named = as_dict(given).get("path")
        for place in (placed(inside, named, line), f"{inside}{line:06d}"):
            if self.tree.find(place)[0]:
                return self.find(place, path, line)
        if isinstance(named, str) and self.tree.find(named)[0]:
            return self.find(named, path, line)
        told = f"row {line}: {str(named)[:80]}; the folder has image files of its own beside the table"
        self.report.drop(path, INSIDE, told, line)
        return None

    def _object(self, row: dict, size: tuple[float, float], where: str) -> Object | Refused:
        category, box = first(row, CLASSES), [number(value) for value in as_list(first(row, BOXES))]
        if isinstance(category, bool) or not isinstance(category, (int, str)) or category == "":
            return Refused("object without a class", f"{str(row)[:80]}; expected a category")
        outline = first(row, OUTLINES)
        if len(box) != 4:
            return Refused("box refused", f"{len(box)} numbers; expected 4")
        area = row.get("area")
        width, height = (value if value == value and value > 0 else 0.0 for value in size)
        known = float(area) if isinstance(area, (int, float)) and not isinstance(area, bool) else None
        self._seen.append(Seen((box[0], box[1], box[2], box[3]), (width, height), known))
        if isinstance(category, int):
            self._numbers.add(category)
        rings = [[[number(v) for v in ring]] for ring in as_list(outline) if isinstance(ring, list)]
        score = first(row, SCORES)
        sure = None if score is None else fit_confidence(score, self.report, where)
        rle = outline if isinstance(outline, dict) else None
        return Object(category, tuple(box), rings, rle, _attributes(row), sure)

    def settle_names(self) -> None:
        """Say what boxes and categories are, when all rows are in."""
        self._form = form_of(self._seen, self.card.form, self.card.is_pixels)
        self._seen = []
        if self._form.reason:
            what = FORMS[self._form.name] + (", shares of the image" if self._form.is_share else "")
            self.report.notice(".", "form of the boxes judged by their numbers", f"{what}: {self._form.reason}")
        if self._numbers and not self.names:
            files = [(path, read_names(self.tree, path, self.report)) for path in name_files(self.tree)]
            listed = merge_names(files, self.report)
            self.names = [listed.get(at, f"class {at}") for at in range(max(listed, default=-1) + 1)]
        lacking = sorted(each for each in self._numbers if not 0 <= each < len(self.names))
        if lacking:
            shown = ", ".join(map(str, lacking[:10]))
            self.report.notice(".", WITHOUT_NAMES, f"{shown}; they are called class {lacking[0]} and so on")
        self.listed |= dict.fromkeys(self.name(name) for name in self.names)
        self.listed |= dict.fromkeys(self.name(f"class {each}") for each in lacking)
        for entries in self._entries.values():
            for _, _, entry in entries:
                if isinstance(entry, Object) and isinstance(entry.category, str):
                    self.name(entry.category)
        self.settle()

    def _label(self, entry: Any, place: Place) -> Label | None:
        at = entry.category
        name = at if isinstance(at, str) else self.names[at] if 0 <= at < len(self.names) else f"class {at}"
        shape: dict[str, Any] = {"rings": entry.rings} if entry.rings else {"rle": entry.rle} if entry.rle else {}
        box = self._form.corners(entry.box, place.width, place.height)
        drawn = Drawn(str(name)[:200], box=box, attributes=entry.attributes, confidence=entry.confidence, **shape)
        return super()._label(drawn, place)


def _attributes(row: dict) -> dict[str, Any]:
    """Return the fields of an object that are attributes."""
    known = {*BOXES, *CLASSES, *OUTLINES, *SCORES, *CROWDS, *NOTHING}
    found = {str(key): value for key, value in row.items() if key not in known and value is not None}
    for key in {"occluded", "truncated", "difficult"} & found.keys():
        found[key] = found[key] in (1, True, "1", "true", "True")
    return found | ({"crowd": True} if first(row, CROWDS) in (1, True) else {})


def table_split(path: str) -> str:
    """Return the split that a table is of: by its folders, or train-00000-of-00001."""
    words = re.split(r"[^a-z]+", PurePosixPath(path).stem.lower())
    return folder_split(path) or next((SPLITS[word] for word in words if word in SPLITS), "")


def _inside(path: str) -> str:
    """Return the folder of the images that a table holds."""
    return f"{path.rpartition('.')[0]}/"


def placed(inside: str, named: Any, number: int) -> str:
    """Return where an embedded image is put, without an ending where it has no name."""
    name = PurePosixPath(named.replace("\\", "/")).name if isinstance(named, str) else ""
    is_image = PurePosixPath(name).suffix.lower() in EXTENSIONS and not name.startswith(".")
    return f"{inside}{number:06d}-{name}" if is_image else f"{inside}{number:06d}"


def embedded(tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of images that exist only inside tables.

    Raises:
        Unavailable: pyarrow is not installed.
    """
    for path in tree.each(".parquet"):
        if not is_parquet(tree, path):
            continue
        for at, row in parquet.each_row(tree, path, Report()):
            image = row.get("image")
            content = image.get("bytes") if isinstance(image, dict) else image
            if isinstance(content, bytes) and content:
                place = placed(_inside(path), as_dict(image).get("path"), at)
                has_ending = PurePosixPath(place).suffix.lower() in EXTENSIONS
                yield place if has_ending else place + _ending(content), content


def _ending(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return next((ending for mark, ending in KINDS.items() if content.startswith(mark)), ".png")


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write metadata.jsonl beside the images of each split; yield images done."""
    return write_rows(out, names, splits, LABEL)
