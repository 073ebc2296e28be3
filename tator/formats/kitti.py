"""KITTI's detection labels: a text file an image, an object a row.

A row is class, truncation, occlusion, alpha, x1 y1 x2 y2 in pixels, height width length, x y z, rotation_y and perhaps a
confidence. Rows of the class DontCare are regions whose objects were not labelled.

Source: the KITTI object development kit, readme.txt, "Data format description".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tator.formats import Label, fit_confidence
from tator.formats._row_files import Fields, RowSource, are_rows, token
from tator.formats._shapes import Place, box_label, number
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, boxes_only, each, short_number

NAME = "kitti"
LABEL = "KITTI"
SOLID = {"alpha": (3, 4), "dimensions": (8, 11), "location": (11, 14), "rotation_y": (14, 15)}  # columns of what is 3D
UNKNOWN = ({"-1"}, {"-10"}, {"-1000"})  # what stands in a column that is not known, without decimals
HOLDS_ATTRIBUTES = frozenset({"occlusion", "truncation", "crowd", *SOLID})
HOLDS_CONFIDENCE = True
DONT_CARE = "DontCare"
FOLDERS = {"train": "training", "test": "testing"}  # as KITTI calls them


def sniff(tree: Tree) -> bool:
    """Return whether rows are a class and 14 or 15 numbers."""
    return are_rows(tree, _is_row)


def _is_row(fields: Fields) -> bool:
    is_named = len(fields) in (15, 16) and math.isnan(number(fields[0]))
    return is_named and all(math.isfinite(number(each)) for each in fields[1:])


def read(tree: Tree) -> KittiSource:
    """Return the source of a folder that `sniff` took."""
    return KittiSource.of(tree)


class KittiSource(RowSource):
    """A folder with KITTI labels; see formats.Source."""

    format, label = NAME, LABEL

    def entry(self, fields: Fields) -> tuple[str, list[float], list[str]] | None:
        """Return class, box and all columns of a row."""
        if not _is_row(fields):
            return None
        return self.spelled(fields[0]), [number(each) for each in fields[4:8]], fields

    def _label(self, entry: tuple[str, list[float], list[str]], place: Place) -> Label | None:
        name, corners, fields = entry
        index = self._numbered(name, place)
        label = None if index is None else box_label(index, corners, place)
        if label is None:
            return None
        given = float(fields[15]) if len(fields) == 16 else None
        confidence = None if given is None else fit_confidence(given, place.report, place.file, place.line)
        return replace(label, confidence=confidence, attributes=_attributes(fields, place) or None)


def _attributes(fields: Fields, place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {"crowd": True} if fields[0] == DONT_CARE else {}
    truncation, occlusion = number(fields[1]), number(fields[2])
    if 0 < truncation <= 1:
        found["truncation"] = truncation
    elif truncation not in (0, -1):  # -1 says that it is not known
        place.repair("truncation left out", f"{fields[1]}; expected a number from 0 to 1")
    if occlusion > 0 and occlusion % 1 == 0:
        found["occlusion"] = int(occlusion)
    elif occlusion not in (0, -1):
        place.repair("occlusion left out", f"{fields[2]}; expected a whole number")
    for name, (start, end) in SOLID.items():
        told = fields[start:end]
        if {short_number(number(each)) for each in told} not in UNKNOWN:
            values = [number(each) for each in told]
            found[name] = values if len(values) > 1 else values[0]
    return found


def image_path(split: str, name: str) -> str:
    """Return where an image goes: each split has a folder of images and one of labels."""
    return f"{FOLDERS.get(split, split)}/image_2/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a text file an image and the class names; yield images done."""
    out.text("labelmap.txt", "".join(f"{name}\n" for name in names))
    for done, image in enumerate(each(splits), 1):
        rows = []
        for label in image.labels:
            boxes_only(out, label, LABEL)
            name = token(names[label.class_index])
            if (label.attributes or {}).get("crowd") and name != DONT_CARE:
                out.notes[f"crowd regions are written as {DONT_CARE}, without their class"] += 1
                name = DONT_CARE
            rows.append(f"{_row(label, name)}\n")
        out.text(f"{FOLDERS.get(image.split, image.split)}/label_2/{image.trunk}.txt", "".join(rows))
        yield done


def _row(label: Label, name: str) -> str:
    known = label.attributes or {}
    told = [short_number(known.get("truncation", 0.0)), str(known.get("occlusion", 0))]
    solid = {"alpha": [-10.0], "dimensions": [-1.0] * 3, "location": [-1000.0] * 3, "rotation_y": [-10.0]}
    for key, value in solid.items():
        given = known.get(key)
        solid[key] = given if isinstance(given, list) and len(given) == len(value) else value
        if isinstance(given, (int, float)) and len(value) == 1:
            solid[key] = [given]
    parts = [name, *told, *map(short_number, solid["alpha"]), *map(short_number, label.xyxy)]
    parts += [short_number(value) for key in ("dimensions", "location", "rotation_y") for value in solid[key]]
    return " ".join(parts if label.confidence is None else [*parts, repr(label.confidence)])
