"""YOLO text labels: a row per box or polygon, in 0..1 of the image.

A box is class, centre x, centre y, width, height; a polygon is class, x, y, ...
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tator.attributes import Skeleton
from tator.formats import SMALLEST, Label, Report, fit_box, fit_confidence
from tator.formats._lists import name_files, read_names, read_splits, scope_of
from tator.formats._ultralytics import DataYaml, read_data_yaml
from tator.formats._yolo_files import label_files, note_orphans, sampled_files
from tator.formats._yolo_layouts import Layouts, rows_of
from tator.formats._yolo_names import ClassScopes
from tator.formats._yolo_rows import Layout, is_row, layout_of
from tator.formats._yolo_tree import write_tree
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only
from tator.vision.masks import ring_area

NAME = "yolo"
LABEL = "YOLO boxes"
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
    yield from rows_of(tree, sampled_files(tree))


def row_widths(tree: Tree) -> Counter:
    """Return {columns: rows} of some label files, spread over the folder."""
    return Counter(map(len, _sampled_rows(tree)))


def has_key_points(tree: Tree) -> bool:
    """Return whether most rows of the folder's label files are boxes with key points."""
    claimed = set(tree.claimed)
    yamls = [read_data_yaml(tree, path, Report()) for path in tree.tables if path.lower().endswith((".yaml", ".yml"))]
    tree.claimed.clear()
    tree.claimed.update(claimed)  # that was only a look
    rows = list(_sampled_rows(tree))
    columns = layout_of(rows, _told_points([each for each in yamls if each])).pose_columns
    return sum(len(row) == columns for row in rows) > len(rows) / 2


def _told_points(yamls: Sequence[DataYaml]) -> tuple[int, int]:
    return next((each.keypoints for each in yamls if all(each.keypoints)), (0, 0))


def read(tree: Tree, kind: type[YoloSource] | None = None) -> YoloSource:
    """Return the source of a folder that `sniff` took.

    Label files are opened when asked for.

    Args:
        tree: the folder.
        kind: of source; None for the usual one.
    """
    report = Report()
    found = (read_data_yaml(tree, path, report) for path in tree.tables if path.lower().endswith((".yaml", ".yml")))
    yamls = [each for each in found if each]
    lists = [(path, read_names(tree, path, report)) for path in name_files(tree)]
    named = [(scope_of(tree, each), each) for each in yamls if each.classes]
    return (kind or YoloSource)(tree, ClassScopes(named, lists, report), yamls, report)


class YoloSource:
    """A folder with YOLO labels; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, scopes: ClassScopes, yamls: Sequence[DataYaml], report: Report) -> None:
        self.tree, self.classes, self.report = tree, scopes.classes, report
        self.captions: dict[str, str] = {}
        self._scopes, self._indices, self._yamls = scopes, dict[int, int](), yamls
        self.splits = read_splits(tree, yamls, report)
        self._files = label_files(tree, report)
        note_orphans(tree, self._files, report)
        lists = [*name_files(tree), *(each.path for each in yamls)]
        points = {each.path: each.keypoints for each in yamls if all(each.keypoints)}
        self._layouts = Layouts(tree, sorted(set(self._files.values())), lists, points)
        self.layout = Layout()  # of the file that is being read
        self.skeletons = self._skeletons()
        for place, layout in self._layouts.each():
            if layout.points and not layout.is_told:
                told = f"rows are read as a box and {layout.points} key points of {layout.values} numbers"
                told += ", judged by their numbers; no data.yaml tells"
                report.notice(place or ".", "key points without kpt_shape", told)

    def _skeletons(self) -> dict[int, Skeleton]:
        """Return the key points of each class, by number where nothing names them."""
        named = {
            self._scopes.indices(each.path).get(index, index): skeleton
            for each in self._yamls
            for index, skeleton in each.skeletons.items()
        }
        found = dict(named)
        for place, layout in self._layouts.each() if not named else ():
            names = tuple(str(at) for at in range(1, layout.points + 1))
            own = self._scopes.indices(self._layouts.examples[place]).values() or self.classes
            found |= {index: Skeleton(names) for index in own if names and index not in found}
        return found

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image in pixels, or None when it has no label file."""
        file = self._files.get(path)
        if file is None:
            return None
        text = self.tree.try_text(file, self.report)
        if text is None:
            return None
        self._indices, self.layout = self._scopes.indices(file, path), self._layouts.of(file)
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
        columns = len(row)
        is_pose = columns == self.layout.pose_columns
        if not is_pose and columns not in (5, 6) and (columns < 7 or columns % 2 == 0):
            self.report.drop(file, "not a YOLO row", _not_a_row(row), line)
            return None
        try:
            values = [float(token) for token in row]
        except ValueError:
            self.report.drop(file, "not a YOLO row", f"{' '.join(row)[:80]!r} are not all numbers", line)
            return None
        if not all(map(math.isfinite, values)):
            self.report.drop(file, "not a finite number", " ".join(row)[:80], line)
            return None
        index = self._class(values[0], row[0], file, line)
        if index is None:
            return None
        if is_pose or columns in (5, 6) or columns == 7 and self.layout.has_tracks:
            box = self._box(index, values[1:5], width, height, file, line)
            if box is None or columns == 5:
                return box
            return self._with_more(box, values[5:], (width, height), is_pose, file, line)
        return self._polygon(index, values[1:], width, height, file, line)

    def _most_points(self, index: int) -> int:
        """Return how many key points a class has; its rows may be filled up with more."""
        skeleton = self.skeletons.get(index)
        return len(skeleton.names) if skeleton else self.layout.points

    def _class(self, value: float, text: str, file: str, line: int) -> int | None:
        """Return our number of a class, or None after noting why there is none."""
        index = int(value)
        known = self._indices
        if index == value and 0 <= index < MOST_INDEX and (not known or index in known):
            return known.get(index, index)
        told = f"{len(known)} classes are named" if known else f"expected 0 to {MOST_INDEX - 1}"
        if known and index == max(known) + 1 and 0 in known:
            told += ", from 0 on; the rows may count from 1"
        self.report.drop(file, "class out of range", f"class {text}; {told}", line)
        return None

    def _with_more(
        self, box: Label, more: Sequence[float], size: tuple[int, int], is_pose: bool, file: str, line: int
    ) -> Label:
        """Return a box with what follows it: key points, or confidence and track id."""
        if is_pose:
            step = self.layout.values
            points = [_keypoint(more[at : at + step], size) for at in range(0, len(more), step)]
            points = points[: max(self._most_points(box.class_index), _last_marked(points))]
            return replace(box, attributes={"keypoints": points} if _last_marked(points) else None)
        if len(more) == 1 and self.layout.has_track_only:
            return replace(box, attributes={"track": int(more[0])})
        confidence = fit_confidence(more[0], self.report, file, line) if more else None
        return replace(box, confidence=confidence, attributes={"track": int(more[1])} if len(more) > 1 else None)

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


def _not_a_row(row: Sequence[str]) -> str:
    expected = "expected 5 (box), 6 (box, confidence) or 1 + 2 x corners (polygon)"
    if any(sign in "".join(row) for sign in ",;"):
        return f"{' '.join(row)[:80]!r} has commas; expected numbers with blanks between them"
    return f"{len(row)} columns; {expected}"


def _last_marked(points: Sequence[Sequence[float]]) -> int:
    """Return the number of the last key point that lies somewhere, from 1; 0 for none."""
    return max((at for at, point in enumerate(points, 1) if any(point)), default=0)


def _keypoint(point: Sequence[float], size: tuple[int, int]) -> list[float]:
    """Return a key point in pixels.

    One without a visibility is visible unless it lies at the origin or outside.
    """
    x, y = point[0] * size[0], point[1] * size[1]
    seen = point[2] if len(point) == 3 else 2 * (x >= 0 and y >= 0 and (x, y) != (0, 0))
    return [round(x, 4), round(y, 4), int(seen)] if seen in (0, 1, 2) else [round(x, 4), round(y, 4), 2]


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write everything but the images; yield how many images are done."""

    def row(label: Label, image: Written) -> str:
        boxes_only(out, label, LABEL)
        return centred(label, image)

    yield from write_tree(out, names, splits, row)


def centred(label: Label, image: Written) -> str:
    """Return a box as centre and size in shares of the image."""
    x1, y1, x2, y2 = label.xyxy
    centre = (x1 + x2) / 2 / image.width, (y1 + y2) / 2 / image.height
    return f"{centre[0]:.6f} {centre[1]:.6f} {(x2 - x1) / image.width:.6f} {(y2 - y1) / image.height:.6f}"
