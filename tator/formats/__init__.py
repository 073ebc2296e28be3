"""The records every format speaks: labels of an image, and an import's report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tator.attributes import Attributes
from tator.types import Polygon
from tator.warning_codes import SOURCE_LEFT_OUT, SOURCE_REPAIRED, WarningCode, warned

KINDS = ("dropped", "repaired", "noticed", "other_files")
EXAMPLES = 3  # of each reason that a summary shows
LISTED = 1000  # entries listed for each reason; the rest are counted
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
ROUNDING = 0.5  # pixels that a coordinate may lie outside the image before its clipping is worth a line
SMALLEST = 1e-3  # pixels: a narrower box is a slip, not an object
KEPT_SHARE = 0.1  # of a box's area that must lie inside the image for it to be clipped and kept


@dataclass(frozen=True)
class Label:
    """One object as a file describes it.

    Attributes:
        class_index: number of the class in the source, a key of Source.classes.
        xyxy: pixels of the upright image, inside it.
        polygons: list of polygons, each a list of rings, or None.
        rle: COCO run lengths {"size", "counts"}, or None.
        confidence: of the machine that found it, in [0, 1]; None where a person drew or accepted it.
        attributes: see tator.attributes; None where there are none.
    """

    class_index: int
    xyxy: tuple[float, float, float, float]
    polygons: list[Polygon] | None = None
    rle: dict | None = None
    confidence: float | None = None
    attributes: Attributes | None = None


@dataclass
class Report:
    """What an import did, entry by entry.

    Kinds are dropped, repaired, noticed, and files that hold no labels.
    """

    counts: dict[str, Counter] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    entries: dict[str, list[dict]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    read: Counter = field(default_factory=Counter)

    def _note(self, kind: str, file: str, reason: str, detail: str, line: int | None) -> None:
        self.counts[kind][reason] += 1
        if self.counts[kind][reason] <= LISTED:
            entry = {"file": file[:500], "line": line, "reason": reason, "detail": detail[:300]}
            self.entries[kind].append(entry)

    def drop(self, file: str, reason: str, detail: str = "", line: int | None = None) -> None:
        """Note something that was not imported."""
        self._note("dropped", file, reason, detail, line)

    def repair(self, file: str, reason: str, detail: str = "", line: int | None = None) -> None:
        """Note something that was imported otherwise than written."""
        self._note("repaired", file, reason, detail, line)

    def notice(self, file: str, reason: str, detail: str = "", line: int | None = None) -> None:
        """Note something imported as written that a person should look at."""
        self._note("noticed", file, reason, detail, line)

    def set_apart(self, file: str, reason: str, detail: str = "") -> None:
        """Note a file that was not read and that nobody will miss."""
        self._note("other_files", file, reason, detail, None)

    def merge(self, other: Report) -> Report:
        """Add another report's counts and entries to this one and return it."""
        self.read.update(other.read)
        for kind, counts in other.counts.items():
            room = {reason: LISTED - min(LISTED, n) for reason, n in self.counts[kind].items()}
            for entry in other.entries[kind]:
                left = room.setdefault(entry["reason"], LISTED)
                if left:
                    self.entries[kind].append(entry)
                    room[entry["reason"]] = left - 1
            self.counts[kind].update(counts)
        return self

    def happened(self) -> dict[WarningCode, bool]:
        """Return which warnings an answer carries that tells of this report."""
        is_met = {kind: bool(found.total()) for kind, found in self.counts.items()}
        return {SOURCE_LEFT_OUT: is_met["dropped"], SOURCE_REPAIRED: is_met["repaired"]}

    def as_json(self) -> dict:
        """Return the report as JSON, with the warnings that go with it."""
        counts = {kind: dict(sorted(found.items())) for kind, found in self.counts.items()}
        told = {"read": dict(self.read), "counts": counts, "groups": self.groups()}
        told |= {kind: list(rows) for kind, rows in self.entries.items()}
        return warned(told, self.happened())

    def groups(self) -> list[dict]:
        """Return each reason of each kind once, with its count and some examples.

        They are {"kind", "reason", "count", "examples"}, the most frequent of a kind first.
        """
        found = []
        for kind, counts in self.counts.items():
            examples: dict[str, list[dict]] = {}
            for entry in self.entries[kind]:
                if len(rows := examples.setdefault(entry["reason"], [])) < EXAMPLES:
                    rows.append({key: entry[key] for key in ("file", "line", "detail")})
            found += [
                {"kind": kind, "reason": reason, "count": count, "examples": examples.get(reason, [])}
                for reason, count in counts.most_common()
            ]
        return found

    @classmethod
    def of(cls, kept: dict) -> Report:
        """Return the report that `as_json` wrote."""
        report = cls(read=Counter(kept.get("read", {})))
        for kind in report.counts:
            report.counts[kind] = Counter(kept.get("counts", {}).get(kind, {}))
            report.entries[kind] = list(kept.get(kind, []))
        return report


class Source(Protocol):
    """A dataset on disk, read image by image.

    Attributes:
        format: name of the format.
        classes: {index in the source: class name} in label-map order; empty when the source names none.
        splits: {image path: split} where the source says so.
        captions: {image path: text} where the source has one.
        tags: {image path: tags} where the source has some; a reader of a format without them may lack it.
        notes: {image path: text}, as tags.
        skeletons: {index in the source: key points of the class}, as tags.
        report: what was dropped and repaired so far.
    """

    format: str
    classes: dict[int, str]
    splits: dict[str, str]
    captions: dict[str, str]
    report: Report

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return an image's labels in pixels, or None if the source does not mention it."""


def folder_split(path: str) -> str | None:
    """Return the split named by a path's folders, or None.

    Examples: train/images/a.jpg, images/val/a.jpg.
    """
    folders = path.split("/")[:-1]
    return next((SPLITS[part.lower()] for part in folders if part.lower() in SPLITS), None)


def fit_box(
    xyxy: Sequence[float], width: int, height: int, report: Report, file: str, line: int | None = None
) -> tuple[float, float, float, float] | None:
    """Return a box cut to the image, or None after noting why it is not a box.

    Args:
        xyxy: pixels, as the file has it.
        width: of the image in pixels.
        height: of the image in pixels.
        report: where drops and repairs are noted.
        file: named in the note.
        line: named in the note.
    """
    x1, y1, x2, y2 = map(float, xyxy)
    if 0 <= x1 < x2 - SMALLEST and x2 <= width and 0 <= y1 < y2 - SMALLEST and y2 <= height:
        return x1, y1, x2, y2  # nearly every box: imports spend their time here
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        report.drop(file, "not a finite number", str(list(xyxy)), line)
        return None
    if x2 < x1 or y2 < y1:
        report.drop(file, "negative width or height", f"{x2 - x1:g} x {y2 - y1:g}", line)
        return None
    if x2 - x1 < SMALLEST or y2 - y1 < SMALLEST:
        report.drop(file, "zero area", f"{x2 - x1:g} x {y2 - y1:g} pixels", line)
        return None
    cut = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    inner_width, inner_height = cut[2] - cut[0], cut[3] - cut[1]
    share = max(inner_width, 0.0) / (x2 - x1) * (max(inner_height, 0.0) / (y2 - y1))
    if min(inner_width, inner_height) < SMALLEST or share < KEPT_SHARE:
        detail = f"{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f} in {width} x {height}"
        report.drop(file, "outside the image", detail, line)
        return None
    if max(abs(a - b) for a, b in zip(cut, (x1, y1, x2, y2), strict=True)) > ROUNDING:
        report.repair(file, "clipped to the image", f"{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f}", line)
    return cut


def fit_confidence(value: Any, report: Report, file: str, line: int | None = None) -> float | None:
    """Return a confidence, or None after noting that the file's is none.

    Args:
        value: as the file has it.
        report: where the repair is noted.
        file: named in the note.
        line: named in the note.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and 0 <= value <= 1:  # NaN is not
        return float(value)
    report.repair(file, "confidence left out", f"{str(value)[:80]}; expected a number from 0 to 1", line)
    return None
