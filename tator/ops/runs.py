"""List, activate, rename, delete, download, import and repeat trained runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from tator.datasets.dataset import Dataset
from tator.ops import call, operation
from tator.storage.families import families, family_called
from tator.storage.run_files import import_run
from tator.storage.run_summaries import summary_of
from tator.storage.runs import Runs
from tator.storage.trash import Trash
from tator.types import BadInput, NotFound, Unavailable, Work
from tator.workbench import Workbench

LISTED = 100  # files named in an answer: a run that is a folder of images has thousands


@operation(writes=False)
def runs_families(wb: Workbench) -> list[dict[str, Any]]:
    """List the families of runs: what can be trained, and how many runs each has."""
    return [_family_row(Runs(wb.workspace, family)) for family in families()]


def _family_row(runs: Runs) -> dict[str, Any]:
    family = runs.family
    facts = {"family": family.name, "label": family.label, "one": family.one, "train": family.train}
    abilities = {"can_be_active": family.load is not None, "is_of_dataset": family.is_of_dataset}
    return facts | abilities | {"runs": len(runs.names())}


@operation(writes=False)
def runs_list(wb: Workbench, family: str) -> list[dict[str, Any]]:
    """List the runs of a family: name, dataset, age, size, figures, which is active.

    A run of a family with one per dataset is named by the dataset's number. "figures" are the few numbers by which runs of the
    family are compared; "problem" says why a run cannot be used.

    Args:
        family: which, from runs_families.

    Raises:
        NotFound: no such family; the message names those that there are.
    """
    runs = runs_of(wb, family)
    return [_row(wb, runs, name) | asdict(summary_of(runs, name)) for name in runs.names()]


def _row(wb: Workbench, runs: Runs, name: str) -> dict[str, Any]:
    """Return the facts that runs of every family have."""
    files = [path.stat() for path in runs.files(name).values()]
    row = {"name": name, "dataset": _dataset_of(wb, runs, name), "active": runs.active() == name}
    return row | {"created_at": runs.path(name).stat().st_mtime, "bytes": sum(file.st_size for file in files)}


def _dataset_of(wb: Workbench, runs: Runs, name: str) -> str:
    """Return the dataset that a run learned from, "" where it is not known."""
    try:
        return str(_settings(wb, runs, name).get("dataset", ""))
    except (NotFound, BadInput, Unavailable):
        return ""


@operation(writes=False)
def runs_get(wb: Workbench, family: str, name: str) -> dict[str, Any]:
    """Return a run with its report and the settings it was trained with.

    "problem" says why it cannot be used, or trained again.

    Args:
        family: which, from runs_families.
        name: of the run, from runs_list.

    Raises:
        NotFound: no such family or run.
        BadInput: its report is damaged.
    """
    runs = runs_of(wb, family)
    row, problem, settings = _row(wb, runs, name), "", {}
    try:
        if runs.family.load:
            runs.load(name)
        settings = _settings(wb, runs, name)
    except (NotFound, BadInput, Unavailable) as found:
        problem = str(found)
    facts = {"problem": problem, "settings": settings, "report": runs.report(name)}
    return row | facts | {"files": list(runs.files(name))[:LISTED]}


@operation
def runs_activate(wb: Workbench, family: str, name: str = "") -> dict[str, str]:
    """Make a run the one its family uses; an empty name leaves none active.

    Args:
        family: which, from runs_families.
        name: of the run, from runs_list.

    Raises:
        NotFound: no such family or run.
        BadInput: its file is not sound, or runs of this family are not activated.
    """
    runs = runs_of(wb, family)
    if name:
        runs.activate(name)
    else:
        runs.deactivate()
    return {"active": runs.active()}


@operation
def runs_rename(wb: Workbench, family: str, name: str, new_name: str) -> dict[str, str]:
    """Give a run another name.

    Args:
        family: which, from runs_families.
        name: of the run, from runs_list.
        new_name: its name from now on.

    Raises:
        NotFound: no such family or run.
        Conflict: the new name is taken.
        BadInput: the new name is refused, or the run is named after its dataset.
    """
    runs_of(wb, family).rename(name, new_name.strip())
    return {"name": new_name.strip()}


@operation
def runs_delete(wb: Workbench, family: str, name: str) -> dict[str, str]:
    """Put a run into the trash; trash_restore brings it back.

    Args:
        family: which, from runs_families.
        name: of the run, from runs_list.

    Raises:
        NotFound: no such family or run.
    """
    return {"deleted": name, "entry": runs_of(wb, family).delete(name, wb.user, Trash(wb.store, wb.workspace))}


@operation(writes=False)
def runs_download(wb: Workbench, family: str, name: str) -> dict[str, Any]:
    """Return the address of a zip with a run's files, and their size in bytes.

    Args:
        family: which, from runs_families.
        name: of the run, from runs_list.

    Raises:
        NotFound: no such family or run.
    """
    files = runs_of(wb, family).files(name)
    size = sum(path.stat().st_size for path in files.values())
    return {"url": f"/run/{quote(family, safe='')}/{quote(name, safe='')}", "bytes": size}


@operation(title="Import run")
def runs_import(wb: Workbench, family: str, source: str, name: str = "") -> Work:
    """Import a run from a folder or zip; its files are checked and none is executed.

    Args:
        family: which, from runs_families.
        source: absolute path on the server of a folder or .zip, or upload:<id>.
        name: of the new run; empty takes the name of its folder or zip.

    Raises:
        NotFound: no such family or source.
        Forbidden: the source lies outside the folders that imports may read.
        BadInput: it is not a run of this family, a file is not sound, or the name is refused.
        Conflict: a run has that name.
    """
    return (yield from import_run(runs_of(wb, family), wb.workspace.source(wb.own_source(source)), name.strip()))


@operation
def runs_train_again(wb: Workbench, family: str, name: str, new_name: str = "") -> dict[str, str]:
    """Train another run with the settings of this one, as a job.

    Args:
        family: which, from runs_families.
        name: of the run whose settings are taken, from runs_list.
        new_name: of the new run; empty where a dataset has one run, which is trained again.

    Raises:
        NotFound: no such family or run.
        Conflict: a run has the new name.
        BadInput: the new name is refused.
        Unavailable: the settings of the run were not kept.
    """
    runs, new_name = runs_of(wb, family), new_name.strip()
    settings = _settings(wb, runs, name)
    if not runs.family.is_of_dataset:
        settings |= {"name": runs.check_free(new_name)}
    elif new_name:
        raise BadInput(f"a {runs.family.one} is named after its dataset; leave new_name empty")
    return {"job": call(wb, runs.family.train, **settings), "name": new_name or name}


def runs_of(wb: Workbench, family: str) -> Runs:
    """Return the runs of a family by its name."""
    return Runs(wb.workspace, family_called(family))


def _settings(wb: Workbench, runs: Runs, name: str) -> dict[str, Any]:
    """Return the settings of a run, with the current name of its dataset."""
    settings = runs.again(name)
    if not runs.family.is_of_dataset:
        return settings
    named = [row["name"] for row in Dataset.listing(wb.store) if str(row["id"]) == name]
    if not named:
        raise NotFound(f"the dataset of {runs.family.one} {name!r} is not there any more")
    return settings | {"dataset": named[0]}
