"""Providers of the weights that a backend learns from a dataset.

A workflow registers a provider for its backend.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tator.datasets.dataset import Dataset
from tator.protocols import Card
from tator.types import Unavailable, Work

Start = Callable[[str, dict[str, Any], Callable[[], Work]], None]  # operation, its arguments, what makes its work
Provider = Callable[[Dataset, Start | None], Path]

_providers: dict[str, Provider] = {}


def provide(card_id: str, provider: Provider) -> None:
    """Register what makes the weights of a backend whose card says weights="trained".

    A workflow calls it when its package is imported.

    Args:
        card_id: id of the backend's card.
        provider: takes a dataset and what starts a job in the background (None where nothing runs
            jobs), and returns the weights' file; raises Unavailable while there is too little to learn from.

    Raises:
        ValueError: another provider is registered for the backend.
    """
    if _providers.setdefault(card_id, provider) is not provider:
        raise ValueError(f"two providers make the weights of {card_id!r}")


def provided(card: Card, data: Dataset, start: Start | None) -> Path:
    """Return the weights that a backend learned from a dataset.

    Raises:
        Unavailable: there is too little to learn from, or nothing trains the backend.
    """
    if card.id not in _providers:
        raise Unavailable(f"{card.label} needs weights that are trained on accepted boxes, and nothing here trains it")
    return _providers[card.id](data, start)
