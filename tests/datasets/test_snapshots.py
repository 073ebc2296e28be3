"""Freeze a dataset, compare two states, export one byte for byte alike however the dataset goes on."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.datasets.snapshot_diff import diff_snapshots
from tator.datasets.snapshots import Snapshot, freeze, snapshots_of
from tator.datasets.splitting import split_dataset
from tator.editing.edits import save_edits
from tator.exporting.writing import export_dataset
from tator.ops import call
from tator.types import BadInput, Conflict, NotFound
from tests.folders import boxes, finish, make, picture, text, yolo_folder

BOX = "0 .5 .5 .5 .5"


@pytest.fixture
def dataset(wb, tmp_path: Path) -> Dataset:
    rows = {"a.png": f"{BOX}\n1 .25 .25 .25 .25", "val/b.png": BOX, "c.png": ""}
    root = yolo_folder(tmp_path / "s", rows, ["cat", "dog"])
    text(root / "text_labels" / "a.txt", "a cat")
    return make(wb, root)


def edit(dataset: Dataset, path: str, *ops: dict) -> None:
    row = next(row for row in dataset.images() if row.path == path)
    save_edits(
        dataset.store,
        row.id,
        row.revision,
        os.urandom(6).hex(),
        [{"seq": 1, "kind": "edit", "label": "x", "ops": list(ops)}],
    )


def first_id(dataset: Dataset, path: str) -> str:
    row = next(row for row in dataset.images() if row.path == path)
    return dataset.annotation_rows([row.id])[row.id][0]["id"]


def exported(dataset: Dataset, snapshot: str, format: str = "yolo") -> bytes:
    result = finish(export_dataset(Snapshot.open(dataset, snapshot), format))
    return (dataset.workspace.folder("exports") / result["file"]).read_bytes()


@pytest.mark.parametrize("format", ["yolo", "coco", "voc", "cvat", "qwen"])
def test_an_export_of_a_snapshot_is_the_same_bytes_whatever_happens_after(dataset: Dataset, format: str):
    facts = finish(freeze(dataset, "v1"))
    assert (facts["images"], facts["annotations"]) == (3, 3) and len(facts["sha256"]) == 64
    before = exported(dataset, "v1", format)
    edit(dataset, "images/a.png", {"op": "delete", "id": first_id(dataset, "images/a.png")})
    edit(dataset, "images/c.png", {"op": "image", "changes": {"state": "new", "caption": "x"}})
    dataset.rename_class(0, "tomcat")
    dataset.reorder([1, 0])
    dataset.add_class("bird")
    split_dataset(dataset, "image", 0, 0, 1)
    assert exported(dataset, "v1", format) == before
    with zipfile.ZipFile(dataset.workspace.folder("exports") / finish(export_dataset(dataset, format))["file"]) as now:
        assert any("test" in name for name in now.namelist()) or format == "cvat"


def test_equal_content_has_an_equal_hash_and_freezing_twice_is_refused(dataset: Dataset):
    one, two = finish(freeze(dataset, "v1")), finish(freeze(dataset, "v2"))
    assert one["sha256"] == two["sha256"]
    assert [each["name"] for each in snapshots_of(dataset)] == ["v2", "v1"]
    with pytest.raises(Conflict, match="v1"):
        finish(freeze(dataset, "v1"))
    edit(dataset, "images/a.png", {"op": "delete", "id": first_id(dataset, "images/a.png")})
    assert finish(freeze(dataset, "v3"))["sha256"] != one["sha256"]


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "a\nb", "x" * 101, " "])
def test_odd_names_are_refused(dataset: Dataset, name: str):
    with pytest.raises(BadInput, match="snapshot name"):
        finish(freeze(dataset, name))
    assert not list(dataset.workspace.folder("snapshots").iterdir())


def test_a_changed_file_is_refused(dataset: Dataset):
    finish(freeze(dataset, "v1"))
    (path,) = dataset.workspace.folder("snapshots").iterdir()
    assert path.stat().st_mode & 0o222 == 0
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(gzip.compress(gzip.decompress(whole).replace(b"cat", b"dog"), mtime=0))
    with pytest.raises(Conflict, match="hash differs"):
        Snapshot.open(dataset, "v1")
    path.write_bytes(whole[:-20])
    with pytest.raises(Conflict, match="damaged"):
        Snapshot.open(dataset, "v1")
    path.unlink()
    with pytest.raises(NotFound, match="missing"):
        Snapshot.open(dataset, "v1")
    with pytest.raises(NotFound, match="v9"):
        Snapshot.open(dataset, "v9")


def test_an_image_that_changed_since_is_left_out_by_name(dataset: Dataset):
    finish(freeze(dataset, "v1"))
    picture(dataset.root / "images" / "a.png", (64, 48), compress_level=0)
    (dataset.root / "images" / "c.png").unlink()
    result = finish(export_dataset(Snapshot.open(dataset, "v1"), "yolo"))
    assert {row["file"]: row["reason"].split()[-1] for row in result["left_out"]} == {
        "images/a.png": "'set-v1'",
        "images/c.png": str(dataset.root),
    }
    assert result["images"] == 1


def test_a_diff_names_what_came_went_and_changed(dataset: Dataset):
    finish(freeze(dataset, "v1"))
    edit(
        dataset,
        "images/a.png",
        {"op": "delete", "id": first_id(dataset, "images/a.png")},
        {"op": "add", "annotation": {"id": "n1", "class_id": 1, "xyxy": [1, 1, 9, 9]}},
    )
    edit(
        dataset,
        "images/val/b.png",
        {"op": "set", "id": first_id(dataset, "images/val/b.png"), "changes": {"class_id": 1}},
    )
    edit(dataset, "images/c.png", {"op": "image", "changes": {"caption": "empty"}})
    dataset.rename_class(0, "tomcat")
    dataset.add_class("bird")
    finish(freeze(dataset, "v2"))
    found = diff_snapshots(Snapshot.open(dataset, "v1"), Snapshot.open(dataset, "v2"))
    assert not found["same"] and found["images"] == {"added": 0, "removed": 0, "changed": 3}
    assert found["annotations"] == {"added": 1, "removed": 1, "changed": 1}
    assert found["classes"] == {"added": ["bird"], "removed": [], "renamed": [["cat", "tomcat"]]}
    assert {row["name"]: row["facts"] for row in found["rows"]} == {
        "images/a.png": [],
        "images/val/b.png": [],
        "images/c.png": ["caption"],
    }
    back = diff_snapshots(Snapshot.open(dataset, "v2"), Snapshot.open(dataset, "v1"))
    assert back["classes"]["removed"] == ["bird"]
    assert diff_snapshots(Snapshot.open(dataset, "v1"), Snapshot.open(dataset, "v1"))["same"]


def test_a_cut_freeze_leaves_nothing(dataset: Dataset):
    work = freeze(dataset, "v1")
    next(work)
    work.close()
    assert snapshots_of(dataset) == [] and not list(dataset.workspace.folder("snapshots").iterdir())


def test_by_operation(wb, dataset: Dataset):
    job = wb.jobs.wait(call(wb, "snapshots_create", dataset="set", name="v1"), 60)
    assert job["state"] == "succeeded" and job["result"]["name"] == "v1"
    job = wb.jobs.wait(call(wb, "datasets_export", dataset="set", format="coco", snapshot="v1"), 60)
    assert job["result"]["annotations"] == 3
    assert call(wb, "snapshots_diff", dataset="set", old="v1", new="v1")["same"]
    assert call(wb, "snapshots_delete", dataset="set", name="v1")["deleted"] == "v1"
    assert boxes(dataset)
