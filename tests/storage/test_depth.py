"""Deep images are shown by their own range, or by the one a client asks for; 8-bit images stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.storage.depth import eight_bits, own_range, range_of
from tator.storage.images import count_pages, read_image, thumbnail, viewable
from tator.types import BadInput

KINDS = {"u16.png": np.uint16, "u16.tif": np.uint16, "f32.tif": np.float32, "i32.tif": np.int32}


def deep(path: Path, low: float, high: float, kind: type) -> np.ndarray:
    values = np.linspace(low, high, 64 * 64).reshape(64, 64).astype(kind)
    Image.fromarray(values).save(path)
    return values


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("low", "high"), [(0, 4095), (28_000, 30_500), (100, 355), (0, 200), (0, 65_535)])
def test_every_depth_is_shown_from_black_to_white(tmp_path: Path, name: str, low: int, high: int):
    path = tmp_path / name
    deep(path, low, high, KINDS[name])
    shown = read_image(path)
    assert shown.min() == 0 and shown.max() == 255 and abs(float(shown.mean()) - 127.5) < 2
    with Image.open(thumbnail(path, tmp_path / "thumbs")) as small:
        assert small.getextrema()[0][1] > 240 and small.getextrema()[0][0] < 15
    with Image.open(viewable(path, tmp_path / "media")) as seen:
        assert np.array_equal(np.asarray(seen.convert("RGB")), shown)


@pytest.mark.parametrize("odd", [65_535.0, np.nan, np.inf, -np.inf])
def test_dead_pixels_do_not_darken_the_rest(odd: float):
    values = np.linspace(29_000, 30_000, 10_000, dtype=np.float32).reshape(100, 100)
    values[5, 5] = odd
    assert own_range(values) == pytest.approx((29_000, 30_000), abs=25)
    shown = eight_bits(values)
    assert shown[50].mean() == pytest.approx(128, abs=4)
    assert shown[5, 5] == (255 if odd > 0 else 0)


def test_what_is_rare_is_still_seen_in_an_image_of_two_values():
    values = np.zeros((200, 200), np.uint16)
    values[3, 3] = 900
    assert eight_bits(values)[3, 3] == 255 and eight_bits(values).min() == 0


@pytest.mark.parametrize("value", [0, 7, 4_000, 70_000, -3])
def test_an_image_of_one_value_has_a_range(value: int):
    shown = eight_bits(np.full((4, 4), value, np.int32))
    assert len(np.unique(shown)) == 1
    assert np.unique(eight_bits(np.full((4, 4), np.nan, np.float32))).tolist() == [0]


@pytest.mark.parametrize("name", KINDS)
def test_a_range_can_be_asked_for(tmp_path: Path, name: str):
    path = tmp_path / name
    values = deep(path, 1_000, 3_000, KINDS[name])
    with Image.open(viewable(path, tmp_path / "media", shown=(1_500.0, 2_000.0))) as seen:
        pixels = np.asarray(seen.convert("L"))
    assert pixels[values <= 1_500].max() == 0 and pixels[values >= 2_000].min() == 255
    assert pixels[(values > 1_700) & (values < 1_800)].mean() == pytest.approx(127.5, abs=3)


def test_an_image_of_eight_bits_is_served_as_it_is(tmp_path: Path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((8, 8), 40, np.uint8)).save(path)
    assert viewable(path, tmp_path / "media", shown=(0.0, 10.0)) == path
    assert np.unique(read_image(path)).tolist() == [40]


@pytest.mark.parametrize(
    "ends", [("1", None), (None, "2"), ("3", "3"), ("9", "1"), ("a", "2"), ("nan", "1"), ("0", "inf")]
)
def test_a_range_that_is_none_is_refused(ends: tuple):
    with pytest.raises(BadInput, match="two numbers"):
        range_of(*ends)
    assert range_of(None, None) is None and range_of("-1.5", "1e3") == (-1.5, 1000.0)


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif", "tiff"])
def test_pages_are_counted(tmp_path: Path, kind: str, frames: int):
    path = tmp_path / f"film.{kind}"
    first, *others = (Image.new("RGB", (16, 16), (80 * at, 9, 9)) for at in range(frames))
    first.save(path, save_all=True, append_images=others)
    assert count_pages(path) == frames


def test_a_photo_with_a_preview_in_it_is_one_image(tmp_path: Path):
    path = tmp_path / "phone.jpg"
    Image.new("RGB", (16, 16)).save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert count_pages(path) == 1
