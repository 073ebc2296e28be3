"""Caches encoded images and other large values, and computes them ahead."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tator.protocols import listening
from tator.runtime.prefetching import MOST_IMAGES, Make, PrefetchRequest, PrefetchRequests
from tator.types import BadInput, TatorError

BUDGET_MB = 1_024  # about 200 images of 1 megapixel as colour planes, or 60 embeddings of SAM 2


class EncodeStopped(Exception):
    """An encode that nobody needs any more was stopped between two blocks."""


class Shelf(Protocol):
    """Keeps values between runs of the program."""

    def load(self, key: Hashable) -> Any | None:
        """Return a kept value, or None."""

    def save(self, key: Hashable, value: Any) -> None:
        """Keep a value if it is of a kind that can be kept."""


@dataclass(eq=False)
class _Task:
    """A value in the making; guarded by the lock of EmbeddingCache."""

    key: Hashable
    make: Make
    is_background: bool = False
    is_stale: bool = False
    is_done: bool = False
    waiters: int = 0
    progress: float = 0.0
    value: Any = None
    error: BaseException | None = None


class EmbeddingCache:
    """A least recently used cache of large values, and a worker that prefetches.

    Most values are encoded images; pixels and heads are kept here too. A caller that asks for a value
    that is being made waits for it instead of making another. A prefetch that no request asks for any
    more stops between two blocks of its encoder, unless a caller waits for its value.
    """

    def __init__(self, budget_mb: int = BUDGET_MB, images: int = MOST_IMAGES, shelf: Shelf | None = None) -> None:
        """Hold nothing yet.

        Args:
            budget_mb: memory that kept values may take.
            images: how many of current, next and previous are made ahead, 1 to 3.
            shelf: keeps values on disk too; None for memory only.
        """
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._running: dict[Hashable, _Task] = {}
        self._requests = PrefetchRequests(images)
        self._failed: dict[Hashable, str] = {}
        self._worker: threading.Thread | None = None
        self._counts = dict.fromkeys(("hits", "misses", "made", "stopped", "from_disk"), 0)
        self._changed = threading.Condition()  # guards everything above; never held while making
        self.resize(budget_mb, images, shelf)

    def resize(self, budget_mb: int, images: int, shelf: Shelf | None = None) -> None:
        """Change the limits and the shelf; what is over them is dropped at once.

        Args:
            budget_mb: memory that kept values may take.
            images: how many of current, next and previous are made ahead, 1 to 3.
            shelf: keeps values on disk too; None for memory only.

        Raises:
            BadInput: a limit is out of range.
        """
        if budget_mb < 1:
            raise BadInput(f"budget_mb must be at least 1, is {budget_mb}")
        with self._changed:
            self._requests.resize(images)
            self._budget, self._shelf = budget_mb * 2**20, shelf
            self._evict()
            self._mark_stale()

    def get(self, key: Hashable, make: Make) -> Any:
        """Return the value of a key, which is made and kept where it is not there.

        A value that is being made is waited for.

        Args:
            key: identifies the value and the state of what it was made from.
            make: called at most once at a time per key; what it returns has `nbytes`. A failure is not kept.
        """
        while True:
            with self._changed:
                if key in self._kept:
                    self._counts["hits"] += 1
                    self._kept.move_to_end(key)
                    return self._kept[key][0]
                task = self._running.get(key)
                if task is None:
                    self._counts["misses"] += 1
                    task = self._running[key] = _Task(key, make)
                    break
                if self._joined(task):
                    self._counts["hits"] += 1
                    return task.value
        return self._made(task)

    def prefetch(self, requests: Sequence[PrefetchRequest], client: str = "") -> None:
        """Make the values that a client will ask for next, in this order.

        They replace the client's earlier requests.

        Args:
            requests: current, next, previous in the direction of travel; those beyond the limit are left out.
            client: whose requests they are; other clients' stay.
        """
        with self._changed:
            self._requests.replace(requests, client)
            self._failed.clear()
            self._mark_stale()
            self._start_worker()

    def prefetch_also(self, request: PrefetchRequest, client: str = "") -> dict[str, Any]:
        """Make one more value ahead and return its row of `status`.

        A new current image drops the client's requests for the earlier one; what is kept stays kept.
        """
        with self._changed:
            self._requests.add(request, client)
            self._failed.pop(request.key, None)
            self._mark_stale()
            self._start_worker()
            return self._row(request)

    def status(self, client: str | None = None) -> list[dict[str, Any]]:
        """Return a row per request of a client, or of all clients.

        Keys: slot, image_id, name, card, state, progress, bytes, message. The state is ready, encoding, waiting or failed; progress is in [0, 1].
        """
        with self._changed:
            requests = self._requests.by_urgency() if client is None else self._requests.of(client)
            return [self._row(request) for request in requests]

    def stats(self) -> dict[str, int]:
        """Return how much is kept, the limits, and counts of hits and misses.

        Keys: slots, bytes, budget_bytes, images, hits, misses, made, stopped, from_disk.
        """
        with self._changed:
            held = {"slots": len(self._kept), "bytes": self._held(), "budget_bytes": self._budget}
            return held | {"images": self._requests.images} | self._counts

    def clear(self) -> int:
        """Drop all values and requests, and return the bytes that were held."""
        with self._changed:
            held = self._held()
            self._kept.clear()
            self._requests.clear()
            self._mark_stale()
        return held

    def wait(self, timeout_s: float) -> bool:
        """Return True once nothing is left to make ahead, False after the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._worker is None, timeout_s)

    def _joined(self, task: _Task) -> bool:
        """Wait for another thread's task; False where it was stopped."""
        task.waiters += 1
        self._changed.wait_for(lambda: task.is_done)
        if isinstance(task.error, EncodeStopped):
            return False
        if task.error is not None:
            raise task.error
        return True

    def _made(self, task: _Task) -> Any:
        """Run a task in this thread, keep its value and wake those who wait."""
        try:
            shelf = self._shelf
            value = shelf.load(task.key) if shelf else None
            is_new = value is None
            if is_new:
                with listening(lambda begun, total: self._step(task, begun, total)):
                    value = task.make()
        except BaseException as error:
            self._finish(task, error)
            raise
        self._keep(task, value, is_new)
        if is_new and shelf:
            shelf.save(task.key, value)
        return value

    def _step(self, task: _Task, begun: int, total: int) -> None:
        """Note how far an encoder is; stop it where its value is not needed."""
        with self._changed:
            task.progress = begun / max(total, 1)
            if task.is_background and task.is_stale and not task.waiters:
                raise EncodeStopped

    def _keep(self, task: _Task, value: Any, is_new: bool) -> None:
        with self._changed:
            self._kept[task.key] = (value, int(value.nbytes))
            self._evict(task.key)
            self._counts["made" if is_new else "from_disk"] += 1
            task.value = value
        self._finish(task, None)

    def _finish(self, task: _Task, error: BaseException | None) -> None:
        with self._changed:
            task.error, task.is_done = error, True
            self._running.pop(task.key, None)
            self._changed.notify_all()

    def _held(self) -> int:
        return sum(size for _, size in self._kept.values())

    def _evict(self, newest: Hashable = None) -> None:
        """Drop values over the budget; one always stays.

        Those without a request go first, then the least urgent request's. The newest value goes only if its
        own request is the least urgent: it must not push out the current image.
        """
        by_urgency = dict.fromkeys(request.key for request in self._requests.by_urgency())
        requested = [key for key in reversed(by_urgency) if key in self._kept]
        others = [key for key in self._kept if key not in requested and key != newest]
        for key in [*others, *requested]:
            if self._held() <= self._budget or len(self._kept) == 1:
                return
            del self._kept[key]

    def _mark_stale(self) -> None:
        keys = self._requests.keys()
        for task in self._running.values():
            task.is_stale = task.key not in keys
        self._changed.notify_all()

    def _row(self, request: PrefetchRequest) -> dict[str, Any]:
        about = {"slot": request.slot, "image_id": request.image_id, "name": request.name, "card": request.card}
        row = about | {"state": "waiting", "progress": 0.0, "bytes": 0, "message": ""}
        if request.key in self._kept:
            return row | {"state": "ready", "progress": 1.0, "bytes": self._kept[request.key][1]}
        if request.key in self._running:
            return row | {"state": "encoding", "progress": self._running[request.key].progress}
        if request.key in self._failed:
            return row | {"state": "failed", "message": self._failed[request.key]}
        return row

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _start_worker(self) -> None:
        if self._worker is None and self._next_request():
            self._worker = threading.Thread(target=self._work, name="prefetch", daemon=True)
            self._worker.start()

    def _next_request(self) -> PrefetchRequest | None:
        """Return the most urgent request that nobody has begun.

        One that failed or did not fit waits for the next prefetch.
        """
        done = self._kept.keys() | self._running.keys() | self._failed.keys()
        return next((one for one in self._requests.by_urgency() if one.key not in done), None)

    def _work(self) -> None:
        """Serve one request after the other until none is open."""
        try:
            while task := self._next_task():
                self._try(task)
        finally:
            with self._changed:
                self._worker = None
                self._changed.notify_all()

    def _next_task(self) -> _Task | None:
        with self._changed:
            request = self._next_request()
            if request is None:
                self._worker = None  # under the lock, so that a later prefetch starts a new thread
                return None
            task = self._running[request.key] = _Task(request.key, request.make, is_background=True)
            return task

    def _try(self, task: _Task) -> None:
        """Run one task; what a model or a file refuses is shown in its row.

        Everything else is a bug.
        """
        try:
            self._made(task)
        except EncodeStopped:
            with self._changed:
                self._counts["stopped"] += 1
        except (TatorError, RuntimeError, OSError, ValueError, MemoryError) as error:
            with self._changed:
                self._failed[task.key] = str(error) or type(error).__name__
        else:
            with self._changed:
                if (
                    task.key not in self._kept
                ):  # evicted by a more urgent request at once: do not make it again and again
                    self._failed[task.key] = "does not fit the memory for encoded images"
