"""Ask models about the open image: masks from prompts, tight boxes, classes."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import check_class
from tator.ops import operation
from tator.protocols import Embedding, Segmenter
from tator.runtime.answers import candidate, tightened, timed
from tator.types import BadInput, Detections
from tator.vision.masks import check_tolerance
from tator.vision.prompts import checked_boxes, is_cut, make_prompt
from tator.warning_codes import SHAPES_CLIPPED, warned
from tator.workbench import Workbench
from tator.workflows.heads import check_margin, name_boxes

TOGETHER = 64  # boxes of one turn on the device; others are answered in between
SAM = ("sam_point", "sam_point_auto", "sam_point_multi", "sam_point_multi_auto", "sam_bbox", "sam_bbox_auto")


@operation(mirrors=SAM, writes=False)
def segment(
    wb: Workbench,
    image_id: int,
    segmenter: str = "",
    positive: list[float] = [],
    negative: list[float] = [],  # noqa: B006
    box: list[float] = [],
    class_id: int = -1,
    classify: bool = False,
    min_margin: float = 0.0,  # noqa: B006
    tolerance: float = 1.0,
    fill_holes: bool = False,
) -> dict[str, Any]:
    """Find the object that points or a loose box mean; candidates, best first.

    Nothing is stored: a person accepts a candidate by saving it.

    Args:
        image_id: id of the image, from images_list.
        segmenter: id of a segmenter, from models_list; empty for the first that is ready.
        positive: points on the object, flat x1, y1, x2, y2, ... in pixels.
        negative: points off the object, likewise.
        box: loose box x1, y1, x2, y2 in pixels; empty for none.
        class_id: class the object probably has, a hint for its size; -1 for none.
        classify: name the class of the best candidate with the active head.
        min_margin: a class is accepted when its confidence leads the second by this, in [0, 1].
        tolerance: how far a polygon may lie from the mask's edge, in pixels; 0 follows every pixel.
        fill_holes: leave no holes in the masks.

    Raises:
        NotFound: no such image or segmenter.
        BadInput: no prompt, or a number outside the image.
        Unavailable: the segmenter lacks labels, weights or packages, or no head is active.
    """
    started = time.perf_counter()
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    names = data.class_names()
    check_class(class_id, names)
    check_margin(min_margin)
    check_tolerance(tolerance)
    prompt = make_prompt(row.width, row.height, positive, negative, box, class_id)
    asked = wb.models.ask(data, row, "segment", segmenter)

    def question(model: Segmenter, embedding: Embedding) -> tuple[Detections, float]:
        return timed(lambda: model.segment(embedding, prompt))

    found, model_ms = asked.answer(question)
    named = {"class_id": class_id, "class_name": names.get(class_id, "")}
    candidates = [candidate(one, tolerance, fill_holes) | named for one in found]
    if classify and candidates:
        verdict = name_boxes(wb.models, data, row, found.xyxy[:1], min_margin=min_margin)["boxes"][0]
        verdict["class_confidence"] = verdict.pop("confidence")  # beside the confidence of the box
        candidates[0] |= verdict
    took_ms = (time.perf_counter() - started) * 1_000
    answer = {"candidates": candidates, "segmenter": asked.card.id, "model_ms": model_ms, "took_ms": took_ms}
    return warned(answer, {SHAPES_CLIPPED: is_cut(positive + negative + box, row.width, row.height)} | asked.happened)


@operation(writes=False)
def tweak_boxes(
    wb: Workbench,
    image_id: int,
    boxes: list[float],
    class_ids: list[int] = [],
    segmenter: str = "",  # noqa: B006
) -> dict[str, Any]:
    """Move the sides of loose boxes to the edges of their objects; nothing is stored.

    Made for boxes that a machine, a click or a quick hand drew: exact ones get worse.

    Args:
        image_id: id of the image, from images_list.
        boxes: flat x1, y1, x2, y2 of each box, in pixels.
        class_ids: their classes in the same order, a hint; empty for none.
        segmenter: id of a segmenter, from models_list; empty for the first that is ready.

    Raises:
        NotFound: no such image or segmenter.
        BadInput: a box is malformed or outside the image, or a class is unknown.
        Unavailable: the segmenter lacks labels, weights or packages.
    """
    started = time.perf_counter()
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    loose = checked_boxes(boxes, row.width, row.height)
    if class_ids and len(class_ids) != len(loose):
        raise BadInput(f"class_ids must name one class per box or be empty: {len(class_ids)} for {len(loose)} boxes")
    names = data.class_names()
    for class_id in class_ids:
        check_class(class_id, names)
    asked = wb.models.ask(data, row, "segment", segmenter)
    answers: list[dict] = []
    for at in range(0, len(loose), TOGETHER):
        several = slice(at, at + TOGETHER)
        answers += asked.answer(partial(tightened, loose=loose[several], class_ids=class_ids[several]))
    answer = {"boxes": answers, "segmenter": asked.card.id, "took_ms": (time.perf_counter() - started) * 1_000}
    return warned(answer, {SHAPES_CLIPPED: is_cut(boxes, row.width, row.height)} | asked.happened)


@operation(mirrors=("clip_predict", "sam3_text_prompt_auto"), writes=False)
def classify_boxes(
    wb: Workbench,
    image_id: int,
    boxes: list[float],
    head: str = "",
    min_margin: float = 0.0,
) -> dict[str, Any]:
    """Name the class of boxes with a trained head; nothing is stored.

    Args:
        image_id: id of the image, from images_list.
        boxes: flat x1, y1, x2, y2 of each box, in pixels.
        head: name of a head, from heads_list; empty for the active one.
        min_margin: a class is accepted when its confidence leads the second by this, in [0, 1].

    Raises:
        NotFound: no such image or head.
        BadInput: a box is malformed or outside the image.
        Unavailable: no head is active.
    """
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    check_margin(min_margin)
    answer = name_boxes(wb.models, data, row, checked_boxes(boxes, row.width, row.height), head, min_margin)
    return warned(answer, {SHAPES_CLIPPED: is_cut(boxes, row.width, row.height)})
