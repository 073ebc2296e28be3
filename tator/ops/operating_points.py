"""Choose from which score predictions count, for whatever infers later."""

from __future__ import annotations

from typing import Any

from tator.ops import operation
from tator.storage.thresholds import forget_operating_point, keep_operating_point
from tator.types import BadInput
from tator.workbench import Workbench
from tator.workflows.evaluation.kept_points import of_evaluation
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of


@operation
def operating_point_set(
    wb: Workbench, name: str, score_thr: float, classes: list[str] = [], class_score_thrs: list[float] = []
) -> dict[str, Any]:
    """Keep the score from which predictions count, for all classes or each.

    It is kept with the evaluation and with the head or model that was evaluated. Whatever that infers later takes it:
    first what a calibration found, then the operating point, then the conf that is given.

    Args:
        name: of the evaluation, from runs_list evaluation.
        score_thr: for every class that is not named, in [0, 1].
        classes: classes with a threshold of their own.
        class_score_thrs: theirs, in the same order.

    Returns:
        {"evaluation", "score_thr", "classes", "infers"}: "infers" names the head or model that keeps it, empty where the
        predictions came from a file.

    Raises:
        NotFound: no such evaluation.
        BadInput: a threshold is outside [0, 1], or a class is not of the evaluation.
    """
    runs = evaluations_of(wb.workspace)
    facts = metrics_of(runs, name)
    known = facts["confusion"]["classes"][:-1]
    if len(classes) != len(class_score_thrs):
        raise BadInput(f"{len(classes)} classes have {len(class_score_thrs)} thresholds; give one each")
    if unknown := [each for each in classes if each not in known]:
        raise BadInput(f"the evaluation has no class {unknown[0]!r}; it has {', '.join(known)}")
    if any(not 0 <= each <= 1 for each in (score_thr, *class_score_thrs)):
        raise BadInput("a threshold must be in [0, 1]")
    own = dict(zip(classes, class_score_thrs, strict=True))
    infers = of_evaluation(wb.workspace, facts)
    keep_operating_point(runs.place(name), score_thr, own)
    if infers:
        keep_operating_point(infers.folder, score_thr, own, name)
    return {"evaluation": name, "score_thr": score_thr, "classes": own, "infers": infers.words if infers else ""}


@operation
def operating_point_clear(wb: Workbench, name: str) -> dict[str, str]:
    """Forget the operating point of what was evaluated.

    The conf that is given holds again, where no calibration says otherwise.

    Args:
        name: of the evaluation, from runs_list evaluation.

    Raises:
        NotFound: no such evaluation.
    """
    runs = evaluations_of(wb.workspace)
    infers = of_evaluation(wb.workspace, metrics_of(runs, name))
    for folder in [runs.place(name), *([infers.folder] if infers else [])]:
        forget_operating_point(folder)
    return {"evaluation": name, "infers": infers.words if infers else ""}
