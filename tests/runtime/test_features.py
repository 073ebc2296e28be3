"""Encoders, their histograms and the cache of crop features."""

from __future__ import annotations

import os

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.models.colour_texture import ColourTexture
from tator.runtime.features import cached_features, encode_boxes
from tator.vision.texture import hog, lbp

rng = np.random.default_rng(0)


@pytest.mark.parametrize(("side", "orientations", "cell", "block"), [(48, 8, 8, 1), (64, 9, 16, 2), (64, 9, 8, 2)])
def test_hog_equals_scikit_image(side, orientations, cell, block):
    from skimage.feature import hog as reference

    gray = (rng.random((3, side, side)) * 255).astype(np.float32)
    gray[1] = np.add.outer(2 * np.arange(side), np.arange(side))
    expected = [reference(one, orientations, (cell, cell), (block, block)) for one in gray]
    assert np.allclose(hog(gray, orientations, cell, block), expected, atol=1e-4)


def test_lbp_sums_to_one_and_tells_flat_from_noise():
    flat, noise = np.zeros((20, 20), np.float32), rng.random((20, 20)).astype(np.float32)
    found = lbp(np.stack([flat, noise]))
    assert np.allclose(found.sum(1), 1) and found[0, 8] == 1 and found[1, 9] > 0.2


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 255))
def test_every_crop_becomes_a_unit_vector(width, height, value):
    found = ColourTexture(None, "cpu").encode([np.full((height, width, 3), value, np.uint8)])
    assert found.shape == (1, 622) and found.dtype == np.float32 and np.isclose(np.linalg.norm(found), 1, atol=1e-5)


def test_a_batch_gives_what_single_crops_give():
    crops = [(rng.random((rng.integers(5, 90), rng.integers(5, 90), 3)) * 255).astype(np.uint8) for _ in range(70)]
    encoder = ColourTexture(None, "cpu")
    assert np.allclose(encoder.encode(crops), np.concatenate([encoder.encode([one]) for one in crops]), atol=1e-6)
    assert encoder.encode([]).shape == (0, 622)


def test_features_come_from_the_cache_until_image_or_boxes_change(tmp_path):
    file, cache = tmp_path / "a.png", tmp_path / "cache"
    pixels = (rng.random((40, 50, 3)) * 255).astype(np.uint8)
    PIL.Image.fromarray(pixels).save(file)
    boxes, made = np.array([[1, 2, 30, 20], [0, 0, 9, 9]], np.float32), []

    def ask(boxes: np.ndarray) -> np.ndarray:
        def make() -> np.ndarray:
            made.append(len(boxes))
            return encode_boxes(ColourTexture(None, "cpu"), pixels, boxes)

        return cached_features(cache, "colour_texture", file, boxes, make)

    first = ask(boxes)
    assert np.array_equal(ask(boxes), first) and made == [2]
    assert ask(boxes[:1]).shape == (1, 622) and made == [2, 1]
    os.utime(file, ns=(1, 1))
    ask(boxes)
    assert made == [2, 1, 2]


def test_a_cut_off_cache_file_is_made_anew_and_a_failure_is_not_kept(tmp_path):
    file, cache = tmp_path / "a.png", tmp_path / "cache"
    file.write_bytes(b"x")
    boxes = np.array([[0, 0, 4, 4]], np.float32)

    def fail() -> np.ndarray:
        raise RuntimeError("no pixels")

    with pytest.raises(RuntimeError):
        cached_features(cache, "colour_texture", file, boxes, fail)
    assert not list(cache.rglob("*.safetensors"))
    good = np.ones((1, 622), np.float32)
    cached_features(cache, "colour_texture", file, boxes, lambda: good)
    kept = next(cache.rglob("*.safetensors"))
    kept.write_bytes(kept.read_bytes()[:50])
    assert np.array_equal(cached_features(cache, "colour_texture", file, boxes, lambda: good), good)
