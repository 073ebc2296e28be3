"""Make a dataset of a folder, a zip or an upload: what is good goes in, everything else is listed."""
from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from tator.annotations import add_many
from tator.archives import extracting
from tator.dataset import check_dataset_name
from tator.formats import Label, Report, Source, coco, yolo
from tator.images import probe
from tator.label_map import add_classes, read_classes, reorder_classes, without_hidden
from tator.schema import dataset as dataset_table
from tator.schema import image
from tator.store import Store
from tator.tree import Tree, content_root
from tator.types import BadInput, Conflict, Progress, Unavailable, Work
from tator.workspace import UPLOAD, Workspace

FORMATS = (yolo, coco)  # in the order they are tried
BATCH = 250  # images committed at once: a cut-off import loses at most these
PROBES = 4  # threads that read image headers: they wait for the disk more than for Python


@dataclass
class Import:
    """One import under way, kept in the dataset's settings so that it can go on after a cut.

    Attributes:
        store: database.
        workspace: folders.
        dataset_id: of the dataset being filled.
        facts: what the settings keep: source, storage, with_labels, folder, stage, class_ids, complete.
        report: what happened to single images so far, over all runs of this import.
        class_ids: {class index in the source: class id}.
    """

    store: Store
    workspace: Workspace
    dataset_id: int
    facts: dict
    report: Report = field(default_factory=Report)
    class_ids: dict[int, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where a managed dataset's files go."""
        return self.workspace.folder("datasets") / self.facts["folder"]

    def save(self, conn=None, **columns) -> None:  # noqa: ANN001, ANN003
        """Write facts, report and other columns of the dataset's row."""
        facts = {**self.facts, "class_ids": {str(index): class_id for index, class_id in self.class_ids.items()}}
        query = update(dataset_table).where(dataset_table.c.id == self.dataset_id)
        query = query.values(settings={"import": facts}, **columns)
        if conn is not None:
            conn.execute(query)
            return
        with self.store.write() as own:
            own.execute(query)


def import_dataset(
    workspace: Workspace, store: Store, name: str, source: str, storage: str = "linked", with_labels: bool = True
) -> Work:
    """Create a dataset and fill it; run again with the same arguments after a cut, it goes on where it stopped.

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

    Raises:
        BadInput: a refused name or source, or no image in it.
        Conflict: another dataset has the name.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    run = _begin(workspace, store, check_dataset_name(name), source, storage, with_labels)
    try:
        yield Progress(0, 0, "Looking at the source")
        root = yield from _bring(run)
        tree = Tree.of(root)
        if not tree.images:
            kinds = "JPEG, PNG, TIFF, WebP, BMP or GIF"
            raise BadInput(f"no images were found in {source}; expected {kinds} files in it or its sub-folders")
        found = open_source(tree)
        head = Report().merge(Report.of(run.facts.get("unpacked", {}))).merge(tree.report).merge(found.report)
        found.report = run.report
        _take_classes(run, found, head)
        yield from _fill(run, tree, found)
    except BadInput:
        _discard_if_empty(run)
        raise
    return _finish(run, found, head)


def open_source(tree: Tree) -> Source:
    """Return the reader of the first format that knows the folder; a folder of bare images reads as YOLO."""
    reader = next((known for known in FORMATS if known.sniff(tree)), yolo)
    return reader.read(tree)


def _begin(
    workspace: Workspace, store: Store, name: str, source: str, storage: str, with_labels: bool
) -> Import:
    """Return the import to go on with: a new one, or the one that was cut off."""
    if storage not in ("linked", "managed"):
        raise BadInput(f"storage must be linked or managed, is {storage!r}")
    asked = {"source": source, "storage": storage, "with_labels": with_labels}
    with store.read() as conn:
        row = conn.execute(select(dataset_table).where(dataset_table.c.name == name)).mappings().first()
    if row is not None:
        facts = (row["settings"] or {}).get("import", {})
        if facts.get("complete", True) or any(facts.get(key) != value for key, value in asked.items()):
            raise Conflict(f"a dataset called {name!r} exists; choose another name or delete it first")
        class_ids = {int(index): class_id for index, class_id in facts["class_ids"].items()}
        return Import(store, workspace, row["id"], facts, Report.of(row["report"] or {}), class_ids)
    origin = workspace.source(source)
    is_linked = storage == "linked" and origin.is_dir() and not source.startswith(UPLOAD)
    if not origin.is_dir() and origin.suffix.lower() != ".zip":
        raise BadInput(f"source {source!r} is neither a folder nor a .zip file")
    facts = {**asked, "folder": os.urandom(8).hex(), "stage": "begun", "class_ids": {}, "complete": False}
    kind = "linked" if is_linked else "managed"
    with store.write() as conn:
        if conn.execute(select(dataset_table.c.id).where(dataset_table.c.name == name)).first():
            raise Conflict(f"a dataset called {name!r} exists; choose another name or delete it first")
        values = {"name": name, "storage": kind, "root": str(origin), "settings": {"import": facts}}
        made = conn.execute(insert(dataset_table).values(**values, created_at=time.time()))
        return Import(store, workspace, made.inserted_primary_key[0], facts)


def _bring(run: Import) -> Work:
    """Bring the files to where they are read from, and return that folder.

    A server folder is read in place. An upload is moved into the workspace, a zip unpacked there.
    """
    facts = run.facts
    if facts["stage"] == "begun":
        origin = run.workspace.source(facts["source"])
        is_upload = facts["source"].startswith(UPLOAD)
        archive = _lone_zip(origin) if is_upload else origin
        if archive.is_file():
            report = yield from _unpack(archive, run.folder)
            facts.update(stage="brought", unpacked=report.plain())
        elif is_upload:
            if not run.folder.exists():  # else it was moved just before a cut
                os.replace(origin, run.folder)
            facts["stage"] = "brought"
        else:
            facts["stage"] = "in place"
        if archive.is_file() and is_upload:
            run.save()
            shutil.rmtree(origin, ignore_errors=True)
    is_here = facts["stage"] == "brought"
    root = content_root(run.folder if is_here else run.workspace.source(facts["source"]))
    is_copied = not is_here and facts["storage"] == "managed"
    run.save(root=str(run.folder if is_copied else root))
    return root


def _lone_zip(upload: Path) -> Path:
    """Return the zip of an upload that holds nothing else, or the upload's folder."""
    files = [path for path in upload.iterdir() if not path.name.startswith(".")]
    return files[0] if len(files) == 1 and files[0].is_file() and files[0].suffix.lower() == ".zip" else upload


def _unpack(archive: Path, folder: Path) -> Work:
    """Unpack an archive and return its refusals as a Report."""
    shutil.rmtree(folder, ignore_errors=True)
    done = yield from extracting(archive, folder)
    report = Report()
    for entry in done.refused:
        report.drop(entry["file"], "archive entry refused", entry["reason"])
    if more := done.refused_count - len(done.refused):
        report.counts["dropped"]["archive entry refused"] += more
    return report


def _take_classes(run: Import, found: Source, report: Report) -> None:
    """Add the classes that the source names, once."""
    if run.class_ids or not found.classes:
        return
    names: list[str] = []
    for index, raw in found.classes.items():
        name = without_hidden(raw) or f"class {index}"
        copies = 1
        while name in names:
            copies += 1
            name = f"{without_hidden(raw)[:90]} ({copies})"
        if name != raw:
            report.repair("class names", "class name changed", f"{index}: {raw[:80]!r} is now {name!r}")
        names.append(name)
    with run.store.write() as conn:
        added = add_classes(conn, run.dataset_id, names)
        run.class_ids.update((index, row.class_id) for index, row in zip(found.classes, added, strict=True))
        run.save(conn)


def _fill(run: Import, tree: Tree, found: Source) -> Work:
    """Add the images that are not there yet, with their labels."""
    with run.store.read() as conn:
        query = select(image.c.path).where(image.c.dataset_id == run.dataset_id)
        there = set(conn.execute(query).scalars())
    waiting = [path for path in tree.images if path not in there]
    done, total = len(there), len(tree.images)
    copy_to = run.folder if run.facts["stage"] == "in place" and run.facts["storage"] == "managed" else None
    with ThreadPoolExecutor(PROBES) as pool:
        for start in range(0, len(waiting), BATCH):
            paths = waiting[start:start + BATCH]
            yield Progress(done + start, total, paths[0])
            sizes = list(pool.map(lambda path: _measure(tree.root, path, copy_to), paths))
            _add_batch(run, found, paths, sizes)
    yield Progress(total, total, "Writing the report")


def _measure(root: Path, path: str, copy_to: Path | None) -> tuple[int, int] | str:
    """Return an image's size, or why it cannot be read; copy the file first where it is to be kept."""
    try:
        size = probe(root / path)
    except BadInput as error:
        size = str(error)
    if copy_to is not None:
        _copy(root / path, copy_to / path)
    return size


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f".{os.urandom(6).hex()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, part)
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"{source.name} could not be copied into the workspace: {error.strerror}") from error


def _add_batch(run: Import, found: Source, paths: Sequence[str], sizes: Sequence[tuple[int, int] | str]) -> None:
    """Commit images with their labels, and the report so far, in one transaction."""
    rows, labels = [], {}
    for path, size in zip(paths, sizes, strict=True):
        row, labels[path] = _image_row(run, found, path, size)
        rows.append(row)
    with run.store.write() as conn:
        added = conn.execute(insert(image).returning(image.c.id, image.c.path), rows).all()
        _number_classes(run, conn, labels)
        boxes = [_annotation(run, image_id, label) for image_id, path in added for label in labels[path]]
        add_many(conn, run.dataset_id, boxes)
        run.report.read.update(images=len(rows), annotations=len(boxes))
        run.save(conn, report=run.report.plain())


def _image_row(run: Import, found: Source, path: str, size: tuple[int, int] | str) -> tuple[dict, list[Label]]:
    """Return the row of an image and its labels, and count what it is."""
    row = {"dataset_id": run.dataset_id, "path": path, "split": found.splits.get(path), "width": 0, "height": 0,
           "state": "new", "problem": None}
    if isinstance(size, str):
        run.report.drop(path, "unreadable image", size)
        run.report.read["unreadable"] += 1
        return {**row, "problem": size}, []
    row["width"], row["height"] = size
    dropped = run.report.counts["dropped"].total()
    labels = found.labels(path, *size) if run.facts["with_labels"] else None
    if labels is None:
        run.report.read["unlabelled"] += 1
        return row, []
    run.report.read["labelled"] += 1
    row["state"] = "reviewed" if run.report.counts["dropped"].total() == dropped else "in_progress"
    return row, labels


def _number_classes(run: Import, conn, labels: dict[str, list[Label]]) -> None:  # noqa: ANN001
    """Make classes called after their number for indices that the source does not name."""
    met = {label.class_index for rows in labels.values() for label in rows}
    new = sorted(met - run.class_ids.keys())
    for index, row in zip(new, add_classes(conn, run.dataset_id, [f"class {index}" for index in new]), strict=True):
        run.class_ids[index] = row.class_id
    if new:
        order = [run.class_ids[index] for index in sorted(run.class_ids)]
        others = [row.class_id for row in read_classes(conn, run.dataset_id) if row.class_id not in order]
        reorder_classes(conn, run.dataset_id, order + others)


def _annotation(run: Import, image_id: int, label: Label) -> dict:
    return {
        "image_id": image_id, "class_id": run.class_ids[label.class_index], "xyxy": label.xyxy,
        "polygons": label.polygons, "rle": label.rle, "confidence": None, "source": "human", "status": "accepted",
        "author": "import",
    }


def _finish(run: Import, found: Source, head: Report) -> dict:
    """Mark the import complete and return its summary."""
    report = head.merge(run.report)
    run.facts.update(complete=True, format=found.format)
    run.facts.pop("unpacked", None)
    plain = {**report.plain(), "format": found.format, "numbered_classes": not found.classes and bool(run.class_ids)}
    run.save(report=plain)
    return {"dataset_id": run.dataset_id, "format": found.format, **dict(report.read), "counts": plain["counts"]}


def _discard_if_empty(run: Import) -> None:
    """Take back the dataset of an import that was refused before it held an image."""
    with run.store.write() as conn:
        if conn.execute(select(image.c.id).where(image.c.dataset_id == run.dataset_id).limit(1)).first():
            return
        conn.execute(delete(dataset_table).where(dataset_table.c.id == run.dataset_id))
    shutil.rmtree(run.folder, ignore_errors=True)
