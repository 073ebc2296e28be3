"""Encoders: equal to the library, unit length, whatever the crop's shape."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tator.models._batches import BATCH
from tator.models.clip import ClipB32
from tator.models.dino import Dinov2Small, Dinov3Small
from tator.types import BadInput, Unavailable
from tests import tiny

WEIGHTS = {ClipB32: tiny.clip, Dinov2Small: tiny.dinov2, Dinov3Small: tiny.dinov3}
SHAPES = [(40, 30), (30, 90), (1, 1), (5, 200), (3, 40), (224, 224)]


@pytest.fixture(scope="module")
def crops():
    return [tiny.picture(width, height, seed=i) for i, (width, height) in enumerate(SHAPES)]


@pytest.mark.parametrize("backend", list(WEIGHTS))
def test_rows_are_unit_vectors_in_order(backend, crops):
    encoder = backend(WEIGHTS[backend](), "cpu")
    many = crops * (BATCH // len(crops) + 2)
    rows = encoder.encode(many)
    assert rows.dtype == np.float32 and rows.shape == (len(many), encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows[-len(crops) :], encoder.encode(crops), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(crops[2:3])[0], rows[2], atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_clip_equals_the_library(crops):
    import open_clip
    import torch
    from PIL import Image

    encoder, folder = ClipB32(tiny.clip(), "cpu"), tiny.clip()
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}", image_resize_mode="squash")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    phrases = ["a photo of a car", "rust"]
    with torch.inference_mode():
        images = model.eval().encode_image(torch.stack([preprocess(Image.fromarray(c)) for c in crops]), normalize=True)
        texts = model.encode_text(tokenizer(phrases), normalize=True)
    np.testing.assert_allclose(encoder.encode(crops), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_text(phrases), texts.numpy(), atol=1e-5)


@pytest.mark.parametrize("backend", [Dinov2Small, Dinov3Small])
def test_dino_equals_the_library(backend, crops):
    import torch
    from transformers import AutoImageProcessor, AutoModel

    folder = WEIGHTS[backend]()
    model, processor = AutoModel.from_pretrained(folder).eval(), AutoImageProcessor.from_pretrained(folder)
    inputs = processor(images=crops[0], size={"height": 224, "width": 224}, do_center_crop=False, return_tensors="pt")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model(**inputs).pooler_output, dim=-1).numpy()
    np.testing.assert_allclose(backend(folder, "cpu").encode(crops[:1]), expected, atol=1e-5)


def test_the_ends_of_a_long_crop_count():
    """A centre crop would not see a change at one end."""
    crop = tiny.picture(300, 40)
    changed = crop.copy()
    changed[:, :30] = 255
    for backend, weights in WEIGHTS.items():
        one, other = backend(weights(), "cpu").encode([crop, changed])
        assert np.abs(one - other).max() > 1e-4, backend


def test_missing_and_cut_files_are_named(tmp_path):
    broken = tiny.copy_of(tiny.clip(), tmp_path)
    weights = broken / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BadInput, match="open_clip_model.safetensors is cut short"):
        ClipB32(broken, "cpu")
    weights.unlink()
    with pytest.raises(Unavailable, match="open_clip_model.safetensors is missing"):
        ClipB32(broken, "cpu")
    with pytest.raises(Unavailable, match="clip_vit_b_32 needs the weights of laion/"):
        ClipB32(None, "cpu")


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_folder_without_a_sound_processor_is_refused(tmp_path, fault):
    folder = shutil.copytree(tiny.dinov2(), tmp_path / "dino")
    settings = folder / "preprocessor_config.json"
    settings.unlink() if fault == "missing" else settings.write_text("{")
    with pytest.raises(BadInput, match="dino: files of its processor are missing or damaged"):
        Dinov2Small(folder, "cpu")
