"""Look at another dataset and merge it, each of its classes joined to one of ours, new or left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.ops import call
from tator.types import BadInput, NotFound
from tests.folders import boxes, make, picture, report_of, text, yolo_folder

BOX = "0 .5 .5 .5 .5"
ROWS = {
    "a.png": f"{BOX}\n1 .2 .2 .1 .1\n2 .8 .8 .1 .1",
    "train/b.png": f"{BOX}\n0 .2 .2 .1 .1",
    "val/c.png": "",
    "d.png": None,
}


@pytest.fixture
def ours(wb, tmp_path: Path) -> Dataset:
    ours = make(wb, yolo_folder(tmp_path / "ours", {"z.png": BOX}, ["cat", "dog"]), "ours", "managed")
    call(wb, "datasets_glossary_set", dataset="ours", text="dog: hound")
    return ours


@pytest.fixture
def theirs(wb, tmp_path: Path) -> Dataset:
    root = yolo_folder(tmp_path / "theirs", ROWS, ["Cat", "hound", "bowl", "nothing"])
    text(root / "images" / "broken.png", "no picture")
    text(root / "text_labels" / "a.txt", "a cat and a dog")
    return make(wb, root, "theirs")


def done(wb, name: str, **arguments) -> dict:
    job = wb.jobs.wait(call(wb, name, **arguments), 60)
    assert job["state"] == "succeeded", job["error"]
    return job["result"]


def failed(wb, name: str, **arguments) -> str:
    job = wb.jobs.wait(call(wb, name, **arguments), 60)
    assert job["state"] == "failed"
    return f"{job['error']['code']}: {job['error']['message']}"


def settings_of(wb) -> tuple:
    from sqlalchemy import select

    from tator.storage import schema

    with wb.store.read() as conn:
        return tuple(conn.execute(select(schema.dataset.c.settings, schema.dataset.c.report)).all())


def test_a_look_at_a_dataset_says_what_each_class_would_become_and_writes_nothing(wb, ours: Dataset, theirs: Dataset):
    before = settings_of(wb)
    found = done(wb, "datasets_preview", source="dataset:theirs", dataset="ours")
    assert {row["source"]: (row["count"], row["target"], row["how"]) for row in found["classes"]} == {
        "Cat": (3, "cat", "spelling"), "hound": (1, "dog", "alias"), "bowl": (1, "bowl", "new"), "nothing": (0, "nothing", "new"),
    }  # fmt: skip
    assert {key: found[key] for key in ("images", "unreadable", "labelled", "unlabelled", "annotations", "captions")} == {
        "images": 5, "unreadable": 1, "labelled": 3, "unlabelled": 2, "annotations": 5, "captions": 1,
    }  # fmt: skip
    assert found["splits"] == {"": 3, "train": 1, "val": 1} and found["format"] == "dataset"
    assert found["report"]["counts"]["noticed"] == {"unreadable image": 1} and not found["report"]["dropped"]
    assert (
        settings_of(wb) == before and [row.name for row in ours.classes()] == ["cat", "dog"] and len(ours.images()) == 1
    )


def test_a_look_names_what_would_stay_behind(wb, ours: Dataset, theirs: Dataset):
    (theirs.root / "images" / "a.png").unlink()
    looked = done(wb, "datasets_preview", source="dataset:theirs", dataset="ours")
    found = looked["report"]
    assert [(row["file"], row["reason"]) for row in found["dropped"]] == [("images/a.png", "image cannot be copied")]
    result = done(wb, "datasets_merge", dataset="ours", source="dataset:theirs")
    assert looked["warnings"] == result["warnings"] == report_of(ours)["warnings"] == ["source_left_out"]
    assert result["left_out_count"] == 1 and report_of(ours)["counts"]["dropped"] == {"image cannot be copied": 1}
    picture(theirs.root / "images" / "a.png")
    found = done(wb, "datasets_preview", source="dataset:theirs", dataset="ours")["report"]
    assert found["counts"]["noticed"] == {"image is there already": 4} and not found["dropped"]
    assert "warnings" not in found and "warnings" not in done(
        wb, "datasets_merge", dataset="ours", source="dataset:theirs"
    )


def test_a_merge_joins_renames_and_leaves_out_as_the_mapping_says(wb, ours: Dataset, theirs: Dataset):
    mapping = ["Cat=cat", "hound=puppy", "bowl=", "nothing="]
    result = done(wb, "datasets_merge", dataset="ours", source="dataset:theirs", mapping=mapping)
    assert (result["images"], result["annotations"], result["left_out_by_mapping"]) == (5, 4, 1)
    assert [row.name for row in ours.classes()] == ["cat", "dog", "puppy"]
    found = boxes(ours)
    assert [row[0] for row in found["theirs/images/a.png"]] == ["cat", "puppy"]
    assert [row[0] for row in found["theirs/images/train/b.png"]] == ["cat", "cat"] and found[
        "theirs/images/val/c.png"
    ] == []
    assert report_of(ours)["read"] == {"images": 5, "annotations": 4, "left out by the mapping": 1}
    states = {row.path: (row.state, row.annotation_count) for row in ours.images(readable=False)}
    assert states["theirs/images/a.png"] == ("reviewed", 2) and states["theirs/images/broken.png"] == ("new", 0)
    assert [row.name for row in theirs.classes()] == ["Cat", "hound", "bowl", "nothing"], "the source stays as it is"


def test_without_a_mapping_only_equal_names_are_joined(wb, ours: Dataset, theirs: Dataset):
    theirs.rename_class(1, "dog")
    done(wb, "datasets_merge", dataset="ours", source="dataset:theirs")
    assert [row.name for row in ours.classes()] == ["cat", "dog", "Cat", "bowl", "nothing"]


def test_two_classes_may_become_one_new_one(wb, ours: Dataset, theirs: Dataset):
    mapping = ["Cat=pet", "hound=pet", "bowl=bowl", "nothing="]
    done(wb, "datasets_merge", dataset="ours", source="dataset:theirs", mapping=mapping)
    assert [row.name for row in ours.classes()] == ["cat", "dog", "pet", "bowl"]
    assert [row[0] for row in boxes(ours)["theirs/images/a.png"]] == ["bowl", "pet", "pet"]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (["ghost=cat"], "names no class of the source"),
        (["Cat"], "has no '='"),
        (["Cat=cat", "Cat=dog"], "twice"),
        (["Cat=" + "x" * 300], "class name"),
    ],
)
def test_a_refused_mapping_writes_nothing(wb, ours: Dataset, theirs: Dataset, mapping: list[str], told: str):
    before = settings_of(wb)
    said = failed(wb, "datasets_merge", dataset="ours", source="dataset:theirs", mapping=mapping)
    assert said.startswith("bad_input") and told in said
    assert (
        settings_of(wb) == before and len(ours.images()) == 1 and [row.name for row in ours.classes()] == ["cat", "dog"]
    )


def test_what_cannot_be_merged_is_told_at_the_look(wb, ours: Dataset, theirs: Dataset):
    assert "itself" in failed(wb, "datasets_preview", source="dataset:ours", dataset="ours")
    assert "clone it as managed" in failed(wb, "datasets_preview", source="dataset:ours", dataset="theirs")
    assert "not_found" in failed(wb, "datasets_preview", source="dataset:ghost", dataset="ours")
    assert "name in dataset the one" in failed(wb, "datasets_preview", source="dataset:ours")
    call(wb, "datasets_delete", dataset="theirs", confirm="theirs")
    assert "not_found" in failed(wb, "datasets_preview", source="dataset:theirs", dataset="ours")


def test_a_part_of_a_linked_folder_is_looked_at_in_place(wb, ours: Dataset, theirs: Dataset):
    part = make(wb, theirs.root / "images" / "train", "part")
    picture(theirs.root / "images" / "train" / "new.png")
    again = make(wb, theirs.root / "images" / "train", "again")
    found = done(wb, "datasets_preview", source="dataset:again", dataset="theirs")["report"]
    assert found["counts"]["noticed"] == {"image is there already": 1}
    result = done(wb, "datasets_merge", dataset="theirs", source="dataset:again")
    assert (result["images"], result["already_there"], result["prefix"]) == (1, 1, "images/train/")
    assert len(part.images()) == 1 and len(again.images()) == 2


def test_candidates_come_along_and_count(wb, ours: Dataset, theirs: Dataset):
    from tator.editing.rows import add_many

    row = next(row for row in theirs.images() if row.path == "images/d.png")
    with wb.store.write() as conn:
        add_many(
            conn,
            theirs.id,
            [{"image_id": row.id, "class_id": 3, "xyxy": (1, 1, 9, 9), "status": "candidate", "source": "x@y"}],
        )
    found = done(wb, "datasets_preview", source="dataset:theirs", dataset="ours")
    assert (
        next(row["count"] for row in found["classes"] if row["source"] == "nothing") == 1 and found["annotations"] == 6
    )
    done(wb, "datasets_merge", dataset="ours", source="dataset:theirs")
    copied = next(row for row in ours.images() if row.path == "theirs/images/d.png")
    assert [row["source"] for row in ours.annotation_rows([copied.id], "candidate")[copied.id]] == ["x@y"]


def test_merging_a_dataset_that_is_gone_is_refused(wb, ours: Dataset):
    assert "not_found" in failed(wb, "datasets_merge", dataset="ours", source="dataset:theirs")
    with pytest.raises(NotFound):
        wb.dataset("theirs")
    with pytest.raises(BadInput):
        call(wb, "datasets_merge", dataset="ours", source="dataset:theirs", mapping="Cat=cat")
