"""MobileSAM's image encoder, built from timm's TinyViT, and its tensor names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SIDE = 1024  # pixels; there is no position table to read it from
PUBLISHED_KEY = "image_encoder.patch_embed.seq.0.c.weight"
RENAMED_KEY = "image_encoder.patch_embed.conv1.conv.weight"


def is_mobile(state: Mapping[str, Any]) -> bool:
    """Whether a state dict is MobileSAM's as published."""
    return PUBLISHED_KEY in state


def mobile_encoder() -> Any:
    """Return MobileSAM's image encoder without weights.

    It is timm's TinyViT-5M, whose last stage keeps its resolution, followed by SAM's neck.

    Source: https://arxiv.org/abs/2306.14289; architecture of github.com/ChaoningZhang/MobileSAM (Apache-2.0).
    """
    from segment_anything.modeling.common import LayerNorm2d
    from timm.models.tiny_vit import TinyVit
    from torch import nn

    class MobileEncoder(TinyVit):
        img_size, patch_size = SIDE, 16
        neck: nn.Module

        def forward(self, pixels: Any) -> Any:
            return self.neck(self.stages(self.patch_embed(pixels)))

    encoder = MobileEncoder(
        embed_dims=(64, 128, 160, 320),
        depths=(2, 2, 6, 2),
        num_heads=(2, 4, 5, 10),
        window_sizes=(7, 7, 14, 7),
        drop_path_rate=0.0,
    )
    del encoder.head
    last_stage: Any = encoder.stages[3]  # torch gives no type for the modules inside a module
    last_stage.downsample.conv2.conv.stride = (1, 1)
    encoder.neck = nn.Sequential(
        nn.Conv2d(320, 256, 1, bias=False),
        LayerNorm2d(256),
        nn.Conv2d(256, 256, 3, padding=1, bias=False),
        LayerNorm2d(256),
    )
    return encoder


RENAMES = (  # from TinyViT's original names to timm's, where a stage starts with the merging that ended the one before
    (r"\.attention_bias_idxs$", None),
    (r"^image_encoder\.(norm_head|head)\.", None),
    (r"\.c\.(?=weight)", ".conv."),
    (r"\.patch_embed\.seq\.0\.", ".patch_embed.conv1."),
    (r"\.patch_embed\.seq\.2\.", ".patch_embed.conv2."),
    (r"\.layers\.(\d)\.downsample\.", lambda match: f".stages.{int(match[1]) + 1}.downsample."),
    (r"^image_encoder\.layers\.", "image_encoder.stages."),
)


def timm_names(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return MobileSAM's tensors under timm's names.

    Its unused classifier is dropped.
    """
    renamed = {}
    for key, tensor in state.items():
        name: str | None = key
        for pattern, replacement in RENAMES if key.startswith("image_encoder.") else ():
            if replacement is None:
                name = None if re.search(pattern, key) else name
            elif name is not None:
                name = re.sub(pattern, replacement, name)
        if name is not None:
            renamed[name] = tensor
    return renamed
