"""The warnings that answers carry: what was clamped, left out or done another way.

An answer has the key "warnings", a list of ids, only where one of them really happened.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WarningCode:
    """One thing that a caller may want to know although the call succeeded.

    Attributes:
        id: as answers carry it.
        text: what happened, for people, in one sentence.
        where: the operations whose answers carry it; the result of a run that stores candidates may carry those of
            candidates, whatever operation started it.
    """

    id: str
    text: str
    where: tuple[str, ...]


SHAPES_CLIPPED = WarningCode(
    "shapes_clipped",
    "A point, box or outline reached up to a pixel past the image and was cut to it.",
    ("annotations_save", "classify_boxes", "find", "segment", "tweak_boxes"),
)
OUTLINES_MOVED = WarningCode(
    "outlines_moved",
    "An outline or mask was moved and scaled with its object's new box, as an object has one shape.",
    ("annotations_save",),
)
OUTLINES_DROPPED = WarningCode(
    "outlines_dropped",
    "An outline or mask could not follow its object's new shape and was dropped; undo brings it back.",
    ("annotations_save",),
)
BOXES_FITTED = WarningCode(
    "boxes_fitted", "A box was fitted to its object's new outline, as an object has one shape.", ("annotations_save",)
)
CLASS_CAME_BACK = WarningCode(
    "class_came_back",
    "An undo or redo gave boxes a class that was deleted since, so the class is back in the label map.",
    ("annotations_save", "annotations_undo", "annotations_redo"),
)
CLASS_DELETED = WarningCode(
    "class_deleted",
    "The head's likeliest class was deleted from the dataset since it was trained; train the head again.",
    ("classify_boxes", "segment"),
)
MODELS_ON_CPU = WarningCode(
    "models_on_cpu", "The device that was asked for cannot be used; models run on the CPU.", ("system_gpu",)
)
LABELS = ("labels_import", "labels_preview")
CLASSES_LEFT_OUT = WarningCode(
    "classes_left_out", "Classes with too few boxes were left out of the training.", ("heads_train",)
)
IMAGES_LEFT_OUT = WarningCode(
    "images_left_out", "Images that cannot be read were left out.", ("heads_train", "refiner_train", "refiner_status")
)
NOT_CONVERGED = WarningCode(
    "not_converged", "The fit ended before it had converged; more steps would still change it.", ("heads_train",)
)
SPLIT_OF_SEQUENCE = WarningCode(
    "split_of_sequence",
    "Frames of one scene stand on both sides of the random split, so the figures flatter; split the dataset by group.",
    ("heads_train",),
)
SOURCE_REPAIRED = WarningCode(
    "source_repaired",
    "Labels or captions of the source were read otherwise than written; the report names each.",
    ("captions_import", "datasets_create", "datasets_get", "datasets_merge", "datasets_preview", *LABELS),
)
SOURCE_LEFT_OUT = WarningCode(
    "source_left_out",
    "Images, labels or captions of the source were left out; the report names each.",
    (
        "captions_import",
        "datasets_clone",
        "datasets_create",
        "datasets_get",
        "datasets_merge",
        "datasets_preview",
        *LABELS,
    ),
)
EVENTS_LEFT_OUT = WarningCode(
    "events_left_out", "More events came than one answer holds; only the newest are in it.", ("jobs_watch",)
)
CANDIDATES_CLIPPED = WarningCode(
    "candidates_clipped", "A model's box reached past the image, and its candidate was cut to it.", ("find",)
)
CANDIDATES_OUTSIDE = WarningCode(
    "candidates_outside", "A model's box lay outside the image and was left out of the candidates.", ()
)
CANDIDATES_RETIRED = WarningCode(
    "candidates_retired", "A model's boxes were of a class that was deleted meanwhile, and were left out.", ()
)
HALF_PRECISION = WarningCode(
    "half_precision",
    "The model encoded the image in half precision, as it does on a GPU; a CPU's numbers differ slightly.",
    ("find", "segment", "tweak_boxes"),
)
FLOAT16_INSTEAD = WarningCode(
    "float16_instead",
    "The GPU does not compute in bfloat16, so the image was encoded in float16, whose range is smaller.",
    ("find", "segment", "tweak_boxes"),
)
TRAINED_ON_FEW_IMAGES = WarningCode(
    "trained_on_few_images",
    "The training read only some of the images, because somebody was waiting; a later one reads more.",
    ("refiner_status",),
)
SCORES_RANK_NOTHING = WarningCode(
    "scores_rank_nothing",
    "All scores are the same, so they rank nothing: this AP cannot be compared with another.",
    ("evaluate", "evaluate_predictions"),
)
SPLITS_LEAK = WarningCode(
    "splits_leak", "Some of the judged images stand nearly the same in another split.", ("evaluate",)
)
IMAGES_OUTSIDE_EVALUATION = WarningCode(
    "images_outside_evaluation", "Predictions of images that are not judged were left out.", ("evaluate",)
)
REPEATS_WERE_NOT_STORED = WarningCode(
    "repeats_were_not_stored",
    "Candidates that repeated a label when they were found were never stored, so recall may be too low.",
    ("evaluate",),
)


def warning_codes() -> list[WarningCode]:
    """Return every code, sorted by id."""
    return sorted((code for code in globals().values() if isinstance(code, WarningCode)), key=lambda code: code.id)


def warned(answer: dict, happened: dict[WarningCode, bool]) -> dict:
    """Return an answer with the ids of what happened; as it is where nothing did."""
    ids = [code.id for code, is_so in happened.items() if is_so]
    return answer | {"warnings": ids} if ids else answer
