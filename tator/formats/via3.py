"""VGG Image Annotator 3: one JSON project with shapes in pixels.

It holds attributes, files, views and metadata.

Source: https://gitlab.com/vgg/via/-/blob/master/via-3.x.y/CodeDoc.md, and src/js/_via_attribute.js, _via_file.js and
_via_metadata.js of it for the numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from tator.formats import Label, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import Place, box_label, ellipse, extent, number, one_ring, outline_label, polygons_of
from tator.formats.tree import Tree
from tator.formats.via import UNNAMED, class_attribute
from tator.formats.writing import Output, Splits, Written, each, outlines_only, write_rows

NAME = "via3"
LABEL = "VGG Image Annotator 3"
HOLDS_CAPTIONS = True
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

    def _take(self, image: str, path: str, row: dict, words: dict[str, str], chosen: str) -> None:
        where, shape = f"{path} ({image})", as_list(row.get("xy"))
        if as_list(row.get("z")):
            self.take(image, where, None, Refused("part of a video", "an image has no times"))
        elif not shape:
            self._notice(path, words, {other for other in words if other.lower() == "caption"})
            if caption := next((said for other, said in words.items() if other.lower() == "caption"), ""):
                self.captions[image] = caption
        else:  # VIA itself makes an attribute a class of the COCO files it reads
            name = words.get(chosen) or next((said for other, said in words.items() if said == other), "")
            self._notice(path, words, {chosen, name})
            if not name:
                self.report.repair(where, "region without a class", f"read as {UNNAMED!r}")
            self.take(image, where, None, (self.name(name or UNNAMED), shape))

    def _notice(self, path: str, words: dict[str, str], kept: set[str]) -> None:
        for other in words.keys() - kept:
            self.report.notice(path, "attributes are not kept", other[:80])

    def _label(self, entry: tuple[str, list], place: Place) -> Label | None:
        """Return a region as a label, or None after noting why it is not one."""
        name, (kind, *given) = entry
        index = self._numbered(name, place)
        if index is None:
            return None
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


def _said(row: dict, attributes: dict[str, dict]) -> dict[str, str]:
    """Return {attribute name: text} of a region or image.

    Options are named by their number.
    """
    found = {}
    for aid, value in as_dict(row.get("av")).items():
        attribute = attributes.get(aid, {})
        options = as_dict(attribute.get("options"))
        if not isinstance(value, (str, int, float)):
            continue
        first = str(value).split(",")[0] if attribute.get("type") == CHECKBOX else str(value)
        if text := str(options.get(first, value) if options else value):
            found[_name(attribute) if attribute else aid] = text
    return found


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
    options = {str(row): name for row, name in enumerate(names, 1)}
    common = {"desc": "", "default_option_id": ""}
    attributes = {
        "1": {"aname": "class", "anchor_id": REGION, "type": SELECT, "options": options, **common},
        "2": {"aname": "caption", "anchor_id": WHOLE, "type": TEXT, "options": {}, **common},
    }
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
    with out.open(FILE) as file:
        listed = (f'"{vid}"'.encode() for vid in range(1, total + 1))
        head = b'{"project": ' + _json(project)[:-1] + b', "vid_list": [\n'
        write_rows(file, listed, head, b"\n]},\n")
        file.write(b'"config": ' + _json(config) + b',\n"attribute": ' + _json(attributes) + b",\n")
        files = (_file(fid, image) for fid, image in enumerate(each(splits), 1))
        write_rows(file, files, b'"file": {\n', b"\n},\n")
        views = (f'"{vid}": {{"fid_list": ["{vid}"]}}'.encode() for vid in range(1, total + 1))
        write_rows(file, views, b'"view": {\n', b"\n},\n")
        rows = (row for vid, image in enumerate(each(splits), 1) for row in _metadata(out, vid, image))
        write_rows(file, rows, b'"metadata": {\n', b"\n}}\n")
    yield total


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _file(fid: int, image: Written) -> bytes:
    facts = {"fid": str(fid), "fname": image.path, "type": IMAGE, "loc": BY_ADDRESS, "src": image.path}
    return f'"{fid}": '.encode() + _json(facts)


def _metadata(out: Output, vid: int, image: Written) -> Iterator[bytes]:
    """Yield an entry a region, and one for the caption."""
    common = {"vid": str(vid), "flg": 0, "z": []}
    if image.caption:
        yield f'"{vid}_caption": '.encode() + _json({**common, "xy": [], "av": {"2": image.caption}})
    for at, label in enumerate(image.labels, 1):
        facts = {**common, "xy": _shape(out, label), "av": {"1": str(label.class_index + 1)}}
        yield f'"{vid}_{at:08x}": '.encode() + _json(facts)


def _shape(out: Output, label: Label) -> list[float]:
    if polygons := polygons_of(label):
        outlines_only(out, label, LABEL)
        return [POLYGON, *(round(value, 4) for value in one_ring(polygons))]
    x1, y1, x2, y2 = label.xyxy
    return [RECTANGLE, *(round(value, 4) for value in (x1, y1, x2 - x1, y2 - y1))]
