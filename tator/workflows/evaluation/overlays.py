"""Drawings of images with what is there and what was predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tator.storage.atomic import replacing
from tator.types import BadInput, Image, NotFound, Progress, Work
from tator.workflows.evaluation.evaluator import Evaluation
from tator.workflows.evaluation.ground_truth import GroundTruth
from tator.workflows.evaluation.metrics import Least, counted, in_score, per_image
from tator.workflows.evaluation.objects import check_objects
from tator.workflows.evaluation.places import Places
from tator.workflows.evaluation.records import Record, read_records

HIT, FALSE, MISSED, IGNORED = (30, 160, 60), (214, 40, 40), (240, 140, 0), (128, 128, 128)
OVERLAYS = "overlays"  # below the evaluation's folder
WIDTH = 3  # of lines, pixels
DASH = 8  # pixels of a dash and of a gap


@dataclass(frozen=True)
class Shape:
    """One thing to draw: a box, its colour, whether dashed, and words above it."""

    xyxy: tuple[float, float, float, float]
    colour: tuple[int, int, int]
    is_dashed: bool = False
    words: str = ""


def drawn(image: Image, shapes: Sequence[Shape]) -> Any:
    """Return a picture of an image with shapes over it."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    picture = Pillow.fromarray(np.ascontiguousarray(image))
    pen = ImageDraw.Draw(picture)
    for shape in shapes:
        x1, y1, x2, y2 = shape.xyxy
        if shape.is_dashed:
            for start, end in _dashes(x1, y1, x2, y2):
                pen.line([start, end], fill=shape.colour, width=WIDTH)
        else:
            pen.rectangle([x1, y1, x2, y2], outline=shape.colour, width=WIDTH)
        if shape.words:
            pen.text(
                (x1 + WIDTH, y1 + WIDTH), shape.words, fill=shape.colour, stroke_width=1, stroke_fill=(255, 255, 255)
            )
    return picture


def _dashes(x1: float, y1: float, x2: float, y2: float) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for start in np.arange(x1, x2, 2 * DASH).tolist():
        lines += [((start, y), (min(start + DASH, x2), y)) for y in (y1, y2)]
    for start in np.arange(y1, y2, 2 * DASH).tolist():
        lines += [((x, start), (x, min(start + DASH, y2))) for x in (x1, x2)]
    return lines


def shapes_of(found: Evaluation, image: int, score_thr: Least) -> list[Shape]:
    """Return what to draw of an image.

    Hits green, false ones red, misses orange, ignored ones grey.

    Predictions are dashed.
    """
    data, matched = found.data, found.matched
    counts, high = counted(data, matched, score_thr), in_score(data, score_thr)
    rows, there = data.pred.rows_of(image), data.gt.rows_of(image)
    shapes = []
    for g in range(there.start, there.stop):
        p = int(matched.pred_of[g])
        colour = IGNORED if data.gt.ignored[g] else HIT if p >= 0 and counts[p] else MISSED
        shapes.append(
            Shape(_box(data.gt.xyxy[g]), colour, words="" if colour == HIT else data.names[data.gt.class_id[g]])
        )
    for p in range(rows.start, rows.stop):
        if not high[p]:
            continue
        g = int(matched.gt_of[p])
        words = f"{data.labels[data.pred.label[p]]} {data.pred.score[p]:.2f}"
        words += f" → {data.names[data.gt.class_id[g]]}" if g >= 0 else ""
        colour = HIT if g >= 0 else FALSE if counts[p] else IGNORED
        shapes.append(Shape(_box(data.pred.xyxy[p]), colour, True, words))
    return shapes


def _box(row: Any) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(value) for value in row)
    return x1, y1, x2, y2


def overlay(found: Evaluation, truth: GroundTruth, folder: Path, record_index: int) -> Path:
    """Return the file of an image's overlay, drawn when first asked for.

    Args:
        found: the evaluation.
        truth: has the pixels.
        folder: of the evaluation.
        record_index: of the image.

    Raises:
        NotFound: no such image, or its file is gone.
    """
    places = np.flatnonzero(found.data.images.record_index == record_index).tolist()
    if not places:
        raise NotFound(f"the evaluation has no image {record_index}")
    file = folder / OVERLAYS / f"overlay_{record_index:06d}_{round(found.settings.score_thr * 1000):04d}.png"
    if not file.is_file():
        image = found.data.images[places[0]]
        record = Record(record_index, image.file_name, image.width, image.height, image_id=image.image_id)
        picture = drawn(truth.load(record), shapes_of(found, places[0], found.least))
        with replacing(file) as part:
            picture.save(part, "PNG")
    return file


def drawings(folder: Path) -> list[str]:
    """Return the names of the overlays that an evaluation has drawn.

    Args:
        folder: of the evaluation.
    """
    return sorted(each.name for each in (folder / OVERLAYS).glob("overlay_*.png"))


def draw_mistakes(found: Evaluation, truth: GroundTruth | None, places: Places, count: int) -> list[Path]:
    """Draw the worst images and return the files.

    Images that cannot be read are passed over.
    """
    if truth is None:
        return []
    _, fp, fn = per_image(found.data, found.matched, found.least)
    files = []
    for row in np.lexsort([np.arange(len(fp)), -(fp + fn)])[:count]:
        try:
            files.append(overlay(found, truth, places.eval_dir, found.data.images[int(row)].record_index))
        except (BadInput, NotFound):
            continue
    return files


def draw_records(file: Path, truth: GroundTruth | None, places: Places, limit: int) -> Work:
    """Draw the first records, ground truth green and predictions red.

    Return the files.

    An image that cannot be read is told and passed over.
    """
    drawings = []
    for at, record in enumerate(islice(read_records(file), limit)):
        try:
            image = truth.load(record) if truth is not None else _plain_load(record, places, file)
        except (BadInput, NotFound) as problem:
            yield Progress(at + 1, limit, f"left out: {problem}")
            continue
        shapes = []
        for objects, colour in ((record.gt, HIT), (record.pred, FALSE)):
            checked = check_objects(objects, record.width or 1, record.height or 1, "pixel")
            shapes += [Shape(_box(row), colour) for row in checked.objects.xyxy]
        target = places.vis_dir / f"vis_{at:04d}.png"
        with replacing(target) as part:
            drawn(image, shapes).save(part, "PNG")
        drawings.append(target)
        yield Progress(at + 1, limit, f"drawing {record.image}")
    return drawings


def _plain_load(record: Record, places: Places, file: Path) -> Image:
    """Return the pixels of a record that is not of a dataset."""
    from tator.storage.images import read_image

    given = Path(record.image or "")
    tried = [given] if given.is_absolute() else [root / given for root in (places.root, file.parent) if root]
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        raise NotFound(f"image {record.image!r} is not below {places.root}")
    return read_image(found)
