"""Ask models about the open image: masks from prompts, tight boxes, classes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.glossary import aliases, glossary_of
from tator.datasets.names import match_names
from tator.ops import operation
from tator.protocols import BoxRefiner, Embedding, Prompt, Segmenter
from tator.runtime.features import encode_boxes, encoder_version
from tator.storage.runs import Runs
from tator.types import BadInput, Detections, Unavailable, Work
from tator.vision.boxes import EDGE, Boxes, from_flat, numbers
from tator.vision.masks import check_tolerance, to_polygons
from tator.vision.masks import fill_holes as filled
from tator.warning_codes import IMAGES_LEFT_OUT, SHAPES_CLIPPED, TRAINED_ON_FEW_IMAGES, warned
from tator.workbench import Workbench
from tator.workflows import refiner
from tator.workflows.heads import Head, heads_of

T = TypeVar("T")
MOST_BOXES = 5_000  # of one call
MOST_POINTS = 200
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
    names = class_names(data)
    check_class(class_id, names)
    check_margin(min_margin)
    check_tolerance(tolerance)
    prompt = make_prompt(row, positive, negative, box, class_id)
    asked = wb.models.ask(data, row, "segment", segmenter)

    def question(model: Segmenter, embedding: Embedding) -> tuple[Detections, float]:
        return timed(lambda: model.segment(embedding, prompt))

    found, model_ms = asked.answer(question)
    candidates = [candidate(one, class_id, names, tolerance, fill_holes) for one in found]
    if classify and candidates:
        named = name_boxes(wb, data, row, found.xyxy[:1], "", min_margin)["boxes"][0]
        named["class_confidence"] = named.pop("confidence")  # beside the confidence of the box
        candidates[0] |= named
    took_ms = (time.perf_counter() - started) * 1_000
    answer = {"candidates": candidates, "segmenter": asked.card.id, "model_ms": model_ms, "took_ms": took_ms}
    return warned(answer, {SHAPES_CLIPPED: is_cut(positive + negative + box, row.width, row.height)})


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
    loose = checked_boxes(row, boxes)
    if class_ids and len(class_ids) != len(loose):
        raise BadInput(f"class_ids must name one class per box or be empty: {len(class_ids)} for {len(loose)} boxes")
    names = class_names(data)
    for class_id in class_ids:
        check_class(class_id, names)
    asked = wb.models.ask(data, row, "segment", segmenter)
    answers: list[dict] = []
    for at in range(0, len(loose), TOGETHER):
        several = slice(at, at + TOGETHER)
        answers += asked.answer(partial(refined, loose=loose[several], class_ids=class_ids[several]))
    answer = {"boxes": answers, "segmenter": asked.card.id, "took_ms": (time.perf_counter() - started) * 1_000}
    return warned(answer, {SHAPES_CLIPPED: is_cut(boxes, row.width, row.height)})


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
    answer = name_boxes(wb, data, row, checked_boxes(row, boxes), head, min_margin)
    return warned(answer, {SHAPES_CLIPPED: is_cut(boxes, row.width, row.height)})


@operation(title="Train box refiner")
def refiner_train(wb: Workbench, dataset: str) -> Work:
    """Teach the box refiner from the dataset's accepted boxes.

    It happens by itself when the refiner is asked and enough boxes are new.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
        Unavailable: fewer than 20 accepted boxes.
    """
    report = yield from refiner.train(wb.dataset(dataset))
    return warned(report, {IMAGES_LEFT_OUT: bool(report["skipped_images"])})


@operation(writes=False)
def refiner_status(wb: Workbench, dataset: str) -> dict[str, Any]:
    """Return whether the box refiner is trained, on how much, and what it reached.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    status = refiner.status(wb.dataset(dataset))
    happened = {
        IMAGES_LEFT_OUT: bool(status.get("skipped_images")),
        TRAINED_ON_FEW_IMAGES: status.get("is_partial", False),
    }
    return warned(status, happened)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return what a call returns and how many milliseconds it took."""
    began = time.perf_counter()
    value = call()
    return value, (time.perf_counter() - began) * 1_000


def refined(model: Segmenter | BoxRefiner, embedding: Embedding, loose: Boxes, class_ids: list[int]) -> list[dict]:
    """Return {"xyxy", "confidence", "is_found"} per box.

    A box that is not found stays as it was.
    """
    if isinstance(model, BoxRefiner):
        found = model.refine(embedding, loose)
        return [tight(one.xyxy[0], one.confidence[0], True) for one in found]
    answers = []
    for i, box in enumerate(loose):
        best = model.segment(embedding, Prompt(box=box, class_id=class_ids[i] if class_ids else -1))[:1]
        xyxy, confidence = (best.xyxy[0], best.confidence[0]) if len(best) else (box, np.float32(np.nan))
        answers.append(tight(xyxy, confidence, len(best) > 0))
    return answers


def tight(xyxy: NDArray[np.float32], confidence: np.floating, is_found: bool) -> dict[str, Any]:
    """Return one refined box as JSON."""
    return {"xyxy": xyxy.tolist(), "confidence": plain(confidence), "is_found": is_found}


def name_boxes(
    wb: Workbench,
    data: Dataset,
    row: ImageRow,
    xyxy: Boxes,
    head_name: str,
    min_margin: float,
) -> dict[str, Any]:
    """Return the two likeliest classes of each box, by name matched to the dataset's."""
    shelf = heads_of(wb.workspace)
    name = head_name or shelf.active()
    if not name:
        raise Unavailable("no head is active: train one on accepted boxes, or activate one")
    head = load_head(wb, shelf, name)
    image = wb.models.pixels(data, row)
    features = wb.models.run(head.encoder, wb.weights(head.encoder), lambda encoder: encode_boxes(encoder, image, xyxy))
    probs = head.predict(features)
    classes = data.classes()
    names = [c.name for c in classes]
    rows = match_names(head.classes, names, aliases(glossary_of(data)["entries"], names))
    ids = [classes[i].class_id if i >= 0 else -1 for i in rows]
    shown = [classes[i].name if i >= 0 else head.classes[k] for k, i in enumerate(rows)]
    return {"head": name, "boxes": [verdict(p, ids, shown, min_margin) for p in probs]}


def load_head(wb: Workbench, shelf: Runs[Head], name: str) -> Head:
    """Return a head whose encoder still makes the vectors it learned from.

    Raises:
        BadInput: the encoder has another version by now.
    """
    path = shelf.path(name)
    head = wb.models.cache.get(("head", str(path), path.stat().st_mtime_ns), lambda: Head.load(path))
    if (now := encoder_version(head.encoder, wb.weights(head.encoder))) != head.encoder_version:
        trained = f"version {head.encoder_version} of {head.encoder}"
        raise BadInput(f"head {name!r} was trained on {trained}, which is version {now} by now; train it again")
    return head


def verdict(probs: NDArray[np.float32], ids: list[int], names: list[str], min_margin: float) -> dict[str, Any]:
    """Return the likeliest class, its lead over the second and if it is accepted."""
    first, second = np.argsort(-probs, kind="stable")[:2]
    margin = float(probs[first] - probs[second])
    return {
        "class_id": ids[first],
        "class_name": names[first],
        "confidence": float(probs[first]),
        "margin": margin,
        "second_name": names[second],
        "accepted": margin >= min_margin and ids[first] >= 0,
    }


def candidate(
    one: Detections,
    class_id: int,
    names: dict[int, str],
    tolerance: float,
    fill_holes: bool,
) -> dict[str, Any]:
    """Return one candidate as JSON; its polygons trace the mask where there is one."""
    mask = filled(one.mask[0]) if one.mask and fill_holes else one.mask[0] if one.mask else None
    polygons = to_polygons(mask, tolerance) if mask else None
    broken = {"points_broken": int(one.data["points_broken"][0])} if "points_broken" in one.data else {}
    facts = {"xyxy": one.xyxy[0].tolist(), "polygons": polygons, "confidence": plain(one.confidence[0])}
    return facts | {"class_id": class_id, "class_name": names.get(class_id, "")} | broken


def plain(confidence: np.floating) -> float | None:
    """Return a confidence for JSON: None where the model has none."""
    return None if np.isnan(confidence) else float(confidence)


def make_prompt(
    row: ImageRow,
    positive: list[float],
    negative: list[float],
    box: list[float],
    class_id: int,
) -> Prompt:
    """Return the checked prompt.

    Raises:
        BadInput: no prompt, or a number outside the image.
    """
    on, off = checked_points(row, positive, "positive"), checked_points(row, negative, "negative")
    if len(box) not in (0, 4):
        raise BadInput(f"box must be empty or x1, y1, x2, y2, has {len(box)} numbers")
    if not len(box) and not len(on):
        raise BadInput("a prompt needs a box or at least one positive point")
    labels = np.arange(len(on) + len(off)) < len(on)
    loose = from_flat(box, row.width, row.height, "box")[0] if box else None
    return Prompt(np.concatenate([on, off]), labels, loose, class_id)


def checked_points(row: ImageRow, values: list[float], name: str) -> NDArray[np.float32]:
    """Return (P, 2) points in the image.

    Raises:
        BadInput: an odd count, too many, not finite or outside the image.
    """
    if len(values) % 2 or len(values) > 2 * MOST_POINTS:
        raise BadInput(f"{name} must hold x, y of up to {MOST_POINTS} points, has {len(values)} numbers")
    points = numbers(values, name).reshape(-1, 2)
    for x, y in points:
        if not (-EDGE <= x <= row.width + EDGE and -EDGE <= y <= row.height + EDGE):
            raise BadInput(f"{name}: point ({x:g}, {y:g}) lies outside the image of {row.width} x {row.height} pixels")
    return np.clip(points, 0, [row.width, row.height]).astype(np.float32)


def checked_boxes(row: ImageRow, values: list[float]) -> Boxes:
    """Return (N, 4) boxes in the image, at least one.

    Raises:
        BadInput: none, too many, malformed or outside the image.
    """
    if not 4 <= len(values) <= 4 * MOST_BOXES:
        raise BadInput(f"boxes must hold 1 to {MOST_BOXES} boxes of 4 numbers, has {len(values)} numbers")
    return from_flat(values, row.width, row.height)


def is_cut(values: list[float], width: int, height: int) -> bool:
    """Return whether some of x, y, x, y, ... lie past an image and so were clipped."""
    return any(not 0 <= value <= (width, height)[i % 2] for i, value in enumerate(values))


def class_names(data: Dataset) -> dict[int, str]:
    """Return {class id: name} of the label map."""
    return {c.class_id: c.name for c in data.classes()}


def check_class(class_id: int, names: dict[int, str]) -> None:
    """Refuse a class that the dataset does not have; -1 means none.

    Raises:
        BadInput: no such class.
    """
    if class_id != -1 and class_id not in names:
        known = ", ".join(f"{number} {name}" for number, name in names.items()) or "none"
        raise BadInput(f"class_id {class_id} is no class of the dataset; there are {known}")


def check_margin(min_margin: float) -> None:
    """Refuse a margin outside [0, 1].

    Raises:
        BadInput: it is outside or not a number.
    """
    if not 0 <= min_margin <= 1:
        raise BadInput(f"min_margin must be in [0, 1], is {min_margin}")
