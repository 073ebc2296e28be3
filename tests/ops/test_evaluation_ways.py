"""What an evaluation counts, however it is asked for: the same bytes, and crowds that are no mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.editing.edits import save_edits
from tator.ops import call, operations
from tests.folders import coloured, finish, make
from tests.ops.test_evaluate import planted, results, run
from tests.workflows.evaluation.ways import three_ways


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "set"), "squares")


@pytest.mark.slow
def test_tab_command_line_and_api_write_the_same_numbers(wb, squares, tmp_path):
    finish(operations()["snapshots_create"].fn(wb, "squares", "now"))
    asked = {"predictor": "file", "source": planted(squares, tmp_path / "p.json"), "snapshot": "now", "score_thr": 0.4}
    files = three_ways(wb, "squares", asked)
    assert files["tab"] == files["cli"] == files["api"]
    assert 0 < json.loads(files["api"])["metrics"]["bbox_AP"] < 1


@pytest.mark.parametrize("attribute", ["crowd", "difficult"])
def test_a_label_that_is_marked_as_no_single_object_is_passed_over(wb, squares, tmp_path, attribute):
    source = results(squares, tmp_path / "p.json", leave_out=1)
    run(wb, "before", predictor="file", source=source)
    missed = call(wb, "evaluate_mistakes", name="before", kind="missed")["mistakes"]
    image = next(row for row in squares.images() if row.id == missed[0]["image_id"])
    op = {"op": "set", "id": missed[0]["annotation"], "changes": {"attributes": {attribute: True}}}
    save_edits(wb.store, image.id, image.revision, "me", [{"seq": 1, "kind": "edit", "label": "Mark", "ops": [op]}])
    run(wb, "after", predictor="file", source=source)
    before, after = (call(wb, "evaluate_get", name=name) for name in ("before", "after"))
    assert (after["gt_ignored"], after["gt"]) == (1, before["gt"] - 1)
    for key in ("f1@0.50_fn", "f1ish@0.50_fn_loc", "f1ish_all@0.50_fn_full"):
        assert after["metrics"][key] == before["metrics"][key] - 1, key
    assert after["metrics"]["bbox_AR100"] > before["metrics"]["bbox_AR100"]
    assert len(call(wb, "evaluate_mistakes", name="after", kind="missed")["mistakes"]) == len(missed) - 1


def test_the_worst_images_are_drawn_where_that_is_asked_for(wb, squares, tmp_path):
    source = planted(squares, tmp_path / "p.json")
    run(wb, "none", predictor="file", source=source)
    run(wb, "two", predictor="file", source=source, overlays=2)
    assert call(wb, "evaluate_get", name="none")["overlays"] == []
    drawn = call(wb, "evaluate_get", name="two")["overlays"]
    assert len(drawn) == 2 and all(name.endswith(".png") for name in drawn)
