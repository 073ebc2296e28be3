"""Deal images into splits: shares kept, groups together, classes spread, the same for a seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.splitting import _dealt, split_dataset
from tator.storage.schema import dataset as dataset_table
from tator.types import BadInput
from tests.folders import make, picture, text, yolo_folder


def splits(dataset: Dataset) -> dict[str, str | None]:
    return {row.path: row.split for row in dataset.images()}


@pytest.fixture
def many(wb, tmp_path: Path) -> Dataset:
    """Return 60 images in six folders; every sixth holds the rare class."""
    root = tmp_path / "s"
    first = picture(root / "images" / "g0" / "site0_000.png")
    for n in range(60):
        name = f"g{n // 10}/site{n // 20}_{n:03}"
        target = root / "images" / f"{name}.png"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(first)
        text(
            root / "labels" / f"{name}.txt", "0 .5 .5 .5 .5\n" * (1 + n % 3) + ("1 .2 .2 .1 .1\n" if n % 6 == 0 else "")
        )
    text(root / "labelmap.txt", "common\nrare\n")
    return make(wb, root)


@pytest.mark.parametrize("by", ["image", "folder", "group", "stratified"])
def test_shares_are_kept_and_a_seed_gives_the_same(many: Dataset, by: str):
    result = split_dataset(many, by, 0.6, 0.2, 0.2, seed=3, key="_")
    assert sum(result["splits"].values()) == 60 and Counter(splits(many).values()) == result["splits"]
    assert result["splits"]["train"] == pytest.approx(36, abs=4 if by != "group" else 16)
    first = splits(many)
    assert split_dataset(many, by, 0.6, 0.2, 0.2, seed=3, key="_")["changed"] == 0 and splits(many) == first
    if by != "group":  # with three groups there are six ways only
        split_dataset(many, by, 0.6, 0.2, 0.2, seed=4, key="_")
        assert splits(many) != first


@pytest.mark.parametrize(("by", "key"), [("folder", ""), ("group", "_"), ("group", "5")])
def test_groups_stay_together(many: Dataset, by: str, key: str):
    result = split_dataset(many, by, 0.5, 0.25, 0.25, key=key)
    groups: dict[str, set] = {}
    for path, split in splits(many).items():
        folder, _, name = path.rpartition("/")
        groups.setdefault(folder if by == "folder" else f"{folder}/{name[:5]}", set()).add(split)
    assert all(len(found) == 1 for found in groups.values()) and len(groups) == result["groups"]
    assert set(splits(many).values()) == {"train", "val", "test"}


def test_each_class_is_in_each_split_by_its_share(many: Dataset):
    split_dataset(many, "stratified", 0.6, 0.2, 0.2)
    counts = {name: Counter() for name in (0, 1)}
    rows = {row.id: row for row in many.images()}
    for image_id, found in many.annotations(list(rows)).items():
        for class_id in found.class_id:
            counts[int(class_id)][rows[image_id].split] += 1
    for class_counts in counts.values():
        total = class_counts.total()
        for split, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
            assert class_counts[split] == pytest.approx(share * total, abs=max(1.01, 0.06 * total))


def test_images_with_a_split_can_be_left_alone(many: Dataset):
    split_dataset(many, "image", 1, 0, 0)
    with pytest.raises(BadInput, match="no image to split"):
        split_dataset(many, "image", 0, 1, 0, keep=True)
    assert set(splits(many).values()) == {"train"}


def test_how_it_was_done_is_stored(many: Dataset):
    split_dataset(many, "group", 8, 1, 1, seed=9, key="_")
    with many.store.read() as conn:
        settings = conn.execute(dataset_table.select()).mappings().one()["settings"]
    assert settings["split"] == {
        "by": "group",
        "shares": {"train": 0.8, "val": 0.1, "test": 0.1},
        "seed": 9,
        "key": "_",
    }
    assert settings["import"]["complete"]


@pytest.mark.parametrize(
    "options",
    [
        {"train": 0},
        {"train": -1},
        {"train": float("nan")},
        {"by": "odd"},
        {"by": "group"},
        {"by": "group", "key": "x" * 30},
    ],
)
def test_odd_settings_are_refused(many: Dataset, options: dict):
    given = {"by": "image", "train": 1.0, "val": 0.0, "test": 0.0} | options
    with pytest.raises(BadInput):
        split_dataset(many, **given)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(0, 99))
def test_every_split_with_a_share_gets_an_image_where_there_are_groups_enough(sizes: list[int], seed: int):
    groups = {
        str(n): [ImageRow(100 * n + i, f"{n}-{i}", 1, 1, None, "new", 0, 0) for i in range(size)]
        for n, size in enumerate(sizes)
    }
    dealt = _dealt(groups, {"train": 0.98, "val": 0.01, "test": 0.01}, seed)
    assert len(dealt) == sum(sizes) and len(set(dealt.values())) == min(3, len(sizes))


def test_a_small_dataset_fills_train_first(wb, tmp_path: Path):
    dataset = make(wb, yolo_folder(tmp_path / "s", {"a.png": "0 .5 .5 .5 .5"}))
    split_dataset(dataset, "stratified", 0.7, 0.2, 0.1)
    assert splits(dataset) == {"images/a.png": "train"}
