"""AP and AR against pycocotools, on everything that COCO evaluates."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from tator.workflows.evaluation import coco
from tator.workflows.evaluation.accuracy import average_precision
from tator.workflows.evaluation.collecting import Collecting
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.tables import Evaluated
from tests.workflows.evaluation.scenes import NAMES, random_records, record

MOST = [(1, 10, 100), (1, 10, 100, 1000), (2, 5)]


def files(data: Evaluated, with_masks: bool = True) -> tuple[dict, list]:
    head, images, rows = coco.coco_gt(data, with_masks)
    return head | {"images": list(images), "annotations": list(rows)}, list(coco.coco_preds(data, with_masks))


def oracle(gt: dict, preds: list, kind: str, max_dets) -> tuple[np.ndarray, np.ndarray]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(gt))
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(json.loads(json.dumps(preds))), kind)
        run.params.maxDets = list(max_dets)
        run.evaluate()
        run.accumulate()
    return run.eval["precision"], run.eval["recall"]


def mean(values: np.ndarray) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None


def expected(gt: dict, preds: list, kind: str, max_dets) -> tuple[dict, dict]:
    precision, recall = oracle(gt, preds, kind, max_dets)
    summary = {"AP": mean(precision[..., 0, -1]), "AP50": mean(precision[0, ..., 0, -1])}
    summary |= {"AP75": mean(precision[5, ..., 0, -1])}
    summary |= {f"AP{name}": mean(precision[..., at, -1]) for at, name in enumerate("sml", 1)}
    summary |= {f"AR{most}": mean(recall[..., 0, at]) for at, most in enumerate(max_dets)}
    summary |= {f"AR{name}": mean(recall[..., at, -1]) for at, name in enumerate("sml", 1)}
    classes = [row["name"] for row in gt["categories"]]
    per_class = {
        name: {
            "AP": mean(precision[:, :, k, 0, -1]),
            "AP50": mean(precision[0, :, k, 0, -1]),
            "AP75": mean(precision[5, :, k, 0, -1]),
        }
        for k, name in enumerate(classes)
    }
    return summary, per_class


def same(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            same(ours[key], value)
        else:
            assert ours[key] == (None if value is None else pytest.approx(value, abs=1e-6)), key


def collected(records, classes=NAMES) -> Evaluated:
    return Collecting(LabelPolicy()).collect(records, classes)


@pytest.mark.parametrize("max_dets", MOST)
@pytest.mark.parametrize("seed", range(4))
def test_boxes_equal_pycocotools(seed, max_dets):
    data = collected(random_records(seed, with_ties=seed % 2 == 0))
    found = average_precision(data, "bbox", max_dets=max_dets)
    summary, per_class = expected(*files(data), "bbox", max_dets)
    same(found.summary, summary)
    same(found.per_class, per_class)
    assert sum(value is not None for value in found.summary.values()) > 6


@pytest.mark.parametrize("seed", range(3))
def test_masks_equal_pycocotools(seed):
    data = collected(random_records(seed, images=8, with_masks=True))
    found = average_precision(data, "segm")
    summary, per_class = expected(*files(data), "segm", (1, 10, 100))
    same(found.summary, summary)
    same(found.per_class, per_class)
    assert 0 < found.summary["AP"] < 1


def test_more_predictions_than_count():
    crowded = [("c0", [k, 10, k + 20, 40], (k + 1) / 200) for k in range(150)]
    data = collected([record(0, [("c0", [149, 10, 169, 40]), ("c0", [3, 10, 23, 40])], crowded)])
    for max_dets in MOST:
        found = average_precision(data, "bbox", max_dets=max_dets)
        same(found.summary, expected(*files(data), "bbox", max_dets)[0])


def test_no_prediction_has_every_key():
    data = collected([record(0, [("c0", [1, 1, 30, 30])]), record(1)])
    found = average_precision(data)
    assert found.summary["AP"] == found.summary["AR100"] == 0
    assert found.summary["APl"] is None  # no large object: undefined, not 0
    assert found.per_class["c1"]["AP"] is None


def test_no_object_is_undefined():
    found = average_precision(collected([record(0, [], [("c0", [1, 1, 30, 30], 0.9)])]))
    assert set(found.summary.values()) == {None}


def test_own_thresholds():
    data = collected(random_records(1))
    found = average_precision(data, "bbox", iou_thrs=[0.5, 0.6])
    assert found.thresholds == [0.5, 0.6] and found.summary["AP75"] is None
    assert found.summary["AP50"] == average_precision(data).summary["AP50"]


def test_real_files_equal_pycocotools(data: Path):
    folder = data / "formats"
    whole = json.loads(next((folder / "gts" / "coco_format_v1").glob("*.json")).read_text())
    preds = json.loads(next((folder / "dets" / "coco_format").glob("*.json")).read_text())
    names, file_names = (
        {row["id"]: row[key] for row in part}
        for part, key in ((whole["categories"], "name"), (whole["images"], "file_name"))
    )
    their = (
        {row["id"]: row["name"] for row in preds["categories"]},
        {row["id"]: row["file_name"] for row in preds["images"]},
    )
    by_file = {
        row["file_name"]: record(at, name=row["file_name"], size=(row["width"], row["height"]))
        for at, row in enumerate(whole["images"])
    }
    for rows, side, (labels, places) in (
        (whole["annotations"], "gt", (names, file_names)),
        (preds["annotations"], "pred", their),
    ):
        for row in rows:
            x, y, w, h = row["bbox"]
            crowd = {"ignore": True} if side == "gt" and row.get("iscrowd") else {}
            thing = {"type": "bbox_2d", "points": [x, y, x + w, y + h], "desc": labels[row["category_id"]], **crowd}
            getattr(by_file[places[row["image_id"]]], side).append(
                thing | ({"score": row["score"]} if side == "pred" else {})
            )
    found = collected(by_file.values(), list(dict.fromkeys([*names.values(), *their[0].values()])))
    assert len(found.pred) == len(preds["annotations"]) > 400
    same(average_precision(found).summary, expected(*files(found), "bbox", (1, 10, 100))[0])
