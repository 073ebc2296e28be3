"""Loads what a backend takes from a folder of the transformers library."""

from __future__ import annotations

from pathlib import Path

from tator.protocols import Card
from tator.weights.checkpoints import given, load_pretrained, load_processor


class Pretrained:
    """A backend whose model and processor are classes of the transformers library.

    Attributes:
        card: of the backend.
        library: names of the model's class and the processor's.
    """

    card: Card
    library: tuple[str, str]

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of the transformers library.

        Raises:
            Unavailable: no weights, or a file of them is missing.
            BadInput: a file is cut short, holds only part of the model, or lacks what the processor needs.
        """
        import transformers

        folder = given(self.card, weights)
        model, processor = (getattr(transformers, name) for name in self.library)
        self._device = device
        self._model = load_pretrained(model, folder, device)
        self._processor = load_processor(processor, folder)
