"""A candidate keeps its confidence on its way through an export, and a label that a person decided about has none."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import Snapshot, freeze
from tator.editing.rows import add_many
from tator.exporting.tiling import Tiling
from tator.formats.table import FORMATS, writable
from tests.folders import export, finish, make, reasons, yolo_folder

STATUSES = ("accepted", "candidate", "rejected")
ROWS = (  # status, confidence, x1
    ("accepted", 0.9, 2.0),  # found by a machine, accepted by a person
    ("candidate", 0.8700000047683716, 12.0),
    ("candidate", None, 22.0),
    ("rejected", 0.25, 32.0),
)
OUTLINE = [[[12.0, 4.0, 20.0, 4.0, 20.0, 12.0, 12.0, 12.0]]]


@pytest.fixture
def dataset(wb, tmp_path: Path) -> Dataset:
    """Return a dataset with one image, whose only accepted box without a machine lies at 42."""
    found = make(wb, yolo_folder(tmp_path / "set", {"a.png": "0 .71875 .1666667 .125 .1666667"}, ["cat"]))
    image_id = found.images()[0].id
    rows = [
        {
            "image_id": image_id,
            "class_id": 0,
            "xyxy": [x, 4.0, x + 8, 12.0],
            "polygons": OUTLINE if x == 12 else None,
            "confidence": confidence,
            "source": "machine@1",
            "status": status,
        }
        for status, confidence, x in ROWS
    ]
    with wb.store.write() as conn:
        add_many(conn, found.id, rows)
    return found


def kept(dataset: Dataset) -> dict[int, float | None]:
    """Return {x1: confidence} of a dataset's accepted boxes."""
    found = dataset.annotation_rows([row.id for row in dataset.images()])
    return {round(row["x1"]): row["confidence"] for rows in found.values() for row in rows}


@pytest.mark.parametrize("format", sorted(name for name, known in FORMATS.items() if known.holds_confidence))
@pytest.mark.parametrize("frozen", [False, True], ids=["dataset", "snapshot"])
def test_a_candidate_comes_back_with_its_confidence(wb, dataset: Dataset, format: str, frozen: bool):
    if frozen:
        finish(freeze(dataset, "now"))
    content = Snapshot.open(dataset, "now") if frozen else dataset
    result, archive = export(content, format, statuses=STATUSES)
    assert result["annotations"] == 5 and not any("confidence" in note for note in result["notes"])
    again = make(wb, archive, "again")
    assert kept(again) == {42: None, 2: None, 12: 0.8700000047683716, 22: None, 32: 0.25}
    assert not reasons(again, "repaired")
    rows = again.annotation_rows([again.images()[0].id])
    assert {row["source"] for found in rows.values() for row in found} == {"human"}, "the status stays what it was"


def test_a_label_without_a_confidence_has_no_score(dataset: Dataset):
    _, archive = export(dataset, "coco", statuses=STATUSES)
    with zipfile.ZipFile(archive) as opened:
        rows = json.loads(opened.read("annotations/instances_train.json"))["annotations"]
    assert {round(row["bbox"][0]): row.get("score", "none") for row in rows} == {
        42: "none",
        2: "none",
        12: 0.8700000047683716,
        22: "none",
        32: 0.25,
    }


def test_what_a_tile_shows_keeps_the_confidence(wb, dataset: Dataset):
    _, archive = export(dataset, "coco", statuses=("candidate", "rejected"), tiling=Tiling(32, 0.25, 0.1))
    again = make(wb, archive, "again")
    found = again.annotation_rows([row.id for row in again.images()])
    confidences = sorted((row["confidence"] or 0, bool(row["polygons"])) for rows in found.values() for row in rows)
    assert set(confidences) == {(0, False), (0.25, False), (0.8700000047683716, True)}


@pytest.mark.parametrize("format", sorted(name for name in writable() if not FORMATS[name].holds_confidence))
@pytest.mark.parametrize("tiling", [None, Tiling(64)], ids=["whole", "tiles"])
def test_a_format_without_a_place_for_it_says_so(wb, dataset: Dataset, format: str, tiling: Tiling | None):
    result, archive = export(dataset, format, statuses=STATUSES, tiling=tiling)
    assert f"2 confidences are left out: {FORMATS[format].label} holds none" in result["notes"]
    assert not any("confidence" in note for note in export(dataset, format, tiling=tiling)[0]["notes"])
    again = make(wb, archive, "again")
    assert set(kept(again).values()) == {None}, "what a label file holds is read as it was"
