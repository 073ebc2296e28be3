"""Compare evaluations, draw predictions, and check that the evaluator works here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tator.ops import operation
from tator.storage.workspace import Workspace
from tator.types import BadInput, Forbidden, NotFound, Work
from tator.workbench import Workbench
from tator.workflows.evaluation.bisect import edits_between, label_changes
from tator.workflows.evaluation.compare import compare
from tator.workflows.evaluation.overlays import draw_records
from tator.workflows.evaluation.places import Places
from tator.workflows.evaluation.preflight import checks
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of, opened, records_of


@operation(writes=False)
def evaluate_compare(wb: Workbench, one: str, other: str, seed: int = 0) -> dict[str, Any]:
    """Return what differs from one evaluation to another.

    Where both have the same ground truth: numbers and classes with their difference, images won and lost, and how sure the
    difference is. Where the labels of their dataset changed in between: which edits moved the AP of each class.

    Args:
        one: name of the earlier evaluation, from runs_list evaluation.
        other: name of the later one.
        seed: makes the interval repeatable.

    Raises:
        NotFound: no such evaluation.
        BadInput: they are of different images.
    """
    runs = evaluations_of(wb.workspace)
    before, after = metrics_of(runs, one), metrics_of(runs, other)
    truths = [each.get("ground_truth") or {} for each in (before, after)]
    if truths[0].get("gt_sha256") and truths[0].get("gt_sha256") == truths[1].get("gt_sha256"):
        pair = opened(runs, one), opened(runs, other)
        return {"kind": "predictions", "one": one, "other": other, **compare(before, after, pair, seed)}
    if not truths[0].get("dataset") or truths[0].get("dataset") != truths[1].get("dataset"):
        raise BadInput("the two evaluations are of different ground truth, so their numbers cannot be compared")
    found = label_changes(partial(records_of, runs, one), partial(records_of, runs, other), opened(runs, one).settings)
    ids = [row["image_id"] for row in found["images"]]
    snapshots = str(truths[0]["snapshot"]), str(truths[1]["snapshot"])
    edits = edits_between(wb.dataset(str(truths[0]["dataset"])), *snapshots, ids)
    rows = [row | {"edits": edits[row["image_id"]]} for row in found["images"]]
    numbers = {
        key: [each["metrics"].get(key) for each in (before, after)] for key in ("bbox_AP", "bbox_AP50", "best_f1")
    }
    told = {"kind": "labels", "one": one, "other": other, "snapshots": list(snapshots), "metrics": numbers}
    return told | {"AP": found["AP"], "images": rows}


@operation(title="Draw predictions")
def visualise(wb: Workbench, predictions: str, out: str = "", root_image_dir: str = "", limit: int = 20) -> Work:
    """Draw the first images of a gt_vs_pred.jsonl file: labels green, predictions red.

    Args:
        predictions: path of the file on the server.
        out: folder for the drawings; empty puts them beside the file.
        root_image_dir: folder of the images; empty takes that of the file.
        limit: most images.

    Raises:
        NotFound: no such file.
        BadInput: a line is damaged, or limit is below 1.
        Forbidden: the folder lies outside those that this server may use.
    """
    file = wb.workspace.source(wb.own_source(str(Path(predictions).absolute()) if _is_owner(wb) else predictions))
    if limit < 1:
        raise BadInput(f"limit must be 1 or more, is {limit}")
    root = (
        wb.workspace.source(str(Path(root_image_dir).absolute()) if _is_owner(wb) else root_image_dir)
        if root_image_dir
        else file.parent
    )
    folder = _writable(wb.workspace, out) if out else file.parent / "vis"
    folder.mkdir(parents=True, exist_ok=True)
    summary = file.with_name("summary.json")
    places = Places(file.parent, file, summary, file.parent / "eval", folder, root, "config")
    drawings = yield from draw_records(file, None, places, limit)
    if not drawings:
        raise NotFound(f"no image of {file.name} could be read below {root}")
    return {"folder": str(folder), "images": [path.name for path in drawings]}


def _is_owner(wb: Workbench) -> bool:
    """Return whether who acts owns the machine."""
    return wb.workspace.source_roots is None


def _writable(workspace: Workspace, folder: str) -> Path:
    """Return a folder that this caller may write.

    Raises:
        Forbidden: it lies outside those that this server may use.
    """
    path = Path(folder).expanduser().resolve()
    roots = workspace.source_roots
    if roots is not None and not any(path.is_relative_to(root) for root in roots):
        raise Forbidden(f"{folder} lies outside the folders that this server may use")
    return path


@operation(writes=False)
def preflight(wb: Workbench) -> dict[str, Any]:
    """Check in seconds that evaluation works here: code, imports, a run, its files.

    Returns:
        {"ok", "checks": [{"check", "ok", "detail", "s"}]}.
    """
    rows = checks()
    return {"ok": all(row["ok"] for row in rows), "checks": rows}
