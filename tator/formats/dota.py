"""DOTA: a text file an image, a turned box a row, as eight corner coordinates.

A row is x1 y1 x2 y2 x3 y3 x4 y4 class difficult, in pixels; lines with imagesource and gsd may stand first.

Source: https://captain-whu.github.io/DOTA/dataset.html, "Annotation format".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tator.formats import Label
from tator.formats._row_files import Fields, RowSource, are_rows, token
from tator.formats._shapes import Place, box_ring, number, outline_label, polygons_of
from tator.formats._turned import rectangle_of, turn_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, each, short_number

NAME = "dota"
LABEL = "DOTA"
HOLDS_ATTRIBUTES = frozenset({"difficult", "rotation"})
DIFFICULT = ("0", "1", "2")


def sniff(tree: Tree) -> bool:
    """Return whether rows are eight numbers, a class and its difficulty."""
    return are_rows(tree, lambda fields: _is_row(fields) or _is_header(fields))


def _is_header(fields: Fields) -> bool:
    return fields[0].lower().startswith(("imagesource:", "gsd:", "acquisition"))


def _is_row(fields: Fields) -> bool:
    has_corners = len(fields) in (9, 10) and all(math.isfinite(number(each)) for each in fields[:8])
    return has_corners and math.isnan(number(fields[8])) and (len(fields) == 9 or fields[9] in DIFFICULT)


def read(tree: Tree) -> DotaSource:
    """Return the source of a folder that `sniff` took."""
    return DotaSource.of(tree)


class DotaSource(RowSource):
    """A folder with DOTA labels; see formats.Source."""

    format, label = NAME, LABEL

    def is_header(self, fields: Fields) -> bool:
        """Return whether a row says something about the file."""
        return _is_header(fields)

    def entry(self, fields: Fields) -> tuple[str, list[float], str] | None:
        """Return class, corners and difficulty of a row."""
        if not _is_row(fields):
            return None
        return self.spelled(fields[8]), [number(each) for each in fields[:8]], fields[9] if len(fields) > 9 else "0"

    def _label(self, entry: tuple[str, list[float], str], place: Place) -> Label | None:
        name, corners, difficulty = entry
        index = self._numbered(name, place)
        label = None if index is None else outline_label(index, [corners], place)
        if label is None:
            return None
        turn = turn_of(label)
        facts = {"rotation": turn} if turn is not None else {}
        if difficulty == "2":
            place.repair("difficulty 2 read as difficult", name[:80])
        return replace(label, attributes=facts | ({"difficult": True} if difficulty != "0" else {}) or None)


def image_path(split: str, name: str) -> str:
    """Return where an image goes: each split has a folder of images and one of labels."""
    return f"{split}/images/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a text file an image; yield how many are done."""
    out.text("labelmap.txt", "".join(f"{name}\n" for name in names))
    for done, image in enumerate(each(splits), 1):
        rows = []
        for label in image.labels:
            difficult = int(bool((label.attributes or {}).get("difficult")))
            corners = " ".join(short_number(value) for value in _corners(label, out))
            rows.append(f"{corners} {token(names[label.class_index])} {difficult}\n")
        out.text(f"{image.split}/labelTxt/{image.trunk}.txt", "".join(rows))
        yield done


def _corners(label: Label, out: Output) -> Sequence[float]:
    """Return four corners: of a turned box, of one around an outline, or a box."""
    polygons = polygons_of(label)
    if not polygons:
        return box_ring(label.xyxy)
    ring = polygons[0][0]
    if len(polygons) == 1 and len(polygons[0]) == 1 and len(ring) == 8:
        return ring
    out.notes[f"outlines are written as the smallest turned box around them: {LABEL} holds four corners"] += 1
    return rectangle_of([value for polygon in polygons for value in polygon[0]])
