"""Assign a dataset's images to splits, the same way for the same seed.

By image, group or folder, and stratified by class if asked.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import update

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.selecting import select_annotations
from tator.datasets.settings import change_setting
from tator.storage.database import chunks
from tator.storage.schema import annotation, image
from tator.types import BadInput

WAYS = ("image", "folder", "group", "stratified")


def split_dataset(
    dataset: Dataset, by: str, train: float, val: float, test: float, seed: int = 42, key: str = "", keep: bool = False
) -> dict:
    """Give every readable image a split, and remember how.

    Args:
        dataset: whose images.
        by: image (each alone), folder (images of a folder stay together), group (images of a folder whose names
            begin alike, as `key` says, stay together), or stratified (each alone, every class in every split by its share).
        train: share of train.
        val: share of val.
        test: share of test; the three are scaled to sum to 1.
        seed: the same seed and images give the same splits.
        key: for `group`, how many letters of a file's name name its group ("5"), or the sign that ends them ("_").
        keep: leave images alone that have a split.

    Returns:
        {"by", "seed", "splits": {split: images}, "changed", "groups"}.

    Raises:
        BadInput: shares are refused, or the key is.
    """
    shares = _shares(train, val, test)
    if by not in WAYS:
        raise BadInput(f"by must be one of {', '.join(WAYS)}, is {by[:40]!r}")
    rows = [row for row in dataset.images() if not (keep and row.split)]
    if not rows:
        raise BadInput(f"dataset {dataset.name!r} has no image to split")
    group = _grouping(by, key)
    groups: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    dealt = _stratified(dataset, rows, shares, seed) if by == "stratified" else _dealt(groups, shares, seed)
    changed = _store(dataset, rows, dealt, {"by": by, "shares": shares, "seed": seed, "key": key})
    counts = Counter(dealt.values())
    return {
        "by": by,
        "seed": seed,
        "splits": {split: counts[split] for split in shares},
        "changed": changed,
        "groups": len(groups),
    }


def _shares(train: float, val: float, test: float) -> dict[str, float]:
    given = {"train": train, "val": val, "test": test}
    total = sum(given.values())
    if min(given.values()) < 0 or not 0 < total < float("inf"):
        raise BadInput(
            f"shares of train, val and test must be 0 or more and not all 0, are {train:g}, {val:g}, {test:g}"
        )
    return {split: share / total for split, share in given.items() if share}


def _grouping(by: str, key: str) -> Callable[[ImageRow], str]:
    """Return what names the group of an image."""
    if by == "folder":
        return lambda row: row.path.rpartition("/")[0]
    if by != "group":
        return lambda row: row.path
    if not key or len(key) > 20:
        raise BadInput(
            f"key must be a number of letters, such as 5, or a sign that ends a group's name, such as _; is {key[:40]!r}"
        )
    count = int(key) if key.isdecimal() else 0

    def group(row: ImageRow) -> str:
        folder, _, name = row.path.rpartition("/")
        return f"{folder}/{name[:count] if count else name.partition(key)[0]}"

    return group


def _order(names: Sequence[str], seed: int) -> list[str]:
    """Return names in an order that depends on each name and the seed only.

    A new image moves no other.
    """
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode("utf-8", "surrogatepass")).digest())


def _dealt(groups: Mapping[str, Sequence[ImageRow]], shares: Mapping[str, float], seed: int) -> dict[int, str]:
    """Return {image id: split}, keeping each group in one split.

    A group goes to the split that lacks most of its share; splits with a share get at least one.
    """
    total = sum(map(len, groups.values()))
    have = dict.fromkeys(shares, 0)
    dealt: dict[int, str] = {}
    ordered = _order(list(groups), seed)
    for left, name in zip(range(len(ordered), 0, -1), ordered, strict=True):
        empty = [split for split in shares if not have[split]]
        free = empty if len(empty) >= left else list(shares)
        split = max(free, key=lambda each: (shares[each] * total - have[each], shares[each]))
        have[split] += len(groups[name])
        dealt.update((row.id, split) for row in groups[name])
    return dealt


def _stratified(dataset: Dataset, rows: Sequence[ImageRow], shares: Mapping[str, float], seed: int) -> dict[int, str]:
    """Return {image id: split} with each class's boxes shared among the splits.

    Images of the rarest class are dealt first, each to the split that lacks most of that class, then of images.

    Source: Sechidis et al., On the Stratification of Multi-Label Data (2011), iterative stratification.
    """
    by_path = {row.path: row for row in rows}
    ids = {row.id for row in rows}
    query = select_annotations(dataset.id, annotation.c.image_id, annotation.c.class_id, status="accepted")
    boxes: dict[int, Counter] = defaultdict(Counter)
    with dataset.store.read() as conn:
        for image_id, class_id in conn.execute(query):
            if image_id in ids:
                boxes[image_id][class_id] += 1
    totals = Counter[int]()
    for counts in boxes.values():
        totals.update(counts)
    lacking = {split: {class_id: share * n for class_id, n in totals.items()} for split, share in shares.items()}
    room = {split: share * len(rows) for split, share in shares.items()}
    rarest = {
        image_id: min(counts, key=lambda class_id: (totals[class_id], class_id)) for image_id, counts in boxes.items()
    }
    place = {name: at for at, name in enumerate(_order(list(by_path), seed))}
    order = sorted(
        rows, key=lambda row: (row.id not in rarest, totals[rarest[row.id]] if row.id in rarest else 0, place[row.path])
    )
    dealt = {}
    for row in order:
        wanted = rarest.get(row.id)
        split = max(
            shares, key=lambda each: (lacking[each][wanted] if wanted is not None else 0, room[each], shares[each])
        )
        dealt[row.id] = split
        room[split] -= 1
        for class_id, n in boxes.get(row.id, {}).items():
            lacking[split][class_id] -= n
    return dealt


def _store(dataset: Dataset, rows: Sequence[ImageRow], dealt: Mapping[int, str], how: dict) -> int:
    """Write the splits that changed, and how they came about; return how many changed."""
    moves: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.split != dealt[row.id]:
            moves[dealt[row.id]].append(row.id)
    with dataset.store.write() as conn:
        for split, ids in moves.items():
            for some in chunks(ids):
                conn.execute(update(image).where(image.c.id.in_(some)).values(split=split))
        change_setting(conn, dataset.id, "split", how)
    return sum(map(len, moves.values()))
