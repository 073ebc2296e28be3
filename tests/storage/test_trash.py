"""Deleting puts things into the trash, where nothing of them is lost; restoring and deleting for good."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import freeze
from tator.editing import edits
from tator.importing.creating import import_dataset
from tator.ops import call
from tator.sample.project import NAME, create_sample
from tator.storage import schema
from tator.storage.trash_files import TrashFolder
from tator.types import BadInput, Conflict, NotFound
from tator.workflows.heads import Head, heads_of, keep_head
from tests.deleting import delete, dump, entries, files, full_dataset, purge
from tests.folders import finish, make, yolo_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    return full_dataset(wb, tmp_path)


def test_a_restored_dataset_has_every_row_it_had(wb, pets: Dataset):
    before, disk = dump(wb), files(pets.root)
    entry = delete(wb, "pets")
    assert entry == f"dataset-{pets.id}" and entries(wb) == [("dataset", "pets")]
    listed = call(wb, "trash_list")[0]
    assert (listed["images"], listed["annotations"], listed["problem"]) == (3, 4, "") and listed["deleted_at"] > 1e9
    assert {name: rows for name, rows in dump(wb).items() if name != "dataset"} == {
        name: rows for name, rows in before.items() if name != "dataset"
    }
    assert call(wb, "trash_restore", entry=entry)["name"] == "pets"
    assert dump(wb) == before and files(pets.root) == disk and entries(wb) == []
    row = pets.images()[2]
    assert edits.redo(wb.store, row.id, "me", 4)["label"] == "Redo e2", "the history goes on where it was"
    assert edits.undo(wb.store, row.id, "other", 1)["label"] == "Undo e2"
    assert call(wb, "datasets_text_label_get", dataset="pets", image="images/a.png")["caption"] == "A cat on a mat"
    assert call(wb, "datasets_glossary_get", dataset="pets")["entries"][0]["synonyms"] == ["kitty"]
    assert [row["name"] for row in call(wb, "snapshots_list", dataset="pets")] == ["v1"]
    job = wb.jobs.wait(call(wb, "datasets_export", dataset="pets", format="coco", snapshot="v1"), 60)
    assert job["result"]["annotations"] == 4


def test_nothing_opens_what_is_in_the_trash(wb, pets: Dataset):
    rows = pets.images()
    delete(wb, "pets")
    assert (
        call(wb, "datasets_list") == []
        and call(wb, "system_health")["datasets"] == 0 == call(wb, "system_health")["images"]
    )
    edit = json.dumps([{"seq": 9, "kind": "edit", "label": "x", "ops": [{"op": "image", "changes": {"state": "new"}}]}])
    key = rows[2].id
    asked = {
        "image_open": {"image_id": key},
        "annotations_save": {"image_id": key, "base_revision": 3, "client_id": "me", "edits": edit},
        "annotations_undo": {"image_id": key, "client_id": "me", "seq": 9},
        "annotations_redo": {"image_id": key, "client_id": "me", "seq": 9},
        "image_lease": {"image_id": key, "client_id": "me"},
        "segment": {"image_id": key, "positive": [9.0, 9.0]},
        "slots_preload": {"image_id": key},
    }
    before = dump(wb)
    for name, arguments in asked.items():
        with pytest.raises(NotFound, match="'pets', which is in the trash; restore it first"):
            call(wb, name, **arguments)
    with pytest.raises(NotFound, match="in the trash"):
        Dataset.of_image(wb.store, wb.workspace, key)
    for name in ("datasets_get", "images_list", "datasets_stats", "snapshots_list", "datasets_glossary_get"):
        with pytest.raises(NotFound, match="no dataset is called 'pets'"):
            call(wb, name, dataset="pets")
    with wb.store.read() as conn:
        hidden = conn.execute(select(schema.dataset.c.name)).scalar_one()
    for name in ("datasets_get", "images_list"):
        with pytest.raises(NotFound):
            call(wb, name, dataset=hidden)
    with pytest.raises(NotFound):
        call(wb, "datasets_delete", dataset="pets", confirm="pets")
    assert dump(wb) == before


def test_a_name_is_free_at_once_and_a_taken_one_asks_for_another(wb, pets: Dataset, tmp_path: Path):
    first = delete(wb, "pets")
    other = make(wb, yolo_folder(tmp_path / "other", {"z.png": "0 .5 .5 .5 .5"}, ["fox"]), "pets")
    with pytest.raises(Conflict, match="'pets' exists; give another name"):
        call(wb, "trash_restore", entry=first)
    for refused in ("a/b", "trash:/1", ".x", "x" * 101):
        with pytest.raises(BadInput, match="dataset name"):
            call(wb, "trash_restore", entry=first, new_name=refused)
    assert call(wb, "trash_restore", entry=first, new_name=" old pets ")["name"] == "old pets"
    assert [row["name"] for row in call(wb, "datasets_list")] == ["old pets", "pets"]
    assert wb.dataset("old pets").id == pets.id and wb.dataset("pets").id == other.id
    delete(wb, "pets")
    call(wb, "datasets_rename", dataset="old pets", new_name="pets")
    delete(wb, "pets")
    assert entries(wb) == [("dataset", "pets")] * 2, "two of one name may lie in the trash, the newest first"
    assert call(wb, "trash_list")[0]["entry"] == first
    with pytest.raises(NotFound, match="'dataset-99'"):
        call(wb, "trash_restore", entry="dataset-99")


def test_a_dataset_is_deleted_once_even_when_two_ask(wb, pets: Dataset):
    from tator.datasets.removal import remove_dataset

    remove_dataset(pets, "pets", "ann")
    with pytest.raises(NotFound, match="'pets'"):
        remove_dataset(pets, "pets", "bob")
    assert call(wb, "trash_list")[0]["user"] == "ann" and call(wb, "trash_list")[0]["name"] == "pets"


def test_an_unfinished_import_goes_on_after_the_trash(wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tator.importing.filling.BATCH", 4)
    root = yolo_folder(tmp_path / "src", {f"{n:02}.png": "0 .5 .5 .5 .5" for n in range(12)}, ["cat"])
    work = import_dataset(wb.workspace, wb.store, "cut", str(root))
    while next(work).done < 8:
        pass
    work.close()
    entry = delete(wb, "cut")
    call(wb, "trash_restore", entry=entry)
    assert not call(wb, "datasets_list")[0]["is_complete"]
    assert len(make(wb, root, "cut").images()) == 12 and call(wb, "datasets_list")[0]["is_complete"]


def test_snapshots_come_back_and_go(wb, pets: Dataset):
    place = wb.workspace.folder("snapshots")
    entry = call(wb, "snapshots_delete", dataset="pets", name="v1")["entry"]
    assert call(wb, "snapshots_list", dataset="pets") == [] and len(list(place.iterdir())) == 1
    with pytest.raises(NotFound, match="no snapshot 'v1'"):
        call(wb, "snapshots_delete", dataset="pets", name="v1")
    finish(freeze(pets, "v1"))
    listed = call(wb, "trash_list")[0]
    assert (listed["kind"], listed["name"], listed["of"], listed["images"]) == ("snapshot", "v1", "pets", 3)
    with pytest.raises(Conflict, match="has a snapshot 'v1'; give another name"):
        call(wb, "trash_restore", entry=entry)
    with pytest.raises(BadInput, match="snapshot name"):
        call(wb, "trash_restore", entry=entry, new_name="a/b")
    assert call(wb, "trash_restore", entry=entry, new_name="v0")["name"] == "v0"
    assert call(wb, "snapshots_diff", dataset="pets", old="v0", new="v1")["same"]
    again = call(wb, "snapshots_delete", dataset="pets", name="v0")["entry"]
    whole = delete(wb, "pets")
    with pytest.raises(Conflict, match="'pets' is in the trash; restore it first"):
        call(wb, "trash_restore", entry=again)
    call(wb, "trash_restore", entry=whole)
    assert purge(wb, again)["freed_bytes"] > 100 and len(list(place.iterdir())) == 1
    assert [row["name"] for row in call(wb, "snapshots_list", dataset="pets")] == ["v1"]


def head(*names: str) -> Head:
    layer = (np.ones((3, len(names)), np.float32), np.zeros(len(names), np.float32))
    return Head(names, "colour_texture", 1, np.zeros(3, np.float32), np.ones(3, np.float32), (layer,))


def test_heads_come_back_and_go(wb):
    shelf = heads_of(wb.workspace)
    keep_head(shelf, "first", head("cat", "dog"), {"dataset": "pets", "metrics": {}})
    shelf.activate("first")
    entry = call(wb, "heads_delete", name="first")["entry"]
    assert shelf.names() == [] and shelf.active() == "" and entries(wb) == [("head", "first")]
    assert call(wb, "trash_list")[0]["bytes"] > 100
    keep_head(shelf, "first", head("fox", "owl"), {"dataset": "birds", "metrics": {}})
    with pytest.raises(Conflict, match="'first' exists"):
        call(wb, "trash_restore", entry=entry)
    with pytest.raises(BadInput, match="head name"):
        call(wb, "trash_restore", entry=entry, new_name="../x")
    assert call(wb, "trash_restore", entry=entry, new_name="second")["name"] == "second"
    assert shelf.load("second").classes == ("cat", "dog") and shelf.report("second")["name"] == "second"
    assert shelf.load("first").classes == ("fox", "owl") and shelf.active() == "" and entries(wb) == []
    entry = call(wb, "heads_delete", name="second")["entry"]
    assert purge(wb, entry)["freed_bytes"] > 100 and not list(wb.workspace.folder("trash").iterdir())


def test_glossaries_come_back_and_go(wb):
    saved = call(wb, "glossaries_save", name="Roads", text="car: auto, motor\nvan: box van")
    entry = call(wb, "glossaries_delete", name="roads")["entry"]
    assert call(wb, "glossaries_list") == [] and entries(wb) == [("glossary", "Roads")]
    call(wb, "glossaries_save", name="roads", text="tram: streetcar")
    with pytest.raises(Conflict, match="'Roads' exists"):
        call(wb, "trash_restore", entry=entry)
    assert call(wb, "trash_restore", entry=entry, new_name="Streets")["name"] == "Streets"
    assert call(wb, "glossaries_get", name="streets") == saved | {"name": "Streets"} and entries(wb) == []
    purge(wb, call(wb, "glossaries_delete", name="Streets")["entry"])
    assert [row["name"] for row in call(wb, "glossaries_list")] == ["roads"] and entries(wb) == []


def test_a_crash_between_the_note_and_the_move_loses_nothing(wb):
    shelf = heads_of(wb.workspace)
    keep_head(shelf, "kept", head("cat", "dog"), {"dataset": "pets", "metrics": {}})
    folder = TrashFolder(wb.workspace)
    entry = folder.throw("head", "kept", "", shelf.folder / "kept")
    os.replace(
        folder.folder / entry / "content", shelf.folder / "kept"
    )  # as it was before the move, or after the way back
    assert shelf.names() == ["kept"] and entries(wb) == []
    call(wb, "heads_delete", name="kept")
    assert entries(wb) == [("head", "kept")]


@pytest.mark.slow
def test_the_sample_comes_back_from_the_trash(wb):
    sample = create_sample(wb)
    before = dump(wb)
    entry = delete(wb, NAME)
    assert create_sample(wb) is None
    call(wb, "trash_restore", entry=entry)
    assert dump(wb) == before and create_sample(wb) == sample
