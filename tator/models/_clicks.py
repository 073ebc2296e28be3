"""Answers clicks and boxes with a SAM-like model of the transformers library.

SAM 2.1 and SAM 3's tracker share this interface: the image is squashed to a square, features of
three levels are kept, and a prompt in that square's coordinates gives low-resolution mask logits.
"""

from __future__ import annotations

from typing import Any

from tator.models._encoding import check_embedding, embedding_of, half_on_gpu, pixels_of
from tator.models._pretrained import Pretrained
from tator.models._upsampling import Resize, detections_of
from tator.protocols import Card, Embedding, Prompt
from tator.types import BadInput, Detections, Image


class ClickSegmenter(Pretrained):
    """A Segmenter around a SAM-like model of the transformers library.

    The model offers `get_image_embeddings` and takes `image_embeddings=`.
    """

    def embed(self, image: Image) -> Embedding:
        """Encode an image once; three feature levels are kept."""
        import torch

        pixels = pixels_of(self._processor, image, self._device)
        with torch.inference_mode(), half_on_gpu(self.card, self._device):
            levels = self._model.get_image_embeddings(pixels)
        return embedding_of(self.card, image, {f"level{i}": level for i, level in enumerate(levels)})

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
    check_embedding(card, embedding)
    if prompt.box is None and not prompt.labels.any():
        raise BadInput("a prompt needs a box or at least one positive point")
