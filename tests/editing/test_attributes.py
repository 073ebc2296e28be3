"""Attributes, tags and notes: edited, undone, frozen, cloned, merged and carried by exports, or told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.datasets.snapshot_diff import diff_snapshots
from tator.datasets.snapshots import Snapshot, freeze
from tator.editing.edits import open_image, redo, save_edits, undo
from tator.exporting.tiling import Tiling
from tator.importing.cloning import clone_dataset, merge_dataset
from tator.types import BadInput
from tests.folders import export, finish, make, yolo_folder
from tests.saving import add, change, client, edit, image, rows, save, store  # noqa: F401

ATTRIBUTES = {
    "occluded": True,
    "truncation": 0.25,
    "group": 3,
    "text": "STOP",
    "keypoints": [[20.0, 20.0, 2], [30.5, 24.0, 1], [0, 0, 0]],
    "colour": "red",
    "wheels": 4,
    "seen by": ["ann", "bob"],
}


def test_attributes_are_saved_changed_undone_and_redone(store, image):  # noqa: F811
    save(store, image, 0, edit(1, add("a", attributes=ATTRIBUTES), add("b")))
    assert rows(store, image)[0]["attributes"] == ATTRIBUTES
    assert "attributes" not in rows(store, image)[1], "a row without any does not carry the key"
    save(store, image, 1, edit(2, change("a", attributes={"occluded": False}), change("b", attributes={"z": 2})))
    undo(store, image, client(image), 3)
    assert [row.get("attributes") for row in rows(store, image)] == [ATTRIBUTES, None]
    redo(store, image, client(image), 4)
    assert [row.get("attributes") for row in rows(store, image)] == [{"occluded": False}, {"z": 2}]
    save(store, image, 4, edit(5, change("a", attributes=None)))
    assert "attributes" not in rows(store, image)[0]


def test_tags_and_notes_of_an_image_are_edited_and_undone(store, image):  # noqa: F811
    ops = [{"op": "image", "changes": {"tags": ["night", " rain ", "night"], "notes": "Look again."}}]
    save(store, image, 0, edit(1, *ops))
    assert [open_image(store, image)[name] for name in ("tags", "notes")] == [["night", "rain"], "Look again."]
    undo(store, image, client(image), 2)
    assert [open_image(store, image)[name] for name in ("tags", "notes")] == [None, None]


@pytest.mark.parametrize(
    ("ops", "field"),
    [
        ([add("a", attributes={"occluded": "yes"})], "occluded"),
        ([add("a", attributes=[1])], "attributes"),
        ([add("a", attributes={"keypoints": [[1, 2, 5]]})], "keypoints"),
        ([{"op": "image", "changes": {"tags": "night"}}], "tags"),
        ([{"op": "image", "changes": {"tags": ["x"] * 101}}], "tags"),
        ([{"op": "image", "changes": {"notes": "x" * 10_001}}], "notes"),
    ],
)
def test_bad_ones_are_refused_by_name_and_nothing_is_saved(store, image, ops, field):  # noqa: F811
    with pytest.raises(BadInput, match=field):
        save_edits(store, image, 0, client(image), [edit(1, *ops)])
    assert rows(store, image) == []


def test_a_new_box_takes_outline_and_key_points_along(store, image):  # noqa: F811
    outline = [[[10.0, 10.0, 30.0, 10.0, 30.0, 20.0, 10.0, 20.0]]]
    shape = {"polygons": outline, "attributes": {"rotation": 0.0, "keypoints": [[20.0, 15.0, 2]]}}
    save(store, image, 0, edit(1, add("outlined", xyxy=[10, 10, 30, 20], **shape)))
    save(store, image, 1, edit(2, change("outlined", xyxy=[15, 12, 35, 22])))
    [row] = rows(store, image)
    assert row["polygons"] == [[[15.0, 12.0, 35.0, 12.0, 35.0, 22.0, 15.0, 22.0]]]
    assert row["attributes"] == {"rotation": 0.0, "keypoints": [[25.0, 17.0, 2]]}
    save(store, image, 2, edit(3, change("outlined", xyxy=[15, 12, 55, 22])))
    [row] = rows(store, image)
    assert row["polygons"] == [[[15.0, 12.0, 55.0, 12.0, 55.0, 22.0, 15.0, 22.0]]]
    assert row["attributes"] == {"rotation": 0.0, "keypoints": [[35.0, 17.0, 2]]}, "stretched along its own side"
    undo(store, image, client(image), 4)
    undo(store, image, client(image), 5)
    assert rows(store, image)[0]["polygons"] == outline
    assert rows(store, image)[0]["attributes"] == shape["attributes"]


@pytest.fixture
def dataset(wb, tmp_path: Path) -> Dataset:
    """Return a dataset of one image with a plain box, one with attributes and a crowd region."""
    found = make(wb, yolo_folder(tmp_path / "set", {"a.png": "0 .5 .5 .5 .5"}, ["cat"]))
    [row] = found.images()
    boxes = [
        add("known", class_id=0, xyxy=[8, 8, 40, 40], attributes=ATTRIBUTES),
        add("crowd", class_id=0, xyxy=[4, 4, 60, 44], attributes={"crowd": True}),
        {"op": "image", "changes": {"tags": ["night"], "notes": "Look again."}},
    ]
    save(wb.store, row.id, 0, edit(1, *boxes))
    return found


def attributes(dataset: Dataset) -> list[dict | None]:
    found = dataset.annotation_rows([row.id for row in dataset.images()])
    return [row["attributes"] for rows in found.values() for row in rows]  # noqa: F402


def test_snapshot_clone_and_merge_carry_them(wb, dataset: Dataset, tmp_path: Path):
    finish(freeze(dataset, "one"))
    clone = Dataset.named(wb.store, wb.workspace, finish(clone_dataset(dataset, "copy"))["dataset"])
    managed = Dataset.named(wb.store, wb.workspace, finish(clone_dataset(dataset, "own", "managed"))["dataset"])
    other = make(wb, yolo_folder(tmp_path / "other", {"b.png": "0 .5 .5 .5 .5"}, ["cat"]), "other")
    finish(merge_dataset(managed, other))
    expected = [None, ATTRIBUTES, {"crowd": True}]
    assert attributes(clone) == expected and [each for each in attributes(managed) if each] == expected[1:]
    assert list(clone.remarks([row.id for row in clone.images()]).values()) == [
        {"tags": ["night"], "notes": "Look again."}
    ]
    [row] = dataset.images()
    frozen = Snapshot.open(dataset, "one")
    assert [each["attributes"] for each in frozen.annotation_rows([row.id])[row.id]] == expected
    assert frozen.remarks([row.id])[row.id] == {"tags": ["night"], "notes": "Look again."}
    change_it = [change("known", attributes={"occluded": False}), {"op": "image", "changes": {"tags": None}}]
    save(wb.store, row.id, 1, edit(2, *change_it))
    finish(freeze(dataset, "two"))
    differs = diff_snapshots(frozen, Snapshot.open(dataset, "two"))
    assert (differs["annotations"]["changed"], differs["rows"][0]["facts"]) == (1, ["tags"])


def test_a_crowd_is_no_object_to_learn_from(dataset: Dataset):
    [row] = dataset.images()
    assert len(dataset.annotations([row.id])[row.id]) == 2 and len(dataset.annotation_rows([row.id])[row.id]) == 3


def test_an_export_tells_of_what_its_format_has_no_room_for(dataset: Dataset):
    told, _ = export(dataset, "yolo")
    assert told["annotations"] == 2, "the crowd is not written as an object"
    notes = "\n".join(told["notes"])
    for name in ATTRIBUTES:
        assert f"1 attributes {name!r} are left out" in notes
    for said in ("1 crowd regions are left out", "1 images have tags", "1 images have notes"):
        assert said in notes
    tiled, _ = export(dataset, "yolo", tiling=Tiling(64))
    assert "they describe whole images" in "\n".join(tiled["notes"])
