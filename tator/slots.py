"""Keeps what was computed for the images last worked on, bounded by bytes."""
from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

BUDGET_MB = 1_024  # about 200 images of 1 megapixel as colour planes, or 120 embeddings of SAM 2


class Slots:
    """A cache of large values, least recently used out first.

    Who asks for a value that is being made waits for it instead of making another.
    """

    def __init__(self, budget_mb: int = BUDGET_MB) -> None:
        self._budget = budget_mb * 2**20
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()
        self._hits = self._misses = 0

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the kept value of a key, or make and keep it.

        Args:
            key: identifies the value and the state of what it was made from.
            make: called at most once at a time per key; what it returns has `nbytes`. A failure is not kept.
        """
        with self._guard:
            lock = self._making.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    self._hits += 1
                    return self._kept[key][0]
                self._misses += 1
            try:
                value = make()
                self._keep(key, value)
            finally:
                with self._guard:
                    self._making.pop(key, None)
        return value

    def stats(self) -> dict[str, int]:
        """Return slots, bytes, budget_bytes, hits and misses."""
        with self._guard:
            held = sum(size for _, size in self._kept.values())
            counts = {"slots": len(self._kept), "hits": self._hits, "misses": self._misses}
            return counts | {"bytes": held, "budget_bytes": self._budget}

    def clear(self) -> int:
        """Forget everything and return the bytes it held."""
        with self._guard:
            held = sum(size for _, size in self._kept.values())
            self._kept.clear()
        return held

    def _keep(self, key: Hashable, value: Any) -> None:
        with self._guard:
            self._kept[key] = (value, int(value.nbytes))
            held = sum(size for _, size in self._kept.values())
            while held > self._budget and len(self._kept) > 1:
                held -= self._kept.popitem(last=False)[1][1]
