"""Which model answers a question about an image, with which weights, on an image that is encoded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tator.datasets.dataset import Dataset, ImageRow
from tator.protocols import Card, Embedding
from tator.runtime.executor import Urgency
from tator.runtime.manager import key_of
from tator.runtime.prefetching import Wanted
from tator.runtime.registry import backend, backends, require_packages
from tator.types import Image, TatorError, Unavailable, Work
from tator.workbench import Workbench
from tator.workflows.refiner import learning as refiner

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Asked:
    """An image and the model that is asked about it.

    Attributes:
        wb: the running product.
        data: the image's dataset.
        row: the image.
        card: of the model.
        weights: that it runs with, None where it needs none.
    """

    wb: Workbench
    data: Dataset
    row: ImageRow
    card: Card
    weights: Path | None

    @property
    def key(self) -> tuple:
        """What the encoded image depends on: model, weights, and the file as it is now."""
        return (*key_of(self.card, self.weights), *file_key(self.data, self.row))

    def encode(self, urgency: Urgency = Urgency.ENCODE) -> Embedding:
        """Encode the image, now."""
        image = pixels(self.wb, self.data, self.row)
        return self.wb.models.run(self.card.id, self.weights, lambda model: model.embed(image), urgency)

    def answer(self, question: Callable[[Any, Embedding], T]) -> T:
        """Return what a question about the model and the encoded image gives; the image is encoded first if need be."""
        embedding = self.wb.models.slots.get(self.key, self.encode)
        return self.wb.models.run(self.card.id, self.weights, lambda model: question(model, embedding))

    def wish(self, slot: str) -> Wanted:
        """Return what makes the embedding ahead."""
        make = partial(self.encode, Urgency.AHEAD)
        return Wanted(slot, self.row.path, self.key, make, self.row.id, self.card.id)


def ask(wb: Workbench, image_id: int, task: str, card_id: str = "") -> Asked:
    """Return an image with the model that answers about it.

    Args:
        wb: the running product.
        image_id: id of the image.
        task: key of TASKS.
        card_id: id of the backend; "" for the one that suits this machine best among those that are ready.

    Raises:
        NotFound: no such image, or no such backend for the task.
        Unavailable: weights, packages or labels are missing; the message says what mends it.
    """
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    card = backend(card_id or default(wb, task), task).card
    require_packages(card)
    return Asked(wb, data, row, card, weights_for(wb, card, data))


def default(wb: Workbench, task: str) -> str:
    """Return the backend that is taken where nobody chose one: the first that is ready.

    On a GPU the best ranked and then the largest come first, on a CPU the quickest to encode, which is the
    smallest; those without learned weights come last.

    Raises:
        Unavailable: none is ready; the message says how to get one.
    """
    cards = [cls.card for cls in backends().values() if cls.card.task == task]
    is_gpu = wb.models.device != "cpu"
    cards.sort(key=lambda card: (
        card.weights in ("", "trained"), card.rank == 0,
        (-card.rank, -card.vram_mb) if is_gpu else (card.vram_mb, -card.rank),
    ))  # fmt: skip
    problems = {card.id: problem(wb, card) for card in cards}
    ready = next((name for name, told in problems.items() if not told), "")
    if not ready:
        simplest = next((told for told in problems.values() if told), "there is none")
        raise Unavailable(f"no model for this is ready ({task}). The smallest: {simplest}")
    return ready


def problem(wb: Workbench, card: Card) -> str:
    """Return what a backend lacks to run here, "" where it is ready."""
    try:
        require_packages(card)
        if card.vram_mb > wb.models.budget_mb:
            return (
                f"{card.label} needs {card.vram_mb} MB; models may use {wb.models.budget_mb} MB on {wb.models.device}"
            )
        wb.weights(card.id)
    except TatorError as lacking:
        return str(lacking)
    return ""


def weights_for(wb: Workbench, card: Card, data: Dataset) -> Path | None:
    """Return the weights a backend runs with; those learned from the dataset are made or renewed as needed.

    The first training runs while the caller waits, on few images; later ones in the background.

    Raises:
        Unavailable: they are not here, or there are too few labels to learn from.
    """
    if card.weights != "trained":
        return wb.weights(card.id)
    path = refiner.weights_path(data)
    if not refiner.report(data):
        for _ in refiner.train(data, is_quick=True):
            pass
    if refiner.may_look(data) and refiner.is_due(refiner.report(data), refiner.count_accepted(data)[0]):
        active = [job for job in wb.jobs.list("refiner_train") if job["state"] in ("queued", "running")]
        if not any(job["arguments"] == {"dataset": data.name} for job in active):
            wb.jobs.start(train_refiner, "refiner_train", {"dataset": data.name})
    return path


def train_refiner(wb: Workbench, dataset: str) -> Work:
    """Teach the box refiner of a dataset from its accepted boxes."""
    return (yield from refiner.train(wb.dataset(dataset)))


def file_key(data: Dataset, row: ImageRow) -> tuple[int, int, int]:
    """Return what identifies the pixels of an image."""
    facts = data.path(row).stat()
    return row.id, facts.st_mtime_ns, facts.st_size


def pixels(wb: Workbench, data: Dataset, row: ImageRow) -> Image:
    """Return an image's pixels, kept for the next question about it."""
    return wb.models.slots.get(("image", *file_key(data, row)), lambda: data.load(row))
