"""Deep images are shown by their own range, or by the one a client asks for; 8-bit images stay as they are."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.storage.deep_colours import shown_colours
from tator.storage.depth import eight_bits, own_range, range_of
from tator.storage.images import count_pages, probe, read_image, thumbnail, viewable
from tator.storage.upright import upright_copy
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


@pytest.mark.parametrize("shape", [(700, 5), (256, 3), (257, 4, 3), (1, 9), (600, 3, 4)])
def test_images_of_many_rows_are_shown_as_their_formula_says(shape: tuple):
    values = np.random.default_rng(2).integers(0, 65_536, shape, dtype=np.uint16)
    colours = eight_bits(values[..., :3] if len(shape) == 3 else values, (1_000.0, 50_000.0))
    wanted = np.clip((values.astype(np.float64) - 1_000) * (255 / 49_000), 0, 255)
    assert np.abs(colours - wanted[..., :3] if len(shape) == 3 else colours - wanted).max() <= 0.51
    if shape[-1] == 4 and len(shape) == 3:
        cover = values[..., 3:] / 65_535
        laid = wanted[..., :3] * cover + 255 * (1 - cover)
        assert np.abs(shown_colours(values, (1_000.0, 50_000.0)) - laid).max() <= 1.01


def tiff(pixels: np.ndarray, orientation: int = 1) -> bytes:
    """Return an uncompressed TIFF of 16-bit colours; Pillow writes none.

    Source: TIFF 6.0, sections 2 and 6.
    """
    height, width, channels = pixels.shape
    data = pixels.astype("<u2").tobytes()
    tags = {256: (4, width), 257: (4, height), 258: (3, 0), 259: (3, 1), 262: (3, 2), 273: (4, 8), 274: (3, orientation),
            277: (3, channels), 278: (4, height), 279: (4, len(data))}  # fmt: skip
    tags |= {338: (3, 2)} if channels == 4 else {}
    at = 8 + len(data)
    rows = b""
    for tag, (kind, value) in sorted(tags.items()):
        count, value = (channels, at + 2 + 12 * len(tags) + 4) if tag == 258 else (1, value)
        rows += struct.pack("<HHI", tag, kind, count)
        rows += struct.pack("<HH", value, 0) if kind == 3 and count == 1 else struct.pack("<I", value)
    head = b"II*\0" + struct.pack("<I", at) + data + struct.pack("<H", len(tags))
    return head + rows + struct.pack("<I", 0) + struct.pack(f"<{channels}H", *[16] * channels)


def deep_picture(path: Path, pixels: np.ndarray) -> Path:
    import cv2

    order = [2, 1, 0, 3][: pixels.shape[2]]
    path.write_bytes(tiff(pixels) if path.suffix == ".tif" else cv2.imencode(".png", pixels[..., order])[1].tobytes())
    return path


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(("low", "high"), [(0, 4095), (28_000, 30_500), (0, 65_535)])
def test_deep_colours_are_shown_by_their_own_range(tmp_path: Path, ending: str, low: int, high: int):
    ramp = np.linspace(low, high, 64 * 64).reshape(64, 64)
    pixels = np.stack([ramp, ramp[::-1], ramp.T], -1).astype(np.uint16)
    path = deep_picture(tmp_path / f"a.{ending}", pixels)
    shown = read_image(path)
    assert shown.min() == 0 and shown.max() == 255
    assert np.abs(shown.astype(float) - (pixels - low) * (255 / (high - low))).max() < 2
    with Image.open(viewable(path, tmp_path / "media")) as seen:
        assert np.array_equal(np.asarray(seen.convert("RGB")), shown)
    with Image.open(thumbnail(path, tmp_path / "thumbs")) as small:
        assert small.size == (64, 64) and small.getextrema()[0][1] > 200
    with Image.open(viewable(path, tmp_path / "media", shown=(0.0, 65_535.0))) as seen:
        assert np.abs(np.asarray(seen.convert("RGB")).astype(float) - pixels / 257).max() < 1


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_transparency_of_deep_colours_is_put_on_white(tmp_path: Path, ending: str):
    pixels = np.zeros((8, 8, 4), np.uint16)
    pixels[:4, :, 3], pixels[:, :4, :3] = 65_535, 40_000
    shown = read_image(deep_picture(tmp_path / f"a.{ending}", pixels))
    assert (shown[4:] == 255).all() and (shown[:4, 4:] == 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_of_deep_colours_is_upright_and_stays_deep_in_its_copy(tmp_path: Path, orientation: int):
    import cv2

    pixels = np.random.default_rng(orientation).integers(0, 65_536, (6, 10, 3), dtype=np.uint16)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(pixels, orientation))
    assert probe(path) == ((6, 10) if orientation >= 5 else (10, 6)) == read_image(path).shape[1::-1]
    copy = upright_copy(path)
    assert (copy is None) == (orientation == 1)
    if copy is not None:
        found = cv2.imdecode(np.frombuffer(copy, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        (tmp_path / "b.tif").write_bytes(copy)
        assert found.dtype == np.uint16 and np.array_equal(read_image(tmp_path / "b.tif"), read_image(path))
