"""Answers of models about an image, as plain values for the canvas."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from tator.protocols import BoxRefiner, Embedding, Prompt, Segmenter
from tator.types import Detections
from tator.vision.boxes import Boxes
from tator.vision.masks import fill_holes as filled
from tator.vision.masks import to_polygons

T = TypeVar("T")


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return what a call returns and how many milliseconds it took."""
    began = time.perf_counter()
    value = call()
    return value, (time.perf_counter() - began) * 1_000


def candidate(
    one: Detections,
    tolerance: float,
    fill_holes: bool = False,
    least_pixels: int = 1,
) -> dict[str, Any]:
    """Return one object that a model found as JSON; its polygons trace its mask.

    Args:
        one: a single object.
        tolerance: how far a polygon may lie from the mask's edge, in pixels.
        fill_holes: leave no holes in the mask.
        least_pixels: a mask whose crop is smaller stands for none.

    Returns:
        {"xyxy", "polygons", "confidence"}; polygons is None where there is no mask. "points_broken" says how many
        points of the prompt the object contradicts, where the model counts them.
    """
    mask = one.mask[0] if one.mask and one.mask[0].data.size >= least_pixels else None
    if mask and fill_holes:
        mask = filled(mask)
    polygons = to_polygons(mask, tolerance) if mask else None
    broken = {"points_broken": int(one.data["points_broken"][0])} if "points_broken" in one.data else {}
    return {"xyxy": one.xyxy[0].tolist(), "polygons": polygons, "confidence": known(one.confidence[0])} | broken


def tightened(
    model: Segmenter | BoxRefiner, embedding: Embedding, loose: Boxes, class_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Return {"xyxy", "confidence", "is_found"} per loose box.

    A box that is not found stays as it was.

    Args:
        model: asked for all boxes at once where it is a BoxRefiner, else box by box.
        embedding: of the image.
        loose: (N, 4) boxes, pixels.
        class_ids: their classes, a hint; empty for none.
    """
    if isinstance(model, BoxRefiner):
        return [_tight(one, True) for one in model.refine(embedding, loose)]
    answers = []
    for i, box in enumerate(loose):
        best = model.segment(embedding, Prompt(box=box, class_id=class_ids[i] if class_ids else -1))[:1]
        answers.append(_tight(best, True) if len(best) else _tight(Detections.of(box[None]), False))
    return answers


def _tight(one: Detections, is_found: bool) -> dict[str, Any]:
    return {"xyxy": one.xyxy[0].tolist(), "confidence": known(one.confidence[0]), "is_found": is_found}


def known(confidence: np.floating) -> float | None:
    """Return a confidence for JSON: None where the model has none."""
    return None if np.isnan(confidence) else float(confidence)
