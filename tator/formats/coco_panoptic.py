"""COCO panoptic: segments of images, and PNGs whose colours are their ids.

Source: https://cocodataset.org/#format-data, "Panoptic Segmentation", and https://github.com/cocodataset/panopticapi.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.formats import Label, Report
from tator.formats._coco_attributes import attributes_of
from tator.formats._coco_ids import class_names, id_key
from tator.formats._gathered import Gathered, Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._json_keys import Keys, any_file, each_file
from tator.formats._panoptic_pixels import Pictures, fitted, is_alike, pixels_of, read_ids
from tator.formats._shapes import Place, box_label, mask_label, number
from tator.formats.coco import file_split
from tator.formats.tree import Tree
from tator.types import BadInput

NAME = "coco_panoptic"
LABEL = "COCO panoptic"


def sniff(tree: Tree) -> bool:
    """Whether a JSON file of the folder has segments of images."""
    return any_file(tree, is_panoptic, ".json")


def is_panoptic(keys: Keys) -> bool:
    """Whether a JSON file's keys are those of COCO's panoptic form."""
    return {"segments_info", "annotations"} <= keys


def read(tree: Tree) -> PanopticSource:
    """Return the source of a folder that `sniff` took.

    The pictures of segments no longer count as images of the folder.
    """
    source = PanopticSource(tree, Report())
    files = [(path, source.content(path)) for path in each_file(tree, is_panoptic, ".json")]
    source.set_pictures_aside([(path, content) for path, content in files if content])
    for path, content in files:
        if content:
            source.take_file(path, content)
    source.settle()
    return source


class PanopticSource(Gathered):
    """A folder with panoptic files; see formats.Source."""

    format = NAME

    def content(self, path: str) -> dict | None:
        """Return what a file holds, or None after noting why nothing is read."""
        return read_object(self.tree, path, self.report, "a COCO panoptic file")

    def set_pictures_aside(self, files: list[tuple[str, dict]]) -> None:
        """Find the picture of every annotation, and take all of them out of the images."""
        known = Pictures(self.tree)
        for path, content in files:
            taken = {str(as_dict(entry).get("file_name")) for entry in as_list(content.get("images"))}
            for row in _annotations(content):
                row["picture"] = known.find(path, row.get("file_name"), taken)
        pictures = {row["picture"] for _, content in files for row in _annotations(content)} - {None}
        self.tree.set_aside(pictures)
        self.tree.claim(*pictures)

    def take_file(self, path: str, content: dict) -> None:
        """Take the classes and the segments of a file."""
        self.tree.claim(path)
        rows = list(_annotations(content))
        categories = [row for row in as_list(content.get("categories")) if isinstance(row, dict)]
        used = {id_key(as_dict(part).get("category_id")) for row in rows for part in as_list(row.get("segments_info"))}
        names = class_names(categories, used, path, self.report)
        self.listed |= dict.fromkeys(map(self.name, names.values()))
        stuff = self._stuff(path, categories, names)
        entries = {id_key(entry.get("id")): entry for entry in map(as_dict, as_list(content.get("images")))}
        split = file_split(path)
        for row in rows:
            entry = entries.get(id_key(row.get("image_id")), {})
            reference = entry.get("file_name") or row.get("file_name")
            near = (f"images/{split}/", f"{split}/") if split else ()
            image = self.find(reference, path, near=near, hint=split or "")
            if image is None:
                continue
            if split:
                self.splits.setdefault(image, split)
            self.told_size(image, path, entry.get("width"), entry.get("height"))
            self._image(image, path, row, names, stuff)

    def _stuff(self, path: str, categories: list[dict], names: dict[str, str]) -> frozenset[str]:
        """Return the ids of classes that are no things, such as sky, and tell them."""
        marks = {id_key(row.get("id")): row.get("isthing") for row in categories}
        stuff = [key for key in names if marks.get(key) in (0, False)]
        if stuff:
            shown = ", ".join(names[key] for key in stuff[:5])
            told = f"{len(stuff)} of {len(names)}, such as {shown}: each of their segments is read as one object"
            self.report.notice(path, "classes of stuff, not of things", told[:300])
        return frozenset(stuff) if len(stuff) < len(names) else frozenset()

    def _image(self, image: str, path: str, row: dict, names: dict[str, str], stuff: frozenset[str]) -> None:
        """Take the segments of one image."""
        where = f"{path} ({image})"
        segments = []
        for part in map(as_dict, as_list(row.get("segments_info"))):
            key = id_key(part.get("category_id"))
            if key in names:
                segments.append({**part, "name": names[key], "isthing": False if key in stuff else None})
            else:
                self.take(image, where, None, Refused("class out of range", f"category {str(key)[:40]}"))
        if row["picture"] is None and segments:
            told = f"{str(row.get('file_name'))[:200]}; the boxes of {len(segments)} segments are read"
            self.report.repair(where, "picture of the segments is not in the folder", told)
        self.take(image, where, None, (row["picture"], segments))

    def _read(self, entry: Any, place: Place) -> list[Label]:
        """Return the segments of an image; those without pixels by their boxes."""
        picture, segments = entry
        ids = self._ids(picture, place) if picture else None
        found = [self._segment(part, ids, place) for part in segments]
        if ids is not None:
            listed = [part["id"] for part in segments if isinstance(part.get("id"), int)]
            if unknown := set(np.unique(ids[~np.isin(ids, listed)]).tolist()) - {0}:
                place.notice("segments that the file does not list", f"{picture}: {len(unknown)} of them")
        return [label for label in found if label is not None]

    def _ids(self, picture: str, place: Place) -> NDArray[np.uint32] | None:
        """Return the ids of an image's pixels, or None after noting why there are none."""
        try:
            ids = read_ids(self.tree.root / picture)
        except BadInput as error:
            place.repair("picture of the segments cannot be read", f"{picture}: {error}; their boxes are read")
            return None
        if ids.shape == (place.height, place.width):
            return ids
        told = f"{picture}: {ids.shape[1]} x {ids.shape[0]}, the image is {place.width} x {place.height}"
        if is_alike(ids, place.width, place.height):
            place.repair("picture of the segments resized", told)
        else:
            place.repair("picture of the segments has other proportions", f"{told}; its pixels stay at their places")
        return fitted(ids, place.width, place.height)

    def _segment(self, part: dict, ids: NDArray[np.uint32] | None, place: Place) -> Label | None:
        index = self._numbered(part["name"], place)
        if index is None:
            return None
        box = [number(value) for value in as_list(part.get("bbox"))]
        corners = (box[0], box[1], box[0] + box[2], box[1] + box[3]) if len(box) == 4 else (math.nan,) * 4
        if ids is None:
            label = box_label(index, corners, place)
        elif mask := pixels_of(ids, part.get("id"), corners, part.get("area")):
            label = mask_label(index, mask, place)
        else:
            place.drop("segment without a pixel", f"id {str(part.get('id'))[:40]}: {part['name'][:80]}")
            return None
        said = attributes_of({key: value for key, value in part.items() if key != "name"}, marks_masks=False)
        return label and Label(label.class_index, label.xyxy, None, label.rle, None, said or None)


def _annotations(content: dict) -> Iterator[dict]:
    return (row for row in as_list(content.get("annotations")) if isinstance(row, dict))
