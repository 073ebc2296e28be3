"""Tell objects that two files describe from objects that only one of them has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tator.formats import Label, Report

CLOSE = 0.5  # pixels between the sides of two boxes that are one box, written by two tools
ALIKE = 0.8  # overlap from which two boxes of one class are one object, measured or rounded otherwise
SAME_FORMAT = 0.9  # the same, between files of one format, which may hold different objects of one image
SAME_ID = 0.3  # the same, where both have one id too: a box around key points is smaller than one around the object


@dataclass
class Same:
    """What became of the labels of a second file.

    Attributes:
        kept: labels of the first file, with what equal ones of the second add to them.
        equal: how many of the second are equal to one of the first.
        differing: (number in the first, number in the second) of one object that the two place differently.
        new: numbers of those that only the second has.
        disagreeing: (attribute, its value in the first, that in the second) of one object.
    """

    kept: list[Label]
    equal: int
    differing: list[tuple[int, int]]
    new: list[int]
    disagreeing: list[tuple[str, Any, Any]] = field(default_factory=list)


def merged(
    parts: Sequence[tuple[str, list[Label]]],
    report: Report,
    image: str,
    ids: Mapping[str, Sequence[str]] | None = None,
) -> list[Label]:
    """Return the labels that several files have of one image, each object once.

    What is equal is told with its count, what differs with both places.

    Args:
        parts: (file, its labels of the image).
        report: takes the notes.
        image: path of the image.
        ids: {file: ids of its labels} where files of the format share ids of objects; "" for none.
    """
    if not parts:
        return []
    ending = f" ({image})"
    first, kept = parts[0][0].removesuffix(ending), parts[0][1]
    known = list(ids[parts[0][0]]) if ids else []
    for file, labels in parts[1:]:
        given = ids[file] if ids else ()
        same = match(kept, labels, alike=SAME_FORMAT, partners=_partners(known, given))
        if same.equal:
            told = f"{image}: {same.equal} of {len(labels)} are in {first} too, and read once"
            report.notice(file, "objects in two files", told)
        for at, number in same.differing:
            told = f"{image}: {_shown(labels[number])} here, {_shown(kept[at])} in {first}, which is read"
            report.drop(file, "object differs between two files", told)
        for name, mine, theirs in same.disagreeing:
            told = f"{image}: {name} is {str(theirs)[:60]} here, {str(mine)[:60]} in {first}, which is read"
            report.drop(file, "attribute differs between two files", told)
        kept = [*same.kept, *(labels[number] for number in same.new)]
        known += [given[number] for number in same.new if given]
    return kept


def _partners(first: Sequence[str], second: Sequence[str]) -> dict[int, int]:
    """Return {number in the second: number in the first} of equal ids, each once."""
    counts = Counter(first), Counter(second)
    places = {key: at for at, key in enumerate(first) if key and counts[0][key] == counts[1][key] == 1}
    return {number: places[key] for number, key in enumerate(second) if key in places}


def _shown(label: Label) -> str:
    return " ".join(f"{value:.1f}" for value in label.xyxy)


def match(
    first: Sequence[Label],
    second: Sequence[Label],
    any_class: bool = False,
    alike: float = ALIKE,
    partners: Mapping[int, int] | None = None,
) -> Same:
    """Compare the labels that two files have of one image.

    Each is matched once, those of one id first, then the closest.

    Args:
        first: labels of one file, in pixels.
        second: labels of another.
        any_class: whether classes may differ.
        alike: overlap from which two boxes are one object.
        partners: {number in the second: number in the first} of one id.
    """
    same = Same(list(first), 0, [], [])
    boxes = np.array([label.xyxy for label in first], np.float64).reshape(-1, 4)
    sure = _of_one_id(boxes, first, second, partners or {})
    free = set(range(len(first))) - set(sure.values())
    for number, label in enumerate(second):
        at = sure.get(number, _nearest(boxes, label, first, free, any_class, alike))
        if at is None:
            same.new.append(number)
            continue
        free.discard(at)
        _compare(same, at, first[at], number, label)
    return same


def _of_one_id(
    boxes: np.ndarray, first: Sequence[Label], second: Sequence[Label], partners: Mapping[int, int]
) -> dict[int, int]:
    """Return those partners that have one class and lie in one place."""
    found = {}
    for number, at in partners.items():
        shared, apart = _overlaps(boxes[at : at + 1], second[number])
        is_there = shared[0] >= SAME_ID or apart[0] <= CLOSE
        if is_there and first[at].class_index == second[number].class_index:
            found[number] = at
    return found


def _compare(same: Same, at: int, mine: Label, number: int, theirs: Label) -> None:
    """Note how two labels of one object differ, and add what only the second says."""
    is_equal = np.abs(np.subtract(mine.xyxy, theirs.xyxy)).max() <= CLOSE
    if is_equal or theirs.polygons is not None and theirs.polygons == mine.polygons:
        same.equal += 1
        same.kept[at] = filled(same.kept[at], theirs)
    else:
        same.differing.append((at, number))
        same.kept[at] = replace(same.kept[at], attributes=filled(same.kept[at], theirs).attributes)
    known, said = mine.attributes or {}, theirs.attributes or {}
    same.disagreeing += [
        (name, known[name], said[name]) for name in known if name in said and known[name] != said[name]
    ]


def _overlaps(boxes: np.ndarray, label: Label) -> tuple[np.ndarray, np.ndarray]:
    """Return the IoU of boxes with a label's, and how far apart their sides are."""
    box = np.array(label.xyxy)
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - shared
    return shared / areas, np.abs(boxes - box).max(axis=1)


def _nearest(
    boxes: np.ndarray, label: Label, first: Sequence[Label], free: set[int], any_class: bool, least: float
) -> int | None:
    """Return the free label of the first file that is the same object."""
    if not len(boxes):
        return None
    shared, apart = _overlaps(boxes, label)
    for at in sorted(np.flatnonzero((shared >= least) | (apart <= CLOSE)), key=lambda at: apart[at]):
        if at in free and (any_class or first[at].class_index == label.class_index):
            return int(at)
    return None


def filled(label: Label, other: Label) -> Label:
    """Return a label with what only another of the same object says."""
    has_shape = label.polygons is not None or label.rle is not None
    attributes = {**(other.attributes or {}), **(label.attributes or {})} or None
    return replace(
        label,
        polygons=label.polygons if has_shape else other.polygons,
        rle=label.rle if has_shape else other.rle,
        confidence=label.confidence if label.confidence is not None else other.confidence,
        attributes=attributes,
    )
