"""Find every instance of phrases or example boxes in the open image."""

from __future__ import annotations

import time
from typing import Any

from tator.datasets.dataset import Dataset
from tator.ops import operation
from tator.protocols import MAX_PHRASES, ConceptSegmenter, Embedding
from tator.runtime.answers import candidate
from tator.types import BadInput, Detections
from tator.vision.masks import check_tolerance
from tator.vision.prompts import checked_exemplars, is_cut
from tator.warning_codes import CANDIDATES_CLIPPED, SHAPES_CLIPPED, warned
from tator.workbench import Workbench

TOGETHER = 8  # phrases of one turn on the device; others are answered in between
LEAST_PIXELS = 2  # a finder answers a mask of one pixel for a box whose mask is empty
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
        {"phrase": phrase, "candidates": [candidate(one, tolerance, least_pixels=LEAST_PIXELS) for one in found]}
        for phrase, found in zip(phrases or [""], answers, strict=True)
    ]
    answer = {"finder": asked.card.id, "phrases": named, "took_ms": (time.perf_counter() - started) * 1_000}
    is_clipped = any(found.data["is_clipped"].any() for found in answers if "is_clipped" in found.data)
    is_shape_cut = is_cut(exemplars, row.width, row.height)
    return warned(answer, {SHAPES_CLIPPED: is_shape_cut, CANDIDATES_CLIPPED: is_clipped} | asked.happened)
