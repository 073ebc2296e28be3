"""Read what a head learns from: accepted boxes as vectors of an encoder."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np

from tator.datasets.dataset import Dataset, ImageRow
from tator.runtime.executor import Urgency
from tator.runtime.features import FEATURES, cached_features, encode_boxes
from tator.runtime.models import Models
from tator.types import BadInput, Detections, NotFound, Progress, Unavailable
from tator.workflows.heads.fit import Crops

IDS = 200  # images whose annotations are read in one query
SMALLEST = 1.0  # sides of a box that is worth a crop, pixels
Part = tuple[np.ndarray, list[str], np.ndarray, list[str]]  # columns of Crops, of one image


def read_crops(
    models: Models, weights: Path | None, data: Dataset, encoder: str
) -> Generator[Progress, None, tuple[Crops, list[str]]]:
    """Encode a dataset's accepted boxes; return them and the unreadable images' paths.

    Args:
        models: lends the encoder.
        weights: where the encoder's weights are; None where it needs none.
        data: whose boxes.
        encoder: card id.

    Raises:
        Unavailable: there is no accepted box.
    """
    images = data.images(with_annotations=True)
    names = data.class_names(retired=True)
    parts: list[Part] = []
    skipped: list[str] = []
    for start in range(0, len(images), IDS):
        batch = images[start : start + IDS]
        boxes = data.annotations([row.id for row in batch])
        for done, row in enumerate(batch, start + 1):
            found = _worth_a_crop(boxes[row.id])
            try:
                features = encode_image(models, weights, data, row, encoder, found)
            except (BadInput, NotFound):
                skipped.append(row.path)
                continue
            named = [names[i] for i in found.class_id]
            parts.append((features, named, np.full(len(found), row.id), [row.split or ""] * len(found)))
            yield Progress(done, len(images), f"encoding {row.path}")
    if not sum(len(part[0]) for part in parts):
        raise Unavailable(f"dataset {data.name!r} has no accepted boxes to learn from; draw some first")
    return _stacked(parts), skipped


def _worth_a_crop(boxes: Detections) -> Detections:
    return boxes[((boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]) >= SMALLEST).all(axis=1)]


def _stacked(parts: list[Part]) -> Crops:
    features, names, images, splits = zip(*parts, strict=True)
    texts = [np.array([text for part in column for text in part]) for column in (names, splits)]
    return Crops(np.concatenate(features), texts[0], np.concatenate(images), texts[1])


def encode_image(
    models: Models, weights: Path | None, data: Dataset, row: ImageRow, encoder: str, boxes: Detections
) -> np.ndarray:
    """Return the (N, dim) vectors of an image's boxes.

    The encoder is lent per image, so that labelling can cut in; what was encoded before comes from the cache.
    """

    def make() -> np.ndarray:
        image = data.load(row)
        return models.run(encoder, weights, lambda model: encode_boxes(model, image, boxes.xyxy), Urgency.AHEAD)

    return cached_features(FEATURES.folder(data.workspace), encoder, data.path(row), boxes.xyxy, make, weights)
