"""Settings shared by all runs in which a model proposes boxes for a dataset."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from tator.recipes import Recipe, setting


@dataclass(frozen=True)
class ProposingRecipe(Recipe):
    """How a model's boxes become candidates of a dataset."""

    kind: typing.ClassVar[str] = "proposing"

    conf: float = setting(0.25, "Boxes with a lower confidence are left out.", low=0, high=1)
    max_per_image: int = setting(
        300, "The most confident boxes of an image are kept, up to this many.", unit="boxes", low=1, high=10_000
    )
    include_reviewed: bool = setting(False, "Also propose boxes in images that are marked reviewed.")
    snapshot_before: bool = setting(True, "Freeze the dataset in a snapshot before the first box is stored.")
    batch: int = setting(8, "Images that the model sees at once.", unit="images", low=1, high=256, advanced=True)
