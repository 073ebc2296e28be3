"""Write a run as a zip, and take one in from a folder or zip.

Nothing in another person's run is executed, and each file is checked.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tator.storage.archives import Limits, extracting
from tator.storage.atomic import copy_file, filling
from tator.storage.runs import Runs, read_object
from tator.storage.zips import zip_files
from tator.types import BadInput, Work

LIMITS = Limits(
    files=1_000, entry_bytes=16 << 30, total_bytes=20 << 30
)  # the largest detector's checkpoint is below 2 GB
LARGEST_JSON = 16 << 20  # bytes; a curve of 10,000 steps has below 2 MB


def zip_run(runs: Runs, name: str) -> Path:
    """Write a run into a zip in the workspace's tmp folder.

    The zip holds one folder with the run's name. The caller deletes it.

    Raises:
        NotFound: there is none.
    """
    files = {f"{name}/{inner}": path for inner, path in runs.files(name).items()}
    target = runs.workspace.folder("tmp") / f"run-{os.urandom(8).hex()}.zip"
    zip_files(target, files)
    return target


def import_run(runs: Runs, source: Path, name: str) -> Work:
    """Take a run from a folder or zip, once all its files have been checked.

    Args:
        runs: the family it shall belong to.
        source: folder or .zip that holds the run's files, or one folder with them; what else is there is left.
        name: that it gets; "" takes the name of its folder or zip.

    Returns:
        {"name", "files": names of those taken}.

    Raises:
        BadInput: it is not a run of this family, a file is too large or unsound, or the name is refused.
        Conflict: a run has the name.
    """
    family = runs.family
    if family.load is None or family.is_of_dataset:
        raise BadInput(f"a {family.one} cannot be imported; build or train it here")
    scratch = runs.workspace.folder("tmp") / f"import-{os.urandom(8).hex()}"
    try:
        root = yield from _opened(source, scratch)
        found = _run_folder(root, family.weights)
        name = runs.check_free(name or (source.stem if found == scratch else found.name))
        taken = [file for file in family.files if (found / file).is_file()]
        with filling(runs.place(name)) as folder:
            for file in taken:
                _take(runs, found / file, folder / file)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {"name": name, "files": taken}


def _opened(source: Path, scratch: Path) -> Work:
    """Return a folder to look in: the source, or what its only zip unpacks to."""
    if source.is_dir():
        zips = list(source.glob("*.zip"))
        if len(list(source.iterdir())) != 1 or not zips:
            return source
        source = zips[0]
    report = yield from extracting(source, scratch, LIMITS)
    if report.refused_count:
        first = report.refused[0]
        raise BadInput(f"{source.name} is refused: {first['file']}: {first['reason']}")
    return scratch


def _run_folder(root: Path, weights: str) -> Path:
    """Return the one folder that holds the weights: root itself or a folder in it."""
    found = [path.parent for path in (root / weights, *sorted(root.glob(f"*/{weights}"))) if path.is_file()]
    if len(found) != 1:
        raise BadInput(f"{root.name} holds {len(found)} files called {weights}; expected one, in it or in one folder")
    return found[0]


def _take(runs: Runs, source: Path, target: Path) -> None:
    """Copy one file and refuse it where the copy is not what it should be."""
    if source.is_symlink():
        raise BadInput(f"{source.name} is a link; expected a plain file")
    if source.suffix == ".json" and (size := source.stat().st_size) > LARGEST_JSON:
        raise BadInput(f"{source.name} has {size >> 20} MB; at most {LARGEST_JSON >> 20} MB are read")
    copy_file(source, target)
    report = read_object(target) if target.suffix == ".json" else {}
    if target.name == runs.family.report and runs.family.check_report:
        runs.family.check_report(report)
    if target.name == runs.family.weights and runs.family.load:
        runs.family.load(target)
