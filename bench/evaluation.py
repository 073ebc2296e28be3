"""Evaluate 5,000 images of 50 boxes: the whole way, its AP beside other libraries, and the memory of 100,000 images."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench._peak import peak_mb
from bench._row import Row
from tator.workflows.evaluation.accuracy import average_precision
from tator.workflows.evaluation.coco import coco_gt, coco_preds
from tator.workflows.evaluation.collecting import Collecting
from tator.workflows.evaluation.evaluator import Settings, evaluate_records
from tator.workflows.evaluation.operating_point import curves
from tator.workflows.evaluation.records import Record, read_records
from tator.workflows.evaluation.report import write_report

IMAGES, BOXES, CLASSES = 5_000, 50, 20
MANY, FEW = 100_000, 10_000  # images whose memory is compared
SIDE = 1_000.0
BIG = 5  # predictions of an image where memory is measured, and as many objects
ALL_MB, EACH_KB = (
    250,
    1.5,
)  # what is kept: 51 bytes a box of any digits, 13 a box and overlap, and the pairs that overlap


def scene(index: int, boxes: int, objects: int) -> Record:
    """Return an image with so many predictions and objects."""
    rng = np.random.default_rng(index)
    near = objects
    sides = rng.uniform(10, 120, (boxes, 2))
    corners = rng.uniform(0, SIDE - 120, (boxes, 2))
    found = np.concatenate([corners, corners + sides], axis=1)
    there = found[:near] + rng.normal(0, 0.06, (near, 4)) * np.tile(sides[:near], 2)
    kinds, scores = rng.integers(0, CLASSES, boxes), rng.random(boxes)
    gt = [_thing(box, kind) for box, kind in zip(there.tolist(), kinds.tolist(), strict=False)]
    pred = [
        _thing(box, kind) | {"score": score}
        for box, kind, score in zip(found.tolist(), kinds.tolist(), scores.tolist(), strict=True)
    ]
    return Record(index, f"{index}.jpg", int(SIDE), int(SIDE), gt, pred)


def _thing(box: list[float], kind: int) -> dict[str, Any]:
    return {"type": "bbox_2d", "points": box, "desc": f"class {kind}"}


def write(path: Path, images: int, boxes: int, objects: int) -> None:
    """Write a file of predictions."""
    with path.open("wb") as file:
        for index in range(images):
            file.write(scene(index, boxes, objects).as_line())


def in_all(path: Path, out: Path) -> float:
    """Return the seconds from the file of predictions to the last report."""
    began = time.perf_counter()
    write_report(evaluate_records(read_records(path), Settings()), out)
    return time.perf_counter() - began


def peer_s(kind: str, gt: Path, preds: Path) -> tuple[float, float]:
    """Return the seconds that a library evaluates, and its AP; reading the files is not counted."""
    if kind == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        evaluator: Any = COCOeval
        loaded: Any = COCO
    else:
        from faster_coco_eval import COCO as loaded
        from faster_coco_eval import COCOeval_faster as evaluator
    with contextlib.redirect_stdout(io.StringIO()):
        truth = loaded(str(gt))
        found = truth.loadRes(str(preds))
        began = time.perf_counter()
        run = evaluator(truth, found, "bbox")
        run.evaluate()
        run.accumulate()
        took = time.perf_counter() - began
    precision = run.eval["precision"][:, :, :, 0, 2]
    return took, float(precision[precision > -1].mean())


def memory_mb(images: int) -> float:
    """Return the peak memory of a process that evaluates so many images, in MB."""
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
        path = Path(folder) / "gt_vs_pred.jsonl"
        write(path, images, BIG, BIG)
        return pool.apply(_evaluate_and_measure, (str(path),))


def _evaluate_and_measure(path: str) -> float:
    found = evaluate_records(read_records(Path(path)), Settings())
    write_report(found, Path(path).with_name("eval"))
    curves(found.data, found.matched)
    return peak_mb()


def rows() -> Iterator[Row]:
    """Measure: the whole way, AP beside two libraries, memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, gt, preds = (folder / each for each in ("gt_vs_pred.jsonl", "gt.json", "preds.json"))
        write(path, IMAGES, BOXES, BOXES * 2 // 3)
        whole = min(in_all(path, folder / "eval") for _ in range(5))
        what = f"{IMAGES:,} images x {BOXES} boxes"
        yield Row(f"Evaluation: {what}, from the file to all reports", whole, "s", target="<= 5 s", holds=whole <= 5)
        data = Collecting().collect(read_records(path))
        head, images, annotations = coco_gt(data, with_masks=False)
        gt.write_text(json.dumps(head | {"images": list(images), "annotations": list(annotations)}))
        preds.write_text(json.dumps(list(coco_preds(data, with_masks=False))))
        took, ours = [], 0.0
        for _ in range(5):
            began = time.perf_counter()
            ours = average_precision(data).summary["AP"] or 0.0
            took.append(time.perf_counter() - began)
        for peer, times in (("pycocotools", 30), ("faster-coco-eval", 5)):
            theirs, ap = peer_s(peer, gt, preds)
            holds = theirs / min(took) >= times and abs(ap - ours) < 1e-6
            yield Row(
                f"Evaluation: AP of {what}", min(took), "s", peer, theirs, f">= {times}x quicker, equal AP", holds
            )
    few, many = memory_mb(FEW), memory_mb(MANY)
    each = (many - few) * 1024 / (MANY - FEW)
    yield Row(
        f"Evaluation: memory of {MANY:,} images x {BIG} boxes, to all reports: {each:.2f} KB an image more",
        many,
        "MB",
        f"{FEW:,} images",
        few,
        f"<= {ALL_MB} MB and {EACH_KB} KB an image more",
        many <= ALL_MB and each <= EACH_KB,
    )
