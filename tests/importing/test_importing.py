"""Imports of folders, zips and uploads, made and real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tator.importing.creating import BATCH, import_dataset
from tator.ops import call
from tator.types import BadInput, Conflict, Forbidden, NotFound, Progress
from tests.folders import boxes, coco, finish, make, named, picture, reasons, report_of, same_boxes, text, yolo_folder


def zipped(folder: Path, path: Path, top: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + str(file.relative_to(folder)))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = {"a/x.png": "0 .5 .5 .5 .5", "b/x.png": "1 .5 .5 .2 .2", "c d/ü.jpg": "", "new.png": None}
    return yolo_folder(tmp_path / "source", rows, ["cat", "dog"])


EXPECTED = {"images/a/x.png": ["cat"], "images/b/x.png": ["dog"], "images/c d/ü.jpg": [], "images/new.png": []}


def labels(dataset) -> dict[str, list[str]]:
    return {path: [row[0] for row in found] for path, found in boxes(dataset).items()}


def test_linked_images_stay_in_place(wb, source: Path):
    linked = make(wb, source)
    assert labels(linked) == EXPECTED and linked.storage == "linked" and linked.root == source
    assert not list(wb.workspace.folder("datasets").iterdir())
    assert [row.state for row in linked.images()] == ["reviewed", "reviewed", "reviewed", "new"]


def test_managed_images_are_copied(wb, source: Path):
    managed = make(wb, source, storage="managed")
    shutil.rmtree(source)
    assert labels(managed) == EXPECTED and managed.root.is_relative_to(wb.workspace.folder("datasets"))
    assert all(managed.load(row).shape == (48, 64, 3) for row in managed.images())


@pytest.mark.parametrize("top", ["", "my data/"])
def test_zips_are_managed_and_their_root_is_found(wb, source: Path, tmp_path: Path, top: str):
    dataset = make(wb, zipped(source, tmp_path / "set.zip", top))
    assert labels(dataset) == EXPECTED and dataset.storage == "managed"


def test_uploads_keep_sub_folders_or_hold_one_zip(wb, source: Path, tmp_path: Path):
    upload_id, folder = wb.workspace.new_upload()
    shutil.copytree(source, folder, dirs_exist_ok=True)
    first = make(wb, f"upload:{upload_id}", "folder")
    other_id, other = wb.workspace.new_upload()
    zipped(source, other / "set.zip")
    second = make(wb, f"upload:{other_id}", "zip")
    assert labels(first) == labels(second) == EXPECTED
    assert first.storage == second.storage == "managed"
    assert not list(wb.workspace.folder("uploads").iterdir()), "an upload is used up"


def test_without_labels_classes_and_splits_are_read_anyway(wb, source: Path):
    text(source / "train.txt", "images/new.png\n")
    dataset = make(wb, source, with_labels=False)
    assert dataset.describe()["annotations"] == 0 and [c.name for c in dataset.classes()] == ["cat", "dog"]
    assert {row.state for row in dataset.images()} == {"new"} and len(dataset.images(splits=["train"])) == 1


def test_numbered_classes_stand_in_order(wb, tmp_path: Path):
    dataset = make(wb, yolo_folder(tmp_path / "s", {"a.png": "7 .5 .5 .1 .1\n2 .2 .2 .1 .1", "b.png": "0 .5 .5 .1 .1"}))
    assert [c.name for c in dataset.classes()] == ["class 0", "class 2", "class 7"]
    assert labels(dataset) == {"images/a.png": ["class 2", "class 7"], "images/b.png": ["class 0"]}
    assert report_of(dataset)["numbered_classes"] is True


def test_dropped_rows_leave_the_image_in_progress(wb, tmp_path: Path):
    dataset = make(
        wb, yolo_folder(tmp_path / "s", {"a.png": "0 .5 .5 .1 .1\n9 .5 .5 .1 .1", "b.png": "0 .5 .5 .1 .1"}, ["cat"])
    )
    assert [row.state for row in dataset.images()] == ["in_progress", "reviewed"]
    assert reasons(dataset) == {"class out of range": 1} and "labels/a.txt:2" in named(dataset)


def test_orphans_and_lists_that_name_nothing(wb, tmp_path: Path):
    root = yolo_folder(tmp_path / "s", {"a.png": "0 .5 .5 .1 .1"}, ["cat"])
    text(root / "labels" / "gone.txt", "0 .5 .5 .1 .1")
    text(root / "val.txt", "a\n\nimages/nowhere.png\n")
    dataset = make(wb, root)
    assert reasons(dataset) == {"label file without an image": 1, "listed image is not in the folder": 1}
    assert "labels/gone.txt" in named(dataset) and "val.txt:3" in named(dataset) and dataset.images()[0].split == "val"


@pytest.mark.parametrize(
    "lines",
    [
        "images/a.png",
        "a.png",
        "a",
        "./images/a.png",
        "images\\a.png",
        "/home/bob/data/images/a.png",
        "C:\\data\\images\\a.png",
    ],
)
def test_split_lists_may_hold_paths_names_or_stems(wb, tmp_path: Path, lines: str):
    root = yolo_folder(tmp_path / "s", {"a.png": "", "b.png": ""})
    text(root / "test.txt", lines + "\n")
    assert [row.split for row in make(wb, root).images()] == ["test", None]


@pytest.mark.parametrize("layout", ["{split}/{kind}/{name}", "{kind}/{split}/{name}"])
def test_split_layouts_with_data_yaml(wb, tmp_path: Path, layout: str):
    root = tmp_path / "s"
    for split in ("train", "val", "test"):
        picture(root / layout.format(split=split, kind="images", name="same.png"))
        text(root / layout.format(split=split, kind="labels", name="same.txt"), "0 .5 .5 .25 .25")
    paths = {
        split: layout.format(split=split, kind="images", name="").rstrip("/") for split in ("train", "val", "test")
    }
    text(root / "data.yaml", json.dumps({**paths, "nc": 1, "names": ["boat"]}))
    dataset = make(wb, root)
    assert sorted(row.split for row in dataset.images()) == ["test", "train", "val"]
    assert (
        all(found == [("boat", 24.0, 18.0, 40.0, 30.0)] for found in boxes(dataset).values())
        and len(boxes(dataset)) == 3
    )


def test_coco_files_merge_categories_by_name(wb, tmp_path: Path):
    root = tmp_path / "s"
    for split, categories in (("train", ("cat", "dog")), ("val", ("dog", "owl"))):
        picture(root / split / "same.png")
        text(root / "annotations" / f"instances_{split}2017.json", coco(["same.png"], [{"category_id": 2}], categories))
    dataset = make(wb, root)
    assert [c.name for c in dataset.classes()] == ["cat", "dog", "owl"]
    assert labels(dataset) == {"train/same.png": ["dog"], "val/same.png": ["owl"]}
    assert [row.split for row in dataset.images()] == ["train", "val"]


def test_names_that_cannot_be_kept_are_changed_and_said(wb, tmp_path: Path):
    dataset = make(
        wb, yolo_folder(tmp_path / "s", {"a.png": "2 .5 .5 .1 .1"}, ["car", "ca\u200br", "\u202e", "x" * 300])
    )
    assert [c.name for c in dataset.classes()] == ["car", "car (2)", "class 2", "x" * 100]
    assert reasons(dataset, "repaired") == {"class name changed": 3}


def test_sources_that_are_refused_leave_nothing(wb, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    text(tmp_path / "notes.txt", "hello")
    text(tmp_path / "broken.zip", "hello")
    picture(tmp_path / "image.png")
    for source, error in (
        ("empty", BadInput),
        ("gone", NotFound),
        ("notes.txt", BadInput),
        ("broken.zip", BadInput),
        ("image.png", BadInput),
    ):
        with pytest.raises(error, match=source.partition(".")[0]):
            make(wb, tmp_path / source)
    with pytest.raises(BadInput, match="storage"):
        make(wb, tmp_path / "empty", storage="borrowed")
    wb.workspace.source_roots = [tmp_path / "empty"]
    with pytest.raises(Forbidden):
        make(wb, tmp_path)
    assert call(wb, "datasets_list") == [] and not list(wb.workspace.folder("datasets").iterdir())


def test_a_taken_name(wb, source: Path):
    make(wb, source)
    with pytest.raises(Conflict, match="'set' exists"):
        make(wb, source)


@pytest.mark.parametrize("storage", ["linked", "managed"])
@pytest.mark.parametrize("steps", [2, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (1, 3, 4))])
def test_a_cut_import_goes_on_where_it_stopped(wb, tmp_path: Path, storage: str, steps: int):
    """Closing the generator is what a cancel does; a kill leaves the same: whole batches or nothing."""
    root = tmp_path / "s"
    picture(root / "images" / "0000.png")
    for n in range(1, 2 * BATCH + 20):
        shutil.copy(root / "images" / "0000.png", root / "images" / f"{n:04}.png")
    yolo_folder(root, {"0001.png": "0 .5 .5 .5 .5\n5 0 0 1 1", "0400.png": "0 .5 .5 .5 .5"}, ["cat"])
    work = import_dataset(wb.workspace, wb.store, "set", str(root), storage)
    for _ in range(steps):
        next(work)
    work.close()
    assert wb.dataset("set").describe()["is_complete"] is False
    with pytest.raises(Conflict):
        make(wb, tmp_path)
    dataset = make(wb, root, storage=storage)
    facts = dataset.describe()
    assert facts["is_complete"] and facts["images"] == 2 * BATCH + 20 and facts["annotations"] == 2
    assert facts["report"]["read"]["images"] == 2 * BATCH + 20 and reasons(dataset) == {"class out of range": 1}


def test_an_upload_cut_after_its_move_goes_on(wb, source: Path):
    upload_id, folder = wb.workspace.new_upload()
    shutil.copytree(source, folder, dirs_exist_ok=True)
    work = import_dataset(wb.workspace, wb.store, "set", f"upload:{upload_id}")
    next(work), next(work)
    work.close()
    assert labels(make(wb, f"upload:{upload_id}")) == EXPECTED


def test_progress_counts_images(wb, source: Path):
    seen = list(import_dataset(wb.workspace, wb.store, "set", str(source)))
    assert all(isinstance(step, Progress) for step in seen) and seen[-1].done == seen[-1].total == 4


def test_the_operation_is_a_job(wb, source: Path):
    job = call(wb, "datasets_create", name="set", source=str(source))
    done = wb.jobs.wait(job, 60)
    assert done["state"] == "succeeded" and done["result"]["images"] == 4
    assert call(wb, "datasets_get", dataset="set")["classes"][1]["annotations"] == 1


def test_bccd(wb, data: Path):
    dataset = make(wb, data / "bccd")
    facts = dataset.describe()
    assert (
        facts["images"] == 364
        and facts["annotations"] == 4886
        and facts["splits"] == {"train": 205, "val": 87, "test": 72}
    )
    assert [(c["name"], c["annotations"]) for c in facts["classes"]] == [
        ("RBC", 4153),
        ("WBC", 372),
        ("Platelets", 361),
    ]
    assert not reasons(dataset) and facts["states"]["reviewed"] == 364


def test_ships_dirty(wb, data: Path):
    dataset = make(wb, data / "ships_dirty")
    facts = dataset.describe()
    assert facts["images"] == 405 and facts["states"] == {"new": 88, "in_progress": 0, "reviewed": 317}
    assert [c.name for c in dataset.classes()] == ["Ships"] and facts["splits"] == {"train": 405}
    assert reasons(dataset) == {"split folder is not in the dataset": 2} and "../valid/images" in named(dataset)
    assert not reasons(dataset, "repaired"), "../train/images is train/images, as trainers read it"


def test_chess_has_a_stray_super_class(wb, data: Path):
    dataset = make(wb, data / "chess")
    facts = dataset.describe()
    assert facts["images"] == 58 and facts["annotations"] == 386
    assert [c["name"] for c in facts["classes"] if not c["annotations"]] == ["bishop"]
    assert "'pieces'" in named(dataset, "repaired")


def test_facade_has_polygons_and_equal_basenames(wb, data: Path):
    dataset = make(wb, data / "facade")
    rows = dataset.images()
    assert len(rows) == 108 and sum(row.path.startswith("valid/images/") for row in rows) == 24
    shapes = [a for found in dataset.annotation_rows([row.id for row in rows]).values() for a in found]
    assert len(shapes) == 3849 and sum(bool(a["polygons"]) for a in shapes) > 3800


def test_the_two_coco_encodings_of_one_ground_truth_are_equal(wb, data: Path, tmp_path: Path):
    found = []
    for version in ("coco_format_v1", "coco_format_v2"):
        root = tmp_path / version
        (root / "images").mkdir(parents=True)
        for path in (data / "formats" / "images").iterdir():
            (root / "images" / path.name).symlink_to(path)
        for path in (data / "formats" / "gts" / version).glob("*.json"):
            shutil.copy(path, root)
        root = Path(shutil.copytree(root, tmp_path / f"{version} copy"))
        found.append(boxes(make(wb, root, version)))
    assert found[0].keys() == found[1].keys() and len(found[0]) == 100
    assert all(same_boxes(found[0][path], found[1][path]) for path in found[0])


def test_finish_returns_the_summary(wb, source: Path):
    result = finish(import_dataset(wb.workspace, wb.store, "set", str(source)))
    assert (
        result["images"] == 4 and result["labelled"] == 3 and result["unlabelled"] == 1 and result["format"] == "yolo"
    )


@pytest.mark.slow
def test_a_killed_import_goes_on_where_it_stopped(wb, tmp_path: Path):
    """kill -9 after some batches: whole batches are there, and a second run adds exactly the rest."""
    root = tmp_path / "s"
    picture(root / "images" / "0000.png")
    for n in range(1, 4 * BATCH):
        shutil.copy(root / "images" / "0000.png", root / "images" / f"{n:04}.png")
    code = (
        f"import time; from pathlib import Path; from tator.workbench import Workbench; from tator.importing.creating import import_dataset\n"
        f"wb = Workbench.at(Path({str(wb.workspace.home)!r}))\n"
        f"for step in import_dataset(wb.workspace, wb.store, 'set', {str(root)!r}):\n"
        f"    print(step.done, flush=True)\n"
        f"    time.sleep(60 if step.done >= {2 * BATCH} else 0)  # to be killed here, however busy the machine is"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    for line in child.stdout:
        if int(line) >= 2 * BATCH:
            child.kill()
            break
    child.wait()
    there = wb.dataset("set").describe()["images"]
    assert there == 2 * BATCH and not wb.dataset("set").describe()["is_complete"]
    dataset = make(wb, root)
    assert dataset.describe()["images"] == 4 * BATCH == report_of(dataset)["read"]["images"]
