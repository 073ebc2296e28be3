"""TensorFlow's TFRecord of object detection: read without TensorFlow, boxes in 0..1.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord and tensorflow/core/example/example.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SPLITS, Label, Report, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label
from tator.tree import Tree

NAME = "tfrecord"
LABEL = "TFRecord"
ENDINGS = (".tfrecord", ".tfrecords", ".record")
LARGEST = 256 << 20  # bytes of one record, which may hold the image itself
SIDES = ("xmin", "ymin", "xmax", "ymax")
Features = dict[str, list[Any]]


def sniff(tree: Tree) -> bool:
    """Whether the folder has record files."""
    return any(path.lower().endswith(ENDINGS) for path in tree.tables)


def read(tree: Tree) -> TfRecordSource:
    """Return the source of a folder that `sniff` took."""
    source = TfRecordSource(tree, Report())
    for path in tree.each(*ENDINGS):
        source.add(path)
    source.settle(_label_map(tree, source.report) or None)
    return source


class TfRecordSource(Gathered):
    """A folder with record files; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the images and boxes of a file."""
        split = SPLITS.get(PurePosixPath(path).stem.lower().split("-")[0]) or folder_split(path)
        words = _label_map(self.tree, Report())
        for number, features in enumerate(_examples(self.tree, path, self.report), 1):
            names = features.get("image/filename") or features.get("image/source_id") or [b""]
            image = self.find(_text(names[0]), path, number, [f"images/{split}/"] if split else [], split or "")
            if image is None:
                if any(features.get("image/encoded", [])):
                    self.report.notice(path, "image is inside the record", "save it in the folder to import it", number)
                continue
            if split:
                self.splits[image] = split
            self._take(image, path, number, features, words)

    def _take(self, image: str, path: str, number: int, features: Features, words: dict[int, str]) -> None:
        sides = [features.get(f"image/object/bbox/{side}", []) for side in SIDES]
        texts = [_text(each) for each in features.get("image/object/class/text", [])]
        names = texts or [words.get(each, f"class {each}") for each in features.get("image/object/class/label", [])]
        if len({len(names), *map(len, sides)}) != 1:
            detail = f"{image}: {len(names)} classes, {len(sides[0])} boxes"
            self.take(image, path, number, Refused("columns of different length", detail))
            return
        for name, *corners in zip(names, *sides, strict=True):
            self.take(image, path, number, (self.name(name), corners))

    def _label(self, entry: tuple[str, list[float]], place: Place) -> Label | None:
        name, (x1, y1, x2, y2) = entry
        index = self._numbered(name, place)
        if index is None:
            return None
        return box_label(index, (x1 * place.width, y1 * place.height, x2 * place.width, y2 * place.height), place)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _label_map(tree: Tree, report: Report) -> dict[int, str]:
    """Return {id: name} of label_map.pbtxt files."""
    found: dict[int, str] = {}
    for path in tree.tables:
        if not path.lower().endswith(".pbtxt"):
            continue
        try:
            lines = tree.read_text(path).splitlines()
        except OSError as error:
            report.drop(path, "cannot be read", str(error))
            continue
        item: dict[str, str] = {}
        for line in lines:
            key, _, value = line.strip().partition(":")
            item[key] = value.strip().strip("'\"")
            if line.strip() == "}":
                name = item.get("display_name") or item.get("name")
                if name and item.get("id", "").isdecimal():
                    found[int(item["id"])] = name
                item = {}
    return found


def _examples(tree: Tree, path: str, report: Report) -> Iterator[Features]:
    """Yield the features of every record; what is cut off or no Example is noted."""
    try:
        with open(tree.root / path, "rb") as file:
            for number in range(1, 1 << 40):
                head = file.read(12)  # length as 8 bytes, its checksum as 4
                if not head:
                    return
                length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else LARGEST + 1
                content = file.read(length + 4) if length <= LARGEST else b""
                if len(content) != length + 4:
                    report.drop(path, "record is cut off or too long", "this record and those after it", number)
                    return
                try:
                    yield _features(memoryview(content)[:length])
                except (ValueError, IndexError, struct.error) as error:
                    report.drop(path, "not an Example record", str(error)[:120], number)
    except OSError as error:
        report.drop(path, "cannot be read", error.strerror or str(error))


def _features(record: memoryview) -> Features:
    """Return {feature: values} of an Example: Example.1 Features, Features.1 entries, entry.1 key, entry.2 Feature."""
    found: Features = {}
    for _, features in (field for field in _fields(record) if field[0] == 1):
        for _, entry in (field for field in _fields(features) if field[0] == 1):
            parts = dict(_fields(entry))
            found[bytes(parts.get(1, b"")).decode("utf-8", "replace")] = _values(parts.get(2, memoryview(b"")))
    return found


def _values(feature: memoryview) -> list[Any]:
    """Return a Feature's list: 1 bytes, 2 floats, 3 whole numbers; each list's values are field 1."""
    for kind, listed in _fields(feature):
        values = [value for number, value in _fields(listed) if number == 1]
        if kind == 1:
            return [bytes(value) for value in values]
        if kind == 2:
            return [v for value in values for v in struct.unpack(f"<{len(value) // 4}f", value)]
        return [v for value in values for v in ([value] if isinstance(value, int) else _packed(value))]
    return []


def _packed(content: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(content):
        value, at = _varint(content, at)
        found.append(value)
    return found


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value) of a protocol buffer message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, len(message) + 1), at)
            if at + size > len(message):
                raise ValueError("a field runs over the end of its message")
            value, at = message[at : at + size], at + size
        yield tag >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number has no end")
