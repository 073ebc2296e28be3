"""Records and errors: the words that every other module speaks in."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB, EXIF orientation applied

Polygon = list[list[float]]  # rings, each flat [x0, y0, x1, y1, ...] pixels; the first is the outline, the rest holes


class TatorError(Exception):
    """A failure that a person can act on; surfaces show its text and `code`."""

    code = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class NotFound(TatorError):
    """A name or id that does not exist."""

    code = "not_found"


class BadInput(TatorError):
    """A refused value, file or archive.

    The message names it and what was expected.
    """

    code = "bad_input"


class Unavailable(TatorError):
    """A missing package, weight, device or number of labels.

    The message says what to do about it.
    """

    code = "unavailable"


class Conflict(TatorError):
    """A stale revision or a name already taken; `details` may carry the current rows."""

    code = "conflict"


class Forbidden(TatorError):
    """A caller without the right to do this."""

    code = "forbidden"


@dataclass(frozen=True, eq=False)
class Mask:
    """One object's pixels, cropped to its box.

    Attributes:
        x: left edge of the crop in image pixels.
        y: top edge of the crop in image pixels.
        data: (h, w) bool.
    """

    x: int
    y: int
    data: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Detections:
    """N objects of one image, with the field names of supervision.

    Attributes:
        xyxy: (N, 4) float32 pixels, x2/y2 exclusive.
        confidence: (N,) float32 in [0, 1]; NaN where a person drew the box.
        class_id: (N,) int64 class ids of the dataset or of the model's class list; -1 unknown.
        mask: N masks or None.
        data: further columns of length N ("id", "source", "status", "probs", ...).
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    mask: tuple[Mask, ...] | None = None
    data: dict[str, NDArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        columns: dict[str, Sized] = {"confidence": self.confidence, "class_id": self.class_id, **self.data}
        if self.mask is not None:
            columns["mask"] = self.mask
        if self.xyxy.shape != (n, 4):
            raise ValueError(f"xyxy must be (N, 4), is {self.xyxy.shape}")
        for name, column in columns.items():
            if len(column) != n:
                raise ValueError(f"{name} has {len(column)} rows, xyxy has {n}")

    @classmethod
    def of(cls, xyxy: Any, confidence: Any = None, class_id: Any = None, **data: Any) -> Detections:
        """Return detections from anything NumPy reads; absent columns are NaN and -1."""
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
        n = len(boxes)
        return cls(
            boxes,
            np.full(n, np.nan, np.float32) if confidence is None else np.asarray(confidence, np.float32),
            np.full(n, -1, np.int64) if class_id is None else np.asarray(class_id, np.int64),
            data={name: np.asarray(column) for name, column in data.items()},
        )

    @classmethod
    def empty(cls) -> Detections:
        """Return no detections."""
        return cls.of([])

    @classmethod
    def concat(cls, parts: Sequence[Detections]) -> Detections:
        """Stack detections; only the data columns that all parts have are kept."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        shared = set.intersection(*(set(part.data) for part in parts))
        masks = (
            None if any(part.mask is None for part in parts) else tuple(m for part in parts for m in part.mask or ())
        )
        return cls(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.confidence for part in parts]),
            np.concatenate([part.class_id for part in parts]),
            masks,
            {name: np.concatenate([part.data[name] for part in parts]) for name in sorted(shared)},
        )

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: Any) -> Detections:
        """Return the rows that an index array, boolean mask or slice picks."""
        picked = np.atleast_1d(np.arange(len(self))[rows])
        return Detections(
            self.xyxy[picked],
            self.confidence[picked],
            self.class_id[picked],
            None if self.mask is None else tuple(self.mask[i] for i in picked),
            {name: column[picked] for name, column in self.data.items()},
        )

    def __iter__(self) -> Iterator[Detections]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True)
class Progress:
    """One step of long work.

    Attributes:
        done: units finished so far.
        total: units in all; 0 while unknown.
        message: what is being worked on.
        metrics: numbers to chart, by name.
    """

    done: int
    total: int
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Deleted:
    """Something in the trash.

    Attributes:
        entry: its id there.
        kind: dataset, snapshot, head, glossary or recipe; file for what an earlier version left there.
        name: what it was called.
        deleted_at: seconds since 1970.
        user: who deleted it.
        of: dataset of a snapshot.
        images: that it holds; None where it holds none.
        annotations: accepted ones that it holds.
        bytes: that its own files take; None where nobody counted.
        problem: why it cannot be restored, "" where it can.
    """

    entry: str
    kind: str
    name: str
    deleted_at: float
    user: str
    of: str = ""
    images: int | None = None
    annotations: int | None = None
    bytes: int | None = None
    problem: str = ""


Work = Generator[Progress, None, Any]  # yields Progress, returns the result; closing it cancels
