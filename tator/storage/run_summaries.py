"""Summaries of runs for lists: whether a run is sound, and its key figures.

The files of a run are read once, and again only when they have changed.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tator.storage.families import Family
from tator.storage.runs import Runs, read_object
from tator.types import BadInput

REMEMBERED = 1_000  # runs; a summary has below 1 KB


@dataclass(frozen=True)
class Summary:
    """A run in a list.

    Attributes:
        problem: why it cannot be used, "" where it can.
        figures: its key figures by name, empty where its files are not sound.
    """

    problem: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


def summary_of(runs: Runs, name: str) -> Summary:
    """Return the summary of a run.

    Raises:
        NotFound: there is none.
    """
    weights = runs.path(name)
    report = weights.with_name(runs.family.report)
    return _summary(runs.family, weights, report, (_stamp(weights), _stamp(report)))


def _stamp(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and when it was written, in nanoseconds.

    Both are 0 where it is not there.
    """
    if not path.is_file():
        return 0, 0
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


@functools.lru_cache(REMEMBERED)
def _summary(family: Family, weights: Path, report: Path, stamps: tuple) -> Summary:
    """Read a run; `stamps` tell one state of its files from another."""
    try:
        loaded = family.load(weights) if family.load else None
        told = read_object(report) if report.is_file() else {}
    except BadInput as problem:
        return Summary(str(problem))
    return Summary(figures=family.figures(loaded, told) if family.figures else {})
