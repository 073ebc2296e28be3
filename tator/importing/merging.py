"""Add a folder, a zip, an upload or another dataset to a dataset that is there."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from tator.datasets.dataset import Dataset
from tator.datasets.settings import setting_of
from tator.formats import Report
from tator.importing.creating import bring, checked_request, take_in
from tator.importing.filling import Filling, finish
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import image
from tator.storage.workspace import UPLOAD
from tator.types import BadInput, Conflict, Progress, Work

LONGEST_PREFIX = 60


def merge_source(
    dataset: Dataset, source: str, with_labels: bool = True, format: str = "", mapping: Sequence[str] = ()
) -> Work:
    """Add the images and labels of a source to a dataset.

    After a cut, running it again with the same arguments goes on.

    A managed dataset gets the files copied into a folder of their own below its root, so equal names never meet. A linked
    dataset can only take what lies in its own folder: images added there since, or a part of it.

    Args:
        dataset: what is added to.
        source: folder or .zip on the server, or upload:<id>.
        with_labels: read the labels found beside the images.
        format: of the labels; "" takes the first that is recognised.
        mapping: see ClassMapping.parse; classes without an entry join ours of the same name, or are new.

    Returns:
        What import_dataset returns, with "prefix", the folder that the images lie in.

    Raises:
        BadInput: the source is refused, holds no image, or cannot join a linked dataset.
        Conflict: another merge into the dataset is unfinished.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    run = _begin(dataset, checked_request(source, with_labels, format, mapping))
    yield Progress(0, 0, "Looking at the source")
    root = yield from _bring(run, dataset)
    found, head = yield from take_in(run, root, source, format)
    return finish(run, found, head) | {"prefix": run.facts["prefix"]}


def _begin(dataset: Dataset, asked: dict) -> Filling:
    """Return the merge to go on with: a new one, or the one that was cut off."""
    with dataset.store.read() as conn:
        row = conn.execute(select(dataset_table).where(dataset_table.c.id == dataset.id)).mappings().one()
    facts = setting_of(row, "merge")
    if not setting_of(row, "import").get("complete", True):
        raise Conflict(f"the import of dataset {dataset.name!r} is unfinished; run it again first")
    if not facts.get("complete", True):
        if any(facts.get(key) != value for key, value in asked.items()):
            raise Conflict(f"a merge of {facts['source']!r} into {dataset.name!r} is unfinished; run it again first")
        class_ids = {int(index): class_id for index, class_id in facts["class_ids"].items()}
        return Filling(
            dataset.store, dataset.workspace, dataset.id, "merge", facts, Report.of(row["report"] or {}), class_ids
        )
    origin = dataset.workspace.source(asked["source"])
    if not origin.is_dir() and origin.suffix.lower() != ".zip":
        raise BadInput(f"source {asked['source']!r} is neither a folder nor a .zip file")
    facts = asked | {"folder": os.urandom(8).hex(), "stage": "begun", "class_ids": {}, "complete": False}
    prefix = _prefix(dataset, origin, asked["source"])
    is_copied = not origin.resolve().is_relative_to(dataset.root.resolve())
    facts |= {"prefix": prefix, "copy_to": "", "is_copied": is_copied}
    return Filling(dataset.store, dataset.workspace, dataset.id, "merge", facts)


def _prefix(dataset: Dataset, origin: Path, source: str) -> str:
    """Return the folder below the dataset's root that the images are or will be in.

    It ends with a slash.

    Raises:
        BadInput: the dataset is linked and the source lies elsewhere.
    """
    root, here = dataset.root.resolve(), origin.resolve()
    if origin.is_dir() and here.is_relative_to(root):
        relative = here.relative_to(root).as_posix()
        return "" if relative == "." else f"{relative}/"
    if dataset.storage != "managed":
        told = f"dataset {dataset.name!r} is linked to {dataset.root}, so its images stay there"
        raise BadInput(
            f"{told}; put the new images into that folder, or clone the dataset as managed and merge into the clone"
        )
    name = (
        "upload" if source.startswith(UPLOAD) else re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", origin.stem))
    )
    name = name.strip("._")[:LONGEST_PREFIX] or "merged"
    return free_prefix(dataset, name)


def free_prefix(dataset: Dataset, name: str) -> str:
    """Return a folder that no image or folder of the dataset has: name/, name-2/, ..."""
    for number in range(1, 10_000):
        prefix = f"{name}/" if number == 1 else f"{name}-{number}/"
        with dataset.store.read() as conn:
            starts = func.substr(image.c.path, 1, len(prefix)) == prefix
            taken = conn.execute(select(image.c.id).where(image.c.dataset_id == dataset.id, starts).limit(1)).first()
        if not taken and not (dataset.root / prefix).exists():
            return prefix
    raise Conflict(f"dataset {dataset.name!r} has 10,000 folders called {name!r}")


def _bring(run: Filling, dataset: Dataset) -> Work:
    """Bring the files to where they are read from; return that folder.

    Unpacked ones go straight to their place.
    """
    place = dataset.root / run.facts["prefix"]
    if run.facts["stage"] == "placed":
        return place
    if run.facts["stage"] == "brought" and place.exists():  # interrupted just after the move
        root = place
    else:
        root = yield from bring(run)
    if run.facts["stage"] == "in place":
        run.facts["copy_to"] = "" if root.resolve() == place.resolve() else str(place)
    else:
        run.save()
        if root != place:
            os.replace(root, place)
        shutil.rmtree(run.folder, ignore_errors=True)
        run.facts["stage"], root = "placed", place
    run.save()
    return root
