"""SuperAnnotate: a JSON file an image, and classes.json.

Source: https://doc.superannotate.com/docs/vector-json
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from tator.formats import Report, folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_json, read_object
from tator.formats._shapes import ellipse, number, ordered
from tator.formats._turned import angle_of
from tator.formats.tree import Tree

NAME = "superannotate"
LABEL = "SuperAnnotate"
FUSED = ("___fuse.png", "___save.png")  # pictures that it writes beside an image
NO_AREA = ("point", "polyline", "cuboid", "comment", "tag")


def sniff(tree: Tree) -> bool:
    """Whether the folder has files of SuperAnnotate."""
    return any(is_superannotate(sample) for _, sample in tree.samples(".json"))


def is_superannotate(sample: bytes) -> bool:
    """Whether both ends of a file look like an image of SuperAnnotate."""
    marks = (b'"pointLabels"', b'"attributeId"', b'"groupId"', b'"classId"', b'"className"', b'"creationType"')
    return (
        b'"instances"' in sample
        and b'"metadata"' in sample
        and any(mark in sample for mark in (*marks, b'"isPredicted"'))
    )


def _is_file(sample: bytes) -> bool:
    return b'"instances"' in sample and b'"metadata"' in sample


def read(tree: Tree) -> SuperAnnotateSource:
    """Return the source of a folder that `sniff` took."""
    tree.set_aside({path for path in tree.images if path.endswith(FUSED)})
    source = SuperAnnotateSource.of_classes(tree)
    for path, sample in tree.each_sample(".json"):
        if _is_file(sample):
            source.add(path)
    source.settle()
    return source


class SuperAnnotateSource(DrawnSource):
    """A folder with SuperAnnotate files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}
        self._named: dict[Any, str] = {}

    @classmethod
    def of_classes(cls, tree: Tree) -> SuperAnnotateSource:
        """Return a source that knows what classes.json lists."""
        source = cls(tree, Report())
        for path in tree.tables:
            if PurePosixPath(path).name == "classes.json":
                for row in map(as_dict, as_list(read_json(tree, path, source.report, "a list of classes"))):
                    if isinstance(row.get("name"), str):
                        source.listed.setdefault(source.name(row["name"]))
                        source._named[row.get("id")] = row["name"]
        return source

    def add(self, path: str) -> None:
        """Take the instances of an image."""
        content = read_object(self.tree, path, self.report, "a SuperAnnotate file")
        if content is None:
            return
        facts, name = as_dict(content.get("metadata")), PurePosixPath(path).name
        stem = name.removesuffix(".json").removesuffix("___objects").removesuffix("___pixel")
        folder = path.rpartition("/")[0]
        image = self.find(facts.get("name") or stem, path, None, (f"{folder}/" if folder else "",))
        if image is None:
            return
        self.tree.claim(path)
        self.told_size(image, path, facts.get("width"), facts.get("height"))
        self.tags[image] = [tag for tag in as_list(content.get("tags")) if isinstance(tag, str)]
        if split := folder_split(image):
            self.splits[image] = split
        for row in as_list(content.get("instances")):
            self.take(image, path, None, self._entry(as_dict(row)))

    def _entry(self, row: dict) -> Drawn | Refused:
        name, kind = row.get("className") or self._named.get(row.get("classId")), str(row.get("type"))
        if not isinstance(name, str) or not name:
            told = f"classId {str(row.get('classId'))[:40]}; expected className, or an id of classes.json"
            return Refused("object without a class", told)
        shape = _shape(kind, row)
        if shape is None:
            reason = "shape without an area" if kind in NO_AREA else "unknown shape"
            return Refused(reason, f"{kind[:40]}: {name[:80]}")
        confidence = row.get("probability")
        sure = confidence / 100 if isinstance(confidence, (int, float)) and 0 < confidence < 100 else None
        attributes = _attributes(row) | shape.get("attributes", {})
        return Drawn(self.name(name), **{**shape, "attributes": attributes}, confidence=sure)


def _shape(kind: str, row: dict) -> dict | None:
    """Return the fields of a Drawn that an instance fills, None for no area."""
    points = row.get("points")
    if kind == "bbox":
        return {"box": ordered(*(number(as_dict(points).get(side)) for side in ("x1", "y1", "x2", "y2")))}
    if kind == "rbbox":
        ring = [number(as_dict(points).get(f"{axis}{at}")) for at in range(1, 5) for axis in ("x", "y")]
        turn = angle_of(ring) if all(value == value for value in ring) else None
        return {"rings": [[ring]], "attributes": {} if turn is None else {"rotation": turn}}
    if kind == "polygon":
        holes = [[number(v) for v in as_list(ring)] for ring in as_list(row.get("exclude"))]
        return {"rings": [[[number(v) for v in as_list(points)], *holes]]}
    if kind == "ellipse":
        cx, cy, rx, ry, turn = (number(row.get(key, 0)) for key in ("cx", "cy", "rx", "ry", "angle"))
        return {"rings": [[ellipse(cx, cy, rx, ry, turn)]]}
    if kind == "template":
        rows = [as_dict(point) for point in as_list(points)]
        return {"points": [(number(point.get("x")), number(point.get("y")), 2) for point in rows]}
    return None


def _attributes(row: dict) -> dict[str, Any]:
    found = {}
    for each in map(as_dict, as_list(row.get("attributes"))):
        group = each.get("groupName") or each.get("groupId")
        value = each.get("name", each.get("id"))
        if group is not None and value is not None:
            found[str(group)] = value
    if isinstance(group := row.get("groupId"), int) and group:
        found["group"] = group
    if row.get("trackingId"):
        found["track"] = row["trackingId"]
    return found
