"""Captions beside the images: text_labels/<name>.txt, captions.jsonl, or metadata.jsonl with file_name and text."""

from __future__ import annotations

from pathlib import PurePosixPath

from tator.formats import Report, Source
from tator.formats._json import each_line
from tator.formats._places import beside
from tator.tree import Tree

FOLDERS = ("text_labels", "captions")
FILES = ("captions.jsonl", "metadata.jsonl")
IMAGE_KEYS, TEXT_KEYS = ("image", "file_name", "path"), ("caption", "text")


def add_captions(tree: Tree, source: Source) -> None:
    """Give a source the captions that lie in files of their own; those it has already stay."""
    found = read_captions(tree, source.report)
    source.captions = found | source.captions


def read_captions(tree: Tree, report: Report) -> dict[str, str]:
    """Return {image: caption} of a folder's caption files; what fits no image is noted."""
    captions: dict[str, str] = {}
    for path in tree.told([path for path in sorted(tree.texts) if path.endswith(".txt") and _is_caption_file(path)]):
        _read_text(tree, path, captions, report)
    for path in tree.tables:
        if PurePosixPath(path).name.lower() in FILES:
            for line, row in each_line(tree, path, report):
                _read_row(tree, path, line, row, captions, report)
    return captions


def _is_caption_file(path: str) -> bool:
    return any(folder in FOLDERS for folder in path.split("/")[:-1])


def _read_text(tree: Tree, path: str, captions: dict[str, str], report: Report) -> None:
    """Take a text file that is called like its image."""
    parts = PurePosixPath(path).parts
    at = max(n for n, part in enumerate(parts[:-1]) if part in FOLDERS)
    reference = "/".join([*parts[at + 1 : -1], PurePosixPath(path).stem])
    near = tuple("/".join([*parts[:at], *folder]) + "/" if parts[:at] or folder else "" for folder in ((), ("images",)))
    image, _ = tree.find(reference, near)
    try:
        text = tree.read_text(path).strip()
    except OSError as error:
        report.drop(path, "cannot be read", str(error))
        return
    if image is None:
        report.drop(path, "caption without an image", reference)
    elif text:
        captions[image] = text


def _read_row(tree: Tree, path: str, line: int, row: dict, captions: dict[str, str], report: Report) -> None:
    """Take a line with an image and a text; a line of another kind is none of ours."""
    reference = next((row[key] for key in IMAGE_KEYS if isinstance(row.get(key), str)), None)
    text = next((row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)), None)
    if reference is None or text is None:
        return
    image, is_guess = tree.find(reference, beside(path))
    if image is None:
        report.drop(path, "caption without an image", reference, line)
        return
    if is_guess:
        report.repair(path, "path found by its end", f"{reference} is {image}", line)
    if text.strip():
        captions[image] = text.strip()
