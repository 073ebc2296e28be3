"""Fit the box refiner: linear models of how far a box is from its object's edges.

They read that from pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tator.models.ridge_box import PARTS, Priors, Ridge, predict
from tator.storage.arrays import save_arrays
from tator.vision.box_features import DIM, VERSION, apply_deltas, deltas, describe_boxes
from tator.vision.boxes import Boxes, around, clip, jitter
from tator.vision.matching import pair_iou

ALPHA = 2_000.0  # ridge penalty; on BCCD 1,000 to 3,000 give the same overlap to .005
TWEAK_SHARE = 0.15  # training jitter of a loose box, share of its size per side
CLICK_NOISE = 0.1  # standard deviation of a click from the centre, share of the object's size
TWEAK, CLICK, STRAY, NEAR = range(4)  # loose box; prior at a click; another class's prior; almost exact box
SHARE = {TWEAK: 1.0, CLICK: 0.5, STRAY: 0.5, NEAR: 0.25}  # rows of each kind per row of the first


@dataclass(frozen=True, eq=False)
class Rows:
    """Training examples: boxes as a machine might propose them and where they belong.

    Attributes:
        features: (N, DIM) of the proposed boxes.
        boxes: (N, 4) proposed, pixels.
        targets: (N, 4) accepted boxes, pixels.
        kind: (N,) TWEAK, CLICK, STRAY or NEAR.
        group: (N,) image each came from.
    """

    features: NDArray[np.float32]
    boxes: Boxes
    targets: Boxes
    kind: NDArray[np.int64]
    group: NDArray[np.int64]

    def __getitem__(self, picked: NDArray) -> Rows:
        return Rows(*(getattr(self, name)[picked] for name in COLUMNS))

    @classmethod
    def concat(cls, parts: list[Rows]) -> Rows:
        """Stack examples of several images."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


COLUMNS = tuple(Rows.__dataclass_fields__)


def make_rows(
    lab: NDArray[np.uint8],
    xyxy: Boxes,
    class_ids: NDArray,
    priors: Priors,
    repeats: float,
    seed: int,
    group: int,
) -> Rows:
    """Return training examples from one image.

    Args:
        lab: image from `lab_image`.
        xyxy: (N, 4) accepted boxes, pixels.
        class_ids: (N,) their classes.
        priors: sizes by class.
        repeats: TWEAK rows to make per box; a fraction keeps a random share of them.
        seed: of the random boxes.
        group: number of the image, for splits.
    """
    rng, (height, width) = np.random.default_rng([seed, group]), lab.shape[:2]
    parts = []
    for kind, share in SHARE.items():
        rows = np.repeat(np.arange(len(xyxy)), counts(repeats * share, len(xyxy), rng))
        made = propose(kind, xyxy[rows], class_ids[rows], priors, rng)
        made = clip(made, width, height) if kind in (TWEAK, NEAR) else made
        parts.append((made, xyxy[rows], np.full(len(rows), kind)))
    boxes, targets, kinds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rows(describe_boxes(lab, boxes), boxes, targets, kinds, np.full(len(boxes), group))


def counts(repeats: float, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each of n boxes is used: about `repeats` times.

    Below 1 it is the share of the boxes that are used, drawn at random.
    """
    return rng.poisson(repeats, n) if repeats < 1 else np.full(n, round(repeats))


def propose(kind: int, xyxy: Boxes, class_ids: NDArray, priors: Priors, rng: np.random.Generator) -> Boxes:
    """Return boxes as a loose hand, a click or a click with a wrong class gives them."""
    if kind == TWEAK:
        return jitter(xyxy, TWEAK_SHARE, rng)
    if kind == NEAR:
        return jitter(xyxy, TWEAK_SHARE / 3, rng)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    at = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + sides * rng.normal(0, CLICK_NOISE, sides.shape)
    chosen = class_ids if kind == CLICK else rng.choice(priors.class_ids, len(xyxy))
    return around(at, priors.of(chosen))


def ridge(features: NDArray[np.float32], targets: NDArray[np.float32], alpha: float = ALPHA) -> Ridge:
    """Return mean, std, weight and bias of a ridge regression.

    The features are standardised.

    Source: Hoerl and Kennard 1970; the dual form is used when rows are fewer than features.
    """
    mean, std, bias = features.mean(0), features.std(0) + 1e-6, targets.mean(0)
    z = (features - mean) / std
    left, gram = (z.T, z.T @ z) if len(z) >= z.shape[1] else (np.eye(len(z), dtype=np.float32), z @ z.T)
    solved = np.linalg.solve(gram.astype(np.float64) + alpha * np.eye(len(gram)), left @ (targets - bias))
    weight = solved if len(z) >= z.shape[1] else z.T @ solved
    return {name: np.asarray(array, np.float32) for name, array in zip(PARTS, (mean, std, weight, bias), strict=True)}


def fit(rows: Rows) -> dict[str, Ridge]:
    """Return the three regressions: fine, coarse and quality.

    Fine moves a loose box, coarse a prior at a click, and quality is the overlap reached.
    """
    fitted = {}
    for name, kind in (("fine", TWEAK), ("coarse", CLICK)):
        picked = rows[rows.kind == kind]
        fitted[name] = ridge(picked.features, deltas(picked.boxes, picked.targets))
    fitted["quality"] = ridge(rows.features, pair_iou(rows.boxes, rows.targets)[:, None])
    return fitted


def hold_out(rows: Rows, seed: int = 0) -> dict[str, float]:
    """Fit on four fifths of the images; return mean overlaps on the rest.

    They are measured before and after the refiner.

    The boxes of a single image are split instead of images.

    Keys: iou_before and iou_after of loose boxes; click_before and click_after of the first
    click step; n_images and n_boxes measured.
    """
    one_box = np.unique(rows.targets, axis=0, return_inverse=True)[1].ravel()
    group = rows.group if len(np.unique(rows.group)) > 1 else one_box
    groups = np.random.default_rng(seed).permutation(np.unique(group))
    held = np.isin(group, groups[: max(1, len(groups) // 5)])
    fitted, figures = fit(rows[~held]), {}
    for name, kind, model in (("iou", TWEAK, "fine"), ("click", CLICK, "coarse")):
        test = rows[held & (rows.kind == kind)]
        moved = apply_deltas(test.boxes, predict(fitted[model], test.features))
        figures[f"{name}_before"] = float(pair_iou(test.boxes, test.targets).mean())
        figures[f"{name}_after"] = float(pair_iou(moved, test.targets).mean())
    images, boxes = len(np.unique(rows.group[held])), int((held & (rows.kind == TWEAK)).sum())
    return figures | {"n_images": images, "n_boxes": boxes}


def save(path: Path, fitted: dict[str, Ridge], priors: Priors) -> None:
    """Write the weights as safetensors, in one step."""
    arrays: dict[str, NDArray] = {f"{name}.{part}": model[part] for name, model in fitted.items() for part in PARTS}
    arrays |= {"prior.class_id": priors.class_ids, "prior.size": priors.sizes, "prior.count": priors.counts}
    save_arrays(path, arrays, "tator_box_refiner", {"version": VERSION, "dim": DIM})
