"""SAM 3: phrases, example boxes and clicks to masks, from one encoded image."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tator.models._clicks import answer_click, check_prompt
from tator.models._encoding import embedding_of, half_on_gpu, pixels_of
from tator.models._phrases import Finder, Question, best_boxes, detections_in, masks_in, positive
from tator.models._pretrained import Pretrained
from tator.protocols import Card, Embedding, Prompt, report_blocks
from tator.types import BadInput, Detections, Image, Mask
from tator.weights.checkpoints import given, load_pretrained, safetensors_keys

CHUNK = 4  # phrases decoded together; activations grow with it, about 0.4 GB a phrase at full size
TEXT_TOKENS = 32  # what the text encoder reads
KEPT_PHRASES = 500  # 32 kB each
CLICK_LEVELS = 3  # the tracker's neck may make a fourth, coarser one, which its decoder does not read
DOUBLED = "tracker_model.tracker_model."
UNDOUBLE = {
    r"^tracker_model\.tracker_model\.": "",
    r"^tracker_neck\.": "vision_encoder.neck.",
    r"^detector_model\.vision_encoder\.backbone\.": "vision_encoder.backbone.",
}
EXEMPLAR_PHRASE = "visual"  # what the model was trained with where only boxes are given; Sam3Processor does the same


@dataclass(frozen=True)
class _Tokens:
    """What N phrases and the exemplars ask, as the model reads it.

    (N, T, D) tokens and their (N, T) mask.
    """

    tokens: Any
    mask: Any


class _Phrases(Pretrained, Finder):
    """SAM 3's detector: phrases and example boxes to every instance.

    It compares with exemplars of the same image only. Without masks it is a third faster.
    """

    library = ("Sam3Model", "Sam3Processor")
    nms_iou = 0.7  # the detector suppresses duplicates itself, rarely leaves one
    levels: tuple[int, ...] = (0, 1, 2)  # feature levels kept: the two finest only serve masks

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of facebook/sam3; see Pretrained."""
        super().__init__(weights, device)
        self._texts: dict[str, tuple[Any, Any]] = {}
        self._reading = threading.Lock()
        report_blocks(self._model.vision_encoder.backbone.layers)

    def embed(self, image: Image) -> Embedding:
        """Encode an image once, for every phrase and click on it."""
        import torch

        pixels = pixels_of(self._processor.image_processor, image, self._device)
        with torch.inference_mode(), half_on_gpu(self.card, self._device):
            levels = self._levels(self._model.get_vision_features(pixels))
        return embedding_of(self.card, image, levels)

    def _levels(self, vision: Any) -> dict[str, Any]:
        """Return what is kept of an encoded image, by name."""
        return {f"level{i}": vision.fpn_hidden_states[i] for i in self.levels}

    def answers(self, question: Question) -> list[Detections]:
        """Return the instances of each phrase, best first."""
        import torch

        phrases = question.phrases or [EXEMPLAR_PHRASE]
        found: list[Detections] = []
        with torch.inference_mode():
            for start in range(0, len(phrases), CHUNK):
                asked = self._tokens_of(question, phrases[start : start + CHUNK])
                found += self._found(question, asked, start)
        return found

    def _texts_of(self, phrases: Sequence[str]) -> tuple[Any, Any]:
        """Return (N, 32, D) text features and their (N, 32) mask.

        Each phrase is encoded once.
        """
        import torch

        known = {phrase: self._texts[phrase] for phrase in phrases if phrase in self._texts}
        fresh = [phrase for phrase in dict.fromkeys(phrases) if phrase not in known]
        if fresh:
            with self._reading:  # a fast tokenizer refuses a second thread while it sets its padding
                read = self._processor.tokenizer(
                    fresh, return_tensors="pt", padding="max_length", max_length=TEXT_TOKENS
                )
            if read["input_ids"].shape[1] > TEXT_TOKENS:
                longest = max(fresh, key=len)
                raise BadInput(f"a phrase is longer than the {TEXT_TOKENS} tokens that SAM 3 reads: {longest!r}")
            read = read.to(self._device)
            features = self._model.get_text_features(read["input_ids"], read["attention_mask"]).pooler_output
            known.update(zip(fresh, zip(features, read["attention_mask"].bool(), strict=True), strict=True))
            self._texts = dict(list((self._texts | known).items())[-KEPT_PHRASES:])  # replaced whole: threads share it
        rows = [known[phrase] for phrase in phrases]
        return torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows])

    def _tokens_of(self, question: Question, phrases: Sequence[str]) -> _Tokens:
        """Return the phrases with the exemplars' tokens appended to each."""
        import torch

        tokens, mask = self._texts_of(phrases)
        embedding, exemplars = question.embedding, question.exemplars
        if not len(exemplars):
            return _Tokens(tokens, mask)
        size = torch.tensor([embedding.width, embedding.height] * 2, dtype=torch.float32)
        x1, y1, x2, y2 = (torch.from_numpy(exemplars.xyxy) / size).unbind(-1)
        boxes = torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], -1)[None].to(self._device)
        labels = torch.from_numpy(positive(exemplars)).long()[None].to(self._device)
        coarse = self._level(embedding, 2)
        shown = self._model.geometry_encoder(
            box_embeddings=boxes,
            box_mask=torch.ones_like(labels, dtype=torch.bool),
            box_labels=labels,
            img_feats=(coarse,),
            img_pos_embeds=(self._position(coarse),),
        )
        count = len(phrases)
        return _Tokens(
            torch.cat([tokens, shown.last_hidden_state.expand(count, -1, -1)], 1),
            torch.cat([mask, shown.attention_mask.expand(count, -1)], 1),
        )

    def _level(self, embedding: Embedding, level: int) -> Any:
        return embedding.features[f"level{level}"].to(self._device)

    def _position(self, level: Any) -> Any:
        """Return the (1, D, h, w) position encoding of a feature level.

        The library caches it.
        """
        return self._model.vision_encoder.neck.position_encoding(level.shape, level.device, level.dtype)

    def _found(self, question: Question, asked: _Tokens, first: int) -> list[Detections]:
        """Decode N phrases together, then the masks of those that found something."""
        embedding = question.embedding
        encoded, queries, boxes, scores = self._decode(embedding, asked)
        boxes = boxes * boxes.new_tensor([embedding.width, embedding.height] * 2)
        found = []
        for row in range(len(boxes)):
            kept = best_boxes(boxes[row], scores[row], question.conf, self.nms_iou)
            masks = None
            if 0 in self.levels and not question.boxes_only:
                masks = self._masks(embedding, asked, encoded, queries[row, kept], row) if len(kept) else ()
            found.append(detections_in(embedding, boxes[row, kept], scores[row, kept], first + row, masks))
        return found

    def _decode(self, embedding: Embedding, asked: _Tokens) -> tuple[Any, Any, Any, Any]:
        """Decode N phrases to the encoder's output, queries, boxes and scores.

        (N, Q, D) queries, (N, Q, 4) xyxy shares of the image and (N, Q) scores.

        Source: Sam3Model.forward of transformers 5.23.0 without its mask head.
        """
        from transformers.models.sam3.modeling_sam3 import box_cxcywh_to_xyxy, inverse_sigmoid

        coarse, count = self._level(embedding, 2), len(asked.tokens)
        encoded = self._model.detr_encoder(
            vision_features=[coarse.expand(count, -1, -1, -1)],
            text_features=asked.tokens,
            vision_pos_embeds=[self._position(coarse).expand(count, -1, -1, -1)],
            text_mask=asked.mask,
        )
        decoded = self._model.detr_decoder(
            vision_features=encoded.last_hidden_state,
            text_features=encoded.text_features,
            vision_pos_encoding=encoded.pos_embeds_flattened,
            text_mask=asked.mask,
            spatial_shapes=encoded.spatial_shapes,
        )
        queries = decoded.intermediate_hidden_states[-1]
        offsets = self._model.detr_decoder.box_head(queries)
        boxes = box_cxcywh_to_xyxy((inverse_sigmoid(decoded.reference_boxes[-1]) + offsets).sigmoid())
        logits = self._model.dot_product_scoring(
            decoder_hidden_states=queries[None], text_features=encoded.text_features, text_mask=asked.mask
        )[0, ..., 0]
        return encoded.last_hidden_state, queries, boxes, logits.sigmoid() * decoded.presence_logits[-1].sigmoid()

    def _masks(self, embedding: Embedding, asked: _Tokens, encoded: Any, queries: Any, row: int) -> tuple[Mask, ...]:
        """Return the mask of each kept query of one phrase."""
        out = self._model.mask_decoder(
            decoder_queries=queries[None],
            backbone_features=[self._level(embedding, i) for i in self.levels],
            encoder_hidden_states=encoded[row : row + 1],
            prompt_features=asked.tokens[row : row + 1],
            prompt_mask=asked.mask[row : row + 1],
        )
        return masks_in(embedding, out.pred_masks[0].sigmoid())


class _Sam3(_Phrases):
    """Detector and tracker over one image encoder.

    An encoded image takes 132 MB at full size.
    """

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of facebook/sam3; see _Phrases."""
        super().__init__(weights, device)
        from transformers import AutoConfig, Sam3TrackerModel

        folder = given(self.card, weights)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        config.tracker_config.vision_config.backbone_config.num_hidden_layers = 0  # the detector's encoder serves both
        self._tracker = load_pretrained(Sam3TrackerModel, folder, device, config=config, **_renamed(folder))
        del self._tracker.vision_encoder.backbone

    def _levels(self, vision: Any) -> dict[str, Any]:
        """Return what phrases and what clicks read, from one pass of the encoder.

        Source: get_image_features and get_image_embeddings of Sam3TrackerModel, transformers 5.23.0.
        """
        hidden, tracker = vision.last_hidden_state, self._tracker
        grid = vision.fpn_hidden_states[2].shape[-2:]
        clicks = list(tracker.vision_encoder.neck(hidden.view(1, *grid, -1).permute(0, 3, 1, 2))[0])
        clicks[0] = tracker.mask_decoder.conv_s0(clicks[0])
        clicks[1] = tracker.mask_decoder.conv_s1(clicks[1])
        clicks[-1] = clicks[-1] + tracker.no_memory_embedding.view(1, -1, 1, 1)
        return super()._levels(vision) | {f"click{i}": clicks[i] for i in range(CLICK_LEVELS)}

    def segment(self, embedding: Embedding, prompt: Prompt) -> Detections:
        """Return candidates in image pixels, best first.

        A single click gives three candidates, any other prompt one.

        Raises:
            BadInput: the embedding is another model's, or the prompt is empty.
        """
        check_prompt(self.card, embedding, prompt)
        levels = [embedding.features[f"click{i}"].to(self._device) for i in range(CLICK_LEVELS)]
        return answer_click(self._tracker, self._processor.image_processor.size["height"], levels, embedding, prompt)


def _renamed(folder: Path) -> dict[str, Any]:
    """Return how to read a tracker's tensors that have a doubled prefix.

    transformers 5.23.0 saves a Sam3VideoModel's tracker so; its own tracker class then misses 147 tensors.
    """
    single = folder / "model.safetensors"
    doubled = single.is_file() and any(key.startswith(DOUBLED) for key in safetensors_keys(single))
    return {"key_mapping": UNDOUBLE} if doubled else {}


class Sam3(_Sam3):
    """Segment Anything 3 with phrases, positive and negative example boxes."""

    card = Card(
        "sam3",
        task="find",
        label="SAM 3 phrases",
        vram_mb=5_600,
        requires=("torch", "transformers", "torchvision"),
        weights="facebook/sam3",
        license="SAM License",
        source="https://arxiv.org/abs/2511.16719",
        size_mb=3_450,
        gated=True,
        rank=3,
        half=True,
        shares="sam3",
        expects="Finds most everyday things by name; weak on jargon. 37 s an image and 3 s a phrase on two CPU cores.",
    )


class Sam3Clicks(_Sam3):
    """Segment Anything 3 with points and boxes."""

    card = replace(
        Sam3.card,
        id="sam3_tracker",
        task="segment",
        label="SAM 3 clicks",
        expects="Best masks from a click; shares its encoded images with SAM 3 phrases. 37 s to encode one on two CPU "
        "cores, so meant for a GPU.",
    )


class Sam3Boxes(_Phrases):
    """Phrases without masks, for pre-labelling whole datasets.

    Its embeddings are a twentieth of the size.
    """

    card = replace(
        Sam3.card,
        id="sam3_boxes",
        label="SAM 3 phrases, boxes only",
        vram_mb=4_500,
        rank=0,
        shares="",
        expects="As SAM 3 phrases, a third faster a phrase and without masks.",
    )
    levels = (2,)
