"""Images that EXIF turns, written so that readers with and without EXIF agree; all others stay as they are."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from tator.storage.images import read_image
from tator.storage.upright import upright_copy
from tests.folders import picture

KINDS = {"jpg": 6, "png": 0, "tif": 0, "webp": 0}  # by how much a level may differ after encoding anew
RGB16, GREY16 = "rgb16.png", "grey16.png"


def scene() -> np.ndarray:
    """Return 38 x 26 pixels of smooth colours, another in each corner."""
    y, x = np.mgrid[:26, :38]
    return np.stack([x * 6, y * 9, 120 + x - y], -1).astype(np.uint8)


def turned(path: Path, orientation: int, mode: str = "RGB", **options) -> Path:
    """Write the scene with an orientation, as a camera that was held so."""
    options = {"quality": 96} | options if path.suffix == ".jpg" else options
    options = {"lossless": True} | options if path.suffix == ".webp" else options
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    exif.get_ifd(0x8769).update({0xA002: 38, 0xA003: 26})
    PIL.Image.fromarray(scene()).convert(mode).save(path, exif=exif, **options)
    return path


def as_readers_see(content: bytes) -> dict[str, np.ndarray]:
    """Return the pixels as readers with and without EXIF see them."""
    import cv2

    with PIL.Image.open(io.BytesIO(content)) as plain:
        found = {"Pillow": np.asarray(plain.convert("RGB"))}
        found["Pillow, turned"] = np.asarray(PIL.ImageOps.exif_transpose(plain).convert("RGB"))
    packed = np.frombuffer(content, np.uint8)
    for name, flags in (
        ("cv2", cv2.IMREAD_COLOR),
        ("cv2, not turned", cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION),
    ):
        found[name] = cv2.imdecode(packed, flags)[..., ::-1]
    return found


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("ending", KINDS)
def test_every_reader_sees_the_upright_picture(tmp_path: Path, orientation: int, ending: str):
    path = turned(tmp_path / f"a.{ending}", orientation)
    upright, copy = read_image(path), upright_copy(path)
    assert upright.shape[:2] == ((38, 26) if orientation >= 5 else (26, 38))
    for reader, pixels in as_readers_see(copy).items():
        assert pixels.shape == upright.shape, reader
        assert np.abs(pixels.astype(int) - upright).max() <= KINDS[ending], reader
    with PIL.Image.open(io.BytesIO(copy)) as written, PIL.Image.open(path) as given:
        assert written.format == given.format and written.mode == given.mode
        if ending != "tif":
            inner = written.getexif().get_ifd(0x8769)
            assert written.getexif()[0x010F] == "Maker" and (inner[0xA002], inner[0xA003]) == written.size


@pytest.mark.parametrize("orientation", [None, 0, 1, 9, 77])
@pytest.mark.parametrize("ending", [*KINDS, "bmp", "gif"])
def test_what_no_reader_turns_stays_as_it_is(tmp_path: Path, orientation: int | None, ending: str):
    if orientation is None or ending in ("bmp", "gif"):
        path = picture(tmp_path / f"a.{ending}")
    else:
        path = turned(tmp_path / f"a.{ending}", orientation)
    assert upright_copy(path) is None


@pytest.mark.parametrize("orientation", [3, 6, 7])
@pytest.mark.parametrize(
    "name, mode", [("a.png", "L"), ("a.png", "P"), ("a.png", "1"), ("a.png", "RGBA"), ("a.jpg", "L"), ("a.jpg", "CMYK"),
                   ("a.tif", "L"), ("a.tif", "CMYK"), ("a.tif", "F"), ("a.tif", "I;16"), ("a.webp", "RGBA")],
)  # fmt: skip
def test_mode_and_depth_are_kept(tmp_path: Path, name: str, mode: str, orientation: int):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    given = PIL.Image.fromarray(scene()).convert("L" if mode == "I;16" else mode)
    if mode == "RGBA":
        given.putalpha(PIL.Image.fromarray(scene()[..., 1]))
    if mode == "I;16":
        given = PIL.Image.fromarray(np.asarray(given).astype(np.uint16) * 200)
    given.save(tmp_path / name, exif=exif, **({"lossless": True} if name == "a.webp" else {}))
    with PIL.Image.open(io.BytesIO(upright_copy(tmp_path / name))) as written:
        expected = PIL.ImageOps.exif_transpose(PIL.Image.open(tmp_path / name))
        assert written.mode == expected.mode == mode and written.size == expected.size
        apart = np.asarray(written).astype(float) - np.asarray(expected).astype(float)
        assert np.abs(apart).max() <= (6 if name == "a.jpg" else 0)


def with_exif(content: bytes, orientation: int, is_last: bool) -> bytes:
    """Return a PNG with an orientation before or behind its pixels."""
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    packed = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    at = content.rindex(b"IEND") - 4 if is_last else 33
    return content[:at] + packed + content[at:]


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_sixteen_bits_of_a_png_stay_sixteen(tmp_path: Path, orientation: int, channels: tuple[int, ...]):
    import cv2

    pixels = np.random.default_rng(orientation).integers(0, 65536, (7, 11, *channels), dtype=np.uint16)
    plain = cv2.imencode(".png", pixels)[1].tobytes()
    (tmp_path / "a.png").write_bytes(with_exif(plain, orientation, is_last=False))
    written = cv2.imdecode(np.frombuffer(upright_copy(tmp_path / "a.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    upright = {
        2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.swapaxes(0, 1),
        6: pixels[::-1].swapaxes(0, 1), 7: pixels[::-1, ::-1].swapaxes(0, 1), 8: pixels[:, ::-1].swapaxes(0, 1),
    }[orientation]  # fmt: skip
    assert written.dtype == np.uint16 and np.array_equal(written, upright)


def test_an_orientation_that_only_some_readers_find_is_taken_out(tmp_path: Path):
    """Behind the pixels of a PNG it is not looked for when labels are made, so the pixels stay and the note goes."""
    path = picture(tmp_path / "a.png")
    pixels = read_image(path)
    path.write_bytes(with_exif(path.read_bytes(), 6, is_last=True))
    assert np.array_equal(read_image(path), pixels)
    assert all(np.array_equal(found, pixels) for found in as_readers_see(upright_copy(path)).values())


@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [60, 100])
def test_jpeg_loses_little(tmp_path: Path, sampling: int, quality: int):
    path = turned(tmp_path / "a.jpg", 6, subsampling=sampling, quality=quality)
    [pixels, *_] = as_readers_see(upright_copy(path)).values()
    assert np.abs(pixels.astype(int) - read_image(path)).mean() < 1.5


def test_damaged_exif_loses_no_image(tmp_path: Path):
    path = tmp_path / "broken.jpg"
    PIL.Image.fromarray(scene()).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 30)
    assert upright_copy(path) is None
