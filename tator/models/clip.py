"""CLIP through open_clip: crops and phrases to vectors of one space."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.models._batches import in_batches
from tator.protocols import Card
from tator.types import BadInput, Image, Unavailable
from tator.weights.checkpoints import given, safetensors_keys

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
SOURCE = "https://arxiv.org/abs/2212.07143"


class Clip:
    """Image and text towers of one CLIP model.

    Crops are squashed to a square so that no end is cut off.
    """

    card: Card

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder that holds open_clip_config.json and open_clip_model.safetensors.

        Raises:
            Unavailable: no weights, or a file of them is missing.
            BadInput: a file is cut short or does not fit the model it describes.
        """
        import open_clip

        folder = checked_folder(self.card, weights)
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(
                f"local-dir:{folder}", device=device, image_resize_mode="squash"
            )
            self._tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        except (RuntimeError, ValueError, OSError, KeyError, TypeError) as error:
            raise BadInput(f"{folder.name} cannot be loaded: {str(error).splitlines()[0]}") from error
        self._model, self._preprocess, self._device = model.eval(), preprocess, device
        self.dim = int(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_cfg"]["embed_dim"])

    def encode(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, dim) float32, unit length."""
        from PIL import Image as Pictures

        def run(batch: Sequence[Image]) -> Any:
            import torch

            pixels = torch.stack([self._preprocess(Pictures.fromarray(crop)) for crop in batch])
            return self._model.encode_image(pixels.to(self._device), normalize=True)

        return in_batches(run, crops, self.dim)

    def encode_text(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Return (N, dim) float32, unit length."""

        def run(batch: Sequence[str]) -> Any:
            return self._model.encode_text(self._tokenizer(list(batch)).to(self._device), normalize=True)

        return in_batches(run, phrases, self.dim)


def checked_folder(card: Card, weights: Path | str | None) -> Path:
    """Return the folder if both files are there and whole.

    Raises:
        Unavailable: a file is missing.
        BadInput: the weights are cut short.
    """
    folder = given(card, weights)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise Unavailable(f"{folder.name}: {name} is missing; expected a folder with {CONFIG} and {WEIGHTS}")
    safetensors_keys(folder / WEIGHTS)
    return folder


def _card(name: str, hub: str, vram_mb: int, size_mb: int, expects: str) -> Card:
    return Card(
        f"clip_{name.lower().replace('-', '_')}",
        task="encode",
        label=f"CLIP {name}",
        vram_mb=vram_mb,
        requires=("torch", "open_clip"),
        weights=hub,
        license="MIT",
        source=SOURCE,
        size_mb=size_mb,
        expects=expects,
        files=(CONFIG, WEIGHTS, "tokenizer*.json", "vocab*.json", "merges*.txt"),
    )


class ClipB32(Clip):
    """The usual one: 151 M parameters, 512 dimensions."""

    card = _card(
        "ViT-B-32",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        900,
        610,
        "54 ms a crop on two CPU cores; knows everyday things.",
    )


class ClipB16(Clip):
    """Finer patches: 150 M parameters, 512 dimensions."""

    card = _card(
        "ViT-B-16",
        "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
        1_000,
        600,
        "Finer detail than ViT-B-32 at four times its cost.",
    )


class ClipL14(Clip):
    """428 M parameters, 768 dimensions."""

    card = _card(
        "ViT-L-14", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", 2_200, 1_710, "For a GPU; the most able of the three."
    )
