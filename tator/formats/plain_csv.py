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
from tator.formats._csv_layout import PLACES, CsvLayout, layout_of
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label
from tator.formats.cells import each_row, harmless, restored
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only, each, short_number

NAME = "csv"
LABEL = "Plain CSV"
ONLY_CLASS = "object"  # where a table has no column of classes
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
    "xc": ("x_center", "xcenter", "x_centre", "center_x", "centre_x", "xc", "cx"),
    "yc": ("y_center", "ycenter", "y_centre", "center_y", "centre_y", "yc", "cy"),
    "bbox": ("bbox", "bounding_box", "box", "bndbox"),
    "split": ("split", "set", "subset", "usage"),
}


def sniff(tree: Tree) -> bool:
    """Whether the folder has a CSV file with images, classes and places."""
    return any(layout_of(sample, SPELLINGS, COLUMNS) for _, sample in tree.samples(".csv"))


def read(tree: Tree) -> CsvSource:
    """Return the source of a folder that `sniff` took."""
    source = CsvSource(tree, Report())
    for path, sample in tree.each_sample(".csv"):
        if layout := layout_of(sample, SPELLINGS, COLUMNS):
            source.add_table(path, layout)
    source.settle()
    return source


class CsvSource(Gathered):
    """A folder with CSV files of boxes; see formats.Source."""

    format = NAME

    def add_table(self, path: str, layout: CsvLayout) -> None:
        """Take the boxes of a file."""
        columns = layout.columns
        if layout.is_share or not layout.has_header or "x2" not in columns:
            header = "" if layout.has_header else ", without a header"
            self.report.notice(path, "columns judged by their numbers", f"read as {layout.told}{header}")
        if "class" not in columns:
            self.report.notice(path, "no column of classes", f"all boxes are of the class {ONLY_CLASS!r}")
        told = SPLITS.get(PurePosixPath(path).stem.lower()) or folder_split(path)
        images: dict[tuple[str, str], str | None] = {}
        rows = each_row(self.tree, path, self.report)
        if layout.has_header:
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
                self._take(image, path, line, cells, layout)

    def _take(self, image: str, path: str, line: int, cells: dict[str, str], layout: CsvLayout) -> None:
        """Keep a box; a row with nothing but the image says that there is none in it."""
        texts = [cells.get(what, "").strip() for what in (*PLACES, "bbox")]
        name = cells.get("class", ONLY_CLASS if any(texts) else "")
        if not name.strip():
            if any(texts):
                self.take(image, path, line, Refused("object without a class", image))
            return
        self.take(image, path, line, (self.name(restored(name)), layout.corners(cells), layout.is_share))

    def _label(self, entry: tuple[str, Sequence[float], bool], place: Place) -> Label | None:
        name, corners, is_share = entry
        if is_share:
            corners = [value * (place.width, place.height)[at % 2] for at, value in enumerate(corners)]
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
