"""Find bright regions; what is learned is how large they have to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset
from tator.runtime.running import MakeWorker, Worker
from tator.storage.families import Family
from tator.storage.runs import register_family
from tator.types import BadInput, Detections, Image, Unavailable
from tator.workflows.toy.recipe import ToyRecipe


def load(path: Path) -> dict[str, Any]:
    """Return what a run learned: threshold, smallest area, class name.

    The area is in square pixels.

    Raises:
        BadInput: the file does not hold them.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return {"threshold": int(read["threshold"]), "smallest": float(read["smallest"]), "name": str(read["name"])}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} is not of a toy run: {error}") from error


def figures_of(learned: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return what toys are compared by."""
    return {key: learned[key] for key in ("threshold", "smallest")}


TOYS = register_family(
    Family("toys", label="Toys", one="toy", weights="toy.json", load=load, train="toy_train", figures=figures_of)
)


def learn(dataset: Dataset, recipe: ToyRecipe) -> dict[str, Any]:
    """Return what the accepted boxes of a dataset teach; see load.

    Raises:
        Unavailable: there are none.
    """
    rows = dataset.images(with_annotations=True)
    boxes = Detections.concat(list(dataset.annotations([row.id for row in rows]).values()))
    if not len(boxes):
        raise Unavailable(f"dataset {dataset.name!r} has no accepted boxes; draw some first")
    areas = (boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).prod(axis=1)
    names = {row.class_id: row.name for row in dataset.classes()}
    commonest = int(np.bincount(boxes.class_id).argmax())
    return {"threshold": recipe.threshold, "smallest": recipe.share * float(areas.mean()), "name": names[commonest]}


def worker_of(dataset: Dataset, learned: dict[str, Any]) -> MakeWorker:
    """Return what makes a worker of a device."""

    def make(device: str) -> Worker:
        return lambda rows: [find(dataset.load(row), learned) for row in rows]

    return make


def find(image: Image, learned: dict[str, Any]) -> Detections:
    """Return the bright regions of an image, the largest first.

    Their confidence is their mean brightness, in [0, 1].
    """
    import cv2

    grey = image.mean(axis=2)
    count, _, stats, _ = cv2.connectedComponentsWithStats((grey >= learned["threshold"]).astype(np.uint8))
    rows = [tuple(map(int, stats[i])) for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= learned["smallest"]]
    rows.sort(key=lambda row: -row[4])
    boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in rows]
    bright = [float(grey[y1:y2, x1:x2].mean()) / 255 for x1, y1, x2, y2 in boxes]
    return Detections.of(boxes, bright, np.zeros(len(boxes), np.int64))
