"""Where the box refiner of each dataset keeps its weights and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tator.datasets.dataset import Dataset
from tator.storage.families import Family
from tator.storage.runs import Runs, register_family
from tator.vision.box_features import VERSION

REFINERS: Family[None] = register_family(
    Family(
        "box_refiner",
        label="Box refiners",
        one="box refiner",
        weights="weights.safetensors",
        report="refiner.json",
        train="refiner_train",
        is_of_dataset=True,
    )
)


def refiners_of(dataset: Dataset) -> Runs:
    """Return the refiners of the dataset's workspace."""
    return Runs(dataset.workspace, REFINERS)


def weights_path(dataset: Dataset) -> Path:
    """Return where the dataset's refiner keeps its weights."""
    return refiners_of(dataset).place(str(dataset.id)) / REFINERS.weights


def report(dataset: Dataset) -> dict[str, Any]:
    """Return what the last training recorded.

    Empty before the first training, or when that was of another version.
    """
    if not weights_path(dataset).is_file():
        return {}
    found = refiners_of(dataset).report(str(dataset.id))
    return found if found.get("version") == VERSION else {}
