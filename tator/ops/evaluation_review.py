"""Predictions of an evaluation in Label, to decide about."""

from __future__ import annotations

from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.editing.candidates import replace_candidates
from tator.ops import operation
from tator.storage.runs import Runs
from tator.storage.thresholds import CONF, Thresholds, thresholds_of
from tator.types import Detections, NotFound
from tator.workbench import Workbench
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of, records_of

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
    chosen = [each for each in known if (each.get("score") or 0.0) >= kept.of([each["desc"]])[0]]
    corners = [np.reshape(each["points"], (-1, 2)) for each in chosen]
    found = Detections.of(
        [[*points.min(0), *points.max(0)] for points in corners],
        [each.get("score") or 0.0 for each in chosen],
        [ids[each["desc"]] for each in chosen],
    )
    counts = replace_candidates(data, {row.id: found}, SOURCE, name)
    return {"image_id": row.id, "dataset": data.name, "candidates": counts["new"] + counts["updated"], **counts}


def _kept(runs: Runs[None], name: str) -> Thresholds:
    """Return the operating point chosen in an evaluation, else what it counted at."""
    facts = metrics_of(runs, name)
    chosen = thresholds_of(runs.place(name), float(facts["score_thr"]))
    return chosen if chosen.source != CONF else Thresholds(chosen.conf, facts.get("class_score_thrs") or {})
