"""CVAT's skeletons: key points of objects, and what names and joins them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tator.attributes import Skeleton
from tator.formats._shapes import number
from tator.formats._xml import escaped, text_of
from tator.formats.writing import short_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*["']([^"']*)["']""")
TAG = re.compile(r"<(?:line|circle|rect|polygon|polyline)\b[^>]*>")
Point = tuple[str, float, float, int]  # name, x, y, and how well it is seen: 0, 1 or 2


class Skeletons:
    """The key points that a file's classes have, from its labels or from its shapes."""

    def __init__(self) -> None:
        self._points: dict[str, dict[str, None]] = {}
        self._edges: dict[str, list[tuple[str, str]]] = {}

    def declare(self, label: Element) -> None:
        """Take what a <label> says: of which class it is a part, or how its own are drawn."""
        name, parent, drawing = text_of(label, "name"), text_of(label, "parent"), text_of(label, "svg")
        if parent:
            self._points.setdefault(parent, {}).setdefault(name)
        if drawing:
            nodes, edges = _drawn(drawing)
            self._points[name] = dict.fromkeys(nodes.values()) | self._points.get(name, {})
            self._edges[name] = [(nodes[a], nodes[b]) for a, b in edges if a in nodes and b in nodes]

    def placed(self, name: str, points: Sequence[Point]) -> list[list[float]]:
        """Return the points of a shape in the order of its class.

        Those that it lacks are not seen.

        Args:
            name: of the class.
            points: of the shape, each with its name.
        """
        known = self._points.setdefault(name, {})
        known |= {point: None for point, *_ in points}
        given = {point: [x, y, seen] for point, x, y, seen in points}
        return [given.get(point, [0.0, 0.0, 0]) for point in known]

    def of(self, name: str) -> Skeleton | None:
        """Return the skeleton of a class, None where it has none."""
        names = list(self._points.get(name, ()))
        places = {point: at for at, point in enumerate(names)}
        edges = [(places[a], places[b]) for a, b in self._edges.get(name, ())]
        return Skeleton(tuple(names), tuple(dict.fromkeys(edges))) if names else None


def _drawn(drawing: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return {node: its name} and the joined nodes of a drawing.

    A node without a name is called by its number.
    """
    nodes: dict[str, str] = {}
    edges = []
    for tag in TAG.findall(drawing):
        facts = {key: html.unescape(value) for key, value in ATTRIBUTE.findall(tag)}
        if "data-node-id" in facts:
            nodes[facts["data-node-id"]] = facts.get("data-label-name") or facts["data-node-id"]
        elif "data-node-from" in facts and "data-node-to" in facts:
            edges.append((facts["data-node-from"], facts["data-node-to"]))
    return dict(sorted(nodes.items(), key=lambda node: (len(node[0]), node[0]))), edges


def points_of(shape: Element) -> list[Point]:
    """Return the points of a <skeleton>."""
    found = []
    for point in shape.iterfind("points"):
        x, _, y = (point.get("points") or "").partition(",")
        seen = 0 if point.get("outside") == "1" else 1 if point.get("occluded") == "1" else 2
        if math.isfinite(number(x) + number(y)):
            found.append((point.get("label") or "", number(x), number(y), seen))
    return found


def points_xml(points: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    """Return the elements of a skeleton's points.

    Args:
        points: [x, y, v].
        names: of the points.
    """
    rows = []
    for name, (x, y, seen) in zip(names, points, strict=False):
        marks = f'outside="{int(seen == 0)}" occluded="{int(seen == 1)}"'
        place = f"{short_number(x)},{short_number(y)}"
        rows.append(f'<points label="{escaped(name)}" source="manual" {marks} points="{place}"></points>\n')
    return "".join(rows)


def drawing_of(skeleton: Skeleton) -> str:
    """Return the drawing that names points and joins them.

    They lie on a circle in a square of 100.
    """
    turns = [2 * math.pi * at / len(skeleton.names) for at in range(len(skeleton.names))]
    places = [(short_number(50 + 40 * math.sin(turn)), short_number(50 - 40 * math.cos(turn))) for turn in turns]
    lines = (
        f'<line x1="{places[a][0]}" y1="{places[a][1]}" x2="{places[b][0]}" y2="{places[b][1]}" stroke="black" '
        f'data-type="edge" data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        for a, b in skeleton.edges
    )
    nodes = (
        f'<circle r="1.5" cx="{x}" cy="{y}" data-type="element node" data-element-id="{at}" data-node-id="{at}" '
        f'data-label-name="{html.escape(name)}"></circle>'
        for at, (name, (x, y)) in enumerate(zip(skeleton.names, places, strict=True), 1)
    )
    return "".join((*lines, *nodes))
