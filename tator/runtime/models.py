"""What workflows run models through: backend, weights, image and turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tator.datasets.dataset import Dataset, ImageRow
from tator.protocols import Card, Embedding
from tator.runtime import leasing
from tator.runtime.embedding_cache import EmbeddingCache
from tator.runtime.executor import Urgency
from tator.runtime.manager import ModelManager, key_of
from tator.runtime.prefetching import PrefetchRequest
from tator.runtime.providers import Start, provided
from tator.runtime.registry import backend, backends, require_packages
from tator.storage.workspace import Workspace
from tator.types import Image, TatorError, Unavailable
from tator.warning_codes import FLOAT16_INSTEAD, HALF_PRECISION, WarningCode
from tator.weights.network import Network
from tator.weights.places import locate

T = TypeVar("T")
LOOK_S = 10.0  # packages and the hub library's cache change without our doing: looked at this often


class Models:
    """The models of a workspace: found, loaded, lent to calls, asked about images.

    Attributes:
        cache: encoded images and pixels of the images last worked on.
    """

    def __init__(
        self,
        workspace: Workspace,
        network: Network | None = None,
        device: str = "auto",
        budget_mb: int = 0,
        start: Start | None = None,
    ) -> None:
        """Load nothing yet.

        Args:
            workspace: whose folder of weights is read.
            network: where else weights may be; None for the workspace alone.
            device: cpu, cuda, cuda:N, mps or auto.
            budget_mb: memory that loaded models may reserve; 0 for a share of the device's.
            start: starts a job in the background, for weights that are learned again as labels
                grow; None where nothing runs jobs.

        Raises:
            BadInput: no such device name.
        """
        self._workspace, self._network, self._start = workspace, network or Network(), start
        self._manager = ModelManager(device, budget_mb)
        self._defaults: dict[str, tuple[tuple, str]] = {}  # per task: what the choice was made from, and the choice
        self.cache = EmbeddingCache()

    @property
    def device(self) -> str:
        """Where models run: cpu, cuda, cuda:N or mps."""
        return self._manager.device

    @property
    def fallback(self) -> str:
        """Why models run on the CPU although a GPU was asked for; "" where they do not."""
        return self._manager.fallback

    @property
    def budget_mb(self) -> int:
        """Memory that loaded models may reserve, in MB."""
        return self._manager.budget_mb

    def run(self, card_id: str, weights: Path | None, work: Callable[[Any], T], urgency: Urgency = Urgency.ANSWER) -> T:
        """Lend a model to a call and run it in its turn; see ModelManager.run."""
        return self._manager.run(card_id, weights, work, urgency)

    def use(self, card_id: str, weights: Path | None = None) -> AbstractContextManager[Any]:
        """Lend a model for the length of a with-block; see ModelManager.use."""
        return self._manager.use(card_id, weights)

    def loaded(self) -> list[dict]:
        """Return a row per loaded model; see ModelManager.loaded."""
        return self._manager.loaded()

    def unload_all(self, wait_s: float = 0.0, cards: Collection[str] = ()) -> list[dict]:
        """Unload models and return their rows; see ModelManager.unload_all."""
        return self._manager.unload_all(wait_s, cards)

    def lease(self, device: str = "") -> leasing.Lease:
        """Hold a device for one heavy job at a time, across processes.

        A job writes `with (yield from models.lease()):`.

        While another job holds it, the waiting one yields steps, so it can be cancelled. Models lent
        here are unloaded first where the device is not the CPU.

        Args:
            device: cpu, cuda, cuda:N or mps; "" for the one that models run on.
        """
        device = device or self.device
        before = self.unload_all if device != "cpu" else list
        return leasing.lease(self._workspace.folder("runs") / "jobs", device, before)

    def weights(self, card_id: str) -> Path | None:
        """Return where a backend's weights are.

        None where it needs none or learns them from a dataset.

        Raises:
            NotFound: no such backend.
            Unavailable: they are not here; the message says how to get them.
        """
        return locate(backend(card_id).card, self._workspace.folder("models"), self._network)

    def weights_for(self, card: Card, data: Dataset) -> Path | None:
        """Return the weights a backend runs with.

        Those that it learns from the dataset are made or renewed as needed.

        Raises:
            Unavailable: they are not here, or there are too few labels to learn from.
        """
        return provided(card, data, self._start) if card.weights == "trained" else self.weights(card.id)

    def problem(self, card: Card) -> str:
        """Return what a backend lacks to run here, "" where it is ready."""
        try:
            require_packages(card)
            if card.vram_mb > self.budget_mb:
                return f"{card.label} needs {card.vram_mb} MB; models may use {self.budget_mb} MB on {self.device}"
            self.weights(card.id)
        except TatorError as lacking:
            return str(lacking)
        return ""

    def default(self, task: str) -> str:
        """Return the backend used where nobody chose one: the first that is ready.

        On a GPU the best ranked and then the largest come first, on a CPU the quickest to encode, which is the
        smallest; those without learned weights come last. The choice is kept until weights come or go.

        Args:
            task: key of TASKS.

        Raises:
            Unavailable: none is ready; the message says how to get one.
        """
        seen = (self.device, self.budget_mb, int(time.monotonic() / LOOK_S), _folder_state(self._workspace))
        kept, chosen = self._defaults.get(task, ((), ""))
        if kept == seen and not self.problem(backend(chosen).card):
            return chosen
        simplest = ""
        for card in preferred(task, is_gpu=self.device != "cpu"):
            lacking = self.problem(card)
            if not lacking:
                self._defaults[task] = (seen, card.id)
                return card.id
            simplest = simplest or lacking
        raise Unavailable(f"no model for the task {task} is ready. The smallest one: {simplest or 'there is none'}")

    def ask(self, data: Dataset, row: ImageRow, task: str, card_id: str = "") -> Asked:
        """Return an image with the model that answers about it.

        Args:
            data: the image's dataset.
            row: the image.
            task: key of TASKS.
            card_id: id of the backend; "" for the one that suits this machine best among those that are ready.

        Raises:
            NotFound: no such backend for the task.
            Unavailable: weights, packages or labels are missing; the message says what mends it.
        """
        card = backend(card_id or self.default(task), task).card
        require_packages(card)
        return Asked(self, data, row, card, self.weights_for(card, data))

    def pixels(self, data: Dataset, row: ImageRow) -> Image:
        """Return an image's pixels, kept for the next question about it."""
        return self.cache.get(("image", *file_key(data, row)), lambda: data.load(row))


@dataclass(frozen=True, eq=False)
class Asked:
    """An image and the model that is asked about it.

    Attributes:
        models: lends the model and keeps the encoded image.
        data: the image's dataset.
        row: the image.
        card: of the model.
        weights: that it runs with, None where it needs none.
        happened: warnings of the answers so far, for `warned`.
    """

    models: Models
    data: Dataset
    row: ImageRow
    card: Card
    weights: Path | None
    happened: dict[WarningCode, bool] = field(default_factory=dict)

    @property
    def key(self) -> tuple:
        """What the encoded image depends on: model, weights, and the file as it is now."""
        return (*key_of(self.card, self.weights), *file_key(self.data, self.row))

    def encode(self, urgency: Urgency = Urgency.ENCODE) -> Embedding:
        """Encode the image, now."""
        image = self.models.pixels(self.data, self.row)
        return self.models.run(self.card.id, self.weights, lambda model: model.embed(image), urgency)

    def answer(self, question: Callable[[Any, Embedding], T]) -> T:
        """Put a question to the model about the encoded image.

        The image is encoded first if need be.
        """
        embedding = self.models.cache.get(self.key, self.encode)
        precision = embedding.precision
        self.happened.update({HALF_PRECISION: precision != "float32", FLOAT16_INSTEAD: precision == "float16"})
        return self.models.run(self.card.id, self.weights, lambda model: question(model, embedding))

    def prefetch_request(self, slot: str) -> PrefetchRequest:
        """Return the request that encodes the image ahead."""
        make = partial(self.encode, Urgency.AHEAD)
        return PrefetchRequest(slot, self.row.path, self.key, make, self.row.id, self.card.id)


def preferred(task: str, is_gpu: bool) -> list[Card]:
    """Return the cards of a task in the order in which they are tried."""
    cards = [cls.card for cls in backends().values() if cls.card.task == task]
    if is_gpu:
        return sorted(cards, key=lambda card: (not card.is_fetched, card.rank == 0, -card.rank, -card.vram_mb))
    return sorted(cards, key=lambda card: (not card.is_fetched, card.rank == 0, card.vram_mb, -card.rank))


def _folder_state(workspace: Workspace) -> tuple[tuple[str, int], ...]:
    """Return (name, time of change in ns) of each folder of weights.

    They change when files come or go.
    """
    with os.scandir(workspace.folder("models")) as entries:
        return tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries))


def file_key(data: Dataset, row: ImageRow) -> tuple[int, int, int]:
    """Return what identifies the pixels of an image."""
    facts = data.path(row).stat()
    return row.id, facts.st_mtime_ns, facts.st_size
