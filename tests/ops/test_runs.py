"""The verbs of runs, on heads, box refiners and Qwen datasets that were really trained and built."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.ops import call, operations
from tator.storage.run_files import zip_run
from tator.storage.runs import Runs
from tator.types import BadInput, Conflict, NotFound
from tator.workflows.heads import heads_of
from tests.folders import coloured, make


def run(wb, kind: str, **arguments):
    return wb.jobs.run_here(operations()[kind].fn, kind, arguments)


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "squares"), "squares")


@pytest.fixture
def head(wb, squares: Dataset) -> str:
    job = wb.jobs.wait(call(wb, "heads_train", dataset="squares", name="first", encoder="colour_texture", c=1.0), 120)
    assert job["state"] == "succeeded", job["error"]
    return "first"


def test_families_are_known_as_soon_as_a_workspace_is_open(wb):
    rows = {row["family"]: row for row in call(wb, "runs_families")}
    assert {"heads", "box_refiner", "qwen_datasets"} <= rows.keys()
    assert rows["heads"]["train"] == "heads_train" and rows["heads"]["can_be_active"] and rows["heads"]["runs"] == 0
    assert rows["box_refiner"]["is_of_dataset"] and not rows["qwen_datasets"]["can_be_active"]
    assert all(row["train"] in operations() for row in rows.values() if row["family"] in ("heads", "box_refiner"))
    for verb, arguments in (("runs_list", {}), ("runs_get", {"name": "x"}), ("runs_delete", {"name": "x"})):
        with pytest.raises(NotFound, match="no family of runs is called 'tails'; there are: .*heads"):
            call(wb, verb, family="tails", **arguments)


def test_a_head_is_a_run_like_others(wb, head: str):
    (row,) = call(wb, "runs_list", family="heads")
    assert (row["name"], row["dataset"], row["active"]) == ("first", "squares", True)
    assert row["bytes"] == call(wb, "runs_download", family="heads", name="first")["bytes"] > 1_000
    (listed,) = call(wb, "heads_list")
    assert row["problem"] == "" and row["figures"] == {key: listed[key] for key in row["figures"]}
    assert row["figures"].keys() == {"encoder", "class_count", "accuracy", "majority_accuracy", "macro_f1"}
    got = call(wb, "runs_get", family="heads", name="first")
    assert got["report"]["metrics"]["accuracy"] == call(wb, "heads_get", name="first")["metrics"]["accuracy"]
    assert got["settings"]["c"] == 1.0 and got["problem"] == "" and "head.safetensors" in got["files"]
    assert call(wb, "runs_activate", family="heads") == {"active": ""}
    assert call(wb, "runs_activate", family="heads", name="first") == {"active": "first"}
    assert call(wb, "runs_rename", family="heads", name="first", new_name=" one ") == {"name": "one"}
    assert call(wb, "heads_active")["name"] == "one"
    entry = call(wb, "runs_delete", family="heads", name="one")["entry"]
    assert call(wb, "heads_list") == [] and call(wb, "trash_list")[0]["kind"] == "head"
    call(wb, "trash_restore", entry=entry)
    assert [row["name"] for row in call(wb, "heads_list")] == ["one"]


def test_training_again_takes_the_settings_of_a_run(wb, head: str):
    with pytest.raises(Conflict, match="'first' exists"):
        call(wb, "runs_train_again", family="heads", name="first", new_name="first")
    with pytest.raises(BadInput, match="head name"):
        call(wb, "runs_train_again", family="heads", name="first")
    told = call(wb, "runs_train_again", family="heads", name="first", new_name="second")
    job = wb.jobs.wait(told["job"], 120)
    assert told["name"] == "second" and job["state"] == "succeeded" and job["kind"] == "heads_train"
    first, second = (call(wb, "runs_get", family="heads", name=name) for name in ("first", "second"))
    assert second["settings"] == first["settings"]
    assert second["report"]["metrics"]["confusion"] == first["report"]["metrics"]["confusion"]


def test_a_head_of_another_workspace_comes_in_checked(wb, head: str, tmp_path: Path):
    heads = heads_of(wb.workspace)
    packed = zip_run(heads, "first")
    assert run(wb, "runs_import", family="heads", source=str(packed), name="copy")["name"] == "copy"
    assert heads.load("copy").classes == heads.load("first").classes and not heads.active() == "copy"
    with pytest.raises(Conflict, match="'copy' exists"):
        run(wb, "runs_import", family="heads", source=str(packed), name="copy")
    changed = tmp_path / "changed.zip"
    for change, message in (({"metrics": [1]}, "metrics must be dict"), ({"metrics": {"accuracy": "x"}}, "accuracy")):
        with zipfile.ZipFile(changed, "w") as archive:
            archive.write(heads.path("first"), "head.safetensors")
            archive.writestr("head.json", json.dumps(change))
        with pytest.raises(BadInput, match=message):
            run(wb, "runs_import", family="heads", source=str(changed), name="evil")
    assert [row["name"] for row in call(wb, "heads_list")] == ["copy", "first"]


def test_the_box_refiner_of_a_dataset_is_its_run(wb, squares: Dataset):
    run(wb, "refiner_train", dataset="squares")
    name = str(squares.id)
    call(wb, "datasets_rename", dataset="squares", new_name="tiles")
    assert [(row["name"], row["dataset"]) for row in call(wb, "runs_list", family="box_refiner")] == [(name, "tiles")]
    with pytest.raises(BadInput, match="leave new_name empty"):
        call(wb, "runs_train_again", family="box_refiner", name=name, new_name="other")
    job = wb.jobs.wait(call(wb, "runs_train_again", family="box_refiner", name=name)["job"], 120)
    assert job["state"] == "succeeded" and job["arguments"] == {"dataset": "tiles"}
    entry = call(wb, "runs_delete", family="box_refiner", name=name)["entry"]
    assert not call(wb, "refiner_status", dataset="tiles")["is_trained"]
    call(wb, "trash_restore", entry=entry)
    assert call(wb, "refiner_status", dataset="tiles")["is_trained"]


def test_a_deleted_qwen_dataset_waits_in_the_trash(wb, squares: Dataset):
    built = run(wb, "datasets_build_qwen", dataset="squares", name="Q: talk", context="Squares.")
    assert call(wb, "qwen_datasets_delete", name="Q: talk") == {"deleted": "Q: talk"}
    entry = call(wb, "trash_list")[0]
    assert (entry["kind"], entry["name"], entry["problem"]) == ("Qwen_dataset", "Q: talk", "")
    call(wb, "trash_restore", entry=entry["entry"])
    assert call(wb, "qwen_datasets_list") == [{key: value for key, value in built.items() if key != "notes"}]
    got = call(wb, "runs_get", family="qwen_datasets", name="Q: talk")
    assert got["settings"] == {"dataset": "squares", "val_share": 0.2, "seed": 42, "context": "Squares."}
    told = call(wb, "runs_train_again", family="qwen_datasets", name="Q: talk", new_name="again")
    assert wb.jobs.wait(told["job"], 60)["result"]["signature"] == built["signature"]


def test_a_qwen_dataset_from_before_tells_its_settings(wb, squares: Dataset):
    from tator.exporting.qwen_datasets import QWEN_SETS

    run(wb, "datasets_build_qwen", dataset="squares", context="Squares.")
    (Runs(wb.workspace, QWEN_SETS).place("squares") / "recipe.json").unlink()
    got = call(wb, "runs_get", family="qwen_datasets", name="squares")
    assert got["settings"] == {"dataset": "squares", "context": "Squares."} and got["dataset"] == "squares"
