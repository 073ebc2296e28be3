"""What COCO's files say of objects besides class and shape.

CVAT and Datumaro write a dictionary `attributes`, FiftyOne and many datasets write fields of their own beside COCO's.

Source: https://docs.cvat.ai/docs/manual/advanced/formats/format-coco/, datumaro 1.13's coco/exporter.py, and
https://docs.voxel51.com/user_guide/export_datasets.html#cocodetectiondataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tator.attributes import LONGEST_NAME, MOST_KEYPOINTS, Attributes, Skeleton
from tator.formats import Report
from tator.formats._coco_shapes import all_finite, parsed
from tator.formats._shapes import Place

FIELDS = frozenset(
    "id image_id category_id bbox area segmentation iscrowd score keypoints num_keypoints attributes caption".split()
)
RESTATED = frozenset(  # what a row repeats of its category, its image or its own shape
    "category_name bbox_mode segmentation_mode file_name image_name width height category isbbox metadata extra".split()
)
DATUMARO_IMAGE = {"license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
NESTED = ("attributes", "metadata", "extra")  # of CVAT and Datumaro, COCO Annotator, V7
EMPTY: tuple[Any, ...] = (None, "", [], {})
NAMES = {
    "track_id": "track",
    "is_crowd": "crowd",
    "iscrowd": "crowd",
    "ignore": "crowd",  # CityPersons, CrowdHuman and LVIS mark what is not counted so
    "z_order": "z",
    "group_id": "group",
    "is_occluded": "occluded",
    "is_truncated": "truncated",
    "utf8_string": "text",  # COCO-Text
    "transcription": "text",
}  # names of ours for theirs
FLAGS = ("occluded", "truncated", "difficult", "crowd", "interpolated")
YES = frozenset((1, "1", "true", "True", "yes"))
NO = frozenset((0, "0", "false", "False", "no", ""))


def is_marked(row: Mapping[str, Any]) -> bool:
    """Return whether an annotation has the mark of a crowd, spelled anyhow."""
    mark = row.get("iscrowd")
    return isinstance(mark, (int, float, str)) and mark in YES


class Crowds:
    """What a file means by `iscrowd`.

    COCO marks regions of many objects with it, and these have run lengths. CVAT and Datumaro mark every object that has
    run lengths.
    """

    def __init__(self) -> None:
        self.marked = 0
        self._plain = self._others = self._plain_masks = self._with_attributes = 0

    def see_image(self, entry: Mapping[str, Any]) -> None:
        """Take an image into account: CVAT and Datumaro give it fields of these values."""
        self._with_attributes += all(entry.get(name) == value for name, value in DATUMARO_IMAGE.items())

    def see(self, row: Mapping[str, Any]) -> None:
        """Take an annotation into account."""
        said = row.get("attributes")
        is_mask = _has_runs(row.get("segmentation"))
        self._with_attributes += isinstance(said, dict)
        if isinstance(said, dict) and said.get("is_crowd"):
            is_mask = False  # a crowd in so many words
        if is_marked(row):
            self.marked += 1
            self._others += not is_mask
        else:
            self._plain += 1
            self._plain_masks += is_mask

    @property
    def are_masks(self) -> bool:
        """Return whether the mark says only that an object has run lengths."""
        is_of_masks = self.marked > 0 and not self._others and not self._plain_masks
        return is_of_masks and (self._with_attributes > 0 or not self._plain)


def _has_runs(shape: Any) -> bool:
    """Return whether a segmentation is run lengths, as COCO has them or in a list."""
    shape = shape[0] if isinstance(shape, list) and shape else shape
    return isinstance(shape, dict) and "counts" in shape


def attributes_of(row: Mapping[str, Any], marks_masks: bool) -> Attributes:
    """Return what an annotation says of its object, under our names; key points apart.

    Args:
        row: as the file has it.
        marks_masks: whether the file's `iscrowd` says only that an object has run lengths.
    """
    given: dict[str, Any] = {}
    if not row.get("iscrowd") and not row.get("attributes") and row.keys() <= FIELDS:
        return given  # most rows: imports spend their time here
    if is_marked(row) and not marks_masks:
        given["crowd"] = True
    inner = (part for key in NESTED for part in _named(parsed(row.get(key))))
    for name, value in (*inner, *_extras(row)):
        ours = NAMES.get(name, name)
        value = _flag(value) if ours in FLAGS else value
        if value is not None and not (ours == "crowd" and value is False):
            given.setdefault(ours, value)
    if given.pop("keyframe", None) in (False, 0, "false") and "track" in given:
        given["interpolated"] = True
    return given


def _extras(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the fields of an annotation that COCO does not have, empty ones not."""
    if row.keys() <= FIELDS:
        return []
    found = [(name, value) for name, value in row.items() if name not in FIELDS and name not in RESTATED]
    return [(name, value) for name, value in found if value not in EMPTY and not _is_paint(name, value)]


def _is_paint(name: str, value: Any) -> bool:
    """Return whether a field is the colour in which COCO Annotator draws an object."""
    return name == "color" and isinstance(value, str) and value.startswith("#")


def _named(inner: Any) -> list[tuple[str, Any]]:
    """Return attributes of any spelling as (name, value)."""
    if isinstance(inner, dict):
        return list(inner.items())
    if inner in EMPTY:
        return []
    if isinstance(inner, list) and all(isinstance(part, dict) and {"name", "value"} <= part.keys() for part in inner):
        return [(str(part["name"]), part["value"]) for part in inner]
    return [("attributes", inner)]


def _flag(value: Any) -> Any:
    if not isinstance(value, (int, float, str)):
        return value
    return True if value in YES else False if value in NO else value


def keypoints_of(row: Mapping[str, Any], names: int, place: Place) -> list[list[float]] | None:
    """Return the key points of an annotation as [x, y, v], or None where it has none.

    Args:
        row: as the file has it.
        names: how many key points its class has; 0 where the file does not say.
        place: where notes go.
    """
    flat = parsed(row.get("keypoints"))
    if flat in (None, [], ""):
        return None
    if isinstance(flat, list) and all(isinstance(point, list) for point in flat):
        flat = [value for point in flat for value in (point if len(point) == 3 else [*point, 2])]
    if isinstance(flat, list) and names and len(flat) == 2 * names:
        flat = [value for at in range(names) for value in (*flat[2 * at : 2 * at + 2], 2)]
    if not isinstance(flat, list) or len(flat) % 3 or not all_finite(flat) or len(flat) > 3 * MOST_KEYPOINTS:
        place.repair("key points left out", f"{str(flat)[:60]}; expected x, y, visibility for each")
        return None
    if not any(flat):
        return None
    points = [[float(x), float(y), _visibility(v)] for x, y, v in zip(flat[0::3], flat[1::3], flat[2::3], strict=True)]
    if any(v not in (0, 1, 2) for v in flat[2::3]):
        place.repair("visibility of key points changed", "other than 0, 1 or 2 is taken as visible")
    if names and len(points) != names:
        place.notice("number of key points differs", f"{len(points)} here, {names} names in the category")
    return points


def _visibility(value: float) -> int:
    return int(value) if value in (0, 1, 2) else 2


def skeleton_of(category: Mapping[str, Any], path: str, report: Report) -> Skeleton | None:
    """Return the key points that a category names, or None where it names none.

    Args:
        category: as the file has it; joints count from 1, or from 0 where one of them is 0.
        path: of the file.
        report: takes the notes.
    """
    given = category.get("keypoints")
    if not isinstance(given, list) or not given:
        return None
    names = tuple(str(name)[:LONGEST_NAME] or f"point {at}" for at, name in enumerate(given[:MOST_KEYPOINTS], 1))
    pairs = category.get("skeleton")
    edges = _edges(pairs if isinstance(pairs, list) else [], len(names))
    if isinstance(pairs, list) and len(edges) < len(pairs):
        told = f"{len(pairs) - len(edges)} of {str(category.get('name'))[:80]!r} name no key point"
        report.repair(path, "joints left out", told)
    return Skeleton(names, tuple(edges))


def _edges(pairs: Sequence[Any], most: int) -> list[tuple[int, int]]:
    whole = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2 and all_finite(pair)]
    first = 0 if any(end == 0 for pair in whole for end in pair) else 1
    edges = [(int(a) - first, int(b) - first) for a, b in whole]
    return [(a, b) for a, b in edges if 0 <= a < most and 0 <= b < most]


def tags_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the tags of an image: its `tags`, or Roboflow's `user_tags`."""
    extra = entry.get("extra")
    found = entry.get("tags") or (extra.get("user_tags") if isinstance(extra, dict) else None)
    given = found if isinstance(found, list) else [found]
    return [tag for tag in given if isinstance(tag, str) and tag]


def notes_of(entry: Mapping[str, Any]) -> str | None:
    """Return the notes of an image, None where there are none."""
    said = entry.get("notes")
    return said if isinstance(said, str) and said.strip() else None
