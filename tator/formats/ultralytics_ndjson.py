"""Ultralytics NDJSON: a line for the dataset, then one an image, in shares.

Source: https://docs.ultralytics.com/datasets/detect/#ultralytics-ndjson-format
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tator.attributes import Skeleton
from tator.formats import SPLITS, Label
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, each_line
from tator.formats._shapes import Place, box_ring, number, one_ring, polygons_of
from tator.formats._turned import angle_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, each, outlines_only

NAME = "ultralytics_ndjson"
LABEL = "Ultralytics NDJSON"
FILE = "dataset.ndjson"
KINDS = ("boxes", "segments", "pose", "obb")


def sniff(tree: Tree) -> bool:
    """Whether the folder has a dataset of Ultralytics in NDJSON."""
    return any(is_ultralytics(sample) for _, sample in tree.samples(".ndjson", ".jsonl"))


def is_ultralytics(sample: bytes) -> bool:
    """Whether the first line of a file describes a dataset of Ultralytics."""
    first = sample.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")[0]
    return b'"type"' in first and b'"dataset"' in first and (b'"class_names"' in first or b'"task"' in first)


def read(tree: Tree) -> NdjsonSource:
    """Return the source of a folder that `sniff` took."""
    source = NdjsonSource.of_files(tree, is_ultralytics, ".ndjson", ".jsonl")
    source.settle()
    if source.skeleton:
        source.skeletons = dict.fromkeys(source.classes, source.skeleton)
    return source


class NdjsonSource(DrawnSource):
    """A folder with Ultralytics NDJSON files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}
        self.skeletons: dict[int, Skeleton] = {}
        self.skeleton: Skeleton | None = None

    def add(self, path: str) -> None:
        """Take the lines of a file."""
        names: dict[int, str] = {}
        shape = 0
        for line, row in each_line(self.tree, path, self.report):
            if row.get("type") == "dataset":
                names = self._classes(row, path, line)
                shape = self._points(row)
            elif row.get("type") == "image" or "file" in row:
                self._image(row, path, line, names, shape)
            else:
                told = f"type is {str(row.get('type'))[:40]!r}; expected dataset or image"
                self.report.drop(path, "unknown record", told, line)

    def _classes(self, row: dict, path: str, line: int) -> dict[int, str]:
        given = row.get("class_names")
        pairs = enumerate(given) if isinstance(given, list) else as_dict(given).items()
        names = {int(at): self.name(name) for at, name in pairs if str(at).isdecimal() and isinstance(name, (str, int))}
        if not names:
            self.report.drop(path, "class names refused", "expected class_names as {number: name}", line)
        self.listed |= dict.fromkeys(names[at] for at in sorted(names))
        return names

    def _points(self, row: dict) -> int:
        """Return how many numbers a key point has, 0 where there are none."""
        shape = as_list(row.get("kpt_shape"))
        if len(shape) != 2 or not all(isinstance(each, int) and 0 < each < 1000 for each in shape):
            return 0
        named = row.get("kpt_names")
        listed = next(iter(named.values()), []) if isinstance(named, dict) else as_list(named)
        names = [str(each) for each in as_list(listed)]
        self.skeleton = Skeleton(tuple(names if len(names) == shape[0] else map(str, range(1, shape[0] + 1))))
        return shape[1]

    def _image(self, row: dict, path: str, line: int, names: dict[int, str], shape: int) -> None:
        given = row.get("split")
        split = given if isinstance(given, str) else ""
        reference = row.get("file") or row.get("url")
        if not isinstance(reference, str):
            self.report.drop(path, "entry without an image name", str(reference)[:80], line)
            return
        near = (f"images/{split}/", "images/", f"{split}/")
        image = self.find(reference, path, line, near, split)
        if image is None:
            return
        if split:
            self.splits[image] = SPLITS.get(split.lower(), split)
        self.told_size(image, path, row.get("width"), row.get("height"))
        for kind, rows in as_dict(row.get("annotations")).items():
            if kind == "classification":
                self.tags[image] = [names[at] for at in as_list(rows) if isinstance(at, int) and at in names]
            elif kind not in KINDS:
                self.report.drop(path, "unknown kind of annotation", f"{kind[:40]} of {image}", line)
            for values in as_list(rows) if kind in KINDS else ():
                self.take(image, path, line, _entry(kind, as_list(values), names, shape))

    def _read(self, entry: Any, place: Place) -> list[Label]:
        """Return an object, whose numbers are shares of the image until here."""
        name, kind, shares, shape = entry
        across, down = place.width, place.height
        values = [value * (across, down)[at % 2] for at, value in enumerate(shares[: 4 if kind == "pose" else None])]
        if kind in ("boxes", "pose"):
            x, y, w, h = values
            drawn = Drawn(name, box=(x - w / 2, y - h / 2, x + w / 2, y + h / 2))
            if kind == "pose":
                drawn = replace(drawn, points=_keypoints(shares[4:], shape, across, down))
        else:
            turn = angle_of(values) if kind == "obb" else None
            drawn = Drawn(name, rings=[[values]], attributes={} if turn is None else {"rotation": turn})
        label = self._label(drawn, place)
        return [] if label is None else [label]


def _entry(kind: str, values: list, names: dict[int, str], shape: int) -> Any:
    """Return an object as `_read` takes it, or why it is none."""
    numbers = [number(value) for value in values]
    if not numbers or numbers[0] not in names:
        told = f"class {str(values[0])[:40] if values else 'missing'}; the file has {len(names)}"
        return Refused("class out of range", told)
    count, rest = len(numbers) - 1, "numbers after the class"
    fits = {
        "boxes": (count == 4, f"4 {rest}"),
        "obb": (count == 8, f"8 {rest}"),
        "segments": (count >= 6 and count % 2 == 0, f"x, y of at least 3 corners as {rest}"),
        "pose": (
            shape > 1 and count > 4 and (count - 4) % shape == 0,
            f"4 {rest} and {shape or 'kpt_shape'} a key point",
        ),
    }[kind]
    if not fits[0]:
        return Refused("wrong number of values", f"{kind}: {count}; expected {fits[1]}")
    return names[int(numbers[0])], kind, numbers[1:], shape


def _keypoints(shares: Sequence[float], shape: int, width: int, height: int) -> list[tuple[float, float, int]]:
    points = []
    for at in range(0, len(shares), shape):
        x, y = shares[at] * width, shares[at + 1] * height
        mark = shares[at + 2] if shape > 2 else (0 if x == y == 0 else 2)
        points.append((x, y, int(mark) if mark in (0, 1, 2) else 2))
    return points


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write one file; yield images done.

    Ultralytics reads one kind of annotation of an image, and finds images beside the file where their names have no folder.
    """
    is_outlined = any(label.polygons or label.rle for image in each(splits) for label in image.labels)
    is_flat = not any("/" in image.name for image in each(splits))
    head: dict[str, Any] = {"type": "dataset", "task": "segment" if is_outlined else "detect", "name": "tator"}
    head |= {"class_names": {str(at): name for at, name in enumerate(names)}} | ({"path": "."} if is_flat else {})
    done = 0
    with out.open(FILE) as file:
        file.write(json.dumps(head, ensure_ascii=False).encode() + b"\n")
        for split, images in splits.items():
            for image in images:
                row: dict[str, Any] = {"type": "image", "file": image.name if is_flat else image.path}
                row |= {"width": image.width, "height": image.height, "split": split}
                row |= {"annotations": _annotations(out, image)}
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                done += 1
            yield done


def _annotations(out: Output, image: Written) -> dict[str, list]:
    """Return an image's objects as boxes, or all as outlines where one has one."""
    sizes = image.width, image.height
    is_outlined = any(label.polygons or label.rle for label in image.labels)
    rows = []
    for label in image.labels:
        x1, y1, x2, y2 = label.xyxy
        if polygons := polygons_of(label):
            outlines_only(out, label, LABEL)
            values = one_ring(polygons)
        elif is_outlined:
            out.notes["boxes beside outlines are written as outlines: Ultralytics reads one kind an image"] += 1
            values = box_ring(label.xyxy)
        else:
            values = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
        rows.append([label.class_index, *(round(value / sizes[at % 2], 8) for at, value in enumerate(values))])
    return {"segments" if is_outlined else "boxes": rows}
