"""DeepPCB: a text file for each pair of a tested board and its template.

A row is x1 y1 x2 y2 in pixels of the tested image and the number of the defect.

Source: Tang et al., https://github.com/tangsanli5201/DeepPCB, README.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from tator.formats import Label
from tator.formats._row_files import Fields, RowSource, are_rows
from tator.formats._shapes import Place, box_label
from tator.formats.tree import Tree

NAME = "deeppcb"
LABEL = "DeepPCB"
CLASSES = ("background", "open", "short", "mousebite", "spur", "copper", "pin-hole")
TESTED, TEMPLATE = "_test", "_temp"


def sniff(tree: Tree) -> bool:
    """Return whether rows are corners and a defect, and images are called _test."""
    has_pairs = any(PurePosixPath(path).stem.endswith(TESTED) for path in tree.images)
    return has_pairs and are_rows(tree, lambda fields: _is_row(fields) or _is_pair(fields))


def _is_row(fields: Fields) -> bool:
    if len(fields) != 5 or not all(each.isdecimal() for each in fields):
        return False
    x1, y1, x2, y2, kind = map(int, fields)
    return x1 < x2 and y1 < y2 and kind < len(CLASSES)


def _is_pair(fields: Fields) -> bool:
    """Return whether a row of a split's list names an image and its labels."""
    return len(fields) == 2 and fields[1].lower().endswith(".txt")


def read(tree: Tree) -> DeepPcbSource:
    """Return the source of a folder that `sniff` took."""
    source = DeepPcbSource.of(tree)
    templates = sum(PurePosixPath(path).stem.endswith(TEMPLATE) for path in tree.images)
    if templates:
        source.report.notice(".", "templates have no labels", f"{templates} images called ..{TEMPLATE} show no defect")
    return source


class DeepPcbSource(RowSource):
    """A folder with DeepPCB's pairs; see formats.Source."""

    format, label = NAME, LABEL

    def image_of(self, path: str) -> str | None:
        """Return the tested image of a pair."""
        stem = PurePosixPath(path).stem
        folder = path.rpartition("/")[0].removesuffix("_not")
        return self.find(f"{stem}{TESTED}", path, near=[f"{folder}/" if folder else ""])

    def is_list(self, fields: Fields) -> bool:
        """Return whether a row of a split's list names an image and its labels."""
        return _is_pair(fields)

    def entry(self, fields: Fields) -> tuple[str, list[float]] | None:
        """Return defect and box of a row."""
        if not _is_row(fields):
            return None
        for name in CLASSES[1:]:
            self.listed.setdefault(name)
        return self.name(CLASSES[int(fields[4])]), [float(each) for each in fields[:4]]

    def _label(self, entry: tuple[str, list[float]], place: Place) -> Label | None:
        index = self._numbered(entry[0], place)
        return None if index is None else box_label(index, entry[1], place)
