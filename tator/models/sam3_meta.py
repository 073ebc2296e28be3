"""SAM 3 through Meta's own `sam3` package: reads sam3.pt and needs CUDA."""

from __future__ import annotations

from pathlib import Path

from tator.models._phrases import Finder, Question, best_boxes, detections_in, masks_in, positive
from tator.protocols import Card, Embedding
from tator.types import Detections, Image, Unavailable
from tator.weights.checkpoints import given, load_state, read_tensors

NMS_IOU = 0.7
VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"  # the sam3 wheel lacks it; open_clip ships the same file


class Sam3Meta(Finder):
    """Meta's reference implementation; it answers one phrase after the other.

    It is not exercised without a GPU.
    """

    card = Card(
        "sam3_meta",
        task="find",
        label="SAM 3 phrases (Meta's package)",
        vram_mb=6_000,
        requires=("torch", "sam3", "open_clip"),
        weights="facebook/sam3",
        license="SAM License",
        source="https://github.com/facebookresearch/sam3",
        size_mb=3_450,
        gated=True,
        rank=0,
        files=("sam3.pt",),
        expects="As SAM 3 phrases; only on CUDA, and the reader of sam3.pt files.",
    )
    is_exclusive = True  # its processor keeps the threshold of the question being answered

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load sam3.pt or a folder that holds it.

        Raises:
            Unavailable: no CUDA device, or no weights.
            BadInput: the file is cut short, would run code, or lacks tensors.
        """
        if not device.startswith("cuda"):
            raise Unavailable(f"{self.card.id} runs on CUDA only, the device is {device}; use the card sam3 instead")
        given_path = given(self.card, weights)
        import open_clip
        from sam3.model.sam3_image_processor import Sam3Processor
        from sam3.model_builder import build_sam3_image_model

        path = given_path / "sam3.pt" if given_path.is_dir() else given_path
        vocabulary = Path(open_clip.__file__).parent / VOCABULARY
        model = build_sam3_image_model(bpe_path=str(vocabulary), device="cpu", load_from_HF=False)
        prefix = "detector."
        tensors = {key[len(prefix) :]: value for key, value in read_tensors(path).items() if key.startswith(prefix)}
        load_state(model, tensors, path.name)
        self._processor = Sam3Processor(model.to(device), device=device, confidence_threshold=0.0)

    def embed(self, image: Image) -> Embedding:
        """Encode an image once."""
        import torch
        from PIL import Image as Pictures

        with torch.autocast("cuda", dtype=torch.bfloat16):
            state = self._processor.set_image(Pictures.fromarray(image))
        levels = state["backbone_out"]["backbone_fpn"]
        size, nbytes = (image.shape[1], image.shape[0]), sum(level.nbytes for level in levels)
        return Embedding(self.card.id, *size, state, nbytes, "bfloat16")

    def answers(self, question: Question) -> list[Detections]:
        """Return the instances of each phrase, best first."""
        return [self._answer(question, phrase, row) for row, phrase in enumerate(question.phrases or [""])]

    def _answer(self, question: Question, phrase: str, row: int) -> Detections:
        import torch

        embedding, exemplars, conf = question.embedding, question.exemplars, question.conf
        # The processor writes into the state it is given; a copy keeps the embedding as it was encoded.
        state = {**embedding.features, "backbone_out": dict(embedding.features["backbone_out"])}
        self._processor.confidence_threshold = conf
        with torch.autocast("cuda", dtype=torch.bfloat16):
            if phrase:
                state = self._processor.set_text_prompt(phrase, state)
            for box, good in zip(exemplars.xyxy, positive(exemplars), strict=True):
                x1, y1, x2, y2 = (float(value) for value in box)
                centred = [(x1 + x2) / 2 / embedding.width, (y1 + y2) / 2 / embedding.height]
                sized = [(x2 - x1) / embedding.width, (y2 - y1) / embedding.height]
                state = self._processor.add_geometric_prompt(centred + sized, bool(good), state)
        kept = best_boxes(state["boxes"], state["scores"], conf, NMS_IOU)
        masks = None if question.boxes_only else masks_in(embedding, state["masks_logits"][kept, 0])
        return detections_in(embedding, state["boxes"][kept], state["scores"][kept], row, masks)
