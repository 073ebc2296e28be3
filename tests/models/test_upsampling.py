"""Windowed upsampling equals the library's interpolation of the whole image."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.models._upsampling import Resize, cropped_mask, detections_of


def blob(rng, side, small):
    """Return (side, side) logits with one positive blob, small or nearly everywhere."""
    import torch

    ys, xs = np.mgrid[:side, :side]
    y, x, radius = rng.uniform(0, side), rng.uniform(0, side), side * (0.08 if small else 0.8)
    return torch.from_numpy((radius - np.hypot(ys - y, xs - x) + rng.normal(0, 0.5, (side, side))).astype(np.float32))


def whole(logits, chain):
    import torch

    values = logits[None, None]
    for step in chain:
        values = torch.nn.functional.interpolate(
            values, (step.height, step.width), mode="bilinear", align_corners=False
        )
        values = values[..., : step.keep_height, : step.keep_width]
    return values[0, 0].numpy()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), small=st.booleans(), double=st.booleans(),
    height=st.integers(1, 700), width=st.integers(1, 700),
)  # fmt: skip
def test_equals_interpolating_everything(seed, small, double, height, width):
    logits = blob(np.random.default_rng(seed), 64, small)
    chain = [Resize(height, width, height, width)]
    if double:  # as SAM 1: to its padded square, cut to the image's part, then to the image
        inner = max(1, round(256 * height / max(height, width))), max(1, round(256 * width / max(height, width)))
        chain = [Resize(256, 256, *inner), *chain]
    expected = whole(logits, chain)
    mask = cropped_mask(logits, chain)
    dense = np.zeros((height, width), bool)
    if mask is not None:
        rows, columns = mask.data.shape
        dense[mask.y : mask.y + rows, mask.x : mask.x + columns] = mask.data
        assert mask.data[0].any() and mask.data[-1].any() and mask.data[:, 0].any() and mask.data[:, -1].any()
    unsure = np.abs(expected) < 1e-4
    assert ((dense == (expected > 0)) | unsure).all()


def test_a_small_object_of_a_large_image_is_not_upsampled_whole():
    """Nothing larger than the object's window is allocated: 144 MB a candidate would be."""
    import torch

    logits = torch.full((256, 256), -5.0)
    logits[100:104, 50:60] = 5.0
    largest = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), named=None):
            out = function(*arguments, **(named or {}))
            largest.append(out.numel() if isinstance(out, torch.Tensor) else 0)
            return out

    with Watch():
        mask = cropped_mask(logits, [Resize(6000, 6000, 6000, 6000)])
    assert max(largest) <= 256 * 256
    assert 200 < mask.data.shape[1] < 270 and 80 < mask.data.shape[0] < 130


def test_candidates_come_best_first_and_empty_ones_are_left_out():
    import torch

    logits = torch.full((3, 8, 8), -1.0)
    logits[0, 2:4, 2:4] = 1.0
    logits[2, 1:7, 1:7] = 1.0
    found = detections_of(logits, torch.tensor([0.2, 0.9, 0.8]), [Resize(8, 8, 8, 8)])
    np.testing.assert_allclose(found.confidence, [0.8, 0.2])
    np.testing.assert_array_equal(found.xyxy, [[1, 1, 7, 7], [2, 2, 4, 4]])
