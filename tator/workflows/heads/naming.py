"""Name the class of boxes with a trained head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.datasets.dataset import Dataset, ImageRow
from tator.runtime.features import encode_boxes, encoder_version
from tator.runtime.models import Models
from tator.storage.runs import Runs
from tator.storage.thresholds import Thresholds, thresholds_of
from tator.types import BadInput, Unavailable
from tator.vision.boxes import Boxes
from tator.warning_codes import CLASS_DELETED, warned
from tator.workflows.heads.following import check_known, meanings
from tator.workflows.heads.head import Head
from tator.workflows.heads.shelf import heads_of


def name_boxes(
    models: Models, data: Dataset, row: ImageRow, xyxy: Boxes, head_name: str = "", min_margin: float = 0.0
) -> dict[str, Any]:
    """Return the two likeliest classes of each box.

    A head knows the classes of the dataset it learned from by id, so it follows their renames; those of any other dataset
    are matched by name.

    Args:
        models: lends the head's encoder.
        data: the image's dataset.
        row: the image.
        xyxy: (N, 4) boxes, pixels.
        head_name: of a head; "" for the active one.
        min_margin: a class is accepted when its confidence leads the second by this, in [0, 1].

    Returns:
        {"head", "thresholds": from which confidence a class is accepted, and where that comes from, "boxes": [{"class_id",
        "class_name", "confidence", "margin", "second_name", "accepted"}]}.

    Raises:
        NotFound: no such head.
        BadInput: the head's encoder has another version by now.
        Unavailable: no head is active, it knows no class of the dataset, or its encoder lacks weights or packages.
    """
    shelf = heads_of(data.workspace)
    name = head_name or shelf.active()
    if not name:
        raise Unavailable("no head is active: train one on accepted boxes, or activate one")
    head = _load(models, shelf, name)
    meant = meanings(head.classes, shelf.report(name), data)
    check_known(name, meant, data)
    image = models.pixels(data, row)
    features = models.run(head.encoder, models.weights(head.encoder), lambda model: encode_boxes(model, image, xyxy))
    probs = head.predict(features)
    ids, shown = [each.class_id for each in meant], [each.name for each in meant]
    kept = thresholds_of(shelf.path(name).parent, 0.0)
    least = _least(kept, head.classes, shown)
    boxes = [_verdict(p, ids, shown, min_margin, least) for p in probs]
    gone = {each.name for each in meant if each.is_deleted} & {box["class_name"] for box in boxes}
    return warned({"head": name, "thresholds": kept.told(), "boxes": boxes}, {CLASS_DELETED: bool(gone)})


def check_head(data: Dataset, name: str) -> None:
    """Refuse a head that cannot name boxes of a dataset.

    Raises:
        NotFound: no such head.
        Unavailable: it knows no class of the dataset.
    """
    shelf = heads_of(data.workspace)
    check_known(name, meanings(shelf.load(name).classes, shelf.report(name), data), data)


def check_margin(min_margin: float) -> None:
    """Refuse a margin outside [0, 1].

    Raises:
        BadInput: it is outside or not a number.
    """
    if not 0 <= min_margin <= 1:
        raise BadInput(f"min_margin must be in [0, 1], is {min_margin}")


def _load(models: Models, shelf: Runs[Head], name: str) -> Head:
    """Return a head whose encoder still makes the vectors it learned from.

    Raises:
        BadInput: the encoder has another version by now.
    """
    path = shelf.path(name)
    head = models.cache.get(("head", str(path), path.stat().st_mtime_ns), lambda: Head.load(path))
    if (now := encoder_version(head.encoder, models.weights(head.encoder))) != head.encoder_version:
        trained = f"version {head.encoder_version} of {head.encoder}"
        raise BadInput(f"head {name!r} was trained on {trained}, which is version {now} by now; train it again")
    return head


def _least(kept: Thresholds, labels: Sequence[str], names: Sequence[str]) -> list[float]:
    """Return the least confidence of each class, by its name now or at training."""
    classes = kept.classes
    return [classes.get(name, classes.get(label, kept.conf)) for label, name in zip(labels, names, strict=True)]


def _verdict(
    probs: NDArray[np.float32], ids: list[int], names: list[str], min_margin: float, least: list[float]
) -> dict[str, Any]:
    """Return the likeliest class, its lead over the second and if it is accepted."""
    first, second = np.argsort(-probs, kind="stable")[:2]
    margin = float(probs[first] - probs[second])
    return {
        "class_id": ids[first],
        "class_name": names[first],
        "confidence": float(probs[first]),
        "margin": margin,
        "second_name": names[second],
        "accepted": margin >= min_margin and ids[first] >= 0 and float(probs[first]) >= least[first],
    }
