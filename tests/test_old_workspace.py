"""A workspace from before the shelf of runs is opened and goes on: nothing of it is lost, and nothing learns anew."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tator.ops import call, operations
from tator.workbench import Workbench
from tator.workflows.heads.recipe import HeadRecipe
from tests.deleting import entries
from tests.old_workspace import HOME, TARGET, forget_place


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Workbench]:
    home = tmp_path / "home"
    with zipfile.ZipFile(TARGET) as archive:
        archive.extractall(home)
    forget_place(home / "tator.db", {HOME: str(home)})
    bench = Workbench.at(home)
    yield bench
    bench.close()


@pytest.fixture
def facts(old: Workbench) -> dict:
    return json.loads((old.workspace.home / "facts.json").read_text(encoding="utf-8"))


def run(wb: Workbench, kind: str, **arguments):
    return wb.jobs.run_here(operations()[kind].fn, kind, arguments)


def test_heads_of_before_predict_are_active_and_train_again(old: Workbench, facts: dict):
    assert call(old, "heads_list") == facts["heads"] and call(old, "heads_active")["name"] == "first"
    named = call(old, "classify_boxes", image_id=facts["image"], boxes=facts["boxes"])["boxes"]
    assert [box["class_name"] for box in named] == [box["class_name"] for box in facts["named"]]
    assert named[0]["confidence"] == pytest.approx(facts["named"][0]["confidence"], abs=1e-4)
    call(old, "heads_rename", name="first", new_name="renamed")
    assert (
        call(old, "heads_active")["name"] == "renamed" and call(old, "heads_get", name="renamed")["name"] == "renamed"
    )
    told = call(old, "runs_train_again", family="heads", name="second", new_name="third")
    assert old.jobs.wait(told["job"], 120)["state"] == "succeeded"
    settings = [call(old, "heads_get", name=name)["settings"] for name in ("second", "third")]
    assert settings[0] == settings[1] and settings[0]["c"] == 0.1


def test_the_trash_of_before_gives_each_thing_back(old: Workbench):
    thrown = entries(old)
    assert sorted(thrown) == [
        ("dataset", "thrown away"),
        ("glossary", "Thrown words"),
        ("head", "thrown head"),
        ("snapshot", "thrown snapshot"),
    ]
    for row in call(old, "trash_list"):
        assert row["problem"] == "" and call(old, "trash_restore", entry=row["entry"])["name"] == row["name"]
    assert entries(old) == [] and len(old.dataset("thrown away").images()) == 6
    assert "thrown head" in [row["name"] for row in call(old, "heads_list")]
    assert [row["name"] for row in call(old, "glossaries_list")] == ["Roads", "Thrown words"]
    assert {row["name"] for row in call(old, "snapshots_list", dataset="squares")} == {"v1", "thrown snapshot"}


def test_a_snapshot_of_before_exports_the_same_bytes(old: Workbench, facts: dict):
    made = run(old, "datasets_export", dataset="squares", format="coco", snapshot="v1")
    assert made["sha256"] == facts["snapshot_sha256"]


def test_the_refiner_of_before_tightens_without_learning_again(old: Workbench, facts: dict):
    assert call(old, "refiner_status", dataset="squares") == facts["refiner"]
    tight = call(old, "tweak_boxes", image_id=facts["image"], boxes=facts["boxes"])["boxes"]
    assert tight[0]["xyxy"] == pytest.approx(facts["tight"][0]["xyxy"], abs=0.01)
    assert call(old, "refiner_status", dataset="squares") == facts["refiner"], "its time of training too"


def test_jobs_edits_captions_words_and_recipes_of_before_are_there(old: Workbench, facts: dict):
    assert sorted(job["kind"] for job in call(old, "jobs_list")) == facts["jobs"]
    image, squares = facts["image"], old.dataset("squares")
    count = len(squares.annotations([image])[image])
    undone = call(old, "annotations_undo", image_id=image, client_id="old", seq=2)
    assert undone["label"] == "Undo Draw" and len(squares.annotations([image])[image]) == count - 1
    caption = call(old, "datasets_text_label_get", dataset="squares", image="images/0.png")["caption"]
    assert caption == "Four squares"
    assert call(old, "datasets_glossary_get", dataset="squares")["entries"][0]["synonyms"] == ["crimson"]
    assert HeadRecipe.load(old.workspace.folder("recipes"), "mine").c == 2.0


def test_a_qwen_dataset_of_before_is_listed_and_built_again(old: Workbench, facts: dict):
    listed = call(old, "qwen_datasets_list")
    assert [row | {"folder": ""} for row in listed] == facts["qwen"] and Path(listed[0]["folder"]).is_dir()
    told = call(old, "runs_train_again", family="qwen_datasets", name="talk", new_name="more talk")
    assert old.jobs.wait(told["job"], 60)["result"]["classes"] == listed[0]["classes"]


def test_boxes_and_images_of_before_have_no_attributes_and_can_get_some(old: Workbench, facts: dict):
    squares = old.dataset("squares")
    image = facts["image"]
    before = call(old, "image_open", image_id=image)
    assert before["annotations"] and not any("attributes" in row for row in before["annotations"])
    assert (before["tags"], before["notes"]) == (None, None)
    assert all(row.skeleton is None for row in squares.classes())
    key = before["annotations"][0]["id"]
    ops = [
        {"op": "set", "id": key, "changes": {"attributes": {"occluded": True}}},
        {"op": "image", "changes": {"tags": ["night"]}},
    ]
    edits = json.dumps([{"seq": 2, "ops": ops}])
    call(old, "annotations_save", image_id=image, base_revision=before["revision"], client_id="old", edits=edits)
    after = call(old, "image_open", image_id=image)
    assert after["tags"] == ["night"]
    assert {row["id"]: row.get("attributes") for row in after["annotations"]}[key] == {"occluded": True}
    changes = call(old, "annotations_undo", image_id=image, client_id="old", seq=3)
    assert changes["revision"] == before["revision"] + 2
    assert call(old, "image_open", image_id=image)["annotations"] == before["annotations"]
