"""The settings of the toy workflow."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from tator.recipes import Recipe, setting


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    """How bright regions are found."""

    kind: typing.ClassVar[str] = "toy"

    threshold: int = setting(200, "Pixels at least this bright belong to an object.", low=1, high=255)
    share: float = setting(
        0.5, "Regions below this share of the mean accepted box are left out.", low=0, high=1, advanced=True
    )
