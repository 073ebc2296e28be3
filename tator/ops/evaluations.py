"""Evaluations that are kept: two side by side, and their predictions in Label."""

from __future__ import annotations

from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.editing.candidates import replace_candidates
from tator.ops import operation
from tator.types import BadInput, Detections, NotFound
from tator.workbench import Workbench
from tator.workflows.evaluation.bisect import edits_between, label_changes
from tator.workflows.evaluation.compare import compare
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of, opened, records_of

SOURCE = "evaluation"  # before the @ of the candidates that an evaluation's predictions become
LISTED = 200  # images whose labels changed in the answer, what moved AP most first


@operation(writes=False)
def evaluate_compare(wb: Workbench, name: str, other: str) -> dict[str, Any]:
    """Return what differs from one evaluation to another.

    On equal labels: the change of each class, images won and lost, and how sure the difference is. On labels that were
    edited between them: the edits, and how much AP of each class each image's edits moved, for the predictions of the first.

    Args:
        name: of the first evaluation, from runs_list evaluation.
        other: of the second.

    Raises:
        NotFound: no such evaluation.
        BadInput: they are of different images.
    """
    runs = evaluations_of(wb.workspace)
    facts = [runs.report(each) | metrics_of(runs, each) for each in (name, other)]
    hashes = [(each.get("ground_truth") or {}).get("gt_sha256") for each in facts]
    if hashes[0] and hashes[0] == hashes[1]:
        pair = opened(runs, name), opened(runs, other)
        return {"same_labels": True, **compare(facts[0], facts[1], pair)}
    return {"same_labels": False, **_changed_labels(wb, name, other, facts)}


def _changed_labels(wb: Workbench, name: str, other: str, facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the labels' changes between two evaluations did."""
    runs = evaluations_of(wb.workspace)
    before, after = records_of(runs, name), records_of(runs, other)
    if not before.keys() & after.keys():
        raise BadInput(f"evaluations {name!r} and {other!r} have no image in common, so they cannot be compared")
    found = label_changes(before, after, opened(runs, name).settings)
    rows = found["images"][:LISTED]
    edits = _edits(wb, facts, [row["image_id"] for row in rows if row["image_id"]])
    return found | {
        "images": [row | {"edits": edits.get(row["image_id"], [])} for row in rows],
        "image_count": len(found["images"]),
        "metrics": {key: [each["metrics"].get(key) for each in facts] for key in ("bbox_AP", "bbox_AP50", "best_f1")},
    }


def _edits(wb: Workbench, facts: list[dict[str, Any]], image_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the edits between the snapshots of two evaluations; none where they are not of one dataset."""
    names = [(each.get("ground_truth") or {}).get("snapshot") for each in facts]
    datasets = {(each.get("ground_truth") or {}).get("dataset") for each in facts}
    if len(datasets) > 1 or not all(datasets) or not all(names):
        return {}
    try:
        return edits_between(wb.dataset(str(datasets.pop())), str(names[0]), str(names[1]), image_ids)
    except (NotFound, BadInput):  # the dataset or a snapshot is gone; what the labels were is kept with the evaluations
        return {}


@operation
def evaluate_propose(wb: Workbench, name: str, image_id: int, score_thr: float = -1.0) -> dict[str, Any]:
    """Store what was predicted in one image as candidates, to decide about in Label.

    Those of the same evaluation are replaced; what a person decided stays.

    Args:
        name: of the evaluation, from runs_list evaluation.
        image_id: id of the image, from evaluate_mistakes.
        score_thr: predictions below are left out; -1 for the threshold of the evaluation.

    Raises:
        NotFound: no such evaluation or image, or the evaluation is not of the image.
    """
    runs = evaluations_of(wb.workspace)
    thr = float(metrics_of(runs, name)["score_thr"]) if score_thr < 0 else score_thr
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    record = next((each for each in records_of(runs, name).values() if each.image_id == image_id), None)
    if record is None:
        raise NotFound(f"evaluation {name!r} has no image {image_id}")
    ids = {each.name: each.class_id for each in data.classes()}
    kept = [each for each in record.pred if each["desc"] in ids and (each.get("score") or 0.0) >= thr]
    corners = [np.reshape(each["points"], (-1, 2)) for each in kept]
    found = Detections.of(
        [[*points.min(0), *points.max(0)] for points in corners],
        [each.get("score") or 0.0 for each in kept],
        [ids[each["desc"]] for each in kept],
    )
    counts = replace_candidates(data, {row.id: found}, SOURCE, name)
    return {"image_id": row.id, "dataset": data.name, "candidates": counts["new"] + counts["updated"], **counts}
