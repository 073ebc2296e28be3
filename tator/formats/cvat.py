"""CVAT for images 1.1: one XML file with boxes, outlines, ellipses and masks.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tator.attributes import Attributes
from tator.formats import SPLITS, Label, Report
from tator.formats._cvat_marks import Kinds, kinds_of, marks_of
from tator.formats._cvat_skeletons import Skeletons, points_of
from tator.formats._cvat_tracks import filled, frames_of
from tator.formats._cvat_written import LABEL as LABEL
from tator.formats._cvat_written import write as write
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label, box_ring, ellipse, extent, mask_label, number, outline_label, turned
from tator.formats._turned import turn_of
from tator.formats._xml import each_element, root_tag, text_of
from tator.formats.tree import Tree
from tator.formats.writing import ANY
from tator.vision import masks

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "cvat"
HOLDS_ATTRIBUTES = ANY
HOLDS_TAGS = True
HOLDS_SKELETONS = True
NO_AREA = {"polyline": "a line", "points": "points", "cuboid": "a cuboid"}
Shape = tuple[str, str, dict[str, str], Attributes]  # kind, class, what stands in its tag, attributes


def sniff(tree: Tree) -> bool:
    """Whether the folder has a CVAT file."""
    return any(is_cvat(sample) for _, sample in tree.samples(".xml"))


def is_cvat(sample: bytes) -> bool:
    """Whether the head of a file is CVAT's."""
    return root_tag(sample) == "annotations" and any(mark in sample for mark in (b"<meta", b"<image ", b"<track "))


def read(tree: Tree) -> CvatSource:
    """Return the source of a folder that `sniff` took; files are read as a stream."""
    source = CvatSource.of_files(tree, is_cvat, ".xml")
    source.settle()
    source.number_skeletons()
    return source


class CvatSource(Gathered):
    """A folder with CVAT files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self._points = Skeletons()
        self._kinds: Kinds = {}

    def add(self, path: str) -> None:
        """Take the labels, images and shapes of a file."""
        frames = frames_of(self.tree.images)
        for element in each_element(self.tree, path, ("label", "image", "track"), self.report):
            if element.tag == "label":
                self._declared(element)
            elif element.tag == "track":
                self._track(element, path, frames)
            else:
                self._image(element, path)

    def number_skeletons(self) -> None:
        """Say which class each skeleton is of, once the classes are numbered."""
        found = {index: self._points.of(name) for index, name in self.classes.items()}
        self.skeletons = {index: skeleton for index, skeleton in found.items() if skeleton is not None}

    def _declared(self, element: Element) -> None:
        name = text_of(element, "name")
        if not name:
            return
        self._points.declare(element)
        self._kinds.update(kinds_of(element))
        if not text_of(element, "parent") and text_of(element, "type") != "tag":
            self.listed.setdefault(name)

    def _image(self, element: Element, path: str) -> None:
        subset = element.get("subset") or ""
        name = element.get("name") or ""
        folders = ("images/", f"images/{subset}/", f"{subset}/") if subset else ("images/",)
        near = [f"{base}{end}" for base in ("", _folder(path)) for end in reversed(folders)]
        image = self.find(name, path, None, near, inside=subset)
        if image is None:
            return
        if split := SPLITS.get(subset.lower()):
            self.splits[image] = split
        self.told_size(image, path, number(element.get("width")), number(element.get("height")))
        for tag in element.iterfind("tag"):
            if said := tag.get("label"):
                self.tags[image] = list(dict.fromkeys([*self.tags.get(image, ()), said]))
            for mark in tag.iterfind("attribute"):
                self.report.notice(path, "attributes of a tag are not kept", f"{mark.get('name')} of {said}")
        drawn = (self._given(shape) for shape in element if shape.tag != "tag")
        for kind, name, given, marks in _joined(list(drawn)):
            self._shape(image, path, (kind, name, given, marks))

    def _given(self, shape: Element) -> Shape:
        said = shape.get("label") or ""
        marks = marks_of(shape, said, self._kinds)
        if shape.tag == "skeleton":
            marks["keypoints"] = self._points.placed(said, points_of(shape))
        return shape.tag, said, dict(shape.attrib), marks

    def _track(self, element: Element, path: str, frames: dict[int, str]) -> None:
        """Take the shapes of a track, frame by frame."""
        said, number_said = element.get("label") or "", element.get("id") or ""
        track = {"track": int(number_said) if number_said.isdecimal() else number_said} if number_said else {}
        for shape in element:
            shape.attrib.setdefault("group_id", element.get("group_id") or "0")
            shape.attrib.setdefault("source", element.get("source") or "")
            shape.attrib["label"] = said
        drawn = {shape.get("frame", ""): shape for shape in element}
        latest = None
        for given, is_between in filled([shape.attrib for shape in element], sorted(frames)):
            latest = drawn.get(given["frame"], latest)
            image = frames.get(int(given["frame"]))
            if image is None or latest is None:
                self.report.drop(path, "image is not in the folder", f"frame {given['frame']} of track {said[:80]}")
                continue
            self.know(image)
            kind, name, _, marks = self._given(latest)
            marks |= track | ({"interpolated": True} if is_between else {})
            self._shape(image, path, (kind, name, dict(given), marks))

    def _shape(self, image: str, path: str, shape: Shape) -> None:
        where, (kind, said, given, marks) = f"{path} ({image})", shape
        if kind in NO_AREA:
            self.take(image, where, None, Refused("shape without an area", f"{NO_AREA[kind]}: {said}"))
        elif said:
            self.take(image, where, None, (kind, self.name(said), given, marks))
        else:
            self.take(image, where, None, Refused("object without a class"))

    def _label(self, entry: Shape, place: Place) -> Label | None:
        """Return a shape as a label, or None after noting why it is not one."""
        tag, name, given, marks = entry
        label = (
            _seen(self.index(name) or 0, name, marks, place)
            if tag == "skeleton"
            else self._drawn(tag, name, given, place)
        )
        if label is None:
            return None
        turn = number(given.get("rotation", "0")) % 360
        turned_box = {"rotation": turn} if tag == "box" and turn_of(label) is not None else {}
        return replace(label, attributes=marks | turned_box or None)

    def _drawn(self, tag: str, name: str, given: dict[str, str], place: Place) -> Label | None:
        index = self._numbered(name, place)
        if index is None:
            return None
        turn = number(given.get("rotation", "0"))
        if tag == "box":
            box = tuple(number(given.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
            if not turn:
                return box_label(index, box, place)
            return outline_label(
                index, [turned(box_ring(box), turn, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)], place
            )
        if tag == "polygon":
            points = [number(value) for point in given.get("points", "").split(";") for value in point.split(",")]
            return outline_label(index, [points], place)
        if tag == "ellipse":
            place.repair("ellipse read as an outline")
            cx, cy, rx, ry = (number(given.get(key)) for key in ("cx", "cy", "rx", "ry"))
            return outline_label(index, [ellipse(cx, cy, rx, ry, turn)], place)
        if tag == "mask":
            return _mask(index, given, place)
        place.drop("unknown shape", f"<{tag}>: {name[:80]}")
        return None


def _seen(index: int, name: str, marks: Attributes, place: Place) -> Label | None:
    """Return a skeleton as the box around the points that are seen."""
    seen = [value for x, y, v in marks["keypoints"] if v for value in (x, y)]
    if len(seen) < 4:
        place.drop("shape without an area", f"a skeleton of {len(seen) // 2} points that are seen: {name[:80]}")
        return None
    return box_label(index, extent(seen), place)


def _joined(shapes: list[Shape]) -> list[Shape]:
    """Put a skeleton's points to the shape before it of its class and group.

    A group of these two is none of several objects.
    """
    found: list[Shape] = []
    before: dict[tuple[str, str], int] = {}
    joined = []
    for shape in shapes:
        kind, name, given, marks = shape
        key = name, given.get("group_id", "0")
        at = before.pop(key, None) if kind == "skeleton" and key[1] not in ("", "0") else None
        if at is None:
            before.update({} if kind == "skeleton" else {key: len(found)})
            found.append(shape)
        else:
            found[at] = (*found[at][:3], marks | found[at][3])
            joined.append(at)
    groups = Counter(given.get("group_id") for _, _, given, _ in found)
    for at in joined:
        _, _, given, marks = found[at]
        if groups[given["group_id"]] == 1 and isinstance(marks.get("group"), int):
            del marks["group"]
    return found


def _folder(path: str) -> str:
    return path.rpartition("/")[0] + "/" if "/" in path else ""


def _mask(index: int, given: dict[str, str], place: Place) -> Label | None:
    """Return a mask's runs, row by row in its box, as a label with RLE."""
    import numpy as np

    try:
        left, top, width, height = (int(given[key]) for key in ("left", "top", "width", "height"))
        runs = [int(run) for run in given["rle"].split(",")]
    except (KeyError, ValueError):
        place.drop("mask refused", "expected rle, left, top, width and height as whole numbers")
        return None
    inside = (
        0 <= left
        and 0 <= top
        and 0 < width
        and 0 < height
        and left + width <= place.width
        and top + height <= place.height
    )
    if not inside or min(runs) < 0 or sum(runs) > width * height:
        place.drop("mask refused", f"{width} x {height} at {left}, {top} does not fit its runs or the image")
        return None
    pixels = np.zeros(width * height, bool)
    pixels[: sum(runs)] = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return mask_label(index, masks.of_dense(pixels.reshape(height, width), left, top), place)
