"""What a run has stored in the dataset, as it was frozen.

These are its candidates, and those of them that a person accepted or rejected since. Boxes that repeated a label when they
were found were never stored, so recall is too low where labels came first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tator.types import NotFound
from tator.workflows.evaluation.ground_truth import SnapshotTruth, as_object
from tator.workflows.evaluation.predictors.base import Asked, Prediction


@dataclass
class StoredCandidates:
    """Reads what a source has stored.

    Attributes:
        truth: the snapshot.
        source: <backend>@<run>; "" for all.
    """

    truth: SnapshotTruth
    source: str = ""
    score_source: str = "model"
    needs_pixels: bool = False

    def open(self) -> None:
        """Check that there are such candidates.

        Raises:
            NotFound: there are none; the message names the sources that there are.
        """
        self._names = {row.class_id: row.name for row in self.truth.snapshot.classes()}
        sources = {
            each["source"]
            for row in self.truth.rows
            for each in self.truth.snapshot.annotations_of(row.id)
            if _is_found(each)
        }
        if not sources or (self.source and self.source not in sources):
            told = ", ".join(sorted(sources)[:20]) or "none"
            raise NotFound(
                f"no candidates of {self.source or 'any source'} are in the chosen images; there are: {told}"
            )

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return what the source found in each image."""
        rows = [self.truth.row(each.record) for each in asked]
        found = {
            row.id: [_placed(each) for each in self.truth.snapshot.annotations_of(row.id) if _is_found(each)]
            for row in rows
        }
        return [
            Prediction([
                as_object(each, self._names, (row.width, row.height))
                for each in found[row.id]
                if self.source in ("", each["source"])
            ])
            for row in rows
        ]  # fmt: skip

    def close(self) -> None:
        """Hold nothing."""

    def describe(self) -> dict[str, Any]:
        """Return the source and the snapshot."""
        return {"predictor": "candidates", "source": self.source, "snapshot_sha256": self.truth.snapshot.sha256}


def _is_found(row: Mapping[str, Any]) -> bool:
    """Return whether a model found a box, whatever became of it."""
    return row["confidence"] is not None and (row["status"] != "accepted" or "@" in row["source"])


def _placed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **dict(zip(("x1", "y1", "x2", "y2"), row["xyxy"], strict=True))}
