"""Tiles hold the pixels of the image: of every kind, depth and orientation, at every level, by every window."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.storage import images, pyramids, stored_values
from tator.storage.depth import eight_bits
from tator.storage.images import read_image, viewable
from tator.storage.pyramids import TILE, Pyramid, halved, pyramid
from tator.types import BadInput, NotFound, Unavailable

WIDE, HIGH = 691, 527  # two tiles each way, odd, more than two bands of rows
RAMP = np.add.outer(np.arange(HIGH), 2 * np.arange(WIDE)) % 1000


def eight(mode: str) -> PIL.Image.Image:
    """Return a picture of a mode whose every pixel differs from its neighbours."""
    noise = np.random.default_rng(3).integers(0, 256, (HIGH, WIDE, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(noise)
    if mode in ("RGBA", "LA"):
        picture.putalpha(PIL.Image.fromarray((RAMP % 256).astype(np.uint8)))
    return picture.convert(mode)


def deep_grey(kind: type) -> PIL.Image.Image:
    return PIL.Image.fromarray((RAMP * 3 + 500).astype(kind))


def deep_colours(path: Path, channels: int) -> Path:
    import cv2

    pixels = np.stack([RAMP * 60, RAMP[::-1] * 30, RAMP * 9, 65_535 - RAMP * 20][:channels], -1).astype(np.uint16)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def saved(picture: PIL.Image.Image, name: str, **how: object) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        picture.save(folder / name, **how)
        return folder / name

    return save


def turned(picture: PIL.Image.Image, name: str, orientation: int) -> Callable[[Path], Path]:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return saved(picture, name, exif=exif)


KINDS = {
    **{f"{mode}.png": saved(eight(mode), "a.png") for mode in ("RGB", "RGBA", "L", "LA", "P", "1")},
    "clear.png": saved(eight("P"), "a.png", transparency=7),
    "clear.gif": saved(eight("P"), "a.gif", transparency=7),
    "colours.jpg": saved(eight("RGB"), "a.jpg"),
    "inks.jpg": saved(eight("CMYK"), "a.jpg"),
    "colours.tif": saved(eight("RGB"), "a.tif", compression="tiff_lzw"),
    "colours.webp": saved(eight("RGB"), "a.webp", lossless=True, method=0),
    **{f"turned{at}.jpg": turned(eight("RGB"), "a.jpg", at) for at in range(2, 9)},
    "turned8.tif": turned(eight("RGB"), "a.tif", 8),
    "deep.png": saved(deep_grey(np.uint16), "a.png"),
    "deep.tif": saved(deep_grey(np.uint16), "a.tif"),
    "whole.tif": saved(deep_grey(np.int32), "a.tif"),
    "floats.tif": saved(deep_grey(np.float32), "a.tif"),
    **{f"deep_turned{at}.png": turned(deep_grey(np.uint16), "a.png", at) for at in range(2, 9)},
    **{f"deep{n}{end}": lambda folder, n=n, end=end: deep_colours(folder / f"a{end}", n) for n in (3, 4) for end in (".png", ".tif")},
}  # fmt: skip


def level_of(found: Pyramid, level: int, shown: tuple[float, float] | None = None) -> np.ndarray:
    """Return a whole level, RGB, put together from its tiles."""
    across, down = (-(-side // TILE) for side in found.shape(level)[1::-1])
    tiles = [[PIL.Image.open(io.BytesIO(found.tile(level, x, y, shown))) for x in range(across)] for y in range(down)]
    return np.vstack([np.hstack([np.asarray(tile.convert("RGB")) for tile in row]) for row in tiles])


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_put_together_are_the_image(tmp_path: Path, kind: str):
    path = KINDS[kind](tmp_path)
    found, whole = pyramid(path, tmp_path / "cache"), read_image(path)
    assert (found.height, found.width) == whole.shape[:2] and found.levels == 2
    assert np.array_equal(level_of(found, 0), whole)
    smaller = level_of(found, 1)
    assert smaller.shape == (-(-found.height // 2), -(-found.width // 2), 3)
    if "deep" not in kind and not kind.startswith(("whole", "floats")):
        assert np.abs(smaller.astype(int) - halved(whole)).max() <= 1


@pytest.mark.parametrize("kind", ["deep.png", "deep_turned6.png", "whole.tif", "floats.tif", "deep3.tif", "deep4.png"])
def test_any_window_is_shown_from_the_same_file(tmp_path: Path, kind: str):
    path = KINDS[kind](tmp_path)
    found = pyramid(path, tmp_path / "cache")
    for shown in ((700.0, 1_900.0), (0.0, 65_535.0)):
        with PIL.Image.open(viewable(path, tmp_path / "media", shown=shown)) as wanted:
            assert np.array_equal(level_of(found, 0, shown), np.asarray(wanted.convert("RGB")))
    assert len(list((tmp_path / "cache").rglob("*.tiles"))) == 1


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_a_deep_image_holds_is_told_without_values_that_are_no_numbers(tmp_path: Path, odd: float):
    values = np.linspace(-2, 6, WIDE * HIGH, dtype=np.float32).reshape(HIGH, WIDE)
    values[3, 4] = odd
    PIL.Image.fromarray(values).save(tmp_path / "a.tif")
    found = pyramid(tmp_path / "a.tif", tmp_path / "cache")
    assert found.depth is not None and (found.depth.lowest, found.depth.highest) == (-2, 6)
    assert found.depth.low == pytest.approx(-2, abs=0.02) and found.depth.high == pytest.approx(6, abs=0.02)
    assert sum(found.depth.counts) == WIDE * HIGH - 1 and max(found.depth.counts) < 2 * min(found.depth.counts)


@pytest.mark.parametrize("value", [0, 4_000, -7])
def test_an_image_of_one_value_has_tiles(tmp_path: Path, value: int):
    PIL.Image.fromarray(np.full((9, 8), value, np.int32)).save(tmp_path / "a.tif")
    found = pyramid(tmp_path / "a.tif", tmp_path / "cache")
    assert found.levels == 1 and np.array_equal(level_of(found, 0), read_image(tmp_path / "a.tif"))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.int32])
@pytest.mark.parametrize("shape", [(4, 6), (5, 3), (1, 1), (7, 8, 3), (3, 3, 4)])
def test_half_of_an_image_is_the_mean_of_each_four(kind: type, shape: tuple):
    values = np.random.default_rng(1).integers(0, 200, shape).astype(kind)
    more = np.pad(values, [(0, shape[0] % 2), (0, shape[1] % 2), (0, 0)][: len(shape)], "edge").astype(float)
    means = (more[::2, ::2] + more[1::2, ::2] + more[::2, 1::2] + more[1::2, 1::2]) / 4
    assert halved(values).dtype == kind and np.abs(halved(values).astype(float) - means).max() <= 0.5


def test_an_image_is_decoded_once_for_all_that_ask_at_the_same_time(tmp_path: Path, monkeypatch):
    path, opened = KINDS["colours.jpg"](tmp_path), []
    real = stored_values.stored_values
    monkeypatch.setattr(pyramids, "stored_values", lambda path: opened.append(path) or real(path))
    with ThreadPoolExecutor(4) as several:
        found = list(several.map(lambda _: pyramid(path, tmp_path / "cache"), range(4)))
    assert len(opened) == 1 and len(set(found)) == 1


def test_the_pyramids_not_looked_at_for_longest_make_room(tmp_path: Path, monkeypatch):
    first = pyramid(KINDS["L.png"](tmp_path), tmp_path / "cache")
    (tmp_path / "b").mkdir()
    second = pyramid(KINDS["RGB.png"](tmp_path / "b"), tmp_path / "cache")
    os.utime(second.path, (1, 1))
    (tmp_path / "c").mkdir()
    monkeypatch.setattr(pyramids, "LIMIT", first.path.stat().st_size + second.path.stat().st_size)
    third = pyramid(KINDS["RGB.png"](tmp_path / "c"), tmp_path / "cache")
    assert first.path.exists() and third.path.exists() and not second.path.exists()


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(pyramids, "SPARE", 1 << 60)
    with pytest.raises(Unavailable, match=r"a\.png: its tiles take 1 MB"):
        pyramid(KINDS["RGB.png"](tmp_path), tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_disk_that_fills_meanwhile_is_told_and_not_the_image_blamed(tmp_path: Path, monkeypatch):
    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyramids, "_write_band", full)
    with pytest.raises(Unavailable, match=r"a\.png: its tiles cannot be written: No space left"):
        pyramid(KINDS["RGB.png"](tmp_path), tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.tiles"))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_pyramid_that_is_deleted_before_it_is_read_is_made_again(tmp_path: Path, monkeypatch, times: int):
    real, left = pyramids._read, [None] * times

    def emptied(path: Path) -> Pyramid:
        if left:
            left.pop()
            path.unlink()
        return real(path)

    monkeypatch.setattr(pyramids, "_read", emptied)
    path = KINDS["L.png"](tmp_path)
    if times < pyramids.TRIES:
        assert pyramid(path, tmp_path / "cache").path.exists()
    else:
        with pytest.raises(Unavailable, match="ask for them again"):
            pyramid(path, tmp_path / "cache")


def test_large_images_are_decoded_one_after_the_other(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(images, "LARGE", 0)
    path, at_once, most = KINDS["RGB.png"](tmp_path), [0], [0]
    real = images._rgb

    def counted(*given: object) -> PIL.Image.Image:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        at_once[0] -= 1
        return real(*given)

    monkeypatch.setattr(images, "_rgb", counted)
    with ThreadPoolExecutor(4) as several:
        assert len({pixels.sum() for pixels in several.map(lambda _: read_image(path), range(4))}) == 1
    assert most == [1]


def test_what_is_no_image_or_no_tile_is_refused(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    with pytest.raises(BadInput, match=r"a\.png"):
        pyramid(tmp_path / "a.png", tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.tiles"))
    found = pyramid(KINDS["L.png"](tmp_path), tmp_path / "cache")
    for level, x, y in [(-1, 0, 0), (2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (0, -1, 0)]:
        with pytest.raises(NotFound):
            found.tile(level, x, y)


def test_a_further_level_of_a_deep_image_is_the_mean_of_its_stored_values(tmp_path: Path):
    path = KINDS["deep.png"](tmp_path)
    found = pyramid(path, tmp_path / "cache")
    assert found.depth is not None
    stored = np.asarray(PIL.Image.open(path))
    wanted = eight_bits(halved(stored), (found.depth.low, found.depth.high))
    assert np.array_equal(level_of(found, 1)[..., 0], wanted)
