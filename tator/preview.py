"""Look at a source before anything of it is written: format, classes with counts, splits, and what would be dropped."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tator.archives import extracting
from tator.class_mapping import suggest
from tator.embedded import copy_labels, has_images_inside_only, take_out
from tator.formats import Report, Source
from tator.formats.table import FORMATS, recognised
from tator.images import probe
from tator.importing import checked_request, lone_zip, look
from tator.tree import Tree, content_root
from tator.types import BadInput, Progress, Work
from tator.workspace import UPLOAD, Workspace

BATCH = 250
PROBES = 4
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
        return (yield from _read(content_root(archive), source, format, ours, aliases, Report()))
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
    root: Path, source: str, format: str, ours: Sequence[str], aliases: Mapping[str, str] | None, report: Report
) -> Work:
    """Read every image's head and labels, and count."""
    tree, found, head = look(root, source, format)
    found.report = Report()
    read: Counter = Counter()
    labels: Counter = Counter()
    with ThreadPoolExecutor(PROBES) as pool:
        for start in range(0, len(tree.images), BATCH):
            paths = tree.images[start : start + BATCH]
            yield Progress(start, len(tree.images), paths[0])
            for path, size in zip(paths, pool.map(lambda path: _size(root / path), paths), strict=True):
                _count(path, size, found, read, labels)
    yield Progress(len(tree.images), len(tree.images), "Done")
    whole = report.merge(head).merge(found.report).plain()
    names = {
        index: found.classes.get(index, f"class {index}")
        for index in [*found.classes, *sorted(labels.keys() - found.classes.keys())]
    }
    counts: Counter = Counter()
    for index, name in names.items():
        counts[name] += labels[index]
    return {
        "source": source,
        "format": found.format,
        "formats": _formats(tree, found),
        **{key: read[key] for key in ("images", "unreadable", "labelled", "unlabelled", "annotations")},
        "captions": len(found.captions),
        "classes": suggest(dict.fromkeys(names.values()), ours, aliases, counts),
        "splits": _splits(tree, found),
        "report": whole | {kind: whole[kind][:ENTRIES] for kind in ("dropped", "repaired", "noticed")},
    }


def _size(path: Path) -> tuple[int, int] | str:
    try:
        return probe(path)
    except BadInput as error:
        return str(error)


def _count(path: str, size: tuple[int, int] | str, found: Source, read: Counter, labels: Counter) -> None:
    read["images"] += 1
    if isinstance(size, str):
        found.report.drop(path, "unreadable image", size)
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
