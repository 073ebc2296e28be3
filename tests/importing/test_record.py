"""The record of an image and its annotations: all that a source says comes in, is kept by every copy, and goes out."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from tator.attributes import INTEGERS, Skeleton, cleaned
from tator.datasets.dataset import Dataset
from tator.datasets.snapshot_diff import diff_snapshots
from tator.datasets.snapshots import Snapshot, freeze
from tator.exporting.cut_attributes import cut_attributes
from tator.exporting.tiling import Tiling
from tator.formats import Label, Report
from tator.formats.table import FORMATS, Format, writable
from tator.formats.writing import ANY, Output, Splits, each
from tator.importing.cloning import clone_dataset, merge_dataset
from tator.ops import call
from tator.storage import schema
from tests.folders import export, finish, make, named, picture, text, yolo_folder
from tests.folders import reasons as counted

FLAG = st.booleans()
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12)
KEY = st.one_of(st.integers(-INTEGERS, INTEGERS), WORDS)
FINITE = st.floats(-1e6, 1e6)
FREE = st.one_of(WORDS, st.integers(-INTEGERS, INTEGERS), FINITE, FLAG, st.lists(st.one_of(WORDS, FLAG), max_size=3))
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("occluded", "truncated", "difficult", "interpolated"), FLAG),
        "group": KEY,
        "track": KEY,
        "text": WORDS,
        "occlusion": st.integers(0, 3),
        "truncation": st.floats(0, 1),
        "z": st.integers(-5, 5),
        "rotation": st.floats(0, 360, exclude_max=True),
        "keypoints": st.lists(st.tuples(FINITE, FINITE, st.sampled_from([0, 1, 2])).map(list), max_size=4),
        "colour": FREE,
        "läge 状态": FREE,
    },
).filter(bool)
POSE = Skeleton(("nose", "tail"), ((0, 1),))


class Remarks:
    """A source that says everything there is to say; see formats.Source."""

    format = "remarks"
    pose = POSE

    def __init__(self, root: Path) -> None:
        told = json.loads((root / "remarks.json").read_text(encoding="utf-8"))
        self.classes, self.report = {0: "cat", 1: "dog"}, Report()
        self.splits, self.captions = {}, {}
        self.tags, self.notes, self.skeletons = told["tags"], told["notes"], {0: self.pose}
        self._labels = told["labels"]

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        rows = self._labels.get(path, [])
        return [Label(0, (4.0 + at, 4, 20 + at, 30), attributes=row, confidence=0.5) for at, row in enumerate(rows)]


def write_remarks(out: Output, names: list[str], splits: Splits):
    told = {
        "labels": {image.name: [label.attributes for label in image.labels] for image in each(splits)},
        "tags": {image.name: list(image.tags) for image in each(splits) if image.tags},
        "notes": {image.name: image.notes for image in each(splits) if image.notes},
        "skeletons": {row: skeleton.as_json() for row, skeleton in out.skeletons.items()},
    }
    out.text("remarks.json", json.dumps(told))
    yield 1


def examples(count: int) -> list[dict]:
    """Return attributes of every kind, the same on each run."""
    drawn: list[dict] = []

    @settings(max_examples=count, database=None, derandomize=True)
    @given(ATTRIBUTES)
    def draw(attributes: dict) -> None:
        drawn.append(attributes)

    draw()
    return drawn


@pytest.fixture
def remarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a format that holds everything."""
    known = Format(
        "remarks",
        "Remarks",
        lambda tree: (tree.root / "remarks.json").is_file(),
        lambda tree: Remarks(tree.root),
        write_remarks,
        holds_tags=True,
        holds_notes=True,
        holds_skeletons=True,
        holds_confidence=True,
        holds_attributes=ANY,
    )
    monkeypatch.setitem(FORMATS, "remarks", known)


def folder(root: Path, labels: dict[str, list], tags: dict | None = None, notes: dict | None = None) -> Path:
    for name in labels:
        picture(root / name)
    told = {"labels": labels, "tags": tags or {}, "notes": notes or {}}
    text(root / "remarks.json", json.dumps(told))
    return root


def attributes_of(dataset: Dataset) -> list:
    """Return the attributes of a dataset's annotations in the order of images and boxes."""
    rows = dataset.images()
    found = dataset.annotation_rows([row.id for row in rows])
    return [each["attributes"] for row in rows for each in sorted(found[row.id], key=lambda each: each["x1"])]


def said(dataset: Dataset) -> dict:
    """Return {path without folders: (tags, notes)} of a dataset."""
    ids = {row.id: row.path.rpartition("/")[2] for row in dataset.images()}
    found = dataset.remarks(list(ids))
    return {ids[i]: (said.get("tags"), said.get("notes")) for i, said in found.items()}


def test_all_that_a_source_says_is_kept_by_snapshot_clone_merge_and_export(wb, tmp_path: Path, remarks):
    drawn = examples(60)
    labels = {"a.png": [*drawn, None], "b.png": [{"crowd": True}]}
    tags, notes = {"a.png": ["night", "weather: rain"]}, {"b.png": "Ask Ann.\nTwice."}
    first = make(wb, folder(tmp_path / "set", labels, tags, notes), storage="managed")
    want = [*drawn, None, {"crowd": True}]
    assert attributes_of(first) == want and not counted(first, "repaired")
    assert said(first) == {"a.png": (["night", "weather: rain"], None), "b.png": (None, "Ask Ann.\nTwice.")}
    read = first.describe()["report"]["read"]
    assert (read["attributes"], read["tags"]) == (sum(map(len, drawn)) + 1, 2)

    finish(clone_dataset(first, "copy"))
    copy = wb.dataset("copy")
    other = make(wb, yolo_folder(tmp_path / "plain", {"z.png": "0 .5 .5 .1 .1"}, ["cat"]), "other", "managed")
    finish(merge_dataset(other, first))
    for each_set in (copy, other):
        assert [row for row in attributes_of(each_set) if row] == [row for row in want if row]
        assert said(each_set) == said(first) and each_set.classes()[0].skeleton == POSE.as_json()
    assert call(wb, "datasets_get", dataset="copy")["classes"][0]["skeleton"] == POSE.as_json()

    finish(freeze(first, "now"))
    frozen = Snapshot.open(first, "now")
    for content in (frozen, copy):
        result, archive = export(content, "remarks")
        again = json.loads(zipfile.ZipFile(archive).read("remarks.json"))
        assert again == {"labels": labels, "tags": tags, "notes": notes, "skeletons": {"0": POSE.as_json()}}
        assert result["notes"] == ["2 images without a split are in train"]
    with wb.store.write() as conn:
        conn.execute(update(schema.annotation).values(attributes=None))
        conn.execute(update(schema.image).values(tags=None, notes="later"))
    finish(freeze(first, "later"))
    changes = diff_snapshots(frozen, Snapshot.open(first, "later"))
    assert changes["annotations"] == {"added": 0, "removed": 0, "changed": len(drawn) + 1}
    assert [row["facts"] for row in changes["rows"]] == [["tags", "notes"], ["notes"]]
    assert export(frozen, "remarks")[0]["sha256"] == export(frozen, "remarks")[0]["sha256"]


def test_a_confidence_that_a_file_gave_comes_out_again(wb, tmp_path: Path, remarks):
    dataset = make(wb, folder(tmp_path / "set", {"a.png": [None]}))
    _, archive = export(dataset, "coco")
    told = json.loads(zipfile.ZipFile(archive).read("annotations/instances_train.json"))
    assert told["annotations"][0]["score"] == 0.5


WRONG = {  # attributes of a file -> what is kept, and what the report names
    "type": ({"occluded": "maybe", "colour": "red"}, {"colour": "red"}, "occluded is 'maybe'; expected true or false"),
    "not a number": ({"depth": float("nan")}, None, "depth is 'nan'"),
    "long": ({"text": "x" * 10_001}, {"text": "x" * 10_000}, "text is kept as"),
    "nested": ({"pose": {"yaw": [1, {"a": 2}]}}, {"pose": '{"yaw": [1, {"a": 2}]}'}, ""),
    "name": ({"": 1, "b": 2}, {"b": 2}, "its name is ''"),
    "points": ({"keypoints": [[1, 2, 3]]}, None, "keypoints is '[[1, 2, 3]]'; expected a list of [x, y, v]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_kept_is_named_and_the_box_stays(wb, tmp_path: Path, remarks, case: str):
    given_, kept, told = WRONG[case]
    source = folder(tmp_path / "set", {"a.png": [given_]}, {"a.png": ["", "x", "x", 7, "y" * 201]}, {"a.png": "a\0b"})
    dataset = make(wb, source)
    assert attributes_of(dataset) == [kept] and said(dataset) == {"a.png": (["x", "7", "y" * 200], "ab")}
    repaired = named(dataset, "repaired")
    assert told in repaired and "a.png" in repaired and "tags left out or shortened" in repaired
    assert "notes shortened" in repaired
    assert cleaned(kept, lambda reason, detail: pytest.fail(reason)) == kept, "what was kept once is kept again"


def test_two_classes_that_become_one_keep_the_first_key_points_and_say_so(
    wb, tmp_path: Path, remarks, monkeypatch: pytest.MonkeyPatch
):
    dataset = make(wb, folder(tmp_path / "set", {"a.png": [None]}), storage="managed")
    monkeypatch.setattr(Remarks, "pose", Skeleton(("paw",)))
    call(wb, "datasets_merge", dataset="set", source=str(folder(tmp_path / "more", {"b.png": [None]})))
    wait_all(wb)
    assert dataset.classes()[0].skeleton == POSE.as_json()
    assert "other key points" in str(dataset.describe()["report"]["noticed"])


def wait_all(wb) -> None:
    for job in wb.jobs.list():
        assert wb.jobs.wait(job["id"], 60)["state"] == "succeeded"


@pytest.mark.parametrize("format", sorted(writable()))
def test_a_format_says_what_it_has_no_place_for(wb, tmp_path: Path, remarks, format: str):
    rows = [{"occluded": True, "colour": "red"}, {"occluded": False}, {"crowd": True, "colour": "grey"}]
    source = folder(tmp_path / "set", {"a.png": rows}, {"a.png": ["night"]}, {"a.png": "Ask Ann."})
    dataset = make(wb, source)
    result, _ = export(dataset, format)
    known, notes = FORMATS[format], "\n".join(result["notes"])
    holds = known.holds_attributes
    has_crowds = bool(holds & {"crowd", *ANY})
    assert result["annotations"] == (3 if has_crowds else 2)
    assert ("1 crowd regions are left out" in notes) == (not has_crowds)
    assert ("2 attributes 'occluded' are left out" in notes) == (not holds & {"occluded", *ANY})
    assert (f"{2 if has_crowds else 1} attributes 'colour' are left out" in notes) == (not holds >= ANY)
    assert ("1 images have tags that are left out" in notes) == (not known.holds_tags)
    assert ("1 images have notes that are left out" in notes) == (not known.holds_notes)


def test_an_export_says_what_the_choice_leaves_out(wb, tmp_path: Path):
    rows = {"train/a.png": "0 .5 .5 .2 .4\n1 .2 .2 .1 .2", "val/b.png": "1 .5 .5 .2 .4"}
    dataset = make(wb, yolo_folder(tmp_path / "set", rows, ["cat", "dog"]))
    result, _ = export(dataset, "yolo", splits=["train"], classes=["cat"])
    assert "1 annotations of classes that were not chosen are left out" in result["notes"]
    assert "1 images of splits or states that were not chosen are left out" in result["notes"]
    with wb.store.write() as conn:
        conn.execute(update(schema.label_class).where(schema.label_class.c.class_id == 1).values(retired=True))
    for content in (dataset,):
        told = export(content, "coco")[0]
        assert told["annotations"] == 1
        assert "2 annotations of deleted classes are left out" in "\n".join(told["notes"])


def test_a_crowd_is_no_object_to_learn_from_or_to_count(wb, tmp_path: Path, remarks):
    dataset = make(wb, folder(tmp_path / "set", {"a.png": [{"crowd": True}, {"crowd": False}, None]}))
    ids = [row.id for row in dataset.images()]
    assert len(dataset.annotation_rows(ids)[ids[0]]) == 3
    assert len(dataset.annotations(ids)[ids[0]]) == 2
    assert call(wb, "datasets_stats", dataset="set")["annotations"] == 2
    result, _ = export(dataset, "coco", statuses=["accepted"])
    assert result["annotations"] in (2, 3)


def test_a_tile_moves_key_points_and_says_which_are_cut_off(wb, tmp_path: Path, remarks):
    turned = [[[10.0, 4, 60, 10, 58, 24, 8, 18]]]
    source = folder(tmp_path / "set", {"a.png": [{"keypoints": [[5, 6, 2], [60, 40, 1], [0, 0, 0]], "rotation": 7.0}]})
    dataset = make(wb, source)
    with wb.store.write() as conn:
        conn.execute(update(schema.annotation).values(polygons=turned, x1=8.0, y1=4.0, x2=60.0, y2=24.0))
    result, archive = export(dataset, "remarks", tiling=Tiling(32, 0, 0.1))
    told = json.loads(zipfile.ZipFile(archive).read("remarks.json"))["labels"]
    tiles = {name.rpartition("_x")[2]: rows[0] for name, rows in told.items() if rows}
    assert tiles["0_y0.png"] == {"keypoints": [[5, 6, 2], [0, 0, 0], [0, 0, 0]]}
    assert any("rotations are left out: the edge of a tile cuts" in note for note in result["notes"])
    assert any("key points are outside the tile" in note for note in result["notes"])
    assert cut_attributes({"rotation": 7.0}, [0, 0, 99, 99], True) == {"rotation": 7.0}


def test_the_tables_hold_none_where_there_is_nothing(wb, tmp_path: Path):
    dataset = make(wb, yolo_folder(tmp_path / "set", {"a.png": "0 .5 .5 .2 .4"}, ["cat"]))
    with wb.store.read() as conn:
        assert conn.execute(select(schema.annotation.c.attributes)).scalars().all() == [None]
        assert conn.execute(select(schema.annotation.c.id).where(schema.annotation.c.attributes.is_(None))).first()
        assert conn.execute(select(schema.image.c.tags, schema.image.c.notes)).all() == [(None, None)]
    assert "attributes" not in call(wb, "image_open", image_id=dataset.images()[0].id)["annotations"][0]
    assert "skeleton" not in dataset.classes()[0].as_json()
