"""The first LabelMe, of MIT: an XML file an image, with outlines, boxes and masks.

Objects that a person deleted stay in its files and are left out here. CVAT writes it as LabelMe 3.0.
Source: https://github.com/CSAILVision/LabelMeAnnotationTool, the XML of its annotation tools; attributes and masks as in
https://docs.cvat.ai/docs/manual/advanced/formats/format-labelme/
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tator.attributes import Attributes
from tator.formats import Label, Report
from tator.formats._shapes import Place, box_label, extent, number, ordered, outline_label
from tator.formats._typed import is_unset, typed
from tator.formats._xml import read_xml, text_of
from tator.formats.tree import Tree
from tator.formats.voc import CORNERS, VocSource, is_older, is_voc, label_map, ring_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "labelme_xml"
LABEL = "LabelMe of MIT"
PAIR = re.compile(r"\s*([^=,]+?)\s*=\s*(.*?)\s*")


def sniff(tree: Tree) -> bool:
    """Whether the folder has the first LabelMe's XML files."""
    return any(is_labelme_xml(sample) for _, sample in tree.samples(".xml"))


def is_labelme_xml(sample: bytes) -> bool:
    """Whether both ends of a file look like the first LabelMe's."""
    return is_voc(sample) and is_older(sample)


def read(tree: Tree) -> LabelmeXmlSource:
    """Return the source of a folder that `sniff` took.

    Every file is read once for class names, and again for labels.
    """
    source = LabelmeXmlSource(tree, Report())
    for path, sample in tree.each_sample(".xml"):
        if is_labelme_xml(sample):
            source.add(path)
    source.settle(label_map(tree, source.report))
    return source


class LabelmeXmlSource(VocSource):
    """A folder with the first LabelMe's files; see formats.Source."""

    format = NAME

    def class_of(self, name: str) -> str:
        """Return the name of a class without what a person typed around it."""
        return name.strip()

    def size_of(self, root: Element) -> tuple[float, float]:
        """Return the width and height that a file states, NaN where it does not."""
        size = root.find("imagesize")
        return number(text_of(size, "ncols")), number(text_of(size, "nrows"))

    def objects_of(self, root: Element) -> list[Element]:
        """Return the objects of a file that nobody deleted."""
        return [each for each in root.iterfind("object") if not is_deleted(each)]

    def _read(self, entry: None, place: Place) -> list[Label]:
        root = read_xml(self.tree, place.file, self.report)
        if root is None:
            return []
        for each in filter(is_deleted, root.iterfind("object")):
            place.drop("object was deleted in LabelMe", text_of(each, "name").strip()[:80])
        objects = self.objects_of(root)
        groups = _groups(objects)
        found = (self._object(each, place) for each in objects)
        pairs = zip(objects, found, strict=True)
        return [_grouped(label, groups.get(_number(each))) for each, label in pairs if label is not None]

    def _object(self, found: Element, place: Place) -> Label | None:
        """Return an <object> as a label, or None after noting why it is not one."""
        name = self.class_of(text_of(found, "name"))
        if not name:
            place.drop("object without a class")
            return None
        index = self._numbered(name, place)
        label = None if index is None else _drawn(index, name, found, place)
        return label and replace(label, attributes=_marks(found) or None)


def is_deleted(found: Element) -> bool:
    """Whether a person deleted an object, which stays in the file."""
    return text_of(found, "deleted").strip().lower() in ("1", "true", "yes")


def _drawn(index: int, name: str, found: Element, place: Place) -> Label | None:
    ring, mask = ring_of(found), found.find("segm")
    if not ring and mask is not None:
        corners = [number(text_of(mask.find("box"), side)) for side in CORNERS]
        if all(map(math.isfinite, corners)):
            place.repair(
                "mask read as its box", f"{text_of(mask, 'mask')[:80] or name}: the file of the mask is not read"
            )
            return box_label(index, ordered(*corners), place)
    if not ring:
        place.drop("no outline", f"{name[:80]}; expected <polygon> with <pt>, or <segm> with <box>")
        return None
    if len(ring) < 6:
        place.drop("shape without an area", f"{len(ring) // 2} points: {name[:80]}")
        return None
    if text_of(found, "type").strip() == "bounding_box":
        if not all(map(math.isfinite, ring)):
            return box_label(index, (math.nan,) * 4, place)
        if _is_upright(ring):
            return box_label(index, extent(ring), place)
    return outline_label(index, [ring], place)


def _is_upright(ring: list[float]) -> bool:
    return len(ring) == 8 and len(set(ring[0::2])) <= 2 and len(set(ring[1::2])) <= 2


def _marks(found: Element) -> Attributes:
    """Return the attributes of an object: those that are named, and the words."""
    marks: Attributes = {}
    words = []
    for part in filter(str.strip, text_of(found, "attributes").split(",")):
        if pair := PAIR.fullmatch(part):
            marks[pair[1]] = typed(pair[1], _value(pair[2]))
        else:
            words.append(part.strip())
    if words:
        marks["text"] = ", ".join(words)
    for flag in ("occluded", "verified"):
        if _value(text_of(found, flag).strip().lower()) in ("1", "yes", True):
            marks[flag] = True
    return {name: value for name, value in marks.items() if not is_unset(name, value)}


def _value(said: str) -> Any:
    return {"true": True, "false": False}.get(said.lower(), said)


def _number(found: Element) -> str:
    return text_of(found, "id").strip()


def _groups(objects: list[Element]) -> dict[str, int | str]:
    """Return {object: group}, by number, of those that are parts or have some.

    A group is called by the first of its numbers.
    """
    found: dict[str, set[str]] = {}
    for each in objects:
        parts = each.find("parts")
        others = [*text_of(parts, "hasparts").split(","), text_of(parts, "ispartof")]
        linked = {other.strip() for other in others if other.strip()}
        if linked:
            whole = set().union(*(found.get(number, {number}) for number in {_number(each), *linked}))
            found |= dict.fromkeys(whole, whole)
    return {number: _first(group) for number, group in found.items()}


def _first(numbers: set[str]) -> int | str:
    first = min(numbers, key=lambda number: (len(number), number))
    return int(first) if first.isdecimal() else first


def _grouped(label: Label, group: int | str | None) -> Label:
    return label if group is None else replace(label, attributes={**(label.attributes or {}), "group": group})
