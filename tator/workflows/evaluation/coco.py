"""COCO's files: the ground truth of an evaluation, and its predictions as results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tator.workflows.evaluation.accuracy import xywh_of
from tator.workflows.evaluation.overlaps import box_ring
from tator.workflows.evaluation.tables import Evaluated, Table

TOGETHER = 10_000  # boxes that are objects of Python at once

Rows = Iterator[dict[str, Any]]


def coco_gt(data: Evaluated, with_masks: bool = True) -> tuple[dict[str, Any], Rows, Rows]:
    """Return a COCO file of the ground truth: its head, images and annotations.

    Images have their record_index as id.
    """
    categories = [{"id": row, "name": name} for row, name in enumerate(data.names, 1)]
    head = {"info": {"description": "Ground truth of an evaluation"}, "licenses": [], "categories": categories}
    return head, _images(data), _annotations(data, data.gt, with_masks, is_truth=True)


def coco_preds(data: Evaluated, with_masks: bool = True) -> Rows:
    """Yield the predictions as COCO's results."""
    return _annotations(data, data.pred, with_masks, is_truth=False)


def _images(data: Evaluated) -> Rows:
    for each in data.images:
        yield {"id": each.record_index, "file_name": each.file_name, "width": each.width, "height": each.height}


def _annotations(data: Evaluated, table: Table, with_masks: bool, is_truth: bool) -> Rows:
    """Yield the boxes, some at a time, so that no list of them all is held."""
    for start in range(0, len(table), TOGETHER):
        rows = slice(start, min(start + TOGETHER, len(table)))
        images = data.images.record_index[table.image[rows]].tolist()
        columns = (images, table.class_id[rows].tolist(), xywh_of(table, rows).tolist(), table.score[rows].tolist())
        for row, image, class_id, box, score in zip(range(rows.start, rows.stop), *columns, strict=True):
            found = {"image_id": image, "category_id": class_id + 1, "bbox": box}
            if is_truth:
                found |= {"id": row + 1, "area": box[2] * box[3], "iscrowd": int(table.ignored[row])}
            else:
                found["score"] = score
            if with_masks:
                outline = table.outlines.get(row)
                found["segmentation"] = outline if isinstance(outline, dict) else [outline or box_ring(table.xyxy[row])]
            yield found
