"""A dataset whose images are frames of scenes is known by their names and their looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.workflows.evaluation import is_sequence
from tests.folders import make


def scene(seed: int, shift: int = 0) -> PIL.Image.Image:
    """Return a scene of large blots, moved to the side."""
    rng = np.random.default_rng(seed)
    small = PIL.Image.fromarray(rng.integers(0, 255, (6, 9, 3), dtype=np.uint8))
    return small.resize((180, 120), PIL.Image.Resampling.BICUBIC).crop((shift, 0, shift + 120, 120))


@pytest.mark.parametrize(
    ("seed_of", "name", "expected"),
    [
        (lambda n: n // 12, "frame_{:04}.png", True),
        (lambda n: n, "frame_{:04}.png", False),
        (lambda n: n // 12, "{}", False),
    ],
    ids=["frames of two scenes", "numbered photographs", "frames without numbers"],
)
def test_frames_are_told_from_numbered_photographs(wb, tmp_path: Path, seed_of, name: str, expected: bool):
    for n in range(24):
        place = name.format(n) if name != "{}" else f"{'abcdefghijklmnopqrstuvwx'[n]}.png"
        scene(seed_of(n), n % 12).save(tmp_path / place)
    assert is_sequence(make(wb, tmp_path)) is expected
