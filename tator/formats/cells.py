"""CSV from outside: bounded rows, any common delimiter, harmless names."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from tator.formats import Report
from tator.formats.tree import EVERY, Tree

LONGEST_CELL = 1 << 20  # characters
_HINT = re.compile(r"\ufeff?\"?sep=.\"?\r?\n", re.I)
_RUN = re.compile(r"'*[=+\-@\t]")  # what a spreadsheet takes for a formula, perhaps made safe already


def header(sample: bytes) -> list[str]:
    """Return the cells of the first line of a file's head, lower-case."""
    first = without_hint(sample.decode("utf-8-sig", "replace")).split("\n", 1)[0].rstrip("\r")
    try:
        return [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter(first)), [])]
    except csv.Error:
        return []


def without_hint(text: str) -> str:
    """Return the text of a file without the first line "sep=;", which Excel writes."""
    return text.partition("\n")[2] if _HINT.match(text) else text


def delimiter(line: str) -> str:
    """Return the sign that separates the cells of a first line."""
    return max(",;\t|", key=lambda sign: (line.count(sign), sign == ","))


def each_row(tree: Tree, path: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every line that is not blank.

    A file that is not CSV is noted at the line where it goes wrong.
    """
    csv.field_size_limit(LONGEST_CELL)
    tree.claim(path)
    try:
        encoding = tree.deciphering.encoding(path)
        with open(tree.root / path, encoding=encoding, errors="replace", newline="") as file:
            first = file.readline(LONGEST_CELL)
            start = file.tell() if (is_hint := _HINT.match(first) is not None) else 0
            sign = delimiter(file.readline(LONGEST_CELL) if is_hint else first)
            file.seek(start)
            rows = csv.reader(file, delimiter=sign)
            for number, row in enumerate(rows, 1):
                if number % EVERY == 0:
                    tree.tell(0, 0, f"{path}, row {number:,}")
                if any(cell.strip() for cell in row):
                    yield rows.line_num, row
    except (csv.Error, OSError) as error:
        report.drop(path, "refused as CSV", f"{str(error)[:160]}; the rows before it are read")


def parsed(cell: str) -> Any:
    """Return a cell that holds a list or an object as that, any other as it is.

    It may be written as JSON or as Python writes it; nothing in it is run.
    """
    text = cell.strip()
    if not text.startswith(("{", "[")):
        return cell
    for reader in (json.loads, ast.literal_eval):
        try:
            return reader(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return cell


def harmless(name: str) -> str:
    """Return a name that a spreadsheet shows and does not run: '=cmd() for =cmd()."""
    return f"'{name}" if _RUN.match(name) else name


def restored(cell: str) -> str:
    """Return the name that `harmless` made safe."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell[1:]) else cell
