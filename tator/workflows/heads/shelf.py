"""Where trained heads are kept, and which one auto class uses."""

from __future__ import annotations

import math
import time
from typing import Any

from tator.storage.families import Family
from tator.storage.runs import Runs, register_family
from tator.storage.workspace import Workspace
from tator.types import BadInput
from tator.workflows.heads.head import Head

FIGURES = ("accuracy", "majority_accuracy", "macro_f1")  # of a report's metrics, in lists of heads


def heads_of(workspace: Workspace) -> Runs[Head]:
    """Return the heads of a workspace."""
    return Runs(workspace, HEADS)


def keep_head(runs: Runs[Head], name: str, head: Head, report: dict[str, Any]) -> None:
    """Put a trained head on the shelf, or in the place of the one with that name.

    Args:
        runs: from heads_of.
        name: of the head.
        head: what was trained.
        report: dataset, settings, metrics and what else is known of the training.

    Raises:
        BadInput: the name cannot be a head's.
    """
    facts = {"name": name, "created_at": time.time(), **report}
    runs.save(name, settings_of(report), facts, head.save)


def settings_of(report: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of heads_train that a report tells of."""
    return {"dataset": report.get("dataset", ""), **report.get("settings", {})}


def row_of(runs: Runs[Head], name: str) -> dict[str, Any]:
    """Return a head as a row of the list.

    It has name, dataset, encoder, classes and figures, and in "problem" why the head cannot be used.
    """
    report = runs.report(name)
    row = {"name": name, "active": runs.active() == name, "problem": ""}
    row |= {"dataset": report.get("dataset", ""), "created_at": report.get("created_at")}
    try:
        head = runs.load(name)
    except BadInput as problem:
        return row | measured(report) | {"problem": str(problem), "encoder": "", "classes": [], "class_count": 0}
    return row | figures_of(head, report) | {"classes": list(head.classes)}


def figures_of(head: Head, report: dict[str, Any]) -> dict[str, Any]:
    """Return what heads are compared by: encoder, class count, measured figures."""
    return {"encoder": head.encoder, "class_count": len(head.classes), **measured(report)}


def measured(report: dict[str, Any]) -> dict[str, float | None]:
    """Return the figures that a report's metrics have, None for those that they lack."""
    return {key: report.get("metrics", {}).get(key) for key in FIGURES}


def check_report(report: dict[str, Any]) -> None:
    """Check that a report from elsewhere can be listed and drawn.

    Raises:
        BadInput: a figure is not a number, or its parts are of other types; the message names which.
    """
    for key, kind in (("metrics", dict), ("settings", dict), ("dataset", str)):
        if not isinstance(report.get(key, kind()), kind):
            raise BadInput(f"head.json: {key} must be {kind.__name__}, is {type(report[key]).__name__}")
    metrics = report.get("metrics", {})
    for key in FIGURES:
        value = metrics.get(key, 0.0)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise BadInput(f"head.json: {key} must be a number, is {value!r}")
    for key in ("history", "per_class", "confusion", "labels"):
        if not isinstance(metrics.get(key, []), list):
            raise BadInput(f"head.json: {key} must be a list, is {type(metrics[key]).__name__}")


HEADS = register_family(
    Family(
        "heads",
        label="Class heads",
        one="head",
        weights="head.safetensors",
        load=Head.load,
        report="head.json",
        train="heads_train",
        settings_of=settings_of,
        figures=figures_of,
        check_report=check_report,
    )
)
