"""Files and folders that are there whole or not at all.

They are written beside their place, then moved into it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tator.types import Unavailable


@contextmanager
def replacing(target: Path, is_durable: bool = False) -> Iterator[Path]:
    """Lend a path to write at; the file takes the target's place at the block's end.

    A reader sees the old file or the new one, never a half. When the block fails, nothing of it is left.

    Args:
        target: where the file shall be; its folder is made if absent.
        is_durable: wait until the bytes are on the disk, so that a power cut cannot empty the file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.urandom(6).hex()}.part")
    try:
        yield part
        if is_durable:
            _to_disk(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def filling(target: Path) -> Iterator[Path]:
    """Lend an empty folder to fill; it takes the target's place at the block's end.

    Args:
        target: where the folder shall be; what is there until then is deleted.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.urandom(6).hex()}.part")
    part.mkdir()
    try:
        yield part
        if target.exists():
            shutil.rmtree(target)
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, value: Any, is_durable: bool = False) -> None:
    """Write JSON in one step; see `replacing`."""
    with replacing(path, is_durable) as part:
        part.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, with its time, so that it is there whole or not at all.

    Raises:
        Unavailable: it cannot be copied.
    """
    try:
        with replacing(target) as part:
            shutil.copy2(source, part)
    except OSError as error:
        raise Unavailable(f"{source.name} could not be copied into the workspace: {error.strerror}") from error
