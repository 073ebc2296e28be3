"""Predictions that lie in files.

COCO results, YOLO text with scores, or gt_vs_pred.jsonl.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tator.types import BadInput
from tator.workflows.evaluation.coordinates import NORM1000
from tator.workflows.evaluation.ground_truth import GroundTruth
from tator.workflows.evaluation.predictors.base import Asked, Prediction
from tator.workflows.evaluation.predictors.coco_results import coco_results
from tator.workflows.evaluation.predictors.packing import Found, packed, unpacked
from tator.workflows.evaluation.records import Reading, read_records
from tator.workflows.evaluation.text_answers import read_answer

KEYS = ("record_index", "image_id", "file_name")
SHOWN = 5  # ids that a message names


class Known(NamedTuple):
    """What of an image finds its predictions."""

    record_index: int
    image: str | None
    width: int | None
    height: int | None
    image_id: int


@dataclass
class Replay:
    """Replays a file or folder of predictions.

    Attributes:
        path: COCO results (.json), gt_vs_pred.jsonl, or a folder of YOLO text files.
        truth: names the images and classes.
        image_ids: what ids of images mean: record_index, image_id (of the dataset), file_name, or auto.
        coord_mode: norm1000 or pixel: what plain numbers of answers in words mean.
    """

    path: Path
    truth: GroundTruth
    image_ids: str = "auto"
    coord_mode: str = NORM1000
    score_source: str = "model"
    needs_pixels: bool = False
    by_record: dict[int, bytes] = field(default_factory=dict)
    unmet: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Read the predictions and find their images.

        Raises:
            BadInput: the file cannot be read, a class does not exist, or no image of it is among those evaluated; the
                message names them.
        """
        records = [Known(r.record_index, r.image, r.width, r.height, r.image_id) for r in self.truth.records()]
        if self.path.is_dir():
            found = _yolo(self.path, records, self.truth.classes)
            how = "file_name"
        elif self.path.suffix.lower() == ".jsonl":
            found, self.score_source = _records(self.path, sizes_of(records), self.coord_mode)
            how = "record_index"
        else:
            found, how = coco_results(self.path, self.truth.classes)
        self._meet(found, records, how if self.image_ids == "auto" else self.image_ids)

    def _meet(self, found: Found, records: Sequence[Known], how: str) -> None:
        """Bring predictions and images together.

        Raises:
            BadInput: no id is known on the other side.
        """
        for key in [how] if how in KEYS else list(KEYS):
            known = _ids(records, key)
            met = {each: known[_form(each, key)] for each in found if _form(each, key) in known}
            if len(met) == len(found) or how in KEYS:
                break
        if found and not met:
            theirs = ", ".join(repr(each) for each in list(found)[:SHOWN])
            ours = ", ".join(repr(each) for each in list(_ids(records, key))[:SHOWN])
            raise BadInput(
                f"{self.path.name}: none of its images is among those evaluated: it names {theirs}; "
                f"by {key} there are {ours}"
            )
        self.unmet = sorted(repr(each) for each in found if each not in met)
        for each, index in met.items():
            self.by_record[index] = self.by_record.get(index, b"") + found[each]

    def predict_batch(self, asked: Sequence[Asked]) -> list[Prediction]:
        """Return the predictions of each image."""
        return [Prediction(unpacked(self.by_record.get(each.record.record_index, b""))) for each in asked]

    def close(self) -> None:
        """Forget the predictions."""
        self.by_record = {}

    def describe(self) -> dict[str, Any]:
        """Return the content's digest, and how many images are not among those evaluated."""
        told = {
            "predictor": "file",
            "file": self.path.name,
            "sha256": _digest(self.path),
            "image_ids": self.image_ids,
            "coord_mode": self.coord_mode,
        }
        return told | ({"unmet_images": len(self.unmet), "unmet": self.unmet[:SHOWN]} if self.unmet else {})


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
        digest.update(file.name.encode() + b"\0" if path.is_dir() else b"")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _ids(records: Iterable[Known], key: str) -> dict[Any, int]:
    """Return {id: record index}.

    Names are found by path, by file name and by stem where that is one image's only.
    """
    if key != "file_name":
        return {getattr(record, key): record.record_index for record in records if key == KEYS[0] or record.image_id}
    forms: dict[str, set[int]] = {}
    for record in records:
        path = PurePosixPath(record.image or "")
        for form in {str(path), path.name, path.stem}:
            forms.setdefault(form, set()).add(record.record_index)
    return {form: next(iter(rows)) for form, rows in forms.items() if len(rows) == 1 and form}


def _form(value: Any, key: str) -> Any:
    if key != "file_name":
        return value
    return str(PurePosixPath(str(value)))


def sizes_of(records: Iterable[Known]) -> dict[int, tuple[int, int]]:
    """Return {record index: width and height}."""
    return {record.record_index: (record.width or 1, record.height or 1) for record in records}


def _records(path: Path, sizes: dict[int, tuple[int, int]], coord_mode: str) -> tuple[Found, str]:
    """Return the predictions of records, or of answers in words under "text"."""
    found: Found = {}
    sources = set()
    for record in read_records(path, Reading(is_strict=True)):
        text = record.extra.get("text")
        if isinstance(text, str) and not record.pred:
            answer = read_answer(text, *sizes.get(record.record_index, (1, 1)), coord_mode)
            record.pred, record.score_source = answer.objects, "constant"
        found[record.record_index] = packed(record.pred)
        sources.add(record.score_source)
    return found, "constant" if "constant" in sources else (sources.pop() if len(sources) == 1 else "model")


def _yolo(folder: Path, records: Sequence[Known], classes: Sequence[str]) -> Found:
    """Return {stem: objects} of files with lines "class x y w h score"."""
    known = _ids(records, "file_name")
    sizes = {record.record_index: (record.width or 0, record.height or 0) for record in records}
    found: Found = {}
    for file in sorted(folder.glob("*.txt")):
        size = sizes.get(known.get(file.stem, -1), (1, 1))
        lines = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
        found[file.stem] = packed(
            _yolo_object(file, number, line, classes, size) for number, line in enumerate(lines, 1) if line
        )
    if not found:
        raise BadInput(f"{folder} has no .txt file; expected one an image")
    return found


def _yolo_object(file: Path, line: int, words: list[str], classes: Sequence[str], size: tuple[int, int]) -> dict:
    try:
        row, *values = int(float(words[0])), *map(float, words[1:])
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{file.name}:{line}: {' '.join(words)[:80]!r} is not class x y w h score") from error
    if not 0 <= row < len(classes) or len(values) < 4:
        raise BadInput(f"{file.name}:{line}: class {row} with {len(values)} numbers; there are {len(classes)} classes")
    score = values.pop() if len(values) % 2 else None
    width, height = size
    if len(values) > 4:
        ring = [value * side for value, side in zip(values, (width, height) * (len(values) // 2), strict=True)]
        return {"type": "poly", "points": ring, "desc": classes[row], "score": score}
    x, y, w, h = values
    box = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
    return {"type": "bbox_2d", "points": box, "desc": classes[row], "score": score}
