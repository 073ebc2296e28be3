"""What backends share that encode an image once and are asked about it later."""

from __future__ import annotations

from typing import Any

from tator.protocols import Card, Embedding
from tator.types import BadInput, Image

# Given, because it cannot be guessed: an image of 1 x 333 pixels with its 3 channels last looks like one with 1 or 3 channels first.
CHANNELS = {"input_data_format": "channels_last", "return_tensors": "pt"}


def pixels_of(processor: Any, image: Image, device: str) -> Any:
    """Return an image as a transformers model reads it.

    A (1, 3, side, side) tensor: the image squashed to a square and normalised.
    """
    given = image if image.flags.writeable else image.copy()  # torch warns of what threads share and nobody may change
    return processor(images=given, **CHANNELS)["pixel_values"].to(device)


def precision_of(card: Card, device: str) -> str:
    """Return what an encoder computes in: float32, bfloat16 or float16.

    Half precision where its card says so and the device is CUDA: bfloat16 from compute capability 8.0 on, float16
    on older boards, which only emulate bfloat16. On a CPU it depends on the chip and the model (open_clip's ViT-B-32
    gets slower), so it stays float32.
    """
    import torch

    if not card.half or not device.startswith("cuda"):
        return "float32"
    return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float16"


def half_on_gpu(card: Card, device: str) -> Any:
    """Return a context that runs an encoder in half precision where that helps."""
    import torch

    precision = precision_of(card, device)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float16
    return torch.autocast("cuda", dtype=dtype, enabled=precision != "float32")


def embedding_of(card: Card, image: Image, features: dict[str, Any]) -> Embedding:
    """Return an encoded image, its features in float32.

    Args:
        card: of the backend.
        image: that was encoded.
        features: tensors that the backend keeps, by name, on the device that made them.
    """
    kept = {name: tensor.float().contiguous() for name, tensor in features.items()}
    size = image.shape[1], image.shape[0]
    precision = precision_of(card, str(next(iter(kept.values())).device))
    return Embedding(card.model_id, *size, kept, sum(tensor.nbytes for tensor in kept.values()), precision)


def check_embedding(card: Card, embedding: Embedding) -> None:
    """Refuse an image that another model encoded.

    Raises:
        BadInput: it is another backend's.
    """
    if embedding.backend != card.model_id:
        raise BadInput(f"{card.id} cannot read an embedding of {embedding.backend}; encode the image with {card.id}")
