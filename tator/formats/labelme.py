"""LabelMe: a JSON file per image, with boxes, outlines, circles and masks.

Source: https://github.com/wkentaro/labelme/blob/main/labelme/_label_file.py
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from tator.formats import Label, Report, fit_confidence
from tator.formats._gathered import Gathered, partner
from tator.formats._json import as_dict, as_list, read_json
from tator.formats._mask_png import read_mask, write_mask
from tator.formats._places import beside
from tator.formats._shapes import (
    Place,
    box_label,
    ellipse,
    extent,
    mask_label,
    mask_of,
    number,
    ordered,
    outline_label,
)
from tator.formats._turned import angle_of, turn_of
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Output, Splits, Written, each
from tator.storage.images import EXTENSIONS
from tator.types import BadInput
from tator.vision import masks
from tator.vision.tiles import clip_mask

NAME = "labelme"
LABEL = "LabelMe"
HOLDS_CAPTIONS = True
HOLDS_CONFIDENCE = True
HOLDS_TAGS = True
HOLDS_ATTRIBUTES = ANY
NO_AREA = ("point", "points", "line", "linestrip")
QUADS = ("rectangle", "rotation", "quadrilateral", "oriented_rectangle")  # X-AnyLabeling's with four corners
TYPED = {"text": "description", "difficult": "difficult"}  # attributes that shapes have a field for


def sniff(tree: Tree) -> bool:
    """Whether the folder has LabelMe's JSON files."""
    return any(is_labelme(sample) for _, sample in tree.samples(".json"))


def is_labelme(sample: bytes) -> bool:
    """Whether both ends of a file look like LabelMe's."""
    return b'"imagePath"' in sample and (b'"shapes"' in sample or b'"shape_type"' in sample or b'"imageData"' in sample)


def read(tree: Tree) -> LabelmeSource:
    """Return the source of a folder that `sniff` took.

    Every file is read once for class names, and again for labels.
    """
    source = LabelmeSource(tree, Report())
    for path in tree.each(".json"):
        source.add(path)
    source.settle()
    return source


class LabelmeSource(Gathered):
    """A folder with LabelMe files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Look into a file: which image it describes, and which classes it names."""
        content = self._content(path)
        if content is None:
            return
        named = content.get("imagePath")
        image = partner(self, path, named if isinstance(named, str) else None)
        if image is None:
            if content.get("imageData"):
                told = "import a copy of the files, or a zip of them: then it is taken out"
                self.report.notice(path, "image is inside the label file", told)
            return
        self.take(image, path, None, None)
        self.told_size(image, path, content.get("imageWidth"), content.get("imageHeight"))
        for shape in content["shapes"]:
            if isinstance(shape, dict) and isinstance(shape.get("label"), str):
                self.name(shape["label"])
        flags = as_dict(content.get("flags"))
        if isinstance(caption := flags.get("caption"), str):
            self.captions[image] = caption
        if tags := [name for name, is_set in flags.items() if is_set is True]:
            self.tags[image] = tags

    def _content(self, path: str) -> dict | None:
        content = read_json(self.tree, path, self.report, "a LabelMe file")
        if content is None:
            return None
        if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
            self.report.drop(path, "not a LabelMe file", "it has no list of shapes")
            return None
        return content

    def _read(self, entry: None, place: Place) -> list[Label]:
        content = self._content(place.file)
        groups: dict[object, list[dict]] = {}
        found: list[Label] = []
        for at, shape in enumerate(as_list(as_dict(content).get("shapes"))):
            if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
                place.drop("object without a class", f"shape {at}")
            elif shape.get("shape_type", "polygon") == "polygon" and isinstance(shape.get("group_id"), int):
                groups.setdefault((shape["group_id"], shape["label"]), []).append(shape)
            elif label := self._label(shape, place):
                found.append(_known(label, shape, place))
        for parts in groups.values():
            index = self._numbered(parts[0]["label"], place)
            label = None if index is None else outline_label(index, list(map(_flat, parts)), place)
            alone = {} if len(parts) == 1 else {"group_id": None}  # what joins parts is no group of objects
            found += [] if label is None else [_known(label, parts[0] | alone, place)]
        return found

    def _label(self, shape: dict, place: Place) -> Label | None:
        """Return a shape as a label, or None after noting why it is not one."""
        name, kind, flat = shape["label"], shape.get("shape_type") or "polygon", _flat(shape)
        index = self._numbered(name, place)
        if index is None:
            return None
        if kind == "polygon":
            return outline_label(index, [flat], place)
        if kind in NO_AREA:
            place.drop("shape without an area", f"{kind}: {name[:80]}")
            return None
        if kind in QUADS and len(flat) == 8 and all(map(math.isfinite, flat)):
            return _quad(index, flat, number(shape.get("direction") or 0), place)
        if len(flat) != 4:
            place.drop("shape refused", f"{str(kind)[:40]} of {len(flat)} numbers; expected two corners")
            return None
        if kind == "rectangle":
            return box_label(index, ordered(*flat), place)
        if kind == "circle":
            place.repair("circle read as an outline", name[:80])
            radius = math.hypot(flat[2] - flat[0], flat[3] - flat[1])
            return outline_label(index, [ellipse(flat[0], flat[1], radius, radius)], place)
        if kind == "mask":
            return _mask(index, shape.get("mask"), flat, place)
        place.drop("unknown shape", f"{str(kind)[:40]}: {name[:80]}")
        return None


def _quad(index: int, corners: list[float], direction: float, place: Place) -> Label | None:
    """Return four corners as a box where they are one, else as an outline.

    That of a turned box has its angle. The corners of an upright one may begin anywhere: it is turned where the file says
    so.

    Args:
        index: number of the class.
        corners: x0, y0, ... in pixels.
        direction: by which X-AnyLabeling says it is turned, in radians; 0 where it says nothing.
        place: where.
    """
    turn = angle_of(corners)
    is_upright = all(len({round(value, 6) for value in corners[axis::2]}) == 2 for axis in (0, 1))
    if is_upright and (turn is None or not math.isclose(math.degrees(direction), turn, abs_tol=1)):
        return box_label(index, extent(corners), place)
    label = outline_label(index, [corners], place)
    turn = turn_of(label) if label else None
    return label if label is None or turn is None else replace(label, attributes={"rotation": turn})


def _known(label: Label, shape: dict, place: Place) -> Label:
    """Return a label with what else its shape says."""
    facts: dict[str, Any] = {name: is_set for name, is_set in as_dict(shape.get("flags")).items() if is_set is not None}
    facts |= as_dict(shape.get("attributes"))
    if isinstance(text := shape.get("description"), str) and text:
        facts["text"] = text
    if shape.get("difficult") is True:
        facts["difficult"] = True
    if isinstance(group := shape.get("group_id"), (int, str)) and not isinstance(group, bool):
        facts["group"] = group
    if shape.get("kie_linking"):
        place.notice("links between objects are not kept", shape["label"][:80])
    score = shape.get("score")
    confidence = None if score is None else fit_confidence(score, place.report, place.file, place.line)
    return replace(label, confidence=confidence, attributes=(label.attributes or {}) | facts or None)


def _flat(shape: dict) -> list[float]:
    """Return a shape's points as x0, y0, x1, ...; NaN for one that is not a pair."""
    pairs = (
        point if isinstance(point, list) and len(point) == 2 else (None, None) for point in as_list(shape.get("points"))
    )
    return [number(value) for pair in pairs for value in pair]


def _mask(index: int, packed: object, corners: list[float], place: Place) -> Label | None:
    """Return a mask, given as a PNG of its box, as a label with run lengths."""
    try:
        pixels = read_mask(base64.b64decode(str(packed), validate=True), place.width * place.height)
        left, top = round(corners[0]), round(corners[1])
    except (BadInput, ValueError) as error:
        place.drop("mask refused", f"{str(error)[:80]}; expected a PNG as base64")
        return None
    mask = masks.of_dense(pixels, left, top)
    return mask_label(index, mask and clip_mask(mask, (0, 0, place.width, place.height)), place)


def embedded(tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of images that exist only inside label files."""
    for path, sample in tree.each_sample(".json"):
        trunk = path[: -len(".json")]
        if trunk in tree.by_trunk or not is_labelme(sample):
            continue
        content = as_dict(read_json(tree, path, Report(), "a LabelMe file"))
        named = content.get("imagePath")
        if isinstance(named, str) and tree.find(named, beside(path))[0] is not None:
            continue
        try:
            picture = base64.b64decode(str(content.get("imageData") or ""), validate=True)
        except binascii.Error:
            continue
        if picture:
            ending = PurePosixPath(named.replace("\\", "/")).suffix.lower() if isinstance(named, str) else ""
            yield trunk + (ending if ending in EXTENSIONS else ".png"), picture


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a JSON file beside each image and the class names; yield images done."""
    out.text("classes.txt", "".join(f"{name}\n" for name in names))
    for done, image in enumerate(each(splits), 1):
        out.text(
            f"{image.path.rpartition('.')[0]}.json", json.dumps(_content(out, image, names), ensure_ascii=False) + "\n"
        )
        yield done


def _content(out: Output, image: Written, names: list[str]) -> dict:
    shapes = [
        shape
        for group, label in enumerate(image.labels, 1)
        for shape in _shapes(out, label, names[label.class_index], group)
    ]
    return {
        "version": "5.5.0",
        "flags": dict.fromkeys(image.tags, True) | ({} if image.caption is None else {"caption": image.caption}),
        "shapes": shapes,
        "imagePath": image.path.rpartition("/")[2],
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }


def _shapes(out: Output, label: Label, name: str, group: int) -> list[dict]:
    """Return a label as shapes: parts of one object share a group."""
    common: dict[str, Any] = {"label": name, "group_id": None, "description": "", "flags": {}, **_facts(label)}
    if not label.polygons and not label.rle:
        x1, y1, x2, y2 = label.xyxy
        return [{**common, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle"}]
    if label.polygons and all(len(polygon) == 1 for polygon in label.polygons):
        joint = group if len(label.polygons) > 1 else None
        turn = float((label.attributes or {}).get("rotation", 0))
        is_turned = turn and joint is None and len(label.polygons[0][0]) == 8
        kind = {"shape_type": "rotation", "direction": math.radians(turn)} if is_turned else {"shape_type": "polygon"}
        return [{**common, "group_id": joint, "points": _pairs(polygon[0]), **kind} for polygon in label.polygons]
    return _mask_shape(out, label, common)


def _facts(label: Label) -> dict[str, Any]:
    """Return the fields of a shape that hold what is known of a label."""
    known = label.attributes or {}
    fields: dict[str, Any] = {TYPED[name]: value for name, value in known.items() if name in TYPED}
    free = {name: value for name, value in known.items() if name not in TYPED and name != "rotation"}
    fields |= {"attributes": free} if free else {}
    return fields if label.confidence is None else fields | {"score": label.confidence}


def _pairs(flat: list[float]) -> list[list[float]]:
    return [[x, y] for x, y in zip(flat[0::2], flat[1::2], strict=True)]


def _mask_shape(out: Output, label: Label, common: dict) -> list[dict]:
    """Return a mask, or an outline with holes, as LabelMe's PNG of its box."""
    if label.polygons:
        out.notes[f"outlines with holes are written as masks of whole pixels: {LABEL} has no holes"] += 1
    mask = mask_of(label, math.ceil(label.xyxy[2]), math.ceil(label.xyxy[3]))
    if mask is None:
        return []
    packed = base64.b64encode(write_mask(mask.data)).decode("ascii")
    height, width = mask.data.shape
    points = [[mask.x, mask.y], [mask.x + width - 1, mask.y + height - 1]]
    return [{**common, "points": points, "shape_type": "mask", "mask": packed}]
