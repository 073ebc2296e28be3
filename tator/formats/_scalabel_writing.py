"""Write frames as Scalabel has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tator.formats import Label
from tator.formats._shapes import mask_of
from tator.formats.writing import Output, Splits, Written, write_rows
from tator.vision import masks

HOLES = "outlines with holes are written as masks of whole pixels: Scalabel has no holes"


def write_frames(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file a split in Scalabel's form; yield images done."""
    config = {"imageSize": None, "attributes": [], "categories": [{"name": name} for name in names]}
    done = 0
    for split, images in splits.items():
        with out.open(f"labels/{split}.json") as file:
            rows = (json.dumps(_written(out, image, names), ensure_ascii=False).encode() for image in images)
            after = b'\n],\n"config": ' + json.dumps(config, ensure_ascii=False).encode() + b"}\n"
            write_rows(file, rows, b'{"frames": [\n', after)
        done += sum(1 for _ in images)
        yield done


def _written(out: Output, image: Written, names: list[str]) -> dict:
    """Return an image as a frame."""
    parts = (tag.partition(": ") for tag in image.tags)
    attributes = {key: value if colon else True for key, colon, value in parts}
    labels = [_written_label(out, image, label, names, at) for at, label in enumerate(image.labels, 1)]
    size = {"width": image.width, "height": image.height}
    return {"name": image.name, "size": size, "attributes": attributes, "labels": labels}


def _written_label(out: Output, image: Written, label: Label, names: list[str], at: int) -> dict:
    given = dict(label.attributes or {})
    points = given.pop("keypoints", None)
    row: dict[str, Any] = {"id": str(at), "category": names[label.class_index], "attributes": _plain(given)}
    if label.confidence is not None:
        row["score"] = label.confidence
    x1, y1, x2, y2 = (round(value, 4) for value in label.xyxy)
    row["box2d"] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    if label.polygons and all(len(polygon) == 1 for polygon in label.polygons):
        row["poly2d"] = [_poly2d(polygon[0]) for polygon in label.polygons]
    elif label.polygons or label.rle:
        if label.polygons:
            out.notes[HOLES] += 1
        if mask := mask_of(label, image.width, image.height):
            row["rle"] = masks.to_rle(mask, image.width, image.height)
    if points:
        row["graph"] = _written_graph(out, label.class_index, points, at)
    return row


def _plain(given: dict) -> dict:
    """Return attributes as Scalabel has them, which knows no lists."""
    return {key: json.dumps(value) if isinstance(value, list) else value for key, value in given.items()}


def _poly2d(ring: list[float]) -> dict:
    pairs = [[round(x, 4), round(y, 4)] for x, y in zip(ring[0::2], ring[1::2], strict=True)]
    return {"vertices": pairs, "types": "L" * len(pairs), "closed": True}


def _written_graph(out: Output, index: int, points: list, at: int) -> dict:
    """Return key points as a graph, those that are not there left out."""
    skeleton = out.skeletons.get(index)
    names = skeleton.names if skeleton else ()
    nodes = [
        {
            "id": f"{at}-{number}",
            "location": [round(x, 4), round(y, 4)],
            "category": names[number] if number < len(names) else f"point {number + 1}",
            "visibility": "V" if v == 2 else "N",
            "type": "circle",
        }
        for number, (x, y, v) in enumerate(points)
        if v
    ]
    there = {node["id"] for node in nodes}
    edges = [{"source": f"{at}-{a}", "target": f"{at}-{b}"} for a, b in (skeleton.edges if skeleton else ())]
    return {"nodes": nodes, "edges": [edge for edge in edges if set(edge.values()) <= there], "type": "Pose2D"}
