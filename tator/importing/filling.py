"""Fill a dataset from a source, image by image and in transactions.

A cut loses nothing that was written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tator.attributes import cleaned
from tator.datasets.label_map import (
    LONGEST_NAME,
    add_classes,
    add_skeletons,
    read_classes,
    reorder_classes,
    retired_ids,
    without_hidden,
)
from tator.datasets.settings import change_setting
from tator.editing.checks import TAG_LENGTH, TAGS_LIMIT, TEXT_LIMIT
from tator.editing.rows import ANNOTATIONS_LIMIT, add_many
from tator.formats import Label, Report, Source
from tator.formats.tree import Tree
from tator.formats.watching import TICK_S
from tator.importing.class_mapping import ClassMapping
from tator.importing.pages import note_pages
from tator.importing.unreadable import note_unreadable
from tator.storage.atomic import copy_file
from tator.storage.database import Store
from tator.storage.images import probe
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import image
from tator.storage.workspace import Workspace
from tator.types import BadInput, Progress, Work
from tator.warning_codes import warned

EVERY = 100  # images between two steps
BATCH = 500  # images committed at once: a cut-off import loses at most these
PROBES = 4  # threads that read image headers: they wait for the disk more than for Python
LOST = "\ufffd"  # stands where a tool could not read a letter
LEFT_OUT = -1  # class id of a class whose labels are not wanted


@dataclass
class Filling:
    """An import or a merge under way.

    It is kept in the dataset's settings, so that it can go on after an interruption.

    Attributes:
        store: database.
        workspace: folders.
        dataset_id: of the dataset being filled.
        key: where in the settings the facts are kept: "import" or "merge".
        facts: what is kept: source, with_labels, format, mapping, folder, stage, class_ids, complete; `prefix` comes
            before the source's paths in the dataset, and files are copied to the folder `copy_to`, "" for not at all.
        report: what happened to single images so far, over all runs.
        class_ids: {class index in the source: class id, or LEFT_OUT}.
    """

    store: Store
    workspace: Workspace
    dataset_id: int
    key: str
    facts: dict
    report: Report = field(default_factory=Report)
    class_ids: dict[int, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where files that are copied in go."""
        return self.workspace.folder("datasets") / self.facts["folder"]

    def save(self, conn: Connection | None = None, **columns: Any) -> None:
        """Write facts, report and other columns of the dataset's row."""
        if conn is None:
            with self.store.write() as own:
                return self.save(own, **columns)
        facts = {**self.facts, "class_ids": {str(index): class_id for index, class_id in self.class_ids.items()}}
        change_setting(conn, self.dataset_id, self.key, facts)
        if columns:
            conn.execute(update(dataset_table).where(dataset_table.c.id == self.dataset_id).values(columns))
        return None


def take_classes(run: Filling, found: Source, report: Report) -> None:
    """Find or add the classes that the source names, once, each as the mapping says.

    Raises:
        BadInput: the mapping is refused.
    """
    mapping = ClassMapping.parse(run.facts["mapping"], found.classes.values())
    if run.class_ids or not found.classes:
        return
    with run.store.write() as conn:
        ours = {row.name: row.class_id for row in read_classes(conn, run.dataset_id)}
        wanted: dict[int, str] = {}
        kept: set[str] = set()  # by names of their own
        for index, raw in found.classes.items():
            target = mapping.target(raw)
            if target == "" and raw in mapping.targets:
                run.class_ids[index] = LEFT_OUT
                report.notice("class names", "class left out by the mapping", raw[:80])
            else:
                is_meant = raw in mapping.targets
                wanted[index] = _clean(target, index, set() if is_meant else kept, report)
                if not is_meant:
                    kept.add(wanted[index])
        new = [name for name in dict.fromkeys(wanted.values()) if name not in ours]
        added = add_classes(conn, run.dataset_id, new)
        ours |= {name: row.class_id for name, row in zip(new, added, strict=True)}
        run.class_ids.update((index, ours[name]) for index, name in wanted.items())
        _take_skeletons(run, conn, found, report)
        run.save(conn)


def _take_skeletons(run: Filling, conn: Connection, found: Source, report: Report) -> None:
    """Give the classes the key points that the source names."""
    for index, skeleton in getattr(found, "skeletons", {}).items():
        class_id = run.class_ids.get(index, LEFT_OUT)
        if class_id != LEFT_OUT and add_skeletons(conn, run.dataset_id, {class_id: skeleton.as_json()}):
            detail = f"{found.classes.get(index, index)}: {', '.join(skeleton.names)}"
            report.notice("class names", "the class has other key points already, which stay", detail)


def _clean(raw: str, index: int, taken: Collection[str], report: Report) -> str:
    """Return a free class name that can be stored, with a note where it differs."""
    shown = without_hidden(raw)
    name = shown or f"class {index}"
    copies = 1
    while name in taken:
        copies += 1
        name = f"{shown[: LONGEST_NAME - 10]} ({copies})"
    if LOST in name:
        report.repair("class names", "letters of a class name are lost", f"{index}: {name!r}; rename it in Classes")
    if name != raw:
        report.repair("class names", "class name changed", f"{index}: {raw[:80]!r} is now {name!r}")
    return name


def fill(run: Filling, tree: Tree, found: Source) -> Work:
    """Add the images that are not there yet, with their labels."""
    prefix = run.facts["prefix"]
    with run.store.read() as conn:
        query = select(image.c.path).where(image.c.dataset_id == run.dataset_id)
        there = set(conn.execute(query).scalars())
    waiting = [path for path in tree.images if prefix + path not in there]
    done, total = len(tree.images) - len(waiting), len(tree.images)
    copy_to = Path(run.facts["copy_to"]) if run.facts["copy_to"] else None
    for start, paths, sizes in _measured(tree.root, waiting, copy_to):
        if sizes is None:
            yield Progress(done + start, total, paths[0])
            continue
        rows, labels = [], {}
        for at, (path, size) in enumerate(zip(paths, sizes, strict=True)):
            if at % EVERY == 0:
                yield Progress(done + start + at, total, path)
            row, labels[row["path"]] = _image_row(run, found, path, size)
            if not isinstance(size, str):
                note_pages(tree.root, path, run.report)
            rows.append(row)
        _add_batch(run, found, rows, labels)
    yield Progress(total, total, "Writing the report")


def _measured(root: Path, waiting: Sequence[str], copy_to: Path | None) -> Iterator[tuple[int, list[str], list | None]]:
    """Yield (start, paths, sizes or problems) of each batch.

    The next batch is measured while one is written.

    While a batch is not measured yet, as large files take their time to be copied, None stands for its sizes.
    """

    def measure(paths: Sequence[str]) -> list[tuple[int, int] | str]:
        return [_measure(root, path, copy_to) for path in paths]

    with ThreadPoolExecutor(PROBES) as pool:
        ahead: deque[tuple[int, list[str], list[Future]]] = deque()
        for start in range(0, len(waiting) + BATCH, BATCH):
            paths = list(waiting[start : start + BATCH])
            shares = [
                paths[at::PROBES] for at in range(PROBES)
            ]  # a task of many files: a task each would cost more than it does
            ahead.append((start, paths, [pool.submit(measure, share) for share in shares]))
            if len(ahead) > 1:
                start, paths, tasks = ahead.popleft()
                while paths and wait(tasks, TICK_S).not_done:
                    yield start, paths, None
                sizes: list = [None] * len(paths)
                for at, task in enumerate(tasks):
                    sizes[at::PROBES] = task.result()
                if paths:
                    yield start, paths, sizes


def _measure(root: Path, path: str, copy_to: Path | None) -> tuple[int, int] | str:
    """Return an image's size, or why it cannot be read.

    The file is copied first where it is to be kept.
    """
    size: tuple[int, int] | str
    try:
        size = probe(root / path)
    except BadInput as error:
        size = str(error)
    if copy_to is not None:
        copy_file(root / path, copy_to / path)
    return size


def _add_batch(run: Filling, found: Source, rows: Sequence[dict], labels: dict[str, list[Label]]) -> None:
    """Commit images with their labels, and the report so far, in one transaction."""
    with run.store.write() as conn:
        added = conn.execute(insert(image).returning(image.c.id, image.c.path), rows).all()
        number_classes(run, conn, found, labels)
        gone = retired_ids(conn, run.dataset_id)
        boxes = []
        for image_id, path in added:
            rows_of = [_annotation(run, image_id, label) for label in _wanted(run, labels[path])]
            boxes += [row for row in rows_of if row["class_id"] not in gone]
            if lost := sum(row["class_id"] in gone for row in rows_of):
                run.report.drop(path, "class was deleted meanwhile", f"{lost} boxes")
        add_many(conn, run.dataset_id, boxes)
        run.report.read.update(images=len(rows), annotations=len(boxes))
        run.save(conn, report=run.report.as_json())


def _image_row(run: Filling, found: Source, path: str, size: tuple[int, int] | str) -> tuple[dict, list[Label]]:
    """Return the row of an image and its labels, and count what it is."""
    row = {
        "dataset_id": run.dataset_id,
        "path": run.facts["prefix"] + path,
        "split": found.splits.get(path),
        "width": 0,
        "height": 0,
        "state": "new",
        "problem": None,
        "caption": None,
        "tags": None,
        "notes": None,
    }
    if isinstance(size, str):
        note_unreadable(path, size, found, run.report, run.facts["with_labels"])
        run.report.read["unreadable"] += 1
        return {**row, "problem": size}, []
    row["width"], row["height"] = size
    if caption := found.captions.get(path):
        row["caption"] = _caption(run, path, caption)
    row["tags"], row["notes"] = _remarks(run, found, path)
    dropped = run.report.counts["dropped"].total()
    labels = found.labels(path, *size) if run.facts["with_labels"] else None
    if labels is None:
        run.report.read["unlabelled"] += 1
        return row, []
    if len(labels) > ANNOTATIONS_LIMIT:
        detail = f"{len(labels)} labels; an image may have {ANNOTATIONS_LIMIT}, none of them is read"
        run.report.drop(path, "too many labels", detail)
        labels = []
    run.report.read["labelled"] += 1
    row["state"] = "reviewed" if run.report.counts["dropped"].total() == dropped else "in_progress"
    return row, [_with_attributes(run, path, label) if label.attributes else label for label in labels]


def _with_attributes(run: Filling, path: str, label: Label) -> Label:
    """Return a label with what can be stored of its attributes; the rest is noted."""
    kept = cleaned(label.attributes, lambda reason, detail: run.report.repair(path, reason, detail))
    if kept:
        run.report.read["attributes"] += len(kept)
    return replace(label, attributes=kept)


def _remarks(run: Filling, found: Source, path: str) -> tuple[list[str] | None, str | None]:
    """Return an image's tags and notes as they are stored."""
    raw, said = list(getattr(found, "tags", {}).get(path, ())), getattr(found, "notes", {}).get(path) or ""
    tags = [_storable(str(tag))[:TAG_LENGTH].strip() for tag in raw]
    notes = _storable(str(said))[:TEXT_LIMIT]
    kept = list(dict.fromkeys(filter(None, tags)))[:TAGS_LIMIT]
    if lost := [str(tag) for tag in raw if tag not in kept and str(tag).strip() not in kept]:
        detail = (
            f"{lost[0][:80]!r}; {TAGS_LIMIT} tags of {TAG_LENGTH} characters are kept, {len(lost)} are not as written"
        )
        run.report.repair(path, "tags left out or shortened", detail)
    if notes != said:
        run.report.repair(path, "notes shortened", f"to the {len(notes)} characters that can be kept")
    if kept:
        run.report.read["tags"] += len(kept)
    return kept or None, notes or None


def _storable(text: str) -> str:
    """Return text without what a database refuses."""
    return "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff")


def _caption(run: Filling, path: str, caption: str) -> str:
    run.report.read["captions"] += 1
    if len(caption) > TEXT_LIMIT:
        run.report.repair(path, "caption shortened", f"to {TEXT_LIMIT} characters")
    return _storable(caption[:TEXT_LIMIT])


def _wanted(run: Filling, labels: Sequence[Label]) -> list[Label]:
    """Return the labels of classes that are wanted; those of the others are counted."""
    kept = [label for label in labels if run.class_ids[label.class_index] != LEFT_OUT]
    if len(kept) < len(labels):
        run.report.read["left out by the mapping"] += len(labels) - len(kept)
    return kept


def number_classes(run: Filling, conn: Connection, found: Source, labels: dict[str, list[Label]]) -> None:
    """Make classes called after their number for indices the source does not name.

    Unless the mapping names them.
    """
    met = {label.class_index for rows in labels.values() for label in rows}
    new = sorted(met - run.class_ids.keys())
    if not new:
        return
    mapping = ClassMapping.parse(run.facts["mapping"], found.classes.values())
    targets = {index: mapping.target(f"class {index}") for index in new}
    ours = {row.name: row.class_id for row in read_classes(conn, run.dataset_id)}
    lacking = [name for name in dict.fromkeys(targets.values()) if name and name not in ours]
    ours |= {row.name: row.class_id for row in add_classes(conn, run.dataset_id, lacking)}
    run.class_ids.update((index, ours[name] if name else LEFT_OUT) for index, name in targets.items())
    if run.key == "import":  # a merge leaves the order of the dataset's classes as it is
        order = list(
            dict.fromkeys(run.class_ids[index] for index in sorted(run.class_ids) if run.class_ids[index] != LEFT_OUT)
        )
        others = [row.class_id for row in read_classes(conn, run.dataset_id) if row.class_id not in order]
        reorder_classes(conn, run.dataset_id, order + others)


def _annotation(run: Filling, image_id: int, label: Label) -> dict:
    return {
        "image_id": image_id,
        "class_id": run.class_ids[label.class_index],
        "xyxy": label.xyxy,
        "polygons": label.polygons,
        "rle": label.rle,
        "attributes": label.attributes,
        "confidence": label.confidence,
        "source": "human",
        "status": "accepted",
        "author": "import",
    }


def finish(run: Filling, found: Source, head: Report) -> dict:
    """Mark the import or merge complete and return its summary."""
    report = head.merge(run.report)
    run.facts.update(complete=True, format=found.format)
    run.facts.pop("unpacked", None)
    with run.store.write() as conn:
        _take_skeletons(run, conn, found, Report())  # also of classes that were met on the way
    kept = {**report.as_json(), "format": found.format, "numbered_classes": not found.classes and bool(run.class_ids)}
    run.save(report=kept)
    told = {"dataset_id": run.dataset_id, "format": found.format, **dict(report.read)}
    return warned(told | {name: kept[name] for name in ("counts", "groups")}, report.happened())
