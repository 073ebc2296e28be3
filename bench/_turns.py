"""Calls that take turns with what they are compared with, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench._row import Row


def mean_ms(calls: int, fn: Callable, *arguments: Any) -> float:
    """Return how many ms a call takes, over so many that the two of a comparison are interrupted alike."""
    began = time.perf_counter()
    for _ in range(calls):
        fn(*arguments)
    return 1000 * (time.perf_counter() - began) / calls


def turns(rounds: int, *calls: Callable[[], float]) -> Iterator[list[float]]:
    """Return for each call what it answered in every round; a round before them warms up and counts for none."""
    for call in calls:
        call()
    return map(list, zip(*([call() for call in calls] for _ in range(rounds)), strict=True))


def at_most(times: float, name: str, ours: list[float], unit: str, peer: str, peers: list[float]) -> Row:
    """Return the row of a promise: the median of ours is at most so many times the median of the peer's."""
    value, peer_value = statistics.median(ours), statistics.median(peers)
    what = f"{name}, median of {len(ours)} rounds"
    return Row(what, value, unit, peer, peer_value, f"<= {times:g} x", value <= times * peer_value)
