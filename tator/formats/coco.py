"""COCO JSON: images, categories, and annotations with boxes, polygons and RLE.

A machine's box keeps its confidence as "score", as in COCO's results; one that a person drew or accepted has none.

Source: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SMALLEST, SPLITS, Label, Report, fit_box, fit_confidence, folder_split
from tator.formats._coco_ids import class_names, id_key, repeated_ids
from tator.formats._gathered import note_lost
from tator.formats._json import read_json
from tator.formats._meant import Meant
from tator.formats._rle import checked_rle, rle_area, rle_box
from tator.formats.sameness import merged
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, write_rows
from tator.types import BadInput, Polygon
from tator.vision import masks

NAME = "coco"
LABEL = "COCO"
HOLDS_CAPTIONS = True
HOLDS_CONFIDENCE = True
SNIFFED_BYTES = 1 << 20  # of either end of a JSON file
LARGEST = 4 << 30  # bytes of a JSON file; COCO train2017 has 0.45 GB


def sniff(tree: Tree) -> bool:
    """Whether a JSON file of the folder looks like COCO."""
    return any(_looks_coco(tree, path) for path, _ in tree.samples(".json"))


def _looks_coco(tree: Tree, path: str) -> bool:
    if not path.lower().endswith(".json"):
        return False
    try:
        with open(tree.root / path, "rb") as file:
            head = file.read(SNIFFED_BYTES)
            file.seek(max(0, file.seek(0, 2) - SNIFFED_BYTES))
            sample = head + file.read(SNIFFED_BYTES)
    except OSError:
        return False
    return sum(key in sample for key in (b'"images"', b'"annotations"', b'"categories"')) >= 2


def read(tree: Tree) -> CocoSource:
    """Return the source of a folder that `sniff` took.

    Every COCO file in it is read; categories are merged by name.
    """
    report = Report()
    files = [
        (path, content)
        for path in tree.each(".json")
        if _looks_coco(tree, path)
        if (content := _parse(tree, path, report)) is not None
    ]
    return CocoSource(tree, files, report)


def _parse(tree: Tree, path: str, report: Report) -> dict | None:
    """Return a COCO file's lists of objects, or None after noting why not."""
    content = read_json(tree, path, report, "a COCO file", LARGEST)
    if content is None:
        return None
    lists = {}
    for key in ("images", "annotations", "categories"):
        rows = content.get(key, []) if isinstance(content, dict) else None
        if not isinstance(rows, list):
            report.drop(path, "refused as COCO", f"{key} is not a list")
            return None
        lists[key] = [row for row in rows if isinstance(row, dict)]
        if len(lists[key]) < len(rows):
            report.drop(path, "entry is not an object", f"{len(rows) - len(lists[key])} of {key}")
    return lists


def _file_split(path: str) -> str | None:
    """Return the split that a COCO file's name or folder names.

    Example: instances_val2017.json.
    """
    words = re.findall(r"[a-z]+", PurePosixPath(path).stem.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), folder_split(path))


class CocoSource:
    """A folder with COCO files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, files: Sequence[tuple[str, dict]], report: Report) -> None:
        self.tree, self.report = tree, report
        self.classes: dict[int, str] = {}
        self.splits: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self._entries: dict[str, list[tuple[str, dict, list[dict], dict]]] = defaultdict(list)
        self._meant = Meant(self._forget)
        for path, content in files:
            self._take(path, content)
        for path in tree.images if not self.splits else ():
            if split := folder_split(path):
                self.splits[path] = split

    def _take(self, path: str, content: dict) -> None:
        """Index one file: its categories, and its annotations by the image they mean."""
        self.tree.claim(path)
        indices = self._categories(path, content)
        split = _file_split(path)
        by_image = defaultdict(list)
        for row in content["annotations"]:
            by_image[id_key(row.get("image_id"))].append(row)
        shared = repeated_ids(content["images"])
        for entry in content["images"]:
            image = self._image(path, entry, split)
            key = id_key(entry.get("id"))
            rows = by_image.get(key, []) if key in shared else by_image.pop(key, [])
            if key in shared and rows:
                told = f"{str(entry.get('file_name'))[:120]} has the id {key or 'null'} of another"
                self.report.drop(path, "image id is used twice", f"{told}; {len(rows)} annotations are of neither")
                continue
            if image is None:
                continue
            if said := [row["caption"] for row in rows if _is_caption(row)]:
                self.captions[image] = "\n".join([*filter(None, [self.captions.get(image)]), *said])
                rows = [row for row in rows if not _is_caption(row)]
            if rows or not said:  # a file of captions says nothing about the objects
                self._entries[image].append((path, entry, rows, indices))
            if split:
                self.splits.setdefault(image, split)
        for image_id, rows in by_image.items():
            self.report.drop(path, "annotation of an unknown image", f"image_id {image_id}: {len(rows)} annotations")

    def _categories(self, path: str, content: dict) -> dict[str, int]:
        """Return {category id: our index}, and grow the classes by the names that are new."""
        used = {id_key(row.get("category_id")) for row in content["annotations"]}
        known = {name: index for index, name in self.classes.items()}
        indices = {}
        for key, name in class_names(content["categories"], used, path, self.report).items():
            indices[key] = known.setdefault(name, len(known))
            self.classes[indices[key]] = name
        return indices

    def _forget(self, file: str, image: str) -> None:
        """Leave out what a file said of an image, because it meant another."""
        self._entries[image] = [entry for entry in self._entries[image] if entry[0] != file]
        if not self._entries[image]:
            del self._entries[image]

    def _image(self, path: str, entry: dict, split: str | None) -> str | None:
        """Return the image file an entry means, or None after noting there is none."""
        name = entry.get("file_name")
        if not isinstance(name, str) or not name.strip():
            self.report.drop(path, "image without a file name", f"id {str(entry.get('id'))[:40]}")
            return None
        parent = PurePosixPath(path).parent
        homes = [parent, parent / "images", parent.parent, parent.parent / "images", PurePosixPath()]
        if split:
            names = [key for key, value in SPLITS.items() if value == split]
            stem = PurePosixPath(path).stem.removeprefix("instances_")
            homes += [base / sub for base in (parent.parent, parent.parent / "images") for sub in (*names, stem)]
        near = tuple("" if str(home) == "." else f"{home}/" for home in homes)
        found, is_guess = self.tree.find(name, near, split or "")
        if found is None:
            note_lost(self.tree, name, path, None, self.report)
        elif not self._meant.allows(path, found, name, is_guess, self.report, None):
            return None
        elif is_guess:
            self.report.repair(path, "path found by its end", f"{name} is {found}")
        return found

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image in pixels, or None when no file lists it."""
        if path not in self._entries:
            return None
        found: dict[str, list[Label]] = {}
        for file, entry, rows, indices in self._entries[path]:
            given = entry.get("width"), entry.get("height")
            if given != (width, height) and None not in given:
                detail = f"{path}: file says {given[0]} x {given[1]}, the image is {width} x {height}"
                self.report.notice(file, "image size differs", detail)
            for row in rows:
                label = self._label(row, indices, width, height, file, path)
                if label is not None:
                    found.setdefault(file, []).append(label)
        return merged(list(found.items()), self.report, path)

    def _label(self, row: dict, indices: dict, width: int, height: int, file: str, path: str) -> Label | None:
        """Return one annotation as a label, or None after noting why not."""
        where = f"{file} ({path}, annotation {str(row.get('id'))[:40]})"
        if id_key(row.get("category_id")) not in indices:
            self.report.drop(where, "class out of range", f"category {str(row.get('category_id'))[:40]}")
            return None
        if row.get("iscrowd") == 1:
            self.report.drop(where, "crowd region", "a region of many objects is not a single object")
            return None
        shape = row.get("segmentation")
        polygons = self._polygons(shape, width, height, where) if isinstance(shape, list) else None
        rle = None
        if isinstance(shape, dict):
            try:
                rle = checked_rle(shape, width, height)
            except BadInput as error:
                self.report.repair(where, "mask left out", str(error))
        corners = _corners(row.get("bbox"))
        if corners is None:
            corners = _extent(polygons) or (rle_box(rle) if rle else None)
            if not corners:
                self.report.drop(where, "no box", f"bbox {str(row.get('bbox'))[:80]}; expected [x, y, width, height]")
                return None
            self.report.repair(where, "box taken from the shape")
        box = fit_box(corners, width, height, self.report, where)
        if box is None:
            return None
        score = row.get("score")
        confidence = None if score is None else fit_confidence(score, self.report, where)
        return Label(indices[id_key(row["category_id"])], box, polygons, rle, confidence)

    def _polygons(self, shape: list, width: int, height: int, where: str) -> list[Polygon] | None:
        """Return a segmentation list as polygons, one per outline; note bad ones."""
        kept = []
        for ring in shape:
            if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2 or not all(map(_is_finite, ring)):
                self.report.repair(where, "polygon left out", "expected at least 3 corners x, y of finite numbers")
                continue
            flat = [min(max(float(v), 0.0), float((width, height)[at % 2])) for at, v in enumerate(ring)]
            if masks.ring_area(flat) < SMALLEST:
                self.report.repair(where, "polygon left out", "zero area")
            else:
                kept.append([flat])
        return kept or None


def _is_caption(row: dict) -> bool:
    return isinstance(row.get("caption"), str) and not {"bbox", "segmentation", "keypoints"} & row.keys()


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _corners(bbox: Any) -> tuple[float, ...] | None:
    """Return COCO's x, y, width, height as xyxy.

    Numbers that are not finite stay so, to be named by fit_box.
    """
    is_numbers = isinstance(bbox, list) and len(bbox) == 4 and all(isinstance(v, (int, float)) for v in bbox)
    return (bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]) if is_numbers else None


def _extent(polygons: list[Polygon] | None) -> tuple[float, ...] | None:
    xs = [x for polygon in polygons or [] for ring in polygon for x in ring[0::2]]
    ys = [y for polygon in polygons or [] for ring in polygon for y in ring[1::2]]
    return (min(xs), min(ys), max(xs), max(ys)) if xs else None


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file per split, and one of captions; yield how many images are done."""
    done = 0
    for split, images in splits.items():
        yield from (
            done + count
            for count in write_file(out, f"annotations/instances_{split}.json", names, images, lambda i: i.name)
        )
        if any(image.caption for image in images):
            _write_captions(out, f"annotations/captions_{split}.json", images)
        done += sum(1 for _ in images)


def write_file(
    out: Output, file_name: str, names: list[str], images: Iterable[Written], reference: Callable[[Written], str]
) -> Iterator[int]:
    """Write one COCO file piece by piece; yield how many images are done.

    Memory does not grow with the dataset.

    Args:
        out: where to.
        file_name: of the file.
        names: class names in label-map order.
        images: all of the file.
        reference: returns what the file calls an image.
    """
    head = b'{"info": {"description": "", "version": "1"}, "licenses": [],\n"categories": ' + _json(
        categories_json(names)
    )
    with out.open(file_name) as file:
        write_rows(
            file,
            (_json(_image_json(image, at, reference)) for at, image in enumerate(images, 1)),
            head + b',\n"images": [\n',
            b"],\n",
        )
        file.write(b'"annotations": [')
        number = done = 0
        for done, image in enumerate(images, 1):
            for label in image.labels:
                number += 1
                facts = annotation_json(label, number, done, (image.width, image.height))
                file.write((b",\n" if number > 1 else b"\n") + _json(facts))
            yield done
        file.write(b"]}\n")


def _write_captions(out: Output, file_name: str, images: Iterable[Written]) -> None:
    numbered = list(enumerate(images, 1))
    said = [(at, image) for at, image in numbered if image.caption]
    with out.open(file_name) as file:
        rows = (_json(_image_json(image, at, lambda i: i.name)) for at, image in numbered)
        write_rows(file, rows, b'{"info": {}, "licenses": [],\n"images": [\n', b"],\n")
        captions = (_json({"id": at, "image_id": at, "caption": image.caption}) for at, image in said)
        write_rows(file, captions, b'"annotations": [\n', b"]}\n")


def _image_json(image: Written, number: int, reference: Callable[[Written], str]) -> dict:
    return {"id": number, "file_name": reference(image), "width": image.width, "height": image.height}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def categories_json(classes: Sequence[str]) -> list[dict]:
    """Return COCO's categories: ids from 1 in label-map order."""
    return [{"id": row, "name": name, "supercategory": ""} for row, name in enumerate(classes, 1)]


def annotation_json(label: Label, number: int, image_id: int, size: tuple[int, int]) -> dict:
    """Return a label as COCO has it.

    Args:
        label: class_index being the row of the label map.
        number: id of the annotation in the file.
        image_id: id of the image in the file.
        size: (width, height) of the image in pixels.
    """
    x1, y1, x2, y2 = label.xyxy
    w, h = x2 - x1, y2 - y1
    shape, area = _segmentation(label.polygons, label.rle, size)
    facts = {
        "id": number,
        "image_id": image_id,
        "category_id": label.class_index + 1,
        "bbox": [round(v, 3) for v in (x1, y1, w, h)],
        "area": round(w * h if area is None else area, 3),
        "segmentation": shape,
        "iscrowd": 0,
    }
    return facts if label.confidence is None else facts | {"score": label.confidence}


def _segmentation(polygons: list[Polygon] | None, rle: dict | None, size: tuple[int, int]) -> tuple[Any, float | None]:
    """Return COCO's segmentation and its area; an empty list and None for a plain box."""
    if polygons and all(len(polygon) == 1 for polygon in polygons):
        flat = [[round(value, 3) for value in polygon[0]] for polygon in polygons]
        return flat, sum(map(masks.ring_area, flat))
    if polygons:  # COCO's polygons have no holes
        mask = masks.of_polygons(polygons, *size)
        rle = masks.to_rle(mask, *size) if mask else None
    return (rle, float(rle_area(rle))) if rle else ([], None)
