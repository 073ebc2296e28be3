"""Captions: read, written with undo, taken from files and written to files; conversations for Qwen; crops."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.datasets.dataset import Dataset
from tator.editing.checks import TEXT_LIMIT
from tator.editing.edits import undo
from tator.exporting.qwen_datasets import build_qwen, listing
from tator.ops import call
from tator.storage.images import read_image
from tator.types import BadInput, Conflict, NotFound
from tests.folders import boxes, finish, make, picture, text, yolo_folder

BOX = "0 .5 .5 .5 .5"


@pytest.fixture
def dataset(wb, tmp_path: Path) -> Dataset:
    rows = {"day/a.png": f"{BOX}\n1 .25 .25 .25 .25", "night/a.png": "1 .5 .5 .25 .25", "b.png": BOX, "c.png": ""}
    return make(wb, yolo_folder(tmp_path / "s", rows, ["cat", "=dog<>"]))


def done(wb, name: str, **arguments) -> dict:
    job = wb.jobs.wait(call(wb, name, **arguments), 60)
    assert job["state"] == "succeeded", job["error"]
    return job["result"]


def opened(wb, result: dict) -> zipfile.ZipFile:
    return zipfile.ZipFile(wb.workspace.folder("exports") / result["file"])


def test_a_caption_is_written_read_and_undone(wb, dataset: Dataset):
    path = "images/day/a.png"
    assert call(wb, "datasets_text_label_get", dataset="set", image=path)["caption"] == ""
    assert (
        call(wb, "datasets_text_label_set", dataset="set", image=path, caption=" two cats ☀ ")["caption"]
        == "two cats ☀"
    )
    image_id = call(wb, "datasets_text_label_set", dataset="set", image=path, caption="three cats")["image_id"]
    undo(wb.store, image_id, "me", 1)
    assert call(wb, "datasets_text_label_get", dataset="set", image=path)["caption"] == "two cats ☀"
    assert call(wb, "datasets_text_label_set", dataset="set", image=path, caption="")["caption"] == ""
    assert dataset.captions([image_id]) == {}
    with pytest.raises(NotFound, match="gone.png"):
        call(wb, "datasets_text_label_get", dataset="set", image="gone.png")
    with pytest.raises(BadInput):
        call(wb, "datasets_text_label_set", dataset="set", image=path, caption="x" * 20_000)


@pytest.mark.parametrize("kind", ["txt", "jsonl"])
def test_captions_leave_and_come_back(wb, dataset: Dataset, tmp_path: Path, kind: str):
    said = {"images/day/a.png": "bright", "images/night/a.png": 'dark, "moon"', "images/b.png": "ein Bär"}
    for path, caption in said.items():
        call(wb, "datasets_text_label_set", dataset="set", image=path, caption=caption)
    result = done(wb, "captions_export", dataset="set", kind=kind)
    assert result["captions"] == 3
    with opened(wb, result) as archive:
        archive.extractall(tmp_path / "captions")
    for path in said:
        call(wb, "datasets_text_label_set", dataset="set", image=path, caption="")
    again = done(wb, "captions_import", dataset="set", source=str(tmp_path / "captions"))
    assert (again["read"], again["written"], again["kept"]) == (3, 3, 0)
    assert {path: call(wb, "datasets_text_label_get", dataset="set", image=path)["caption"] for path in said} == said
    call(wb, "datasets_text_label_set", dataset="set", image="images/b.png", caption="mine")
    kept = done(wb, "captions_import", dataset="set", source=str(tmp_path / "captions"), replace=False)
    assert (kept["written"], kept["kept"]) == (0, 3)


def test_a_caption_that_is_too_long_is_shortened_and_named(wb, dataset: Dataset, tmp_path: Path):
    text(tmp_path / "c" / "text_labels" / "b.txt", "x" * (TEXT_LIMIT + 1))
    answer = done(wb, "captions_import", dataset="set", source=str(tmp_path / "c"))
    assert answer["report"]["counts"]["repaired"] == {"caption shortened": 1}
    assert answer["written"] == 1 and answer["warnings"] == ["source_repaired"]


def test_captions_of_no_image_are_named(wb, dataset: Dataset, tmp_path: Path):
    text(tmp_path / "c" / "text_labels" / "gone.txt", "x")
    text(tmp_path / "c" / "text_labels" / "a.txt", "which of the two?")
    answer = done(wb, "captions_import", dataset="set", source=str(tmp_path / "c"))
    assert answer["report"]["counts"]["dropped"] == {"caption without an image": 2}
    assert answer["warnings"] == ["source_left_out"]
    picture(tmp_path / "none" / "x.png")
    job = wb.jobs.wait(call(wb, "captions_import", dataset="set", source=str(tmp_path / "none")), 60)
    assert job["state"] == "failed" and "has no captions" in job["error"]["message"]
    job = wb.jobs.wait(call(wb, "captions_export", dataset="set"), 60)
    assert job["state"] == "failed" and "no image" in job["error"]["message"]


def test_crops_are_the_pixels_of_the_boxes(wb, dataset: Dataset):
    result = done(wb, "crop_zip", dataset="set")
    assert (result["crops"], result["skipped"], result["images"]) == (4, 0, 4)
    with opened(wb, result) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        assert names == [
            "_dog__/images/day/a.png_2.png",
            "_dog__/images/night/a.png_1.png",
            "cat/images/b.png_1.png",
            "cat/images/day/a.png_1.png",
        ]
        crop = np.asarray(Image.open(io.BytesIO(archive.read("cat/images/b.png_1.png"))))
        row = next(row for row in dataset.images() if row.path == "images/b.png")
        assert (crop == read_image(dataset.path(row))[12:36, 16:48]).all()
        index = list(csv.DictReader(io.StringIO(archive.read("crops.csv").decode())))
    assert len(index) == 4 and not any(line["class"].startswith("=") for line in index)


def test_crops_take_a_margin_classes_and_a_smallest_side(wb, dataset: Dataset):
    result = done(wb, "crop_zip", dataset="set", margin=0.25, smallest_px=20, classes=["cat"])
    assert (result["crops"], result["skipped"]) == (2, 0)
    with opened(wb, result) as archive:
        crop = Image.open(io.BytesIO(archive.read("cat/images/b.png_1.png")))
    assert crop.size == (48, 36)
    assert done(wb, "crop_zip", dataset="set", smallest_px=20)["skipped"] == 2
    with pytest.raises(AssertionError, match="margin"):
        done(wb, "crop_zip", dataset="set", margin=-1.0)
    with pytest.raises(AssertionError, match="no class"):
        done(wb, "crop_zip", dataset="set", classes=["bird"])


def test_the_same_crops_are_the_same_bytes(wb, dataset: Dataset):
    one, two = done(wb, "crop_zip", dataset="set"), done(wb, "crop_zip", dataset="set")
    assert one["sha256"] == two["sha256"] and one["file"] != two["file"]


def test_conversations_fill_both_splits_and_repeat_no_image(wb, dataset: Dataset):
    result = done(wb, "datasets_build_qwen", dataset="set", context="A harbour from above.")
    folder = Path(result["folder"])
    images = {}
    for split in ("train", "val"):
        rows = [json.loads(line) for line in (folder / split / "annotations.jsonl").read_text().splitlines()]
        images[split] = {row["image"] for row in rows}
        assert rows and len(rows) == 2 * len(images[split]) == result["counts"][split]["records"]
        assert all((folder / split / row["image"]).is_file() for row in rows)
        assert rows[0]["conversations"][0]["value"].startswith("<image>\nA harbour from above. Find every object")
    assert not images["train"] & images["val"] and sum(map(len, images.values())) == 4
    assert result["classes"] == ["cat", "=dog<>"] and len(result["signature"]) == 64
    again = finish(build_qwen(dataset, context="A harbour from above.", force=True))
    assert again["signature"] == result["signature"] and [row["name"] for row in listing(wb.workspace)] == ["set"]
    with pytest.raises(Conflict, match="force"):
        finish(build_qwen(dataset))
    assert call(wb, "qwen_datasets_delete", name="set") == {"deleted": "set"} and call(wb, "qwen_datasets_list") == []
    with pytest.raises(NotFound):
        call(wb, "qwen_datasets_delete", name="set")
    assert len(boxes(dataset)) == 4 and all(dataset.path(row).is_file() for row in dataset.images())


def test_conversations_read_back_as_a_dataset(wb, dataset: Dataset):
    folder = finish(build_qwen(dataset))["folder"]
    back = make(wb, folder, "back")
    assert [row.name for row in back.classes()] == ["cat", "=dog<>"] and back.describe()["report"]["format"] == "qwen"
    ours = {Path(path).name: rows for path, rows in boxes(dataset).items() if "b.png" in path}
    theirs = {Path(path).name: rows for path, rows in boxes(back).items() if "b.png" in path}
    assert ours == theirs


@pytest.mark.parametrize(
    "options", [{"val_share": 0.0}, {"val_share": 1.0}, {"name": "../x"}, {"name": ".hidden"}, {"context": "x" * 3000}]
)
def test_odd_settings_are_refused(wb, dataset: Dataset, options: dict):
    with pytest.raises(BadInput):
        finish(build_qwen(dataset, **options))
    assert listing(wb.workspace) == []


def test_one_image_is_too_few(wb, tmp_path: Path):
    with pytest.raises(BadInput, match="one in train and one in val"):
        finish(build_qwen(make(wb, yolo_folder(tmp_path / "s", {"a.png": BOX}, ["cat"]))))


def caption(wb, image: str) -> str:
    return call(wb, "datasets_text_label_get", dataset="set", image=image)["caption"]


@pytest.mark.parametrize("as_zip", [False, True])
def test_an_upload_of_captions_is_read_and_used_up(wb, dataset: Dataset, tmp_path: Path, as_zip: bool):
    upload, folder = wb.workspace.new_upload()
    files = {
        "said/captions.jsonl": '{"image": "night/a.png", "caption": "dark"}\n{"image": "gone.png", "caption": "x"}\n'
    }
    files["said/text_labels/b.txt"] = "a plain one"
    if as_zip:
        with zipfile.ZipFile(folder / "captions.zip", "w") as archive:
            for name, content in {**files, "../../escaped.txt": "x"}.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            text(folder / name, content)
    result = done(wb, "captions_import", dataset="set", source=f"upload:{upload}")
    refused = {"archive entry refused": 1} if as_zip else {}
    assert (result["read"], result["written"]) == (2, 2)
    assert result["report"]["counts"]["dropped"] == {"caption without an image": 1, **refused}
    assert (caption(wb, "images/night/a.png"), caption(wb, "images/b.png")) == ("dark", "a plain one")
    assert (
        not folder.exists()
        and not list(wb.workspace.folder("tmp").iterdir())
        and not list(tmp_path.rglob("escaped.txt"))
    )


def test_loose_text_files_are_captions_and_labels_are_not(wb, dataset: Dataset, tmp_path: Path):
    said = {
        "my words/b.txt": "loose",
        "my words/day/a.txt": "in its folder",
        "my words/c.txt": BOX,
        "my words/train.txt": "images/b.png",
    }
    for name, content in said.items():
        text(tmp_path / "t" / name, content)
    result = done(wb, "captions_import", dataset="set", source=str(tmp_path / "t"))
    assert result["report"]["counts"]["dropped"] == {"labels, no caption": 1, "caption without an image": 1}
    assert {path: caption(wb, path) for path in ("images/b.png", "images/day/a.png", "images/c.png")} == {
        "images/b.png": "loose", "images/day/a.png": "in its folder", "images/c.png": ""}  # fmt: skip
    text(tmp_path / "t" / "my words" / "text_labels" / "c.txt", "named so")
    result = done(wb, "captions_import", dataset="set", source=str(tmp_path / "t"))
    assert (result["read"], result["report"]["counts"]["dropped"]) == (1, {}) and caption(
        wb, "images/c.png"
    ) == "named so"


def test_an_upload_without_captions_stays(wb, dataset: Dataset):
    upload, folder = wb.workspace.new_upload()
    picture(folder / "x.png")
    for source, said in (
        (f"upload:{upload}", "has no captions"),
        (str(folder / "x.png"), "neither a folder nor a .zip"),
    ):
        job = wb.jobs.wait(call(wb, "captions_import", dataset="set", source=source), 60)
        assert job["state"] == "failed" and said in job["error"]["message"]
    assert (folder / "x.png").is_file()
