"""Objects drawn into mask pictures: one of classes, one of objects' numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.formats import Label
from tator.formats._mask_meaning import BORDER, voc_colour
from tator.formats._mask_parts import extents
from tator.formats._shapes import mask_of
from tator.formats.writing import Output, Written
from tator.types import Mask

MOST_INDEXED = 254  # numbers that a palette holds beside 0, nothing, and 255, the border
Numbers = NDArray[np.uint16]


def number_of(row: int) -> int:
    """Return the number of a class or object in masks; 255 is left for borders."""
    return row + 1 if row < MOST_INDEXED else row + 2


def colour_of(row: int) -> tuple[int, int, int]:
    """Return the red, green and blue of a class or object in masks."""
    colour = voc_colour(number_of(row))
    return colour >> 16, colour >> 8 & 255, colour & 255


def drawn(image: Written, out: Output) -> tuple[Numbers, Numbers]:
    """Return (H, W) rows of classes and of objects of an image, from 1; 0 is nothing.

    What lies on top covers the rest: a higher z, else a smaller object. What is covered is counted.
    """
    objects = np.zeros((image.height, image.width), np.uint16)
    found = [(at, mask) for at, label in enumerate(image.labels, 1) if (mask := _mask(label, image, out)) is not None]
    areas = {at: int(mask.data.sum()) for at, mask in found}
    for at, mask in sorted(found, key=lambda pair: (_z(image.labels[pair[0] - 1]), -areas[pair[0]])):
        height, width = mask.data.shape
        objects[mask.y : mask.y + height, mask.x : mask.x + width][mask.data] = at
    seen = extents(objects)
    for at, area in areas.items():
        if at not in seen:
            out.notes["objects are left out: others cover them whole"] += 1
        elif seen[at].area < area:
            out.notes["objects are partly covered by others: a pixel of a mask has one object"] += 1
    rows = np.array([0, *(label.class_index + 1 for label in image.labels)], np.uint16)
    return rows[objects], objects


def _z(label: Label) -> int:
    return (label.attributes or {}).get("z", 0)


def _mask(label: Label, image: Written, out: Output) -> Mask | None:
    """Return an object's pixels; None after counting that it has none.

    Of a bare box they are all.
    """
    if label.polygons or label.rle:
        mask = mask_of(label, image.width, image.height)
        if label.polygons:
            out.notes["outlines are written as masks of whole pixels"] += 1
    else:
        out.notes["boxes without an outline are written as filled rectangles"] += 1
        x1, y1, x2, y2 = (round(value) for value in label.xyxy)
        x, y = min(x1, image.width - 1), min(y1, image.height - 1)
        mask = Mask(x, y, np.ones((max(y2 - y, 1), max(x2 - x, 1)), bool))
    if mask is None:
        out.notes["objects are left out: they hold the middle of no pixel"] += 1
    return mask


def picture(rows: Numbers, count: int) -> bytes:
    """Return rows as a PNG in VOC's colours, with a palette where that holds them.

    Args:
        rows: (H, W), from 1; 0 is nothing.
        count: of rows that there may be.
    """
    colours = [(0, 0, 0), *map(colour_of, range(count))]
    if count <= MOST_INDEXED:
        found = PIL.Image.fromarray(rows.astype(np.uint8))
        found.putpalette(_palette(colours))
    else:
        found = PIL.Image.fromarray(np.array(colours, np.uint8)[rows])
    file = io.BytesIO()
    found.save(file, "PNG")
    return file.getvalue()


def _palette(colours: Sequence[tuple[int, int, int]]) -> list[int]:
    """Return the 256 colours of a palette, flat; the last is that of borders."""
    border = (BORDER >> 16, BORDER >> 8 & 255, BORDER & 255)
    whole = [*colours, *[(0, 0, 0)] * (255 - len(colours)), border]
    return [channel for colour in whole for channel in colour]
