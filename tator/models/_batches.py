"""Runs what encoders are given a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 32  # crops or phrases at once


def in_batches(run: Callable[[Sequence[Any]], Any], items: Sequence[Any], dim: int) -> NDArray[np.float32]:
    """Return the (N, dim) rows of N items.

    Args:
        run: makes the (B, dim) tensor of up to BATCH items.
        items: crops or phrases.
        dim: length of a row.
    """
    import torch

    rows = np.zeros((len(items), dim), np.float32)
    with torch.inference_mode():
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            rows[start : start + len(batch)] = run(batch).float().cpu().numpy()
    return rows
