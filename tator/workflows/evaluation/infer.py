"""Write gt_vs_pred.jsonl: image by image, cut off and continued to the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from tator.storage.atomic import replacing, write_json
from tator.storage.runs import read_object
from tator.types import BadInput, Conflict, NotFound, Progress, TatorError, Work
from tator.workflows.evaluation.ground_truth import GroundTruth
from tator.workflows.evaluation.objects import plain_objects
from tator.workflows.evaluation.places import Places
from tator.workflows.evaluation.predictors.base import Asked, Prediction, Predictor
from tator.workflows.evaluation.records import Record

SKIPPED = {"size_mismatch", "mode_gt_mismatch", "multi_image_not_supported"}  # emitted with their error, not asked


@dataclass
class Inferred:
    """How the images were gone through.

    Attributes:
        total_read: records seen.
        total_emitted: lines written, also by an earlier try.
        counters: error codes of the lines.
    """

    total_read: int = 0
    total_emitted: int = 0
    counters: Counter[str] = field(default_factory=Counter)


class Again(Enum):
    """What to do with predictions that are there already."""

    REFUSE = "refuse"
    RESUME = "resume"
    OVERWRITE = "overwrite"


@dataclass(frozen=True)
class Asking:
    """How images are gone through.

    Attributes:
        batch_size: images of one question.
        limit: most lines; 0 for all.
        again: what to do with predictions that are there.
    """

    batch_size: int = 8
    limit: int = 0
    again: Again = Again.REFUSE


def fingerprint(predictor: Predictor, truth_sha256: str) -> dict[str, Any]:
    """Return what the predictions depend on, with its digest."""
    facts = {"ground_truth": truth_sha256, **predictor.describe()}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str)
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "of": json.loads(text)}


def infer(places: Places, truth: GroundTruth, predictor: Predictor, asking: Asking, marks: dict[str, Any]) -> Work:
    """Ask about every image and write the answers; return Inferred.

    Args:
        places: where to.
        truth: the images.
        predictor: opened.
        asking: how.
        marks: from fingerprint.

    Raises:
        Conflict: there are predictions already, or they depend on something else; the message names what.
    """
    done = _continued(places, asking, marks)
    told = Inferred(total_emitted=len(done))
    for codes in done.values():
        told.counters.update(codes)
    total = int(truth.facts.get("images", 0)) or 0
    total = min(total, asking.limit) if asking.limit else total
    with places.gt_vs_pred.open("ab") as file, (places.run_dir / "events.jsonl").open("a", encoding="utf-8") as events:
        for batch in _batches(truth, done, asking, told):
            began = time.perf_counter()
            for record, prediction in zip(batch, _answers(truth, predictor, batch), strict=True):
                line = _joined(record, prediction, predictor.score_source)
                file.write(line.as_line())
                told.counters.update(line.errors)
                told.total_emitted += 1
            file.flush()
            os.fsync(file.fileno())
            _event(events, "batch", record_index=batch[-1].record_index, s=round(time.perf_counter() - began, 4))
            try:
                yield Progress(told.total_emitted, total, f"predicting {batch[-1].image}")
            except GeneratorExit:
                _event(events, "cancelled", emitted=told.total_emitted)
                raise
        _event(events, "predicted", emitted=told.total_emitted)
    return told


def _event(file: Any, name: str, **facts: Any) -> None:
    file.write(json.dumps({"at": round(time.time(), 3), "event": name, **facts}) + "\n")
    file.flush()


def _continued(places: Places, asking: Asking, marks: dict[str, Any]) -> dict[int, list[str]]:
    """Return {record index: errors} of the lines that stay.

    A line without an end is cut off.
    """
    file, known = places.gt_vs_pred, places.run_dir / "fingerprint.json"
    if asking.again is Again.OVERWRITE:
        file.unlink(missing_ok=True)
        places.summary.unlink(missing_ok=True)
    elif file.exists() and asking.again is Again.REFUSE:
        raise Conflict(f"{file} exists; set resume to go on with it, or overwrite to begin anew")
    if not file.exists():
        write_json(known, marks)
        return {}
    _refuse_other(known, marks)
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    found = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            row = json.loads(line)
            found[row["record_index"]] = row.get("errors", [])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{file}:{number}: not a line of ours; overwrite to begin anew") from error
    if len(whole) != len(content):
        with replacing(file, is_durable=True) as part:
            part.write_bytes(whole)
    places.summary.unlink(missing_ok=True)
    return found


def _refuse_other(known: Path, marks: dict[str, Any]) -> None:
    """Refuse to go on with predictions of something else.

    Raises:
        Conflict: the message names every difference.
    """
    if not known.is_file():
        raise Conflict(
            f"{known} is missing, so it is not known what the predictions come from; overwrite to begin anew"
        )
    before, now = read_object(known).get("of", {}), marks["of"]
    different = [
        f"{key} was {str(before.get(key))[:80]}, is {str(now.get(key))[:80]}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if different:
        raise Conflict(f"the predictions that are there depend on something else: {'; '.join(different)}")


def _batches(
    truth: GroundTruth, done: dict[int, list[str]], asking: Asking, told: Inferred
) -> Iterator[Sequence[Record]]:
    """Yield the records that are still to be answered, up to the limit."""
    batch: list[Record] = []
    left = asking.limit - told.total_emitted if asking.limit else None
    for record in truth.records():
        told.total_read += 1
        if record.record_index in done:
            continue
        if left is not None and len(batch) >= left:
            break
        batch.append(record)
        if len(batch) == max(asking.batch_size, 1):
            yield batch
            left = None if left is None else left - len(batch)
            batch = []
    if batch and (left is None or left > 0):
        yield batch


def _answers(truth: GroundTruth, predictor: Predictor, batch: Sequence[Record]) -> list[Prediction]:
    """Return one answer an image.

    An image that cannot be asked about has its error instead.
    """
    answers: list[Prediction | None] = [None] * len(batch)
    asked: list[tuple[int, Asked]] = []
    for at, record in enumerate(batch):
        if SKIPPED & set(record.errors):
            answers[at] = Prediction()
            continue
        problem = _problem(truth, record) if predictor.needs_pixels else ""
        if problem:
            answers[at] = Prediction(errors=[problem])
        else:
            asked.append((at, Asked(record, partial(truth.load, record))))
    for (at, _), answer in zip(asked, _together(predictor, [each for _, each in asked]), strict=True):
        answers[at] = answer
    return [answer or Prediction() for answer in answers]


def _problem(truth: GroundTruth, record: Record) -> str:
    """Return why an image cannot be asked about."""
    try:
        height, width = truth.load(record).shape[:2]
    except (BadInput, NotFound):
        return "image_load_failed"
    return "size_mismatch" if (width, height) != (record.width, record.height) else ""


def _together(predictor: Predictor, asked: Sequence[Asked]) -> list[Prediction]:
    """Return answers of a batch; where it fails, each image is asked alone."""
    if not asked:
        return []
    try:
        return predictor.predict_batch(asked)
    except (BadInput, NotFound, ValueError, RuntimeError):
        return [_alone(predictor, each) for each in asked]


def _alone(predictor: Predictor, asked: Asked) -> Prediction:
    try:
        return predictor.predict_batch([asked])[0]
    except (BadInput, NotFound, ValueError, RuntimeError) as error:
        if isinstance(error, TatorError) and not isinstance(error, BadInput | NotFound):
            raise
        return Prediction(errors=["generation_failed"], extra={"error_entries": [{"code": str(error)[:200]}]})


def _joined(record: Record, prediction: Prediction, score_source: str) -> Record:
    """Return a record with its predictions."""
    errors = [*record.errors, *prediction.errors]
    if not prediction.objects and not errors:
        errors.append("empty_pred")
    pred = plain_objects(prediction.objects)
    found = Record(record.record_index, record.image, record.width, record.height, record.gt, pred)
    found.mode, found.coord_mode, found.image_id = record.mode, record.coord_mode and "pixel", record.image_id
    found.errors, found.score_source, found.extra = errors, score_source, prediction.extra
    return found
