"""V7 Darwin JSON, 1.0 and 2.0: a file an image with the annotations of its item.

Source: https://docs.v7labs.com/reference/darwin-json
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from tator.formats import folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import ellipse, number, polygons_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written

NAME = "darwin"
LABEL = "V7 Darwin JSON"
HOLDS_TAGS = True
HOLDS_ATTRIBUTES = frozenset({"text", "track"})
SCHEMA = "https://darwin-public.s3.eu-west-1.amazonaws.com/darwin_json/2.0/schema.json"
NO_AREA = ("line", "keypoint", "cuboid", "link", "string", "graph", "simple_table")


def sniff(tree: Tree) -> bool:
    """Whether the folder has files of Darwin."""
    return any(is_darwin(sample) for _, sample in tree.samples(".json"))


def is_darwin(sample: bytes) -> bool:
    """Whether both ends of a file look like Darwin's, of either version."""
    is_second = b'"item"' in sample and (b'"slots"' in sample or b'"schema_ref"' in sample)
    is_first = b'"image"' in sample and b'"original_filename"' in sample
    return b'"annotations"' in sample and (is_second or is_first) or b"darwin_json" in sample


def read(tree: Tree) -> DarwinSource:
    """Return the source of a folder that `sniff` took."""
    source = DarwinSource.of_files(tree, is_darwin, ".json")
    source.settle()
    return source


class DarwinSource(DrawnSource):
    """A folder with Darwin files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}

    def add(self, path: str) -> None:
        """Take the annotations of an item."""
        content = read_object(self.tree, path, self.report, "a Darwin file")
        if content is None:
            return
        item = as_dict(content.get("item")) or as_dict(content.get("image"))
        slots = [as_dict(slot) for slot in as_list(item.get("slots"))]
        if len(slots) > 1 or "frame_count" in {
            key for slot in slots for key in slot if slot.get("frame_count", 1) != 1
        }:
            self.report.drop(path, "item of several images or frames", str(item.get("name"))[:120])
            return
        size = slots[0] if slots else item
        name = item.get("name") or item.get("filename") or item.get("original_filename")
        folder = str(item.get("path") or "").strip("/")
        reference = f"{folder}/{name}" if folder and isinstance(name, str) else name
        image = self.find(reference, path, None, ("images/",))
        if image is None:
            return
        self.tree.claim(path)
        self.told_size(image, path, size.get("width"), size.get("height"))
        if split := folder_split(image):
            self.splits[image] = split
        for row in map(as_dict, as_list(content.get("annotations"))):
            if "tag" in row and isinstance(row.get("name"), str):
                self.tags.setdefault(image, []).append(row["name"])
            else:
                self.take(image, path, None, self._entry(row))

    def _entry(self, row: dict) -> Any:
        name = row.get("name")
        if not isinstance(name, str) or not name:
            return Refused("object without a class", str(row.get("id"))[:40])
        if "frames" in row:
            return Refused("annotation of a video", name[:80])
        shape = _shape(row)
        if shape is None:
            kind = next((kind for kind in NO_AREA if kind in row), "")
            keys = ", ".join(sorted(map(str, row)))[:120]
            if "mask" in row or "raster_layer" in row:
                return Refused("mask of a raster layer", f"{name[:80]}; expected polygons: export masks as polygons")
            return Refused("shape without an area", f"{kind}: {name[:80]}") if kind else Refused("unknown shape", keys)
        return Drawn(self.name(name), **shape, attributes=_attributes(row), confidence=_confidence(row))


def _shape(row: dict) -> dict | None:
    """Return the fields of a Drawn that an annotation fills, None for none."""
    if "polygon" in row:
        polygon = as_dict(row["polygon"])
        paths = polygon.get("paths") or [polygon.get("path"), *as_list(polygon.get("additional_paths"))]
        return {"rings": _nested([_flat(path) for path in as_list(paths)])}
    if "complex_polygon" in row:
        return {"rings": _nested([_flat(path) for path in as_list(as_dict(row["complex_polygon"]).get("path"))])}
    if "ellipse" in row:
        round_one = as_dict(row["ellipse"])
        (cx, cy), (rx, ry) = _point(round_one.get("center")), _point(round_one.get("radius"))
        return {"rings": [[ellipse(cx, cy, rx, ry, math.degrees(number(round_one.get("angle", 0))))]]}
    points = []
    if "skeleton" in row:
        for node in map(as_dict, as_list(as_dict(row["skeleton"]).get("nodes"))):
            points.append((*_point(node), 1 if node.get("occluded") else 2))
    if "bounding_box" in row:
        box = as_dict(row["bounding_box"])
        x, y, w, h = (number(box.get(side)) for side in ("x", "y", "w", "h"))
        return {"box": (x, y, x + w, y + h), "points": points}
    return {"points": points} if points else None


def _point(given: Any) -> tuple[float, float]:
    return number(as_dict(given).get("x")), number(as_dict(given).get("y"))


def _flat(path: Any) -> list[float]:
    return [value for point in as_list(path) for value in _point(point)]


def _nested(rings: list[list[float]]) -> list[list[list[float]]]:
    """Return each outline with the holes that lie in it: paths are filled by turns."""
    from tator.vision.masks import ring_area

    def holds(outer: list[float], x: float, y: float) -> bool:
        corners = list(zip(outer[0::2], outer[1::2], strict=False))
        edges = zip(corners, corners[1:] + corners[:1], strict=True)
        hits = (a for a in edges if (a[0][1] > y) != (a[1][1] > y))
        return sum(x < a + (y - b) * (c - a) / (d - b) for (a, b), (c, d) in hits) % 2 == 1

    parts: list[list[list[float]]] = []
    good = [ring for ring in rings if len(ring) >= 6 and all(map(math.isfinite, ring))]
    for ring in sorted(good, key=ring_area, reverse=True):
        around = [part for part in parts if holds(part[0], ring[0], ring[1])]
        inside_hole = around and any(holds(hole, ring[0], ring[1]) for hole in around[-1][1:])
        if around and not inside_hole:
            around[-1].append(ring)
        else:
            parts.append([ring])
    return parts + [[ring] for ring in rings if ring not in good]


def _attributes(row: dict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for given in as_list(row.get("attributes")):
        key, _, value = str(given).partition(":")
        found[key] = value or True
    if isinstance(text := as_dict(row.get("text")).get("text"), str):
        found["text"] = text
    track = as_dict(row.get("instance_id")).get("value")
    if isinstance(track, (int, str)) and not isinstance(track, bool):
        found["track"] = track
    for name, value in as_dict(row.get("properties")).items() if isinstance(row.get("properties"), dict) else ():
        found[name] = value
    for each in map(as_dict, as_list(row.get("properties"))):
        if isinstance(each.get("name"), str):
            found[each["name"]] = each.get("value")
    return found


def _confidence(row: dict) -> float | None:
    value = as_dict(row.get("inference")).get("confidence")
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1 else None


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file an image, and the class names; yield images done."""
    out.text("classes.txt", "".join(f"{name}\n" for name in names))
    done = 0
    for images in splits.values():
        for image in images:
            out.text(f"annotations/{image.split}/{image.trunk}.json", _item(image, names))
            done += 1
            yield done


def _item(image: Written, names: list[str]) -> str:
    folder, _, name = image.path.rpartition("/")
    slot = {"type": "image", "slot_name": "0", "width": image.width, "height": image.height, "thumbnail_url": ""}
    item = {"name": name, "path": f"/{folder}", "slots": [slot | {"source_files": [{"file_name": name, "url": ""}]}]}
    rows = [_row(label, names, f"{at:032x}") for at, label in enumerate(image.labels, 1)]
    rows += [{"id": f"{at:032x}", "name": tag, "tag": {}} for at, tag in enumerate(image.tags, len(rows) + 1)]
    content = {"version": "2.0", "schema_ref": SCHEMA, "item": item, "annotations": rows}
    return json.dumps(content, ensure_ascii=False)


def _row(label: Any, names: list[str], key: str) -> dict:
    given = label.attributes or {}
    x1, y1, x2, y2 = (round(value, 4) for value in label.xyxy)
    row: dict[str, Any] = {"id": key, "name": names[label.class_index], "slot_names": ["0"]}
    row["bounding_box"] = {"x": x1, "y": y1, "w": round(x2 - x1, 4), "h": round(y2 - y1, 4)}
    if polygons := polygons_of(label):
        rings = [ring for polygon in polygons for ring in polygon]
        row["polygon"] = {"paths": [_path(ring) for ring in rings]}
    if "track" in given:
        row["instance_id"] = {"value": given["track"]}
    if "text" in given:
        row["text"] = {"text": given["text"]}
    return row


def _path(ring: list[float]) -> list[dict]:
    return [{"x": round(x, 4), "y": round(y, 4)} for x, y in zip(ring[0::2], ring[1::2], strict=True)]
