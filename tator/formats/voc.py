"""Pascal VOC: an XML file an image, with boxes in pixels.

Coordinates are read as written, as every common tool does; VOC's own count from 1, which no file tells.
Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf, section 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tator.formats import Label, Report
from tator.formats._gathered import Gathered, partner
from tator.formats._lists import merge_names, name_files, read_names
from tator.formats._shapes import Place, box_label, number, ordered, outline_label, turned
from tator.formats._turned import corners_of, turn_of
from tator.formats._voc_marks import HELD, marks_of, marks_xml
from tator.formats._xml import escaped, read_xml, root_tag, text_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only, each, short_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "voc"
LABEL = "Pascal VOC"
HOLDS_ATTRIBUTES = HELD
OLDER = (b"<deleted>", b"<imagesize>", b"<submittedBy>", b"<sourceAnnotation>")  # what only the first LabelMe writes
CORNERS = ("xmin", "ymin", "xmax", "ymax")
COLOURED = re.compile(r"(.*?):(?:\d+,\d+,\d+)?:([^:]*):([^:]*)")  # a labelmap.txt line: name, colour, parts, actions


def sniff(tree: Tree) -> bool:
    """Whether the folder has VOC's XML files."""
    return any(is_voc(sample) and not is_older(sample) for _, sample in tree.samples(".xml"))


def is_voc(sample: bytes) -> bool:
    """Whether the head of a file is that of a VOC annotation."""
    return root_tag(sample) == "annotation"


def is_older(sample: bytes) -> bool:
    """Whether an annotation is the first LabelMe's, as MIT wrote it."""
    return b"<bndbox" not in sample and any(mark in sample for mark in OLDER)


def read(tree: Tree) -> VocSource:
    """Return the source of a folder that `sniff` took.

    Every file is read once for class names, and again for labels.
    """
    source = VocSource(tree, Report())
    for path, sample in tree.each_sample(".xml"):
        if not (is_voc(sample) and is_older(sample)):
            source.add(path)
    source.settle(label_map(tree, source.report))
    return source


def label_map(tree: Tree, report: Report) -> dict[int, str]:
    """Return the class names of list files.

    Those with colours (name:r,g,b:parts:actions) lose them, and the background.
    """
    files = []
    for path in name_files(tree):
        lines = {at: line for at, line in read_names(tree, path, report).items() if not line.startswith("# label:")}
        matched = {at: COLOURED.fullmatch(line) for at, line in lines.items()}
        if lines and all(matched.values()):
            lines = {at: found[1] for at, found in matched.items() if found and found[1] != "background"}
        files.append((path, lines))
    return merge_names(files, report)


class VocSource(Gathered):
    """A folder with VOC files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Look into a file: which image it describes, and which classes it names."""
        root = read_xml(self.tree, path, self.report)
        if root is None:
            return
        if root.tag != "annotation":
            self.report.drop(path, "not a VOC file", f"<{str(root.tag)[:60]}>; expected <annotation>")
            return
        image = partner(self, path, text_of(root, "filename") or text_of(root, "path"))
        if image is None:
            return
        self.take(image, path, None, None)
        self.told_size(image, path, *self.size_of(root))
        for found in self.objects_of(root):
            if name := self.class_of(text_of(found, "name")):
                self.name(name)

    def size_of(self, root: Element) -> tuple[float, float]:
        """Return the width and height that a file states, NaN where it does not."""
        size = root.find("size")
        return number(text_of(size, "width")), number(text_of(size, "height"))

    def objects_of(self, root: Element) -> list[Element]:
        """Return the objects of a file."""
        return list(root.iterfind("object"))

    def class_of(self, name: str) -> str:
        """Return the name of a class as people read it."""
        return name

    def _read(self, entry: None, place: Place) -> list[Label]:
        root = read_xml(self.tree, place.file, self.report)
        found = (self._object(each, place) for each in (root.iterfind("object") if root is not None else ()))
        return [label for label in found if label is not None]

    def _object(self, found: Element, place: Place) -> Label | None:
        """Return an <object> as a label, or None after noting why it is not one."""
        name = self.class_of(text_of(found, "name"))
        if not name:
            place.drop("object without a class")
            return None
        index = self._numbered(name, place)
        if index is None:
            return None
        if found.find("part") is not None:
            place.drop("parts left out", f"of {name[:80]}: only whole objects are read")
        marks = marks_of(found, place)
        turn = marks.pop("rotation", 0.0)
        label = self._shape(index, found, turn, place)
        if label is None:
            return None
        angle = turn_of(label) if found.find("polygon") is None else None
        return replace(label, attributes=marks | ({} if angle is None else {"rotation": angle}) or None)

    def _shape(self, index: int, found: Element, turn: float, place: Place) -> Label | None:
        ring = ring_of(found)
        box = found.find("bndbox")
        corners = [number(text_of(box, tag)) for tag in CORNERS]
        if ring and (box is None or all(map(math.isfinite, ring))):
            return outline_label(index, [ring], place)
        if (turned_box := found.find("robndbox")) is not None:
            return outline_label(index, [_turned(turned_box)], place)
        if box is None:
            place.drop("no box", f"{text_of(found, 'name')[:80]}; expected <bndbox>")
            return None
        box_corners = corners if corners[0] <= corners[2] and corners[1] <= corners[3] else _swapped(corners, place)
        if math.isfinite(turn) and turn % 360:
            return outline_label(index, [corners_of(box_corners, turn)], place)
        return box_label(index, box_corners, place)


def _swapped(corners: list[float], place: Place) -> tuple[float, float, float, float] | list[float]:
    """Return corners in order, with a note where the file has them swapped."""
    if all(map(math.isfinite, corners)):
        place.repair("corners were swapped", " ".join(map(str, corners)))
        return ordered(*corners)
    return corners


def ring_of(found: Element) -> list[float]:
    """Return a <polygon>'s ring; empty when there is none.

    Spelled x1, y1, x2, ... or <pt><x/><y/></pt>.
    """
    polygon = found.find("polygon")
    if polygon is None:
        return []
    points = [(number(text_of(each, "x")), number(text_of(each, "y"))) for each in polygon.iterfind("pt")]
    if not points:
        numbered = {each.tag: number(each.text) for each in polygon}
        count = sum(tag.startswith("x") for tag in numbered)
        points = [(numbered.get(f"x{at}", math.nan), numbered.get(f"y{at}", math.nan)) for at in range(1, count + 1)]
    return [value for point in points for value in point]


def _turned(box: Element) -> list[float]:
    """Return the corners of roLabelImg's turned box; its angle is in radians."""
    cx, cy, w, h, angle = (number(text_of(box, tag)) for tag in ("cx", "cy", "w", "h", "angle"))
    flat = [cx - w / 2, cy - h / 2, cx + w / 2, cy - h / 2, cx + w / 2, cy + h / 2, cx - w / 2, cy + h / 2]
    return turned(flat, math.degrees(angle), cx, cy) if math.isfinite(angle) else flat


def image_path(split: str, name: str) -> str:
    """Return where an image goes: VOC has one folder for all splits."""
    return f"JPEGImages/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write an XML file per image, split lists and class names; yield images done."""
    out.text("labelmap.txt", "# label:color_rgb:parts:actions\n" + "".join(f"{name}:::\n" for name in names))
    for split, images in splits.items():
        out.text(f"ImageSets/Main/{split}.txt", "".join(f"{image.trunk}\n" for image in images))
    for done, image in enumerate(each(splits), 1):
        out.text(f"Annotations/{image.trunk}.xml", annotation_xml(out, names, image))
        yield done


def annotation_xml(out: Output, names: list[str], image: Written, filename: str | None = None) -> str:
    """Return the XML of one image.

    Args:
        out: takes notes of what has no room.
        names: class names in label-map order.
        image: with its labels.
        filename: what to call the image inside; its own name when absent.
    """
    *folders, own = image.path.split("/")
    lines = [
        "<annotation>",
        f"  <folder>{escaped('/'.join(folders))}</folder>",
        f"  <filename>{escaped(filename or own)}</filename>",
        "  <size>",
        f"    <width>{image.width}</width>",
        f"    <height>{image.height}</height>",
        "    <depth>3</depth>",
        "  </size>",
        "  <segmented>0</segmented>",
    ]
    for label in image.labels:
        boxes_only(out, label, LABEL)
        values = (f"      <{tag}>{short_number(value)}</{tag}>" for tag, value in zip(CORNERS, label.xyxy, strict=True))
        lines += [
            "  <object>",
            f"    <name>{escaped(names[label.class_index])}</name>",
            *marks_xml(label.attributes),
            "    <bndbox>",
            *values,
            "    </bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])
