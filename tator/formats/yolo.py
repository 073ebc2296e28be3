"""YOLO text labels: a row per box or polygon, in 0..1 of the image.

A box is class, centre x, centre y, width, height; a polygon is class, x, y, ...
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from tator.formats import SMALLEST, Label, Report, fit_box
from tator.formats._lists import merge_names, name_files, read_names, read_splits
from tator.formats._ultralytics import DataYaml, read_data_yaml
from tator.formats._yolo_files import label_files, note_orphans, sampled_files
from tator.formats._yolo_rows import is_row
from tator.formats._yolo_tree import write_tree
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only
from tator.vision.masks import ring_area

NAME = "yolo"
LABEL = "YOLO boxes"
LINES = 50  # rows of each
MOST_INDEX = 10_000  # a class number above this is a slip


def sniff(tree: Tree) -> bool:
    """Return whether the folder holds YOLO labels.

    Label files' rows are mostly numbers, or all files are empty.
    """
    rows = list(_sampled_rows(tree))
    numeric = sum(map(is_row, rows))
    return numeric > len(rows) / 2 if rows else bool(sampled_files(tree))


def _sampled_rows(tree: Tree) -> Iterator[list[str]]:
    """Yield rows of some label files, split into columns."""
    for file in sampled_files(tree):
        try:
            lines = tree.read_text(file).split("\n", LINES)[:LINES]
        except OSError:
            continue
        yield from (line.split() for line in lines if line.strip())


def row_widths(tree: Tree) -> Counter:
    """Return {columns: rows} of some label files, spread over the folder."""
    return Counter(map(len, _sampled_rows(tree)))


def read(tree: Tree) -> YoloSource:
    """Return the source of a folder that `sniff` took.

    Label files are opened when asked for.
    """
    report = Report()
    yamls = [read_data_yaml(tree, path, report) for path in tree.tables if path.lower().endswith((".yaml", ".yml"))]
    data = next((found for found in yamls if found), None)
    files = [(path, read_names(tree, path, report)) for path in name_files(tree)]
    if data and data.classes:
        at = next((n for n, (path, _) in enumerate(files) if not path.lower().endswith("labelmap.txt")), len(files))
        files.insert(at, (data.path, data.classes))
    return YoloSource(tree, merge_names(files, report), data, report)


class YoloSource:
    """A folder with YOLO labels; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, classes: dict[int, str], data: DataYaml | None, report: Report) -> None:
        self.tree, self.classes, self.report = tree, classes, report
        self.captions: dict[str, str] = {}
        self._keypoints = data.keypoint_numbers if data else 0
        self.splits = read_splits(tree, data, report)
        self._files = label_files(tree, report)
        note_orphans(tree, self._files, report)

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image in pixels, or None when it has no label file."""
        file = self._files.get(path)
        if file is None:
            return None
        text = self.tree.try_text(file, self.report)
        if text is None:
            return None
        found: list[Label] = []
        seen: set[str] = set()
        for number, line in enumerate(text.splitlines(), 1):
            row = line.split()
            if not row:
                continue
            if (key := " ".join(row)) in seen:
                self.report.drop(file, "repeats an earlier row", key, number)
                continue
            seen.add(key)
            label = self._row(row, width, height, file, number)
            if label is not None:
                found.append(label)
        return found

    def _row(self, row: list[str], width: int, height: int, file: str, line: int) -> Label | None:
        """Return one row as a label, or None after noting why not."""
        if self._keypoints and len(row) == 5 + self._keypoints:
            self.report.repair(file, "keypoints left out", f"{self._keypoints} numbers", line)
            row = row[:5]
        columns = len(row)
        if columns != 5 and (columns < 7 or columns % 2 == 0):
            detail = f"{columns} columns; expected 5 (box) or 1 + 2 x corners (polygon)"
            self.report.drop(file, "not a YOLO row", detail, line)
            return None
        try:
            values = [float(token) for token in row]
        except ValueError:
            self.report.drop(file, "not a YOLO row", f"{' '.join(row)[:80]!r} are not all numbers", line)
            return None
        if not all(map(math.isfinite, values)):
            self.report.drop(file, "not a finite number", " ".join(row)[:80], line)
            return None
        index = int(values[0])
        if index != values[0] or not 0 <= index < MOST_INDEX or self.classes and index not in self.classes:
            known = f"{len(self.classes)} classes are named" if self.classes else f"expected 0 to {MOST_INDEX - 1}"
            self.report.drop(file, "class out of range", f"class {row[0]}; {known}", line)
            return None
        if columns == 5:
            return self._box(index, values[1:], width, height, file, line)
        return self._polygon(index, values[1:], width, height, file, line)

    def _box(self, index: int, values: Sequence[float], width: int, height: int, file: str, line: int) -> Label | None:
        x, y, w, h = values
        corners = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        box = fit_box(corners, width, height, self.report, file, line)
        return box and Label(index, box)

    def _polygon(
        self, index: int, values: Sequence[float], width: int, height: int, file: str, line: int
    ) -> Label | None:
        xs, ys = [x * width for x in values[0::2]], [y * height for y in values[1::2]]
        box = fit_box((min(xs), min(ys), max(xs), max(ys)), width, height, self.report, file, line)
        if box is None:
            return None
        ring = [min(max(v, 0.0), float(end)) for x, y in zip(xs, ys) for v, end in ((x, width), (y, height))]
        if ring_area(ring) < SMALLEST:
            self.report.drop(file, "zero area", "polygon", line)
            return None
        return Label(index, box, [[[round(value, 4) for value in ring]]])


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write everything but the images; yield how many images are done."""

    def row(label: Label, image: Written) -> str:
        boxes_only(out, label, LABEL)
        x1, y1, x2, y2 = label.xyxy
        centre = (x1 + x2) / 2 / image.width, (y1 + y2) / 2 / image.height
        return f"{centre[0]:.6f} {centre[1]:.6f} {(x2 - x1) / image.width:.6f} {(y2 - y1) / image.height:.6f}"

    yield from write_tree(out, names, splits, row)
