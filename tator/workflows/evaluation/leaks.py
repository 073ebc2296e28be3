"""Whether the images that are judged stand, nearly the same, in another split too."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.fingerprints import SIDE, Fingerprint, alike, take_fingerprints
from tator.storage.images import small_grey
from tator.types import BadInput, NotFound, Progress, Work
from tator.workflows.quality import alike_groups, equal_groups, joined

NEIGHBOURS = 5  # frames of a sequence that are looked at to each side
FRAME_BITS = 16  # bits of 64 in which the looks of two frames of one scene may differ
FRAME_ALIKE = 0.8  # correlation of their thumbnails
LISTED = 200
LOOKED, LEAST_LOOKED = 24, 4  # pairs of neighbours that tell whether a dataset is a sequence
_NUMBERED = re.compile(r"(.*?)(\d+)\D{0,3}$")


def sequence_of(path: str) -> tuple[str, int] | None:
    """Return the sequence that a file name belongs to, and its number there.

    None for a name without a number.
    """
    place = PurePosixPath(path)
    found = _NUMBERED.match(place.stem)
    return (found.group(1), int(found.group(2)[-18:])) if found else None


@dataclass
class Leaks:
    """Which of the judged images are known from other splits.

    Attributes:
        checked: judged images.
        near: {image id: image id of another split that shows the same}.
        frames: {image id: image id of another split that is a neighbour in a sequence and looks alike}.
        shared_names: judged images whose neighbours by name stand in another split, alike or not.
    """

    checked: int
    near: dict[int, int] = field(default_factory=dict)
    frames: dict[int, int] = field(default_factory=dict)
    shared_names: int = 0

    @property
    def image_ids(self) -> set[int]:
        """The images that leak."""
        return {*self.near, *self.frames}

    def facts(self, rows: Mapping[int, ImageRow]) -> dict[str, Any]:
        """Return what is told beside the metrics."""
        pairs = [(image_id, other, "same picture") for image_id, other in self.near.items()]
        pairs += [(image_id, other, "frame") for image_id, other in self.frames.items() if image_id not in self.near]
        listed = [
            {"image_id": one, "name": rows[one].path, "other_id": other, "other": rows[other].path,
             "other_split": rows[other].split or "", "kind": kind}
            for one, other, kind in pairs[:LISTED]
        ]  # fmt: skip
        counts = {"images": len(self.image_ids), "near": len(self.near), "frames": len(self.frames)}
        told = counts | {"checked": self.checked, "share": len(self.image_ids) / self.checked if self.checked else None}
        told["shared_names"] = self.shared_names
        advice = "Split by group, so that frames of one sequence and copies stay together." if self.image_ids else ""
        return told | {"advice": advice, "rows": listed}


def find_leaks(dataset: Dataset, split: str, near_bits: int) -> Work:
    """Return Leaks of the images of a split, by their looks and by their names.

    Args:
        dataset: whose images.
        split: that is judged; images of other splits, not those without one, are compared.
        near_bits: bits of 64 in which the looks of one picture may differ.
    """
    rows = {row.id: row for row in dataset.images() if row.split or split == "none"}
    own = {row.id for row in rows.values() if (row.split or "none") == split}
    others = rows.keys() - own
    leaks = Leaks(len(own))
    if not own or not others:
        return leaks
    prints, _ = yield from take_fingerprints(dataset, list(rows.values()), looks=True)
    yield Progress(0, 0, "comparing images of different splits")
    same = [*equal_groups(prints), *alike_groups(prints, near_bits, lambda i: _grey(dataset, rows[i]))]
    for group in joined(pair for each in same for pair in zip(each, each[1:], strict=False)):
        there = [image_id for image_id in group if image_id in others]
        leaks.near.update({image_id: there[0] for image_id in group if image_id in own and there})
    _frames(leaks, dataset, rows, own, prints)
    return leaks


def _grey(dataset: Dataset, row: ImageRow) -> Any:
    try:
        return small_grey(dataset.path(row), SIDE)[0]
    except NotFound as gone:
        raise BadInput(str(gone)) from gone


def _frames(
    leaks: Leaks, dataset: Dataset, rows: Mapping[int, ImageRow], own: set[int], prints: Mapping[int, Fingerprint]
) -> None:
    """Note the images whose neighbours in a sequence stand in another split."""
    sequences: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows.values():
        if (found := sequence_of(row.path)) is not None:
            sequences[found[0]].append((found[1], row.id))
    for numbered in sequences.values():
        numbered.sort()
        for at, (number, image_id) in enumerate(numbered):
            if image_id not in own:
                continue
            near = [*numbered[max(at - NEIGHBOURS, 0) : at], *numbered[at + 1 : at + 1 + NEIGHBOURS]]
            across = [other for n, other in near if other not in own and abs(n - number) <= NEIGHBOURS]
            leaks.shared_names += bool(across)
            if (match := _alike_frame(dataset, rows, image_id, across, prints)) is not None:
                leaks.frames[image_id] = match


def _alike_frame(
    dataset: Dataset,
    rows: Mapping[int, ImageRow],
    image_id: int,
    others: Sequence[int],
    prints: Mapping[int, Fingerprint],
) -> int | None:
    """Return the first neighbour that shows the same scene."""
    own = prints.get(image_id)
    for other in others:
        their = prints.get(other)
        if own is None or their is None or own.phash is None or their.phash is None:
            continue
        if (own.phash ^ their.phash).bit_count() > FRAME_BITS:
            continue
        try:
            pair = _grey(dataset, rows[image_id]), _grey(dataset, rows[other])
        except BadInput:
            continue
        if alike(*pair, at_least=FRAME_ALIKE):
            return other
    return None


def is_sequence(dataset: Dataset) -> bool:
    """Return whether a dataset's images are mostly frames of scenes.

    Those that follow each other by name are looked at, some of them: frames of a scene look alike.
    """
    rows = {row.id: row for row in dataset.images()}
    numbered = sorted((*found, image_id) for image_id, row in rows.items() if (found := sequence_of(row.path)))
    pairs = [(a[2], b[2]) for a, b in pairwise(numbered) if a[0] == b[0] and b[1] - a[1] <= NEIGHBOURS]
    looked = pairs[:: max(1, len(pairs) // LOOKED)][:LOOKED]
    if len(looked) < LEAST_LOOKED or len(pairs) < len(rows) / 2:
        return False
    shown = 0
    for one, other in looked:
        try:
            shown += alike(_grey(dataset, rows[one]), _grey(dataset, rows[other]), at_least=FRAME_ALIKE)
        except BadInput:  # an image that cannot be read says nothing
            continue
    return shown >= len(looked) / 2
