"""Turns a model's low-resolution mask logits into cropped masks of image pixels.

A 12-megapixel image with three candidates would need 144 MB of float logits at full size; only the
window that can be positive is upsampled, with the arithmetic of torch's bilinear interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np

from tator.types import Detections, Mask
from tator.vision.masks import box_of

WHOLE_SHARE = 0.25  # from this share of the image on, one call of the library is faster than the window


@dataclass(frozen=True)
class Resize:
    """One bilinear resize of a chain.

    The result is `height` x `width`; its top left `keep_height` x `keep_width` part is kept.
    """

    height: int
    width: int
    keep_height: int
    keep_width: int


Window = tuple[int, int, int, int]  # top, bottom, left, right; ends exclusive


def detections_of(logits: Any, scores: Any, chain: Sequence[Resize], threshold: float = 0.0) -> Detections:
    """Return the candidates of one prompt that have pixels, best first.

    Args:
        logits: (K, h, w) float tensor.
        scores: (K,) tensor, the model's own estimate of each mask's quality.
        chain: resizes from (h, w) to the image.
        threshold: pixels above it belong to the object.
    """
    order = scores.argsort(descending=True).tolist()
    confidence = scores.clamp(0, 1).float().cpu().numpy()
    cropped = ((row, cropped_mask(logits[row], chain, threshold)) for row in order)
    masks = {row: mask for row, mask in cropped if mask is not None}
    if not masks:
        return Detections.empty()
    xyxy = np.stack([box_of(mask) for mask in masks.values()])
    return Detections(xyxy, confidence[list(masks)], np.full(len(masks), -1, np.int64), tuple(masks.values()))


def cropped_mask(logits: Any, chain: Sequence[Resize], threshold: float = 0.0) -> Mask | None:
    """Return the pixels above the threshold, cropped to their box.

    None where there are none.

    Args:
        logits: (h, w) float tensor.
        chain: resizes from (h, w) to the image.
        threshold: pixels above it belong to the object.
    """
    window = _extent(_above(logits, threshold))
    if window is None:
        return None
    values, window = _upsample(logits, window, _shortened(logits, chain))
    pixels = _above(values, threshold)
    inner = _extent(pixels)
    if inner is None:
        return None
    top, bottom, left, right = inner
    return Mask(window[2] + left, window[0] + top, pixels[top:bottom, left:right].copy())


def _shortened(logits: Any, chain: Sequence[Resize]) -> list[Resize]:
    """Return the chain without the resizes that change nothing."""
    sizes = [tuple(logits.shape), *((step.keep_height, step.keep_width) for step in chain)]
    return [
        step
        for size, step in zip(sizes, chain, strict=False)
        if size != (step.height, step.width) or size != (step.keep_height, step.keep_width)
    ]


def _above(values: Any, threshold: float) -> np.ndarray:
    """Return the pixels above the threshold.

    On the CPU NumPy compares them, which does not wake torch's threads.
    """
    return values.numpy() > threshold if values.device.type == "cpu" else (values > threshold).cpu().numpy()


def _extent(pixels: np.ndarray) -> Window | None:
    """Return the window of the True pixels, or None."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _upsample(logits: Any, window: Window, chain: Sequence[Resize]) -> tuple[Any, Window]:
    """Upsample the part of the image that the window can reach.

    Returns the chain's values there, and which part it is.
    """
    sizes = [tuple(logits.shape)] + [(step.keep_height, step.keep_width) for step in chain]
    windows = [window]
    for size, step in zip(sizes, chain, strict=False):
        rows = _reach(windows[-1][:2], size[0], step.height, step.keep_height)
        columns = _reach(windows[-1][2:], size[1], step.width, step.keep_width)
        windows.append((*rows, *columns))
    last = windows[-1]
    if not chain:
        return logits[last[0] : last[1], last[2] : last[3]].float(), last
    if (last[1] - last[0]) * (last[3] - last[2]) >= WHOLE_SHARE * sizes[-1][0] * sizes[-1][1]:
        return _whole(logits, chain)[last[0] : last[1], last[2] : last[3]], last
    return _windowed(logits, sizes, chain, last), last


def _reach(span: tuple[int, int], size: int, target: int, keep: int) -> tuple[int, int]:
    """Return the output positions that read any of the input positions in `span`.

    Output i reads floor(s) and floor(s) + 1 with s = (i + 0.5) * size / target - 0.5.
    """
    low = floor((span[0] - 0.5) * target / size - 0.5)
    high = ceil((span[1] + 0.5) * target / size - 0.5) + 1
    return max(low, 0), max(min(high, keep), max(low, 0) + 1)


def _whole(logits: Any, chain: Sequence[Resize]) -> Any:
    """Return the chain's values everywhere, by the library."""
    from torch.nn.functional import interpolate

    values = logits[None, None].float()
    for step in chain:
        values = interpolate(values, (step.height, step.width), mode="bilinear", align_corners=False)
        values = values[..., : step.keep_height, : step.keep_width]
    return values[0, 0]


def _windowed(logits: Any, sizes: list, chain: Sequence[Resize], window: Window) -> Any:
    """Return the chain's values inside the window only.

    They are computed backwards from what the window reads.
    """
    step, size = chain[-1], sizes[len(chain) - 1]
    rows = _taps(logits.device, window[:2], size[0], step.height)
    columns = _taps(logits.device, window[2:], size[1], step.width)
    top, bottom = int(rows[0][0]), int(rows[1][-1]) + 1
    left, right = int(columns[0][0]), int(columns[1][-1]) + 1
    if len(chain) > 1:
        source = _windowed(logits, sizes, chain[:-1], (top, bottom, left, right))
    else:
        source = logits[top:bottom, left:right].float()
    across = source[:, columns[0] - left].lerp(source[:, columns[1] - left], columns[2])
    return across[rows[0] - top].lerp(across[rows[1] - top], rows[2][:, None])


def _taps(device: Any, span: tuple[int, int], size: int, target: int) -> tuple[Any, Any, Any]:
    """Return which two input positions each output position mixes.

    The third array is the share of the second position.

    Source: ATen/native/UpSample.h, area_pixel_compute_source_index with align_corners=False.
    """
    import torch

    position = torch.arange(*span, device=device, dtype=torch.float32)
    source = ((position + 0.5) * (size / target) - 0.5).clamp(min=0)
    first = source.floor().long().clamp(max=size - 1)
    return first, (first + 1).clamp(max=size - 1), source - first
