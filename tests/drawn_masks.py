"""Mask pictures of a cat and a dog for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

SIZE = (40, 30)
CAT, DOG = (5, 4, 20, 12), (10, 15, 36, 28)
BOTH = [("cat", *CAT), ("dog", *DOG)]
ROWS = {0: "background", 1: "cat", 2: "dog"}
COLOURS = {0: (0, 0, 0), 1: (128, 64, 0), 2: (64, 0, 128)}


def ids(cat: int = 1, dog: int = 2, dtype=np.uint8) -> np.ndarray:
    """Return (30, 40) values: a cat and a dog on 0, with a border of 255 around the cat where values are bytes."""
    found = np.zeros((SIZE[1], SIZE[0]), dtype)
    if dtype == np.uint8:
        found[3:13, 4:21] = 255
    found[4:12, 5:20], found[15:28, 10:36] = cat, dog
    return found


def coloured(values: np.ndarray) -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)
    for value, colour in COLOURS.items():
        table[value] = colour
    table[255] = (224, 224, 192)
    return table[values]


def save(path: Path, values: np.ndarray, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "RGB":
        found = PIL.Image.fromarray(coloured(values))
    else:
        found = PIL.Image.fromarray(values)
    if mode == "P":
        found = found.convert("P")
        found.putpalette(coloured(np.arange(256, dtype=np.uint8)).ravel().tolist())
    found.save(path)
