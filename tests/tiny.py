"""Checkpoints of every family with the real libraries' code and toy sizes, built in seconds without a network.

Random weights: they show that files load, coordinates are right and nothing is encoded twice, not how good a model is.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np

SIDE = 128  # pixels of the SAM 1 and 2 square
SIDE3, PATCH3, DIM3 = 112, 14, 32  # SAM 3's square, patch and width


@cache
def folder() -> Path:
    """Return the folder of this test session's checkpoints."""
    made = Path(tempfile.mkdtemp(prefix="tator-tiny-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def picture(width: int = 160, height: int = 120, seed: int = 0) -> np.ndarray:
    """Return (height, width, 3): noise, a red box and a blue disc."""
    rng = np.random.default_rng(seed)
    image = rng.integers(30, 90, (height, width, 3), dtype=np.uint8)
    image[height // 4 : height * 2 // 3, width // 8 : width * 3 // 8] = (200, 30, 30)
    ys, xs = np.mgrid[:height, :width]
    image[(xs - width * 0.7) ** 2 + (ys - height * 0.4) ** 2 < (min(width, height) * 0.2) ** 2] = (30, 60, 220)
    return image


def seeded() -> None:
    import torch

    torch.manual_seed(0)


def tiny_sam1_model():
    """Return a SAM 1 of 130 k parameters."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    dim, grid = 32, SIDE // 16
    encoder = ImageEncoderViT(
        depth=2,
        embed_dim=32,
        img_size=SIDE,
        mlp_ratio=2,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=2,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=[1],
        window_size=4,
        out_chans=dim,
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(depth=2, embedding_dim=dim, mlp_dim=64, num_heads=8),
        transformer_dim=dim,
        iou_head_depth=3,
        iou_head_hidden_dim=32,
    )
    return Sam(encoder, PromptEncoder(dim, (grid, grid), (SIDE, SIDE), 16), decoder).eval()


@cache
def sam1() -> Path:
    """Return a .pth in the layout of segment-anything."""
    import torch

    seeded()
    path = folder() / "sam_tiny.pth"
    torch.save(tiny_sam1_model().state_dict(), path)
    return path


@cache
def sam2() -> Path:
    """Return a folder in the layout of facebook/sam2.1-hiera-tiny."""
    from transformers import (
        Sam2Config,
        Sam2HieraDetConfig,
        Sam2ImageProcessor,
        Sam2MaskDecoderConfig,
        Sam2Model,
        Sam2Processor,
        Sam2PromptEncoderConfig,
        Sam2VisionConfig,
    )

    seeded()
    hiera = Sam2HieraDetConfig(
        hidden_size=8,
        num_attention_heads=1,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[8, 4, 4, 2],
        window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3],
    )
    vision = Sam2VisionConfig(
        backbone_config=hiera,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        fpn_hidden_size=32,
    )
    config = Sam2Config(
        vision_config=vision,
        prompt_encoder_config=Sam2PromptEncoderConfig(
            hidden_size=32, image_size=SIDE, patch_size=16, mask_input_channels=8
        ),
        mask_decoder_config=Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=64, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=32
        ),
    )
    path = folder() / "sam2"
    Sam2Model(config).eval().save_pretrained(path)
    images = Sam2ImageProcessor(
        size={"height": SIDE, "width": SIDE}, mask_size={"height": SIDE // 4, "width": SIDE // 4}
    )
    Sam2Processor(images, target_size=SIDE).save_pretrained(path)
    return path


def byte_tokenizer():
    """Return a CLIP tokenizer of single bytes, without a download."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    symbols = sorted(ByteLevel.alphabet())
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=32)


def _sam3_vision():
    from transformers import Sam3VisionConfig, Sam3ViTConfig

    grid = SIDE3 // PATCH3
    vit = Sam3ViTConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE3,
        patch_size=PATCH3,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=56,
    )
    sizes = [[grid * 4] * 2, [grid * 2] * 2, [grid] * 2]
    return Sam3VisionConfig(backbone_config=vit, fpn_hidden_size=DIM3, backbone_feature_sizes=sizes)


def _sam3_config(vocabulary: int):
    from transformers import (
        CLIPTextConfig,
        Sam3Config,
        Sam3DETRDecoderConfig,
        Sam3DETREncoderConfig,
        Sam3GeometryEncoderConfig,
        Sam3MaskDecoderConfig,
        Sam3TrackerVideoConfig,
        Sam3VideoConfig,
    )

    shared = {"hidden_size": DIM3, "num_attention_heads": 2, "intermediate_size": 64}
    text = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        projection_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        hidden_act="gelu",
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )
    detector = Sam3Config(
        vision_config=_sam3_vision(),
        text_config=text,
        geometry_encoder_config=Sam3GeometryEncoderConfig(num_layers=1, roi_size=3, **shared),
        detr_encoder_config=Sam3DETREncoderConfig(num_layers=2, **shared),
        detr_decoder_config=Sam3DETRDecoderConfig(num_layers=2, num_queries=10, **shared),
        mask_decoder_config=Sam3MaskDecoderConfig(hidden_size=DIM3, num_attention_heads=2),
    )
    grid = SIDE3 // PATCH3
    tracker = Sam3TrackerVideoConfig(
        vision_config=_sam3_vision(),
        prompt_encoder_config={
            "hidden_size": DIM3,
            "image_size": SIDE3,
            "patch_size": PATCH3,
            "mask_input_channels": 8,
        },
        mask_decoder_config={"hidden_size": DIM3, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32},
        image_size=SIDE3,
        memory_attention_hidden_size=DIM3,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=DIM3,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=DIM3,
        memory_fuser_embed_dim=DIM3,
        memory_fuser_intermediate_dim=64,
    )
    return Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=grid * 4)


@cache
def _sam3_model():
    from transformers import Sam3VideoModel

    seeded()
    model = Sam3VideoModel(_sam3_config(len(byte_tokenizer()))).eval()
    model.config.architectures = ["Sam3VideoModel"]
    return model


def _sam3_processor():
    from transformers import Sam2VideoVideoProcessor, Sam3ImageProcessor, Sam3VideoProcessor

    square, mask = {"height": SIDE3, "width": SIDE3}, {"height": SIDE3 // PATCH3 * 4, "width": SIDE3 // PATCH3 * 4}
    images = Sam3ImageProcessor(size=square, mask_size=mask)
    return Sam3VideoProcessor(images, Sam2VideoVideoProcessor(size=square), byte_tokenizer(), target_size=SIDE3)


@cache
def sam3() -> Path:
    """Return a folder in the layout of facebook/sam3: detector and tracker in one file."""
    from safetensors.torch import save_file

    path = folder() / "sam3"
    model = _sam3_model()
    model.config.save_pretrained(path)
    _sam3_processor().save_pretrained(path)
    tensors = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    return path


@cache
def sam3_resaved() -> Path:
    """Return the same as transformers 5.23.0 saves it: the tracker under a doubled prefix."""
    path = folder() / "sam3_resaved"
    _sam3_model().save_pretrained(path)
    _sam3_processor().save_pretrained(path)
    return path


@cache
def owlv2() -> Path:
    """Return a folder in the layout of google/owlv2-base-patch16-ensemble."""
    from transformers import (
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
    )

    seeded()
    tokenizer = byte_tokenizer()
    tokenizer.model_max_length = 48
    shared = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(tokenizer) - 2, "eos_token_id": len(tokenizer) - 1, "pad_token_id": len(tokenizer) - 1}
    config = Owlv2Config(
        text_config={**shared, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 48},
        vision_config={**shared, "image_size": 96, "patch_size": 16},
        projection_dim=32,
    )
    path = folder() / "owlv2"
    Owlv2ForObjectDetection(config).eval().save_pretrained(path)
    Owlv2Processor(Owlv2ImageProcessor(size={"height": 96, "width": 96}), tokenizer).save_pretrained(path)
    return path


@cache
def dinov2() -> Path:
    """Return a folder in the layout of facebook/dinov2-small."""
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    seeded()
    path = folder() / "dinov2"
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14, mlp_ratio=2
    )
    Dinov2Model(config).eval().save_pretrained(path)
    BitImageProcessor(size={"shortest_edge": 64}, crop_size={"height": 56, "width": 56}).save_pretrained(path)
    return path


@cache
def dinov3() -> Path:
    """Return a folder in the layout of facebook/dinov3-vits16-pretrain-lvd1689m."""
    from transformers import DINOv3ViTConfig, DINOv3ViTImageProcessor, DINOv3ViTModel

    seeded()
    path = folder() / "dinov3"
    config = DINOv3ViTConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        patch_size=16,
        image_size=64,
        num_register_tokens=4,
    )
    DINOv3ViTModel(config).eval().save_pretrained(path)
    DINOv3ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(path)
    return path


@cache
def clip() -> Path:
    """Return a folder in the layout of laion/CLIP-ViT-B-32-laion2B-s34B-b79K."""
    import open_clip
    from safetensors.torch import save_file

    seeded()
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 32, "patch_size": 16, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    }
    path = folder() / "clip"
    path.mkdir()
    described = {
        "model_cfg": config,
        "preprocess_cfg": {"mean": list(open_clip.OPENAI_DATASET_MEAN), "std": list(open_clip.OPENAI_DATASET_STD)},
    }
    (path / "open_clip_config.json").write_text(json.dumps(described))
    model = open_clip.CLIP(**config)
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, path / "open_clip_model.safetensors"
    )
    return path


def copy_of(source: Path, into: Path) -> Path:
    """Return a copy of a checkpoint that a test may damage."""
    return Path(
        shutil.copytree(source, into / source.name) if source.is_dir() else shutil.copy(source, into / source.name)
    )
