"""A crowd that a COCO file marks is a region to ignore, from the import to the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tator.datasets.snapshots import Snapshot, freeze
from tator.workbench import Workbench
from tator.workflows.evaluation.evaluator import Settings, evaluate_records
from tator.workflows.evaluation.ground_truth import SnapshotTruth
from tests.folders import coco, finish, make, picture, text
from tests.workflows.evaluation.scenes import thing

OBJECT, INSIDE, OUTSIDE = [4, 6, 24, 16], [42, 22, 52, 32], [4, 30, 24, 46]
RUNS = [40 * 48 + 20, *[20, 28] * 19, 20]
MASK = {"size": [48, 64], "counts": [*RUNS, 48 * 64 - sum(RUNS)]}
CROWDS = {
    "mask": {"segmentation": MASK},
    "outline": {"segmentation": [[40, 20, 60, 20, 60, 40, 40, 40]]},
    "box": {"segmentation": []},
}


@pytest.mark.parametrize("kind", CROWDS)
def test_predictions_in_a_crowd_are_not_false(tmp_path: Path, kind: str):
    picture(tmp_path / "set" / "a.png")
    crowd = {"bbox": [40, 20, 20, 20], "iscrowd": 1, **CROWDS[kind]}
    text(tmp_path / "set" / "a.json", coco(["a.png"], [{"bbox": [4, 6, 20, 10], "iscrowd": 0}, crowd]))
    wb = Workbench.at(tmp_path / "home")
    try:
        dataset = make(wb, tmp_path / "set", "set")
        finish(freeze(dataset, "now"))
        [found] = SnapshotTruth(Snapshot.open(dataset, "now")).records()
        pred = [thing("cat", box, 0.9) for box in (OBJECT, INSIDE, OUTSIDE)]
        for with_masks in (False, True):
            result = evaluate_records([replace(found, pred=pred)], Settings(with_masks=with_masks))
            assert result.facts["gt"] == 1 and result.facts["gt_ignored"] == 1
            assert result.metrics["f1@0.50_tp"] == 1 and result.metrics["f1@0.50_fp"] == 1, "only the one outside"
    finally:
        wb.close()
