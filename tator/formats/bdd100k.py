"""BDD100K and Scalabel: frames with boxes, outlines, masks and key points.

BDD100K's first release has a file an image, with objects; the later ones are lists of frames, and Scalabel's own form has a
configuration beside them.

Source: https://doc.bdd100k.com/format.html and https://doc.scalabel.ai/format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SPLITS, Label, Report, fit_confidence, folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_json
from tator.formats._json_keys import Keys, any_file, each_file
from tator.formats._named_points import NamedPoints, Spot, told_apart
from tator.formats._scalabel_writing import write_frames
from tator.formats._shapes import Place, number
from tator.formats._typed import listed
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Output, Splits

NAME = "bdd100k"
LABEL = "BDD100K (Scalabel JSON)"
HOLDS_ATTRIBUTES = ANY
HOLDS_CONFIDENCE = True
HOLDS_TAGS = True
SHAPES = frozenset(("box2d", "poly2d", "box3d", "graph", "rle"))
STEPS = 8  # short lines that a curve is read as
UNKNOWN = (None, "", "undefined")  # what the values of attributes are called that nobody gave


def sniff(tree: Tree) -> bool:
    """Whether the folder has frames of BDD100K or Scalabel."""
    return any_file(tree, is_bdd100k, ".json")


def is_bdd100k(keys: Keys) -> bool:
    """Whether the keys of a file are those of frames with labels or objects."""
    is_frames = {"name", "labels"} <= keys or {"frames", "objects"} <= keys
    has_objects = "category" in keys and bool(SHAPES & keys)
    is_known = {"frames", "config"} <= keys or {"videoName", "frameIndex"} <= keys
    return is_frames and (has_objects or is_known)


def read(tree: Tree) -> FramesSource:
    """Return the source of a folder that `sniff` took."""
    source = FramesSource(tree, Report())
    for path in each_file(tree, is_bdd100k, ".json"):
        source.add(path)
    source.settle()
    source.skeletons = source.points.skeletons(source.index)
    return source


class FramesSource(DrawnSource):
    """A folder with frames of BDD100K or Scalabel; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.points = NamedPoints()

    def add(self, path: str) -> None:
        """Take the frames of a file."""
        content = read_json(self.tree, path, self.report, "frames of BDD100K or Scalabel")
        whole = as_dict(content)
        self._categories(as_list(as_dict(whole.get("config")).get("categories")))
        frames = content if isinstance(content, list) else as_list(whole.get("frames"))
        words = (SPLITS.get(word) for word in re.split(r"[^a-z]+", PurePosixPath(path).stem.lower()))
        split = folder_split(path) or next(filter(None, words), "")
        if any("objects" in as_dict(frame) for frame in frames):
            self._first_release(whole, [as_dict(frame) for frame in frames], path, split)
            return
        if not frames and "labels" in whole:
            frames = [whole]
        if not frames and content is not None and not isinstance(whole.get("frames"), list):
            self.report.drop(path, "not a file of frames", "expected a list of frames, or an object with one")
        for at, frame in enumerate(frames, 1):
            self._frame(as_dict(frame), path, at, split)

    def _categories(self, rows: list) -> None:
        """Take the classes of a configuration, where a class may hold others."""
        for row in map(as_dict, rows):
            if inner := as_list(row.get("subcategories")):
                self._categories(inner)
            elif isinstance(row.get("name"), str):
                self.listed.setdefault(self.name(row["name"]))

    def _first_release(self, whole: dict, frames: list[dict], path: str, split: str) -> None:
        """Take a file of the first release, which is one image."""
        if len(frames) > 1:
            self.report.drop(path, "annotation of a video", f"{len(frames)} frames of {str(whole.get('name'))[:80]}")
            return
        facts = {"name": whole.get("name"), "attributes": whole.get("attributes")}
        self._frame(facts | {"labels": frames[0].get("objects")}, path, 1, split)

    def _frame(self, frame: dict, path: str, at: int, split: str) -> None:
        name, video = frame.get("name"), frame.get("videoName")
        inside = video if isinstance(video, str) and video and isinstance(name, str) else ""
        if inside and (whole := f"{inside}/{name}") and self.tree.find(whole)[0] and not self.tree.find(whole)[1]:
            name = whole
        image = self.find(name, path, at, (f"images/{split}/", f"{split}/") if split else (), split)
        if image is None:
            return
        if split := folder_split(image) or split:
            self.splits[image] = split
        size = as_dict(frame.get("size"))
        self.told_size(image, path, size.get("width"), size.get("height"))
        tags = [_tag(str(key), value) for key, value in as_dict(frame.get("attributes")).items()]
        if kept := [tag for tag in tags if tag]:
            self.tags[image] = list(dict.fromkeys([*self.tags.get(image, ()), *kept]))
        is_tracked = bool(inside) and frame.get("frameIndex") is not None
        for row in map(as_dict, as_list(frame.get("labels"))):
            where = f"{path} ({image})"
            self.take(image, where, None, self._entry(row, is_tracked, where))

    def _entry(self, row: dict, is_tracked: bool, where: str) -> tuple[Drawn, dict[str, Spot]] | Refused:
        name = row.get("category")
        if not isinstance(name, str) or not name:
            return Refused("object without a class", f"label {str(row.get('id'))[:40]}; expected a category")
        attributes = {
            {"Occluded": "occluded", "Truncated": "truncated"}.get(str(key), str(key)): listed(value)
            for key, value in as_dict(row.get("attributes")).items()
            if value is not None
        }
        if is_tracked and isinstance(row.get("id"), (str, int)):
            attributes.setdefault("track", row["id"])
        spots = self._graph(name, as_dict(row.get("graph")))
        shape = _shape(row, name)
        if isinstance(shape, Refused) and spots and not row.get("poly2d"):
            shape = {}
        if isinstance(shape, Refused):
            return shape
        if shape.pop("is_curved", False):
            self.report.notice(where, "curves read as short lines", name[:80])
        score = row.get("score")
        sure = None if score is None else fit_confidence(score, self.report, where)
        return Drawn(self.name(name), **shape, attributes=attributes, confidence=sure), spots

    def _graph(self, class_name: str, graph: dict) -> dict[str, Spot]:
        """Return the key points of a graph by name, and note that its class has them."""
        nodes = [as_dict(node) for node in as_list(graph.get("nodes"))]
        names = list(told_apart([str(node.get("category") or f"point {at}") for at, node in enumerate(nodes, 1)]))
        ids = {str(node.get("id")): name for node, name in zip(nodes, names, strict=True)}
        edges = [
            (str(as_dict(edge).get("source")), str(as_dict(edge).get("target"))) for edge in as_list(graph.get("edges"))
        ]
        if names:
            self.points.meet(class_name, names, [(ids[a], ids[b]) for a, b in edges if a in ids and b in ids])
        return {name: spot for name, node in zip(names, nodes, strict=True) if (spot := _spot(node))}

    def _label(self, entry: Any, place: Place) -> Label | None:
        drawn, spots = entry
        return super()._label(replace(drawn, points=self.points.rows(drawn.name, spots)), place)


def _tag(key: str, value: Any) -> str:
    """Return an attribute of a frame as a tag, "" where it says nothing."""
    if value in UNKNOWN or value is False:
        return ""
    return key if value is True else f"{key}: {value}"


def _spot(node: dict) -> Spot | None:
    """Return where a node of a graph lies, None where it lies nowhere."""
    place = as_list(node.get("location"))
    if len(place) != 2:
        return None
    seen = 1 if str(node.get("visibility")).lower() in ("n", "occluded") else 2
    return number(place[0]), number(place[1]), seen


def _shape(row: dict, name: str) -> dict | Refused:
    """Return the fields of a Drawn that a label fills, or why there is none."""
    if rle := as_dict(row.get("rle")):
        return {"rle": rle}
    is_line = name.startswith("lane")  # the first release does not say whether an outline is closed
    parts = [part for part in _parts(row.get("poly2d")) if part[2] or part[2] is None and not is_line]
    if parts:
        is_curved = any("C" in types for _, types, _ in parts)
        return {"rings": [[_ring(points, types)] for points, types, _ in parts], "is_curved": is_curved}
    if box := as_dict(row.get("box2d")):
        x1, y1, x2, y2 = (number(box.get(side)) for side in ("x1", "y1", "x2", "y2"))
        return {"box": (x1, y1, x2, y2)}
    if row.get("poly2d"):
        return Refused("shape without an area", f"open line: {name[:80]}")
    if row.get("box3d"):
        return Refused("shape without an area", f"box in space: {name[:80]}")
    return Refused("object without a place", f"{name[:80]}; expected box2d, poly2d or rle")


def _parts(given: Any) -> list[tuple[list, str, bool | None]]:
    """Return (points, their types, whether it is closed) of the outlines of a label.

    The first release has the points of one outline, each with its type, and does not say whether it is closed.
    """
    rows = as_list(given)
    if rows and all(isinstance(row, list) for row in rows):
        types = "".join(str(row[2])[:1] if len(row) > 2 else "L" for row in rows)
        return [([row[:2] for row in rows], types, None)]
    found: list[tuple[list, str, bool | None]] = []
    for part in map(as_dict, rows):
        points = [as_list(point) for point in as_list(part.get("vertices"))]
        types = str(part.get("types") or "").ljust(len(points), "L")
        found.append((points, types, part.get("closed") is not False))
    return found


def _ring(points: list, types: str) -> list[float]:
    """Return an outline, flat; a curve has two points C that lead it and then its end."""
    corners = [tuple(number(value) for value in point[:2]) for point in points if len(point) >= 2]
    flat: list[float] = []
    at = 0
    while at < len(corners):
        if types[at : at + 2] == "CC" and at and len(corners) == len(points):
            start, lead, pull = corners[at - 1], corners[at], corners[at + 1]
            flat += _curve(start, lead, pull, corners[(at + 2) % len(corners)])
            at += 3
        else:
            flat += corners[at]
            at += 1
    return flat


def _curve(*corners: tuple[float, ...]) -> Iterator[float]:
    """Yield the points of a Bezier curve after its start, flat."""
    for step in range(1, STEPS + 1):
        t = step / STEPS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        for axis in range(2):
            yield sum(weight * corner[axis] for weight, corner in zip(weights, corners, strict=True))


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file a split in Scalabel's form; yield images done."""
    return write_frames(out, names, splits)
