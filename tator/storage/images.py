"""Read image files safely: size, pixels, thumbnails and what a browser can show."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
from PIL.Image import open as open_picture  # bound here: ultralytics swaps PIL.Image.open for one that runs pip

from tator.storage.atomic import replacing
from tator.storage.caches import Cache, register_cache
from tator.storage.deep_colours import deep_colours, has_deep_colours, shown_colours
from tator.storage.depth import ROWS, Range, eight_bits
from tator.types import BadInput, Image

PIXEL_LIMIT = 400_000_000  # 1.2 GB as RGB: above any camera, below what takes a 4 GB machine down
LARGE = 50_000_000  # pixels; assets/canvas/drawing/bitmaps.js has the same number
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
EXTENSIONS = frozenset(".jpg .jpeg .jpe .jfif .mpo .png .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .pnm".split())
UNREADABLE = frozenset(
    ".heic .heif .avif .jp2 .j2k .jxl .psd .raw .cr2 .nef .arw .dng .exr .hdr .tga .eps .ico".split()
)
ACTIVE = frozenset(".svg .svgz .html .htm .xhtml .shtml .js .mjs .xht .hta".split())  # a browser would run them

PNG_HEAD = 1 << 16  # bytes: the chunk that tells of frames stands before the pixels, after colour profile and texts
PAGED = frozenset(".gif .png .webp .tif .tiff".split())  # of kinds that may hold several pages or frames

MEDIA = register_cache(Cache("media", "Copies of images that browsers cannot show as they are."))
THUMBS = register_cache(Cache("thumbs", "Small pictures of images for lists and strips."))

SMALL = 256  # pixels of the longer side of a thumbnail
ORIENTATION_TAG = 0x0112
_UPRIGHT = {  # EXIF orientation -> Pillow's transposition that makes the picture upright
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
_LOSSY = ("JPEG", "MPO")
_one = threading.Lock()  # held while a large picture is decoded
_SHOWN_BY_BROWSERS = {"JPEG", "PNG", "GIF", "WEBP"}
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    PIL.Image.DecompressionBombError,
)


@contextmanager
def one_large(picture: PIL.Image.Image) -> Iterator[None]:
    """Let one large picture at a time be decoded; several would fill the memory."""
    with _one if picture.width * picture.height > LARGE else nullcontext():
        yield


@contextmanager
def _opened(path: Path) -> Iterator[PIL.Image.Image]:
    """Open a picture without decoding it.

    Whatever Pillow throws becomes a BadInput that names the file.
    """
    # Pillow refuses above twice this number; its own default would refuse honest 200-megapixel scans.
    PIL.Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT // 2
    try:
        with open_picture(path, formats=FORMATS) as picture:  # JPEG's reader opens MPO too
            width, height = picture.size
            if width * height > PIXEL_LIMIT:
                raise BadInput(
                    f"{path.name}: {width} x {height} pixels, the limit is {PIXEL_LIMIT // 10**6} megapixels"
                )
            if not width or not height:
                raise BadInput(f"{path.name}: has no pixels")
            yield picture
    except PIL.Image.DecompressionBombError as error:
        raise BadInput(f"{path.name}: too large, the limit is {PIXEL_LIMIT // 10**6} megapixels") from error
    except PIL.UnidentifiedImageError as error:
        raise BadInput(f"{path.name}: not an image of a known format ({', '.join(FORMATS)})") from error
    except FileNotFoundError as error:
        raise BadInput(f"{path.name}: the file is missing") from error
    except _DECODE_ERRORS as error:
        raise BadInput(f"{path.name}: cannot be decoded ({error or type(error).__name__})") from error


def _orientation(picture: PIL.Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, that is still to be applied.

    Anything else counts as 1.

    PNG's is read only where it precedes the pixels: looking further would decode the file.
    Pillow turns TIFF itself, size included.
    """
    if not picture.info.get("exif") or picture.format == "TIFF":
        return 1
    value = picture.getexif().get(ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _size(picture: PIL.Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if _orientation(picture) >= 5 else (width, height)


def _ends_well(path: Path, kind: str | None) -> bool:
    """Return whether the file's tail shows that it is whole.

    False means only that the file must be decoded to know.
    """
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - 64))
        tail = file.read()
        if kind == "WEBP":
            file.seek(4)
            return size >= struct.unpack("<I", file.read(4))[0] + 8
    if kind in ("JPEG", "MPO"):
        return tail.rstrip(b"\0\r\n").endswith(b"\xff\xd9")
    return b"IEND" in tail if kind == "PNG" else kind == "GIF" and b"\x3b" in tail[-4:]


def probe(path: Path) -> tuple[int, int]:
    """Return (width, height) after EXIF orientation.

    Only files that look cut off are decoded.

    Raises:
        BadInput: not an image, over PIXEL_LIMIT, damaged or missing; the text says which.
    """
    with _opened(path) as picture:
        if not _ends_well(path, picture.format):
            picture.load()
        return _size(picture)


def count_pages(path: Path) -> int:
    """Return how many pages or frames a file has, found without decoding pixels.

    A photo with a preview or depth map beside it (MPO) counts as one.

    Raises:
        BadInput: the file cannot be read.
    """
    if path.suffix.lower() not in PAGED or not _may_move(path):
        return 1
    with _opened(path) as picture:
        return 1 if picture.format in _LOSSY else int(getattr(picture, "n_frames", 1))


def _may_move(path: Path) -> bool:
    """Return False for a PNG that holds one picture, as nearly all do."""
    with open(path, "rb") as file:
        head = file.read(PNG_HEAD)
    return not head.startswith(b"\x89PNG") or b"acTL" in head


def read_image(path: Path) -> Image:
    """Return an image's first frame as (H, W, 3) uint8 RGB, upright.

    EXIF orientation is applied, transparency is put on white, deep grey values are shown by their own range.

    Raises:
        BadInput: not an image, over PIXEL_LIMIT, damaged or missing.
    """
    with _opened(path) as picture:
        return _pixels(_upright_rgb(picture))


def _pixels(picture: PIL.Image.Image) -> Image:
    """Return the pixels of an RGB picture; NumPy would hold a large one three times."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, ROWS):
        bottom = min(top + ROWS, picture.height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    return pixels


def _upright_rgb(picture: PIL.Image.Image, shown: Range | None = None) -> PIL.Image.Image:
    turn = _UPRIGHT.get(_orientation(picture))
    with one_large(picture):
        flat = _flat(picture, shown)
    return flat if turn is None else flat.transpose(turn)


def _flat(picture: PIL.Image.Image, shown: Range | None) -> PIL.Image.Image:
    """Decode a picture to RGB in its own frame."""
    picture.seek(0)
    if has_deep_colours(picture):
        return PIL.Image.fromarray(shown_colours(deep_colours(Path(picture.filename)), shown))  # type: ignore[attr-defined]
    picture.load()
    return _rgb(picture, shown)


def _rgb(picture: PIL.Image.Image, shown: Range | None) -> PIL.Image.Image:
    """Convert any mode to RGB without clipping depth or showing hidden colours."""
    if _is_deep(picture):
        return PIL.Image.fromarray(eight_bits(np.asarray(picture), shown)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        paper = PIL.Image.new("RGBA", layered.size, "white")
        return PIL.Image.alpha_composite(paper, layered).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _is_deep(picture: PIL.Image.Image) -> bool:
    return picture.mode.startswith(("I", "F")) or has_deep_colours(picture)


def _cached(path: Path, folder: Path, key: str, suffix: str, write: Callable[[BinaryIO], None]) -> Path:
    """Return a derived file, made once for each content; a failure leaves nothing.

    A file's content is told by its path, size and time of change.
    """
    target = _place(path, folder, key, suffix)
    if target.exists():
        return target
    with replacing(target) as part, part.open("wb") as file:
        write(file)
    return target


def _place(path: Path, folder: Path, key: str, suffix: str) -> Path:
    """Return where a derived file lies.

    Raises:
        BadInput: the file that it comes from is missing.
    """
    try:
        facts = path.stat()
    except OSError as error:
        raise BadInput(f"{path.name}: the file is missing") from error
    name = hashlib.sha256(f"{path}|{facts.st_mtime_ns}|{facts.st_size}|{key}".encode()).hexdigest()[:40]
    return folder / name[:2] / f"{name}{suffix}"


def thumbnail(path: Path, cache_folder: Path, key: str = "", size: int = SMALL) -> Path:
    """Return a small upright JPEG of an image from the cache.

    Args:
        path: image file.
        cache_folder: where thumbnails are kept; safe to delete.
        key: anything else the answer depends on; may be empty.
        size: longest side in pixels.

    Raises:
        BadInput: the image cannot be read; that is never cached.
    """

    def write(file: BinaryIO) -> None:
        with _opened(path) as picture:
            picture.draft("RGB", (2 * size, 2 * size))  # JPEG decodes straight to a fraction: 5 to 10 times faster
            small = _upright_rgb(picture)
        small.thumbnail((size, size), PIL.Image.Resampling.LANCZOS)
        small.save(file, "JPEG", quality=85)

    return _cached(path, cache_folder, f"thumb|{size}|{key}", ".jpg", write)


def shrinks_quickly(path: Path) -> bool:
    """Return whether a small picture of an image takes much less than the image.

    Raises:
        BadInput: the file cannot be read.
    """
    with _opened(path) as picture:
        return picture.format in _LOSSY  # JPEG decodes straight to a fraction


def viewable(path: Path, cache_folder: Path, key: str = "", shown: Range | None = None) -> Path:
    """Return a file that every browser draws with the pixels of `read_image`.

    The file itself where it is upright 8-bit JPEG, PNG, GIF or WebP; else (TIFF, deep,
    CMYK, rotated, transparent) an upright PNG or JPEG from the cache.

    Args:
        path: image file.
        cache_folder: where copies are kept; safe to delete.
        key: anything else the answer depends on; may be empty.
        shown: values that become black and white; None is the image's own range. Only deep images have one.

    Raises:
        BadInput: the image cannot be read; that is never cached.
    """
    with _opened(path) as picture:
        if picture.format in _SHOWN_BY_BROWSERS and _is_plain(picture):
            return path
        lossy = picture.format in _LOSSY
        depth = f"{shown or 'own range'}|" if _is_deep(picture) else ""

    def write(file: BinaryIO) -> None:
        with _opened(path) as picture:
            _save_upright(picture, file, shown)

    return _cached(path, cache_folder, f"view|{depth}{key}", ".jpg" if lossy else ".png", write)


def _is_plain(picture: PIL.Image.Image) -> bool:
    """Return whether every decoder gives the same pixels.

    So it is with one upright frame of 8 bits without transparency.
    """
    still = getattr(picture, "n_frames", 1) == 1
    plain = picture.mode in ("RGB", "L", "P", "1") and "transparency" not in picture.info and not _is_deep(picture)
    return plain and still and _orientation(picture) == 1


def _save_upright(picture: PIL.Image.Image, file: BinaryIO, shown: Range | None = None) -> None:
    lossy = picture.format in _LOSSY
    upright = _upright_rgb(picture, shown)
    upright.save(file, "JPEG", quality=95) if lossy else upright.save(file, "PNG", compress_level=1)


def portable(path: Path) -> tuple[bytes, str, bool]:
    """Return a JPEG or PNG that every decoder shows alike.

    With it come "jpeg" or "png", and whether the bytes are the file's own.

    Files of other kinds, deep, turned by EXIF, transparent or animated ones are encoded anew: upright, their first frame.

    Raises:
        BadInput: the image cannot be read.
    """
    with _opened(path) as picture:
        if picture.format in ("JPEG", "PNG") and _is_plain(picture):
            return path.read_bytes(), picture.format.lower(), True
        file, kind = io.BytesIO(), "jpeg" if picture.format in _LOSSY else "png"
        _save_upright(picture, file)
    return file.getvalue(), kind, False


def sha256(path: Path) -> str:
    """Return the hex digest of a file's bytes.

    Raises:
        BadInput: the file is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror})") from error


def small_grey(path: Path, side: int) -> tuple[np.ndarray, int]:
    """Return an image as (side, side) float32 grey levels in [0, 255].

    It is the upright first frame. With it comes the EXIF orientation, 1 to 8.

    Raises:
        BadInput: the image cannot be read.
    """
    with _opened(path) as picture:
        picture.draft("L", (side * 4, side * 4))
        orientation = _orientation(picture)
        small = _upright_rgb(picture).convert("L").resize((side, side), PIL.Image.Resampling.BOX)
        return np.asarray(small, np.float32), orientation
