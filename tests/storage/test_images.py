"""T32-T35: image files of every depth, colour space and orientation; bombs and damage refused by name."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.storage.images import PIXEL_LIMIT, probe, read_image, sha256, thumbnail, viewable
from tator.types import BadInput

RED, GREEN, BLUE, WHITE = (250, 10, 10), (10, 250, 10), (10, 10, 250), (255, 255, 255)


def quarters(size=(40, 20)) -> np.ndarray:
    """Return a picture with red, green over blue, white: every turn of it differs."""
    w, h = size
    out = np.zeros((h, w, 3), np.uint8)
    out[: h // 2, : w // 2], out[: h // 2, w // 2 :], out[h // 2 :, : w // 2], out[h // 2 :, w // 2 :] = (
        RED,
        GREEN,
        BLUE,
        WHITE,
    )
    return out


def corner_colors(pixels: np.ndarray) -> list[tuple]:
    return [tuple(int(v > 128) for v in pixels[y, x]) for y in (2, -3) for x in (2, -3)]


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size, with a little pixel data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "size", [(50_000, 50_000), (65_000, 65_000), (2**31 - 1, 2), (1, PIXEL_LIMIT + 1), (20_001, 20_000)]
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_t32_pixel_bombs_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int]):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*size))
    for read in (
        probe,
        read_image,
        lambda p: thumbnail(p, tmp_path / "cache"),
        lambda p: viewable(p, tmp_path / "cache"),
    ):
        with pytest.raises(BadInput, match="bomb.png"):
            read(path)
    assert not list((tmp_path / "cache").rglob("*.*"))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_t33_truncated_images_are_refused_by_name(tmp_path: Path, kind: str, share: float):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)).save(buffer, kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
    for read in (probe, read_image):
        with pytest.raises(BadInput, match=r"cut\."):
            read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"\xff\xd8\xff",
        b"MZ" + bytes(100),
        b"%PDF-1.4",
        b"%!PS-Adobe",
        b"II*\0" + b"\xff" * 40,
    ],
)
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes):
    path = tmp_path / "fake.jpg"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="fake.jpg"):
        probe(path)
    with pytest.raises(BadInput, match="fake.jpg"):
        read_image(path)


def test_missing_files_are_named(tmp_path: Path):
    for read in (probe, read_image, sha256, lambda p: thumbnail(p, tmp_path)):
        with pytest.raises(BadInput, match="gone.jpg"):
            read(tmp_path / "gone.jpg")


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_t35_exif_orientation(tmp_path: Path, orientation: int, ending: str):
    """The pixels are stored as each orientation says, so reading must always give the upright picture back."""
    upright = Image.fromarray(quarters())
    back = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    stored = upright.transpose(Image.Transpose[back[orientation]]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{ending}"
    stored.save(path, exif=exif, **({"lossless": True} if ending == "webp" else {}))
    assert probe(path) == (40, 20)
    assert read_image(path).shape == (20, 40, 3)
    assert corner_colors(read_image(path)) == corner_colors(quarters())
    with Image.open(thumbnail(path, tmp_path / "cache", size=20)) as small:
        assert small.size == (20, 10)
    with Image.open(viewable(path, tmp_path / "cache")) as shown:
        assert corner_colors(np.asarray(shown.convert("RGB"))) == corner_colors(quarters())
        assert shown.getexif().get(0x0112, 1) in (0, 1, 9)


def test_broken_exif_is_no_reason_to_lose_the_image(tmp_path: Path):
    path = tmp_path / "a.jpg"
    Image.fromarray(quarters()).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 30)
    assert probe(path) == (40, 20) and read_image(path).shape == (20, 40, 3)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_t34_sixteen_bit_is_scaled_not_clipped(tmp_path: Path, kind: str):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, -1).repeat(8, 0)
    Image.fromarray(ramp).save(tmp_path / f"deep.{kind}")
    read = read_image(tmp_path / f"deep.{kind}")
    assert np.abs(read[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_t34_float_and_32_bit_images_span_their_range(tmp_path: Path):
    values = np.array([[0.0, 0.5], [1.0, np.nan]], np.float32)
    Image.fromarray(values).save(tmp_path / "f.tif")
    assert read_image(tmp_path / "f.tif")[..., 0].tolist() == [[0, 128], [255, 0]]
    Image.fromarray(np.array([[-100_000, 0], [100_000, 0]], np.int32)).save(tmp_path / "i.tif")
    assert read_image(tmp_path / "i.tif")[..., 0].tolist() == [[0, 128], [255, 128]]


def test_t34_cmyk(tmp_path: Path):
    Image.fromarray(quarters((64, 64))).convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    assert corner_colors(read_image(tmp_path / "c.jpg")) == corner_colors(quarters())


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_t34_transparency_is_laid_on_white(tmp_path: Path, mode: str):
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (4, 0, 8, 8))
    path = tmp_path / "t.png"
    if mode in ("P", "PA"):
        flat = Image.new("P", (8, 8), 0)
        flat.putpalette([9, 9, 9, 0, 0, 0])
        flat.paste(1, (4, 0, 8, 8))
        flat.save(path, transparency=0)
    else:
        clear.convert(mode).save(path)
    read = read_image(path)
    assert read[4, 1].tolist() == [255, 255, 255] and read[4, 6].max() < 5


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LAB"])
def test_t34_other_modes_become_rgb(tmp_path: Path, mode: str):
    path = tmp_path / ("m.tif" if mode == "LAB" else "m.png")
    picture = Image.new("LAB", (8, 8), (128, 128, 128)) if mode == "LAB" else Image.fromarray(quarters()).convert(mode)
    picture.save(path)
    assert read_image(path).dtype == np.uint8 and read_image(path).shape[2] == 3


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_t34_animated_images_give_their_first_frame(tmp_path: Path, kind: str):
    frames = [Image.new("RGB", (16, 16), color) for color in (RED, GREEN, BLUE)]
    path = tmp_path / f"film.{kind}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert corner_colors(read_image(path)) == [(1, 0, 0)] * 4
    assert probe(path) == (16, 16)


def test_thumbnails_follow_the_file_and_failures_are_not_cached(tmp_path: Path):
    path, cache = tmp_path / "a.png", tmp_path / "cache"
    path.write_bytes(b"broken")
    with pytest.raises(BadInput):
        thumbnail(path, cache)
    Image.new("RGB", (600, 300), RED).save(path)
    first = thumbnail(path, cache)
    with Image.open(first) as small:
        assert small.size == (256, 128)
    assert thumbnail(path, cache) == first
    Image.new("RGB", (500, 500), BLUE).save(path)
    second = thumbnail(path, cache)
    assert second != first
    with Image.open(second) as small:
        assert small.size == (256, 256) and small.getpixel((5, 5))[2] > 200
    assert not [p for p in cache.rglob("*") if p.suffix == ".part"]


def test_plain_files_are_shown_as_they_are(tmp_path: Path):
    Image.fromarray(quarters()).save(tmp_path / "a.jpg")
    Image.fromarray(quarters()).save(tmp_path / "a.png")
    assert viewable(tmp_path / "a.jpg", tmp_path / "cache") == tmp_path / "a.jpg"
    assert viewable(tmp_path / "a.png", tmp_path / "cache") == tmp_path / "a.png"


def test_ultralytics_in_the_same_process_changes_nothing(tmp_path: Path):
    """It swaps PIL.Image.open for one that tries to install a package at the first file that is no image."""
    import subprocess
    import sys

    (tmp_path / "fake.jpg").write_bytes(b"no image")
    code = (
        "from pathlib import Path; from tator.storage.images import probe; from tator.types import BadInput; import PIL.Image; "
        f"PIL.Image.open = None\ntry: probe(Path({str(tmp_path / 'fake.jpg')!r}))\nexcept BadInput as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert "fake.jpg: not an image" in run.stdout, run.stderr
