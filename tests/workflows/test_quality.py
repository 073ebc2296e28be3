"""Check a dataset, repair what is found, undo the repair, and count what it holds."""

from __future__ import annotations

import json
import random
import shutil
import time
import typing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import insert, select, update

from tator.datasets.dataset import Dataset
from tator.datasets.fingerprints import look, near_pairs, take_fingerprints
from tator.editing.edits import open_image, undo
from tator.ops.quality import Repairable
from tator.storage.schema import annotation, image
from tator.types import BadInput
from tator.vision import masks
from tator.workflows.quality.boxes_check import Limits, check_rows, first_crossing
from tator.workflows.quality.check import CHECKS, LISTED, check_dataset
from tator.workflows.quality.images_check import joined, leaking_groups
from tator.workflows.quality.repairs import repair_dataset
from tator.workflows.quality.statistics import dataset_stats
from tests.folders import boxes, finish, make, picture, text, yolo_folder

BOX = "0 .5 .5 .5 .5"


def check(dataset: Dataset, **options) -> dict[str, dict]:
    result = finish(check_dataset(dataset, Limits(), **options))
    assert [each["check"] for each in result["checks"]] == list(CHECKS)
    return {each["check"]: each for each in result["checks"]}


def found(results: dict[str, dict]) -> dict[str, int]:
    return {name: each["count"] for name, each in results.items() if each["count"]}


def put(dataset: Dataset, path: str, *rows: dict) -> list[str]:
    """Write annotations into the table past every check, as an old version or another program might have."""
    common = {"class_id": 0, "source": "human", "status": "accepted", "author": "", "updated_at": 0.0, "polygons": None}
    ids = []
    with dataset.store.write() as conn:
        mine = (image.c.dataset_id == dataset.id) & (image.c.path == path)
        image_id = conn.execute(select(image.c.id).where(mine)).scalar_one()
        for n, row in enumerate(rows):
            ids.append(f"bad{time.time_ns()}{n}")
            corners = dict(zip(("x1", "y1", "x2", "y2"), row["xyxy"], strict=True))
            given = {key: value for key, value in row.items() if key != "xyxy"}
            values = common | given | corners | {"id": ids[-1], "image_id": image_id, "created_at": time.time() + n}
            conn.execute(insert(annotation).values(**values))
        count = image.c.annotation_count + len(rows)
        conn.execute(update(image).where(image.c.id == image_id).values(annotation_count=count))
    return ids


@pytest.fixture
def clean(wb, tmp_path: Path) -> Dataset:
    return make(wb, yolo_folder(tmp_path / "s", {"a.png": BOX, "bb.png": "1 .25 .25 .3 .3"}, ["cat", "dog"]))


def rows_of(dataset: Dataset) -> list[tuple]:
    """Return every annotation of a dataset, classes by their number."""
    with dataset.store.read() as conn:
        columns = [annotation.c[name] for name in ("id", "image_id", "class_id", "x1", "y1", "x2", "y2", "polygons")]
        return [tuple(row) for row in conn.execute(select(*columns).order_by(annotation.c.id))]


BAD = {
    "zero_area": {"xyxy": (5, 5, 5, 9)},
    "outside": {"xyxy": (50, 30, 90, 60)},
    "tiny_boxes": {"xyxy": (5, 5, 7, 30)},
    "duplicate_boxes": {"xyxy": (16, 12, 48, 36)},
    "contained_boxes": {"xyxy": (20, 20, 30, 30)},
    "class_out_of_range": {"xyxy": (1, 1, 9, 9), "class_id": 7},
    "not_finite": {"xyxy": (1, 1, float("inf"), 9)},
    "box_off_outline": {"xyxy": (2, 2, 12, 12), "polygons": [[[30, 5, 50, 5, 50, 25]]]},
    "crossing_polygons": {"xyxy": (30, 2, 50, 10), "polygons": [[[30, 2, 50, 10, 50, 2, 30, 10]]]},
}


def test_a_clean_dataset_has_no_findings(clean: Dataset):
    assert found(check(clean)) == {}


def rle_of(x1: int, y1: int, x2: int, y2: int) -> dict:
    """Return the mask of a box in an image of 64 x 48."""
    return masks.to_rle(masks.of_dense(np.ones((y2 - y1, x2 - x1), bool), x1, y1), 64, 48)


OFF = {  # a box and its outline -> the box that fits
    "outline beside": ({"xyxy": (2, 2, 20, 20), "polygons": [[[30, 5, 50, 5, 50, 25]]]}, (30, 5, 50, 25)),
    "two parts": (
        {"xyxy": (2, 2, 9, 9), "polygons": [[[2, 2, 9, 2, 9, 9]], [[40, 30, 50, 30, 50, 40]]]},
        (2, 2, 50, 40),
    ),
    "mask smaller": ({"xyxy": (2, 2, 40, 40), "rle": rle_of(10, 10, 20, 20)}, (10, 10, 20, 20)),
    "mask larger": ({"xyxy": (12, 12, 18, 18), "rle": rle_of(4, 6, 40, 30)}, (4, 6, 40, 30)),
}


@pytest.mark.parametrize("case", OFF)
def test_a_box_is_fitted_to_its_outline_which_stays(clean: Dataset, case: str):
    bad, fitted = OFF[case]
    (key,) = put(clean, "images/a.png", bad)
    assert found(check(clean)).get("box_off_outline") == 1
    finish(repair_dataset(clean, "box_off_outline"))
    assert "box_off_outline" not in found(check(clean))
    row = next(row for row in open_image(clean.store, clean.images()[0].id)["annotations"] if row["id"] == key)
    assert tuple(row["xyxy"]) == fitted
    assert (row["polygons"], row.get("rle")) == (bad.get("polygons"), bad.get("rle"))


@pytest.mark.parametrize(
    "near",
    [
        {"xyxy": (10, 10, 40, 40), "polygons": [[[11.5, 10, 40, 11, 39, 38.5, 10, 30]]]},
        {"xyxy": (10.4, 9.6, 19.6, 20.4), "rle": rle_of(10, 10, 20, 20)},
        {"xyxy": (10, 10, 40, 40)},
        {"xyxy": (10, 10, 40, 40), "attributes": {"crowd": True}, "rle": rle_of(1, 1, 9, 9)},
    ],
)
def test_a_box_near_its_outline_is_no_finding(clean: Dataset, near: dict):
    put(clean, "images/a.png", near)
    assert "box_off_outline" not in found(check(clean))


@pytest.mark.parametrize("kind", BAD)
def test_bad_annotations_are_found_repaired_and_restored_by_undo(clean: Dataset, kind: str):
    (bad,) = put(clean, "images/a.png", BAD[kind])
    before = rows_of(clean)
    results = check(clean)
    assert found(results) == {kind: 1}
    (row,) = results[kind]["findings"]
    assert row["name"] == "images/a.png" and row["annotation_ids"] == [bad] and row["image_id"] == clean.images()[0].id
    result = finish(repair_dataset(clean, kind))
    assert (result["images"], result["changes"], result["skipped"]) == (1, 1, [])
    assert found(check(clean)) == {}
    assert len(rows_of(clean)) in (len(before), len(before) - 1)
    opened = open_image(clean.store, row["image_id"])
    assert opened["undo"][-1]["label"] == f"Repair: {CHECKS[kind].label}"
    undo(clean.store, row["image_id"], "me", 1)
    assert found(check(clean)) == {kind: 1} and rows_of(clean) == before


def test_a_box_that_leaves_the_image_is_cut(clean: Dataset):
    put(clean, "images/a.png", {"xyxy": (50, 30, 90, 60)}, {"xyxy": (100, 100, 120, 120)})
    assert found(check(clean)) == {"outside": 2}
    finish(repair_dataset(clean, "outside"))
    assert ("cat", 50, 30, 64, 48) in boxes(clean)["images/a.png"] and len(boxes(clean)["images/a.png"]) == 2


def test_only_the_images_asked_for_are_repaired(clean: Dataset):
    for path in ("images/a.png", "images/bb.png"):
        put(clean, path, {"xyxy": (5, 5, 5, 9)})
    second = clean.images()[1].id
    assert finish(repair_dataset(clean, "zero_area", [second]))["images"] == 1
    assert [row["name"] for row in check(clean)["zero_area"]["findings"]] == ["images/a.png"]


@pytest.mark.slow
def test_a_repair_of_many_boxes_is_cut_into_requests(clean: Dataset):
    put(clean, "images/a.png", *[{"xyxy": (5, 5, 5, 9)}] * 4500)
    result = finish(repair_dataset(clean, "zero_area"))
    assert result["changes"] == 4500 and len(boxes(clean)["images/a.png"]) == 1


def test_what_a_person_must_decide_is_not_repaired(clean: Dataset):
    for name in ("unreadable", "near_duplicate_images", "odd"):
        with pytest.raises(BadInput, match="can be repaired"):
            finish(repair_dataset(clean, name))
    assert set(typing.get_args(Repairable)) == {name for name, each in CHECKS.items() if each.repair}


def noisy(path: Path, seed: int, size=(160, 120)) -> Image.Image:
    """Return a picture with large shapes, as photographs have."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    made = small.resize(size, Image.Resampling.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path, quality=95)
    return made


def test_files_are_compared_and_read(wb, tmp_path: Path):
    root = tmp_path / "s"
    first = noisy(root / "images/train/one.jpg", 1)
    noisy(root / "images/train/two.jpg", 2)
    noisy(root / "images/train/turned.jpg", 3).save(root / "images/train/turned.jpg", exif=exif(6))
    shutil.copy(root / "images/train/one.jpg", root / "images/val_copy.jpg")
    (root / "images/val").mkdir()
    shutil.copy(root / "images/train/two.jpg", root / "images/val/two.jpg")
    first.resize((110, 90)).save(root / "images/val/smaller.jpg", quality=60)
    text(root / "images/broken.png", "x")
    noisy(root / "images/gone.jpg", 5)
    text(root / "labels/orphan.txt", BOX)
    text(root / "labels/train/one.txt", BOX)
    dataset = make(wb, root)
    (root / "images/gone.jpg").unlink()
    results = check(dataset)
    assert found(results) == {
        "unreadable": 1,
        "missing": 1,
        "labels_without_image": 1,
        "images_without_label": 6,
        "duplicate_images": 2,
        "near_duplicate_images": 1,
        "split_leakage": 2,
        "rotated": 1,
    }
    assert results["missing"]["findings"][0]["name"] == "images/gone.jpg"
    assert results["unreadable"]["findings"][0]["name"] == "images/broken.png"
    assert "orphan.txt" in results["labels_without_image"]["findings"][0]["detail"]
    assert results["rotated"]["findings"][0]["name"] == "images/train/turned.jpg"
    groups = {tuple(sorted(each["name"] for each in row["group"])) for row in results["duplicate_images"]["findings"]}
    assert groups == {("images/train/one.jpg", "images/val_copy.jpg"), ("images/train/two.jpg", "images/val/two.jpg")}
    assert finish(repair_dataset(dataset, "split_leakage"))["images"] == 2
    assert found(check(dataset)).get("split_leakage") is None
    assert {row.path: row.split for row in dataset.images()}["images/val/two.jpg"] == "train"


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def test_fingerprints_are_kept_until_the_file_changes(wb, tmp_path: Path, monkeypatch):
    root = tmp_path / "s"
    noisy(root / "images/a.jpg", 1)
    noisy(root / "images/b.jpg", 2)
    dataset = make(wb, root)
    one, _ = finish(take_fingerprints(dataset, dataset.images(), looks=True))
    read = []
    real = look
    monkeypatch.setattr("tator.datasets.fingerprints.look", lambda path: read.append(path.name) or real(path))
    assert finish(take_fingerprints(dataset, dataset.images(), looks=True))[0] == one and not read
    noisy(root / "images/b.jpg", 3)
    two, _ = finish(take_fingerprints(dataset, dataset.images(), looks=True))
    assert read == ["b.jpg"] and [one[i] == two[i] for i in sorted(one)] == [True, False]


@pytest.mark.parametrize("change", ["jpeg", "smaller", "brighter"])
def test_looks_stay_alike_on_real_photographs(data: Path, tmp_path: Path, change: str):
    paths = sorted((data / "formats/images").iterdir())[:25]
    for path in paths:
        with Image.open(path) as opened:
            made = {
                "jpeg": opened,
                "smaller": opened.resize((opened.width * 2 // 3, opened.height * 2 // 3)),
                "brighter": opened.point(lambda v: min(255, int(v * 1.1))),
            }[change]
            made.save(tmp_path / path.name, quality=40)
    distances = [(look(path)[0] ^ look(tmp_path / path.name)[0]).bit_count() for path in paths]
    assert max(distances) <= 6 and sorted(distances)[-3] <= 4


def test_different_photographs_do_not_look_alike(wb, data: Path):
    dataset = make(wb, data / "formats" / "images")
    assert found(check(dataset)).keys() <= {"images_without_label"}


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, 6), st.randoms(use_true_random=False))
def test_near_pairs_equal_the_brute_force(values: list[int], within: int, dice: random.Random):
    values += [value ^ sum(1 << bit for bit in dice.sample(range(64), dice.randint(0, 8))) for value in values]
    pairs = set(near_pairs(values, within))
    groups = joined(pairs)
    brute = [(i, j) for j in range(len(values)) for i in range(j) if (values[i] ^ values[j]).bit_count() <= within]
    assert groups == joined(brute) and all((values[i] ^ values[j]).bit_count() <= within for i, j in pairs)


@pytest.mark.slow
def test_a_hundred_thousand_looks_are_compared_in_seconds():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**63, 100_000, dtype=np.int64).tolist()
    values[777] = values[5] ^ 0b1011
    values += [0] * 2_000  # black pictures
    began = time.perf_counter()
    pairs = list(near_pairs(values, 4))
    assert (5, 777) in pairs and len(pairs) == 2_000 and time.perf_counter() - began < 60


def test_leaks_need_two_splits():
    assert leaking_groups([[1, 2], [3, 4], [5, 6]], {1: "train", 2: "val", 3: "val", 4: "val", 5: None, 6: "test"}) == [
        [1, 2]
    ]


RINGS = {
    "square": ([0, 0, 4, 0, 4, 4, 0, 4], False),
    "bow tie": ([0, 0, 4, 4, 4, 0, 0, 4], True),
    "triangle": ([0, 0, 4, 0, 2, 3], False),
    "concave": ([0, 0, 4, 0, 4, 4, 2, 1, 0, 4], False),
    "star": ([0, 3, 6, 3, 1, 7, 3, 0, 5, 7], True),
    "keyhole": ([0, 0, 9, 0, 9, 9, 0, 9, 0, 0, 3, 3, 3, 6, 6, 6, 6, 3, 3, 3, 0, 0], False),
    "touching": ([0, 0, 4, 0, 2, 2, 4, 4, 0, 4, 2, 2], False),
    "touching, then crossing": ([0, 0, 4, 0, 2, 2, 4, 4, 0, 4, 2, 2, -9, -9, -9, -5, -5, -9], True),
    "overlapping": ([0, 0, 4, 0, 8, 0, 4, 0, 4, 4, 0, 4], False),
    "a corner on an edge": ([0, 0, 4, 0, 4, 4, 2, 0, 0, 4], False),
    "a corner twice": ([0, 0, 4, 0, 4, 0, 4, 4, 0, 4], False),
    "one point": ([1, 1, 1, 1, 1, 1, 1, 1], False),
    "a corner that is not a number": ([0, 0, 4, 0, 4, 4, np.nan, 0, 0, 4], False),
    "not a number, and crossing": ([0, 0, 4, 4, 4, 0, 0, 4, np.nan, np.inf], True),
}


@pytest.mark.parametrize("kind", RINGS)
def test_crossing(kind: str):
    ring, crosses = RINGS[kind]
    assert (first_crossing(ring) is not None) == crosses


def test_a_crossing_is_told_where_it_is():
    assert first_crossing([0, 0, 4, 4, 4, 0, 0, 4]) == (2, 2)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=3, max_size=12, unique=True))
def test_convex_rings_never_cross(points):
    import cv2

    hull = cv2.convexHull(np.array(points, np.float32)).reshape(-1, 2)
    assert first_crossing(hull.astype(float).ravel().tolist()) is None


def test_thousands_of_boxes_on_an_image_are_checked_quickly():
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 4000, (10_000, 2))
    rows = [
        {
            "id": str(n),
            "class_id": 0,
            "x1": x,
            "y1": y,
            "x2": x + 20,
            "y2": y + 20,
            "polygons": None,
            "rle": None,
            "attributes": None,
        }
        for n, (x, y) in enumerate(corners)
    ]
    rows.append({**rows[50], "id": "again"})
    began = time.perf_counter()
    results = list(check_rows(rows, 5000, 5000, {0}, Limits()))
    assert ("duplicate_boxes", ["again"], "equals 50") in results and time.perf_counter() - began < 20


def test_findings_are_listed_up_to_a_limit_and_all_counted(clean: Dataset):
    put(clean, "images/a.png", *[{"xyxy": (n % 50, 5, n % 50, 9)} for n in range(LISTED + 50)])
    result = check(clean)["zero_area"]
    assert result["count"] == LISTED + 50 and len(result["findings"]) == LISTED
    json.dumps(result, allow_nan=False)


def test_numbers_of_a_dataset(wb, tmp_path: Path):
    rows = {"train/a.png": f"{BOX}\n1 .25 .25 .25 .25", "train/b.png": BOX, "val/c.png": "", "d.png": None}
    root = yolo_folder(tmp_path / "s", rows, ["cat", "dog", "bird"])
    text(root / "text_labels/train/a.txt", "two words")
    picture(root / "images" / "wide.png", (128, 48))
    dataset = make(wb, root)
    stats = dataset_stats(dataset)
    assert (stats["images"], stats["annotations"]) == (5, 3)
    assert {row["split"]: (row["images"], row["annotations"]) for row in stats["splits"]} == {
        "": (2, 0),
        "train": (2, 3),
        "val": (1, 0),
    }
    assert stats["sizes"] == [{"width": 64, "height": 48, "images": 4}, {"width": 128, "height": 48, "images": 1}]
    assert [(row["name"], row["annotations"], row["images"], row["splits"]) for row in stats["classes"]] == [
        ("cat", 2, 2, {"train": 2}),
        ("dog", 1, 1, {"train": 1}),
        ("bird", 0, 0, {}),
    ]
    assert stats["captions"] == {"images": 1, "share": 0.2, "mean_words": 2.0}
    for name in ("box_sides", "aspects"):
        assert sum(stats[name]["counts"]) == 3 and len(stats[name]["counts"]) == len(stats[name]["edges"])
    assert sum(stats["boxes_per_image"]["counts"]) == 5
    heat = np.array(stats["heatmap"])
    assert heat.shape == (32, 32) and heat.max() == 1 and heat[16, 16] == 1 and heat[8, 8] == 0.5
    json.dumps(stats, allow_nan=False)


def test_numbers_of_an_empty_dataset(wb, tmp_path: Path):
    stats = dataset_stats(make(wb, yolo_folder(tmp_path / "s", {"a.png": None})))
    assert stats["annotations"] == 0 and stats["captions"]["share"] == 0
    json.dumps(stats, allow_nan=False)


def test_ships_dirty_lists_its_oddities(wb, data: Path):
    results = check(make(wb, data / "ships_dirty"))
    counts = found(results)
    assert counts["images_without_label"] == 88 and counts["near_duplicate_images"] > 0
    assert "labels_without_image" not in counts  # 317 label files, each with its image
