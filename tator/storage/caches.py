"""The caches of a workspace: files that are made again when they are missing.

Each cache registers itself where it is defined, so that people see what it takes and can empty it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tator.storage.register import Register
from tator.storage.workspace import Workspace
from tator.types import Unavailable

DRAFT_S = 3_600.0  # younger files whose names say that they are being written stay: their writers still need them


@dataclass(frozen=True)
class Cache:
    """One cache.

    Attributes:
        kind: its name, and that of its folder in the workspace's cache folder.
        what: what it keeps, for people, in one sentence.
    """

    kind: str
    what: str

    def folder(self, workspace: Workspace) -> Path:
        """Return where its files lie; the folder need not exist."""
        return workspace.folder("cache") / self.kind

    def measure(self, workspace: Workspace) -> tuple[int, int]:
        """Return how many files it keeps, and their size in bytes."""
        sizes = [facts.st_size for _, facts in _files(self.folder(workspace))]
        return len(sizes), sum(sizes)

    def purge(self, workspace: Workspace) -> tuple[int, int]:
        """Delete its files and return how many, and their bytes.

        Folders stay, and so do files that are being written.

        Raises:
            Unavailable: a file cannot be deleted.
        """
        deleted = freed = 0
        for path, facts in _files(self.folder(workspace)):
            if _is_draft(path) and time.time() - facts.st_mtime < DRAFT_S:
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise Unavailable(f"{path} cannot be deleted: {error.strerror}") from error
            deleted, freed = deleted + 1, freed + facts.st_size
        return deleted, freed


_caches: Register[Cache] = Register("cache", "caches")


def register_cache(cache: Cache) -> Cache:
    """Let people see and empty a cache; return it.

    Raises:
        ValueError: two caches have one name.
    """
    return _caches.add(cache.kind, cache)


def caches() -> list[Cache]:
    """Return the registered caches, sorted by kind."""
    return list(_caches)


def cache_of(kind: str) -> Cache:
    """Return a cache by its name.

    Raises:
        NotFound: no cache has it.
    """
    return _caches.called(kind)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each file with its facts; links are not followed, and files may vanish."""
    for here, _, names in os.walk(folder):
        for path in (Path(here, name) for name in names):
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue


def _is_draft(path: Path) -> bool:
    return path.suffix == ".part" or path.name.startswith(".")
