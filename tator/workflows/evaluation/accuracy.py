"""COCO's average precision and recall, gone through in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.overlaps import outline_rle
from tator.workflows.evaluation.tables import Evaluated, Table

KINDS = ("bbox", "segm")
MAX_DETS = (1, 10, 100)
DIGITS = 12  # decimals that are told: COCO's own formula gives a perfect detector 0.9999999999999998
AREAS = {"": (0.0, 1e10), "s": (0.0, 32.0**2), "m": (32.0**2, 96.0**2), "l": (96.0**2, 1e10)}  # COCO's, square pixels
PASS = 100_000  # boxes whose matches are held at once; the library keeps about 300 bytes of each
PART = 5_000  # boxes that are handed over at once, as objects of Python

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Accuracy:
    """COCO's numbers of one kind.

    Attributes:
        kind: bbox or segm.
        summary: {AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl}; None where undefined.
        per_class: {class: {"AP", "AP50", "AP75"}}.
        thresholds: overlaps that were used.
    """

    kind: str
    summary: dict[str, float | None]
    per_class: dict[str, dict[str, float | None]]
    thresholds: list[float]


def average_precision(
    data: Evaluated, kind: str = "bbox", iou_thrs: Sequence[float] = (), max_dets: Sequence[int] = MAX_DETS
) -> Accuracy:
    """Return COCO's average precision and recall.

    COCO matches and ranks each class and size alone, so a large set is gone through a few classes, or one size of a
    large class, at a time.

    Args:
        data: both sides.
        kind: bbox or segm.
        iou_thrs: overlaps; none takes 0.50 to 0.95.
        max_dets: most predictions of an image and class, rising; the last counts for AP.

    Source: https://github.com/cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py; computed by hotcoco.
    """
    import hotcoco

    thresholds = [float(value) for value in iou_thrs or hotcoco.Params(kind).iou_thrs]
    precision = np.full((len(thresholds), len(data.names), len(AREAS)), np.nan)
    recall = np.full((len(thresholds), len(data.names), len(AREAS), len(max_dets)), np.nan)
    for classes, areas in _passes(data):
        params = hotcoco.Params(kind)
        params.iou_thrs, params.max_dets = thresholds, list(max_dets)
        params.area_rng = [list(AREAS[area]) for area in areas]
        params.area_rng_lbl = [area or "all" for area in areas]
        columns = [list(AREAS).index(area) for area in areas]
        stream = hotcoco.StreamingEval(_categories(data, classes), kind, params=params)
        found = _gone_through(data, classes, kind, stream)
        if found is not None:
            at = np.ix_(range(len(thresholds)), classes, columns)
            precision[at], recall[at] = found
    return _accuracy(data, kind, precision, recall, thresholds, max_dets)


def _passes(data: Evaluated) -> Iterator[tuple[list[int], list[str]]]:
    """Yield classes and sizes whose boxes are few enough to be held."""
    counts = sum(np.bincount(table.class_id, minlength=len(data.names)) for table in (data.gt, data.pred))
    group: list[int] = []
    held = 0
    for class_id, boxes in enumerate(np.asarray(counts).tolist()):
        if boxes > PASS:
            yield from (([class_id], [area]) for area in AREAS)
            continue
        if group and held + boxes > PASS:
            yield group, list(AREAS)
            held, group = 0, []
        held, group = held + boxes, [*group, class_id]
    if group:
        yield group, list(AREAS)


def _categories(data: Evaluated, classes: Sequence[int]) -> list[dict[str, Any]]:
    return [{"id": row + 1, "name": data.names[row]} for row in classes]


def _gone_through(data: Evaluated, classes: Sequence[int], kind: str, stream: Any) -> tuple[Floats, Floats] | None:
    """Return precision and recall of some classes.

    They are (T, classes, areas), the mean over recalls, and (T, classes, areas, M); what is undefined is NaN. None where there is no box of these classes.
    """
    wanted = np.isin(np.arange(len(data.names)), classes)
    sides = [np.flatnonzero(wanted[table.class_id]) for table in (data.gt, data.pred)]
    if not any(map(len, sides)):
        return None
    for gt, pred in _parts(data, *sides):
        images = np.union1d(data.gt.image[gt], data.pred.image[pred]).tolist()
        masks = {"segmentation": _masks(data, data.pred, pred)} if kind == "segm" else {}
        stream.update([{"id": image} for image in images], _truth(data, gt, kind), _results(data.pred, pred), **masks)
    run = stream.finalize()
    run.accumulate()
    precision, recall = (np.asarray((run.eval or {})[name]) for name in ("precision", "recall"))
    return _defined(precision[..., -1]).mean(axis=1), _defined(recall)


def _defined(values: Floats) -> Floats:
    """Return NaN for -1, which marks what is undefined."""
    return np.where(values > -1, values, np.nan)


def _parts(data: Evaluated, gt: NDArray, pred: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield rows of both sides, image after image, a bounded number at a time."""
    places = data.gt.image[gt], data.pred.image[pred]
    images = np.unique(np.concatenate([np.unique(each) for each in places]))
    ends = [np.searchsorted(each, images, side="right") for each in places]
    held = ends[0] + ends[1]
    cuts = np.unique(np.searchsorted(held, np.arange(PART, held[-1] + PART, PART)).clip(max=len(images) - 1))
    before = [0, 0]
    for cut in cuts.tolist():
        after = [int(each[cut]) for each in ends]
        yield gt[before[0] : after[0]], pred[before[1] : after[1]]
        before = after


def _truth(data: Evaluated, rows: NDArray, kind: str) -> list[dict[str, Any]]:
    """Return objects as the library takes them, numbered by their rows."""
    table, xywh = data.gt, xywh_of(data.gt, rows)
    crowd, areas = table.ignored[rows].astype(np.int64), xywh[:, 2] * xywh[:, 3]
    columns = (rows, table.image[rows], table.class_id[rows] + 1, xywh, areas, crowd)
    keys = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
    found = [dict(zip(keys, each, strict=True)) for each in zip(*(part.tolist() for part in columns), strict=True)]
    if kind == "segm":
        for row, outline in zip(found, _masks(data, table, rows), strict=True):
            row["segmentation"] = outline
    return found


def _results(table: Table, rows: NDArray) -> Floats:
    """Return (N, 7) predictions as the library takes them."""
    columns = [table.image[rows, None], xywh_of(table, rows), table.score[rows, None], table.class_id[rows, None] + 1]
    return np.concatenate(columns, axis=1, dtype=np.float64)


def _masks(data: Evaluated, table: Table, rows: NDArray) -> list[dict[str, Any]]:
    places = zip(rows.tolist(), table.image[rows].tolist(), strict=True)
    return [_texts(outline_rle(table, row, data.images[at])) for row, at in places]


def xywh_of(table: Table, rows: Any) -> Floats:
    """Return (N, 4) corner and size of some boxes, pixels."""
    xyxy = table.boxes(rows)
    return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def _texts(rle: dict[str, Any]) -> dict[str, Any]:
    counts = rle["counts"]
    return {"size": list(rle["size"]), "counts": counts.decode("ascii") if isinstance(counts, bytes) else counts}


def _accuracy(
    data: Evaluated, kind: str, precision: Floats, recall: Floats, thresholds: list[float], max_dets: Sequence[int]
) -> Accuracy:
    """Return the numbers that are told; every class that is defined weighs the same."""
    rows = {key: _row_of(thresholds, value) for key, value in (("AP50", 0.5), ("AP75", 0.75))}
    sizes = [(at, area) for at, area in enumerate(AREAS) if area]
    summary: dict[str, float | None] = {"AP": _mean(precision[..., 0])}
    summary |= {key: None if at is None else _mean(precision[at, :, 0]) for key, at in rows.items()}
    summary |= {f"AP{area}": _mean(precision[..., at]) for at, area in sizes}
    summary |= {f"AR{most}": _mean(recall[..., 0, at]) for at, most in enumerate(max_dets)}
    summary |= {f"AR{area}": _mean(recall[..., at, -1]) for at, area in sizes}
    per_class = {}
    for k, name in enumerate(data.names):
        own = precision[:, k, 0]
        per_class[name] = {"AP": _mean(own)} | {key: None if at is None else _mean(own[at]) for key, at in rows.items()}
    return Accuracy(kind, summary, per_class, thresholds)


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), DIGITS) if known.size else None


def _row_of(thresholds: Sequence[float], wanted: float) -> int | None:
    near = np.flatnonzero(np.abs(np.asarray(thresholds) - wanted) < 1e-9)
    return int(near[0]) if len(near) else None
