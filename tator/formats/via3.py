"""VGG Image Annotator 3: one JSON project with shapes in pixels.

It holds attributes, files, views and metadata.

Source: https://gitlab.com/vgg/via/-/blob/master/via-3.x.y/CodeDoc.md, and src/js/_via_attribute.js, _via_file.js and
_via_metadata.js of it for the numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tator.attributes import Attributes
from tator.formats import Label, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import Place, box_label, ellipse, extent, number, one_ring, outline_label, polygons_of
from tator.formats._via_marks import CAPTION, NOTES, TAGS, is_choices, marks_of, stated
from tator.formats.tree import Tree
from tator.formats.via import CLASS, UNNAMED, class_attribute, remember
from tator.formats.writing import ANY, Output, Splits, Written, each, outlines_only, write_rows

NAME = "via3"
LABEL = "VGG Image Annotator 3"
HOLDS_CAPTIONS = True
HOLDS_TAGS = True
HOLDS_NOTES = True
HOLDS_ATTRIBUTES = ANY
FILE = "via3_project.json"
REGION, WHOLE = "FILE1_Z0_XY1", "FILE1_Z0_XY0"  # what an attribute describes: a region of an image, an image
IMAGE, BY_ADDRESS, SELECT, TEXT, CHECKBOX = 2, 3, 4, 1, 2  # kinds of files, of their places, of attributes
RECTANGLE, CIRCLE, ELLIPSE, POLYGON, FOUR_POINTS, THREE_POINTS = 2, 3, 4, 7, 8, 9
NO_AREA = {1: "point", 5: "line", 6: "polyline"}


def sniff(tree: Tree) -> bool:
    """Whether the folder has a VIA 3 project."""
    return any(is_via3(sample) for _, sample in tree.samples(".json"))


def is_via3(sample: bytes) -> bool:
    """Whether both ends of a file look like VIA 3's."""
    others = (b'"anchor_id"', b'"loc_prefix"', b'"data_format_version"', b'"metadata"', b'"xy"')
    return (b'"vid_list"' in sample or b'"fid_list"' in sample) and any(key in sample for key in others)


def read(tree: Tree) -> Via3Source:
    """Return the source of a folder that `sniff` took."""
    source = Via3Source.of_files(tree, is_via3, ".json")
    source.settle()
    return source


class Via3Source(Gathered):
    """A folder with VIA 3 projects; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the images and regions of a project."""
        content = read_object(self.tree, path, self.report, "a VIA 3 project")
        if content is None:
            return
        attributes = {aid: as_dict(given) for aid, given in as_dict(content.get("attribute")).items()}
        rows = [(row, _said(row, attributes)) for row in map(as_dict, as_dict(content.get("metadata")).values())]
        declared = [_name(given) for given in attributes.values() if given.get("anchor_id", REGION) != WHOLE]
        chosen = class_attribute([words for row, words in rows if as_list(row.get("xy"))], declared)
        for given in attributes.values():
            if _name(given) == chosen:
                self.listed |= dict.fromkeys(map(str, as_dict(given.get("options")).values()))
        images = self._images(path, content)
        for row, words in rows:
            if image := images.get(str(row.get("vid"))):
                self._take(image, path, row, words, chosen)

    def _images(self, path: str, content: dict) -> dict[str, str]:
        """Return {view id: image} of the views that show one image of the folder."""
        files = {str(fid): as_dict(given) for fid, given in as_dict(content.get("file")).items()}
        found: dict[str, str] = {}
        for vid, view in as_dict(content.get("view")).items():
            shown = [files.get(str(fid), {}) for fid in as_list(as_dict(view).get("fid_list"))]
            if len(shown) != 1:
                self.report.drop(path, "view of several files", f"view {str(vid)[:40]} shows {len(shown)}")
            elif shown[0].get("type", IMAGE) != IMAGE:
                self.report.drop(path, "video or audio file", str(shown[0].get("fname"))[:200])
            else:
                reference = shown[0].get("fname") or shown[0].get("src")
                image = self.find(reference, path, hint=folder_split(path) or "")
                if image:
                    found[str(vid)] = image
        return found

    def _take(self, image: str, path: str, row: dict, words: dict[str, Any], chosen: str) -> None:
        where, shape = f"{path} ({image})", as_list(row.get("xy"))
        if as_list(row.get("z")):
            self.take(image, where, None, Refused("part of a video", "an image has no times"))
        elif not shape:
            remember(self, image, words)
        else:  # VIA itself makes an attribute a class of the COCO files it reads
            same = next((other for other, said in words.items() if said == other), "")
            name = _first(words.get(chosen)) or same
            if not name:
                self.report.repair(where, "region without a class", f"read as {UNNAMED!r}")
            named = {chosen} if words.get(chosen) else {same}
            self.take(image, where, None, (self.name(name or UNNAMED), shape, marks_of(words, named)))

    def _label(self, entry: tuple[str, list, Attributes], place: Place) -> Label | None:
        """Return a region as a label, or None after noting why it is not one."""
        name, shape, marks = entry
        index = self._numbered(name, place)
        label = None if index is None else _drawn(index, name, shape, place)
        return label and replace(label, attributes=marks or None)


def _drawn(index: int, name: str, shape: list, place: Place) -> Label | None:
    kind, *given = shape
    values = list(map(number, given))
    if kind == RECTANGLE and len(values) == 4:
        x, y, width, height = values
        return box_label(index, (x, y, x + width, y + height), place)
    if kind == FOUR_POINTS and len(values) >= 4 and len(values) % 2 == 0:
        corners = extent(values) if all(map(math.isfinite, values)) else (math.nan,) * 4
        return box_label(index, corners, place)
    if kind == POLYGON:
        return outline_label(index, [values], place)
    if curve := _curve(kind, values):
        place.repair("circle or ellipse read as an outline", name[:80])
        return outline_label(index, [ellipse(*curve)], place)
    if not isinstance(kind, (int, str)) or kind not in NO_AREA:
        place.drop("unknown shape", f"{str(kind)[:40]} of {len(values)} numbers: {name[:80]}")
        return None
    place.drop("shape without an area", f"{NO_AREA[kind]}: {name[:80]}")
    return None


def _name(attribute: dict) -> str:
    return str(attribute.get("aname"))


def _said(row: dict, attributes: dict[str, dict]) -> dict[str, Any]:
    """Return {attribute name: value} of a region or image.

    Options, which files number, are named; those of a checkbox are a list.
    """
    found: dict[str, Any] = {}
    for aid, value in as_dict(row.get("av")).items():
        attribute = attributes.get(aid, {})
        options = as_dict(attribute.get("options"))
        if options and isinstance(value, (str, int, float)):
            if attribute.get("type") == CHECKBOX:
                value = [str(options.get(each, each)) for each in str(value).split(",") if each]
            else:
                value = str(options.get(str(value), value))
        if value not in ("", None, [], {}):
            found[_name(attribute) if attribute else aid] = value
    return found


def _first(value: Any) -> str:
    """Return a class: text, a number, or the first option that is ticked."""
    if isinstance(value, list):
        return str(value[0])
    return str(value) if isinstance(value, (str, int, float)) else ""


def _curve(kind: Any, values: Sequence[float]) -> tuple[float, float, float, float] | None:
    """Return centre and radii of a circle, an ellipse or a three-point circle.

    None for any other shape.
    """
    if kind == CIRCLE and len(values) == 3:
        return values[0], values[1], values[2], values[2]
    if kind == ELLIPSE and len(values) == 4:
        return values[0], values[1], values[2], values[3]
    if kind != THREE_POINTS or len(values) != 6:
        return None
    _, _, bx, by, cx, cy = (value - values[at % 2] for at, value in enumerate(values))  # the first becomes 0, 0
    twice, b, c = 2 * (bx * cy - by * cx), bx * bx + by * by, cx * cx + cy * cy
    if not twice:  # on a line
        return values[0], values[1], math.nan, math.nan
    x, y = (cy * b - by * c) / twice, (bx * c - cx * b) / twice
    return values[0] + x, values[1] + y, math.hypot(x, y), math.hypot(x, y)


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a VIA 3 project; yield how many images are done."""
    ui = {"file_content_align": "center", "spatial_region_label_attribute_id": "1"}
    config = {"file": {"loc_prefix": {str(place): "" for place in range(1, 5)}}, "ui": ui}
    project = {
        "pid": "__VIA_PROJECT_ID__",
        "rev": "__VIA_PROJECT_REV_ID__",
        "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
        "pname": "tator",
        "creator": "tator",
        "created": 0,
        "data_format_version": "3.1.1",
    }
    total = sum(1 for _ in each(splits))
    numbers = _Numbers(out)
    with out.open(FILE) as file:
        listed = (f'"{vid}"'.encode() for vid in range(1, total + 1))
        head = b'{"project": ' + _json(project)[:-1] + b', "vid_list": [\n'
        write_rows(file, listed, head, b"\n]},\n")
        file.write(b'"config": ' + _json(config) + b",\n")
        files = (_file(fid, image) for fid, image in enumerate(each(splits), 1))
        write_rows(file, files, b'"file": {\n', b"\n},\n")
        views = (f'"{vid}": {{"fid_list": ["{vid}"]}}'.encode() for vid in range(1, total + 1))
        write_rows(file, views, b'"view": {\n', b"\n},\n")
        rows = (row for vid, image in enumerate(each(splits), 1) for row in _metadata(out, vid, image, numbers))
        write_rows(file, rows, b'"metadata": {\n', b"\n},\n")
        file.write(b'"attribute": ' + _json(numbers.attributes(names)) + b"}\n")
    yield total


class _Numbers:
    """The numbers that a project gives to attributes and their options."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._ids: dict[tuple[str, bool], str] = {}  # by name and whether its values are options to tick
        self._options: dict[str, dict[str, str]] = {}

    def facts(self, label: Label) -> dict[str, Any]:
        """Return {number of the attribute: value} of a region."""
        facts: dict[str, Any] = {"1": str(label.class_index + 1)}
        for name, value in stated(self._out, label, CLASS, LABEL).items():
            ticks = is_choices(value)
            at = self._ids.setdefault((name, ticks), str(len(self._ids) + 5))
            facts[at] = self._ticked(at, value) if ticks else value
        return facts

    def remarks(self, image: Written) -> dict[str, Any]:
        """Return {number of the attribute: value} of an image."""
        tags = self._ticked(TAGS, image.tags)
        return {at: value for at, value in (("2", image.caption), ("3", image.notes), ("4", tags)) if value}

    def _ticked(self, name: str, options: Sequence[str]) -> str:
        known = self._options.setdefault(name, {})
        return ",".join(known.setdefault(option, str(len(known))) for option in options)

    def attributes(self, names: list[str]) -> dict[str, dict]:
        """Return what the project says of its attributes, once all are met."""
        found = {
            "1": (CLASS, REGION, SELECT, {str(row): name for row, name in enumerate(names, 1)}),
            "2": (CAPTION, WHOLE, TEXT, {}),
            "3": (NOTES, WHOLE, TEXT, {}),
            "4": (TAGS, WHOLE, CHECKBOX, self._named(TAGS)),
        }
        for (name, ticks), at in self._ids.items():
            found[at] = (name, REGION, CHECKBOX if ticks else TEXT, self._named(at))
        keys = ("aname", "anchor_id", "type", "options")
        common = {"desc": "", "default_option_id": ""}
        return {at: {**dict(zip(keys, facts, strict=True)), **common} for at, facts in found.items()}

    def _named(self, name: str) -> dict[str, str]:
        return {at: option for option, at in self._options.get(name, {}).items()}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _file(fid: int, image: Written) -> bytes:
    facts = {"fid": str(fid), "fname": image.path, "type": IMAGE, "loc": BY_ADDRESS, "src": image.path}
    return f'"{fid}": '.encode() + _json(facts)


def _metadata(out: Output, vid: int, image: Written, numbers: _Numbers) -> Iterator[bytes]:
    """Yield an entry a region, and one for what the image has."""
    common = {"vid": str(vid), "flg": 0, "z": []}
    if said := numbers.remarks(image):
        yield f'"{vid}_image": '.encode() + _json({**common, "xy": [], "av": said})
    for at, label in enumerate(image.labels, 1):
        facts = {**common, "xy": _shape(out, label), "av": numbers.facts(label)}
        yield f'"{vid}_{at:08x}": '.encode() + _json(facts)


def _shape(out: Output, label: Label) -> list[float]:
    if polygons := polygons_of(label):
        outlines_only(out, label, LABEL)
        return [POLYGON, *(round(value, 4) for value in one_ring(polygons))]
    x1, y1, x2, y2 = label.xyxy
    return [RECTANGLE, *(round(value, 4) for value in (x1, y1, x2 - x1, y2 - y1))]
