"""Predictions of an evaluation in Label, to decide about."""

from __future__ import annotations

from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.editing.candidates import replace_candidates
from tator.ops import operation
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
