"""How long a save, an undo and opening an image take, with what a crash cannot take back."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bench._row import Row
from bench._turns import at_most, mean_ms, turns
from bench.crash import opened, prepare
from tator.editing.edits import STACK_DEPTH, open_image, save_edits, undo
from tator.storage.database import Store
from tator.workbench import Workbench

BOXES = 200
EDITS = 5_000
STEPS = 100
ROUNDS, OPENS = 20, 20
MOST = 3  # times the bare rows
# What an opened image tells of its annotations and of what can be undone.
ANNOTATIONS = """select id, class_id, x1, y1, x2, y2, polygons, rle, confidence, source, status, author
    from annotation where image_id = 1 order by created_at, id"""
JOURNAL = f"select id, label, forward, inverse from edit where image_id = 1 order by revision desc limit {STACK_DEPTH}"


def rows() -> Iterator[Row]:
    """Measure on one image of 200 boxes, before and after 5,000 edits of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        wb = opened(home)
        draw = [mean_ms(1, save_edits, wb.store, 1, i, "bench", [drawn(i)]) for i in range(BOXES)]
        yield from both("save of one drawn box, durable", draw, 20)
        yield opening(wb, f"image_open, {BOXES} boxes")
        for i in range(BOXES, BOXES + EDITS):
            save_edits(wb.store, 1, i, "bench", [moved(i)])
        yield opening(wb, f"image_open, {BOXES} boxes and {EDITS} edits")
        back = [mean_ms(1, undo, wb.store, 1, "bench", BOXES + EDITS + i) for i in range(STEPS)]
        yield from both(f"undo after {EDITS} edits, durable", back, 20)
        wb.close()
        url = f"sqlite:///{wb.workspace.database}"
        yield from both("opening an up-to-date database", [mean_ms(1, Store.open, url) for _ in range(STEPS)], 100)


def opening(wb: Workbench, what: str) -> Row:
    """Compare opening the image with reading its rows by sqlite3 alone, their JSON parsed."""
    with closing(sqlite3.connect(wb.workspace.database)) as bare:
        ours, peer = turns(
            ROUNDS, partial(mean_ms, OPENS, open_image, wb.store, 1), partial(mean_ms, OPENS, read_rows, bare)
        )
    return at_most(MOST, f"{what}, {OPENS} times", ours, "ms", "the same rows by sqlite3, JSON parsed", peer)


def read_rows(bare: sqlite3.Connection) -> None:
    """Read the annotations of the image and the newest edits of its journal."""
    bare.execute(ANNOTATIONS).fetchall()
    for _, _, forward, inverse in bare.execute(JOURNAL).fetchall():
        json.loads(forward), json.loads(inverse)


def both(what: str, took_ms: list[float], median_ms: float) -> Iterator[Row]:
    """Yield the median and the 95th percentile; the second may take three times the first."""
    ranked = sorted(took_ms)
    limits = {"median": (0.5, median_ms), "95th percentile": (0.95, 3 * median_ms)}
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
