"""Make a dataset of a folder, a zip or an upload.

What is good goes in, everything else is listed.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from sqlalchemy import delete, insert, select

from tator.datasets.dataset import check_dataset_name
from tator.datasets.settings import setting_of
from tator.formats import Report, Source
from tator.formats.captions import add_captions
from tator.formats.table import format_named, open_source
from tator.formats.tree import Tree, content_root
from tator.formats.unread import archives, note_unread
from tator.formats.watching import Tell, silent, watched
from tator.importing.embedded import copy_labels, has_images_inside_only, take_out
from tator.importing.filling import BATCH, Filling, fill, finish, take_classes
from tator.storage.archives import extracting
from tator.storage.database import Store
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import image
from tator.storage.workspace import UPLOAD, Workspace
from tator.types import BadInput, Conflict, Progress, Work

__all__ = ["BATCH", "import_dataset"]


def import_dataset(
    workspace: Workspace,
    store: Store,
    name: str,
    source: str,
    storage: str = "linked",
    with_labels: bool = True,
    format: str = "",
    mapping: Sequence[str] = (),
) -> Work:
    """Create a dataset and fill it.

    After a cut, running it again with the same arguments goes on where it stopped.

    An image that the source has labels for becomes `reviewed`, its labels accepted: a person made or
    checked them elsewhere, and calling them unlabelled would ask for that work again. Where a row of
    its labels was dropped it becomes `in_progress`, so that somebody looks. An image the source has no
    word on is `new`. Unreadable images are kept as rows with their problem.

    Args:
        workspace: folders.
        store: database.
        name: of the new dataset.
        source: folder or .zip on the server, or upload:<id>.
        storage: linked (a folder's images stay where they are) or managed (copied into the
            workspace). Zips and uploads are always managed.
        with_labels: read the labels found beside the images; class names and splits are read anyway.
        format: of the labels; "" takes the first that is recognised.
        mapping: see ClassMapping.parse.

    Raises:
        BadInput: a refused name or source, or no image in it.
        Conflict: another dataset has the name.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    asked = checked_request(source, with_labels, format, mapping) | {"storage": storage}
    run = _begin(workspace, store, check_dataset_name(name), asked)
    try:
        yield Progress(0, 0, "Looking at the source")
        root = yield from _bring(run)
        found, head = yield from take_in(run, root, source, format)
    except BadInput:
        _discard_if_empty(run)
        raise
    return finish(run, found, head)


def take_in(run: Filling, root: Path, source: str, format: str) -> Generator[Progress, None, tuple[Source, Report]]:
    """Fill a dataset with what lies in a folder.

    Returns the source, and what was noted when it was looked at.

    Args:
        run: of the dataset.
        root: the folder, from `bring`.
        source: as it was asked for, for messages.
        format: of the labels; "" takes the first that is recognised.
    """
    tree, found, head = yield from look(root, source, format, linkable(run.workspace, source))
    head = Report().merge(Report.of(run.facts.get("unpacked", {}))).merge(head)
    found.report = run.report
    take_classes(run, found, head)
    yield from fill(run, tree, found)
    return found, head


def checked_request(source: str, with_labels: bool, format: str, mapping: Sequence[str]) -> dict:
    """Return what was asked of an import, to tell whether a cut one is meant again.

    Raises:
        BadInput: no such format.
    """
    if format:
        format_named(format)
    return {"source": source, "with_labels": with_labels, "format": format, "mapping": list(mapping)}


def linkable(workspace: Workspace, source: str) -> Sequence[Path]:
    """Return the folders that links in a source may lead to: none for an upload."""
    return () if source.startswith(UPLOAD) else workspace.linkable


def look(root: Path, source: str, format: str, allowed: Sequence[Path] = ()) -> Work:
    """Walk a folder and look into its label files.

    Returns its Tree, the Source of its labels, and a Report of what was noted.

    Args:
        root: the folder.
        source: as it was asked for, for messages.
        format: of the labels; "" takes the first that is recognised.
        allowed: folders that links may lead to as well.

    Raises:
        BadInput: there is no image in it.
    """
    return (yield from watched(lambda tell: _look(root, source, format, tell, allowed), "Looking at the source"))


def _look(root: Path, source: str, format: str, tell: Tell, allowed: Sequence[Path]) -> tuple[Tree, Source, Report]:
    tree = Tree.of(root, tell, allowed)
    if not tree.images:
        kinds = "JPEG, PNG, TIFF, WebP, BMP or GIF"
        told = f"expected {kinds} files in it or its sub-folders"
        if has_images_inside_only(root):
            told = "they are inside the label files: import a copy, not a link, and they are taken out"
        if packed := archives(tree):
            told += f"; archives in it are not unpacked: {', '.join(packed[:3])}"
        raise BadInput(f"no images were found in {source}; {told}")
    found = open_source(tree, format)
    if not tree.images:
        raise BadInput(f"no images were found in {source}, only masks of some")
    add_captions(tree, found)
    note_unread(tree, found.report, bool(format))
    tree.tell = silent  # the thread that listened ends here
    return tree, found, Report().merge(tree.report).merge(found.report)


def _begin(workspace: Workspace, store: Store, name: str, asked: dict) -> Filling:
    """Return the import to go on with: a new one, or the one that was cut off."""
    source, storage = asked["source"], asked["storage"]
    if storage not in ("linked", "managed"):
        raise BadInput(f"storage must be linked or managed, is {storage!r}")
    with store.read() as conn:
        row = conn.execute(select(dataset_table).where(dataset_table.c.name == name)).mappings().first()
    if row is not None:
        facts = setting_of(row, "import")
        if facts.get("complete", True) or any(facts.get(key) != value for key, value in asked.items()):
            raise Conflict(f"a dataset called {name!r} exists; choose another name or delete it first")
        class_ids = {int(index): class_id for index, class_id in facts["class_ids"].items()}
        return Filling(store, workspace, row["id"], "import", facts, Report.of(row["report"] or {}), class_ids)
    origin = workspace.source(source)
    is_linked = storage == "linked" and origin.is_dir() and not source.startswith(UPLOAD)
    if not origin.is_dir() and origin.suffix.lower() != ".zip":
        raise BadInput(f"source {source!r} is neither a folder nor a .zip file")
    facts = asked | {"folder": os.urandom(8).hex(), "stage": "begun", "class_ids": {}, "complete": False}
    facts |= {"prefix": "", "copy_to": "", "is_copied": not is_linked}
    kind = "linked" if is_linked else "managed"
    with store.write() as conn:
        if conn.execute(select(dataset_table.c.id).where(dataset_table.c.name == name)).first():
            raise Conflict(f"a dataset called {name!r} exists; choose another name or delete it first")
        values = {"name": name, "storage": kind, "root": str(origin), "settings": {"import": facts}}
        made = insert(dataset_table).values(**values, created_at=time.time()).returning(dataset_table.c.id)
        return Filling(store, workspace, conn.execute(made).scalar_one(), "import", facts)


def _bring(run: Filling) -> Work:
    """Bring the files to where they are read from; return that folder.

    It first records where they will lie.
    """
    root = yield from bring(run)
    if run.facts["stage"] == "in place" and run.facts["storage"] == "managed":
        run.facts["copy_to"] = str(run.folder)
    run.save(root=run.facts["copy_to"] or str(root))
    return root


def bring(run: Filling) -> Work:
    """Bring the files to where they are read from, and return that folder.

    A server folder is read in place. An upload is moved into the workspace, a zip unpacked there; images that are inside
    label files only are taken out there.
    """
    facts = run.facts
    if facts["stage"] == "begun":
        origin = run.workspace.source(facts["source"])
        is_upload = facts["source"].startswith(UPLOAD)
        archive = lone_zip(origin) if is_upload else origin
        facts["stage"] = "arrived"
        if archive.is_file():
            report = yield from unpack(archive, run.folder)
            facts["unpacked"] = report.as_json()
        elif is_upload:
            if not run.folder.exists():  # else it was moved just before an interruption
                os.replace(origin, run.folder)
        elif facts.get("is_copied") and has_images_inside_only(origin):
            copy_labels(content_root(origin), run.folder)
        else:
            facts["stage"] = "in place"
        run.save()
        if archive.is_file() and is_upload:
            shutil.rmtree(origin, ignore_errors=True)
    if facts["stage"] == "arrived":
        report = yield from take_out(content_root(run.folder))
        facts.update(stage="brought", unpacked=Report.of(facts.get("unpacked", {})).merge(report).as_json())
    return content_root(run.folder if facts["stage"] == "brought" else run.workspace.source(facts["source"]))


def lone_zip(upload: Path) -> Path:
    """Return the zip of an upload that holds nothing else, or the upload's folder."""
    files = [path for path in upload.iterdir() if not path.name.startswith(".")]
    return files[0] if len(files) == 1 and files[0].is_file() and files[0].suffix.lower() == ".zip" else upload


def unpack(archive: Path, folder: Path) -> Work:
    """Unpack an archive and return its refusals as a Report."""
    shutil.rmtree(folder, ignore_errors=True)
    done = yield from extracting(archive, folder)
    report = Report()
    for entry in done.refused:
        report.drop(entry["file"], "archive entry refused", entry["reason"])
    if more := done.refused_count - len(done.refused):
        report.counts["dropped"]["archive entry refused"] += more
    return report


def _discard_if_empty(run: Filling) -> None:
    """Take back the dataset of an import that was refused before it held an image."""
    with run.store.write() as conn:
        if conn.execute(select(image.c.id).where(image.c.dataset_id == run.dataset_id).limit(1)).first():
            return
        conn.execute(delete(dataset_table).where(dataset_table.c.id == run.dataset_id))
    shutil.rmtree(run.folder, ignore_errors=True)
