"""DINOv2 and DINOv3: crops to vectors, learned from images alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.models._batches import in_batches
from tator.models._encoding import CHANNELS
from tator.models._pretrained import Pretrained
from tator.protocols import Card
from tator.types import Image

SIDE = 224  # pixels a crop is squashed to: 16 patches of DINOv2, 14 of DINOv3


class Dino(Pretrained):
    """An encoder whose vectors are the pooled class token, unit length.

    Crops are squashed to a square so that no end is cut off.
    """

    library = ("AutoModel", "AutoImageProcessor")
    side = SIDE

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of facebook/dinov2-small; see Pretrained."""
        super().__init__(weights, device)
        self.dim = int(self._model.config.hidden_size)

    def encode(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, dim) float32, unit length."""
        from torch.nn.functional import normalize

        size = {"height": self.side, "width": self.side}

        def run(batch: Sequence[Image]) -> Any:
            images = [np.ascontiguousarray(crop) for crop in batch]
            pixels = self._processor(images=images, size=size, do_center_crop=False, **CHANNELS)["pixel_values"]
            pooled = self._model(pixel_values=pixels.to(self._device)).pooler_output
            return normalize(pooled.float(), dim=-1)

        return in_batches(run, crops, self.dim)


def _card(family: str, size: str, hub: str, vram_mb: int, size_mb: int, expects: str) -> Card:
    third = family == "DINOv3"
    return Card(
        f"{family}_{size}".lower().replace("-", "_"),
        task="encode",
        label=f"{family} {size}",
        vram_mb=vram_mb,
        requires=("torch", "transformers", "torchvision"),
        weights=hub,
        license="DINOv3 License" if third else "Apache-2.0",
        source="https://arxiv.org/abs/2508.10104" if third else "https://arxiv.org/abs/2304.07193",
        size_mb=size_mb,
        expects=expects,
        gated=third,
    )


class Dinov2Small(Dino):
    """22 M parameters, 384 dimensions."""

    card = _card(
        "DINOv2",
        "small",
        "facebook/dinov2-small",
        500,
        90,
        "Tells shapes and textures apart without any words; quick on a CPU.",
    )


class Dinov2Base(Dino):
    """87 M parameters, 768 dimensions."""

    card = _card("DINOv2", "base", "facebook/dinov2-base", 900, 350, "Finer than small at three times its cost.")


class Dinov2Large(Dino):
    """304 M parameters, 1024 dimensions."""

    card = _card("DINOv2", "large", "facebook/dinov2-large", 1_900, 1_220, "For a GPU.")


class Dinov3Small(Dino):
    """ViT-S/16: 22 M parameters, 384 dimensions."""

    card = _card(
        "DINOv3", "ViT-S", "facebook/dinov3-vits16-pretrain-lvd1689m", 500, 90, "67 ms a crop on two CPU cores."
    )


class Dinov3Base(Dino):
    """ViT-B/16: 86 M parameters, 768 dimensions."""

    card = _card(
        "DINOv3",
        "ViT-B",
        "facebook/dinov3-vitb16-pretrain-lvd1689m",
        900,
        350,
        "Finer than ViT-S at four times its cost.",
    )


class Dinov3Large(Dino):
    """ViT-L/16: 303 M parameters, 1024 dimensions."""

    card = _card(
        "DINOv3",
        "ViT-L",
        "facebook/dinov3-vitl16-pretrain-lvd1689m",
        1_900,
        1_220,
        "For a GPU; the most able of the three.",
    )
