"""YOLO segmentation labels: a row per outline (class, x, y, ... in 0..1).

Source: https://docs.ultralytics.com/datasets/segment/
"""

from __future__ import annotations

from collections.abc import Iterator

from tator.formats import Label, yolo
from tator.formats._shapes import box_ring, one_ring, polygons_of
from tator.formats._yolo_tree import relative, write_tree
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, outlines_only

NAME = "yolo_seg"
LABEL = "YOLO segmentation"


def sniff(tree: Tree) -> bool:
    """Whether the folder holds YOLO labels, most of them outlines."""
    widths = yolo.row_widths(tree)
    outlines = sum(rows for columns, rows in widths.items() if columns >= 7 and columns % 2)
    return outlines > widths.total() / 2 and yolo.sniff(tree)


def read(tree: Tree) -> yolo.YoloSource:
    """Return the source of a folder that `sniff` took."""
    source = yolo.read(tree)
    source.format = NAME
    return source


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write everything but the images.

    A box is written as its four corners, since Ultralytics accepts only outlines.
    """

    def row(label: Label, image: Written) -> str:
        outlines_only(out, label, LABEL)
        polygons = polygons_of(label)
        return relative(one_ring(polygons) if polygons else box_ring(label.xyxy), image)

    yield from write_tree(out, names, splits, row)
