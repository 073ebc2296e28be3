"""Long reading in a thread, reporting its progress and stopping when cancelled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Protocol

from tator.types import Progress, Work

TICK_S = 0.25  # between two steps of the work
STOP_S = 2.0  # how long a cancelled work waits for its thread, which may be inside one large file


class Tell(Protocol):
    """What reading calls now and then."""

    def __call__(self, done: int = 0, total: int = 0, message: str = "") -> None:
        """Say how far it is, in units of its own; total is 0 while unknown."""


def silent(done: int = 0, total: int = 0, message: str = "") -> None:
    """Tell nobody."""


class Unwatched(BaseException):
    """Raised in the reading thread, past all error handling, once work was closed."""


class _Watch:
    """Takes what the thread tells; the work passes the newest on."""

    def __init__(self, message: str) -> None:
        self.step = Progress(0, 0, message)
        self.is_over = False

    def __call__(self, done: int = 0, total: int = 0, message: str = "") -> None:
        if self.is_over:
            raise Unwatched
        self.step = Progress(done, total, message)


def watched(read: Callable[[Tell], Any], message: str) -> Work:
    """Do something that only reads, and return its result.

    The work steps on time whatever the reading is busy with.

    Args:
        read: `read(tell)`; it calls `tell` often, which also ends it when the work is closed.
        message: of the first steps.
    """
    watch, pool = _Watch(message), ThreadPoolExecutor(1, "reading")
    reading = pool.submit(read, watch)
    try:
        while not wait([reading], TICK_S).done:
            yield watch.step
        return reading.result()
    finally:
        watch.is_over = True
        wait([reading], STOP_S)
        pool.shutdown(wait=False)
