"""Trace masks that a person drew as polygons."""

from __future__ import annotations

from typing import Any

from tator.ops import operation
from tator.vision.masks import box_of, check_tolerance, of_dense, of_runs, to_polygons
from tator.vision.masks import fill_holes as filled
from tator.workbench import Workbench


@operation(writes=False)
def mask_to_polygons(
    wb: Workbench, width: int, height: int, x: int, y: int, counts: list[int], tolerance: float = 1.0,
    fill_holes: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Trace a mask as polygons: one per part, its outline first, then its holes.

    Args:
        width: of the mask in pixels; it may be a part of the image.
        height: of the mask in pixels.
        x: left edge of the mask in image pixels.
        y: top edge of the mask in image pixels.
        counts: run lengths column by column as in COCO: off, on, off, ... pixels.
        tolerance: how far a polygon may lie from the mask's edge, in pixels; 0 follows every pixel.
        fill_holes: leave no holes.

    Returns:
        {"polygons", "xyxy"} in image pixels; both empty where no pixel is on.

    Raises:
        BadInput: the runs do not fill the mask, or a value is out of range.
    """
    check_tolerance(tolerance)
    mask = of_dense(of_runs(width, height, counts), x, y)
    if mask is None:
        return {"polygons": [], "xyxy": []}
    mask = filled(mask) if fill_holes else mask
    return {"polygons": to_polygons(mask, tolerance), "xyxy": box_of(mask).tolist()}
