"""What the columns of a CSV file of boxes are, by its header and first rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tator.formats import SPLITS
from tator.formats._shapes import number
from tator.formats.cells import delimiter, without_hint
from tator.storage.images import EXTENSIONS

JUDGED = 200  # rows that are looked at
SETS = SPLITS.keys() | {"unassigned"}  # of AutoML
PLACES = ("x1", "y1", "x2", "y2", "w", "h", "xc", "yc")
_COMMA = re.compile(r"\s*-?\d+,\d+\s*")


@dataclass(frozen=True)
class CsvLayout:
    """The columns of a CSV file.

    Attributes:
        columns: {what: column}.
        has_header: whether the first row names them.
        is_share: whether numbers are shares of the image's width and height.
    """

    columns: Mapping[str, int]
    has_header: bool = True
    is_share: bool = False

    @property
    def told(self) -> str:
        """Return how boxes are read, in words."""
        columns = self.columns.keys()
        form = "[x, y, width, height]" if "bbox" in columns else "corners"
        form = "corner and size" if "w" in columns and "x1" in columns and "x2" not in columns else form
        form = "centre and size" if "xc" in columns else form
        return f"{form} in {'0..1 of the image' if self.is_share else 'pixels'}"

    def corners(self, cells: Mapping[str, str]) -> tuple[float, ...]:
        """Return the box of a row as xyxy, in pixels or shares."""
        if "bbox" in self.columns:
            found = [number(text) for text in re.findall(r"[-+.\deE]+", cells["bbox"])]
            x, y, w, h = found if len(found) == 4 else [float("nan")] * 4
            return x, y, x + w, y + h
        if "x2" in self.columns:
            x1, y1, x2, y2 = (plain_number(cells[what]) for what in ("x1", "y1", "x2", "y2"))
            return x1, y1, x2, y2
        w, h = plain_number(cells["w"]), plain_number(cells["h"])
        if "xc" in self.columns:
            x, y = plain_number(cells["xc"]) - w / 2, plain_number(cells["yc"]) - h / 2
        else:
            x, y = plain_number(cells["x1"]), plain_number(cells["y1"])
        return x, y, x + w, y + h


def plain_number(cell: str) -> float:
    """Return a number that may have a decimal comma."""
    return number(cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell)


def layout_of(sample: bytes, spellings: Mapping[str, Sequence[str]], in_pixels: Sequence[str] = ()) -> CsvLayout | None:
    """Return the columns of a file by its head; None where it holds no boxes.

    Args:
        sample: of the file.
        spellings: {what: names of its column}.
        in_pixels: a header whose places are pixels, however small they all are.
    """
    lines = without_hint(sample.decode("utf-8-sig", "replace")).splitlines()
    try:
        rows = [row for row in csv.reader(lines[:JUDGED], delimiter=delimiter(lines[0] if lines else "")) if any(row)]
    except csv.Error:
        return None
    if not rows:
        return None
    first = [cell.strip().lower() for cell in rows[0]]
    columns = _named(first, spellings)
    body = rows[1:-1] or rows[1:]  # the last line may be cut
    if not columns:
        columns, body = _bare(rows[0]), rows
    if not columns:
        return None
    return CsvLayout(columns, body is not rows, first != list(in_pixels) and _is_share(body, columns))


def _named(first: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> dict[str, int]:
    found = {}
    for what, names in spellings.items():
        if name := next((name for name in names if name in first), None):
            found[what] = first.index(name)
    sized = {"w", "h"} <= found.keys()
    if "bbox" in found and "image" in found:
        return {what: at for what, at in found.items() if what not in PLACES}
    if not {"image", "class"} <= found.keys():
        return {}
    if {"x1", "y1", "x2", "y2"} <= found.keys():
        return {what: at for what, at in found.items() if what not in ("w", "h", "xc", "yc", "bbox")}
    if sized and {"xc", "yc"} <= found.keys():
        return {what: at for what, at in found.items() if what not in ("x1", "y1", "x2", "y2", "bbox")}
    return found if sized and {"x1", "y1"} <= found.keys() else {}


def _bare(row: Sequence[str]) -> dict[str, int]:
    """Return the columns of a file without a header: RetinaNet, make-sense, AutoML."""
    image = next((at for at, cell in enumerate(row) if _is_image(cell)), None)
    if image is None:
        return {}
    if image == 0 and len(row) == 6 and _are_numbers(row[1:5]):
        return {"image": 0, "x1": 1, "y1": 2, "x2": 3, "y2": 4, "class": 5}
    if image == 5 and len(row) == 8 and row[0].strip() and _are_numbers([*row[1:5], *row[6:]]):
        return {"class": 0, "x1": 1, "y1": 2, "w": 3, "h": 4, "image": 5}
    at = image + 2
    is_set = image == 0 or image == 1 and row[0].strip().lower() in SETS
    if is_set and at + 5 < len(row) <= at + 8 and _are_numbers([*row[at : at + 2], *row[at + 4 : at + 6]]):
        split = {"split": 0} if image else {}
        return {"image": image, "class": at - 1, "x1": at, "y1": at + 1, "x2": at + 4, "y2": at + 5, **split}
    return {}


def _is_image(cell: str) -> bool:
    return any(cell.strip().lower().endswith(suffix) for suffix in EXTENSIONS)


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(not cell.strip() or number(cell) == number(cell) for cell in cells)


def _is_share(rows: Sequence[Sequence[str]], columns: Mapping[str, int]) -> bool:
    """Return whether all places are in 0..1, and some are broken numbers."""
    ats = [at for what, at in columns.items() if what in PLACES]
    cells = [row[at] for row in rows for at in ats if at < len(row) and row[at].strip()]
    if "bbox" in columns:
        cells = [
            text
            for row in rows
            if columns["bbox"] < len(row)
            for text in re.findall(r"[-+.\deE]+", row[columns["bbox"]])
        ]
    values = [plain_number(cell) for cell in cells]
    return bool(values) and all(0 <= value <= 1 for value in values) and any(value != int(value) for value in values)
