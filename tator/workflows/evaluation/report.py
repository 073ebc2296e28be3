"""The files that an evaluation leaves in its folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.storage.atomic import replacing, write_json
from tator.workflows.evaluation.coco import coco_gt, coco_preds
from tator.workflows.evaluation.evaluator import Evaluation, primary
from tator.workflows.evaluation.metrics import per_image
from tator.workflows.evaluation.objects import BOX, POLYGON
from tator.workflows.evaluation.open_metrics import OpenMatched, open_per_image
from tator.workflows.evaluation.rates import level, rates, share
from tator.workflows.evaluation.tables import Evaluated, Table

METRICS, PER_IMAGE, PER_CLASS, CONFUSION = "metrics.json", "per_image.json", "per_class.csv", "confusion.csv"
COCO_GT, COCO_PREDS, UNKNOWN_DESCS = "coco_gt.json", "coco_preds.json", "semantic_desc_report.json"
CLASS_COLUMNS = ("gt", "pred", "tp", "fp", "fn", "precision", "recall", "f1", "best_f1", "best_f1_score_thr")


def write_report(found: Evaluation, folder: Path, more: dict[str, Any] | None = None) -> list[str]:
    """Write the files and return their names, metrics.json last.

    Args:
        found: the evaluation.
        folder: where to; made if absent.
        more: further keys of metrics.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings, written = found.settings, [PER_IMAGE, PER_CLASS, CONFUSION]
    _write(folder / PER_IMAGE, _list_of(image_rows(found)))
    _write_csv(folder / PER_CLASS, class_lines(found))
    _write_csv(folder / CONFUSION, confusion_lines(found))
    if settings.metrics != "f1ish":
        with_masks = settings.with_masks and bool(found.data.gt.outlines or found.data.pred.outlines)
        _write(folder / COCO_GT, _coco_file(*coco_gt(found.data, with_masks)))
        _write(folder / COCO_PREDS, _list_of(coco_preds(found.data, with_masks)))
        written += [COCO_GT, COCO_PREDS]
    for thr, each in found.open_matched.items():
        name = "matches.jsonl" if thr == level(primary(settings.f1ish_iou_thrs)) else f"matches@{thr}.jsonl"
        _write(folder / name, _lines_of(match_rows(found, each)))
        written.append(name)
    if found.data.label_report["unique_unknown_desc"]:
        write_json(folder / UNKNOWN_DESCS, found.data.label_report)
        written.append(UNKNOWN_DESCS)
    write_json(folder / METRICS, found.facts | (more or {}))
    return [*written, METRICS]


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with replacing(path) as part, part.open("wb") as file:
        file.writelines(chunks)


def _coco_file(
    head: dict[str, Any], images: Iterable[dict[str, Any]], annotations: Iterable[dict[str, Any]]
) -> Iterator[bytes]:
    import orjson

    yield orjson.dumps(head)[:-1]
    for name, rows in (("images", images), ("annotations", annotations)):
        yield f',"{name}":'.encode()
        yield from _list_of(rows)
    yield b"}\n"


def _list_of(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    import orjson

    begin = b"[\n"
    for row in rows:
        yield begin + orjson.dumps(row)
        begin = b",\n"
    yield b"\n]\n" if begin == b",\n" else b"[]\n"


def _lines_of(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    import orjson

    return (orjson.dumps(row) + b"\n" for row in rows)


def _write_csv(path: Path, lines: Iterable[list[Any]]) -> None:
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


def class_lines(found: Evaluation) -> Iterator[list[Any]]:
    """Yield the lines of per_class.csv; what is undefined is empty."""
    precise = [key for key in ("AP", "AP50", "AP75", "segm_AP", "segm_AP50") if key in (found.per_class or [{}])[0]]
    columns = [*precise, *CLASS_COLUMNS]
    yield ["category", *columns]
    yield from ([row["class"], *(row[key] for key in columns)] for row in found.per_class)


def confusion_lines(found: Evaluation) -> Iterator[list[Any]]:
    """Yield the lines of confusion.csv: true classes down, predicted ones across."""
    names = [*found.data.names, "background"]
    yield ["true \\ predicted", *names]
    yield from ([name, *row] for name, row in zip(names, found.confusion, strict=True))


def image_rows(found: Evaluation) -> Iterator[dict[str, Any]]:
    """Yield a row an image: counts, what was refused, and its matches by family."""
    data = found.data
    closed = per_image(data, found.matched, found.least)
    opened = {thr: open_per_image(data, each) for thr, each in found.open_matched.items()}
    for row, image in enumerate(data.images):
        tp, fp, fn = (int(part[row]) for part in closed)
        gt, pred = (int(table.starts[row + 1] - table.starts[row]) for table in (data.gt, data.pred))
        invalid = data.invalid.get(row, ([], []))
        facts = {"image_id": image.record_index, "file_name": image.file_name, "dataset_image_id": image.image_id}
        facts |= {"gt_count": gt, "pred_count": pred, "invalid_gt": invalid[0], "invalid_pred": invalid[1]}
        facts["f1"] = {level(found.matched.iou_thr): {"tp": tp, "fp": fp, "fn": fn, **rates(tp, fp, fn)}}
        facts["f1ish"] = {thr: _open_row(each, row) for thr, each in opened.items()}
        yield facts


def _open_row(counts: dict[str, NDArray[np.int32]], row: int) -> dict[str, Any]:
    own = {name: int(part[row]) for name, part in counts.items()}
    ok = own["tp_full"]
    bad = own["tp_loc"] - ok
    return own | {"matched_sem_ok": ok, "matched_sem_bad": bad, "sem_acc_on_matched": share(ok, ok + bad)}


def match_rows(found: Evaluation, each: OpenMatched) -> Iterator[dict[str, Any]]:
    """Yield a line an image of a matches file; indices count within the image."""
    totals = open_per_image(found.data, each)
    told = ("pred_count_eval", "pred_count_ignored", "tp_loc", "fp_loc", "fn_loc")
    for row, image in enumerate(found.data.images):
        rows, there = found.data.pred.rows_of(row), found.data.gt.rows_of(row)
        facts = {"image_id": image.record_index, "file_name": image.file_name}
        facts |= {"width": image.width, "height": image.height, "iou_thr": each.matched.iou_thr}
        facts |= {"gt_count": there.stop - there.start, "pred_count": rows.stop - rows.start, "pred_scope": each.scope}
        yield facts | {name: int(totals[name][row]) for name in told} | _matches_of(found.data, each, rows, there)


def _matches_of(data: Evaluated, each: OpenMatched, rows: slice, there: slice) -> dict[str, Any]:
    """Return the matches of an image, and what was not matched."""
    gt_of, overlap = (part[rows].tolist() for part in (each.matched.gt_of, each.matched.overlap))
    counted, in_score, right = (part[rows].tolist() for part in (each.counted, each.in_score, each.is_right))
    pred_box, pred_label = data.pred.xyxy[rows].tolist(), data.pred.label[rows].tolist()
    gt_box, gt_label = data.gt.xyxy[there].tolist(), data.gt.label[there].tolist()
    open_gt = (each.matched.pred_of[there] < 0) & ~data.gt.ignored[there]
    matches = []
    for p, gt in enumerate(gt_of):
        if gt < 0:
            continue
        g = gt - there.start
        matches.append({
            "pred_idx": p, "gt_idx": g, "iou": overlap[p], "pred_desc": data.labels[pred_label[p]],
            "gt_desc": data.labels[gt_label[g]], "sem_sim": each.sem_sim.get(rows.start + p), "sem_ok": right[p],
            "pred_bbox": pred_box[p], "gt_bbox": gt_box[g], "pred_type": _type(data.pred, rows.start + p),
            "gt_type": _type(data.gt, gt),
        })  # fmt: skip
    return {
        "matches": matches,
        "unmatched_pred_indices": [p for p, gt in enumerate(gt_of) if counted[p] and gt < 0],
        "ignored_pred_indices": [p for p in range(len(gt_of)) if in_score[p] and not counted[p]],
        "unmatched_gt_indices": open_gt.nonzero()[0].tolist(),
    }


def _type(table: Table, row: int) -> str:
    return POLYGON if row in table.outlines else BOX
