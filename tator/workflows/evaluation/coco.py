"""COCO's files and COCO's average precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.overlaps import box_ring, outline_rle
from tator.workflows.evaluation.tables import Evaluated, Table

KINDS = ("bbox", "segm")
MAX_DETS = (1, 10, 100)
DIGITS = 12  # decimals that are told: COCO's own formula gives a perfect detector 0.9999999999999998
AREAS = ("", "s", "m", "l")  # all, small, medium, large, in the order of the library


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

    Args:
        data: both sides.
        kind: bbox or segm.
        iou_thrs: overlaps; none takes 0.50 to 0.95.
        max_dets: most predictions of an image and class, rising; the last counts for AP.

    Source: https://github.com/cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py; computed by hotcoco.
    """
    import hotcoco

    truth = _truth(hotcoco, data, kind)
    run = hotcoco.COCOeval(truth, _results(truth, data, kind), kind)
    run.params.maxDets = list(max_dets)
    if iou_thrs:
        run.params.iouThrs = list(iou_thrs)
    run.evaluate()
    run.accumulate()
    thresholds = [float(value) for value in run.params.iouThrs]
    precision, recall = (np.asarray((run.eval or {})[name]) for name in ("precision", "recall"))
    return _accuracy(data, kind, precision, recall, thresholds, max_dets)


def _truth(hotcoco: Any, data: Evaluated, kind: str) -> Any:
    """Return the ground truth as the library holds it.

    Images and classes are numbered by their rows.
    """
    xywh = _xywh(data.gt)
    more = {"segmentation": _masks(data, data.gt), "area": xywh[:, 2] * xywh[:, 3]} if kind == "segm" else {}
    return hotcoco.COCO.from_arrays(
        images=_images(data),
        categories=_categories(data),
        image_ids=data.gt.image,
        category_ids=data.gt.class_id + 1,
        boxes=xywh,
        iscrowd=data.gt.ignored.astype(np.int64),
        **more,
    )


def _results(truth: Any, data: Evaluated, kind: str) -> Any:
    """Return the predictions as the library holds them."""
    columns = [data.pred.image[:, None], _xywh(data.pred), data.pred.score[:, None], data.pred.class_id[:, None] + 1]
    table = np.concatenate(columns, axis=1, dtype=np.float64)
    return truth.load_res(table, segmentation=_masks(data, data.pred)) if kind == "segm" else truth.load_res(table)


def _masks(data: Evaluated, table: Table) -> list[dict[str, Any]]:
    return [_texts(outline_rle(table, row, data.images[at])) for row, at in enumerate(table.image.tolist())]


def _xywh(table: Table) -> NDArray[np.float64]:
    return np.concatenate([table.xyxy[:, :2], table.xyxy[:, 2:] - table.xyxy[:, :2]], axis=1)


def _texts(rle: dict[str, Any]) -> dict[str, Any]:
    counts = rle["counts"]
    return {"size": list(rle["size"]), "counts": counts.decode("ascii") if isinstance(counts, bytes) else counts}


def _accuracy(
    data: Evaluated,
    kind: str,
    precision: NDArray[np.float64],
    recall: NDArray[np.float64],
    thresholds: list[float],
    max_dets: Sequence[int],
) -> Accuracy:
    rows = {key: _row_of(thresholds, value) for key, value in (("AP50", 0.5), ("AP75", 0.75))}
    summary: dict[str, float | None] = {"AP": _mean(precision[..., 0, -1])}
    summary |= {key: None if at is None else _mean(precision[at, :, :, 0, -1]) for key, at in rows.items()}
    summary |= {f"AP{area}": _mean(precision[..., at, -1]) for at, area in enumerate(AREAS) if area}
    summary |= {f"AR{most}": _mean(recall[..., 0, at]) for at, most in enumerate(max_dets)}
    summary |= {f"AR{area}": _mean(recall[..., at, -1]) for at, area in enumerate(AREAS) if area}
    per_class = {}
    for k, name in enumerate(data.names):
        own = precision[:, :, k, 0, -1]
        per_class[name] = {"AP": _mean(own)} | {key: None if at is None else _mean(own[at]) for key, at in rows.items()}
    return Accuracy(kind, summary, per_class, thresholds)


def _mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of what is defined; -1 marks what is not."""
    known = values[values > -1]
    return round(float(known.mean()), DIGITS) if known.size else None


def _row_of(thresholds: Sequence[float], wanted: float) -> int | None:
    near = np.flatnonzero(np.abs(np.asarray(thresholds) - wanted) < 1e-9)
    return int(near[0]) if len(near) else None


def _images(data: Evaluated) -> list[dict[str, Any]]:
    """Return the images, numbered by their rows."""
    return [
        {"id": row, "file_name": each.file_name, "width": each.width, "height": each.height}
        for row, each in enumerate(data.images)
    ]


def _categories(data: Evaluated) -> list[dict[str, Any]]:
    return [{"id": row, "name": name} for row, name in enumerate(data.names, 1)]


def coco_gt(data: Evaluated, with_masks: bool = True) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """Return a COCO file of the ground truth, and its annotations.

    Images have their record_index as id.
    """
    images = [image | {"id": each.record_index} for image, each in zip(_images(data), data.images, strict=True)]
    about = {"description": "Ground truth of an evaluation"}
    head = {"info": about, "licenses": [], "images": images, "categories": _categories(data)}
    return head, _annotations(data, data.gt, with_masks, is_truth=True)


def coco_preds(data: Evaluated, with_masks: bool = True) -> Iterator[dict[str, Any]]:
    """Yield the predictions as COCO's results."""
    return _annotations(data, data.pred, with_masks, is_truth=False)


def _annotations(data: Evaluated, table: Table, with_masks: bool, is_truth: bool) -> Iterator[dict[str, Any]]:
    """Yield the boxes image by image, so that no list of them all is held."""
    xywh = _xywh(table)
    for at, image in enumerate(data.images):
        rows = table.rows_of(at)
        columns = (table.class_id[rows].tolist(), xywh[rows].tolist(), table.score[rows].tolist())
        for row, class_id, box, score in zip(range(rows.start, rows.stop), *columns, strict=True):
            found = {"image_id": image.record_index, "category_id": class_id + 1, "bbox": box}
            if is_truth:
                found |= {"id": row + 1, "area": box[2] * box[3], "iscrowd": int(table.ignored[row])}
            else:
                found["score"] = score
            if with_masks:
                outline = table.outlines.get(row)
                found["segmentation"] = outline if isinstance(outline, dict) else [outline or box_ring(table.xyxy[row])]
            yield found
