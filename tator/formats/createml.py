"""Apple's Create ML: one JSON list of images with box centres and sizes.

Source: https://developer.apple.com/documentation/createml/building-an-object-detector-data-source
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from tator.formats import SPLITS, Label, fit_confidence, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._json import as_dict, as_list, read_json
from tator.formats._shapes import Place, box_label, number
from tator.formats._typed import is_unset, typed
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only, write_rows

NAME = "createml"
LABEL = "Create ML"
HOLDS_CONFIDENCE = True
OTHERS = (b'"result"', b'"original_width"', b'"completed_by"', b'"data"')  # Label Studio's, which has no "coordinates"
SIDES = ("x", "y", "width", "height")
OWN = ("label", "coordinates", "confidence")  # keys of an annotation; others are attributes


def sniff(tree: Tree) -> bool:
    """Whether the folder has a Create ML file."""
    return any(is_createml(sample) for _, sample in tree.samples(".json"))


def is_createml(sample: bytes) -> bool:
    """Whether both ends of a file look like Create ML's.

    Others write lists of images with annotations too: a box that is there has coordinates.
    """
    has_annotations = b'"annotations"' in sample or b'"annotation"' in sample
    has_annotations &= b'"coordinates"' in sample or not any(key in sample for key in OTHERS)
    return sample.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[" and b'"image' in sample and has_annotations


def read(tree: Tree) -> CreateMlSource:
    """Return the source of a folder that `sniff` took."""
    source = CreateMlSource.of_files(tree, is_createml, ".json")
    source.settle()
    return source


class CreateMlSource(Gathered):
    """A folder with Create ML files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the images and boxes of a file."""
        content = read_json(self.tree, path, self.report, "a list of images")
        if not isinstance(content, list):
            return (
                None if content is None else self.report.drop(path, "not a Create ML file", "expected a list of images")
            )
        split = SPLITS.get(PurePosixPath(path).stem.lower()) or folder_split(path)
        for at, row in enumerate(content):
            row = as_dict(row)
            reference = row.get("image") or row.get("imagefilename") or row.get("imageFilename")
            image = self.find(reference, path, None, [f"images/{split}/"] if split else [], split or "")
            if image is None:
                continue
            if split:
                self.splits[image] = split
            boxes = row.get("annotations", row.get("annotation", []))
            if not isinstance(boxes, list):
                self.report.drop(path, "annotations are not a list", f"entry {at}, {image}")
            for box in as_list(boxes):
                self._take(image, path, as_dict(box))
        return None

    def _take(self, image: str, path: str, box: dict) -> None:
        name, sides = box.get("label"), as_dict(box.get("coordinates"))
        if not isinstance(name, str) or not name:
            self.take(image, f"{path} ({image})", None, Refused("object without a class", str(box)[:80]))
            return
        values = tuple(number(sides.get(side)) for side in SIDES)
        self.take(image, f"{path} ({image})", None, (self.name(name), values, box))

    def _label(self, entry: tuple[str, tuple[float, ...], dict], place: Place) -> Label | None:
        name, (x, y, w, h), row = entry
        index = self._numbered(name, place)
        label = None if index is None else box_label(index, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), place)
        if label is None:
            return None
        score = row.get("confidence")
        confidence = None if score is None else fit_confidence(score, place.report, place.file, place.line)
        free = {key: value for key, value in row.items() if key not in OWN and not is_unset(key, value)}
        return replace(label, confidence=confidence, attributes={key: typed(key, free[key]) for key in free} or None)


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a JSON list per split and the class names; yield images done."""
    out.text("classes.txt", "".join(f"{name}\n" for name in names))
    done = 0
    for split, images in splits.items():
        with out.open(f"{split}.json") as file:
            write_rows(file, (json.dumps(_row(out, image, names), ensure_ascii=False).encode() for image in images))
        done += sum(1 for _ in images)
        yield done


def _row(out: Output, image: Written, names: list[str]) -> dict:
    boxes = []
    for label in image.labels:
        boxes_only(out, label, LABEL)
        x1, y1, x2, y2 = label.xyxy
        sides = dict(zip(SIDES, (round(v, 4) for v in ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)), strict=True))
        row = {"label": names[label.class_index], "coordinates": sides}
        boxes.append(row if label.confidence is None else row | {"confidence": label.confidence})
    return {"image": image.path, "annotations": boxes}
