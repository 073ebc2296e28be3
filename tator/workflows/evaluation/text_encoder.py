"""The text encoder of label policy embed: found by name, asked only when needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.protocols import Card
from tator.runtime.models import Models
from tator.runtime.registry import backend, backends, require_packages
from tator.types import BadInput, Unavailable


@dataclass(frozen=True)
class Meant:
    """Turns descriptions into vectors; the model is loaded when first asked.

    Attributes:
        models: lends it.
        card: of the encoder.
    """

    models: Models
    card: Card

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (N, dim) vectors of unit length.

        Raises:
            Unavailable: packages or weights are missing; the message says how to get them.
        """
        require_packages(self.card)
        try:
            weights = self.models.weights(self.card.id)
        except Unavailable as lacking:
            raise Unavailable(f"label policy embed needs a text encoder: {lacking}") from lacking
        return self.models.run(self.card.id, weights, lambda model: model.encode_text(texts))


def text_encoder(models: Models, wanted: str = "") -> Meant:
    """Return the encoder that compares meanings; nothing is loaded yet.

    Args:
        models: lends it.
        wanted: id of an encoder of texts; "" for the smallest that is ready, else the smallest.

    Raises:
        NotFound: no such model.
        BadInput: it encodes no texts, or there is none that does.
    """
    if wanted:
        card = backend(wanted, "encode").card
        if not _has_texts(card):
            told = ", ".join(each.id for each in _cards()) or "none"
            raise BadInput(f"{wanted} encodes no texts; those that do: {told}")
        return Meant(models, card)
    cards = _cards()
    if not cards:
        raise BadInput("label policy embed needs a text encoder, and no model here is one")
    return Meant(models, next((card for card in cards if not models.problem(card)), cards[0]))


def _cards() -> list[Card]:
    found = [each.card for each in backends().values() if each.card.task == "encode" and _has_texts(each.card)]
    return sorted(found, key=lambda card: card.size_mb)


def _has_texts(card: Card) -> bool:
    found: Any = backend(card.id)
    return hasattr(found, "encode_text")
