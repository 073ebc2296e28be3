"""OWLv2: boxes from phrases or example boxes; freely licensed and not gated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tator.models._encoding import check_embedding, embedding_of, half_on_gpu, pixels_of
from tator.models._phrases import Finder, Question, best_boxes, detections_in, positive
from tator.models._pretrained import Pretrained
from tator.protocols import Card, Embedding, ExemplarBank, report_blocks
from tator.types import Detections, Image
from tator.vision.boxes import Boxes
from tator.vision.matching import iou

TEMPLATE = "a photo of a {}"  # of the library's documented example; the model was trained with such templates
SOURCE = "https://arxiv.org/abs/2306.09683"


class Owlv2(Pretrained, Finder):
    """A finder that encodes an image once; each phrase is then one matrix product.

    It answers boxes without masks. A conf of 0.1 to 0.3 is usual for it.
    """

    library = ("Owlv2ForObjectDetection", "Owlv2Processor")
    nms_iou = 0.5  # neighbouring patches predict the same object

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of google/owlv2-base-*; see Pretrained."""
        super().__init__(weights, device)
        report_blocks(self._model.owlv2.vision_model.encoder.layers)

    def embed(self, image: Image) -> Embedding:
        """Encode an image once: features and a box for each patch."""
        import torch

        pixels = pixels_of(self._processor.image_processor, image, self._device)
        with torch.inference_mode():
            with half_on_gpu(self.card, self._device):
                grid = self._model.image_embedder(pixels)[0]
            grid = grid.float()
            patches = grid.flatten(1, 2)
            centre, size = self._model.box_predictor(patches, grid)[0].chunk(2, -1)
        side = max(image.shape[:2])  # the image is padded to a square at its right or bottom
        boxes = torch.cat([centre - size / 2, centre + size / 2], -1) * side
        return embedding_of(self.card, image, {"patches": patches[0], "boxes": boxes})

    def answers(self, question: Question) -> list[Detections]:
        """Return the boxes of each phrase, best first.

        An exemplar stands for the class embedding of the patch whose box fits it best. A box that
        resembles a negative exemplar more than anything asked for is left out.
        """
        import torch

        embedding, asked, exemplars, bank = question.embedding, question.phrases, question.exemplars, question.bank
        patches, boxes = self._patches(embedding)
        with torch.inference_mode():
            shown = self._shown(patches, boxes, exemplars.xyxy)
            if bank:
                shown = torch.cat([shown, torch.from_numpy(bank.features).to(shown)])
            queries = torch.cat([self._texts(asked), shown]) if asked else shown
            scores = self._model.class_predictor(patches[None], queries[None])[0][0].sigmoid()
        of_phrases, of_shown = scores[:, : len(asked)], scores[:, len(asked) :]
        good = np.concatenate([positive(exemplars), np.ones(len(bank or ()), bool)])
        good = torch.from_numpy(good).to(self._device)
        return [
            self._answer(embedding, boxes, column, of_shown[:, good], of_shown[:, ~good], question.conf, row)
            for row, column in enumerate(of_phrases.split(1, 1) if asked else [of_phrases])
        ]

    def describe(self, embedding: Embedding, xyxy: Boxes, source: str = "") -> ExemplarBank:
        """Return the class embeddings of example boxes.

        With them, what resembles the boxes is found in other images.

        Args:
            embedding: of the image that the boxes are of.
            xyxy: (N, 4) boxes in its pixels.
            source: name of the image.

        Raises:
            BadInput: another backend's embedding.

        Source: https://arxiv.org/abs/2205.06230, section 3.2, one-shot image-conditioned detection.
        """
        import torch

        check_embedding(self.card, embedding)
        patches, boxes = self._patches(embedding)
        with torch.inference_mode():
            features = self._shown(patches, boxes, xyxy).float().cpu().numpy()
        return ExemplarBank(self.card.model_id, features, np.asarray(xyxy, np.float32), (source,) * len(xyxy))

    def _patches(self, embedding: Embedding) -> tuple[Any, Any]:
        """Return the (P, D) patches of an encoded image and their (P, 4) boxes."""
        patches, boxes = (embedding.features[name].to(self._device) for name in ("patches", "boxes"))
        return patches, boxes

    def _answer(
        self, embedding: Embedding, boxes: Any, phrase: Any, good: Any, bad: Any, conf: float, row: int
    ) -> Detections:
        """Return the boxes whose best query is one that is asked for.

        `phrase`, `good` and `bad` are (P, any) scores.
        """
        import torch

        scores = torch.cat([phrase, good], 1).amax(1)
        if bad.shape[1]:
            scores = scores.where(scores > bad.amax(1), 0)
        kept = best_boxes(boxes, scores, conf, self.nms_iou)
        return detections_in(embedding, boxes[kept], scores[kept], row)

    def _texts(self, phrases: Sequence[str]) -> Any:
        """Return (N, D) text embeddings of unit length."""
        prompts = [TEMPLATE.format(phrase) for phrase in phrases]
        read = self._processor.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").to(
            self._device
        )
        texts = self._model.owlv2.get_text_features(read["input_ids"], read["attention_mask"]).pooler_output
        return texts / texts.norm(dim=-1, keepdim=True)

    def _shown(self, patches: Any, boxes: Any, xyxy: Boxes) -> Any:
        """Return (E, D) class embeddings for the (E, 4) exemplars.

        Each is that of the patch whose box fits the exemplar best.
        """
        embeds = self._model.class_predictor(patches[None])[1][0]
        if not len(xyxy):
            return embeds[:0]
        return embeds[iou(xyxy, boxes.float().cpu().numpy()).argmax(1).tolist()]


class Owlv2Base(Owlv2):
    """155 M parameters."""

    card = Card(
        "owlv2_base",
        task="find",
        label="OWLv2 base",
        vram_mb=1_500,
        requires=("torch", "transformers", "torchvision"),
        weights="google/owlv2-base-patch16-ensemble",
        license="Apache-2.0",
        source=SOURCE,
        size_mb=620,
        half=True,
        takes_bank=True,
        expects="Boxes of everyday things by name, no masks; scores are low, start at 0.2.",
    )


class Owlv2Large(Owlv2):
    """437 M parameters."""

    card = replace(
        Owlv2Base.card,
        id="owlv2_large",
        label="OWLv2 large",
        vram_mb=3_500,
        weights="google/owlv2-large-patch14-ensemble",
        size_mb=1_750,
        expects="Steadier than base on small and rare things; for a GPU.",
    )
