"""Answers clicks and boxes with a SAM-like model of the transformers library.

SAM 2.1 and SAM 3's tracker share this interface: the image is squashed to a square, features of
three levels are kept, and a prompt in that square's coordinates gives low-resolution mask logits.
"""

from __future__ import annotations

from typing import Any

from tator.models._upsampling import Resize, detections_of
from tator.protocols import Card, Embedding, Prompt
from tator.types import BadInput, Detections, Image

# Said, not guessed: an image of 1 x 333 pixels with its 3 channels last looks like one with 1 or 3 channels first.
CHANNELS = {"input_data_format": "channels_last", "return_tensors": "pt"}


def pixels_of(processor: Any, image: Image, device: str) -> Any:
    """Return an image as a transformers model reads it.

    A (1, 3, side, side) tensor: the image squashed to a square and normalised.
    """
    given = image if image.flags.writeable else image.copy()  # torch warns of what threads share and nobody may change
    return processor(images=given, **CHANNELS)["pixel_values"].to(device)


class ClickSegmenter:
    """A Segmenter around a SAM-like model of the transformers library.

    The model offers `get_image_embeddings` and takes `image_embeddings=`.
    """

    card: Card

    def __init__(self, model: Any, processor: Any, device: str) -> None:
        self._model, self._processor, self._device = model, processor, device

    def embed(self, image: Image) -> Embedding:
        """Encode an image once; three feature levels are kept."""
        import torch

        pixels = pixels_of(self._processor, image, self._device)
        with torch.inference_mode(), half_on_gpu(self.card, self._device):
            levels = self._model.get_image_embeddings(pixels)
        features = {f"level{i}": level.float().contiguous() for i, level in enumerate(levels)}
        return Embedding(self.card.model_id, image.shape[1], image.shape[0], features, nbytes_of(features))

    def segment(self, embedding: Embedding, prompt: Prompt) -> Detections:
        """Return candidates in image pixels, best first.

        A single click gives three candidates, any other prompt one.

        Raises:
            BadInput: the embedding is another model's, or the prompt is empty.
        """
        check_prompt(self.card, embedding, prompt)
        levels = [embedding.features[name].to(self._device) for name in sorted(embedding.features)]
        return answer_click(self._model, self._processor.target_size, levels, embedding, prompt)


def answer_click(model: Any, side: int, levels: list[Any], embedding: Embedding, prompt: Prompt) -> Detections:
    """Return candidates in image pixels, best first.

    A single click gives three candidates, any other prompt one.

    Args:
        model: takes `image_embeddings`, `input_points`, `input_labels` and `input_boxes`.
        side: of the square that images are squashed to, in pixels.
        levels: the three feature levels, finest first, on the model's device.
        embedding: of the image.
        prompt: checked.
    """
    import torch

    with torch.inference_mode():
        inputs = _inputs(prompt, [side / embedding.width, side / embedding.height], levels[0].device)
        out = model(image_embeddings=levels, multimask_output=is_ambiguous(prompt), **inputs)
        chain = [Resize(embedding.height, embedding.width, embedding.height, embedding.width)]
        return detections_of(out.pred_masks[0, 0], out.iou_scores[0, 0], chain)


def _inputs(prompt: Prompt, xy_scale: list[float], device: Any) -> dict[str, Any]:
    """Return the prompt in the coordinates of the squashed square.

    Source: Sam2Processor._normalize_coordinates of transformers.
    """
    import torch

    scale = torch.tensor(xy_scale, device=device)
    inputs = {}
    if len(prompt.points):
        points = torch.as_tensor(prompt.points, dtype=torch.float32, device=device)
        inputs["input_points"] = (points * scale)[None, None]
        inputs["input_labels"] = torch.as_tensor(prompt.labels, device=device).long()[None, None]
    if prompt.box is not None:
        box = torch.as_tensor(prompt.box, dtype=torch.float32, device=device)
        inputs["input_boxes"] = (box.view(2, 2) * scale).view(1, 1, 4)
    return inputs


def is_ambiguous(prompt: Prompt) -> bool:
    """Whether one click could mean a part, an object or a group.

    All three readings are returned then.
    """
    return prompt.box is None and len(prompt.points) == 1


def check_prompt(card: Card, embedding: Embedding, prompt: Prompt) -> None:
    """Refuse an embedding of another backend and a prompt that points at nothing.

    Raises:
        BadInput: names the backend or what the prompt lacks.
    """
    if embedding.backend != card.model_id:
        raise BadInput(f"{card.id} cannot read an embedding of {embedding.backend}; encode the image with {card.id}")
    if prompt.box is None and not prompt.labels.any():
        raise BadInput("the prompt needs a point on the object or a box around it")


def nbytes_of(features: dict[str, Any]) -> int:
    """Return the memory that a dict of tensors holds."""
    return sum(tensor.nbytes for tensor in features.values())


def half_on_gpu(card: Card, device: str) -> Any:
    """Return a context that runs an encoder in half precision where that helps.

    That is where its card says so and the device is CUDA.

    bfloat16 from compute capability 8.0 on, float16 on older boards, which only emulate bfloat16. On a CPU
    it depends on the chip and the model (open_clip's ViT-B-32 gets slower), so it stays float32.
    """
    import torch

    is_half = card.half and device.startswith("cuda")
    is_new = is_half and torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.autocast("cuda", dtype=torch.bfloat16 if is_new else torch.float16, enabled=is_half)
