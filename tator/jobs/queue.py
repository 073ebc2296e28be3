"""Queues of jobs: a bounded number waits, a bounded number runs at once."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable

from tator.types import Unavailable

QUEUE_LIMIT = 1_000  # jobs waiting in one queue


class JobQueue:
    """Calls tasks in a bounded number of threads, which are made when needed.

    They never keep the process alive.

    Attributes:
        unfinished: how many tasks wait or run.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.unfinished = 0
        self._name, self._size = name, threads
        self._tasks: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()
        self._lock, self._started, self._idle, self._is_closed = threading.Lock(), 0, 0, False

    def check_room(self) -> None:
        """Refuse where no further job may wait.

        Raises:
            Unavailable: the product is stopping, or too many jobs are waiting.
        """
        if self._is_closed:
            raise Unavailable("the product is stopping and takes no more jobs")
        if self._tasks.qsize() >= QUEUE_LIMIT:
            raise Unavailable(f"{QUEUE_LIMIT} jobs are waiting, which is the limit; try again when some have ended")

    def put(self, job_id: str, task: Callable[[], None]) -> None:
        """Call a task as soon as a thread is free."""
        with self._lock:
            self.unfinished += 1
            self._tasks.put((job_id, task))
            if self._idle < self._tasks.qsize() and self._started < self._size:
                self._started += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()

    def close(self) -> list[str]:
        """Take no more tasks; return the ids of the jobs that will not be begun."""
        self._is_closed, left = True, []
        while not self._tasks.empty():
            left.append(self._tasks.get()[0])
        return left

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            _, task = self._tasks.get()
            with self._lock:
                self._idle -= 1
            try:
                task()
            except Exception:  # noqa: BLE001 - not even the outcome could be written; the next job may still succeed
                traceback.print_exc()
            with self._lock:
                self.unfinished -= 1
