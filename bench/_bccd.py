"""BCCD blood cells, read straight from their YOLO labels, and what models reach on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tator.models.ridge_box import RidgeBox
from tator.protocols import Prompt
from tator.storage.images import read_image
from tator.vision.box_features import lab_image
from tator.vision.boxes import around, clip, jitter
from tator.vision.matching import pair_iou
from tator.workflows.refiner import fit as box_refiner
from tator.workflows.refiner.fit import Priors, Rows

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "bccd"
NAMES = ("RBC", "WBC", "Platelets")


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image with its boxes."""

    pixels: np.ndarray
    xyxy: np.ndarray
    class_id: np.ndarray


@cache
def load(split: str) -> tuple[Labelled, ...]:
    """Return the images of train, val or test with their boxes."""
    return tuple(read_labelled(FOLDER / line) for line in (FOLDER / f"{split}.txt").read_text().split())


def read_labelled(path: Path) -> Labelled:
    """Return an image with the boxes of the label file beside it."""
    pixels = read_image(path)
    table = np.loadtxt(FOLDER / "labels" / f"{path.stem}.txt", ndmin=2)
    size = np.array(pixels.shape[1::-1])
    return Labelled(pixels, around(table[:, 1:3] * size, table[:, 3:] * size), table[:, 0].astype(np.int64))


def train_refiner(count: int, weights: Path, seed: int = 3) -> RidgeBox:
    """Return a refiner that learned from `count` training images, through the weights file."""
    train = load("train")
    images = [train[i] for i in np.random.default_rng(seed).permutation(len(train))[:count]]
    sizes = np.concatenate([one.xyxy[:, 2:] - one.xyxy[:, :2] for one in images])
    classes = np.concatenate([one.class_id for one in images])
    known, counts = np.unique(classes, return_counts=True)
    priors = Priors(known, np.stack([sizes[classes == k].mean(0) for k in known]).astype(np.float32), counts)
    repeats = min(20.0, 4_000 / len(classes))
    rows = [
        box_refiner.make_rows(lab_image(one.pixels), one.xyxy, one.class_id, priors, repeats, 0, group)
        for group, one in enumerate(images)
    ]
    box_refiner.save(weights, box_refiner.fit(Rows.concat(rows)), priors)
    return RidgeBox(weights, "cpu")


def overlaps(answer: Callable[[Labelled, np.random.Generator], np.ndarray], images: Sequence[Labelled]) -> np.ndarray:
    """Return the overlap of each answered box with the one a person drew."""
    rng = np.random.default_rng(5)
    return np.concatenate([pair_iou(answer(one, rng), one.xyxy) for one in images])


def loose(one: Labelled, rng: np.random.Generator, share: float = 0.15) -> np.ndarray:
    """Return the boxes with each side off by up to a share of the size."""
    return clip(jitter(one.xyxy, share, rng), one.pixels.shape[1], one.pixels.shape[0])


def tweaked(model: RidgeBox, one: Labelled, rng: np.random.Generator, share: float = 0.15) -> np.ndarray:
    """Return loose boxes after the refiner."""
    return model.refine(model.embed(one.pixels), loose(one, rng, share)).xyxy


def clicked(
    model: RidgeBox,
    one: Labelled,
    rng: np.random.Generator,
    noise: float = 0.0,
    with_class: bool = True,
) -> np.ndarray:
    """Return the first candidate of a click at each box's centre, off by a share of its size."""
    embedding, sides = model.embed(one.pixels), one.xyxy[:, 2:] - one.xyxy[:, :2]
    at = (one.xyxy[:, :2] + one.xyxy[:, 2:]) / 2 + sides * rng.normal(0, 1, sides.shape) * noise
    prompts = [
        Prompt(point[None].astype(np.float32), np.ones(1, bool), None, int(class_id) if with_class else -1)
        for point, class_id in zip(at, one.class_id, strict=True)
    ]
    return np.concatenate([model.segment(embedding, prompt).xyxy[:1] for prompt in prompts])


def typical(images: Sequence[Labelled], one: Labelled) -> np.ndarray:
    """Return the mean box of each class around each centre: what a click gives without looking."""
    sizes = np.concatenate([other.xyxy[:, 2:] - other.xyxy[:, :2] for other in images])
    classes = np.concatenate([other.class_id for other in images])
    mean = np.stack([sizes[classes == k].mean(0) for k in range(len(NAMES))])
    return around((one.xyxy[:, :2] + one.xyxy[:, 2:]) / 2, mean[one.class_id])
