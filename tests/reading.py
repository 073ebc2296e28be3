"""Read a folder with a format's reader, without a database, and compare what was read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tator.formats import Label, Source
from tator.formats.table import open_source
from tator.formats.tree import Tree
from tator.storage.images import probe


def copy_files(source: Path, into: Path) -> Path:
    """Copy the files of a folder, or one file, into a folder, as links where the disk allows it."""
    for path in [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]:
        target = into / (path.name if source.is_file() else path.relative_to(source))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copy(path, target)
    return into


def read_folder(root: Path, format: str = "") -> tuple[Source, dict[str, list[Label] | None]]:
    """Return the source of a folder and {image: labels}."""
    tree = Tree.of(root)
    source = open_source(tree, format)
    found = {path: source.labels(path, *probe(root / path)) for path in tree.images}
    source.report.merge(tree.report)
    return source, found


def named_boxes(source: Source, labels: list[Label] | None) -> list[tuple]:
    """Return sorted (class name, x1, y1, x2, y2)."""
    return sorted((source.classes[label.class_index], *label.xyxy) for label in labels or [])


def dropped(source: Source) -> dict[str, int]:
    return dict(source.report.counts["dropped"])


def told(source: Source) -> str:
    """Return every note of a report as one text to look for names in."""
    rows = [(kind, e) for kind, entries in source.report.entries.items() for e in entries]
    return "\n".join(f"{kind} {e['file']}:{e['line']}: {e['reason']}: {e['detail']}" for kind, e in rows)
