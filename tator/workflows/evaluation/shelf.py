"""Where evaluations are kept, and how one is opened again."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tator.storage.families import Along, Family
from tator.storage.runs import Runs, read_object, register_family
from tator.storage.workspace import Workspace
from tator.types import NotFound
from tator.workflows.evaluation.evaluator import Evaluation, Settings, evaluate_records
from tator.workflows.evaluation.frozen import restore_along, throw_along
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.places import Places
from tator.workflows.evaluation.records import Record, read_records

REPORT = "report.json"
FIGURES = ("bbox_AP", "bbox_AP50", "best_f1", "best_f1_score_thr")
KEPT_OPEN = 4  # evaluations in memory: two that are compared, and two that were looked at before


def _figures(_: None, report: dict[str, Any]) -> dict[str, Any]:
    """Return what evaluations are compared by in lists."""
    found = {key: report.get("metrics", {}).get(key) for key in FIGURES}
    facts = {
        key: report.get(key) for key in ("dataset", "split", "snapshot", "predictor", "source", "images", "created_at")
    }
    return found | facts | {"ap_is_rankless": report.get("ap_is_rankless")}


EVALUATIONS: Family[None] = register_family(
    Family(
        "evaluation",
        label="Evaluations",
        one="evaluation",
        weights="summary.json",
        report=REPORT,
        train="evaluate",
        figures=_figures,
        is_tree=True,
        along=Along(throw_along, restore_along),
    )
)


def evaluations_of(workspace: Workspace) -> Runs[None]:
    """Return the evaluations of a workspace."""
    return Runs(workspace, EVALUATIONS)


def places_of(folder: Path) -> Places:
    """Return the places of an evaluation on the shelf."""
    eval_dir, vis_dir = folder / "eval", folder / "vis"
    return Places(folder, folder / "gt_vs_pred.jsonl", folder / "summary.json", eval_dir, vis_dir, None, "dataset")


def metrics_of(runs: Runs[None], name: str) -> dict[str, Any]:
    """Return metrics.json of an evaluation.

    Raises:
        NotFound: no such evaluation, or it left no metrics.
    """
    file = places_of(runs.path(name).parent).eval_dir / "metrics.json"
    if not file.is_file():
        raise NotFound(f"evaluation {name!r} has no metrics: its eval stage was off")
    return read_object(file)


def opened(runs: Runs[None], name: str) -> Evaluation:
    """Return an evaluation with every box and match, without AP.

    The last ones stay in memory.

    Raises:
        NotFound: no such evaluation.
    """
    file = places_of(runs.path(name).parent).gt_vs_pred
    facts = metrics_of(runs, name)
    names = facts["confusion"]["classes"][:-1]
    apart = tuple(sorted((facts.get("class_score_thrs") or {}).items()))
    thresholds = (float(facts["score_thr"]), apart, float(facts["iou_thr"]))
    key = (str(facts["label_policy"]), str(facts["label_miss"]), *thresholds)
    aliases = tuple(sorted((facts.get("aliases") or {}).items()))
    return _opened(file, file.stat().st_mtime_ns, key, tuple(names), aliases)


@functools.lru_cache(KEPT_OPEN)
def _opened(file: Path, _changed: int, key: tuple, names: tuple[str, ...], aliases: tuple) -> Evaluation:
    policy, miss, score_thr, apart, iou_thr = key
    labels = LabelPolicy(policy if policy != "embed" else "glossary", miss, dict(aliases))
    least = {"score_thr": score_thr, "class_score_thrs": dict(apart)}
    settings = Settings(labels, metrics="f1ish", f1_iou_thrs=(iou_thr,), f1ish_iou_thrs=(iou_thr,), **least)
    classes = [each for each in names if each != "unknown"]
    return evaluate_records(read_records(file), settings, classes)


def records_of(runs: Runs[None], name: str) -> Iterator[Record]:
    """Yield the records of an evaluation."""
    return read_records(places_of(runs.path(name).parent).gt_vs_pred)
