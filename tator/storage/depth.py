"""Show deep grey images, of 10 to 32 bits or floats, in the 8 bits of a screen."""

from __future__ import annotations

import math

import numpy as np

from tator.types import BadInput

Range = tuple[float, float]  # values that become black and white
OUTLIERS = 0.1  # percent of values at each end that may be dead pixels or glare
ROWS = 256  # of a large image handled at once: all of it as floats would fill the memory
SAMPLED = 1 << 20  # values that the range is taken from: more do not change it


def eight_bits(values: np.ndarray, shown: Range | None = None) -> np.ndarray:
    """Scale deep values, (H, W) or (H, W, C), to uint8.

    Args:
        values: of any depth; what is not a number becomes black.
        shown: values that become black and white; None is the image's own range.
    """
    low, high = shown or own_range(values)
    pixels = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), ROWS):
        scaled = (values[top : top + ROWS].astype(np.float32) - low) * (255.0 / max(high - low, 1e-12))
        scaled = np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
        pixels[top : top + ROWS] = np.clip(scaled + 0.5, 0, 255)
    return pixels


def own_range(values: np.ndarray) -> Range:
    """Return the values between which nearly all of an image lie.

    The same image gives the same range. An image of one value is shown by the range of its depth.
    """
    flat = values.ravel()
    return sampled_range(flat[:: sampling_step(flat.size)])


def sampling_step(count: int) -> int:
    """Return every how manieth of so many values the range is taken from."""
    return max(1, count // SAMPLED)


def sampled_range(sampled: np.ndarray) -> Range:
    """Return the range of an image from some of its values, (N,)."""
    sampled = sampled.astype(np.float32)
    sampled = sampled[np.isfinite(sampled)]
    if not sampled.size:
        return 0.0, 1.0
    low = float(np.percentile(sampled, OUTLIERS, method="lower"))
    high = float(np.percentile(sampled, 100 - OUTLIERS, method="higher"))
    if low == high:
        low, high = float(sampled.min()), float(sampled.max())
    if low < high:
        return low, high
    return min(low, 0.0), next((top for top in (1.0, 255.0, 65535.0) if low <= top), low)


def range_of(low: str | None, high: str | None) -> Range | None:
    """Return the range that an address asks for; None where it asks for none.

    Raises:
        BadInput: only one end is given, or they are no numbers in order.
    """
    if low is None and high is None:
        return None
    try:
        ends = float(low or ""), float(high or "")
    except ValueError:
        ends = math.nan, math.nan
    if not (math.isfinite(ends[1] - ends[0]) and ends[0] < ends[1]):
        raise BadInput(f"low is {low}, high is {high}; expected two numbers, low below high")
    return ends
