"""What is there: the labels of a snapshot, or a file of records."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tator.datasets.dataset import ImageRow
from tator.datasets.snapshots import Snapshot
from tator.storage.images import read_image
from tator.types import BadInput, Image, NotFound
from tator.vision.masks import of_polygons, to_rle
from tator.workflows.evaluation.coordinates import NORM1000, PIXEL, token_value
from tator.workflows.evaluation.objects import Refused, check_objects, flat
from tator.workflows.evaluation.records import Reading, Record, read_objects, read_records

BATCH = 500  # images whose labels are read at once


class GroundTruth(Protocol):
    """Where records come from, image by image."""

    classes: list[str]
    facts: dict[str, Any]
    counts: Counter[str]

    def records(self) -> Iterator[Record]:
        """Yield the images with what is there, in pixels, without predictions."""

    def load(self, record: Record) -> Image:
        """Return an image's pixels."""

    def path(self, record: Record) -> Path:
        """Return an image's file."""


@dataclass
class SnapshotTruth:
    """The accepted labels of a snapshot.

    Attributes:
        snapshot: of the dataset.
        split: train, val, test, "none" for images without one, or "" for all.
        facts: what the evaluation tells of it.
        counts: of what was refused.
    """

    snapshot: Snapshot
    split: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.classes = [row.name for row in self.snapshot.classes()]
        wanted = None if not self.split else [""] if self.split == "none" else [self.split]
        self.rows: list[ImageRow] = self.snapshot.images(splits=wanted)
        if not self.rows:
            raise BadInput(f"{self.snapshot.name} has no readable image in split {self.split or 'any'!r}")

    def records(self) -> Iterator[Record]:
        """Yield the images in path order."""
        names = {row.class_id: row.name for row in self.snapshot.classes()}
        for start in range(0, len(self.rows), BATCH):
            batch = self.rows[start : start + BATCH]
            found = self.snapshot.annotation_rows([row.id for row in batch])
            for at, row in enumerate(batch, start):
                objects = [as_object(each, names, (row.width, row.height)) for each in found[row.id]]
                yield Record(at, row.path, row.width, row.height, objects, image_id=row.id)

    def row(self, record: Record) -> ImageRow:
        """Return the image of a record."""
        return self.rows[record.record_index]

    def path(self, record: Record) -> Path:
        """Return an image's file."""
        return self.snapshot.path(self.row(record))

    def load(self, record: Record) -> Image:
        """Return an image's pixels."""
        return read_image(self.path(record))


def as_object(row: Mapping[str, Any], names: Mapping[int, str], size: tuple[int, int]) -> dict[str, Any]:
    """Return an annotation as a record has it.

    Crowds and difficult ones are to be ignored.

    Args:
        row: of the annotation table.
        names: {class id: name}.
        size: width and height of the image, pixels.
    """
    found: dict[str, Any] = {"type": "bbox_2d", "points": [row["x1"], row["y1"], row["x2"], row["y2"]]}
    found |= {"desc": names.get(row["class_id"], f"class {row['class_id']}"), "id": row["id"]}
    rings = row["polygons"]
    if row["rle"]:
        found["rle"] = row["rle"]
    elif rings and len(rings) == 1 and len(rings[0]) == 1:
        found |= {"type": "poly", "points": rings[0][0]}
    elif rings and (mask := of_polygons(rings, *size)):
        found["rle"] = to_rle(mask, *size)
    noted = row.get("attributes") or {}
    if noted.get("crowd") or noted.get("difficult"):
        found["ignore"] = True
    if row.get("confidence") is not None:
        found["score"] = row["confidence"]
    return found


@dataclass
class FileTruth:
    """The records of a gt_jsonl file.

    Attributes:
        file: JSON lines.
        root: folder of the images, None where none is known.
        mode: coord, text or auto: how coordinates are written.
        detect_samples: records that auto looks at.
        is_strict: a bad line is an error.
    """

    file: Path
    root: Path | None = None
    mode: str = "auto"
    detect_samples: int = 128
    is_strict: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.resolved, self.reason = (
            (self.mode, "") if self.mode != "auto" else detect_mode(self.file, self.detect_samples)
        )
        self.facts = {"gt_jsonl": str(self.file), "mode": self.resolved}
        if self.reason:
            self.facts["mode_resolution_reason"] = self.reason
        seen = (each["desc"] for record in self.records() for each in record.gt)
        self.classes: list[str] = list(dict.fromkeys(seen))

    def records(self) -> Iterator[Record]:
        """Yield the records of the file, in pixels; the line number counts from 0."""
        coord = NORM1000 if self.resolved == "coord" else PIXEL
        self.counts = Counter()  # of this reading of the file; it is read more than once
        for record in read_records(self.file, Reading(self.is_strict, self.counts)):
            record.mode = self.resolved
            images = record.extra.pop("images", None)
            record.extra.pop("objects", None)
            if isinstance(images, list) and len(images) > 1:
                record.errors.append("multi_image_not_supported")
            if not record.width or not record.height:
                record.errors.append("size_mismatch")
                record.coord_mode = None
            elif self.resolved == "text" and _has_tokens(record.gt):
                record.errors.append("mode_gt_mismatch")
            checked = check_objects(record.gt, record.width or 1, record.height or 1, record.coord_mode and coord or "")
            self.counts.update({key: n for key, n in checked.counts.items() if key != "score_missing" and n})
            record.gt = [_in_pixels(each) for each in _rows(checked)]
            record.extra, record.pred = {}, []
            yield record

    def path(self, record: Record) -> Path:
        """Return an image's file: absolute, below the root, or beside the file.

        Raises:
            NotFound: it is not there.
        """
        if not record.image:
            raise NotFound(f"record {record.record_index} names no image")
        given = Path(record.image)
        tried = [given] if given.is_absolute() else [root / given for root in (self.root, self.file.parent) if root]
        for path in tried:
            if path.is_file():
                return path
        raise NotFound(f"image {record.image!r} of record {record.record_index} is not below {self.root}")

    def load(self, record: Record) -> Image:
        """Return an image's pixels."""
        return read_image(self.path(record))


def _rows(checked: Any) -> Iterator[tuple[Any, ...]]:
    found = checked.objects
    return zip(found.xyxy.tolist(), found.labels, found.outlines, found.ignored.tolist(), strict=True)


def _in_pixels(row: tuple[Any, ...]) -> dict[str, Any]:
    box, label, outline, ignored = row
    is_ring = isinstance(outline, list)
    found = {
        "type": "poly" if is_ring else "bbox_2d",
        "points": outline if is_ring else box,
        "desc": label,
        "score": 1.0,
    }
    return found | ({"rle": outline} if isinstance(outline, dict) else {}) | ({"ignore": True} if ignored else {})


def _has_tokens(objects: Any) -> bool:
    return any(token_value(value) is not None for value in _values(objects))


def _values(objects: Any) -> list[Any]:
    found: list[Any] = []
    for each in objects if isinstance(objects, list) else []:
        for key in ("bbox_2d", "poly", "points"):
            if isinstance(each, dict) and key in each:
                try:
                    found.extend(flat(each[key]))
                except Refused:
                    continue
    return found


def detect_mode(file: Path, samples: int) -> tuple[str, str]:
    """Return coord or text, and why, from the first records of a file that are valid."""
    seen = 0
    for _, row in read_objects(file, Reading()):
        width, height, values = row.get("width"), row.get("height"), _values(row.get("objects") or row.get("gt"))
        if not isinstance(width, int) or not isinstance(height, int) or min(width, height) < 1 or not values:
            continue
        if any(token_value(value) is not None for value in values):
            return "coord", "coord_tokens_found"
        numbers = [value for value in values if isinstance(value, int | float)]
        if numbers and max(numbers) > max(width, height):
            return "coord", "points_exceed_image"
        seen += 1
        if seen >= samples:
            break
    return "text", "within_image_bounds" if seen else "no_valid_records"


def hash_of(truth: GroundTruth) -> tuple[str, int]:
    """Return a digest of what is there, and the number of images."""
    import orjson

    digest, count = hashlib.sha256(), 0
    for record in truth.records():
        rows = sorted(
            (orjson.dumps([each.get("desc"), each.get("points"), bool(each.get("ignore")), each.get("rle")]))
            for each in record.gt
        )
        digest.update(orjson.dumps([record.record_index, record.image, record.width, record.height]))
        digest.update(b"".join(rows) + b"\n")
        count += 1
    return digest.hexdigest(), count
