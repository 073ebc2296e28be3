"""A real detector on real cells: our numbers beside those of the library that made the predictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tator.ops import call, operations, prepared
from tests.conftest import ROOT
from tests.folders import finish, make
from tests.workflows.evaluation.ways import three_ways

WEIGHTS = ROOT.parent / "shared" / "models" / "bccd_yolo11n_320.pt"
MOST = 300  # boxes an image that ultralytics keeps


@pytest.fixture(scope="module")
def judged(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Return a folder with BCCD's test split and predictions.json, and ultralytics' own mAP50."""
    if not WEIGHTS.is_file():
        pytest.skip(f"no weights at {WEIGHTS}")
    from ultralytics import YOLO

    folder, cells = tmp_path_factory.mktemp("bccd"), data / "bccd"
    for part in ("images", "labels"):
        (folder / "set" / part).mkdir(parents=True)
    for line in (cells / "test.txt").read_text().split():
        shutil.copy(cells / line, folder / "set" / "images")
        shutil.copy(cells / "labels" / f"{Path(line).stem}.txt", folder / "set" / "labels")
    names = (cells / "labelmap.txt").read_text().split()
    (folder / "set" / "labelmap.txt").write_text("\n".join(names))
    (folder / "data.yaml").write_text(f"path: {folder}/set\ntrain: images\nval: images\nnames: {names}\n")
    settings = {"imgsz": 320, "device": "cpu", "plots": False, "verbose": False, "workers": 0, "batch": 1}
    found = YOLO(WEIGHTS).val(data=str(folder / "data.yaml"), save_json=True, project=str(folder / "out"), **settings)
    shutil.copy(next((folder / "out").rglob("predictions.json")), folder / "predictions.json")
    return folder, float(found.box.map50)


@pytest.mark.slow
def test_replayed_predictions_equal_ultralytics_through_tab_cli_and_api(judged, wb):
    folder, theirs = judged
    make(wb, folder / "set", "bccd")
    finish(operations()["snapshots_create"].fn(wb, "bccd", "now"))
    asked = {"predictor": "file", "source": str(folder / "predictions.json"), "max_det": MOST, "snapshot": "now"}
    files = three_ways(wb, "bccd", asked)
    assert files["tab"] == files["cli"] == files["api"]
    assert json.loads(files["api"])["metrics"]["bbox_AP50"] == pytest.approx(theirs, abs=0.005)


@pytest.mark.slow
def test_a_leak_planted_in_bccd_is_found(data: Path, wb, tmp_path):
    from PIL import Image

    cells, planted = data / "bccd", []
    lists = {split: (cells / f"{split}.txt").read_text().split() for split in ("train", "test")}
    for split, paths in lists.items():
        for part in ("images", "labels"):
            (tmp_path / "set" / split / part).mkdir(parents=True)
        for line in paths:
            shutil.copy(cells / line, tmp_path / "set" / split / "images")
            shutil.copy(cells / "labels" / f"{Path(line).stem}.txt", tmp_path / "set" / split / "labels")
    for number, line in enumerate(lists["test"][:20]):
        planted.append(Path(line).name)
        Image.open(cells / line).save(
            tmp_path / "set" / "train" / "images" / f"again{chr(97 + number)}.jpg", quality=60
        )
        shutil.copy(
            cells / "labels" / f"{Path(line).stem}.txt",
            tmp_path / "set" / "train" / "labels" / f"again{chr(97 + number)}.txt",
        )
    names = (cells / "labelmap.txt").read_text().split()
    (tmp_path / "set" / "data.yaml").write_text(
        f"train: train/images\nval: test/images\ntest: test/images\nnames: {names}\n"
    )
    dataset = make(wb, tmp_path / "set", "bccd")
    split = next(row.split for row in dataset.images() if row.path.startswith("test/"))
    (tmp_path / "p.json").write_text(json.dumps([]))
    verb = operations()["evaluate"]
    asked = {"dataset": "bccd", "predictor": "file", "source": str(tmp_path / "p.json"), "name": "x", "split": split}
    finish(verb.fn(wb, **prepared(wb, verb, asked)))
    honesty = call(wb, "evaluate_get", name="x")["split_honesty"]
    found = {Path(row["name"]).name for row in honesty["rows"]}
    assert set(planted) <= found and len(found) <= len(planted) + 3
    assert honesty["without"]["images"] == len(lists["test"]) - len(found)
