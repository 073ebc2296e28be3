"""Tables in Parquet, row by row, read with pyarrow where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tator.formats import Report
from tator.formats.tree import Tree
from tator.types import Unavailable

MAGIC = b"PAR1"
LONGEST_FOOTER = 32 << 20  # bytes
BATCH = 64  # rows read at once: each may hold an image
NEEDED = "Parquet needs pyarrow: pip install pyarrow, or export the table as metadata.jsonl"
FEATURES = b"huggingface"  # the key of what the datasets library notes of a table


def footer_of(path: Path) -> bytes:
    """Return the part of a Parquet file that names its columns, none for another file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 8, 0))
            tail = file.read(8)
            length = int.from_bytes(tail[:4], "little")
            if tail[4:] != MAGIC or not 0 < length <= min(size - 8, LONGEST_FOOTER):
                return b""
            file.seek(size - 8 - length)
            return file.read(length)
    except OSError:
        return b""


def each_row(tree: Tree, path: str, report: Report, left_out: Sequence[str] = ()) -> Iterator[tuple[int, dict]]:
    """Yield (number from 1, row) of a table; note a damaged one.

    Args:
        tree: the folder.
        path: of the table.
        report: takes the note.
        left_out: columns that are not read, with a point before a field: image.bytes.

    Raises:
        Unavailable: pyarrow is not installed.
    """
    table, number = _opened(tree, path, report), 0
    if table is None:
        return
    try:
        names = [column.path for column in table.schema]
        kept = [name for name in names if not any(name == gone or name.startswith(f"{gone}.") for gone in left_out)]
        for batch in table.iter_batches(batch_size=BATCH, columns=kept):
            tree.tell(number, table.metadata.num_rows, f"{path}, row {number:,}")
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (ValueError, OSError, NotImplementedError, MemoryError) as error:
        report.drop(path, "refused as Parquet", f"{str(error)[:160]}; the rows before it are read", number + 1)


def features_of(tree: Tree, path: str) -> dict:
    """Return what the datasets library notes of a table's columns; see `each_row`."""
    table = _opened(tree, path, Report())
    kept = {} if table is None else table.schema_arrow.metadata or {}
    try:
        told = json.loads(kept.get(FEATURES, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _opened(tree: Tree, path: str, report: Report) -> Any:
    """Return an open table, None after noting why there is none."""
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise Unavailable(NEEDED) from error
    tree.claim(path)
    try:
        return ParquetFile(tree.root / path)
    except (ValueError, OSError, NotImplementedError, MemoryError) as error:
        report.drop(path, "refused as Parquet", f"{str(error)[:160]}; expected a table")
        return None
