"""Teach the box refiner of a dataset, and ask how it stands."""

from __future__ import annotations

from typing import Any

from tator.ops import operation
from tator.types import Work
from tator.warning_codes import IMAGES_LEFT_OUT, TRAINED_ON_FEW_IMAGES, warned
from tator.workbench import Workbench
from tator.workflows import refiner


@operation(title="Train box refiner")
def refiner_train(wb: Workbench, dataset: str) -> Work:
    """Train the box refiner on the dataset's accepted boxes.

    The refiner also trains by itself when it is used and enough boxes are new.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
        Unavailable: fewer than 20 accepted boxes.
    """
    report = yield from refiner.train(wb.dataset(dataset))
    return warned(report, {IMAGES_LEFT_OUT: bool(report["skipped_images"])})


@operation(writes=False)
def refiner_status(wb: Workbench, dataset: str) -> dict[str, Any]:
    """Return whether the box refiner is trained, on how much, and what it reached.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    status = refiner.status(wb.dataset(dataset))
    happened = {
        IMAGES_LEFT_OUT: bool(status.get("skipped_images")),
        TRAINED_ON_FEW_IMAGES: status.get("is_partial", False),
    }
    return warned(status, happened)
