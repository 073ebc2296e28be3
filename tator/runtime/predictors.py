"""The settings of encoding images ahead."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from tator.recipes import Recipe, setting


@dataclass(frozen=True)
class PredictorSettings(Recipe):
    """How many images are kept encoded, and where."""

    kind: typing.ClassVar[str] = "predictors"
    has_force: typing.ClassVar[bool] = True

    images: int = setting(
        3, "Images encoded ahead: 1 the open one, 2 also the next, 3 also the previous.", unit="images", low=1, high=3
    )
    budget_mb: int = setting(
        1024, "Memory for encoded images; SAM 2 takes 17 MB an image, SAM 3 132 MB.", unit="MB", low=16, high=1_048_576
    )
    keep_on_disk: bool = setting(False, "Keep encoded images in the workspace's cache too, for the next start.")
