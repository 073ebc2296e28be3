"""CVAT for images 1.1: one XML file with boxes, outlines, ellipses and masks.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tator.attributes import Attributes
from tator.formats import SPLITS, Label
from tator.formats._cvat_marks import HELD, Kinds, kinds_of, marks_of, marks_xml, turn_of
from tator.formats._cvat_tracks import filled, frames_of
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label, box_ring, ellipse, mask_label, number, outline_label, turned
from tator.formats._xml import each_element, escaped, root_tag, text_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, each, short_number
from tator.types import Mask
from tator.vision import masks

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "cvat"
LABEL = "CVAT for images"
HOLDS_ATTRIBUTES = HELD
NO_AREA = {
    "polyline": "a line",
    "points": "points",
    "cuboid": "a cuboid",
    "skeleton": "a skeleton",
    "tag": "a tag of the whole image",
}


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
    return source


class CvatSource(Gathered):
    """A folder with CVAT files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the labels, images and shapes of a file."""
        frames, kinds = frames_of(self.tree.images), Kinds()
        for element in each_element(self.tree, path, ("label", "image", "track"), self.report):
            if element.tag == "label":
                if name := text_of(element, "name"):
                    self.listed.setdefault(name)
                    kinds.update(kinds_of(element))
            elif element.tag == "track":
                self._track(element, path, frames, kinds)
            else:
                self._image(element, path, kinds)

    def _image(self, element: Element, path: str, kinds: Kinds) -> None:
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
        for shape in element:
            said = shape.get("label") or ""
            self._shape(image, path, shape.tag, said, dict(shape.attrib), marks_of(shape, said, kinds))

    def _track(self, element: Element, path: str, frames: dict[int, str], kinds: Kinds) -> None:
        """Take the shapes of a track, frame by frame."""
        said, number_said = element.get("label") or "", element.get("id") or ""
        track = {"track": int(number_said) if number_said.isdecimal() else number_said} if number_said else {}
        for shape in element:
            shape.attrib.setdefault("group_id", element.get("group_id") or "0")
        drawn = {shape.get("frame", ""): shape for shape in element}
        latest = None
        for given, is_between in filled([shape.attrib for shape in element], sorted(frames)):
            latest = drawn.get(given["frame"], latest)
            image = frames.get(int(given["frame"]))
            if image is None or latest is None:
                self.report.drop(path, "image is not in the folder", f"frame {given['frame']} of track {said[:80]}")
                continue
            self.know(image)
            marks = marks_of(latest, said, kinds) | track | ({"interpolated": True} if is_between else {})
            self._shape(image, path, latest.tag, said, dict(given), marks)

    def _shape(self, image: str, path: str, tag: str, said: str, given: dict[str, str], marks: Attributes) -> None:
        where = f"{path} ({image})"
        if tag in NO_AREA:
            self.take(image, where, None, Refused("shape without an area", f"{NO_AREA[tag]}: {said}"))
        elif said:
            self.take(image, where, None, (tag, self.name(said), given, marks))
        else:
            self.take(image, where, None, Refused("object without a class"))

    def _label(self, entry: tuple[str, str, dict[str, str], Attributes], place: Place) -> Label | None:
        """Return a shape as a label, or None after noting why it is not one."""
        tag, name, given, marks = entry
        label = self._drawn(tag, name, given, place)
        if label is None:
            return None
        turn = number(given.get("rotation", "0")) % 360
        turned_box = {"rotation": turn} if tag == "box" and turn else {}
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


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write annotations.xml piece by piece; yield how many images are done."""
    with out.open("annotations.xml") as file:
        subsets = "".join(
            f"<task><name>{escaped(each)}</name><subset>{escaped(each)}</subset></task>\n" for each in splits
        )
        labels = "".join(f"<label><name>{escaped(name)}</name><attributes></attributes></label>\n" for name in names)
        project = f"<name>tator</name>\n<tasks>\n{subsets}</tasks>\n<labels>\n{labels}</labels>\n"
        head = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><project>\n{project}'
        )
        file.write(f"{head}</project></meta>\n".encode())
        done = 0
        for image in each(splits):
            file.write(_image_xml(out, done, image, names).encode())
            done += 1
            yield done
        file.write(b"</annotations>\n")


def _image_xml(out: Output, number: int, image: Written, names: list[str]) -> str:
    shapes = "".join(_shape_xml(out, label, escaped(names[label.class_index])) for label in image.labels)
    where = (
        f'name="{escaped(image.name)}" subset="{escaped(image.split)}" width="{image.width}" height="{image.height}"'
    )
    return f'<image id="{number}" {where}>\n{shapes}</image>\n'


def _shape_xml(out: Output, label: Label, name: str) -> str:
    common = f'label="{name}" source="manual" {marks_xml(label.attributes)}'
    if label.rle and not label.polygons:
        mask = masks.of_rle(label.rle)
        return _mask_xml(mask, common) if mask else ""
    turn = turn_of(label)
    if not label.polygons or turn:
        box = _before_turning(label.polygons[0][0], turn) if label.polygons else label.xyxy
        angle = f' rotation="{short_number(turn)}"' if turn else ""
        values = (
            f'{key}="{short_number(value)}"' for key, value in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)
        )
        return f"<box {common} {' '.join(values)}{angle}></box>\n"
    if len(label.polygons) == 1 and len(label.polygons[0]) == 1:
        flat = label.polygons[0][0]
        points = ";".join(f"{short_number(x)},{short_number(y)}" for x, y in zip(flat[0::2], flat[1::2], strict=True))
        return f'<polygon {common} points="{points}"></polygon>\n'
    size = max(label.xyxy[2], 1), max(label.xyxy[3], 1)
    mask = masks.of_polygons(label.polygons, int(size[0]) + 1, int(size[1]) + 1)
    out.notes[
        f"outlines of several parts or with holes are written as masks of whole pixels: {LABEL} has no holes"
    ] += 1
    return _mask_xml(mask, common) if mask else ""


def _before_turning(flat: Sequence[float], turn_deg: float) -> tuple[float, float, float, float]:
    """Return the box that has these corners when it is turned."""
    back = turned(flat, -turn_deg, sum(flat[0::2]) / 4, sum(flat[1::2]) / 4)
    return back[0], back[1], back[4], back[5]


def _mask_xml(mask: Mask, common: str) -> str:
    """Return a mask as CVAT has it: runs off and on, row by row, the first off."""
    import numpy as np

    flat = mask.data.ravel().astype(np.int8)
    turns = np.flatnonzero(np.diff(flat, prepend=0))
    runs = np.diff(turns, prepend=0, append=len(flat)).tolist()
    height, width = mask.data.shape
    box = f'left="{mask.x}" top="{mask.y}" width="{width}" height="{height}"'
    return f'<mask {common} rle="{", ".join(map(str, runs))}" {box}></mask>\n'
