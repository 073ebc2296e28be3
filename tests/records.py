"""Write TFRecord files with one box of a cat a record, for tests that put something odd into one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tator.formats._mask_png import write_mask
from tator.formats._records import floats, texts, write_example


def record(file, name: str, content: bytes = b"", **more: bytes) -> None:
    """Write a record with one box of a cat."""
    sides = zip(("xmin", "ymin", "xmax", "ymax"), (0.25, 0.25, 0.5, 0.5), strict=True)
    found = {f"image/object/bbox/{side}": floats([value]) for side, value in sides}
    found |= {"image/filename": texts(name), "image/object/class/text": texts("cat")}
    found |= {"image/encoded": texts(content)} if content else {}
    write_example(file, found | {key.replace("_", "/"): value for key, value in more.items()})


def png(size=(64, 48), **options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(file, options.pop("format", "PNG"), **options)
    return file.getvalue()


def mask_png(shape=(48, 64), on: bool = True) -> bytes:
    pixels = np.zeros(shape, bool)
    pixels[14:20, 18:30] = on
    return write_mask(pixels)
