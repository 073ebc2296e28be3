"""VGG Image Annotator 1 and 2: one JSON or CSV file with shapes in pixels.

Source: https://www.robots.ox.ac.uk/~vgg/software/via/
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tator.attributes import Attributes
from tator.formats import Label, folder_split
from tator.formats._gathered import Gathered
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import Place, box_label, ellipse, number, one_ring, outline_label, polygons_of
from tator.formats._via_marks import CAPTION, NOTES, TAGS, Declared, is_choices, marks_of, remarks_of, stated, ticked
from tator.formats.cells import each_row
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Output, Splits, Written, each, outlines_only, write_rows

NAME = "via"
LABEL = "VGG Image Annotator 2"
HOLDS_CAPTIONS = True
HOLDS_TAGS = True
HOLDS_NOTES = True
HOLDS_ATTRIBUTES = ANY
CLASS = "class"  # the attribute that names the class in what is written
CLASS_ATTRIBUTES = ("class", "label", "name", "type", "category", "object", "class_name")
CSV_COLUMNS = [
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]
UNNAMED = "object"
NO_AREA = ("point", "polyline", "line")


def sniff(tree: Tree) -> bool:
    """Whether the folder has a VIA file."""
    return any(is_via(sample) for _, sample in tree.samples(".json", ".csv"))


def is_via(sample: bytes) -> bool:
    """Whether both ends of a file look like VIA's."""
    return b'"_via_img_metadata"' in sample or (b"region_attributes" in sample and b"shape_attributes" in sample)


def read(tree: Tree) -> ViaSource:
    """Return the source of a folder that `sniff` took."""
    source = ViaSource.of_files(tree, is_via, ".json", ".csv")
    source.settle()
    return source


class ViaSource(Gathered):
    """A folder with VIA files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the images and regions of a file."""
        if path.lower().endswith(".csv"):
            self._add_csv(path)
        elif (content := read_object(self.tree, path, self.report, "a VIA file")) is not None:
            self._add_json(path, content)

    def _add_json(self, path: str, content: dict) -> None:
        images = content.get("_via_img_metadata", content)
        entries = [each for each in as_dict(images).values() if isinstance(each, dict) and "filename" in each]
        declared = as_dict(as_dict(content.get("_via_attributes")).get("region"))
        attribute = class_attribute(
            [as_dict(as_dict(r).get("region_attributes")) for entry in entries for r in _regions(entry)], list(declared)
        )
        for option in as_dict(as_dict(declared.get(attribute)).get("options")):
            self.listed.setdefault(str(option))
        for entry in entries:
            image = self._image(entry["filename"], path, as_dict(entry.get("file_attributes")))
            if image is None:
                continue
            for region in _regions(entry):
                region = as_dict(region)
                self._take(
                    image,
                    path,
                    None,
                    as_dict(region.get("shape_attributes")),
                    as_dict(region.get("region_attributes")),
                    attribute,
                )

    def _add_csv(self, path: str) -> None:
        rows = each_row(self.tree, path, self.report)
        columns = {name.strip().lstrip("#").lower(): at for at, name in enumerate(next(rows, (1, []))[1])}
        parsed = []
        for line, row in rows:
            cells = {name: row[at] for name, at in columns.items() if at < len(row)}
            try:
                shape, attributes, file = (
                    json.loads(cells.get(key) or "{}") for key in (*CSV_COLUMNS[5:], CSV_COLUMNS[2])
                )
                parsed.append((line, cells.get("filename", ""), as_dict(shape), as_dict(attributes), as_dict(file)))
            except (ValueError, RecursionError) as error:
                self.report.drop(path, "not a VIA row", str(error)[:120], line)
        attribute = class_attribute([attributes for _, _, _, attributes, _ in parsed], [])
        for line, name, shape, attributes, file in parsed:
            image = self._image(name, path, file, line)
            if image and shape:
                self._take(image, path, line, shape, attributes, attribute)

    def _image(self, name: Any, path: str, attributes: dict, line: int | None = None) -> str | None:
        image = self.find(name, path, line, hint=folder_split(path) or "")
        if image:
            remember(self, image, attributes)
        return image

    def _take(self, image: str, path: str, line: int | None, shape: dict, attributes: dict, attribute: str) -> None:
        name = _class_of(attributes.get(attribute))
        where = f"{path} ({image})"
        if not name:
            self.report.repair(where, "region without a class", f"read as {UNNAMED!r}", line)
        self.take(image, where, line, (self.name(name or UNNAMED), shape, marks_of(attributes, {attribute})))

    def _label(self, entry: tuple[str, dict, Attributes], place: Place) -> Label | None:
        """Return a region as a label, or None after noting why it is not one."""
        name, shape, marks = entry
        index = self._numbered(name, place)
        label = None if index is None else _drawn(index, name, shape, place)
        return label and replace(label, attributes=marks or None)


def remember(source: Gathered, image: str, attributes: dict) -> None:
    """Keep what the attributes of an image say, beside what is known of it.

    Args:
        source: that read them.
        image: whose.
        attributes: {name: value}.
    """
    said = remarks_of(attributes)
    if said.caption:
        source.captions[image] = said.caption
    if said.tags:
        source.tags[image] = list(dict.fromkeys([*source.tags.get(image, ()), *said.tags]))
    if said.notes:
        lines = [*source.notes.get(image, "").split("\n"), *said.notes.split("\n")]
        source.notes[image] = "\n".join(dict.fromkeys(filter(None, lines)))


def _drawn(index: int, name: str, shape: dict, place: Place) -> Label | None:
    kind = shape.get("name")
    values = {key: number(shape.get(key)) for key in ("x", "y", "width", "height", "cx", "cy", "r", "rx", "ry")}
    if kind == "rect":
        x, y = values["x"], values["y"]
        return box_label(index, (x, y, x + values["width"], y + values["height"]), place)
    if kind == "polygon":
        xs, ys = as_list(shape.get("all_points_x")), as_list(shape.get("all_points_y"))
        flat = [number(v) for pair in zip(xs, ys, strict=False) for v in pair] if len(xs) == len(ys) else []
        return outline_label(index, [_opened(flat)], place)
    if kind in ("circle", "ellipse"):
        place.repair(f"{kind} read as an outline", name[:80])
        rx, ry = (values["r"], values["r"]) if kind == "circle" else (values["rx"], values["ry"])
        turn = number(shape.get("theta", 0))
        return outline_label(index, [ellipse(values["cx"], values["cy"], rx, ry, math.degrees(turn))], place)
    reason = "shape without an area" if kind in NO_AREA else "unknown shape"
    place.drop(reason, f"{str(kind)[:40]}: {name[:80]}")
    return None


def _opened(flat: list[float]) -> list[float]:
    """Return a ring without its first corner repeated at the end, as VIA 1 wrote it."""
    return flat[:-2] if len(flat) > 6 and flat[:2] == flat[-2:] else flat


def _regions(entry: dict) -> list:
    """Return the regions of an image: a list in VIA 2, an object by number in VIA 1."""
    regions = entry.get("regions")
    return list(regions.values()) if isinstance(regions, dict) else as_list(regions)


def class_attribute(regions: list[dict], declared: list[str]) -> str:
    """Return the attribute that names the class.

    The usual one, else the only one, else the most used.

    Args:
        regions: {attribute name: value} of each region.
        declared: names of attributes that the project has for regions.
    """
    used: dict[str, int] = dict.fromkeys(declared, 0)
    for attributes in regions:
        for name in attributes:
            used[name] = used.get(name, 0) + 1
    usual = next((name for wanted in CLASS_ATTRIBUTES for name in used if name.strip().lower() == wanted), None)
    return usual or max(used, key=lambda name: used[name], default="")


def _class_of(value: Any) -> str:
    """Return a class: text, a number, or the first box that is ticked."""
    if isinstance(value, dict):
        return next(iter(ticked(value)), "")
    return str(value) if isinstance(value, (str, int, float)) else ""


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a VIA 2 project; yield how many images are done."""
    declared = Declared()
    done = 0

    def rows() -> Iterator[bytes]:
        nonlocal done
        for image in each(splits):
            done += 1
            yield _json(image.path + "-1") + b": " + _json(_entry(out, image, names, declared))

    with out.open("via_project.json") as file:
        settings = {
            "ui": {},
            "core": {"buffer_size": 18, "filepath": {}, "default_filepath": ""},
            "project": {"name": "tator"},
        }
        head = b'{"_via_settings": ' + _json(settings) + b',\n"_via_img_metadata": {\n'
        write_rows(file, rows(), head, b"\n},\n")
        listed = (_json(image.path + "-1") for image in each(splits))
        write_rows(file, listed, b'"_via_data_format_version": "2.0.10",\n"_via_image_id_list": [\n', b"\n],\n")
        file.write(b'"_via_attributes": ' + _json(_attributes(names, declared)) + b"}\n")
    yield done


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _attributes(names: list[str], declared: Declared) -> dict[str, dict[str, dict]]:
    """Return what the project says of its attributes."""
    region = {CLASS: _choice("dropdown", names)}
    for name, options in declared.options().items():
        region[name] = _choice("checkbox", options) if options else _text()
    file = {CAPTION: _text(), NOTES: _text()}
    if declared.tags:
        file[TAGS] = _choice("checkbox", declared.tags)
    return {"region": region, "file": file}


def _text() -> dict[str, Any]:
    return {"type": "text", "description": "", "default_value": ""}


def _choice(kind: str, options: Iterable[str]) -> dict[str, Any]:
    return {"type": kind, "description": "", "options": dict.fromkeys(options, ""), "default_options": {}}


def _entry(out: Output, image: Written, names: list[str], declared: Declared) -> dict:
    regions = []
    for label in image.labels:
        free = {}
        for name, value in stated(out, label, CLASS, LABEL).items():
            declared.meet(name, value)
            free[name] = dict.fromkeys(value, True) if is_choices(value) else value
        regions.append(
            {"shape_attributes": _shape(out, label), "region_attributes": {CLASS: names[label.class_index], **free}}
        )
    file = {CAPTION: image.caption, NOTES: image.notes, TAGS: dict.fromkeys(image.tags, True)}
    declared.tags.update(dict.fromkeys(image.tags))
    said = {name: value for name, value in file.items() if value}
    return {"filename": image.path, "size": -1, "regions": regions, "file_attributes": said}


def _shape(out: Output, label: Label) -> dict:
    if polygons := polygons_of(label):
        outlines_only(out, label, LABEL)
        ring = [round(value, 4) for value in one_ring(polygons)]
        return {"name": "polygon", "all_points_x": ring[0::2], "all_points_y": ring[1::2]}
    x1, y1, x2, y2 = (round(value, 4) for value in label.xyxy)
    return {"name": "rect", "x": x1, "y": y1, "width": round(x2 - x1, 4), "height": round(y2 - y1, 4)}
