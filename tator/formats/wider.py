"""WIDER FACE: text files of images, each with its number of faces and their rows.

A row is x, y, width, height in pixels, then blur, expression, illumination, invalid, occlusion and pose as numbers. CVAT and
datumaro write a class after them, True and False, and - for a grade that is not known.

Source: http://shuoyang1213.me/WIDERFACE/, wider_face_split/readme.txt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from tator.formats import SPLITS, Label, Report
from tator.formats._gathered import Gathered
from tator.formats._shapes import Place, box_label, number
from tator.formats.tree import Tree

NAME = "wider"
LABEL = "WIDER FACE"
CLASS = "face"
GRADES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
HEAD_LINES = 60
GRADES_SPELLED = ("blur", "expression", "illumination", "occlusion", "pose", "invalid")  # of rows with words or -
SPELLED = {"true": 1, "false": 0, "-": 0}  # grades of CVAT and datumaro
NAMED = (5, 11)  # columns of rows that end with a class


def sniff(tree: Tree) -> bool:
    """Return whether a text file lists images, numbers of faces and faces."""
    return any(_is_ours(tree, path) for path in tree.texts)


def _is_ours(tree: Tree, path: str) -> bool:
    if not path.lower().endswith("_gt.txt"):
        return False
    try:
        head = tree.read_text(path).split("\n", HEAD_LINES)[:HEAD_LINES]
    except OSError:
        return False
    return next(_blocks([line.strip() for line in head]), None) is not None


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, list[list[str]]]]:
    """Yield (line number, image, rows) as long as the lines are of the format."""
    at = 0
    while at + 1 < len(lines):
        name, count = lines[at], lines[at + 1]
        if not name or not count.isdecimal() or "." not in name:
            return
        number_of = max(int(count), 1)  # an image without faces has one row of zeros
        rows = [line.split() for line in islice(lines, at + 2, at + 2 + number_of)]
        if not int(count) and rows and len(rows[0]) < 4:
            rows = []
        yield at + 1, name, rows if int(count) else []
        at += 2 + (number_of if int(count) or rows else 0)


def read(tree: Tree) -> WiderSource:
    """Return the source of a folder that `sniff` took."""
    source = WiderSource(tree, Report())
    for path in sorted(tree.texts):
        if _is_ours(tree, path):
            source.add(path)
    if not source.has_names():
        source.listed[source.name(CLASS)] = None
    source.settle()
    return source


class WiderSource(Gathered):
    """A folder with WIDER FACE's lists; see formats.Source."""

    format = NAME

    def has_names(self) -> bool:
        """Return whether a row has named its class."""
        return any(name != CLASS for name in self._names)

    def add(self, path: str) -> None:
        """Take the faces of a list."""
        text = self.tree.try_text(path, self.report) or ""
        words = path.rpartition("/")[2].lower().replace(".", "_").split("_")
        split = next((SPLITS[word] for word in words if word in SPLITS), "")
        lines, last = [line.strip() for line in text.split("\n")], 0
        near = [f"WIDER_{word}/images/" for word in words if word in SPLITS]
        for line, name, rows in _blocks(lines):
            last = line + 1 + max(len(rows), 1)
            image = self.find(name, path, line, near, split)
            if image is None:
                continue
            if split:
                self.splits[image] = split
            for at, row in enumerate(rows):
                self.name(_class(row))
                self.take(image, path, line + 2 + at, row)
        if any(lines[last + 1 :]):
            told = "expected an image, its number of faces and a row a face; what follows is not read"
            self.report.drop(path, f"not a list of {LABEL}", told, last + 1)

    def _label(self, entry: list[str], place: Place) -> Label | None:
        rest = entry[4:-1] if len(entry) in NAMED else entry[4:]
        values = [number(each) for each in entry[:4]] + [number(SPELLED.get(each.lower(), each)) for each in rest]
        if len(values) < 4 or not all(map(math.isfinite, values)) or any(value % 1 for value in values[4:]):
            place.drop(f"not a row of {LABEL}", f"{' '.join(entry)[:80]}; expected x y width height and six grades")
            return None
        index = self._numbered(_class(entry), place)
        x, y, w, h = values[:4]
        label = None if index is None else box_label(index, (x, y, x + w, y + h), place)
        order = GRADES_SPELLED if SPELLED.keys() & {each.lower() for each in rest} else GRADES
        graded = dict(zip(order, map(int, values[4:10])))
        facts: dict = {name: grade for name, grade in graded.items() if grade and name != "invalid"}
        if graded.get("invalid"):
            facts["crowd"] = True  # too small or unclear to count, as the authors say
        return label and replace(label, attributes=facts or None)


def _class(row: list[str]) -> str:
    """Return the class that a row ends with, a face where it names none."""
    return row[-1] if len(row) in NAMED and math.isnan(number(row[-1])) else CLASS
