"""Write images that EXIF turns anew, upright, for readers that know no EXIF."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import PIL.Image

from tator.storage.deep_colours import deep_colours, encoded, has_deep_colours, turned
from tator.storage.images import _DECODE_ERRORS, _UPRIGHT, ORIENTATION_TAG, _opened, _orientation, _size
from tator.types import BadInput

QUALITY, BEST = 95, 100  # of JPEG and WebP
FINE = 400  # sum of a quantization table that is as fine as that of QUALITY, or finer
EXIF_IFD, WIDTH_TAG, HEIGHT_TAG = 0x8769, 0xA002, 0xA003
HEAD = 1 << 12  # bytes of a file in which it says what it is
APP1, PIXELS = 0xE1, 0xDA  # segments of a JPEG
ENDS = 1 << 16  # bytes at either end of a file in which its chunks are looked for
LOSSLESS_TIFF = frozenset("raw packbits tiff_lzw tiff_deflate tiff_adobe_deflate group3 group4".split())
# What a report says of such images, after their number.
TURNED = "images that EXIF turns are written upright, encoded anew: not every reader turns them"
NOT_TURNED = "images are turned by EXIF: labels are made for the upright picture, which not every reader shows"
PNG_MARKS = (b"eXIf", b"Raw profile type exif", b"com.adobe.xmp")
WEBP_TELLS = 0x0C  # bits of a WebP's header: EXIF and XMP follow


def upright_copy(path: Path) -> bytes | None:
    """Return an image whose orientation is in its pixels, as a file of the same kind.

    None where the file tells no orientation, so that it can stay as it is. Depth, mode, colour profile and other EXIF are
    kept. PNG, TIFF and lossless WebP lose nothing; JPEG is encoded with quality 95, or 100 where the file is that fine, and
    its own subsampling. Of several pages the first is written.

    Raises:
        BadInput: the image cannot be read.
    """
    if not _may_tell(path):
        return None
    with _opened(path) as picture:
        kind, orientation, size = picture.format or "", _orientation(picture), _size(picture)  # as labels have it
        is_deep = has_deep_colours(picture)
        if not _tells_turn(picture):
            return None
        if is_deep:
            return _deep_upright(path, kind, orientation)
        turn, exif = _UPRIGHT.get(orientation), _exif_without_turn(picture, size)
        options = _options(picture, path, turn)
        picture.seek(0)
        picture.load()
        pixels = picture.copy() if turn is None else picture.transpose(turn)
        pixels.info = {key: value for key, value in picture.info.items() if key == "transparency"}
        file = io.BytesIO()
        pixels.save(file, "JPEG" if kind == "MPO" else kind, **options, **({"exif": exif} if exif else {}))
        return file.getvalue()


def tells_turn(path: Path) -> bool:
    """Return whether a file tells an orientation, so that some reader may turn it.

    Raises:
        BadInput: the image cannot be read.
    """
    if not _may_tell(path):
        return False
    with _opened(path) as picture:
        return _tells_turn(picture)


def _may_tell(path: Path) -> bool:
    """Return False where a file's ends show that it tells no orientation.

    Pillow would decode every PNG to look for EXIF behind its pixels.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            if head.startswith(b"\x89PNG"):
                head += file.read(ENDS)
                file.seek(max(os.fstat(file.fileno()).st_size - ENDS, 0))
                return any(mark in head for mark in PNG_MARKS) or b"eXIf" in file.read(ENDS)
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror})") from error
    if head.startswith(b"\xff\xd8"):
        return _may_hold_app1(head)
    if head.startswith(b"RIFF"):
        return head[12:16] == b"VP8X" and bool(head[20] & WEBP_TELLS)
    return head.startswith((b"II", b"MM"))


def _may_hold_app1(head: bytes) -> bool:
    """Return False where all segments before a JPEG's pixels are none of EXIF or XMP.

    Source: ITU-T T.81, annex B.1.1.
    """
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF and head[at + 1] != APP1:
        if head[at + 1] == PIXELS:
            return False
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return True


def _tells_turn(picture: PIL.Image.Image) -> bool:
    value = picture.getexif().get(ORIENTATION_TAG, 1)
    return isinstance(value, int) and 2 <= value <= 8


def _exif_without_turn(picture: PIL.Image.Image, size: tuple[int, int]) -> bytes:
    """Return the EXIF of a picture for its upright copy.

    b"" where there is nothing else in it, or where it is broken.
    """
    if picture.format == "TIFF":  # its EXIF are the tags that describe its pixels
        return b""
    try:
        exif = picture.getexif()
        exif.pop(ORIENTATION_TAG, None)
        inner = exif.get_ifd(EXIF_IFD)
        if WIDTH_TAG in inner:
            inner[WIDTH_TAG], inner[HEIGHT_TAG] = size
        return exif.tobytes() if len(exif) else b""
    except _DECODE_ERRORS:
        return b""


def _options(picture: PIL.Image.Image, path: Path, turn: Any) -> dict[str, Any]:
    """Return how the copy is encoded."""
    info, kind = picture.info, picture.format
    options = {name: info[name] for name in ("icc_profile", "dpi") if info.get(name)}
    if kind in ("JPEG", "MPO"):
        return options | _jpeg(picture, turn)
    if kind == "TIFF":
        found = info.get("compression", "raw")
        return options | {"compression": found if found in LOSSLESS_TIFF else "tiff_adobe_deflate"}
    if kind == "WEBP":
        with open(path, "rb") as file:
            is_lossless = b"VP8L" in file.read(ENDS)
        return options | ({"lossless": True, "exact": True} if is_lossless else {"quality": QUALITY})
    return options


def _jpeg(picture: PIL.Image.Image, turn: Any) -> dict[str, Any]:
    from PIL.JpegImagePlugin import get_sampling

    tables = getattr(picture, "quantization", {})
    is_fine = any(sum(table) < FINE for table in tables.values())
    sampling = get_sampling(picture)
    is_kept = sampling in (0, 2) or sampling == 1 and turn in (None, *_SAME_SIDES)  # 4:2:2 on its side has no name
    subsampling = {"subsampling": sampling if is_kept else 0} if len(picture.getbands()) == 3 else {}
    progressive = bool(picture.info.get("progressive") or picture.info.get("progression"))
    return {"quality": BEST if is_fine else QUALITY, "progressive": progressive} | subsampling


_SAME_SIDES = tuple(_UPRIGHT[orientation] for orientation in (2, 3, 4))


def _deep_upright(path: Path, kind: str, orientation: int) -> bytes:
    """Return a PNG or TIFF with colours of 16 bits upright."""
    return encoded(turned(deep_colours(path), orientation), ".tif" if kind == "TIFF" else ".png")
