"""Plain CSV: a row per box in pixels, with a header of any common naming.

RetinaNet's six columns are read without a header.

Source: the columns of TensorFlow's object detection tutorials and https://github.com/fizyr/keras-retinanet#csv-datasets
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tator.formats import SPLITS, Label, Report, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label, number
from tator.formats.cells import each_row, harmless, header, restored
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only, each, short_number

NAME = "csv"
LABEL = "Plain CSV"
COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax", "split")
SPELLINGS = {  # what a column may be called: the first that occurs is taken
    "image": (
        "filename",
        "file_name",
        "image_path",
        "imagepath",
        "path",
        "image",
        "file",
        "img",
        "image_id",
        "imageid",
        "image_name",
    ),
    "class": (
        "class",
        "label",
        "class_name",
        "classname",
        "category",
        "name",
        "labelname",
        "label_name",
        "object",
        "class_id",
    ),
    "x1": ("xmin", "x1", "x_min", "left", "xtl", "bbox_x", "x"),
    "y1": ("ymin", "y1", "y_min", "top", "ytl", "bbox_y", "y"),
    "x2": ("xmax", "x2", "x_max", "right", "xbr"),
    "y2": ("ymax", "y2", "y_max", "bottom", "ybr"),
    "w": ("bbox_width", "bbox_w", "box_width", "w", "width"),
    "h": ("bbox_height", "bbox_h", "box_height", "h", "height"),
    "split": ("split", "set", "subset", "usage"),
}
BARE = {"image": 0, "x1": 1, "y1": 2, "x2": 3, "y2": 4, "class": 5}  # RetinaNet's columns


def sniff(tree: Tree) -> bool:
    """Whether the folder has a CSV file with images, classes and corners."""
    return any(columns_of(sample) for _, sample in tree.samples(".csv"))


def columns_of(sample: bytes) -> dict[str, int]:
    """Return {what: column} of a file by its head; empty when it holds no boxes."""
    cells = header(sample)
    found = {}
    for what, names in SPELLINGS.items():
        if name := next((name for name in names if name in cells), None):
            found[what] = cells.index(name)
    has_corners = {"x1", "y1", "x2", "y2"} <= found.keys() or {"x1", "y1", "w", "h"} <= found.keys()
    if {"image", "class"} <= found.keys() and has_corners:
        return found
    is_bare = (
        len(cells) == 6 and "." in cells[0] and all(cell == "" or number(cell) == number(cell) for cell in cells[1:5])
    )
    return BARE if is_bare else {}


def read(tree: Tree) -> CsvSource:
    """Return the source of a folder that `sniff` took."""
    source = CsvSource(tree, Report())
    for path, sample in tree.each_sample(".csv"):
        if columns := columns_of(sample):
            source.add_table(path, columns)
    source.settle()
    return source


class CsvSource(Gathered):
    """A folder with CSV files of boxes; see formats.Source."""

    format = NAME

    def add_table(self, path: str, columns: dict[str, int]) -> None:
        """Take the boxes of a file."""
        told = SPLITS.get(PurePosixPath(path).stem.lower()) or folder_split(path)
        images: dict[tuple[str, str], str | None] = {}
        rows = each_row(self.tree, path, self.report)
        if columns is not BARE:
            next(rows, None)
        for line, row in rows:
            cells = {what: row[at] if at < len(row) else "" for what, at in columns.items()}
            split = SPLITS.get(cells.get("split", "").strip().lower()) or told
            key = cells["image"], split or ""
            if key not in images:
                images[key] = self.find(
                    restored(cells["image"]),
                    path,
                    line,
                    [f"images/{split}/", f"{split}/"] if split else [],
                    split or "",
                )
            image = images[key]
            if image is not None:
                if split:
                    self.splits[image] = split
                self._take(image, path, line, cells)

    def _take(self, image: str, path: str, line: int, cells: dict[str, str]) -> None:
        """Keep a box; a row with nothing but the image says that there is none in it."""
        texts = [cells.get(what, "").strip() for what in ("x1", "y1", "x2", "y2")]
        if not cells["class"].strip():
            if any(texts):
                self.take(image, path, line, Refused("object without a class", image))
            return
        if "x2" in cells:
            corners = tuple(map(number, texts))
        else:
            x, y, w, h = (number(cells[what]) for what in ("x1", "y1", "w", "h"))
            corners = (x, y, x + w, y + h)
        self.take(image, path, line, (self.name(restored(cells["class"])), corners))

    def _label(self, entry: tuple[str, Sequence[float]], place: Place) -> Label | None:
        name, corners = entry
        index = self._numbered(name, place)
        return None if index is None else box_label(index, corners, place)


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write one table of all splits and the class names; yield images done."""
    out.text("classes.txt", "".join(f"{name}\n" for name in names))
    with out.open("annotations.csv") as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for done, image in enumerate(each(splits), 1):
            file.write(_rows(out, image, names).encode())
            yield done


def _rows(out: Output, image: Written, names: list[str]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    head = harmless(image.path), image.width, image.height
    for label in image.labels:
        boxes_only(out, label, LABEL)
        table.writerow((*head, harmless(names[label.class_index]), *map(short_number, label.xyxy), image.split))
    if not image.labels:
        table.writerow((*head, "", "", "", "", "", image.split))
    return text.getvalue()
