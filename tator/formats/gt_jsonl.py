"""Records of ground truth: a JSON object a line, with objects in it.

An object has a description and either `bbox_2d` or `poly`, in pixels or in thousandths of the image (0 to 999, also as tokens).
The `gt` of gt_vs_pred.jsonl is read as well.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from tator.formats import Label
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, each_line
from tator.formats._shapes import Place, number, one_ring, ordered, polygons_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, outlines_only

NAME = "gt_jsonl"
LABEL = "Ground truth JSON Lines"
HOLDS_CAPTIONS = True
SUFFIXES = (".jsonl", ".ndjson")
BINS = 999  # the last of the places that a side is divided into
LOOKED_AT = 128  # records that tell what the numbers mean
TOKEN = re.compile(r"<\|coord_(\d{1,3})\|>")
DECLARED = {"pixel": False, "pixels": False, "norm1000": True, "coord": True}
GEOMETRIES = ("bbox_2d", "poly")


def sniff(tree: Tree) -> bool:
    """Whether the folder has records of ground truth."""
    return any(is_ground_truth(sample) for _, sample in tree.samples(*SUFFIXES))


def is_ground_truth(sample: bytes) -> bool:
    """Whether both ends of a file look like records with objects, or with gt and pred."""
    is_record = b'"images"' in sample and b'"objects"' in sample and b'"width"' in sample
    return is_record or b'"gt"' in sample and b'"pred"' in sample and b'"image"' in sample


def read(tree: Tree) -> RecordsSource:
    """Return the source of a folder that `sniff` took."""
    source = RecordsSource.of_files(tree, is_ground_truth, *SUFFIXES)
    source.settle()
    return source


class RecordsSource(DrawnSource):
    """A folder with records; see formats.Source."""

    format = NAME
    key = "gt"  # which list of a record of gt_vs_pred is read

    def add(self, path: str) -> None:
        """Take the records of a file, whose numbers mean the same throughout."""
        rows = list(each_line(self.tree, path, self.report))
        is_binned, why = _meaning([row for _, row in rows])
        said = f"{'thousandths of the image' if is_binned else 'pixels'}: {why}"
        self.report.notice(path, "meaning of the coordinates", said)
        for line, row in rows:
            images = [row["image"]] if isinstance(row.get("image"), str) else as_list(row.get("images"))
            if len(images) != 1:
                self.report.drop(path, "record without one image", f"it names {len(images)}", line)
                continue
            image = self.find(images[0], path, line, ("images/",))
            if image is None:
                continue
            self.told_size(image, path, row.get("width"), row.get("height"))
            if isinstance(caption := row.get("summary"), str) and caption.strip():
                self.captions[image] = caption
            for each in map(as_dict, _objects(row, self.key)):
                self.take(image, path, line, self._entry(each, is_binned))

    def _entry(self, row: dict, is_binned: bool) -> Any:
        name = row.get("desc")
        if not isinstance(name, str) or not name.strip():
            return Refused("object without a class", f"desc is {str(name)[:40]!r}")
        found = [(kind, row[kind]) for kind in GEOMETRIES if kind in row]
        if row.get("type") in GEOMETRIES and "points" in row:
            found.append((row["type"], row["points"]))
        if len(found) != 1:
            told = f"{len(found)} of bbox_2d and poly; expected one: {name[:80]}"
            return Refused("object without one geometry", told)
        kind, given = found[0]
        values = [_value(each) for each in as_list(given)]
        if len(values) != 4 if kind == "bbox_2d" else len(values) < 6 or len(values) % 2:
            expected = "4" if kind == "bbox_2d" else "x, y of at least 3 corners"
            return Refused("wrong number of values", f"{kind}: {len(values)}; expected {expected}")
        score = row.get("score") if self.key == "pred" else None
        return self.name(name.strip()), kind, values, is_binned, score

    def _read(self, entry: Any, place: Place) -> list[Label]:
        """Return an object in pixels."""
        name, kind, values, is_binned, score = entry
        if is_binned:
            values = [value / BINS * (place.width, place.height)[at % 2] for at, value in enumerate(values)]
        if kind == "bbox_2d" and (values[2] < values[0] or values[3] < values[1]):
            place.repair("corners swapped", f"{name[:80]}: {values}")
            values = list(ordered(*values))
        sure = float(score) if isinstance(score, (int, float)) and 0 <= score <= 1 else None
        drawn = Drawn(name, box=values, confidence=sure)
        if kind == "poly":
            drawn = Drawn(name, rings=[[values]], confidence=sure)
        label = self._label(drawn, place)
        return [] if label is None else [label]


def _objects(row: dict, key: str) -> list:
    return as_list(row.get("objects") if key == "gt" and "objects" in row else row.get(key))


def _value(given: Any) -> float:
    token = TOKEN.fullmatch(given) if isinstance(given, str) else None
    return float(token[1]) if token else number(given)


def _meaning(rows: list[dict]) -> tuple[bool, str]:
    """Return whether numbers are thousandths of the image, and why."""
    for row in rows:
        told = row.get("coord_mode") or row.get("coordinates") or as_dict(row.get("metadata")).get("coord_mode")
        if isinstance(told, str) and told in DECLARED:
            return DECLARED[told], f"the file says {told}"
    highest = 0.0
    beyond = False
    for row in rows[:LOOKED_AT]:
        given = [each for row_of in map(as_dict, _objects(row, "gt")) for each in _numbers(row_of)]
        if any(isinstance(each, str) and TOKEN.fullmatch(each) for each in given):
            return True, "coordinate tokens are in it"
        values = [value for each in given if math.isfinite(value := number(each))]
        sides = [number(row.get(side)) for side in ("width", "height")]
        highest = max([highest, *values])
        beyond |= bool(values) and max(values) > max(sides)
    if beyond and highest <= BINS:
        return True, f"numbers to {highest:g} reach beyond an image, none over {BINS}"
    return False, f"numbers to {highest:g}" + (f", some over {BINS}" if highest > BINS else " lie inside the images")


def _numbers(row: dict) -> list:
    return [each for key in (*GEOMETRIES, "points") for each in as_list(row.get(key))]


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file a split in pixels, and the class names; yield images done."""
    out.text("classes.txt", "".join(f"{name}\n" for name in names))
    done = 0
    for split, images in splits.items():
        with out.open(f"{split}.gt.jsonl") as file:
            for image in images:
                file.write(json.dumps(_row(out, image, names), ensure_ascii=False).encode() + b"\n")
                done += 1
        yield done


def _row(out: Output, image: Written, names: list[str]) -> dict:
    objects: list[dict] = []
    for label in image.labels:
        desc = names[label.class_index]
        if polygons := polygons_of(label):
            outlines_only(out, label, LABEL)
            ring = [round(value, 4) for value in one_ring(polygons)]
            objects.append({"desc": desc, "poly": ring, "poly_points": len(ring) // 2})
        else:
            objects.append({"desc": desc, "bbox_2d": [round(value, 4) for value in label.xyxy]})
    facts: dict[str, Any] = {"images": [image.path], "objects": objects, "width": image.width, "height": image.height}
    if image.caption:
        facts["summary"] = image.caption
    return facts | {"metadata": {"coord_mode": "pixel", "split": image.split}}
