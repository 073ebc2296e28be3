"""How long a save, an undo and opening an image take, with what a crash cannot take back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench._row import Row
from bench.crash import opened, prepare
from tator.editing.edits import open_image, save_edits, undo
from tator.storage.database import Store

BOXES = 200
EDITS = 5_000
OPENS = 100


def rows() -> Iterator[Row]:
    """Measure on one image of 200 boxes, before and after 5,000 edits of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        wb = opened(home)
        draw = [timed(save_edits, wb.store, 1, i, "bench", [drawn(i)]) for i in range(BOXES)]
        yield from both("save of one drawn box, durable", draw, 20)
        yield from both(f"image_open, {BOXES} boxes", [timed(open_image, wb.store, 1) for _ in range(OPENS)], 5, 15)
        for i in range(BOXES, BOXES + EDITS):
            save_edits(wb.store, 1, i, "bench", [moved(i)])
        after = [timed(open_image, wb.store, 1) for _ in range(OPENS)]
        yield from both(f"image_open, {BOXES} boxes and {EDITS} edits", after, 5, 15)
        back = [timed(undo, wb.store, 1, "bench", BOXES + EDITS + i) for i in range(OPENS)]
        yield from both(f"undo after {EDITS} edits, durable", back, 20)
        wb.close()
        url = f"sqlite:///{wb.workspace.database}"
        yield from both("opening an up-to-date database", [timed(Store.open, url) for _ in range(OPENS)], 100)


def timed(fn: Callable, *arguments: object) -> float:
    """Return how many ms a call takes."""
    began = time.perf_counter()
    fn(*arguments)
    return 1000 * (time.perf_counter() - began)


def both(what: str, took_ms: list[float], median_ms: float, p95_ms: float = 0) -> Iterator[Row]:
    """Yield the median and the 95th percentile; the second may take three times the first unless said."""
    ranked = sorted(took_ms)
    limits = {"median": (0.5, median_ms), "95th percentile": (0.95, p95_ms or 3 * median_ms)}
    for name, (part, limit) in limits.items():
        value = ranked[int(part * len(ranked))]
        yield Row(f"{what}, {name} of {len(ranked)}", value, "ms", target=f"<= {limit:g} ms", holds=value <= limit)


def drawn(i: int) -> dict:
    """Return an edit that draws a box."""
    row = {"id": f"box-{i}", "class_id": 1, "xyxy": [1.5, 2, 30, 40.25]}
    return {"seq": i, "kind": "edit", "label": "Draw box", "ops": [{"op": "add", "annotation": row}]}


def moved(i: int) -> dict:
    """Return an edit that moves a box."""
    changes = {"xyxy": [1, 2, 3, 4 + i % 50]}
    op = {"op": "set", "id": f"box-{i % BOXES}", "changes": changes}
    return {"seq": i, "kind": "edit", "label": "Move box", "ops": [op]}
