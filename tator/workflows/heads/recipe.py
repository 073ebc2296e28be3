"""The settings of a class head's training."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from tator.recipes import Recipe, setting


@dataclass(frozen=True)
class HeadRecipe(Recipe):
    """How a class head is trained on the boxes of a dataset."""

    kind: typing.ClassVar[str] = "head"

    encoder: str = setting(
        "", "What turns a crop into numbers; it decides what the head can tell apart.", operation="models_list encode"
    )
    test_size: float = setting(
        0.2,
        "Share of the images kept aside to measure the head, where the dataset has no test or val split.",
        low=0.05,
        high=0.9,
    )
    min_per_class: int = setting(
        2, "Classes with fewer boxes than this are left out.", unit="boxes", low=1, high=100_000
    )
    c: float = setting(
        0.1,
        "Strength of the fit: lower smooths more, higher follows the labels more closely; 0 tries several.",
        low=0,
        high=1e6,
        advanced=True,
    )
    seed: int = setting(42, "Makes the split and the fit repeatable.", low=0, high=2_147_483_647, advanced=True)
    activate: bool = setting(True, "Use the head for auto class as soon as it is trained.")
