"""The trash folder: deleted things that have no rows in the database.

Each is in a folder of its own with a note on it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tator.storage.atomic import write_json
from tator.storage.workspace import Workspace
from tator.types import Unavailable

NOTE, CONTENT = "entry.json", "content"
LEFT_BEHIND = "file"  # kind of what lies in the folder without a note, as earlier versions left it


@dataclass(frozen=True)
class Thrown:
    """A thing in the trash folder.

    Attributes:
        entry: its id, the name of its folder or file there.
        kind: what it was.
        name: what it was called.
        user: who deleted it.
        at: when, in seconds since 1970.
        bytes: that its files take; None where nobody counted.
        value: what it was, where that is not a file.
    """

    entry: str
    kind: str
    name: str
    user: str
    at: float
    bytes: int | None
    value: Any = None


class TrashFolder:
    """Things in the workspace's trash.

    A note is written before a thing is moved in and deleted after it was moved out, so a crash leaves the thing in one
    of its two places; a note without its thing is listed by nobody.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.folder("trash")

    def throw(self, kind: str, name: str, user: str, content: Path | None = None, value: Any = None) -> str:
        """Take a file, a folder or a plain value, and return the id it has here.

        A file or folder must lie in the workspace.

        Raises:
            Unavailable: it cannot be moved; it stays where it is.
        """
        entry = f"{kind}-{uuid.uuid4().hex[:12]}"
        place = self.folder / entry
        size = sum(file.stat().st_size for file in _files(content)) if content else len(json.dumps(value))
        try:
            place.mkdir()
            note = asdict(Thrown(entry, kind, name, user[:100], time.time(), size, value))
            write_json(place / NOTE, note, is_durable=True)
            if content:
                os.replace(content, place / CONTENT)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            raise Unavailable(f"{name!r} cannot be moved to the trash: {error.strerror}") from error
        return entry

    def things(self) -> list[Thrown]:
        """Return what is in the trash, in no order."""
        found = [self._thing(path) for path in self.folder.iterdir() if not path.name.startswith(".")]
        return [thing for thing in found if thing is not None]

    def content(self, thing: Thrown) -> Path:
        """Return where the file or folder of a thing lies."""
        return self.folder / thing.entry / CONTENT

    def forget(self, thing: Thrown) -> None:
        """Delete the note of a thing that was taken out."""
        shutil.rmtree(self.folder / thing.entry)

    def delete(self, thing: Thrown) -> Iterator[int]:
        """Delete a thing for good; yield the bytes that came free after each file."""
        yield from delete_files(self.folder / thing.entry)

    def _thing(self, path: Path) -> Thrown | None:
        try:
            thing = Thrown(**json.loads((path / NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Thrown(path.name, LEFT_BEHIND, path.name, "", path.lstat().st_mtime, None)
        is_there = thing.entry == path.name and (thing.value is not None or os.path.lexists(path / CONTENT))
        return thing if is_there else None


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]


def delete_files(place: Path) -> Iterator[int]:
    """Delete a file, or a folder with all in it; yield the bytes freed by each file.

    Links are deleted, never followed.

    Raises:
        Unavailable: something cannot be deleted; what is gone stays gone, and deleting again goes on.
    """
    try:
        if place.is_symlink() or not place.is_dir():
            facts = place.lstat()
            place.unlink()
            yield facts.st_size if facts.st_nlink == 1 else 0  # another name of the file keeps its bytes
            return
        for path in sorted(place.iterdir()):
            yield from delete_files(path)
        place.rmdir()
    except FileNotFoundError:
        return  # somebody else was quicker
    except OSError as error:
        raise Unavailable(f"{error.filename} cannot be deleted: {error.strerror}") from error
