"""Keeps loaded models within a memory budget and lends them.

A model that is lent is never unloaded.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tator.protocols import Backend, Card
from tator.runtime.devices import default_budget_mb, pick_device, torch_problem, trim_heap
from tator.runtime.executor import Executor, T, Urgency
from tator.runtime.registry import IMPORTING, backend, import_packages, require_packages, sharing
from tator.types import Unavailable

Key = tuple[str, str, int]  # model id, weights path, weights mtime in ns: retrained weights are another model
SPARING = "unload other models in the System tab, or choose a smaller one"
WAIT_S = 60.0  # longest wait for others to hand back the memory that a load needs


@dataclass(eq=False)
class LoadedModel:
    """One model, loaded or about to be.

    Attributes:
        key: what is loaded.
        card: how it presents itself.
        lock: held while the model is loaded, and while it is lent where it cannot be shared.
        model: the backend, or None before it is loaded.
        users: threads that hold the model or wait for it; above 0 it is never unloaded.
        reserved_mb: memory counted against the budget.
        last_used: seconds since 1970.
        uses: how often it was lent.
        is_leaving: it is unloaded as soon as nobody uses it.
    """

    key: Key
    card: Card
    lock: threading.RLock = field(default_factory=threading.RLock)
    model: Any = None
    users: int = 0
    reserved_mb: int = 0
    last_used: float = 0.0
    uses: int = 0
    is_leaving: bool = False

    def row(self, device: str) -> dict:
        """Return what a person sees about the model."""
        cards = sharing(self.card)
        return {
            "id": self.card.id,
            "cards": [card.id for card in cards],
            "label": ", ".join(card.label for card in cards),
            "weights": self.key[1],
            "device": device,
            "mb": self.reserved_mb,
            "is_lent": self.users > 0,
            "last_used": self.last_used,
            "uses": self.uses,
        }


class ModelManager:
    """Loads backends on first use and unloads the least recently used ones.

    Attributes:
        device: where models run: cpu, cuda, cuda:N or mps.
        fallback: why models run on the CPU although a GPU was asked for; "" where they do not.
    """

    def __init__(self, device: str = "auto", budget_mb: int = 0) -> None:
        """Load nothing yet.

        Args:
            device: cpu, cuda, cuda:N, mps or auto.
            budget_mb: memory that loaded models may reserve; 0 for a share of the device's.

        Raises:
            BadInput: no such device name.
        """
        self.device, self.fallback = pick_device(device), ""
        self._is_settled = False
        self._budget_mb = dict.fromkeys((self.device, "cpu"), budget_mb)
        self._models: dict[Key, LoadedModel] = {}
        self._executors: dict[str, Executor] = {}
        self._changed = threading.Condition()  # guards _models, users and reserved_mb; never held while loading

    @property
    def budget_mb(self) -> int:
        """Memory that loaded models may reserve, in MB."""
        self._budget_mb[self.device] = self._budget_mb[self.device] or default_budget_mb(self.device)
        return self._budget_mb[self.device]

    def run(self, card_id: str, weights: Path | None, work: Callable[[Any], T], urgency: Urgency = Urgency.ANSWER) -> T:
        """Lend a model to a call and run it in its turn on the device.

        Models without torch are light and run at once, in the caller's thread.

        Args:
            card_id: id of the backend's card.
            weights: file of its weights.
            work: gets the model; must not ask for another one.
            urgency: why the model is called.

        Raises:
            NotFound: no such backend.
            Unavailable: a package, the weights or memory is missing; the message says what mends it.
        """
        with self.use(card_id, weights) as model:
            if "torch" not in backend(card_id).card.requires:
                return work(model)
            executor = self._executors.setdefault(self.device, Executor(self.device))
            return executor.run(lambda: work(model), urgency)

    @contextmanager
    def use(self, card_id: str, weights: Path | None = None) -> Iterator[Any]:
        """Lend a model for the length of a with-block; nobody can unload it meanwhile.

        Threads share it, so that a click need not wait for the next image to be encoded; a backend
        that says `is_exclusive = True` is lent to one thread at a time. A thread may borrow several
        models and the same one again inside the block.

        Args:
            card_id: id of the backend's card.
            weights: file of its weights; newer content at the same path is loaded anew.

        Raises:
            NotFound: no such backend.
            Unavailable: a package, the weights or memory is missing; the message says what mends it.
        """
        cls = backend(card_id)
        require_packages(cls.card)
        entry = self._pin(key_of(cls.card, weights), cls.card)
        try:
            with entry.lock:
                if entry.model is None:
                    self._load(entry, cls, weights)
                entry.last_used, entry.uses = time.time(), entry.uses + 1
            with entry.lock if getattr(cls, "is_exclusive", False) else nullcontext():
                yield entry.model
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise Unavailable(f"{cls.card.label} ran out of memory on {self.device}; {SPARING}") from error
            raise
        finally:
            self._unpin(entry)

    def loaded(self) -> list[dict]:
        """Return a row per loaded model.

        Keys: id, cards (that it answers for), label, weights, device, mb, is_lent, last_used, uses.
        """
        with self._changed:
            held = [entry for entry in self._models.values() if entry.model is not None]
            return [entry.row(self.device) for entry in sorted(held, key=lambda entry: -entry.last_used)]

    def unload_all(self, wait_s: float = 0.0, cards: Collection[str] = ()) -> list[dict]:
        """Unload every model and return the rows of those that are gone.

        Args:
            wait_s: how long to wait for lent ones; those that come back later are unloaded then.
            cards: ids of the only ones to unload; none for all.
        """
        with self._changed:
            here = [entry for entry in self._models.values() if entry.model is not None]
            here = [
                entry for entry in here if not cards or not {card.id for card in sharing(entry.card)}.isdisjoint(cards)
            ]
            freed = [self._drop(entry) for entry in here if entry.users == 0]
            lent = [(entry, entry.row(self.device)) for entry in here if entry.model is not None]
            for entry, _ in lent:
                entry.is_leaving = True
            self._changed.wait_for(lambda: all(entry.model is None for entry, _ in lent), wait_s)
            freed += [row for entry, row in lent if entry.model is None]
        release_memory()
        return freed

    def _pin(self, key: Key, card: Card) -> LoadedModel:
        """Return the model of a key, counted as used so that nothing unloads it."""
        with self._changed:
            for entry in self._idle():
                if entry.key[:2] == key[:2] and entry.key != key:
                    self._drop(entry)  # an older state of the same weights file
            entry = self._models.setdefault(key, LoadedModel(key, card))
            entry.users += 1
            return entry

    def _unpin(self, entry: LoadedModel) -> None:
        with self._changed:
            entry.users -= 1
            is_gone = entry.users == 0 and (
                entry.is_leaving or entry.model is None
            )  # to be unloaded, or its load failed
            if is_gone and self._models.get(entry.key) is entry:
                self._drop(entry)
            self._changed.notify_all()
        if is_gone:
            release_memory()

    def _load(self, entry: LoadedModel, cls: type[Backend], weights: Path | None) -> None:
        self._settle(entry.card)
        self._reserve(entry)
        try:
            import_packages(entry.card)
            is_lazy = "transformers" in entry.card.requires  # it imports its parts on demand
            with IMPORTING if is_lazy else nullcontext():
                entry.model = cls(weights, self.device)
        finally:
            if entry.model is None:  # it failed: what it reserved is free again
                with self._changed:
                    entry.reserved_mb = 0
                    self._changed.notify_all()

    def _settle(self, card: Card) -> None:
        """Fall back to the CPU, and say why, where torch cannot drive the device.

        It is checked when torch is first needed.
        """
        if self._is_settled or self.device == "cpu" or "torch" not in card.requires:
            return
        problem = torch_problem(self.device)
        with self._changed:
            self._is_settled = True
            if problem:
                self.fallback, self.device = f"{problem}; models run on the CPU", "cpu"

    def _reserve(self, entry: LoadedModel) -> None:
        """Count the model's memory before it is loaded, unloading idle ones to make room.

        Raises:
            Unavailable: it is larger than the budget, or lent models do not come back in time.
        """
        need = entry.card.vram_mb
        if need > self.budget_mb:
            raise Unavailable(
                f"{entry.card.label} needs {need} MB; models may use {self.budget_mb} MB on {self.device}; "
                "choose a smaller one"
            )
        with self._changed:
            if not self._changed.wait_for(lambda: self._make_room(need), timeout=WAIT_S):
                lent = ", ".join(s.card.label for s in self._models.values() if s.users and s.reserved_mb)
                raise Unavailable(
                    f"no room for {entry.card.label} ({need} MB) after {WAIT_S:g} s: {lent} still in use; try again"
                )
            entry.reserved_mb = need

    def _make_room(self, need_mb: int) -> bool:
        """Unload idle models, longest unused first, until `need_mb` fits; say if it does."""
        idle = sorted((entry for entry in self._idle() if entry.reserved_mb), key=lambda entry: entry.last_used)
        while self._used_mb() + need_mb > self.budget_mb and idle:
            self._drop(idle.pop(0))
            release_memory()
        return self._used_mb() + need_mb <= self.budget_mb

    def _used_mb(self) -> int:
        return sum(entry.reserved_mb for entry in self._models.values())

    def _idle(self) -> list[LoadedModel]:
        return [entry for entry in self._models.values() if entry.users == 0]

    def _drop(self, entry: LoadedModel) -> dict:
        row = entry.row(self.device)
        del self._models[entry.key]
        entry.model, entry.reserved_mb, entry.is_leaving = None, 0, False
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
    return (card.model_id, str(weights or ""), weights.stat().st_mtime_ns if weights else 0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of NumPy or torch says that memory ran out.

    torch does not use one class for it.
    """
    return isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error)


def release_memory() -> None:
    """Give memory of dropped models back to the system and the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")  # not imported for this: it holds memory only where somebody imported it
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    trim_heap()
