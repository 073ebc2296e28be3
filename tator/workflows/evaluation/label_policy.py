"""Which class a predicted description means: one rule, told in the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.datasets.names import match_names
from tator.types import BadInput

POLICIES = ("exact", "casefold", "glossary", "embed")
MISSES = ("drop", "bucket", "error")
UNKNOWN = "unknown"  # the class of what means no class
LISTED = 200  # unknown descriptions in the report

_SPELLING = str.maketrans("_/", "  ", "()")

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def normalise(desc: str) -> str:
    """Return a description without case, brackets and doubled spaces.

    _ and / are spaces.
    """
    return " ".join(desc.lower().translate(_SPELLING).split())


@dataclass(frozen=True)
class LabelPolicy:
    """How descriptions become classes.

    Attributes:
        policy: exact, casefold, glossary (other words of the classes) or embed (the nearest meaning).
        miss: what a description of no class is: drop, bucket (class "unknown") or error.
        aliases: {normalised other word: class name}, for glossary.
        embed: vectors of texts, unit length, for embed.
        threshold: least cosine of one meaning, in [-1, 1].
    """

    policy: str = "exact"
    miss: str = "bucket"
    aliases: Mapping[str, str] = field(default_factory=dict)
    embed: Embed | None = None
    threshold: float = 0.6

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise BadInput(f"label policy must be one of {', '.join(POLICIES)}, is {self.policy!r}")
        if self.miss not in MISSES:
            raise BadInput(f"miss must be one of {', '.join(MISSES)}, is {self.miss!r}")

    def categories(self, labels: Sequence[str]) -> tuple[list[str], dict[str, int]]:
        """Return the classes of ground truth, first seen first, and {label: its row}."""
        fold = (lambda text: text) if self.policy == "exact" else normalise
        rows: dict[str, int] = {}
        names: list[str] = []
        where = {}
        for label in labels:
            if fold(label) not in rows:
                rows[fold(label)] = len(names)
                names.append(label)
            where[label] = rows[fold(label)]
        return names, where

    def assign(self, labels: Mapping[str, int], names: Sequence[str]) -> Assigned:
        """Return the class of each predicted label.

        Args:
            labels: {label: predictions that carry it}.
            names: the classes.

        Raises:
            BadInput: a label means no class and `miss` is error.
        """
        rows, scores = self._rows(list(labels), names)
        missed = [label for label, row in zip(labels, rows, strict=True) if row < 0]
        if missed and self.miss == "error":
            told = ", ".join(repr(label[:60]) for label in missed[:10])
            raise BadInput(f"predictions name {told}, which is none of the classes {', '.join(names)[:300]}")
        bucket = len(names) if self.miss == "bucket" else -1
        return Assigned(
            {label: (row if row >= 0 else bucket) for label, row in zip(labels, rows, strict=True)},
            self._counts(labels, set(missed), names),
            self._report(labels, rows, scores, names),
        )

    def _rows(self, labels: list[str], names: Sequence[str]) -> tuple[list[int], list[float | None]]:
        exact = {name: row for row, name in reversed(list(enumerate(names)))}
        rows = [exact.get(label, -1) for label in labels]
        scores: list[float | None] = [None] * len(labels)
        if self.policy in ("casefold", "embed"):
            folded = {normalise(name): row for row, name in reversed(list(enumerate(names)))}
            rows = [
                row if row >= 0 else folded.get(normalise(text), -1) for row, text in zip(rows, labels, strict=True)
            ]
        if self.policy == "glossary":
            rows = match_names(labels, names, self.aliases)
        open_rows = [at for at, row in enumerate(rows) if row < 0]
        if self.policy == "embed" and open_rows and names:
            self._nearest(labels, names, open_rows, rows, scores)
        return rows, scores

    def _nearest(
        self, labels: list[str], names: Sequence[str], open_rows: list[int], rows: list[int], scores: list
    ) -> None:
        """Fill in the class nearest in meaning to each open label."""
        if self.embed is None:
            raise BadInput("label policy embed needs a text encoder; choose one, or another policy")
        wanted = self.embed([normalise(labels[at]) for at in open_rows])
        cosine = wanted @ self.embed([normalise(name) for name in names]).T
        for at, row in zip(open_rows, cosine, strict=True):
            scores[at] = float(row.max())
            rows[at] = int(row.argmax()) if row.max() >= self.threshold else -1

    def _counts(self, labels: Mapping[str, int], missed: set[str], names: Sequence[str]) -> Counter[str]:
        unknown = sum(labels[label] for label in missed)
        mapped = sum(n for label, n in labels.items() if label not in missed and label not in names)
        found: Counter[str] = Counter(unknown_desc=unknown + mapped if self.policy == "embed" else unknown)
        found["unknown_dropped"] = unknown if self.miss == "drop" else 0
        found["semantic_mapped" if self.policy == "embed" else "label_mapped"] = mapped
        found["semantic_unmapped"] = unknown if self.policy == "embed" else 0
        return found

    def _report(self, labels: Mapping[str, int], rows: list[int], scores: list, names: Sequence[str]) -> dict[str, Any]:
        """Return how each description that is no class's name was read."""
        listed = [
            {"pred_desc": label, "count": n, "best_gt_desc": names[row] if row >= 0 else None, "score": score,
             "mapped": row >= 0}
            for (label, n), row, score in zip(labels.items(), rows, scores, strict=True)
            if label not in names
        ]  # fmt: skip
        listed.sort(key=lambda row: (-row["count"], -(row["score"] or 0), row["pred_desc"]))
        facts = {"label_policy": self.policy, "miss": self.miss, "threshold": self.threshold}
        total = sum(row["count"] for row in listed)
        return facts | {"unique_unknown_desc": len(listed), "unknown_total_preds": total, "rows": listed[:LISTED]}


@dataclass(frozen=True)
class Assigned:
    """The classes of predicted labels.

    Attributes:
        rows: {label: row of the classes}; one past the last is the bucket, -1 dropped.
        counts: of predictions that were mapped, unknown and dropped.
        report: how each unknown description was read.
    """

    rows: dict[str, int]
    counts: Counter[str]
    report: dict[str, Any]
