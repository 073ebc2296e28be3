"""YOLO turned boxes: a row per box (class, four corners in 0..1).

Source: https://docs.ultralytics.com/datasets/obb/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tator.formats import Label, yolo
from tator.formats._shapes import box_ring, polygons_of
from tator.formats._turned import rectangle_of, turn_of
from tator.formats._yolo_tree import relative, write_tree
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written

NAME = "yolo_obb"
LABEL = "YOLO turned boxes"
HOLDS_ATTRIBUTES = frozenset({"rotation"})
COLUMNS = 9


def sniff(tree: Tree) -> bool:
    """Whether the folder holds YOLO labels, every row with four corners."""
    widths = yolo.row_widths(tree)
    return widths.keys() == {COLUMNS} and yolo.sniff(tree)


def read(tree: Tree) -> yolo.YoloSource:
    """Return the source of a folder that `sniff` took.

    Turned boxes are read as outlines of four corners, with the angle by which the first one says they are turned.
    """
    return yolo.read(tree, ObbSource)


class ObbSource(yolo.YoloSource):
    """A folder with YOLO turned boxes; see formats.Source."""

    format = NAME

    def _polygon(
        self, index: int, values: Sequence[float], width: int, height: int, file: str, line: int
    ) -> Label | None:
        label = super()._polygon(index, values, width, height, file, line)
        turn = turn_of(label) if label else None
        return label if label is None or turn is None else replace(label, attributes={"rotation": turn})


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write everything but the images.

    An outline is written as the smallest turned box around it.
    """

    def row(label: Label, image: Written) -> str:
        rings = [polygon[0] for polygon in polygons_of(label)]
        if not rings:
            return relative(box_ring(label.xyxy), image)
        if len(rings) == 1 and len(rings[0]) == 8:
            return relative(rings[0], image)
        out.notes["outlines are written as the smallest turned box around them"] += 1
        return relative(rectangle_of([value for ring in rings for value in ring]), image)

    yield from write_tree(out, names, splits, row)
