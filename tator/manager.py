"""Keeps loaded models within a memory budget; lends each out under its own lock."""
from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tator.devices import default_budget_mb, pick_device
from tator.protocols import Card
from tator.registry import backend, require_packages
from tator.slots import Slots
from tator.types import Unavailable

Key = tuple[str, str, int]  # card id, weights path, weights mtime in ns: retrained weights are another model
WAIT_S = 60.0  # longest wait for others to hand back the memory that a load needs


@dataclass(eq=False)
class Seat:
    """One model, loaded or about to be.

    Attributes:
        key: what is loaded.
        card: how it presents itself.
        lock: held while the model is loaded and while it is lent.
        model: the backend, or None before it is loaded.
        users: threads that hold the model or wait for it; above 0 it is never unloaded.
        reserved_mb: memory counted against the budget.
        last_used: seconds since 1970.
        uses: how often it was lent.
    """

    key: Key
    card: Card
    lock: threading.RLock = field(default_factory=threading.RLock)
    model: Any = None
    users: int = 0
    reserved_mb: int = 0
    last_used: float = 0.0
    uses: int = 0

    def row(self, device: str) -> dict:
        """Return what a person sees about the model."""
        return {
            "id": self.card.id, "label": self.card.label, "weights": self.key[1], "device": device,
            "mb": self.reserved_mb, "is_lent": self.users > 0, "last_used": self.last_used, "uses": self.uses,
        }


class ModelManager:
    """Loads backends on first use; unloads the least recently used ones to stay in budget.

    Attributes:
        device: where models run: cpu, cuda, cuda:N or mps.
        slots: embeddings and pixels of the images last worked on.
    """

    def __init__(self, device: str = "auto", budget_mb: int = 0) -> None:
        """Load nothing yet.

        Args:
            device: cpu, cuda, cuda:N, mps or auto.
            budget_mb: memory that loaded models may reserve; 0 for a share of the device's.

        Raises:
            BadInput: no such device name.
        """
        self.device = pick_device(device)
        self.slots = Slots()
        self._budget_mb = budget_mb
        self._seats: dict[Key, Seat] = {}
        self._changed = threading.Condition()  # guards _seats, users and reserved_mb; never held while loading

    @property
    def budget_mb(self) -> int:
        """Memory that loaded models may reserve, in MB."""
        self._budget_mb = self._budget_mb or default_budget_mb(self.device)
        return self._budget_mb

    @contextmanager
    def use(self, card_id: str, weights: Path | None = None) -> Iterator[Any]:
        """Lend a model for the length of a with-block; nobody else can use or unload it.

        A thread may borrow several models and the same one again inside the block.

        Args:
            card_id: id of the backend's card.
            weights: file of its weights; newer content at the same path is loaded anew.

        Raises:
            NotFound: no such backend.
            Unavailable: a package, the weights or memory is missing; the message says what mends it.
        """
        cls = backend(card_id)
        require_packages(cls.card)
        seat = self._pin(key_of(cls.card, weights), cls.card)
        try:
            with seat.lock:
                if seat.model is None:
                    self._load(seat, cls, weights)
                seat.last_used, seat.uses = time.time(), seat.uses + 1
                yield seat.model
        finally:
            self._unpin(seat)

    def loaded(self) -> list[dict]:
        """Return a row per loaded model: id, weights, device, mb, is_lent, last_used, uses."""
        with self._changed:
            seats = [seat for seat in self._seats.values() if seat.model is not None]
            return [seat.row(self.device) for seat in sorted(seats, key=lambda seat: -seat.last_used)]

    def unload_all(self) -> list[dict]:
        """Unload every model that is not lent and return their rows."""
        with self._changed:
            freed = [self._drop(seat) for seat in self._idle() if seat.model is not None]
        release_memory()
        return freed

    def _pin(self, key: Key, card: Card) -> Seat:
        """Return the seat of a key, counted as used so that nothing unloads it."""
        with self._changed:
            for seat in self._idle():
                if seat.key[:2] == key[:2] and seat.key != key:
                    self._drop(seat)  # an older state of the same weights file
            seat = self._seats.setdefault(key, Seat(key, card))
            seat.users += 1
            return seat

    def _unpin(self, seat: Seat) -> None:
        with self._changed:
            seat.users -= 1
            if seat.users == 0 and seat.model is None:
                self._seats.pop(seat.key, None)  # it never loaded
            self._changed.notify_all()

    def _load(self, seat: Seat, cls: type, weights: Path | None) -> None:
        self._reserve(seat)
        try:
            seat.model = cls(weights, self.device)
        finally:
            if seat.model is None:  # it failed: what it reserved is free again
                with self._changed:
                    seat.reserved_mb = 0
                    self._changed.notify_all()

    def _reserve(self, seat: Seat) -> None:
        """Count the model's memory before it is loaded, unloading idle ones to make room.

        Raises:
            Unavailable: it is larger than the budget, or lent models do not come back in time.
        """
        need = seat.card.vram_mb
        if need > self.budget_mb:
            raise Unavailable(
                f"{seat.card.label} needs {need} MB; models may use {self.budget_mb} MB on {self.device}"
            )
        with self._changed:
            if not self._changed.wait_for(lambda: self._make_room(need), timeout=WAIT_S):
                lent = ", ".join(s.card.label for s in self._seats.values() if s.users and s.reserved_mb)
                raise Unavailable(
                    f"no room for {seat.card.label} ({need} MB) after {WAIT_S:g} s: {lent} still in use; try again"
                )
            seat.reserved_mb = need

    def _make_room(self, need_mb: int) -> bool:
        """Unload idle models, longest unused first, until `need_mb` fits; say if it does."""
        idle = sorted((seat for seat in self._idle() if seat.reserved_mb), key=lambda seat: seat.last_used)
        while self._used_mb() + need_mb > self.budget_mb and idle:
            self._drop(idle.pop(0))
            release_memory()
        return self._used_mb() + need_mb <= self.budget_mb

    def _used_mb(self) -> int:
        return sum(seat.reserved_mb for seat in self._seats.values())

    def _idle(self) -> list[Seat]:
        return [seat for seat in self._seats.values() if seat.users == 0]

    def _drop(self, seat: Seat) -> dict:
        row = seat.row(self.device)
        del self._seats[seat.key]
        seat.model, seat.reserved_mb = None, 0
        return row


def key_of(card: Card, weights: Path | None) -> Key:
    """Return what identifies a loaded model.

    Raises:
        Unavailable: the backend needs weights and there are none.
    """
    if weights is None and card.weights:
        how = "train it on accepted boxes first" if card.weights == "trained" else f"get {card.weights}"
        raise Unavailable(f"{card.label} needs weights: {how}")
    if weights is not None and not weights.exists():
        raise Unavailable(f"{card.label} needs weights: {weights} does not exist")
    return (card.id, str(weights or ""), weights.stat().st_mtime_ns if weights else 0)


def release_memory() -> None:
    """Give memory of dropped models back to the system and the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")  # never imported for this: if nobody did, it holds nothing
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
