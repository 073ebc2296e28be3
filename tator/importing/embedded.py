"""Take images out of the label files that hold them: TFRecord, LabelMe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tator.formats import Report
from tator.formats.table import FORMATS
from tator.formats.tree import Tree
from tator.storage.atomic import copy_file, replacing
from tator.storage.images import EXTENSIONS
from tator.storage.workspace import inside
from tator.types import BadInput, Progress, Unavailable, Work


def has_images_inside_only(root: Path) -> bool:
    """Whether a folder has no image files, but label files with images inside."""
    for _, _, files in os.walk(root):
        if any(os.path.splitext(name)[1].lower() in EXTENSIONS for name in files):
            return False
    return next(_images(Tree.of(root)), None) is not None


def copy_labels(root: Path, into: Path) -> None:
    """Copy the label files of a folder.

    Raises:
        Unavailable: one cannot be copied.
    """
    tree = Tree.of(root)
    for path in (*tree.tables, *sorted(tree.texts)):
        copy_file(root / path, into / path)


def take_out(root: Path) -> Work:
    """Write the images inside label files to where their reader looks for them.

    Returns a Report.

    Raises:
        Unavailable: the disk is full or cannot be written.
    """
    report, done = Report(), 0
    for name, content in _images(Tree.of(root)):
        try:
            _write(inside(root, name), content)
        except BadInput as error:
            report.drop(name, "image inside a label file is left out", str(error))
        done += 1
        if done % 50 == 0:
            yield Progress(done, 0, f"Taking out {name}")
    return report


def _images(tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of images that exist only inside label files."""
    for known in FORMATS.values():
        if known.embedded is not None and known.sniff(tree):
            yield from known.embedded(tree)


def _write(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise Unavailable(f"{path.name} could not be written into the workspace: {error.strerror}") from error
