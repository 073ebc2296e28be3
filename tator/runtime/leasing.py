"""One heavy job per device, across processes, by a lock file per device."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tator.types import Progress

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_S = 0.25  # between two looks at a device that another job holds; a cancelled job stops within it

Lease = Generator[Progress, None, AbstractContextManager[None]]


def lease(folder: Path, device: str, before: Callable[[], object]) -> Lease:
    """Wait for a device and return the context manager that holds it.

    A job holds it with `with (yield from lease(folder, device, before)):`.

    Args:
        folder: of the lock files; processes that share devices share it.
        device: cpu, cuda, cuda:N or mps.
        before: called once the device is held, to free its memory.

    Yields:
        A step each quarter of a second while another job holds the device.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{device.replace(':', '_')}.lock", thread_local=False)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=POLL_S)
        except Timeout:
            yield Progress(0, 0, f"waiting for {device}, which another job uses")
    return _holding(lock, before)


@contextmanager
def _holding(lock: BaseFileLock, before: Callable[[], object]) -> Iterator[None]:
    try:
        before()
        yield
    finally:
        lock.release()
