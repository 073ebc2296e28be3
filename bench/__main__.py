"""`python -m bench [name]`: measure what is promised, print a table, write bench/results.json.

A name picks a module (crash), or one of its rows by a part of the row's name (crash.acknowledged).
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import bench
from bench._row import Row

RESULTS = Path(__file__).parent / "results.json"
COLUMNS = ("row", "value", "unit", "peer", "peer value", "ratio", "target", "holds")


def modules(picked: str) -> list[str]:
    """Return the modules to run, all for ""."""
    names = [info.name for info in pkgutil.iter_modules(bench.__path__) if not info.name.startswith("_")]
    wanted = picked.partition(".")[0]
    return [name for name in names if wanted in ("", name)]


def measured(picked: str) -> Iterator[tuple[str, Row]]:
    """Yield (module, row) as they are measured."""
    part = picked.partition(".")[2]
    for name in modules(picked):
        began = time.perf_counter()
        for row in importlib.import_module(f"bench.{name}").rows():
            if part in row.name:
                yield name, row
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        peer_value, ratio = ("" if number is None else f"{number:.4g}" for number in (row.peer_value, row.ratio))
        cells = (
            row.name,
            f"{row.value:.4g}",
            row.unit,
            row.peer,
            peer_value,
            ratio,
            row.target,
            "yes" if row.holds else "NO",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(picked: str = "") -> int:
    """Measure, print and keep; return 1 when a promise does not hold or nothing has that name."""
    kept = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    found = []
    for module, row in measured(picked):
        found.append(row)
        kept[row.name] = {"module": module, **row.as_dict()}
    RESULTS.write_text(json.dumps(list(kept.values()), indent=1) + "\n")
    print(table(found))
    return 0 if found and all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
