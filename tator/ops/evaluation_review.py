"""Predictions of an evaluation as candidates, to decide about in the review."""

from __future__ import annotations

from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.editing.candidate_pages import Asked
from tator.editing.candidates import replace_candidates, source_of
from tator.editing.review import review_progress
from tator.ops import operation
from tator.storage.runs import Runs
from tator.storage.thresholds import CONF, Thresholds, thresholds_of
from tator.types import Detections, NotFound
from tator.workbench import Workbench
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of, opened, records_of

SOURCE = "evaluation"  # before the @ of the candidates that an evaluation's predictions become


@operation
def evaluate_propose(wb: Workbench, name: str, image_id: int, score_thr: float = -1.0) -> dict[str, Any]:
    """Store what was predicted in one image as candidates, to decide about in Label.

    Those of the same evaluation are replaced; what a person decided stays.

    Args:
        name: of the evaluation, from runs_list evaluation.
        image_id: id of the image, from evaluate_mistakes.
        score_thr: predictions below are left out; -1 for the operating point that was chosen in the evaluation, else its
            threshold.

    Raises:
        NotFound: no such evaluation or image, or the evaluation is not of the image.
    """
    runs = evaluations_of(wb.workspace)
    kept = _kept(runs, name) if score_thr < 0 else Thresholds(score_thr)
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    record = next((each for each in records_of(runs, name) if each.image_id == image_id), None)
    if record is None:
        raise NotFound(f"evaluation {name!r} has no image {image_id}")
    ids = {each.name: each.class_id for each in data.classes()}
    known = [each for each in record.pred if each["desc"] in ids]
    above = [each for each in known if (each.get("score") or 0.0) >= kept.of([each["desc"]])[0]]
    corners = [np.reshape(each["points"], (-1, 2)) for each in above]
    found = Detections.of(
        [[*points.min(0), *points.max(0)] for points in corners],
        [each.get("score") or 0.0 for each in above],
        [ids[each["desc"]] for each in above],
    )
    counts = replace_candidates(data, {row.id: found}, SOURCE, name)
    source = source_of(SOURCE, name)
    return {
        "image_id": row.id,
        "dataset": data.name,
        "source": source,
        "candidates": counts["new"] + counts["updated"],
        **counts,
    }


@operation
def evaluate_review(
    wb: Workbench, name: str, kind: str = "", class_name: str = "", score_thr: float = -1.0
) -> dict[str, Any]:
    """Store the wrong predictions of an evaluation as candidates, to review.

    Those of the same evaluation in these images are replaced; what a person decided stays. An object that was missed
    has no prediction, so it is no candidate.

    Args:
        name: of the evaluation, from runs_list evaluation.
        kind: false, wrong_class, loose_box or duplicate; empty for all.
        class_name: true or predicted class; empty for all.
        score_thr: predictions below do not count; -1 for that of the evaluation.

    Returns:
        {"dataset", "source", "images", "candidates", "left_out"}: candidates wait for an answer, in images looked at before
        too; left out are those of no image or class of the dataset.

    Raises:
        NotFound: no such evaluation.
        BadInput: there is no such kind.
    """
    from tator.workflows.evaluation.mistakes import chosen, mistakes

    found = opened(evaluations_of(wb.workspace), name)
    thr = found.least if score_thr < 0 else score_thr
    wrong = [row for row in chosen(mistakes(found, thr), kind, class_name) if row["predicted_xyxy"]]
    first = next((row["image_id"] for row in wrong if row["image_id"]), None)
    if first is None:
        return {"dataset": "", "source": "", "images": 0, "candidates": 0, "left_out": len(wrong)}
    data, _ = Dataset.of_image(wb.store, wb.workspace, first)
    ids = {each.name: each.class_id for each in data.classes()}
    ours = {row.id for row in data.images()}
    by_image: dict[int, list[dict[str, Any]]] = {}
    for row in wrong:
        if row["predicted_class"] in ids and row["image_id"] in ours:
            by_image.setdefault(row["image_id"], []).append(row)
    boxes = {
        key: Detections.of(
            [row["predicted_xyxy"] for row in rows],
            [row["score"] or 0.0 for row in rows],
            [ids[row["predicted_class"]] for row in rows],
        )
        for key, rows in by_image.items()
    }
    replace_candidates(data, boxes, SOURCE, name)
    source = source_of(SOURCE, name)
    waiting = review_progress(data, Asked(source=source))["left"]  # those of an image that somebody has open too
    told = {"dataset": data.name, "source": source, "images": len(boxes), "candidates": waiting}
    return told | {"left_out": len(wrong) - sum(map(len, by_image.values()))}


def _kept(runs: Runs[None], name: str) -> Thresholds:
    """Return the operating point chosen in an evaluation, else what it counted at."""
    facts = metrics_of(runs, name)
    chosen = thresholds_of(runs.place(name), float(facts["score_thr"]))
    return chosen if chosen.source != CONF else Thresholds(chosen.conf, facts.get("class_score_thrs") or {})
