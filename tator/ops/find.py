"""Find instances of phrases or example boxes; trace drawn masks as polygons."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.datasets.dataset import Dataset
from tator.ops import operation
from tator.protocols import MAX_PHRASES, ConceptSegmenter, Embedding
from tator.types import BadInput, Detections, Mask
from tator.vision.boxes import from_flat
from tator.vision.masks import box_of, check_tolerance, of_dense, to_polygons
from tator.vision.masks import fill_holes as filled
from tator.workbench import Workbench

MOST_EXEMPLARS = 100
TOGETHER = 8  # phrases of one turn on the device; others are answered in between
MOST_PIXELS = 200_000_000  # of a mask, as large as the largest image
FINDS = ("sam3_text_prompt", "sam3_text_prompt_auto", "sam3_visual_prompt")


@operation(mirrors=FINDS, writes=False)
def find(
    wb: Workbench, image_id: int, phrases: list[str] = [], exemplars: list[float] = [],  # noqa: B006
    exemplar_positive: list[bool] = [], finder: str = "", conf: float = 0.05, boxes_only: bool = False,  # noqa: B006
    tolerance: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """Find every instance of each phrase, or all that look like example boxes.

    Nothing is stored: a person accepts candidates by saving them. Ask with a low conf and filter
    afterwards: a new threshold then needs no new run.

    Args:
        image_id: id of the image, from images_list.
        phrases: short noun phrases; none means "what the exemplars show".
        exemplars: example boxes of this image, flat x1, y1, x2, y2 of each, in pixels.
        exemplar_positive: true for what to find, false for what not to; empty for all true.
        finder: id of a finder, from models_list; empty for the first that is ready.
        conf: lowest confidence to keep, in [0, 1].
        boxes_only: leave the masks out, which is faster.
        tolerance: how far a polygon may lie from the mask's edge, in pixels; 0 follows every pixel.

    Raises:
        NotFound: no such image or finder.
        BadInput: neither a phrase nor a positive exemplar, or a value out of range.
        Unavailable: the finder lacks weights or packages.
    """
    started = time.perf_counter()
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    shown = checked_exemplars(exemplars, exemplar_positive, row.width, row.height)
    check_tolerance(tolerance)
    if not phrases and not shown.data["positive"].any():
        raise BadInput("give a phrase or at least one positive example box of what to find")
    if len(phrases) > MAX_PHRASES:
        raise BadInput(f"at most {MAX_PHRASES} phrases at once, got {len(phrases)}")
    asked = wb.models.ask(data, row, "find", finder)
    answers: list[Detections] = []
    for part in [phrases[at : at + TOGETHER] for at in range(0, len(phrases), TOGETHER)] or [[]]:

        def question(model: ConceptSegmenter, embedding: Embedding, part: list[str] = part) -> list[Detections]:
            return model.find(embedding, part, shown, conf, boxes_only)

        answers += asked.answer(question)
    named = [
        {"phrase": phrase, "candidates": [candidate(one, tolerance) for one in found]}
        for phrase, found in zip(phrases or [""], answers, strict=True)
    ]
    return {"finder": asked.card.id, "phrases": named, "took_ms": (time.perf_counter() - started) * 1_000}


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


def checked_exemplars(values: list[float], positive: list[bool], width: int, height: int) -> Detections:
    """Return example boxes with data["positive"].

    Raises:
        BadInput: too many, malformed, outside the image, or another number of flags.
    """
    if len(values) % 4 or len(values) > 4 * MOST_EXEMPLARS:
        raise BadInput(f"exemplars must hold up to {MOST_EXEMPLARS} boxes of 4 numbers, has {len(values)} numbers")
    count = len(values) // 4
    if positive and len(positive) != count:
        raise BadInput(f"exemplar_positive must have one value per box or be empty: {len(positive)} for {count} boxes")
    boxes = from_flat(values, width, height, "exemplars") if values else np.zeros((0, 4), np.float32)
    return Detections.of(boxes, positive=np.array(positive or [True] * count, bool))


def candidate(one: Detections, tolerance: float) -> dict[str, Any]:
    """Return one instance as JSON.

    Its polygons trace the mask, None where there is none.
    """
    mask: Mask | None = one.mask[0] if one.mask else None
    polygons = to_polygons(mask, tolerance) if mask is not None and mask.data.size > 1 else None
    return {"xyxy": one.xyxy[0].tolist(), "polygons": polygons, "confidence": float(one.confidence[0])}
