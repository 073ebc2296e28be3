"""Random scenes of objects and predictions, as records and as COCO files, for tests of the evaluator."""

from __future__ import annotations

import copy

import numpy as np

from tator.workflows.evaluation.records import Record

WIDTH, HEIGHT = 320, 240
NAMES = [f"c{k}" for k in range(5)]  # the last two are seen nowhere in the ground truth


def record(index: int, gt: list = (), pred: list = (), name: str = "", size: tuple = (WIDTH, HEIGHT)) -> Record:
    """Return a record of (class, box[, score]) rows; a class with ! before it is to be ignored."""
    return Record(index, name or f"{index}.jpg", *size, [thing(*row) for row in gt], [thing(*row) for row in pred])


def thing(desc: str, box, score: float | None = None, **more) -> dict:
    found = {"type": "bbox_2d", "points": [float(v) for v in box], "desc": desc.removeprefix("!"), **more}
    return found | ({"ignore": True} if desc.startswith("!") else {}) | ({} if score is None else {"score": score})


def random_records(seed: int, images: int = 20, with_masks: bool = False, with_ties: bool = True) -> list[Record]:
    """Return images with crowds, images without objects, loose, exact, double and false predictions."""
    rng = np.random.default_rng(seed)
    return [_random_record(rng, index, with_masks, with_ties) for index in range(images)]


def _random_record(rng: np.random.Generator, index: int, with_masks: bool, with_ties: bool) -> Record:
    gt, pred = [], []
    for _ in range(0 if rng.random() < 0.2 else rng.integers(1, 9)):
        w, h = rng.uniform(3, 150, 2)
        x, y = rng.uniform(0, WIDTH - w), rng.uniform(0, HEIGHT - h)
        kind = int(rng.integers(0, 3))
        gt.append(thing("!" * (rng.random() < 0.15) + NAMES[kind], [x, y, x + w, y + h]))
        for _ in range(rng.integers(0, 3)):
            shift = rng.normal(0, 0.1, 4) * [w, h, w, h] * (rng.random() > 0.2)
            box = np.array([x, y, x + w, y + h]) + shift
            other = kind if rng.random() < 0.8 else int(rng.integers(0, 5))
            pred.append(thing(NAMES[other], np.sort(box.reshape(2, 2), axis=0).ravel(), score_of(rng, with_ties)))
    for _ in range(rng.integers(0, 4)):
        x, y, w, h = rng.uniform(0, 150, 4) + [0, 0, 3, 3]
        pred.append(thing(NAMES[rng.integers(0, 5)], [x, y, x + w, y + h], score_of(rng, with_ties)))
    found = Record(index, f"{index}.jpg", WIDTH, HEIGHT, gt, pred)
    if with_masks:
        for each in [*gt, *pred]:
            each |= {"type": "poly", "points": diamond(each["points"])}
    return found


def score_of(rng: np.random.Generator, with_ties: bool) -> float:
    return round(float(rng.random()), 1 if with_ties else 12)


def diamond(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [(x1 + x2) / 2, y1, x2, (y1 + y2) / 2, (x1 + x2) / 2, y2, x1, (y1 + y2) / 2]


def scaled(records: list[Record], factor: float) -> list[Record]:
    """Return the same scenes, larger."""
    found = copy.deepcopy(records)
    for each in found:
        each.width, each.height = int(each.width * factor), int(each.height * factor)
        for row in [*each.gt, *each.pred]:
            row["points"] = [value * factor for value in row["points"]]
    return found


def shuffled(records: list[Record], seed: int) -> list[Record]:
    """Return the same lines in another order, with the objects of each in another order."""
    rng = np.random.default_rng(seed)
    found = [copy.deepcopy(records[at]) for at in rng.permutation(len(records))]
    for each in found:
        each.gt = [each.gt[at] for at in rng.permutation(len(each.gt))]
        each.pred = [each.pred[at] for at in rng.permutation(len(each.pred))]
    return found
