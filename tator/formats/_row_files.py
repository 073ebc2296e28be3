"""Formats with a text file for each image and an object in each row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Self

from tator.formats import Report
from tator.formats._gathered import Gathered, partner
from tator.formats._lists import is_split_list, name_files, read_names
from tator.formats._shapes import number
from tator.formats.tree import Tree

SAMPLED = 40  # files that a sniff looks at, spread over the folder
ROWS = 20  # rows of each
MOST_ODD = 0.1  # share of the rows that may be of no kind

Fields = list[str]


def row_files(tree: Tree) -> list[str]:
    """Return the text files that may hold rows: no lists of names or of images."""
    others = set(name_files(tree))
    return [path for path in sorted(tree.texts) if path not in others and not is_split_list(path)]


def are_rows(tree: Tree, fits: Callable[[Fields], bool]) -> bool:
    """Return whether nearly all rows of the folder's text files are of a kind."""
    files = row_files(tree)
    seen = fitting = 0
    for path in files[:: max(1, len(files) // SAMPLED)]:
        for fields in islice(_rows(tree, path), ROWS):
            seen += 1
            fitting += fits(fields)
    return seen > 0 and seen - fitting <= MOST_ODD * seen


def _rows(tree: Tree, path: str) -> Iterator[Fields]:
    try:
        lines = tree.read_text(path).split("\n")
    except OSError:
        return
    yield from (line.split() for line in lines if line.strip())


def token(name: str) -> str:
    """Return a class name as one word that is no number.

    The list of names beside the rows gives it back.
    """
    word = "_".join(name.split())
    return f"class_{word}" if math.isfinite(number(word)) else word


class RowSource(Gathered):
    """A folder with a text file for each image; see formats.Source."""

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        listed = [name for path in name_files(tree) for name in read_names(tree, path, Report()).values()]
        self._spelled = {token(name): name for name in reversed(listed)}

    def spelled(self, word: str) -> str:
        """Note that a class occurs, and return its name as the list of names has it."""
        return self.name(self._spelled.get(word, word))

    @classmethod
    def of(cls, tree: Tree) -> Self:
        """Return a source that has taken all row files."""
        source = cls(tree, Report())
        for path in tree.told(row_files(tree)):
            source.add(path)
        source.settle()
        return source

    def add(self, path: str) -> None:
        """Take the rows of a file for the image called like it."""
        claimed = path in self.tree.claimed
        text = self.tree.try_text(path, self.report)
        rows = [(line, row.split()) for line, row in enumerate((text or "").split("\n"), 1) if row.strip()]
        if text is None:
            return
        if rows and not any(self.entry(fields) for _, fields in rows):
            if not claimed and not all(self.is_list(fields) for _, fields in rows):
                self.tree.claimed.discard(path)  # notes and licences lie beside labels
            return
        image = self.image_of(path)
        if image is None:
            return
        self.know(image)
        for line, fields in rows:
            entry = self.entry(fields)
            if entry is not None:
                self.take(image, path, line, entry)
            elif not self.is_header(fields):
                self.report.drop(path, f"not a row of {self.label}", " ".join(fields)[:80], line)

    label = ""

    def image_of(self, path: str) -> str | None:
        """Return the image that a file is about, None after noting that there is none."""
        return partner(self, path, None)

    def is_header(self, fields: Fields) -> bool:
        """Return whether a row says something about the file."""
        return False

    def is_list(self, fields: Fields) -> bool:
        """Return whether a row is one of a list that says nothing about objects."""
        return False

    def entry(self, fields: Fields) -> Any:
        """Return what a row holds, None where it is of another kind."""
        raise NotImplementedError
