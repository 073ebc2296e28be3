"""Tiles: the squares that a large image is cut into.

Also the part of an object that lies in one of them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Mask, Polygon
from tator.vision.masks import of_dense

OVERLAP = 0.2  # of the size: what SAHI takes, https://github.com/obss/sahi
MOST_OVERLAP = 0.9  # above, a tile moves on by so little that an image has hundreds of times its pixels
MOST_TILES = 10_000  # of one image: 400 megapixels in tiles of 256 pixels with the usual overlap
SMALLEST_AREA = 1e-3  # square pixels: less is what rounding leaves of an edge, no part of an object
DECIMALS = 4  # of a coordinate, as importers keep them

Tile = Sequence[int] | NDArray[np.int64]  # left, top, right, bottom in whole pixels, right and bottom exclusive


def tiles_of(width: int, height: int, size: int, overlap: float = OVERLAP) -> NDArray[np.int64]:
    """Return the tiles that cover an image, row by row.

    (N, 4) xyxy in whole pixels.

    Each is a square, the last of a row or column aligned to the edge; where the image is
    smaller than a tile, the tile is as wide or as high as the image.

    Args:
        width: of the image in pixels.
        height: of the image in pixels.
        size: of a tile's side in pixels, at least 1.
        overlap: share of its side that a tile shares with the next, 0 to MOST_OVERLAP.

    Raises:
        BadInput: a size or overlap out of range, or more than MOST_TILES tiles.
    """
    if size < 1 or not 0 <= overlap <= MOST_OVERLAP:
        raise BadInput(
            f"tiles need 1 pixel or more and an overlap from 0 to {MOST_OVERLAP:g}, not {size} and {overlap:g}"
        )
    stride = size - int(size * overlap)
    across, down = (1 + max(0, -(-(length - size) // stride)) for length in (width, height))
    if across * down > MOST_TILES:
        told = f"{width} x {height} pixels make {across * down:,} tiles of {size}"
        raise BadInput(f"{told}, the limit is {MOST_TILES:,}; choose larger tiles or less overlap")
    top, left = np.meshgrid(_starts(height, size, stride, down), _starts(width, size, stride, across), indexing="ij")
    corners = np.stack([left, top, left + min(size, width), top + min(size, height)], axis=-1)
    return corners.reshape(-1, 4)


def _starts(length: int, size: int, stride: int, count: int) -> NDArray[np.int64]:
    return np.minimum(np.arange(count, dtype=np.int64) * stride, max(length - size, 0))


def touched(tiles: NDArray[np.int64], xyxy: Sequence[float]) -> NDArray[np.int64]:
    """Return the rows of the (N, 4) tiles that share area with a box."""
    low, high = np.maximum(tiles[:, :2], xyxy[:2]), np.minimum(tiles[:, 2:], xyxy[2:])
    return np.flatnonzero((low < high).all(axis=1))


def clip_box(xyxy: Sequence[float], tile: Tile) -> tuple[float, float, float, float]:
    """Return the part of a box that lies in a tile it touches, in the tile's pixels."""
    left, top, right, bottom = map(float, tile)
    x1, y1, x2, y2 = map(float, xyxy)
    return (
        round(max(x1, left) - left, DECIMALS),
        round(max(y1, top) - top, DECIMALS),
        round(min(x2, right) - left, DECIMALS),
        round(min(y2, bottom) - top, DECIMALS),
    )


def move_polygons(polygons: Sequence[Polygon], tile: Tile) -> list[Polygon]:
    """Return polygons of the image in a tile's pixels, uncut."""
    return [[_flat(np.reshape(ring, (-1, 2)), tile) for ring in polygon] for polygon in polygons]


def outline_of(polygons: Sequence[Polygon]) -> Any:
    """Return polygons as one shapely geometry of the same area.

    It is clipped by `clip_outline`.

    Rings that cross themselves count by the even-odd rule, as masks.of_polygons has it.
    """
    import shapely

    parts = [_even_odd([shapely.Polygon(np.reshape(ring, (-1, 2))) for ring in polygon]) for polygon in polygons]
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _even_odd(rings: list[Any]) -> Any:
    """Return the area that lies in an odd number of rings."""
    import shapely

    plain = shapely.Polygon(rings[0].exterior, [ring.exterior for ring in rings[1:]])
    if plain.is_valid:
        return plain
    return functools.reduce(shapely.symmetric_difference, map(shapely.make_valid, rings))


def clip_outline(outline: Any, tile: Tile) -> tuple[list[Polygon], float]:
    """Return the part of an outline that lies in a tile, and its area.

    The part is in the tile's pixels, the area in square pixels.

    Concave outlines may fall into several parts; holes stay, or become part of the edge.
    """
    import shapely

    found = shapely.get_parts(shapely.intersection(outline, shapely.box(*map(float, tile))))
    inner = [part for part in _surfaces(found) if part.area > SMALLEST_AREA]
    polygons = [
        [_flat(shapely.get_coordinates(ring)[:-1], tile) for ring in (part.exterior, *part.interiors)] for part in inner
    ]
    return polygons, sum(part.area for part in inner)


def _surfaces(parts: Sequence[Any]) -> list[Any]:
    """Return the polygons among the parts.

    Where an outline touches an edge, lines and points are left too.
    """
    import shapely

    nested = [shapely.get_parts(part) if part.geom_type == "MultiPolygon" else [part] for part in parts]
    return [part for group in nested for part in group if part.geom_type == "Polygon"]


def clip_mask(mask: Mask, tile: Tile) -> Mask | None:
    """Return the part of a mask that lies in a tile, in the tile's pixels.

    It is cropped; None where there is none.
    """
    left, top, right, bottom = map(int, tile)
    height, width = mask.data.shape
    x1, y1, x2, y2 = max(left, mask.x), max(top, mask.y), min(right, mask.x + width), min(bottom, mask.y + height)
    if x1 >= x2 or y1 >= y2:
        return None
    return of_dense(mask.data[y1 - mask.y : y2 - mask.y, x1 - mask.x : x2 - mask.x], x1 - left, y1 - top)


def extent(polygons: Sequence[Polygon]) -> tuple[float, float, float, float]:
    """Return the xyxy box around polygons."""
    corners = np.concatenate([np.reshape(ring, (-1, 2)) for polygon in polygons for ring in polygon])
    return (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())


def _flat(corners: NDArray[np.float64], tile: Tile) -> list[float]:
    return (np.asarray(corners, np.float64) - tile[:2]).round(DECIMALS).ravel().tolist()
