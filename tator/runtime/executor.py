"""Runs the model calls of a device: one answer and one encode at a time.

The most urgent call comes first.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from typing import Any, TypeVar

from tator.protocols import listening

IDLE_S = 10.0  # a lane without work for this long ends its thread; the next call starts another
PAUSE_S = 1.0  # longest that one block of an encoder waits for answers

T = TypeVar("T")


class Urgency(IntEnum):
    """Why a model is called.

    Attributes:
        ANSWER: a person waits, and it takes some milliseconds.
        ENCODE: a person waits for an image to be encoded first.
        AHEAD: nobody waits yet.
    """

    ANSWER = 0
    ENCODE = 1
    AHEAD = 2


class Executor:
    """Two lanes per device, so that answers never wait for an encode.

    An answer waits only for the answers before it.

    However many people click, a device holds the activations of one answer and of one encode (of two, where one that
    is awaited overtakes one ahead). Between two blocks an encoder waits for answers under way and lets more urgent
    encodes overtake.
    """

    def __init__(self, device: str) -> None:
        self._answers, self._encodes = Lane(f"{device} answers"), Lane(f"{device} encodes")

    def run(self, call: Callable[[], T], urgency: Urgency = Urgency.ANSWER) -> T:
        """Run a call in its turn and return what it returns, or raise what it raises.

        Args:
            call: uses a model; must not wait for another call.
            urgency: decides the lane and the turn.
        """
        if urgency == Urgency.ANSWER:
            return self._answers.run(call, urgency)
        return self._encodes.run(lambda: self._considerate(call), urgency)

    def _considerate(self, call: Callable[[], T]) -> T:
        with listening(lambda begun, total: self._give_way()):
            return call()

    def _give_way(self) -> None:
        self._answers.wait_until_idle(PAUSE_S)
        self._encodes.overtake()


class _Call:
    """A call that waits for its turn, and its outcome."""

    def __init__(self, call: Callable[[], Any], urgency: Urgency) -> None:
        self.call, self.urgency, self.context = call, urgency, contextvars.copy_context()
        self.outcome: Future = Future()

    def run(self) -> None:
        try:
            value = self.context.run(self.call)
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(value)


class Lane:
    """One thread that runs calls by urgency, then in the order they came."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: list[tuple[int, int, _Call]] = []
        self._numbers = itertools.count()
        self._running: list[_Call] = []  # a call that overtook others comes after them
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()  # guards everything above; never held while a call runs

    def run(self, call: Callable[[], T], urgency: Urgency) -> T:
        """Run a call in the lane's thread; one made from inside that thread runs at once."""
        if threading.current_thread() is self._thread:
            return call()
        mine = _Call(call, urgency)
        with self._changed:
            heapq.heappush(self._waiting, (urgency, next(self._numbers), mine))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return mine.outcome.result()

    def overtake(self) -> None:
        """Run the calls that are more urgent than the running one, inside it.

        Only the lane's own thread may call it.
        """
        while self._run_next(self._running[-1].urgency):
            pass

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Return True once nothing runs or waits, False after the time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and not self._waiting, timeout_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                    self._thread = None  # under the lock, so that a later call starts a new thread
                    return
            self._run_next()

    def _run_next(self, than: int = max(Urgency) + 1) -> bool:
        """Run the most urgent call that is more urgent than `than`; say if there was one.

        Nothing of it is held afterwards: the thread would keep a model in memory while it waits for the next.
        """
        with self._changed:
            if not self._waiting or self._waiting[0][0] >= than:
                return False
            call = heapq.heappop(self._waiting)[2]
            self._running.append(call)
        call.run()
        with self._changed:
            self._running.pop()
            self._changed.notify_all()
        return True
