"""When and from what a dataset's box refiner learns.

It learns from the accepted boxes, and again as they grow.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.selecting import select_annotations
from tator.models.ridge_box import Priors
from tator.storage.schema import annotation, image
from tator.types import BadInput, Detections, NotFound, Progress, Unavailable, Work
from tator.vision.box_features import VERSION, lab_image
from tator.vision.boxes import clip
from tator.workflows.refiner import fit as box_refiner
from tator.workflows.refiner.fit import Rows
from tator.workflows.refiner.shelf import refiners_of, report, weights_path

MIN_BOXES = 20  # accepted boxes below which nothing is learned
PER_CLASS = 600  # most boxes of a class to learn from, as measured in the facts
SAMPLES = 3_000  # loose boxes made from them; more do not help
MOST_REPEATS = 20  # loose boxes made from one accepted box
IMAGES, MEGAPIXELS = 200, 400.0  # most images to read in the background: 20 already reach .83 (facts, section 6)
QUICK_IMAGES, QUICK_MEGAPIXELS, QUICK_SAMPLES = 25, 20.0, 1_200  # while a person waits: under 1.5 s
SMALLEST = 3.0  # sides of a box to learn from, pixels
GROWTH, STEP = 0.1, 20  # trained again when boxes changed by both this share and this many
LOOK_EVERY_S = 10.0  # between two counts of the accepted boxes


def count_accepted(dataset: Dataset) -> tuple[int, int]:
    """Return the dataset's accepted boxes and the sum of its images' revisions."""
    sums = select(func.coalesce(func.sum(image.c.annotation_count), 0), func.coalesce(func.sum(image.c.revision), 0))
    with dataset.store.read() as conn:
        boxes, revisions = conn.execute(sums.where(image.c.dataset_id == dataset.id)).one()
    return int(boxes), int(revisions)


def status(dataset: Dataset) -> dict[str, Any]:
    """Return whether the refiner is trained or due, its counts and its last figures.

    The keys are is_trained, is_due, accepted_boxes, missing_boxes and those of the report.
    """
    found, (accepted, _) = report(dataset), count_accepted(dataset)
    return {
        "is_trained": bool(found),
        "is_due": is_due(found, accepted),
        "accepted_boxes": accepted,
        "missing_boxes": max(0, MIN_BOXES - accepted),
        **found,
    }


def is_due(found: dict[str, Any], accepted: int) -> bool:
    """Return whether enough boxes came or went to train again."""
    if accepted < MIN_BOXES:
        return False
    if not found or found["is_partial"]:
        return True
    changed = abs(accepted - found["trained_on_boxes"])
    return changed >= max(STEP, GROWTH * found["trained_on_boxes"])


def may_look(dataset: Dataset) -> bool:
    """Return whether the last look at the accepted boxes is long enough ago.

    Where it is, this look is noted.
    """
    mark = weights_path(dataset).with_name("looked")
    if mark.exists() and 0 <= time.time() - mark.stat().st_mtime < LOOK_EVERY_S:
        return False
    mark.touch()
    return True


def require_boxes(accepted: int) -> None:
    """Refuse to learn from too few boxes.

    Raises:
        Unavailable: the message says how many are missing.
    """
    if accepted < MIN_BOXES:
        raise Unavailable(
            f"the box refiner learns from {MIN_BOXES} accepted boxes or more; this dataset has {accepted}, "
            f"draw {MIN_BOXES - accepted} more",
            accepted=accepted,
            needed=MIN_BOXES,
        )


def train(dataset: Dataset, is_quick: bool = False) -> Work:
    """Learn from the accepted boxes and write the weights.

    The old weights serve until then.

    Args:
        dataset: whose boxes.
        is_quick: read few images, because a person waits.

    Returns:
        The report: figures on held-back images, counts, seconds.

    Raises:
        Unavailable: too few accepted boxes.
    """
    started, (accepted, revisions) = time.perf_counter(), count_accepted(dataset)
    require_boxes(accepted)
    limits = (QUICK_IMAGES, QUICK_MEGAPIXELS) if is_quick else (IMAGES, MEGAPIXELS)
    images, is_partial = choose_images(dataset, *limits)
    boxes = cap_classes(dataset.annotations([row.id for row in images]), dataset.id)
    sizes = class_sizes(dataset)
    rows, skipped = yield from _read(dataset, images, boxes, sizes, QUICK_SAMPLES if is_quick else SAMPLES)
    figures, fitted = box_refiner.hold_out(rows), box_refiner.fit(rows)
    facts = {
        "version": VERSION,
        "trained_on_boxes": accepted,
        "revisions": revisions,
        "is_partial": is_quick and is_partial,
        "images_read": len(images) - len(skipped),
        "skipped_images": skipped,
        "boxes_read": sum(len(found) for found in boxes.values()),
        "trained_at": time.time(),
        "seconds": time.perf_counter() - started,
        "measured": figures,
    }
    settings, name = {"dataset": dataset.name}, str(dataset.id)
    refiners_of(dataset).save(name, settings, facts, lambda path: box_refiner.save(path, fitted, sizes))
    return facts


def _read(
    dataset: Dataset,
    images: Sequence[ImageRow],
    boxes: dict[int, Detections],
    sizes: Priors,
    samples: int,
) -> Generator[Progress, None, tuple[Rows, list[str]]]:
    """Read the images; return their training examples and the unreadable paths."""
    total = sum(len(found) for found in boxes.values())
    require_boxes(total)
    parts: list[Rows] = []
    skipped: list[str] = []
    repeats = min(samples / total, MOST_REPEATS)
    for done, row in enumerate(images):
        found = boxes[row.id]
        if not len(found):
            continue
        try:
            lab = lab_image(dataset.load(row))
        except (BadInput, NotFound):
            skipped.append(row.path)
            continue
        seeds = (dataset.id, done)
        parts.append(box_refiner.make_rows(lab, found.xyxy, found.class_id, sizes, repeats, *seeds))
        yield Progress(done + 1, len(images), row.path)
    if not parts:
        raise Unavailable(f"none of the {len(images)} labelled images can be read; the first is {skipped[0]}")
    return Rows.concat(parts), skipped


def choose_images(dataset: Dataset, most: int, megapixels: float) -> tuple[list[ImageRow], bool]:
    """Return labelled images to learn from, and whether some were left out.

    Half are drawn at random; the others are those with the rarest classes, so that a class with
    few boxes is learned too.
    """
    labelled = [row for row in dataset.images(with_annotations=True) if row.width]
    order = [labelled[i] for i in np.random.default_rng(dataset.id).permutation(len(labelled))]
    if len(order) > most:
        rare = rarity(dataset)
        order = order[: most // 2] + sorted(order[most // 2 :], key=lambda row: rare.get(row.id, np.inf))
    pixels = np.cumsum([row.width * row.height / 1e6 for row in order])
    count = max(1, min(most, int(np.searchsorted(pixels, megapixels))))
    return order[:count], count < len(order)


def rarity(dataset: Dataset) -> dict[int, int]:
    """Return {image id: accepted boxes in the dataset of the rarest class it shows}."""
    shown = select_annotations(
        dataset.id, annotation.c.image_id, annotation.c.class_id, status="accepted", crowds=False
    )
    totals = select_annotations(dataset.id, annotation.c.class_id, func.count(), status="accepted", crowds=False)
    with dataset.store.read() as conn:
        counts = {class_id: count for class_id, count in conn.execute(totals.group_by(annotation.c.class_id))}
        rarest: dict[int, int] = {}
        for image_id, class_id in conn.execute(shown.distinct()):
            rarest[image_id] = min(rarest.get(image_id, counts[class_id]), counts[class_id])
    return rarest


def class_sizes(dataset: Dataset) -> Priors:
    """Return the mean size of the accepted boxes of each class, pixels."""
    width, height = annotation.c.x2 - annotation.c.x1, annotation.c.y2 - annotation.c.y1
    columns = annotation.c.class_id, func.avg(width), func.avg(height), func.count()
    query = select_annotations(dataset.id, *columns, status="accepted", crowds=False)
    with dataset.store.read() as conn:
        rows = conn.execute(query.group_by(annotation.c.class_id).order_by(annotation.c.class_id)).all()
    table = np.array([[float(cell) for cell in row] for row in rows]).reshape(-1, 4)
    return Priors(table[:, 0].astype(np.int64), table[:, 1:3].astype(np.float32), table[:, 3].astype(np.int64))


def cap_classes(boxes: dict[int, Detections], seed: int) -> dict[int, Detections]:
    """Return at most PER_CLASS boxes of a class, drawn over all images.

    Boxes that are too small are left out.
    """
    owner = np.concatenate([np.full(len(found), image_id) for image_id, found in boxes.items()] or [np.zeros(0, int)])
    every = Detections.concat([clipped(found) for found in boxes.values()])
    large = (every.xyxy[:, 2:] - every.xyxy[:, :2]).min(axis=1) >= SMALLEST
    kept = _draw(every.class_id, large, np.random.default_rng(seed))
    return {image_id: every[(owner == image_id) & kept] for image_id in boxes}


def clipped(found: Detections) -> Detections:
    """Return boxes with coordinates of at least 0.

    The far edges were checked when the boxes were saved.
    """
    return Detections.of(clip(found.xyxy, 2**20, 2**20), class_id=found.class_id)


def _draw(class_ids: NDArray[np.int64], allowed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    kept = np.zeros(len(class_ids), bool)
    for class_id in np.unique(class_ids):
        kept[rng.permutation(np.flatnonzero((class_ids == class_id) & allowed))[:PER_CLASS]] = True
    return kept
