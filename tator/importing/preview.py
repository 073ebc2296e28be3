"""Look at a source before anything is written.

Its classes with counts, its splits, and what would be dropped.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import func, select

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.selecting import select_annotations
from tator.formats import KINDS, Report, Source
from tator.formats.table import FORMATS, recognised
from tator.formats.tree import Tree, content_root
from tator.importing.class_mapping import suggest
from tator.importing.cloning import NOT_COPIED, meeting
from tator.importing.creating import checked_request, linkable, lone_zip, look
from tator.importing.embedded import copy_labels, has_images_inside_only, take_out
from tator.importing.filling import PROBES
from tator.importing.pages import note_pages
from tator.importing.unreadable import note_unreadable
from tator.storage.archives import extracting
from tator.storage.images import probe
from tator.storage.schema import annotation, image
from tator.storage.workspace import UPLOAD, Workspace
from tator.types import BadInput, NotFound, Progress, Work
from tator.warning_codes import warned

BATCH = 250
ENTRIES = 200  # of each kind that the answer lists; all are counted


def preview_source(
    workspace: Workspace,
    source: str,
    format: str = "",
    ours: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> Work:
    """Read a source as an import would, and write nothing.

    Args:
        workspace: folders.
        source: folder or .zip on the server, or upload:<id>.
        format: of the labels; "" takes the first that is recognised.
        ours: class names of the dataset it may be merged into, in label-map order.
        aliases: {another word: class name} of that dataset.

    Returns:
        {"source", "format", "formats", "images", "unreadable", "labelled", "unlabelled", "annotations", "captions", "classes":
        [{"source", "count", "target", "how"}], "splits": {split: images}, "report"}.

    Raises:
        BadInput: the source is refused or holds no image.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    checked_request(source, True, format, ())
    yield Progress(0, 0, "Looking at the source")
    origin = workspace.source(source)
    archive = lone_zip(origin) if source.startswith(UPLOAD) else origin
    if archive.is_dir() and not has_images_inside_only(archive):
        allowed = linkable(workspace, source)
        return (yield from _read(content_root(archive), source, format, ours, aliases, Report(), allowed))
    if not archive.is_dir() and archive.suffix.lower() != ".zip":
        raise BadInput(f"source {source!r} is neither a folder nor a .zip file")
    folder = workspace.folder("tmp") / f"preview-{os.urandom(8).hex()}"
    try:
        report = Report()
        if archive.is_dir():
            copy_labels(content_root(archive), folder)
        else:
            done = yield from extracting(archive, folder)
            for entry in done.refused:
                report.drop(entry["file"], "archive entry refused", entry["reason"])
        report.merge((yield from take_out(content_root(folder))))
        return (yield from _read(content_root(folder), source, format, ours, aliases, report))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(
    root: Path,
    source: str,
    format: str,
    ours: Sequence[str],
    aliases: Mapping[str, str] | None,
    report: Report,
    allowed: Sequence[Path] = (),
) -> Work:
    """Read every image's head and labels, and count."""
    tree, found, head = yield from look(root, source, format, allowed)
    found.report = Report()
    read: Counter = Counter()
    labels: Counter = Counter()
    with ThreadPoolExecutor(PROBES) as pool:
        for start in range(0, len(tree.images), BATCH):
            paths = tree.images[start : start + BATCH]
            yield Progress(start, len(tree.images), paths[0])
            for path, size in zip(paths, pool.map(lambda path: _size(root / path), paths), strict=True):
                _count(path, size, found, read, labels)
                if not isinstance(size, str):
                    note_pages(root, path, report)
    yield Progress(len(tree.images), len(tree.images), "Done")
    whole = report.merge(head).merge(found.report)
    names = {
        index: found.classes.get(index, f"class {index}")
        for index in [*found.classes, *sorted(labels.keys() - found.classes.keys())]
    }
    counts: Counter = Counter()
    for index, name in names.items():
        counts[name] += labels[index]
    answer = {
        "source": source,
        "format": found.format,
        "formats": _formats(tree, found),
        **{key: read[key] for key in ("images", "unreadable", "labelled", "unlabelled", "annotations")},
        "captions": len(found.captions),
        "classes": suggest(dict.fromkeys(names.values()), ours, aliases, counts),
        "splits": _splits(tree, found),
        "report": _shortened(whole.as_json()),
    }
    return warned(answer, whole.happened())


def preview_dataset(target: Dataset, source: Dataset, aliases: Mapping[str, str] | None = None) -> Work:
    """Look at a dataset as a merge into another one would, and write nothing.

    Args:
        target: what it may be merged into.
        source: what is read.
        aliases: {another word: class name} of the target.

    Returns:
        What preview_source returns; annotations of every status are counted, as they all come along.

    Raises:
        BadInput: the two are one, or the target is linked and the source lies elsewhere.
    """
    has_files, prefix = meeting(target, source)
    with target.store.read() as conn:
        there = set(conn.execute(select(image.c.path).where(image.c.dataset_id == target.id)).scalars())
    rows, report = source.images(readable=False), Report()
    for done, row in enumerate(rows):
        if done % BATCH == 0:
            yield Progress(done, len(rows), row.path)
        if (prefix or not has_files) and prefix + row.path in there:
            report.notice(row.path, "image is there already", f"as {prefix}{row.path}; it stays as it is")
        elif has_files and (problem := _missing(source, row)):
            report.drop(row.path, NOT_COPIED, problem)
        elif row.problem:
            report.notice(row.path, "unreadable image", row.problem)
    yield Progress(len(rows), len(rows), "Done")
    counts, named = _class_counts(source), source.class_names()
    found = suggest(
        named.values(),
        [row.name for row in target.classes()],
        aliases,
        {named[i]: n for i, n in counts.items() if i in named},
    )
    labelled = sum(row.state != "new" for row in rows)
    answer = {
        "source": source.name,
        "format": "dataset",
        "formats": [{"name": "dataset", "label": "another dataset"}],
        "images": len(rows),
        "unreadable": sum(row.problem is not None for row in rows),
        "labelled": labelled,
        "unlabelled": len(rows) - labelled,
        "annotations": counts.total(),
        "captions": len(source.captions([row.id for row in rows])),
        "classes": found,
        "splits": dict(Counter(row.split or "" for row in rows)),
        "report": _shortened(report.as_json()),
    }
    return warned(answer, report.happened())


def _missing(dataset: Dataset, row: ImageRow) -> str:
    """Return why an image's file cannot be copied, "" where it can."""
    try:
        dataset.path(row)
    except (BadInput, NotFound) as error:
        return str(error)
    return ""


def _class_counts(dataset: Dataset) -> Counter:
    """Return {class id: annotations} of a dataset."""
    query = select_annotations(dataset.id, annotation.c.class_id, func.count())
    with dataset.store.read() as conn:
        return Counter({class_id: n for class_id, n in conn.execute(query.group_by(annotation.c.class_id))})


def _shortened(report: dict) -> dict:
    return report | {kind: report[kind][:ENTRIES] for kind in KINDS}


def _size(path: Path) -> tuple[int, int] | str:
    try:
        return probe(path)
    except BadInput as error:
        return str(error)


def _count(path: str, size: tuple[int, int] | str, found: Source, read: Counter, labels: Counter) -> None:
    read["images"] += 1
    if isinstance(size, str):
        note_unreadable(path, size, found, found.report)
        read["unreadable"] += 1
        return
    rows = found.labels(path, *size)
    read["unlabelled" if rows is None else "labelled"] += 1
    read["annotations"] += len(rows or ())
    labels.update(label.class_index for label in rows or ())


def _formats(tree: Tree, found: Source) -> list[dict]:
    names = dict.fromkeys([found.format, *recognised(tree)])
    return [{"name": name, "label": FORMATS[name].label} for name in names]


def _splits(tree: Tree, found: Source) -> dict[str, int]:
    return dict(Counter(found.splits.get(path) or "" for path in tree.images))
