"""Datumaro's own JSON: a file a subset, with categories and items.

Source: https://openvinotoolkit.github.io/datumaro, "Datumaro" under data formats, and what datumaro 1.13 writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tator.attributes import Skeleton
from tator.formats import SPLITS, fit_confidence
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import ellipse, number, one_ring
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Output, Splits, Written, outlines_only, write_rows

NAME = "datumaro"
LABEL = "Datumaro JSON"
HOLDS_ATTRIBUTES = ANY
HOLDS_CONFIDENCE = True
HOLDS_CAPTIONS = True
HOLDS_SKELETONS = True
FIELDS = {"is_crowd": "crowd", "track_id": "track"}  # names of ours for theirs
NOT_AREAS = {"polyline", "cuboid_3d", "cuboid_2d", "hash_key", "feature_vector", "tabular", "depth_annotation"}


def sniff(tree: Tree) -> bool:
    """Whether the folder has a Datumaro file."""
    return any(is_datumaro(sample) for _, sample in tree.samples(".json"))


def is_datumaro(sample: bytes) -> bool:
    """Whether both ends of a file look like Datumaro's."""
    named = b'"dm_format_version"' in sample or b'"infos"' in sample
    return b'"items"' in sample and named or b'"categories"' in sample and b'"items"' in sample


def read(tree: Tree) -> DatumaroSource:
    """Return the source of a folder that `sniff` took."""
    source = DatumaroSource.of_files(tree, is_datumaro, ".json")
    source.settle()
    source.number_skeletons()
    return source


class DatumaroSource(DrawnSource):
    """A folder with Datumaro files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}
        self.skeletons: dict[int, Skeleton] = {}
        self._points: dict[str, Skeleton] = {}

    def add(self, path: str) -> None:
        """Take the categories and items of a subset."""
        content = read_object(self.tree, path, self.report, "a Datumaro file")
        if content is None:
            return
        names = self._categories(as_dict(content.get("categories")), path)
        if not isinstance(content.get("items"), list):
            self.report.drop(path, "not a Datumaro file", "items is no list")
        subset = PurePosixPath(path).stem
        split = SPLITS.get(subset.lower(), subset if subset.lower() != "default" else "")
        for at, item in enumerate(as_list(content.get("items"))):
            self._item(as_dict(item), path, at, names, subset, split)

    def _categories(self, categories: dict, path: str) -> list[str]:
        rows = as_list(as_dict(categories.get("label")).get("labels"))
        names = [self.name(as_dict(row).get("name") or f"class {at}") for at, row in enumerate(rows)]
        self.listed |= dict.fromkeys(names)
        for item in map(as_dict, as_list(as_dict(categories.get("points")).get("items"))):
            at, labels = item.get("label_id"), [str(label) for label in as_list(item.get("labels"))]
            if isinstance(at, int) and 0 <= at < len(names) and labels:
                pairs = [
                    tuple(pair) for pair in as_list(item.get("joints")) if isinstance(pair, list) and len(pair) == 2
                ]
                low = min((end for pair in pairs for end in pair if isinstance(end, int)), default=0)
                shift = 1 if low and all(isinstance(end, int) and end <= len(labels) for p in pairs for end in p) else 0
                edges = [(a - shift, b - shift) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]
                inside = tuple((a, b) for a, b in edges if 0 <= a < len(labels) and 0 <= b < len(labels))
                if len(inside) < len(pairs):
                    self.report.repair(path, "joints left out", f"{len(pairs) - len(inside)} name no key point")
                self._points[names[at]] = Skeleton(tuple(labels), inside)
        return names

    def number_skeletons(self) -> None:
        """Say which class each skeleton is of, once the classes are numbered."""
        found = ((self.index(name), skeleton) for name, skeleton in self._points.items())
        self.skeletons = {index: skeleton for index, skeleton in found if index is not None}

    def _item(self, item: dict, path: str, at: int, names: list[str], subset: str, split: str) -> None:
        picture = as_dict(item.get("image")) or as_dict(item.get("media"))
        reference = picture.get("path") or item.get("id")
        near: tuple[str, ...] = (f"images/{subset}/", "images/", f"{subset}/")
        parent = PurePosixPath(path).parent.parent.as_posix()
        near += tuple(f"{parent}/{place}" for place in near) if parent != "." else ()
        image = self.find(reference, path, at, near, subset)
        if image is None:
            return
        if split:
            self.splits[image] = split
        if len(size := as_list(picture.get("size"))) == 2:  # height, width
            self.told_size(image, path, size[1], size[0])
        for annotation in _joined(list(map(as_dict, as_list(item.get("annotations"))))):
            self._annotation(image, f"{path} ({image})", annotation, names)

    def _annotation(self, image: str, where: str, row: dict, names: list[str]) -> None:
        kind, label = str(row.get("type")), row.get("label_id")
        if kind == "caption":
            self.captions[image] = str(row.get("caption") or "")
            return
        if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label < len(names):
            told = f"label_id {str(label)[:40]}; the file has {len(names)} classes"
            self.take(image, where, None, Refused("object without a class", told))
        elif kind == "label":
            self.tags.setdefault(image, []).append(names[label])
        elif kind in NOT_AREAS:
            self.take(image, where, None, Refused("shape without an area", f"{kind}: {names[label][:80]}"))
        else:
            shape = _shape(kind, row)
            entry = (
                Refused("unknown shape", kind[:40]) if shape is None else self._drawn(names[label], shape, row, where)
            )
            self.take(image, where, None, entry)

    def _drawn(self, name: str, shape: dict, row: dict, where: str) -> Drawn:
        given = dict(as_dict(row.get("attributes")))
        score = given.pop("score", None)
        confidence = None if score is None else fit_confidence(score, self.report, where)
        turn = number(given.pop("rotation", 0.0)) if "box" in shape else 0.0
        kept = {str(FIELDS.get(key, key)): value for key, value in given.items() if value is not None}
        for key in {"crowd", "occluded", "truncated", "difficult"} & kept.keys():
            kept[key] = kept[key] if isinstance(kept[key], bool) else kept[key] in (1, "1", "true", "True")
        if row.get("group"):
            kept["group"] = row["group"]
        if row.get("z_order"):
            kept["z"] = row["z_order"]
        if joined := row.get("joined"):
            shape = shape | {"points": as_dict(_shape("points", joined)).get("points", ())}
        return Drawn(name, **{"turn_deg": turn, **shape}, attributes=kept, confidence=confidence)


def _joined(rows: list[dict]) -> list[dict]:
    """Put key points to the box that has their number and class."""
    boxes = {
        (row.get("id"), row.get("label_id")): row for row in rows if row.get("type") in ("bbox", "mask", "polygon")
    }
    kept = []
    for row in rows:
        partner = (
            boxes.get((row.get("id"), row.get("label_id"))) if row.get("type") == "points" and row.get("id") else None
        )
        if partner is None or "joined" in partner:
            kept.append(row)
        else:
            partner["joined"] = row
    return kept


def _shape(kind: str, row: dict) -> dict | None:
    """Return the fields of a Drawn that a shape fills, None for an unknown one."""
    points = [number(value) for value in as_list(row.get("points"))]
    if kind == "bbox":
        x, y, w, h = _four(row.get("bbox"))
        return {"box": (x, y, x + w, y + h)}
    if kind == "polygon":
        return {"rings": [[points]]}
    if kind == "mask":
        return {"rle": row.get("rle") or {}}
    if kind == "ellipse":
        x1, y1, x2, y2 = _four(points)
        return {"rings": [[ellipse((x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2)]]}
    if kind == "rotated_bbox" and len(points) == 5:
        x, y, w, h, turn = points
        return {"box": (x - w / 2, y - h / 2, x + w / 2, y + h / 2), "turn_deg": turn}
    if kind == "points" and len(points) % 2 == 0:
        seen = as_list(row.get("visibility"))
        marks = [seen[at] if at < len(seen) and seen[at] in (0, 1, 2) else 2 for at in range(len(points) // 2)]
        return {"points": list(zip(points[0::2], points[1::2], marks, strict=True))}
    return None


def _four(values: Any) -> tuple[float, float, float, float]:
    numbers = [number(value) for value in as_list(values)]
    return tuple(numbers) if len(numbers) == 4 else (float("nan"),) * 4  # type: ignore[return-value]


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a JSON file a split; yield images done."""
    labels = [{"name": name, "parent": "", "attributes": []} for name in names]
    categories: dict[str, Any] = {"label": {"labels": labels, "label_groups": [], "attributes": []}}
    if out.skeletons:
        items = [
            {"label_id": row, "labels": list(each.names), "joints": [[a + 1, b + 1] for a, b in each.edges]}
            for row, each in out.skeletons.items()
        ]
        categories["points"] = {"items": [item | {"positions": []} for item in items]}
    head = {"dm_format_version": "1.0", "media_type": 2, "infos": {}, "categories": categories}
    done = 0
    for split, images in splits.items():
        with out.open(f"annotations/{split}.json") as file:
            before = json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "items": [\n'
            write_rows(file, (_item(out, image) for image in images), before, b"\n]}\n")
        done += sum(1 for _ in images)
        yield done


def _item(out: Output, image: Written) -> bytes:
    rows = [row for at, label in enumerate(image.labels, 1) for row in _rows(out, label, at)]
    if image.caption:
        rows.append({"id": 0, "type": "caption", "attributes": {}, "group": 0, "caption": image.caption})
    picture = {"path": image.name, "size": [image.height, image.width]}
    return json.dumps({"id": image.trunk, "annotations": rows, "image": picture}, ensure_ascii=False).encode()


def _rows(out: Output, label: Any, at: int) -> Iterator[dict]:
    """Yield the annotation of a label, and one for its key points."""
    given = dict(label.attributes or {})
    group, z, points = given.pop("group", None), given.pop("z", 0), given.pop("keypoints", None)
    turn = given.pop("rotation", None)
    ours = {value: key for key, value in FIELDS.items()}
    attributes = {ours.get(key, key): value for key, value in given.items()}
    if label.confidence is not None:
        attributes["score"] = label.confidence
    if group is not None and not isinstance(group, int):
        attributes["group"] = group
    number_of = group if isinstance(group, int) else 0
    common = {"id": at, "label_id": label.class_index, "group": number_of, "z_order": z}
    if label.rle and not label.polygons:
        yield {**common, "type": "mask", "attributes": attributes, "rle": label.rle}
    elif label.polygons and turn is None:
        outlines_only(out, label, LABEL)
        ring = [round(value, 4) for value in one_ring(label.polygons)]
        yield {**common, "type": "polygon", "attributes": attributes, "points": ring}
    else:
        yield {**common, "type": "bbox", **_bbox(label, turn, attributes)}
    if points:
        flat = [round(v, 4) for x, y, _ in points for v in (x, y)]
        marks = [v for _, _, v in points]
        yield {**common, "type": "points", "attributes": attributes, "points": flat, "visibility": marks}


def _bbox(label: Any, turn: float | None, attributes: dict) -> dict:
    x1, y1, x2, y2 = label.xyxy
    if turn is not None and label.polygons:
        import math

        (ax, ay, bx, by, cx, cy, dx, dy) = label.polygons[0][0]
        w, h = math.hypot(bx - ax, by - ay), math.hypot(dx - ax, dy - ay)
        mx, my = (ax + cx) / 2, (ay + cy) / 2
        x1, y1, x2, y2, attributes = mx - w / 2, my - h / 2, mx + w / 2, my + h / 2, {**attributes, "rotation": turn}
    return {"bbox": [round(v, 4) for v in (x1, y1, x2 - x1, y2 - y1)], "attributes": attributes}
