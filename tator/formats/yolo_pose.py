"""YOLO pose: a row per box with key points (class, box, x, y, visibility, ...).

Source: https://docs.ultralytics.com/datasets/pose/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tator.formats import Label, yolo
from tator.formats._ultralytics import JOINTS
from tator.formats._yolo_tree import write_tree
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only, each

NAME = "yolo_pose"
LABEL = "YOLO pose"
HOLDS_ATTRIBUTES = frozenset({"keypoints"})
HOLDS_SKELETONS = True
ABSENT = [0.0, 0.0, 0]  # a key point that is not marked


def sniff(tree: Tree) -> bool:
    """Whether the folder holds YOLO labels, most of them boxes with key points."""
    return yolo.sniff(tree) and yolo.has_key_points(tree)


def read(tree: Tree) -> yolo.YoloSource:
    """Return the source of a folder that `sniff` took."""
    source = yolo.read(tree)
    source.format = NAME
    return source


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write everything but the images.

    Every row has as many key points as the longest; those that it lacks are written as not marked.
    """
    labels = (label for image in each(splits) for label in image.labels)
    counts = [len(skeleton.names) for skeleton in out.skeletons.values()]
    points = max(1, *(len(_points(label)) for label in labels), *counts, 0)

    def row(label: Label, image: Written) -> str:
        boxes_only(out, label, LABEL)
        return f"{yolo.centred(label, image)} {_row(out, label, image, points)}"

    yield from write_tree(out, names, splits, row, _entries(out, points))


def _points(label: Label) -> list[list[float]]:
    return (label.attributes or {}).get("keypoints", [])


def _entries(out: Output, points: int) -> Mapping[str, Any]:
    """Return what data.yaml says of the key points."""
    entries: dict[str, Any] = {"kpt_shape": [points, 3]}
    if out.skeletons:
        entries["kpt_names"] = {index: list(skeleton.names) for index, skeleton in out.skeletons.items()}
        joints = {index: [list(edge) for edge in each.edges] for index, each in out.skeletons.items() if each.edges}
        entries |= {JOINTS: joints} if joints else {}
    return entries


def _row(out: Output, label: Label, image: Written, points: int) -> str:
    """Return key points as shares of the image with their visibility.

    What is lost or added is counted.
    """
    given = _points(label)
    if not given:
        out.notes["objects without key points are written with none of theirs marked"] += 1
    elif len(given) < points:
        out.notes[f"objects with fewer key points are filled up to {points} that are not marked"] += 1
    told = []
    for x, y, seen in [*given, *[ABSENT] * (points - len(given))]:
        inside = min(max(x, 0.0), float(image.width)), min(max(y, 0.0), float(image.height))
        if seen and inside != (x, y):
            out.notes[f"key points outside their image are moved to its edge: {LABEL} holds none there"] += 1
        told.append(f"{inside[0] / image.width:.8f} {inside[1] / image.height:.8f} {int(seen)}" if seen else "0 0 0")
    return " ".join(told)
