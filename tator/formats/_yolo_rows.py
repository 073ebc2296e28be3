"""What a row of a YOLO label file may be."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

OBB_COLUMNS = 9  # four corners, which two key points after a box would be too
MANY_ROWS = 4  # of one width, from which on outlines would differ
SLACK = 0.02  # of the image or box, by which rounding may go over an edge
MOST_SHARE = 2.0  # of the image, by which a row is still one that is only wrong: it is read, and refused by name


def is_number(token: str) -> bool:
    """Return whether a token is a number."""
    try:
        float(token)
    except ValueError:
        return False
    return True


def is_row(row: Sequence[str]) -> bool:
    """Return whether a row could be a label: a class number, then shares of the image."""
    if len(row) < 5 or not all(map(is_number, row)):
        return False
    index, *values = map(float, row[:5])
    return (
        index >= 0
        and index == int(index)
        and not any(math.isfinite(value) and abs(value) > MOST_SHARE for value in values)
    )


@dataclass(frozen=True)
class Layout:
    """What the columns after a box are, over all rows of a folder.

    Attributes:
        points: key points after each box, 0 where rows have none.
        values: numbers of a key point: 2 (x, y) or 3 (x, y, visibility).
        has_tracks: whether rows of seven columns end with a confidence and a track id, else they are triangles.
        has_track_only: whether rows of six columns end with a track id, else with a confidence.
        is_told: whether the file of classes says so, else it was judged by the rows.
    """

    points: int = 0
    values: int = 0
    has_tracks: bool = False
    has_track_only: bool = False
    is_told: bool = False

    @property
    def pose_columns(self) -> int:
        """Return the columns of a row with key points, 0 where there are none."""
        return 5 + self.points * self.values if self.points else 0


def layout_of(rows: Sequence[Sequence[str]], told: tuple[int, int] = (0, 0)) -> Layout:
    """Judge what the columns of rows are.

    Args:
        rows: some rows of all files, split into columns.
        told: key points and values of each that data.yaml tells, (0, 0) for none.
    """
    by_width: dict[int, list[list[float]]] = defaultdict(list)
    for row in rows:
        if is_row(row):
            by_width[len(row)].append([float(token) for token in row])
    six, seven = by_width.get(6, []), by_width.get(7, [])
    points, values = told if all(told) else _pose(by_width)
    return Layout(
        points,
        values,
        bool(seven) and all(row[6] == int(row[6]) and 0 <= row[5] <= 1 and _is_box(row) for row in seven),
        bool(six) and all(row[5] == int(row[5]) for row in six) and any(row[5] > 1 for row in six),
        all(told),
    )


def _pose(by_width: dict[int, list[list[float]]]) -> tuple[int, int]:
    """Return how many key points follow a box and the values of each, or (0, 0).

    Rows with key points are all of one width, a row with visibilities has 0, 1 or 2 in every third place; other points lie in
    their box, and the size of the box does not lie on the way from its centre to the first point, as a corner would.
    """
    wide = {width: rows for width, rows in by_width.items() if width >= 8}
    if len(wide) != 1:
        return 0, 0
    ((width, rows),) = wide.items()
    if (width - 5) % 3 == 0 and all(value in (0, 1, 2) for row in rows for value in row[7::3]):
        if all(map(_is_box, rows)):
            return (width - 5) // 3, 3
    if width % 2 == 0 or width == OBB_COLUMNS or not all(map(_holds_points, rows)):
        return 0, 0
    is_pose = len(rows) >= MANY_ROWS or all(map(_has_jump, rows))
    return ((width - 5) // 2, 2) if is_pose else (0, 0)


def _is_box(row: Sequence[float]) -> bool:
    _, x, y, w, h = row[:5]
    return (
        0 < w <= 1 + SLACK
        and 0 < h <= 1 + SLACK
        and all(-SLACK <= at - size / 2 and at + size / 2 <= 1 + SLACK for at, size in ((x, w), (y, h)))
    )


def _points(row: Sequence[float]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(row[5::2], row[6::2], strict=False) if x > 0 or y > 0]


def _holds_points(row: Sequence[float]) -> bool:
    """Return whether all points lie in the box before them."""
    _, x, y, w, h = row[:5]
    return _is_box(row) and all(
        abs(px - x) <= w / 2 * (1 + SLACK) and abs(py - y) <= h / 2 * (1 + SLACK) for px, py in _points(row)
    )


def _has_jump(row: Sequence[float]) -> bool:
    """Return whether the box's size, taken for a corner, is far from its neighbours."""
    points = _points(row)
    steps = [math.dist(a, b) for a, b in zip(points, points[1:], strict=False)]
    size = (row[3], row[4])
    return bool(points) and min(math.dist(size, (row[1], row[2])), math.dist(size, points[0])) > 2 * max(
        steps, default=0
    )
