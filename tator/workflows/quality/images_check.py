"""Find images that are the same, look alike, or stand in several splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tator.datasets.fingerprints import Fingerprint, alike, near_pairs
from tator.types import BadInput


def equal_groups(found: Mapping[int, Fingerprint]) -> list[list[int]]:
    """Return the groups of images whose files have the same bytes."""
    groups: dict[str, list[int]] = defaultdict(list)
    for image_id, each in found.items():
        groups[each.sha256].append(image_id)
    return [group for group in groups.values() if len(group) > 1]


def alike_groups(
    found: Mapping[int, Fingerprint], within: int, grey: Callable[[int], NDArray[np.float32]]
) -> list[list[int]]:
    """Return the groups of images that look alike but are not the same file.

    Args:
        found: {image id: fingerprint with a look}.
        within: bits of 64 that two looks may differ in.
        grey: returns an image's grey thumbnail, to confirm a pair; raises BadInput when it cannot be read.
    """
    one_each: dict[str, int] = {}
    for image_id, each in found.items():
        if each.phash is not None:
            one_each.setdefault(each.sha256, image_id)
    ids = list(one_each.values())
    small: dict[int, NDArray[np.float32] | None] = {}

    def thumbnail(image_id: int) -> NDArray[np.float32] | None:
        if image_id not in small:
            try:
                small[image_id] = grey(image_id)
            except BadInput:
                small[image_id] = None
        return small[image_id]

    pairs = []
    for i, j in near_pairs([found[image_id].phash or 0 for image_id in ids], within):
        one, other = thumbnail(ids[i]), thumbnail(ids[j])
        if one is not None and other is not None and alike(one, other):
            pairs.append((ids[i], ids[j]))
    return joined(pairs)


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups that pairs connect.

    Each is sorted; the first has the smallest member.
    """
    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for a, b in pairs:
        parent[max(root(a), root(b))] = min(root(a), root(b))
    groups: dict[int, list[int]] = defaultdict(list)
    for key in sorted(parent):
        groups[root(key)].append(key)
    return sorted(groups.values())


def leaking_groups(groups: Sequence[Sequence[int]], splits: Mapping[int, str | None]) -> list[list[int]]:
    """Return the groups whose images stand in more than one split."""
    return [list(group) for group in groups if len({splits[image_id] for image_id in group} - {None}) > 1]
