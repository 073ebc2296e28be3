"""Candidates: written, replaced, read and cleared, without touching what a person did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.datasets.dataset import Dataset
from tator.editing.candidate_pages import Asked, candidates_page, count_by_source
from tator.editing.candidates import clear_candidates, replace_candidates, source_of
from tator.editing.edits import open_image, redo, save_edits, undo
from tator.editing.leases import renew_lease
from tator.types import BadInput, Detections, Mask, NotFound
from tests.folders import make, yolo_folder

SOURCE = "blobs@first"


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    rows = {"a.png": "0 .5 .5 .5 .5\n", "b.png": None, "c.png": None}  # the box is 16, 12, 48, 36
    return make(wb, yolo_folder(tmp_path / "pets", rows, ["cat", "dog"]), "pets")


def found(*boxes: tuple, class_id: int = 0, conf: float = 0.5) -> Detections:
    return Detections.of(list(boxes), [conf] * len(boxes), [class_id] * len(boxes))


def rows(dataset: Dataset, image_id: int, status: str = "candidate") -> list:
    return dataset.annotation_rows([image_id], status)[image_id]


def ids(dataset: Dataset) -> list[int]:
    return [row.id for row in dataset.images()]


def act(dataset: Dataset, image_id: int, seq: int, op: dict, client: str = "me") -> dict:
    """Save one op as a person who has just opened the image."""
    base = open_image(dataset.store, image_id)["revision"]
    edits = [{"seq": seq, "kind": "edit", "label": "Review", "ops": [op]}]
    return save_edits(dataset.store, image_id, base, f"{client}-{image_id}", edits)


def decide(dataset: Dataset, key: str, image_id: int, seq: int, status: str) -> dict:
    return act(dataset, image_id, seq, {"op": "set", "id": key, "changes": {"status": status}})


def test_candidates_are_stored_beside_what_is_accepted_and_not_counted(pets):
    a, b, _ = ids(pets)
    counts = replace_candidates(
        pets, {a: found((1, 1, 9, 9)), b: found((2, 2, 8, 8), (20, 20, 30, 30))}, "blobs", "first"
    )
    assert counts == {"new": 3, "updated": 0, "removed": 0, "settled": 0, "clipped": 0, "outside": 0, "retired": 0}
    assert [row.annotation_count for row in pets.images()] == [1, 0, 0]
    (one,) = rows(pets, a)
    assert (one["source"], one["status"], one["confidence"], one["author"]) == (SOURCE, "candidate", 0.5, "")
    assert len(rows(pets, a, "accepted")) == 1 and pets.annotations([b], "candidate")[b].xyxy.shape == (2, 4)


def test_a_second_run_replaces_only_its_own(pets):
    a = ids(pets)[0]
    replace_candidates(pets, {a: found((1, 1, 9, 9), (50, 30, 60, 40))}, "blobs", "first")
    replace_candidates(pets, {a: found((1, 1, 9, 9))}, "blobs", "other")
    kept = {row["id"]: row["confidence"] for row in rows(pets, a) if row["source"] == SOURCE and row["x1"] == 1}
    counts = replace_candidates(pets, {a: found((1, 1, 9, 9.1), (20, 1, 30, 9), conf=0.7)}, "blobs", "first")
    assert counts == {"new": 1, "updated": 1, "removed": 1, "settled": 0, "clipped": 0, "outside": 0, "retired": 0}
    mine = {row["id"]: row for row in rows(pets, a) if row["source"] == SOURCE}
    assert [round(row["confidence"], 3) for row in mine.values()] == [0.7, 0.7]
    assert set(kept) < set(mine), "the same object keeps its id"
    assert [row["x1"] for row in rows(pets, a) if row["source"] == "blobs@other"] == [1]
    replace_candidates(pets, {a: Detections.empty()}, "blobs", "first")
    assert {row["source"] for row in rows(pets, a)} == {"blobs@other"}


def test_what_a_person_decided_is_never_touched_nor_proposed_again(pets):
    a = ids(pets)[0]
    replace_candidates(pets, {a: found((1, 1, 9, 9), (50, 30, 60, 40))}, "blobs", "first")
    first, second = rows(pets, a)
    decide(pets, first["id"], a, 1, "rejected")
    decide(pets, second["id"], a, 2, "accepted")
    before = open_image(pets.store, a)
    again = found((1, 1, 9, 9), (50, 30, 60, 40), (16, 12, 48, 36))  # the last is what a person drew
    assert replace_candidates(pets, {a: again}, "blobs", "first")["settled"] == 3
    assert replace_candidates(pets, {a: again}, "blobs", "second") == {
        "new": 0, "updated": 0, "removed": 0, "settled": 3, "clipped": 0, "outside": 0, "retired": 0,
    }  # fmt: skip
    assert open_image(pets.store, a) == before
    other_class = found((1, 1, 9, 9), class_id=1)
    assert replace_candidates(pets, {a: other_class}, "blobs", "first")["new"] == 1, "another class is another proposal"


def test_a_run_neither_makes_an_open_edit_stale_nor_is_taken_back_by_undo(pets):
    a = ids(pets)[0]
    opened = open_image(pets.store, a)
    replace_candidates(pets, {a: found((1, 1, 9, 9))}, "blobs", "first")
    drawn = {"op": "add", "annotation": {"id": "drawn", "class_id": 0, "xyxy": [30, 1, 40, 9]}}
    edits = [{"seq": 1, "kind": "edit", "label": "Draw", "ops": [drawn]}]
    save_edits(pets.store, a, opened["revision"], "me", edits)
    replace_candidates(pets, {a: found((1, 1, 9, 9), (50, 1, 60, 9))}, "blobs", "first")
    assert [op["id"] for op in undo(pets.store, a, "me", 2)["ops"]] == ["drawn"]
    assert len(rows(pets, a)) == 2 and len(rows(pets, a, "accepted")) == 1


def test_redo_finds_a_candidate_whose_acceptance_was_undone(pets):
    a = ids(pets)[0]
    replace_candidates(pets, {a: found((1, 1, 9, 9))}, "blobs", "first")
    key = rows(pets, a)[0]["id"]
    decide(pets, key, a, 1, "accepted")
    undo(pets.store, a, "me", 2)
    counts = replace_candidates(pets, {a: found((1, 1, 9, 9), (50, 1, 60, 9))}, "blobs", "first")
    assert (counts["new"], counts["settled"], counts["removed"]) == (1, 1, 0)
    assert clear_candidates(pets, SOURCE) == {"cleared": 1, "kept": 1}
    redo(pets.store, a, "me", 3)
    assert [row["id"] for row in rows(pets, a, "accepted") if row["source"] == SOURCE] == [key]


def test_candidates_of_an_image_that_somebody_has_open_stay(pets):
    a = ids(pets)[0]
    replace_candidates(pets, {a: found((1, 1, 9, 9))}, "blobs", "first")
    key = rows(pets, a)[0]["id"]
    renew_lease(pets.store, a, "me")
    assert replace_candidates(pets, {a: found((50, 1, 60, 9))}, "blobs", "first")["removed"] == 0
    assert decide(pets, key, a, 1, "accepted")["annotation_count"] == 2


def test_masks_come_back_as_they_were(pets):
    a, b, _ = ids(pets)
    pixels = np.ones((10, 8), bool)
    pixels[3:6, 3:5] = False  # a hole
    one = Detections.of([[20, 10, 28, 20]], [0.9], [1])
    with_mask = Detections(one.xyxy, one.confidence, one.class_id, (Mask(20, 10, pixels),))
    replace_candidates(pets, {a: with_mask, b: found((1, 1, 9, 9))}, "blobs", "first")
    (row,) = rows(pets, a)
    assert len(row["polygons"]) == 1 and len(row["polygons"][0]) == 2 and row["rle"] is None
    read = pets.annotations([a, b], "candidate", outlines=True)
    (mask,) = read[a].mask
    assert (mask.x, mask.y) == (20, 10) and (mask.data == pixels).all()
    assert read[a].data["polygons"][0] == row["polygons"] and read[b].data["polygons"][0] is None
    assert read[b].mask[0].data.size == 0, "a box alone says nothing about pixels"
    assert pets.annotations([a], "candidate")[a].mask is None


def test_a_mask_with_too_many_points_to_edit_is_kept_as_run_lengths(wb, tmp_path):
    source = yolo_folder(tmp_path / "big", {}, ["cat"])
    from PIL import Image

    (source / "images").mkdir(exist_ok=True)
    Image.new("RGB", (320, 320)).save(source / "images" / "a.png")
    big = make(wb, source, "big")
    (a,) = ids(big)
    pixels = np.kron(np.ones((60, 60), bool), np.pad(np.ones((3, 3), bool), 1))  # 3,600 squares, 4 corners each
    one = Detections.of([[11, 11, 309, 309]], [0.9], [0])
    replace_candidates(
        big, {a: Detections(one.xyxy, one.confidence, one.class_id, (Mask(10, 10, pixels),))}, "blobs", "x"
    )
    (row,) = rows(big, a)
    assert row["polygons"] is None and row["rle"]["size"] == [320, 320]
    (mask,) = big.annotations([a], "candidate", outlines=True)[a].mask
    assert (mask.x, mask.y) == (11, 11) and (mask.data == pixels[1:-1, 1:-1]).all()


def test_boxes_are_cut_to_the_image_and_those_outside_left_out(pets):
    a = ids(pets)[0]
    counts = replace_candidates(pets, {a: found((-5, -5, 9, 9), (70, 0, 90, 9))}, "blobs", "first")
    assert (counts["new"], counts["clipped"], counts["outside"]) == (1, 1, 1)
    assert [rows(pets, a)[0][side] for side in ("x1", "y1", "x2", "y2")] == [0, 0, 9, 9]
    counts = replace_candidates(pets, {a: found((-0.4, 0, 9, 9), (60, 0, 64.4, 9))}, "blobs", "second")
    assert (counts["new"], counts["clipped"], counts["outside"]) == (2, 0, 0), "rounding is not worth a word"


@pytest.mark.parametrize(
    ("image", "boxes", "told"),
    [
        (0, Detections.of([[0, 0, np.nan, 9]], [0.5], [0]), "finite"),
        (0, Detections.of([[0, 0, 9, 9]], None, [0]), "confidence"),
        (0, Detections.of([[0, 0, 9, 9]], [0.5], [7]), "class_id"),
        (999, Detections.of([[0, 0, 9, 9]], [0.5], [0]), "image 999"),
    ],
)
def test_refused_boxes_change_nothing(pets, image, boxes, told):
    a, b, _ = ids(pets)
    replace_candidates(pets, {b: found((1, 1, 9, 9))}, "blobs", "first")
    with pytest.raises(BadInput, match=told):
        replace_candidates(pets, {b: Detections.empty(), image or a: boxes}, "blobs", "first")
    assert len(rows(pets, b)) == 1


def test_sources_are_named_by_backend_and_run():
    assert source_of("yolo", "run 1") == "yolo@run 1"
    for backend, run in (("", "x"), ("x", ""), ("a@b", "c"), ("x", "y" * 100)):
        with pytest.raises(BadInput, match="<backend>@<run>"):
            source_of(backend, run)


def test_pages_are_sorted_filtered_and_counted(pets):
    a, b, _ = ids(pets)
    for conf, image, class_id in ((0.2, a, 0), (0.4, b, 1), (0.6, a, 1), (0.8, b, 0)):
        replace_candidates(pets, {image: found((1, 1, 9, 9), class_id=class_id, conf=conf)}, "blobs", f"run{conf}")
    listed = candidates_page(pets, Asked())
    assert listed["total"] == 4 and [round(row["confidence"], 1) for row in listed["candidates"]] == [
        0.8,
        0.6,
        0.4,
        0.2,
    ]
    assert listed["candidates"][0] | {"id": ""} == {
        "id": "", "image_id": b, "image": "images/b.png", "class_id": 0, "class_name": "cat", "xyxy": [1, 1, 9, 9],
        "has_outline": False, "confidence": pytest.approx(0.8), "source": "blobs@run0.8", "status": "candidate",
    }  # fmt: skip

    def seen(offset=0, limit=200, **asked) -> list[float]:
        return [
            round(row["confidence"], 1) for row in candidates_page(pets, Asked(**asked), offset, limit)["candidates"]
        ]

    assert seen(1, 2) == [0.6, 0.4]
    assert seen(conf_min=0.3, conf_max=0.7) == [0.6, 0.4]
    assert (
        seen(class_name="dog") == [0.6, 0.4] and seen(image_id=a) == [0.6, 0.2] and seen(source="blobs@run0.2") == [0.2]
    )
    assert seen(status="accepted", source="blobs@run0.2") == [] and seen(status="") == [0.8, 0.6, 0.4, 0.2]
    with pytest.raises(NotFound, match="'owl'"):
        seen(class_name="owl")
    for wrong in ({"status": "maybe"}, {"conf_min": 0.7, "conf_max": 0.3}, {"conf_max": 2.0}):
        with pytest.raises(BadInput):
            Asked(**wrong)
    with pytest.raises(BadInput, match="limit"):
        candidates_page(pets, Asked(), 0, 5000)


def test_sources_are_counted_by_what_became_of_them(pets):
    a = ids(pets)[0]
    replace_candidates(pets, {a: found((1, 1, 9, 9), (50, 30, 60, 40))}, "blobs", "first")
    decide(pets, rows(pets, a)[0]["id"], a, 1, "rejected")
    assert count_by_source(pets) == [{"source": SOURCE, "candidate": 1, "accepted": 0, "rejected": 1}]
    assert clear_candidates(pets, SOURCE) == {"cleared": 1, "kept": 0}
    assert clear_candidates(pets, "nobody@none") == {"cleared": 0, "kept": 0}
    assert count_by_source(pets) == [{"source": SOURCE, "candidate": 0, "accepted": 0, "rejected": 1}]


corner = st.integers(0, 40)
some = st.lists(st.tuples(corner, corner, st.integers(4, 20), st.integers(4, 8), st.integers(0, 1)), max_size=6)


@settings(max_examples=25, deadline=None)
@given(first=some, second=some)
def test_after_a_run_an_image_has_what_the_run_found(tmp_path_factory, shared_pets, first, second):
    image_id = ids(shared_pets)[1]
    for boxes in (first, second):
        xyxy = [[x, y, x + w, y + h] for x, y, w, h, _ in boxes]
        wanted = Detections.of(xyxy, [0.5] * len(boxes), [row[4] for row in boxes])
        counts = replace_candidates(shared_pets, {image_id: wanted}, "blobs", "any")
        assert counts["new"] + counts["updated"] == len(boxes)
        stored = sorted(
            (row["x1"], row["y1"], row["x2"], row["y2"], row["class_id"]) for row in rows(shared_pets, image_id)
        )
        assert stored == sorted((*map(float, box), row[4]) for box, row in zip(xyxy, boxes, strict=True))


@pytest.fixture(scope="module")
def shared_pets(tmp_path_factory):
    from tator.workbench import Workbench

    bench = Workbench.at(tmp_path_factory.mktemp("shared") / "home")
    folder = yolo_folder(tmp_path_factory.mktemp("pets"), {"a.png": None, "b.png": None}, ["cat", "dog"])
    yield make(bench, folder, "pets")
    bench.close()
