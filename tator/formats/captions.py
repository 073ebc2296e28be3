"""Captions beside the images.

In text_labels/<name>.txt, captions.jsonl, or metadata.jsonl with file_name and text.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tator.formats import Report, Source
from tator.formats._json import each_line
from tator.formats._places import beside
from tator.formats.tree import Tree

FOLDERS = ("text_labels", "captions")
FILES = ("captions.jsonl", "metadata.jsonl")
_LABELS = re.compile(r"[\d\s.,eE+-]+")  # what label files hold
IMAGE_KEYS, TEXT_KEYS = ("image", "file_name", "path"), ("caption", "text")


def add_captions(tree: Tree, source: Source) -> None:
    """Add captions from separate files to a source; existing ones stay."""
    found = read_captions(tree, source.report)
    source.captions = found | source.captions


def read_captions(tree: Tree, report: Report, is_all: bool = False) -> dict[str, str]:
    """Return {image: caption} of a folder's caption files; note what fits no image.

    Args:
        tree: the folder.
        report: takes the notes.
        is_all: the folder holds captions and nothing else, so where none of its folders and files is
            called so, every .txt is one.
    """
    captions: dict[str, str] = {}
    texts = [path for path in sorted(tree.texts) if path.endswith(".txt")]
    named = [path for path in texts if _is_caption_file(path)]
    tables = [path for path in tree.tables if PurePosixPath(path).name.lower() in FILES]
    for path in tree.told(named or (texts if is_all and not tables else [])):
        _read_text(tree, path, captions, report)
    for path in tables:
        claimed = path in tree.claimed
        rows = [_read_row(tree, path, line, row, captions, report) for line, row in each_line(tree, path, report)]
        if not claimed and not any(rows):
            tree.claimed.discard(path)
    return captions


def _is_caption_file(path: str) -> bool:
    return any(folder in FOLDERS for folder in path.split("/")[:-1])


def _read_text(tree: Tree, path: str, captions: dict[str, str], report: Report) -> None:
    """Take a text file that is called like its image."""
    parts = PurePosixPath(path).parts
    at = max((n for n, part in enumerate(parts[:-1]) if part in FOLDERS), default=-1)
    above = parts[: max(at, 0)]
    reference = "/".join([*parts[at + 1 : -1], PurePosixPath(path).stem])
    near = tuple("/".join([*above, *folder]) + "/" if above or folder else "" for folder in ((), ("images",)))
    image, _ = tree.find(reference, near)
    if (read := tree.try_text(path, report)) is None:
        return
    text = read.strip()
    if image is None:
        report.drop(path, "caption without an image", reference)
    elif at < 0 and _LABELS.fullmatch(text):
        report.drop(path, "labels, no caption", text[:80])
    elif text:
        captions[image] = text


def _read_row(tree: Tree, path: str, line: int, row: dict, captions: dict[str, str], report: Report) -> bool:
    """Take a line with an image and a text; a line of another kind is left alone.

    Returns whether that is all that it holds.
    """
    reference = next((row[key] for key in IMAGE_KEYS if isinstance(row.get(key), str)), None)
    text = next((row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)), None)
    if reference is None or text is None:
        return False
    image, is_guess = tree.find(reference, beside(path))
    if image is None:
        report.drop(path, "caption without an image", reference, line)
        return True
    if is_guess:
        report.repair(path, "path found by its end", f"{reference} is {image}", line)
    if text.strip():
        captions[image] = text.strip()
    return not any(isinstance(value, (list, dict)) for value in row.values())
