"""JSON from outside, of bounded size and depth, also as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from tator.encodings import UTF8
from tator.formats import Report
from tator.formats.tree import EVERY, Tree

LARGEST = 512 << 20  # bytes of a file that is parsed whole
LONGEST_LINE = 64 << 20  # bytes of one object


def read_json(tree: Tree, path: str, report: Report, expected: str, largest: int = LARGEST) -> Any:
    """Return what a JSON file holds, or None after noting why it is refused.

    Args:
        tree: the folder.
        path: of the file in it.
        report: takes the note.
        expected: what the file should have been, for the note.
        largest: bytes of a file that is parsed.
    """
    tree.claim(path)
    try:
        if (tree.root / path).stat().st_size > largest:
            raise ValueError(f"larger than {largest >> 20} MB")
        return json.loads(tree.deciphering.text(path, (tree.root / path).read_bytes()))
    except (ValueError, RecursionError, OSError, MemoryError) as error:
        report.drop(path, "refused as JSON", f"{_told(error)}; expected {expected}")
        return None


def read_object(tree: Tree, path: str, report: Report, expected: str) -> dict | None:
    """Return the object that a JSON file holds, None after noting why not.

    See `read_json`.
    """
    content = read_json(tree, path, report, expected)
    if content is None or isinstance(content, dict):
        return content
    report.drop(path, f"not {expected}", "expected an object")
    return None


def each_line(tree: Tree, path: str, report: Report) -> Iterator[tuple[int, dict]]:
    """Yield (line number, object) of a JSON Lines file; note lines without one."""
    tree.claim(path)
    try:
        encoding = tree.deciphering.encoding(path)
        with _lines(tree, path, encoding) as file:
            for line in range(1, 1 << 40):
                if line % EVERY == 0:
                    tree.tell(0, 0, f"{path}, line {line:,}")
                text = file.readline(LONGEST_LINE)
                if not text:
                    return
                if text.strip():
                    row = _object(text, path, line, report)
                    if row is not None:
                        yield line, row
    except OSError as error:
        report.drop(path, "cannot be read", error.strerror or str(error))


def _lines(tree: Tree, path: str, encoding: str) -> IO:
    """Open a file to read it line by line: bytes of UTF-8 as they are, else decoded."""
    if encoding == UTF8:
        return open(tree.root / path, "rb")
    return open(tree.root / path, encoding=encoding, errors="replace")


def _object(text: bytes | str, path: str, line: int, report: Report) -> dict | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        report.drop(path, "refused as JSON", f"{_told(error)}; expected an object a line", line)
        return None
    if not isinstance(row, dict):
        report.drop(path, "refused as JSON", f"a {type(row).__name__}; expected an object a line", line)
        return None
    return row


def _told(error: BaseException) -> str:
    return str(error)[:160] or type(error).__name__


def as_list(value: Any) -> list:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def as_dict(value: Any) -> dict:
    """Return a dict as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}
