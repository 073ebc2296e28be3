"""A few images that show what a run would propose, before anything is stored."""

from __future__ import annotations

import hashlib
from collections import Counter

from tator.datasets.dataset import Dataset, ImageRow

STRIP = 12  # images: two rows of six in the window


def strip_of(dataset: Dataset, count: int = STRIP) -> list[ImageRow]:
    """Return readable images, always the same ones of a dataset.

    Half are without labels; the others cover as many classes as possible.

    Args:
        dataset: whose images.
        count: how many; fewer where the dataset has fewer.
    """
    rows = sorted(dataset.images(), key=lambda row: hashlib.sha256(row.path.encode()).digest())
    bare = [row for row in rows if not row.annotation_count]
    labelled = _spread(dataset, [row for row in rows if row.annotation_count], count)
    half = max(count // 2, count - len(labelled))
    chosen = bare[:half]
    return chosen + labelled[: count - len(chosen)]


def _spread(dataset: Dataset, rows: list[ImageRow], count: int) -> list[ImageRow]:
    """Return up to `count` images, always of the class shown least so far."""
    found = dataset.annotations([row.id for row in rows])
    shown: Counter[int] = Counter()
    left = list(rows)
    chosen: list[ImageRow] = []
    while left and len(chosen) < count:
        best = min(left, key=lambda row: min(shown[class_id] for class_id in found[row.id].class_id.tolist()))
        left.remove(best)
        chosen.append(best)
        shown.update(set(found[best.id].class_id.tolist()))
    return chosen
