"""gt_vs_pred.jsonl: one line an image with what is there and what was predicted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tator.types import BadInput

SCHEMA_VERSION = 1
SHOWN = 200  # characters of a bad line
LARGEST = 2**53  # whole numbers that JSON's readers agree about
LARGEST_SIDE = 2**31  # pixels
DENSE = 10_000_000  # numbers below take a byte each in the memory of what was seen
NAMED = 5  # bad lines that are named; the rest are counted


@dataclass
class Record:
    """One line of the file.

    Attributes:
        record_index: line number of the input, from 0: the id of the image.
        image: path as the dataset has it.
        width: pixels, None where unknown.
        height: pixels, None where unknown.
        gt: objects that are there, each {type, points, desc} in pixels.
        pred: objects that were predicted, likewise, with a score.
        mode: coord or text; how the producer wrote coordinates.
        coord_mode: pixel, or None where the size was unusable.
        score_source: model, token_logprob or constant.
        errors: codes, none when clean.
        image_id: number in the database, 0 for none.
        extra: what else the producer tells: raw answers, timings.
    """

    record_index: int
    image: str | None
    width: int | None
    height: int | None
    gt: list[dict[str, Any]] = field(default_factory=list)
    pred: list[dict[str, Any]] = field(default_factory=list)
    mode: str = "text"
    coord_mode: str | None = "pixel"
    score_source: str = "model"
    errors: list[str] = field(default_factory=list)
    image_id: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> bytes:
        """Return the record as one line of the file."""
        facts = asdict(self)
        extra = facts.pop("extra")
        row = {"schema_version": SCHEMA_VERSION, **facts, **extra}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


_OWN = set(Record.__dataclass_fields__) - {"extra"}


@dataclass
class Reading:
    """How a file was read.

    Attributes:
        is_strict: a bad line is an error.
        counts: invalid_json and others.
        named: path:line and text of the first bad lines.
    """

    is_strict: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    def bad_line(self, path: Path, line: int, text: bytes, problem: str) -> None:
        """Count a line that cannot be read, and name the first ones.

        Raises:
            BadInput: the reading is strict.
        """
        snippet = text[:SHOWN].decode("utf-8", "replace")
        message = f"{path}:{line}: {problem}: {snippet}"
        if self.is_strict:
            raise BadInput(message)
        self.counts["invalid_json"] += 1
        if len(self.named) < NAMED:
            self.named.append(message)


def read_objects(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) of a JSON-lines file.

    Blank lines are passed over.

    Raises:
        BadInput: the file is missing, or a line is bad and the reading is strict.
    """
    import orjson

    if not path.is_file():
        raise BadInput(f"{path} is not a file; expected JSON lines")
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text = raw.strip()
            if not text:
                continue
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                reading.bad_line(path, number, text, f"not JSON ({error})")
                continue
            if not isinstance(value, dict):
                reading.bad_line(path, number, text, "not an object")
                continue
            yield number, value


def read_records(path: Path, reading: Reading | None = None) -> Iterator[Record]:
    """Yield the records of a file, in its order.

    Raises:
        BadInput: another schema_version, or a record_index that stands twice; the message names path and line.
    """
    reading = reading or Reading()
    seen = _Seen()
    for number, row in read_objects(path, reading):
        version = row.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise BadInput(f"{path}:{number}: schema_version is {version!r}; this program reads {SCHEMA_VERSION}")
        index = row.get("record_index", number - 1)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < LARGEST:
            raise BadInput(f"{path}:{number}: record_index is {str(index)[:40]!r}; expected a whole number from 0")
        if not seen.add(index):
            raise BadInput(f"{path}:{number}: record_index {index} stands in line {_line_of(path, index)} too")
        yield _record(row, index)


class _Seen:
    """Numbers that were seen: a byte each, where they are small."""

    def __init__(self) -> None:
        self._small, self._large = bytearray(), set[int]()

    def add(self, number: int) -> bool:
        """Return whether a number is new, and take it in."""
        if number >= DENSE:
            is_new = number not in self._large
            self._large.add(number)
            return is_new
        if number >= len(self._small):
            self._small.extend(bytes(number + 1 - len(self._small)))
        is_new = not self._small[number]
        self._small[number] = 1
        return is_new


def _line_of(path: Path, index: int) -> int:
    """Return the first line that has a record_index."""
    rows = read_objects(path, Reading())
    return next(number for number, row in rows if row.get("record_index", number - 1) == index)


def _record(row: dict[str, Any], index: int) -> Record:
    known = {key: row[key] for key in _OWN if key in row and key != "record_index"}
    known |= {"image": _image(row), "width": _size(row.get("width")), "height": _size(row.get("height"))}
    known["image_id"] = _size(row.get("image_id")) or 0
    if not isinstance(known.get("score_source", ""), str):
        del known["score_source"]
    if "gt" not in row:
        known["gt"] = row.get("objects") or []
    known["extra"] = {key: value for key, value in row.items() if key not in _OWN and key != "schema_version"}
    return Record(record_index=index, **known)


def _image(row: dict[str, Any]) -> str | None:
    if isinstance(row.get("image"), str):
        return row["image"]
    images = row.get("images")
    return images[0] if isinstance(images, list) and len(images) == 1 and isinstance(images[0], str) else None


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST_SIDE else None
