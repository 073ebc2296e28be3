"""SAM 1 and MobileSAM from their original .pth files: clicks and boxes to masks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tator.models._clicks import check_prompt, is_ambiguous
from tator.models._encoding import embedding_of, half_on_gpu
from tator.models._tiny_vit import RENAMED_KEY, is_mobile, mobile_encoder, timm_names
from tator.models._upsampling import Resize, detections_of
from tator.protocols import Card, Embedding, Prompt, report_blocks
from tator.types import BadInput, Detections, Image
from tator.weights.checkpoints import given, load_state, read_tensors

DECODER_HEADS, DECODER_DEPTH, QUALITY_DEPTH = 8, 2, 3  # of every published SAM
PUBLISHED_DEPTH = {768: 12, 1024: 24, 1280: 32}  # blocks by width; fewer means that the file is only part of a model
SOURCE = "https://arxiv.org/abs/2304.02643"
FILES = "https://dl.fbaipublicfiles.com/segment_anything/"


class Sam1:
    """Segment Anything 1; the image's long side is scaled to 1024 and the rest padded."""

    card: Card

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a .pth, .pt or .safetensors state dict.

        The architecture follows from its shapes.

        Raises:
            Unavailable: no weights.
            BadInput: the file is cut short, would run code, or is not a complete SAM.
        """
        import torch
        from segment_anything.utils.transforms import ResizeLongestSide

        file = given(self.card, weights)
        state, name = read_tensors(file), file.name
        if is_mobile(state):
            state = timm_names(state)
        self._model = build(state, name)
        load_state(self._model, state, name)
        self._model.eval().to(device)
        self._device, self._side = device, self._model.image_encoder.img_size
        self._resize = ResizeLongestSide(self._side)
        with torch.inference_mode():
            self._places = (
                self._model.prompt_encoder.get_dense_pe()
            )  # the same for every image; it takes a tenth of a click's time
        report_blocks(blocks_of(self._model.image_encoder))

    def embed(self, image: Image) -> Embedding:
        """Encode an image once; 4 MB at full size.

        Raises:
            BadInput: the image is so narrow that nothing of it is left at the model's scale.

        Source: SamPredictor.set_image of segment-anything.
        """
        import torch

        height, width = image.shape[:2]
        if 0 in self._resize.get_preprocess_shape(height, width, self._side):
            raise BadInput(
                f"an image of {width} x {height} pixels is too narrow for {self.card.label}; cut it into parts"
            )
        pixels = torch.as_tensor(self._resize.apply_image(image), device=self._device).permute(2, 0, 1).contiguous()
        with torch.inference_mode(), half_on_gpu(self.card, self._device):
            features = self._model.image_encoder(self._model.preprocess(pixels[None]))
        return embedding_of(self.card, image, {"features": features})

    def segment(self, embedding: Embedding, prompt: Prompt) -> Detections:
        """Return candidates in image pixels, best first.

        A single click gives three candidates, any other prompt one.

        Raises:
            BadInput: the embedding is another model's, or the prompt is empty.

        Source: SamPredictor.predict_torch of segment-anything.
        """
        import torch

        check_prompt(self.card, embedding, prompt)
        size = (embedding.height, embedding.width)
        with torch.inference_mode():
            sparse, dense = self._model.prompt_encoder(**self._inputs(prompt, size), masks=None)
            logits, scores = self._model.mask_decoder(
                image_embeddings=embedding.features["features"].to(self._device),
                image_pe=self._places,
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=is_ambiguous(prompt),
            )
            inner = self._resize.get_preprocess_shape(*size, self._side)
            return detections_of(logits[0], scores[0], [Resize(self._side, self._side, *inner), Resize(*size, *size)])

    def _inputs(self, prompt: Prompt, size: tuple[int, int]) -> dict[str, Any]:
        """Return the prompt in the coordinates of the scaled image."""
        import torch

        inputs: dict[str, Any] = {"points": None, "boxes": None}
        if len(prompt.points):
            points = self._resize.apply_coords(np.asarray(prompt.points), size)
            inputs["points"] = (
                torch.as_tensor(points, dtype=torch.float, device=self._device)[None],
                torch.as_tensor(prompt.labels, device=self._device).int()[None],
            )
        if prompt.box is not None:
            box = self._resize.apply_boxes(np.asarray(prompt.box)[None], size)
            inputs["boxes"] = torch.as_tensor(box, dtype=torch.float, device=self._device)
        return inputs


def build(state: Mapping[str, Any], name: str) -> Any:
    """Return a segment_anything Sam, still empty, that the tensors fit.

    Raises:
        BadInput: the tensors are not those of a SAM.
    """
    from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    try:
        mobile = RENAMED_KEY in state
        encoder = mobile_encoder() if mobile else vit_encoder(state)
        side, grid = encoder.img_size, encoder.img_size // encoder.patch_size
        dim = state["prompt_encoder.no_mask_embed.weight"].shape[1]
        prompts = PromptEncoder(
            dim, (grid, grid), (side, side), state["prompt_encoder.mask_downscaling.3.weight"].shape[0]
        )
        mlp = state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0]
        decoder = MaskDecoder(
            transformer_dim=dim,
            transformer=TwoWayTransformer(DECODER_DEPTH, dim, DECODER_HEADS, mlp),
            num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
            iou_head_depth=QUALITY_DEPTH,
            iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
        )
    except KeyError as error:
        raise BadInput(
            f"{name} is not a SAM checkpoint, or only part of one: it lacks the tensor {error.args[0]}"
        ) from error
    return Sam(encoder, prompts, decoder)


def vit_encoder(state: Mapping[str, Any]) -> Any:
    """Return a ViT encoder without weights, sized like the tensors.

    The sizes are b, l, h or smaller.
    """
    from functools import partial

    from segment_anything.modeling import ImageEncoderViT
    from torch.nn import LayerNorm

    part = "image_encoder."
    dim, _, patch, _ = state[part + "patch_embed.proj.weight"].shape
    side = state[part + "pos_embed"].shape[1] * patch
    depth = PUBLISHED_DEPTH.get(dim) or _count(state, r"image_encoder\.blocks\.(\d+)\.")
    spans = [(state[f"{part}blocks.{i}.attn.rel_pos_h"].shape[0] + 1) // 2 for i in range(depth)]
    everywhere = side // patch
    encoder = ImageEncoderViT(
        img_size=side,
        patch_size=patch,
        embed_dim=dim,
        depth=depth,
        num_heads=dim // state[part + "blocks.0.attn.rel_pos_h"].shape[1],
        mlp_ratio=state[part + "blocks.0.mlp.lin1.weight"].shape[0] / dim,
        out_chans=state[part + "neck.0.weight"].shape[0],
        norm_layer=partial(LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=min(spans),
        global_attn_indexes=tuple(i for i, span in enumerate(spans) if span == everywhere),
    )
    encoder.patch_size = patch
    return encoder


def blocks_of(encoder: Any) -> list[Any]:
    """Return the encoder's blocks in the order they run."""
    return list(encoder.blocks) if hasattr(encoder, "blocks") else [b for stage in encoder.stages for b in stage.blocks]


def _count(state: Mapping[str, Any], pattern: str) -> int:
    found = {int(match[1]) for match in (re.match(pattern, key) for key in state) if match}
    return max(found, default=-1) + 1


def _card(size: str, label: str, file: str, sha256: str, vram_mb: int, size_mb: int, expects: str) -> Card:
    return Card(
        f"sam1_{size}",
        task="segment",
        label=label,
        vram_mb=vram_mb,
        requires=("torch", "torchvision", "segment_anything"),
        weights=FILES + file,
        license="Apache-2.0",
        source=SOURCE,
        size_mb=size_mb,
        sha256=sha256,
        half=True,
        expects=expects,
    )


class Sam1B(Sam1):
    """ViT-B: 94 M parameters."""

    card = _card(
        "vit_b",
        "SAM 1 base",
        "sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        3_900,
        375,
        "12 s to encode an image on two CPU cores, then 0.06 s a click.",
    )


class Sam1L(Sam1):
    """ViT-L: 312 M parameters."""

    card = _card(
        "vit_l",
        "SAM 1 large",
        "sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        5_500,
        1_250,
        "For a GPU.",
    )


class Sam1H(Sam1):
    """ViT-H: 641 M parameters."""

    card = _card(
        "vit_h",
        "SAM 1 huge",
        "sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        6_800,
        2_565,
        "50 s to encode an image on two CPU cores, so for a GPU; the best masks of SAM 1.",
    )


class MobileSam(Sam1):
    """TinyViT encoder: 10 M parameters."""

    card = Card(
        "mobile_sam",
        task="segment",
        label="MobileSAM",
        vram_mb=1_200,
        requires=("torch", "torchvision", "segment_anything", "timm"),
        weights="https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/master/weights/mobile_sam.pt",
        license="Apache-2.0",
        source="https://arxiv.org/abs/2306.14289",
        size_mb=41,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        half=True,
        expects="1.5 s to encode an image on two CPU cores; coarser masks than SAM 2.1 tiny.",
    )
