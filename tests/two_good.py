"""A folder with two well labelled images, and a third of which its labels say nothing, for a test to put something bad beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import encoders
from tests.encoders import REFERRING
from tests.folders import picture
from tests.reading import named_boxes

GOOD = [("a.png", "cat", (4.0, 4.0, 20.0, 20.0)), ("b.png", "dog", (8.0, 6.0, 30.0, 26.0))]
formats = pytest.mark.parametrize("format", sorted(REFERRING))


def folder(root: Path, format: str, rows) -> Path:
    """Write images a and b, an image c the labels may not speak of, and the label files."""
    for name in ("a.png", "b.png", "c.png"):
        picture(root / "images" / name)
    REFERRING[format](root, rows)
    return root


def good_are_read(source, found) -> None:
    assert named_boxes(source, found["images/a.png"]) == [pytest.approx(("cat", 4, 4, 20, 20), abs=0.01)]
    assert named_boxes(source, found["images/b.png"]) == [pytest.approx(("dog", 8, 6, 30, 26), abs=0.01)]
    assert found["images/c.png"] is None


assert encoders.WIDTH == 64 and encoders.HEIGHT == 48  # what tests.folders.picture draws
