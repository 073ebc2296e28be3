"""Masks, polygons and run lengths, and conversions between them.

They are exact where no tolerance is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Mask, Polygon
from tator.vision.run_lengths import box_of_runs, of_crop, pack_counts, to_crop, unpack_counts

MOST_PIXELS = 200_000_000  # of a mask, as large as the largest image


def of_dense(pixels: NDArray[np.bool_], x: int = 0, y: int = 0) -> Mask | None:
    """Return a mask cropped to its pixels, or None where there are none.

    Args:
        pixels: (H, W) of the whole image, or of a part of it.
        x: left edge of that part in image pixels.
        y: top edge of that part in image pixels.
    """
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return Mask(x + int(left), y + int(top), np.ascontiguousarray(pixels[top:bottom, left:right]))


def to_dense(mask: Mask, width: int, height: int) -> NDArray[np.bool_]:
    """Return (height, width) bool of the whole image; what lies outside it is cut off."""
    dense = np.zeros((height, width), bool)
    h, w = mask.data.shape
    left, top, right, bottom = max(mask.x, 0), max(mask.y, 0), min(mask.x + w, width), min(mask.y + h, height)
    if left < right and top < bottom:
        dense[top:bottom, left:right] = mask.data[top - mask.y : bottom - mask.y, left - mask.x : right - mask.x]
    return dense


def box_of(mask: Mask) -> NDArray[np.float32]:
    """Return (4,) xyxy around the crop of a mask, pixels."""
    h, w = mask.data.shape
    return np.array([mask.x, mask.y, mask.x + w, mask.y + h], np.float32)


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that no outline could keep.

    Raises:
        BadInput: it is outside [0, 100] pixels.
    """
    if not 0 <= tolerance <= 100:
        raise BadInput(f"tolerance must be in [0, 100] pixels, is {tolerance}")


def to_polygons(mask: Mask, tolerance: float = 1.0) -> list[Polygon]:
    """Trace a mask along its pixel edges.

    There is one polygon per component: its outline first, then its holes.

    Args:
        mask: pixels of an object.
        tolerance: how far a simplified outline may lie from the exact one, in pixels; 0 keeps it exact.

    Returns:
        Polygons in image pixels, largest first.
    """
    import cv2

    # Doubled, each pixel is 2 x 2 samples: a contour through samples 2x (left side) and 2x + 1
    # (right side) rounds up to the pixel edges x and x + 1, which a contour of centres cannot give.
    doubled = np.pad(mask.data.repeat(2, 0).repeat(2, 1).astype(np.uint8), 2)
    contours, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    polygons: dict[int, Polygon] = {}
    for index in sorted(range(len(contours)), key=lambda i: int(np.ravel(tree)[4 * i + 3]) >= 0):
        parent = int(np.ravel(tree)[4 * index + 3])
        corners = _ring(np.asarray(contours[index], np.int32).reshape(-1, 2), tolerance, keep=parent < 0)
        if corners is not None:
            ring = (corners + [mask.x, mask.y]).ravel().astype(float).tolist()
            polygons.setdefault(index if parent < 0 else parent, []).append(ring)
    return sorted(polygons.values(), key=lambda rings: -ring_area(rings[0]))


def _ring(samples: NDArray[np.int32], tolerance: float, keep: bool) -> NDArray | None:
    """Return the corners of a traced ring in crop pixels.

    None for a hole that is smaller than the tolerance.
    """
    import cv2

    edges = (samples - 2 + 1) // 2  # without the padding, rounded up
    edges = edges[(edges != np.roll(edges, 1, axis=0)).any(1)]
    before, after = edges - np.roll(edges, 1, axis=0), np.roll(edges, -1, axis=0) - edges
    corners = edges[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
    if len(corners) < 3:
        corners = edges
    if tolerance <= 0:
        return corners
    simple = cv2.approxPolyDP(corners.astype(np.float32).reshape(-1, 1, 2), tolerance, closed=True).reshape(-1, 2)
    if len(simple) >= 3 and ring_area(simple.ravel().tolist()) > 0:
        return simple
    return corners if keep else None


def ring_area(ring: Sequence[float]) -> float:
    """Return the area of a flat ring x0, y0, x1, ... in square pixels."""
    return abs(signed_ring_area(ring))


def signed_ring_area(ring: Sequence[float]) -> float:
    """Return the area of a flat ring, positive where it runs clockwise on the screen.

    Source: the shoelace formula.
    """
    xs, ys = ring[0::2], ring[1::2]
    return sum(xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs))) / 2


def of_polygons(polygons: list[Polygon], width: int, height: int) -> Mask | None:
    """Return the pixels whose centres lie in a polygon and not in its holes.

    None where there are none.
    """
    rings_of = [[np.asarray(ring, np.float64).reshape(-1, 2) for ring in rings] for rings in polygons]
    corners = np.concatenate([np.zeros((0, 2)), *(ring for rings in rings_of for ring in rings)])
    if not len(corners):
        return None
    left, top = np.floor(corners.min(0)).clip(0, [width, height]).astype(int)
    right, bottom = np.ceil(corners.max(0)).clip(0, [width, height]).astype(int)
    dense = np.zeros((bottom - top, right - left), bool)  # of the part that they can reach
    for rings in rings_of:
        toggles = np.zeros((bottom - top, right - left + 1), np.int64)
        for ring in rings:
            _add_crossings(toggles, ring - [left, top])
        dense |= (np.cumsum(toggles, axis=1)[:, :-1] % 2).astype(bool)
    return of_dense(dense, int(left), int(top))


def of_outline(polygons: list[Polygon] | None, rle: dict | None) -> Mask:
    """Return the mask of an annotation's polygons or run lengths.

    It is empty where the annotation has neither.
    """
    mask = None
    if rle:
        mask = of_rle(rle)
    elif polygons:
        ends = [np.asarray(ring, np.float64).reshape(-1, 2).max(0) for rings in polygons for ring in rings]
        width, height = np.ceil(np.max(ends, axis=0)).astype(int)
        mask = of_polygons(polygons, int(width), int(height))
    return mask or Mask(0, 0, np.zeros((0, 0), bool))


def _add_crossings(toggles: NDArray[np.int64], points: NDArray[np.float64]) -> None:
    """Count where each row of pixel centres enters or leaves a ring (even-odd rule)."""
    height, width = toggles.shape[0], toggles.shape[1] - 1
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = min(y0, y1), max(y0, y1)
        rows = np.arange(max(0, int(np.ceil(low - 0.5))), min(height, int(np.ceil(high - 0.5))))
        if len(rows):
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            np.add.at(toggles, (rows, np.clip(np.ceil(x - 0.5), 0, width).astype(int)), 1)


def of_runs(width: int, height: int, counts: list[int]) -> NDArray[np.bool_]:
    """Return the (height, width) pixels of column-major run lengths, off first.

    Raises:
        BadInput: the runs do not fill the mask, or it is too large.

    Source: https://github.com/cocodataset/cocoapi, common/maskApi.h.
    """
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise BadInput(f"a mask has 1 to {MOST_PIXELS} pixels, this one is {width} x {height}")
    if any(count < 0 for count in counts) or sum(counts) != width * height:
        raise BadInput(f"counts must be at least 0 and add up to {width * height} pixels, add up to {sum(counts)}")
    runs = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return runs.reshape(width, height).T


def resized(mask: Mask, size: tuple[int, int], new: tuple[int, int]) -> Mask | None:
    """Return a mask of one image in the same image of another size.

    Every pixel takes the value of the one it lies on; None where none is left on.

    Args:
        mask: cropped to its object.
        size: (width, height) of its image.
        new: (width, height) of the resized image.
    """
    columns, rows = (np.arange(n) * old // n for old, n in zip(size, new, strict=True))
    height, width = mask.data.shape
    across = np.flatnonzero((columns >= mask.x) & (columns < mask.x + width))
    down = np.flatnonzero((rows >= mask.y) & (rows < mask.y + height))
    if not len(across) or not len(down):
        return None
    pixels = mask.data[np.ix_(rows[down] - mask.y, columns[across] - mask.x)]
    return of_dense(pixels, int(across[0]), int(down[0]))


def to_rle(mask: Mask, width: int, height: int) -> dict:
    """Return COCO run lengths of the whole image.

    The form is {"size": [height, width], "counts": str}. What lies outside the image is cut off.
    """
    return {"size": [height, width], "counts": pack_counts(of_crop(mask, width, height))}


def of_rle(rle: dict) -> Mask | None:
    """Return the mask of COCO run lengths, None where they hold no pixel.

    Raises:
        BadInput: they are no run lengths of their size.
    """
    return to_crop(_runs(rle), rle["size"][0])


def box_of_rle(rle: dict) -> tuple[float, float, float, float]:
    """Return the xyxy box around COCO run lengths, without drawing them.

    It has no area where they hold no pixel.

    Raises:
        BadInput: they are no run lengths of their size.
    """
    x1, y1, x2, y2 = box_of_runs(_runs(rle), rle["size"][0]) or (0, 0, 0, 0)
    return float(x1), float(y1), float(x2), float(y2)


def area_of_rle(rle: dict) -> int:
    """Return how many pixels of COCO run lengths are on.

    Raises:
        BadInput: they are no run lengths of their size.
    """
    return int(_runs(rle)[1::2].sum())


def _runs(rle: dict) -> NDArray[np.int64]:
    runs, (height, width) = unpack_counts(rle["counts"]), rle["size"]
    if runs.min(initial=0) < 0 or runs.sum() != width * height:
        raise BadInput(f"run lengths cover {runs.sum()} pixels; expected {width * height}")
    return runs


def fill_holes(mask: Mask, largest: float = np.inf) -> Mask:
    """Return the mask with its holes of up to `largest` square pixels filled."""
    import cv2

    background = np.pad(~mask.data, 1, constant_values=True).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    is_hole = np.array([i not in (0, labels[0, 0]) and stats[i, cv2.CC_STAT_AREA] <= largest for i in range(count)])
    return Mask(mask.x, mask.y, mask.data | is_hole[labels][1:-1, 1:-1])
