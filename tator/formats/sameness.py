"""Tell objects that two files describe from objects that only one of them has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tator.formats import Label, Report

CLOSE = 0.5  # pixels between the sides of two boxes that are one box, written by two tools
ALIKE = 0.8  # overlap from which two boxes of one class are one object, measured or rounded otherwise


SAME_FORMAT = 0.9  # the same, between files of one format, which may hold different objects of one image


@dataclass
class Same:
    """What became of the labels of a second file.

    Attributes:
        kept: labels of the first file, with what equal ones of the second add to them.
        equal: how many of the second are equal to one of the first.
        differing: (number in the first, number in the second) of one object that the two place differently.
        new: numbers of those that only the second has.
    """

    kept: list[Label]
    equal: int
    differing: list[tuple[int, int]]
    new: list[int]


def merged(parts: Sequence[tuple[str, list[Label]]], report: Report, image: str) -> list[Label]:
    """Return the labels that several files have of one image, each object once.

    What is equal is told with its count, what differs with both places.

    Args:
        parts: (file, its labels of the image).
        report: takes the notes.
        image: path of the image.
    """
    if not parts:
        return []
    ending = f" ({image})"
    first, kept = parts[0][0].removesuffix(ending), parts[0][1]
    for file, labels in parts[1:]:
        same = match(kept, labels, alike=SAME_FORMAT)
        if same.equal:
            told = f"{image}: {same.equal} of {len(labels)} are in {first} too, and read once"
            report.notice(file, "objects in two files", told)
        for at, number in same.differing:
            told = f"{image}: {_shown(labels[number])} here, {_shown(kept[at])} in {first}, which is read"
            report.drop(file, "object differs between two files", told)
        kept = [*same.kept, *(labels[number] for number in same.new)]
    return kept


def _shown(label: Label) -> str:
    return " ".join(f"{value:.1f}" for value in label.xyxy)


def match(first: Sequence[Label], second: Sequence[Label], any_class: bool = False, alike: float = ALIKE) -> Same:
    """Compare the labels that two files have of one image.

    Each is matched once, the closest first.

    Args:
        first: labels of one file, in pixels.
        second: labels of another.
        any_class: whether classes may differ.
        alike: overlap from which two boxes are one object.
    """
    same = Same(list(first), 0, [], [])
    free = set(range(len(first)))
    boxes = np.array([label.xyxy for label in first], np.float64).reshape(-1, 4)
    for number, label in enumerate(second):
        near = _nearest(boxes, label, first, free, any_class, alike)
        if near is None:
            same.new.append(number)
            continue
        at, distance = near
        free.discard(at)
        if distance <= CLOSE or label.polygons is not None and label.polygons == first[at].polygons:
            same.equal += 1
            same.kept[at] = filled(same.kept[at], label)
        else:
            same.differing.append((at, number))
    return same


def _nearest(
    boxes: np.ndarray, label: Label, first: Sequence[Label], free: set[int], any_class: bool, least: float
) -> tuple[int, float] | None:
    """Return the free label of the first file that is the same object.

    With it comes how far apart their sides are, in pixels.
    """
    if not len(boxes):
        return None
    box = np.array(label.xyxy)
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - shared
    apart = np.abs(boxes - box).max(axis=1)
    alike = (shared >= least * areas) | (apart <= CLOSE)
    for at in sorted(np.flatnonzero(alike), key=lambda at: apart[at]):
        if at in free and (any_class or first[at].class_index == label.class_index):
            return int(at), float(apart[at])
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
