"""CVAT for images 1.1: one XML file with boxes, outlines, ellipses and masks.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tator.formats import SPLITS, Label
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
        for element in each_element(self.tree, path, ("label", "image", "track"), self.report):
            if element.tag == "label":
                if name := text_of(element, "name"):
                    self.listed.setdefault(name)
            elif element.tag == "track":
                self.report.drop(path, "video track", f"{element.get('label')}; export the task as CVAT for images")
            else:
                self._image(element, path)

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
        for shape in element:
            if shape.tag in NO_AREA:
                detail = f"{NO_AREA[shape.tag]}: {shape.get('label')}"
                self.take(image, f"{path} ({image})", None, Refused("shape without an area", detail))
            elif said := shape.get("label"):
                for attribute in shape.iterfind("attribute"):
                    self.report.notice(path, "attributes are not kept", str(attribute.get("name"))[:80])
                self.take(image, f"{path} ({image})", None, (shape.tag, self.name(said), dict(shape.attrib)))
            else:
                self.take(image, f"{path} ({image})", None, Refused("object without a class"))

    def _label(self, entry: tuple[str, str, dict[str, str]], place: Place) -> Label | None:
        """Return a shape as a label, or None after noting why it is not one."""
        tag, name, given = entry
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
    common = f'label="{name}" source="manual" occluded="0"'
    if label.rle and not label.polygons:
        mask = masks.of_rle(label.rle)
        return _mask_xml(mask, common) if mask else ""
    if not label.polygons:
        values = (
            f'{key}="{short_number(value)}"'
            for key, value in zip(("xtl", "ytl", "xbr", "ybr"), label.xyxy, strict=True)
        )
        return f'<box {common} {" ".join(values)} z_order="0"></box>\n'
    if len(label.polygons) == 1 and len(label.polygons[0]) == 1:
        flat = label.polygons[0][0]
        points = ";".join(f"{short_number(x)},{short_number(y)}" for x, y in zip(flat[0::2], flat[1::2], strict=True))
        return f'<polygon {common} points="{points}" z_order="0"></polygon>\n'
    size = max(label.xyxy[2], 1), max(label.xyxy[3], 1)
    mask = masks.of_polygons(label.polygons, int(size[0]) + 1, int(size[1]) + 1)
    out.notes[
        f"outlines of several parts or with holes are written as masks of whole pixels: {LABEL} has no holes"
    ] += 1
    return _mask_xml(mask, common) if mask else ""


def _mask_xml(mask: Mask, common: str) -> str:
    """Return a mask as CVAT has it: runs off and on, row by row, the first off."""
    import numpy as np

    flat = mask.data.ravel().astype(np.int8)
    turns = np.flatnonzero(np.diff(flat, prepend=0))
    runs = np.diff(turns, prepend=0, append=len(flat)).tolist()
    height, width = mask.data.shape
    box = f'left="{mask.x}" top="{mask.y}" width="{width}" height="{height}"'
    return f'<mask {common} rle="{", ".join(map(str, runs))}" {box} z_order="0"></mask>\n'
