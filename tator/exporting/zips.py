"""Zip files in the workspace's exports: written, listed and found.

They are whole or absent, and equal content gives equal bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from tator.attributes import Skeleton
from tator.storage.atomic import replacing
from tator.storage.workspace import Workspace
from tator.storage.zips import entry
from tator.types import BadInput, NotFound, Work


class Zip:
    """A zip as a format's output.

    Times and rights are fixed, so that equal content is equal bytes.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.notes: Counter = Counter()
        self.skeletons: Mapping[int, Skeleton] = {}

    def text(self, name: str, text: str) -> None:
        """Write a whole text file."""
        self.archive.writestr(entry(name), text, zipfile.ZIP_DEFLATED)

    def open(self, name: str, compressed: bool = True) -> AbstractContextManager[IO[bytes]]:
        """Lend a file to write bytes to, one at a time."""
        return self.archive.open(entry(name, compressed), "w", force_zip64=True)


def write_files(workspace: Workspace, title: str, fill: Callable[[zipfile.ZipFile], Work]) -> Work:
    """Make a zip in the workspace's exports.

    Nothing is left behind when it is cancelled or fails.

    Args:
        workspace: whose exports.
        title: what the file's name begins with.
        fill: writes it and returns further facts.

    Returns:
        {"file", "url", "bytes", "sha256"} and the further facts.
    """
    folder = workspace.folder("exports")
    name = f"{title.replace(' ', '_')}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}.zip"
    with replacing(folder / name) as part:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            facts = yield from fill(archive)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = (folder / name).stat().st_size
    return {"file": name, "url": f"/export/{quote(name)}", "bytes": size, "sha256": digest, **facts}


def listing(folder: Path) -> list[dict]:
    """Return the finished exports of a folder, newest first."""
    files = [(path, path.stat()) for path in folder.glob("*.zip")]
    rows = [
        {"file": p.name, "url": f"/export/{quote(p.name)}", "bytes": s.st_size, "created_at": s.st_mtime}
        for p, s in files
    ]
    return sorted(rows, key=lambda row: (-row["created_at"], row["file"]))


def export_file(folder: Path, name: str) -> Path:
    """Return an export's file.

    Raises:
        BadInput: the name is not that of a zip in the folder itself.
        NotFound: no such export.
    """
    if not re.fullmatch(r"[^/\\\x00-\x1f]{1,250}\.zip", name) or name.startswith("."):
        raise BadInput(f"export {name[:100]!r} is not a file name; expected one of exports_list")
    if not (folder / name).is_file():
        raise NotFound(f"no export is called {name!r}")
    return folder / name
