"""COCO captions in and out, read back by pycocotools and datumaro."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.formats.table import writable
from tests.folders import coco, export, make, picture, reasons, text
from tests.oracles import datumaro_reads
from tests.reading import dropped, read_folder, told

SAID = {"a.png": "A cat, asleep on a “red” chair.", "b.png": "zwei Bären\nund ein Boot 🚢"}


def captions(images: dict[str, list], start: int = 1) -> dict:
    """Return a captions file as COCO has it: no categories, a row a caption."""
    return {
        "info": {},
        "images": [{"id": at, "file_name": name, "width": 64, "height": 48} for at, name in enumerate(images, start)],
        "annotations": [
            {"id": 10 * at + n, "image_id": at, "caption": said}
            for at, rows in enumerate(images.values(), start)
            for n, said in enumerate(rows)
        ],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "images" / "train" / name)
    return tmp_path


def test_captions_and_objects_in_files_of_their_own(folder: Path):
    text(folder / "annotations" / "instances_train.json", coco(["a.png", "b.png", "c.png"], [{}, {"image_id": 2}]))
    text(
        folder / "annotations" / "captions_train.json",
        json.dumps(captions({name: [said] for name, said in SAID.items()}, start=70)),
    )
    source, found = read_folder(folder)
    assert source.captions == {f"images/train/{name}": said for name, said in SAID.items()} and not dropped(source)
    assert [len(labels) for labels in found.values()] == [1, 1, 0]


def test_captions_alone_say_nothing_of_objects(wb, folder: Path):
    text(
        folder / "annotations" / "captions_train.json",
        json.dumps(captions({"a.png": ["one", "two", "three"], "b.png": []})),
    )
    source, found = read_folder(folder)
    assert source.format == "coco" and source.captions == {"images/train/a.png": "one\ntwo\nthree"}
    assert found["images/train/a.png"] is None
    dataset = make(wb, folder)
    assert {row.path: row.state for row in dataset.images()}["images/train/a.png"] == "new"


def test_captions_among_objects_in_one_file(folder: Path):
    content = json.loads(coco(["a.png"], [{}]))
    content["annotations"].append({"id": 99, "image_id": 1, "caption": SAID["a.png"]})
    text(folder / "annotations" / "train.json", json.dumps(content))
    source, found = read_folder(folder)
    assert (
        source.captions == {"images/train/a.png": SAID["a.png"]}
        and len(found["images/train/a.png"]) == 1
        and not dropped(source)
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"image_id": 9, "caption": "of no image"}, "annotation of an unknown image"),
        ({"image_id": 1, "caption": 5}, "class out of range"),
        ({"image_id": 1, "caption": None}, "class out of range"),
        ({"image_id": [], "caption": "x"}, "annotation of an unknown image"),
        ({"caption": "x"}, "annotation of an unknown image"),
    ],
)
def test_bad_captions_are_named_and_the_others_are_read(folder: Path, row: dict, reason: str):
    content = captions({"a.png": [SAID["a.png"]]})
    content["annotations"].insert(0, row)
    text(folder / "annotations" / "captions_train.json", json.dumps(content))
    source, _ = read_folder(folder)
    assert source.captions == {"images/train/a.png": SAID["a.png"]} and dropped(source) == {reason: 1}
    assert "captions_train.json" in told(source)


def test_too_long_captions_are_cut_with_a_note(wb, folder: Path):
    text(folder / "annotations" / "captions_train.json", json.dumps(captions({"a.png": ["x" * 200_000]})))
    assert reasons(make(wb, folder), "repaired") == {"caption shortened": 1}


@pytest.mark.slow
def test_other_programs_read_our_captions(wb, folder: Path, tmp_path: Path):
    from pycocotools.coco import COCO

    text(folder / "annotations" / "instances_train.json", coco(["a.png", "b.png", "c.png"], [{}]))
    text(
        folder / "annotations" / "captions_train.json",
        json.dumps(captions({name: [said] for name, said in SAID.items()})),
    )
    with zipfile.ZipFile(export(make(wb, folder), "coco")[1]) as archive:
        assert "annotations/captions_train.json" in archive.namelist()
        archive.extractall(tmp_path / "out")
    api = COCO(str(tmp_path / "out" / "annotations" / "captions_train.json"))
    names = {info["id"]: info["file_name"] for info in api.loadImgs(api.getImgIds())}
    assert {names[row["image_id"]]: row["caption"] for row in api.loadAnns(api.getAnnIds())} == SAID
    read = datumaro_reads(tmp_path / "out", "coco_captions")
    assert {f"{item}.png": rows[0][1] for item, rows in read["items"].items() if rows} == SAID


@pytest.mark.parametrize("format", sorted(writable()))
def test_captions_that_a_format_has_no_room_for_are_said(wb, folder: Path, format: str):
    text(folder / "annotations" / "instances_train.json", coco(["a.png", "b.png", "c.png"], [{}]))
    text(
        folder / "annotations" / "captions_train.json",
        json.dumps(captions({name: [said] for name, said in SAID.items()})),
    )
    result, archive = export(make(wb, folder), format)
    told = [note for note in result["notes"] if "captions are left out" in note]
    back = make(wb, archive, "back")
    rows = {row.id: Path(row.path).name for row in back.images()}
    kept = {rows[at]: said for at, said in back.captions(list(rows)).items()}
    assert kept == SAID and not told or not kept and told[0].startswith("2 captions")


def test_no_captions_no_file(wb, folder: Path):
    text(folder / "annotations" / "instances_train.json", coco(["a.png"], [{}]))
    with zipfile.ZipFile(export(make(wb, folder), "coco")[1]) as archive:
        assert not [name for name in archive.namelist() if "captions" in name]
