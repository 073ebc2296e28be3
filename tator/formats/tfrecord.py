"""TensorFlow's TFRecord of object detection, without TensorFlow.

Images are inside; boxes are in 0..1, masks are PNG.

Source: tensorflow/models, research/object_detection/data_decoders/tf_example_decoder.py and
dataset_tools/create_coco_tf_record.py; label_map.pbtxt is StringIntLabelMap of its protos.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SPLITS, Label, Report, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._label_map import label_map_text, read_label_map
from tator.formats._mask_png import draw_mask, read_mask
from tator.formats._records import Features, each_example, example_at, floats, integers, texts, write_example
from tator.formats._shapes import Place, box_label
from tator.formats._shapes import number as plain_number
from tator.formats.tree import RECORD, Tree
from tator.formats.writing import Output, Splits, Written, pixels_only
from tator.storage.images import EXTENSIONS
from tator.storage.workspace import path_problem
from tator.types import BadInput
from tator.vision import masks

NAME = "tfrecord"
LABEL = "TFRecord"
HOLDS_CAPTIONS = True
HOLDS_IMAGES = True
SHARD = 1000  # images a file: 100 to 500 MB of photographs, as TensorFlow's guide advises
ENDINGS = {"jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "png": (".png",)}
SIDES = ("xmin", "ymin", "xmax", "ymax")


def sniff(tree: Tree) -> bool:
    """Whether the folder has record files."""
    return any(map(RECORD.search, tree.tables))


def read(tree: Tree) -> TfRecordSource:
    """Return the source of a folder that `sniff` took."""
    source = TfRecordSource(tree, Report())
    for path in tree.told([path for path in tree.tables if RECORD.search(path)]):
        source.add(path)
    source.settle(source.map.names or None)
    return source


@dataclass(frozen=True)
class _Record:
    """The objects of a record.

    Attributes:
        path: of the file.
        at: where in it the record begins.
        names: of the classes.
        corners: xmin, ymin, xmax, ymax of each in 0..1.
        has_masks: whether each has a PNG in the record.
    """

    path: str
    at: int
    names: list[str]
    corners: list[tuple[float, ...]]
    has_masks: bool


class TfRecordSource(Gathered):
    """A folder with record files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.map = read_label_map(tree, report)
        self._homes = Homes()

    def add(self, path: str) -> None:
        """Take the images and boxes of a file."""
        split = _split(path)
        for number, at, features in each_example(self.tree, path, self.report):
            is_inside = bool(_inside(features))
            home = self._homes.of(path, number, features) if is_inside else ""
            if home in self.tree.image_set:
                image: str | None = home
                self.know(home)
            else:
                image = self.find(_image_name(features), path, number, _near(split), split or "")
            if image is None:
                if is_inside:
                    told = "import a copy of the records, or a zip of them: then it is taken out"
                    self.report.notice(path, "image is inside the record", told, number)
                continue
            if split:
                self.splits[image] = split
            if said := "\n".join(map(_text, features.get("image/caption", []))):
                self.captions[image] = said
            self._take(image, path, number, at, features)

    def _take(self, image: str, path: str, number: int, at: int, features: Features) -> None:
        sides = [features.get(f"image/object/bbox/{side}", []) for side in SIDES]
        spoken = [_text(each) for each in features.get("image/object/class/text", [])]
        numbers = features.get("image/object/class/label", [])
        names = [self.map.shown.get(each, each) for each in spoken]
        names = names or [self.map.names.get(each, f"class {each}") for each in numbers]
        pictures = features.get("image/object/mask", [])
        has_masks = all(isinstance(each, bytes) for each in pictures) and len(pictures) == len(names) > 0
        if len({len(names), *map(len, sides)}) != 1:
            detail = f"{image}: {len(names)} classes, {len(sides[0])} boxes"
            self.take(image, path, number, Refused("columns of different length", detail))
            return
        if pictures and not has_masks:
            told = f"{image}: {len(pictures)} values for {len(names)} objects; expected a PNG each"
            self.report.repair(path, "masks left out", told, number)
        corners = [tuple(map(plain_number, each)) for each in zip(*sides, strict=True)]
        self.take(
            image, path, number, _Record(path, at, [each and self.name(each) for each in names], corners, has_masks)
        )

    def _read(self, entry: _Record, place: Place) -> list[Label]:
        pictures: list[bytes] = []
        if entry.has_masks:
            try:
                pictures = example_at(self.tree, entry.path, entry.at)["image/object/mask"]
            except (OSError, ValueError) as error:
                place.repair("masks left out", str(error))
        found = []
        sizes = place.width, place.height, place.width, place.height
        for at, (name, corners) in enumerate(zip(entry.names, entry.corners, strict=True)):
            if not name:
                place.drop("object without a class")
                continue
            index = self._numbered(name, place)
            if index is None:
                continue
            label = box_label(index, [side * size for side, size in zip(corners, sizes, strict=True)], place)
            if label is not None:
                found.append(_with_mask(label, pictures[at], name, place) if pictures else label)
        return found


def _with_mask(label: Label, picture: bytes, name: str, place: Place) -> Label:
    """Return a label with its mask.

    A mask without a pixel is how a record says that an object has none.
    """
    try:
        pixels = read_mask(picture, place.width * place.height)
        if pixels.shape != (place.height, place.width):
            raise BadInput(f"{pixels.shape[1]} x {pixels.shape[0]}; expected {place.width} x {place.height}")
    except BadInput as error:
        place.repair("mask left out", f"{name[:80]}: {error}")
        return label
    mask = masks.of_dense(pixels)
    return label if mask is None else replace(label, rle=masks.to_rle(mask, place.width, place.height))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _image_name(features: Features) -> str:
    names = features.get("image/filename") or features.get("image/source_id") or [b""]
    return _text(names[0])


def _inside(features: Features) -> bytes:
    """Return the image inside a record; nothing when there is none."""
    content = next(iter(features.get("image/encoded", [])), b"")
    return content if isinstance(content, bytes) else b""


def _split(path: str) -> str | None:
    """Return the split that a file's name or folder names.

    Example: coco_train.record-00000-of-00010.
    """
    words = re.findall(r"[a-z]+", PurePosixPath(path).name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), folder_split(path))


def _near(split: str | None) -> list[str]:
    return [f"images/{split}/"] if split else []


class Homes:
    """Where images inside records are put when they are taken out.

    Equal records in equal order give equal places.
    """

    def __init__(self) -> None:
        self._met: Counter = Counter()

    def of(self, path: str, number: int, features: Features) -> str:
        """Return the path of a record's image, which no other record of this order gets."""
        name = _image_name(features).replace("\\", "/")
        parts = name.split("/")
        is_odd = any(part != part.strip(" ") or part.startswith(".") or not part for part in parts)
        if path_problem(name) or is_odd:
            name = f"{PurePosixPath(path).name.split('.')[0]}-{number:06d}"
        trunk, dot, ending = name.rpartition(".")
        if f".{ending.lower()}" not in EXTENSIONS:
            kind = _text((features.get("image/format") or [b""])[0]).lower()
            trunk, dot, ending = name, ".", kind if f".{kind}" in EXTENSIONS else "jpg"
        folder = (_near(_split(path)) or ["images/"])[0]
        key = "/".join(part.casefold().rstrip(". ") for part in f"{folder}{trunk}".split("/"))
        self._met[key] += 1
        more = f"-{self._met[key]}" if self._met[key] > 1 else ""
        return f"{folder}{trunk}{more}{dot}{ending}"


def embedded(tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of the images that are inside records and nowhere else."""
    homes = Homes()
    for path in filter(RECORD.search, tree.tables):
        split = _split(path)
        for number, _, features in each_example(tree, path, Report()):
            if content := _inside(features):
                home = homes.of(path, number, features)
                beside, _ = tree.find(_image_name(features), tuple(_near(split)), split or "")
                if home not in tree.image_set and beside is None:
                    yield home, content


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write record files per split and the label map; yield images done.

    The images are inside the records.
    """
    out.text("label_map.pbtxt", label_map_text(names))
    done = 0
    for split, images in splits.items():
        shards = -(-sum(1 for _ in images) // SHARD)
        waiting = iter(images)
        for shard in range(shards):
            name = f"{split}.tfrecord" + (f"-{shard:05d}-of-{shards:05d}" if shards > 1 else "")
            with out.open(name, compressed=False) as file:
                for image in islice(waiting, SHARD):
                    if features := _features(image, names):
                        write_example(file, features)
                    for label in image.labels:
                        pixels_only(out, label, LABEL)
                    done += 1
                    yield done


def _features(image: Written, names: list[str]) -> dict[str, bytes]:
    """Return what a record says of an image; nothing when the image cannot be read."""
    content, kind = image.content()
    if not content:
        return {}
    name = image.name if image.name.lower().endswith(ENDINGS[kind]) else f"{image.trunk}{ENDINGS[kind][0]}"
    sides = list(zip(*(_relative(label, image) for label in image.labels), strict=True)) or [()] * len(SIDES)
    found = {
        "image/encoded": texts(content),
        "image/filename": texts(name),
        "image/format": texts(kind),
        "image/height": integers(image.height),
        "image/key/sha256": texts(hashlib.sha256(content).hexdigest()),
        "image/object/class/label": integers(*(label.class_index + 1 for label in image.labels)),
        "image/object/class/text": texts(*(names[label.class_index] for label in image.labels)),
        "image/source_id": texts(f"{image.split}/{name}"),
        "image/width": integers(image.width),
    }
    found |= {f"image/object/bbox/{side}": floats(values) for side, values in zip(SIDES, sides, strict=True)}
    if image.caption:
        found["image/caption"] = texts(image.caption)
    if any(
        label.polygons or label.rle for label in image.labels
    ):  # then every object needs a mask; that of a plain box is black
        found["image/object/mask"] = texts(*(draw_mask(label, image.width, image.height) for label in image.labels))
    return found


def _relative(label: Label, image: Written) -> tuple[float, ...]:
    sizes = image.width, image.height, image.width, image.height
    return tuple(value / size for value, size in zip(label.xyxy, sizes, strict=True))
