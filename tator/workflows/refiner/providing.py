"""The weights that a dataset's box refiner runs with.

They are learned when first asked for, and renewed as the labels grow.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tator.datasets.dataset import Dataset
from tator.runtime.providers import Start
from tator.workflows.refiner.learning import count_accepted, is_due, may_look, train
from tator.workflows.refiner.shelf import report, weights_path


def current_weights(data: Dataset, start: Start | None) -> Path:
    """Return the weights of a dataset's box refiner, made or renewed as needed.

    The first training runs while the caller waits, on few images; later ones in the background.

    Args:
        data: whose accepted boxes it learns from.
        start: starts a job in the background; None leaves the weights as they are.

    Raises:
        Unavailable: too few accepted boxes.
    """
    if not report(data):
        for _ in train(data, is_quick=True):
            pass
    if start and may_look(data) and is_due(report(data), count_accepted(data)[0]):
        start("refiner_train", {"dataset": data.name}, partial(train, data))
    return weights_path(data)
