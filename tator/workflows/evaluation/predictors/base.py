"""What every predictor offers, and what it is given and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tator.types import Detections, Image
from tator.vision.masks import to_rle
from tator.workflows.evaluation.records import Record


@dataclass(frozen=True, eq=False)
class Asked:
    """An image that is asked about.

    Attributes:
        record: with what is there.
        load: returns its pixels.
    """

    record: Record
    load: Callable[[], Image]


@dataclass
class Prediction:
    """What a predictor says of one image.

    Attributes:
        objects: {type, points, desc, score} in pixels.
        errors: codes, none when clean.
        extra: further keys of the record; the same for the same image, or a resumed file would differ.
    """

    objects: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


class Predictor(Protocol):
    """Anything that yields boxes.

    Attributes:
        score_source: model, token_logprob or constant.
        needs_pixels: it looks at images; an unreadable one is then an error.
    """

    score_source: str
    needs_pixels: bool

    def open(self) -> None:
        """Get ready: read files, check models.

        Raises:
            TatorError: it cannot work; nothing is written then.
        """

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return one prediction an image, in order."""

    def close(self) -> None:
        """Let go of what was opened."""

    def describe(self) -> dict[str, Any]:
        """Return what the predictions depend on, in plain values.

        Another answer means another run.
        """


def objects_of(found: Detections, names: Sequence[str], width: int, height: int) -> list[dict[str, Any]]:
    """Return detections as a record has them.

    Args:
        found: class_id is a row of names.
        names: descriptions.
        width: of the image, pixels.
        height: of the image, pixels.
    """
    rows = []
    for at, (box, score, class_id) in enumerate(
        zip(found.xyxy.tolist(), found.confidence.tolist(), found.class_id.tolist(), strict=True)
    ):
        row: dict[str, Any] = {
            "type": "bbox_2d",
            "points": box,
            "desc": names[class_id] if class_id >= 0 else "unknown",
        }
        row["score"] = float(np.clip(score, 0, 1)) if np.isfinite(score) else None
        if found.mask is not None and found.mask[at].data.any():
            row["rle"] = to_rle(found.mask[at], width, height)
        rows.append(row)
    return rows
