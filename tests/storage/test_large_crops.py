"""Crops of large images: cut from their pyramids, and the same as from the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.storage import stored_values
from tator.storage.crops import crop
from tator.storage.images import read_image
from tator.storage.pyramids import pyramid
from tests.storage.test_pyramids import HIGH, KINDS, WIDE

BOXES = [(100, 60, 180, 120), (0, 0, WIDE, HIGH), (-20, -30, 90, 80), (450.5, 400.2, 500, 520), (300, 0, 310, HIGH)]


@pytest.fixture
def all_are_large(monkeypatch):
    monkeypatch.setattr(stored_values, "LARGE", 0)


@pytest.mark.parametrize("kind", ["colours.jpg", "L.png", "RGBA.png", "turned6.jpg", "deep.png", "deep4.tif"])
@pytest.mark.parametrize("box", BOXES)
def test_a_crop_of_a_large_image_looks_like_that_of_the_image(tmp_path: Path, all_are_large, kind: str, box: tuple):
    path = KINDS[kind](tmp_path)
    with PIL.Image.open(crop(path, tmp_path / "plain", box)) as wanted:
        plain = np.asarray(wanted.convert("L"), float)
    with PIL.Image.open(crop(path, tmp_path / "large", box, pyramids=tmp_path / "pyramids")) as found:
        large = np.asarray(found.convert("L"), float)
    assert large.shape == plain.shape and abs(large.mean() - plain.mean()) < 3
    assert len(list((tmp_path / "pyramids").rglob("*.tiles"))) == 1


@pytest.mark.parametrize("kind", ["colours.jpg", "L.png", "deep.png", "turned6.jpg"])
def test_a_part_is_the_image_there_and_no_larger_than_need_be(tmp_path: Path, kind: str):
    path = KINDS[kind](tmp_path)
    found, whole = pyramid(path, tmp_path / "cache"), read_image(path)
    assert np.array_equal(found.part((37, 41, 333, 300), 296), whole[41:300, 37:333])
    assert found.part((36, 40, 332, 300), 148).shape == (130, 148, 3)
    assert max(found.part((0, 0, found.width, found.height), 1).shape) == max(found.shape(1))
