"""Models of the product on the images of a dataset.

Detectors, concept segmenters, class heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.protocols import Card
from tator.runtime.models import Models
from tator.runtime.registry import backend, require_packages
from tator.types import Detections
from tator.workflows.evaluation.ground_truth import GroundTruth, SnapshotTruth
from tator.workflows.evaluation.predictors.base import Asked, Prediction, objects_of
from tator.workflows.heads import heads_of, name_boxes


def weights_facts(path: Path | None) -> list[Any] | None:
    """Return name, size and time of change of weights."""
    if path is None or not path.exists():
        return None
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return [[each.name, each.stat().st_size, each.stat().st_mtime_ns] for each in files]


@dataclass
class DetectorRun:
    """A detector that was trained, asked image by image."""

    models: Models
    card_id: str
    conf: float
    score_source: str = "model"
    needs_pixels: bool = True

    def open(self) -> None:
        """Find the weights.

        Raises:
            NotFound: no such detector.
            Unavailable: packages or weights are missing.
        """
        self._card: Card = backend(self.card_id or self.models.default("detect"), "detect").card
        require_packages(self._card)
        self._weights = self.models.weights(self._card.id)

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return what the detector sees in each image."""
        images = [each.load() for each in asked]

        def work(model: Any) -> tuple[list[Detections], list[str]]:
            return model.detect(images, self.conf), list(model.classes)

        found, names = self.models.run(self._card.id, self._weights, work)
        sizes = [image.shape[1::-1] for image in images]
        return [Prediction(objects_of(one, names, *size)) for one, size in zip(found, sizes, strict=True)]

    def close(self) -> None:
        """Hold nothing: the model stays with those who lend it."""

    def describe(self) -> dict[str, Any]:
        """Return the card, its weights and the threshold."""
        facts = {"predictor": "detector", "model": self._card.id, "weights": weights_facts(self._weights)}
        return facts | {"conf": self.conf}


@dataclass
class ConceptRun:
    """A concept segmenter that is asked for phrases.

    Attributes:
        models: lends it.
        dataset: of the images.
        truth: the snapshot.
        card_id: of the segmenter; "" for the one that suits this machine.
        phrases: what to find; none asks for the names of the classes.
        conf: lowest confidence.
    """

    models: Models
    dataset: Dataset
    truth: SnapshotTruth
    card_id: str
    phrases: Sequence[str]
    conf: float
    score_source: str = "model"
    needs_pixels: bool = True

    def open(self) -> None:
        """Find the weights.

        Raises:
            NotFound: no such segmenter.
            Unavailable: packages or weights are missing.
        """
        self._card = backend(self.card_id or self.models.default("find"), "find").card
        require_packages(self._card)
        self._asks = list(self.phrases) or list(self.truth.classes)

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return the instances of every phrase in each image."""
        return [self._predict(each) for each in asked]

    def _predict(self, asked: Asked) -> Prediction:
        row = self.truth.row(asked.record)
        question = self.models.ask(self.dataset, row, "find", self._card.id)
        found = question.answer(lambda model, seen: model.find(seen, self._asks, Detections.empty(), self.conf))
        objects = [
            each
            for phrase, one in zip(self._asks, found, strict=True)
            for each in objects_of(one, [phrase] * (int(one.class_id.max(initial=0)) + 1), row.width, row.height)
        ]
        return Prediction([each | {"desc": self._phrase(each)} for each in objects])

    def _phrase(self, each: dict[str, Any]) -> str:
        return each["desc"] if each["desc"] != "unknown" else self._asks[0]

    def close(self) -> None:
        """Hold nothing."""

    def describe(self) -> dict[str, Any]:
        """Return the card, its weights, the phrases and the threshold."""
        facts = {"predictor": "concept", "model": self._card.id, "conf": self.conf, "phrases": self._asks}
        return facts | {"weights": weights_facts(self.models.weights(self._card.id))}


@dataclass
class HeadOnTruth:
    """A class head that names the boxes that are there.

    Places are right, so only classes count.

    Attributes:
        models: lends the head's encoder.
        dataset: of the images.
        truth: the snapshot.
        head: name; "" for the active one.
    """

    models: Models
    dataset: Dataset
    truth: GroundTruth
    head: str = ""
    score_source: str = "model"
    needs_pixels: bool = True
    _rows: dict[int, Any] = field(default_factory=dict)

    def open(self) -> None:
        """Find the head.

        Raises:
            NotFound: no such head.
        """
        shelf = heads_of(self.dataset.workspace)
        self.head = self.head or shelf.active()
        self._path = shelf.path(self.head)

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return every box that is there with the class that the head gives it."""
        return [self._predict(each) for each in asked]

    def _predict(self, asked: Asked) -> Prediction:
        boxes = [each for each in asked.record.gt if not each.get("ignore")]
        if not boxes:
            return Prediction()
        xyxy = np.array([_box(each["points"]) for each in boxes], np.float32)
        row = self.dataset.image(asked.record.image_id)
        named = name_boxes(self.models, self.dataset, row, xyxy, self.head)["boxes"]
        return Prediction([
            {"type": "bbox_2d", "points": box.tolist(), "desc": one["class_name"], "score": one["confidence"]}
            for box, one in zip(xyxy.astype(float), named, strict=True)
        ])  # fmt: skip

    def close(self) -> None:
        """Hold nothing."""

    def describe(self) -> dict[str, Any]:
        """Return the head and its file."""
        return {"predictor": "head", "model": self.head, "weights": weights_facts(self._path)}


def _box(points: Sequence[float]) -> list[float]:
    xs, ys = points[0::2], points[1::2]
    return [min(xs), min(ys), max(xs), max(ys)]
