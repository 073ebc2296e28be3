"""The snapshot that was frozen for an evaluation, which owns it.

A note in the evaluation's folder names it. It goes to the trash and comes back with the evaluation, unless another evaluation
is of the same labels; that one then owns it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tator.datasets.dataset import Dataset
from tator.datasets.snapshot_removal import throw_snapshot
from tator.datasets.snapshots import freeze, snapshots_of
from tator.storage.atomic import write_json
from tator.storage.runs import read_object
from tator.storage.trash import Trash
from tator.types import BadInput, Conflict, NotFound, Work

NOTE = "frozen.json"
PREDICTIONS = "gt_vs_pred.jsonl"


def frozen_for(dataset: Dataset, folder: Path, name: str, user: str, goes_on: bool) -> Work:
    """Freeze a dataset for an evaluation; return the snapshot's name.

    Args:
        dataset: what to freeze.
        folder: of the evaluation.
        name: of the evaluation.
        user: who is acting.
        goes_on: an evaluation that was cut off takes the snapshot that it has.
    """
    note = _note(folder)
    if note and goes_on and note["snapshot"] in {each["name"] for each in snapshots_of(dataset)}:
        return note["snapshot"]
    drop(Trash(dataset.store, dataset.workspace), folder)
    told = yield from freeze(dataset, _free_name(dataset, name), with_hashes=False, user=user)
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"dataset_id": dataset.id, "snapshot": told["name"], "snapshot_sha256": told["sha256"]}
    write_json(folder / NOTE, facts)
    return told["name"]


def _free_name(dataset: Dataset, name: str) -> str:
    """Return a name for a snapshot that none has."""
    taken = {each["name"] for each in snapshots_of(dataset)}
    wanted = f"evaluation {name}"[:70]
    if wanted not in taken:
        return wanted
    return f"{wanted} {time.strftime('%Y-%m-%d %H.%M.%S', time.gmtime())}.{time.time_ns() // 1_000_000 % 1000:03}"


def _note(folder: Path) -> dict[str, Any]:
    """Return what the note of an evaluation says, nothing where there is none."""
    file = folder / NOTE
    try:
        note = read_object(file) if file.is_file() else {}
    except BadInput:
        return {}
    return note if isinstance(note.get("snapshot"), str) and isinstance(note.get("dataset_id"), int) else {}


def drop(trash: Trash, folder: Path) -> None:
    """Delete for good the snapshot of an evaluation that came to nothing."""
    note = _note(folder)
    thrown = throw_snapshot(trash.store, note["dataset_id"], note["snapshot"]) if note else None
    for _ in trash.purge(thrown["entry"]) if thrown else ():
        continue
    (folder / NOTE).unlink(missing_ok=True)


def drop_unused(dataset: Dataset, folder: Path) -> None:
    """Delete the snapshot of an evaluation that failed before it predicted anything."""
    if not (folder / PREDICTIONS).exists():
        drop(Trash(dataset.store, dataset.workspace), folder)


def throw_along(trash: Trash, folder: Path, user: str) -> None:
    """Put the snapshot of an evaluation into the trash, or hand it on.

    It is handed on to another evaluation that is of it.

    Args:
        trash: of the workspace.
        folder: of the evaluation, which goes to the trash next.
        user: who is acting.
    """
    note = _note(folder)
    if not note:
        return
    heir = next((each for each in _others(folder) if _is_of(each, note)), None)
    if heir is not None:
        write_json(heir / NOTE, note)
        (folder / NOTE).unlink()
    elif thrown := throw_snapshot(trash.store, note["dataset_id"], note["snapshot"], user):
        write_json(folder / NOTE, note | {"entry": thrown["entry"]})


def _others(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.parent.iterdir()) if each.is_dir() and each != folder]


def _is_of(folder: Path, note: dict[str, Any]) -> bool:
    """Return whether an evaluation is of the snapshot that a note names."""
    report = folder / "report.json"
    truth = read_object(report).get("ground_truth") or {} if report.is_file() else {}
    return all(truth.get(key) == note.get(key) for key in ("snapshot", "snapshot_sha256"))


def restore_along(trash: Trash, folder: Path) -> None:
    """Take the snapshot of an evaluation out of the trash, where it still lies there."""
    note = _note(folder)
    entry = note.pop("entry", None)
    if not entry:
        return
    try:
        note["snapshot"] = trash.restore(str(entry)).name
    except (NotFound, Conflict):
        (folder / NOTE).unlink()
        return
    write_json(folder / NOTE, note)


def evaluations_by_snapshot(folder: Path) -> dict[tuple[int, str], str]:
    """Return {(dataset id, snapshot): the evaluation that it was frozen for}.

    Args:
        folder: of all evaluations.
    """
    notes = {file.parent.name: _note(file.parent) for file in sorted(folder.glob(f"*/{NOTE}"))}
    return {(note["dataset_id"], note["snapshot"]): name for name, note in notes.items() if note}
