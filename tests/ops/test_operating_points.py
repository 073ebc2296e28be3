"""An operating point that was chosen in an evaluation holds for whatever that infers later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tator.datasets.dataset import Dataset
from tator.editing.candidates import replace_candidates
from tator.ops import call, operations, prepared
from tator.runtime.registry import backends
from tator.storage.thresholds import model_folder, thresholds_of
from tator.types import Detections
from tests.folders import coloured, finish, make
from tests.ops.test_evaluate import results, run


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "set"), "squares")


@pytest.fixture
def head(wb, squares) -> str:
    verb = operations()["heads_train"]
    finish(verb.fn(wb, **prepared(wb, verb, {"dataset": "squares", "name": "h"})))
    return "h"


def named(wb, squares) -> dict:
    image = squares.images()[0]
    boxes = squares.annotations([image.id])[image.id].xyxy.ravel().tolist()
    return call(wb, "classify_boxes", image_id=image.id, boxes=boxes)


def test_a_head_accepts_what_reaches_its_operating_point(wb, squares, head):
    before = named(wb, squares)
    assert before["thresholds"]["from"] == "conf" and all(box["accepted"] for box in before["boxes"])
    run(wb, predictor="head", source=head)
    first = before["boxes"][0]["class_name"]
    told = call(wb, "operating_point_set", name="one", score_thr=0.0, classes=[first], class_score_thrs=[1.0])
    assert told["infers"] == "head h"
    after = named(wb, squares)
    assert after["thresholds"] == {"conf": 0.0, "classes": {first: 1.0}, "from": "operating point", "evaluation": "one"}
    assert {box["class_name"]: box["accepted"] for box in after["boxes"]} == {
        box["class_name"]: box["class_name"] != first for box in before["boxes"]
    }
    call(wb, "runs_rename", family="heads", name="h", new_name="g")
    assert named(wb, squares)["thresholds"]["from"] == "operating point"  # it goes with the head
    assert call(wb, "heads_get", name="g")["thresholds"]["classes"] == {first: 1.0}


def test_an_evaluation_counts_at_the_operating_point_unless_told_not_to(wb, squares, head):
    run(wb, predictor="head", source=head)
    whole = call(wb, "evaluate_get", name="one")
    call(wb, "operating_point_set", name="one", score_thr=0.0, classes=["red"], class_score_thrs=[1.0])
    run(wb, "two", predictor="head", source=head)
    found = call(wb, "evaluate_get", name="two")
    rows = {row["class"]: row for row in found["per_class"]}
    assert found["thresholds"]["from"] == "operating point" and found["class_score_thrs"] == {"red": 1.0}
    assert rows["red"]["pred"] == 0 and rows["blue"]["pred"] == rows["blue"]["gt"] > 0
    assert found["metrics"]["bbox_AP"] == whole["metrics"]["bbox_AP"]  # it looks at every score
    mistakes = call(wb, "evaluate_mistakes", name="two")
    assert mistakes["counts"]["missed"] == rows["red"]["gt"] == mistakes["total"]
    run(wb, "three", predictor="head", source=head, use_operating_point=False)
    assert call(wb, "evaluate_get", name="three")["thresholds"] == {"conf": 0.25, "classes": {}, "from": "conf"}
    call(wb, "operating_point_clear", name="one")
    run(wb, "four", predictor="head", source=head)
    assert call(wb, "evaluate_get", name="four")["thresholds"]["from"] == "conf"
    assert call(wb, "evaluate_get", name="one")["operating_point"] == {}


def test_that_of_stored_candidates_is_kept_with_their_model(wb, squares):
    model = next(iter(backends()))
    image = squares.images()[0]
    found = squares.annotations([image.id])[image.id]
    told = Detections.of(found.xyxy + 2, np.full(len(found), 0.5, np.float32), found.class_id)
    replace_candidates(squares, {image.id: told}, model, "first")
    run(wb, source=f"{model}@first")
    assert call(wb, "operating_point_set", name="one", score_thr=0.6)["infers"] == f"model {model}"
    assert thresholds_of(model_folder(wb.workspace, model), 0.1).conf == 0.6
    run(wb, "two", source=f"{model}@first")
    assert call(wb, "evaluate_get", name="two")["metrics"]["f1@0.50_tp"] == 0
    assert call(wb, "evaluate_propose", name="two", image_id=image.id)["candidates"] == 0


def test_that_of_a_file_stays_with_the_evaluation(wb, squares, tmp_path):
    run(wb, predictor="file", source=results(squares, tmp_path / "p.json"))
    assert call(wb, "operating_point_set", name="one", score_thr=0.95)["infers"] == ""
    run(wb, "two", predictor="file", source=str(tmp_path / "p.json"))
    assert call(wb, "evaluate_get", name="two")["thresholds"]["from"] == "conf"
