"""The settings of an evaluation."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any, Literal

from tator.recipes import Recipe, setting


@dataclass(frozen=True)
class EvaluationRecipe(Recipe):
    """How predictions are compared with the labels."""

    kind: typing.ClassVar[str] = "evaluation"

    score_thr: float = setting(
        0.25, "Predictions with a lower score do not count; AP looks at all of them.", low=0, high=1
    )
    use_operating_point: bool = setting(
        True, "Count at the calibration or operating point kept with what is evaluated, where there is one, instead."
    )
    iou_thr: float = setting(0.5, "Overlap from which a prediction has found an object.", low=0.05, high=1)
    conf: float = setting(0.001, "Lowest confidence that a model is asked for; AP needs the low ones.", low=0, high=1)
    limit: int = setting(0, "Most images; 0 takes all.", unit="images", low=0, high=10_000_000)
    label_policy: Literal["exact", "casefold", "glossary", "embed"] = setting(
        "exact",
        "How a predicted name becomes a class: as written, without case and signs, by the glossary, or by nearest meaning.",
    )
    meaning_thr: float = setting(
        0.9, "Cosine from which embed takes two names for one; CLIP finds even unlike words near.", low=-1, high=1,
        advanced=True,
    )  # fmt: skip
    text_encoder: str = setting("", "Model whose vectors embed compares; empty takes one that is ready.", advanced=True)
    label_miss: Literal["bucket", "drop", "error"] = setting(
        "bucket", "What a name of no class is: a mistake of class unknown, left out, or an error."
    )
    check_leaks: bool = setting(True, "Look for images of other splits that show the same, and tell AP without them.")
    near_bits: int = setting(
        6, "Bits of 64 in which the looks of images that show the same may differ.", low=0, high=10, advanced=True
    )
    scope: Literal["annotated", "all"] = setting(
        "annotated", "Which predictions the open-vocabulary numbers count.", advanced=True
    )
    use_masks: bool = setting(True, "Compare outlines too, where both sides have them.", advanced=True)
    overlays: int = setting(
        0, "Worst images drawn with labels and predictions, kept with the run; 0 draws none.", unit="images", low=0,
        high=1_000, advanced=True,
    )  # fmt: skip
    max_det: int = setting(
        100, "Most predictions of an image and class in AP.", unit="boxes", low=1, high=10_000, advanced=True
    )
    batch_size: int = setting(
        8, "Images that a model is asked about together.", unit="images", low=1, high=256, advanced=True
    )
    seed: int = setting(0, "Makes the intervals repeatable.", low=0, high=2_147_483_647, advanced=True)

    def eval_section(self) -> dict[str, Any]:
        """Return these settings as the eval section of a config has them."""
        return {
            "score_thr": self.score_thr,
            "operating_point": self.use_operating_point,
            "f1_iou_thrs": [self.iou_thr],
            "f1ish_iou_thrs": sorted({0.3, 0.5, self.iou_thr}),
            "f1ish_pred_scope": self.scope,
            "label_policy": self.label_policy,
            "label_miss": self.label_miss,
            "semantic_model": self.text_encoder,
            "semantic_threshold": self.meaning_thr,
            "use_segm": self.use_masks,
            "overlay": self.overlays > 0,
            "overlay_k": self.overlays,
            "max_dets": sorted({most for most in (1, 10) if most < self.max_det} | {self.max_det}),
        }
