"""What concept segmenters share: the question, and the choice of the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.models._encoding import check_embedding
from tator.models._upsampling import Resize, cropped_mask
from tator.protocols import MAX_PHRASES, Card, Embedding, ExemplarBank
from tator.types import BadInput, Detections, Mask
from tator.vision.boxes import clip, reaches_out
from tator.vision.matching import nms

MAX_PHRASE_LENGTH = 120  # characters
MASK_THRESHOLD = 0.5  # Sam3Processor.post_process_instance_segmentation's default


@dataclass(frozen=True, eq=False)
class Question:
    """What to find in an encoded image.

    Attributes:
        embedding: of the image.
        phrases: short noun phrases; none means "what the exemplars show", one answer.
        exemplars: boxes of this image; data["positive"] bool, absent means all are.
        conf: lowest confidence to keep, in [0, 1].
        boxes_only: leave the masks out.
        bank: exemplars of other images, None for none.
    """

    embedding: Embedding
    phrases: list[str]
    exemplars: Detections
    conf: float
    boxes_only: bool
    bank: ExemplarBank | None


class Finder(ABC):
    """A ConceptSegmenter: questions are checked here, and the backend answers them."""

    card: Card

    def find(
        self,
        embedding: Embedding,
        phrases: Sequence[str],
        exemplars: Detections,
        conf: float,
        boxes_only: bool = False,
        bank: ExemplarBank | None = None,
    ) -> list[Detections]:
        """Return the instances of each phrase; see ConceptSegmenter.

        They are in image pixels, best first, class_id the row of the phrase.

        Raises:
            BadInput: another backend's embedding or bank, nothing that says what to find, or conf out of range.
        """
        asked = check_question(self.card, embedding, phrases, exemplars, conf, bank)
        return self.answers(Question(embedding, asked, exemplars, conf, boxes_only, bank))

    @abstractmethod
    def answers(self, question: Question) -> list[Detections]:
        """Return one Detections a phrase, or one where there is none."""


def check_question(
    card: Card,
    embedding: Embedding,
    phrases: Sequence[str],
    exemplars: Detections,
    conf: float,
    bank: ExemplarBank | None = None,
) -> list[str]:
    """Return the phrases without surrounding blanks.

    Raises:
        BadInput: another backend's embedding, a blank or overlong phrase, too many, no positive
            exemplar where no phrase says what to find, a bank it cannot read, or conf outside [0, 1].
    """
    check_embedding(card, embedding)
    check_bank(card, bank)
    if not 0 <= conf <= 1:
        raise BadInput(f"conf must be in [0, 1], is {conf}")
    if len(phrases) > MAX_PHRASES:
        raise BadInput(f"at most {MAX_PHRASES} phrases at once, got {len(phrases)}")
    cleaned = [" ".join(phrase.split()) for phrase in phrases]
    for phrase in cleaned:
        if not 0 < len(phrase) <= MAX_PHRASE_LENGTH:
            raise BadInput(f"a phrase must have 1 to {MAX_PHRASE_LENGTH} characters, got {phrase[:40]!r}")
    if not cleaned and not positive(exemplars).any() and not bank:
        raise BadInput("give a phrase or at least one example box of what to find")
    return cleaned


def check_bank(card: Card, bank: ExemplarBank | None) -> None:
    """Refuse exemplars of other images that the model cannot read.

    Raises:
        BadInput: the model takes none, or another backend described them.
    """
    if bank is None:
        return
    if not card.takes_bank:
        raise BadInput(
            f"{card.id} compares with example boxes of the same image only; choose a finder that takes a bank"
        )
    if bank.backend != card.model_id:
        raise BadInput(f"{card.id} cannot read a bank of {bank.backend}; describe its exemplars with {card.id}")


def positive(exemplars: Detections) -> NDArray[np.bool_]:
    """Return (N,) True where an exemplar shows what to find.

    False where it shows what not to find.
    """
    return exemplars.data.get("positive", np.ones(len(exemplars), bool)).astype(bool)


def best_boxes(boxes: Any, scores: Any, conf: float, iou: float) -> Any:
    """Return the rows above `conf` without duplicates, best first.

    A row is a duplicate if it overlaps a better one by more than `iou`.

    Args:
        boxes: (Q, 4) xyxy tensor.
        scores: (Q,) tensor.
        conf: lowest score to keep, exclusive.
        iou: non-maximum suppression threshold in (0, 1].
    """
    rows = (scores > conf).nonzero()[:, 0]
    kept = nms(boxes[rows].float().cpu().numpy(), scores[rows].float().cpu().numpy(), iou)
    return rows[kept.tolist()]


def detections_in(embedding: Embedding, boxes: Any, scores: Any, phrase: int, mask: tuple | None = None) -> Detections:
    """Return boxes cut to the image; those that lie outside are dropped.

    data["is_clipped"] tells which were cut by more than rounding.

    Args:
        embedding: of the image.
        boxes: (N, 4) xyxy tensor in pixels.
        scores: (N,) tensor.
        phrase: row of the phrase, stored as class_id.
        mask: one Mask a box, or None.
    """
    given, size = boxes.float().cpu().numpy(), (embedding.width, embedding.height)
    xyxy, is_clipped = clip(given, *size), reaches_out(given, *size)
    classes = np.full(len(xyxy), phrase, np.int64)
    found = Detections(xyxy, scores.float().cpu().numpy(), classes, mask, {"is_clipped": is_clipped})
    return found[(xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])]


def masks_in(embedding: Embedding, shares: Any) -> tuple[Mask, ...]:
    """Return the pixels of each instance.

    An instance whose mask has no pixel above the threshold gets one that is off.

    Args:
        embedding: of the image.
        shares: (N, h, w) tensor in [0, 1].
    """
    chain = [Resize(embedding.height, embedding.width, embedding.height, embedding.width)]
    nothing = Mask(0, 0, np.zeros((1, 1), bool))
    return tuple(cropped_mask(share, chain, MASK_THRESHOLD) or nothing for share in shares)
