"""Delete a dataset of a hundred thousand images for good: how long that takes, and what it costs who saves meanwhile."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, insert

from bench._row import Row
from tator.editing.edits import save_edits
from tator.ops import call
from tator.storage import schema
from tator.workbench import Workbench

IMAGES = 100_000
BOXES = 5  # an image
PAUSE_S = 0.02  # between two saves
ALONE_S = 5.0


def fill(conn: Connection) -> None:
    """Write the dataset that is deleted, and one of a single image that somebody labels."""
    for key, name in ((1, "big"), (2, "small")):
        conn.execute(insert(schema.dataset).values(id=key, name=name, storage="linked", root=f"/{name}", created_at=0))
    conn.execute(insert(schema.image).values(id=1, dataset_id=2, path="a.jpg", width=640, height=480))
    box = {"class_id": 0, "x1": 1, "y1": 1, "x2": 9, "y2": 9, "created_at": 0, "updated_at": 0}
    for start in range(2, IMAGES + 2, 5_000):
        ids = range(start, min(start + 5_000, IMAGES + 2))
        images = [{"id": i, "dataset_id": 1, "path": f"{i}.jpg", "annotation_count": BOXES} for i in ids]
        conn.execute(insert(schema.image), images)
        boxes = [{**box, "id": os.urandom(16).hex(), "image_id": i} for i in ids for _ in range(BOXES)]
        conn.execute(insert(schema.annotation), boxes)
        edits = [
            {"image_id": i, "client_id": f"c{i}", "seq": 1, "revision": 1, "forward": [], "inverse": []} for i in ids
        ]
        conn.execute(insert(schema.edit), [{**edit, "created_at": 0} for edit in edits])


def saves(wb: Workbench, first: int, is_going: Callable[[], bool]) -> list[float]:
    """Return how many ms each save took, as long as something goes on; they are numbered from `first`."""
    took_ms: list[float] = []
    while is_going():
        number = first + len(took_ms)
        op = {"op": "image", "changes": {"caption": str(number)}}
        began = time.perf_counter()
        save_edits(wb.store, 1, number, "bench", [{"seq": number + 1, "kind": "edit", "label": "x", "ops": [op]}])
        took_ms.append(1000 * (time.perf_counter() - began))
        time.sleep(PAUSE_S)
    return took_ms


def rows() -> Iterator[Row]:
    """Measure: time in the request of the deletion, time of the purge, saves alone and during it."""
    with tempfile.TemporaryDirectory() as folder:
        wb = Workbench.at(Path(folder))
        with wb.store.write() as conn:
            fill(conn)
        what = f"{IMAGES:,} images with {BOXES} boxes and an edit each"
        began = time.perf_counter()
        entry = call(wb, "datasets_delete", dataset="big", confirm="big")["entry"]
        took_s = time.perf_counter() - began
        yield Row(f"putting {what} into the trash", took_s, "s", target="<= 1 s", holds=took_s <= 1)
        until = time.monotonic() + ALONE_S
        alone = sorted(saves(wb, 0, lambda: time.monotonic() < until))
        began = time.perf_counter()
        job = call(wb, "trash_purge", entry=entry, confirm="big")
        during = sorted(saves(wb, len(alone), lambda: wb.jobs.get(job)["state"] in ("queued", "running")))
        rate = IMAGES / (time.perf_counter() - began)
        wb.close()
        yield Row(f"deleting {what} for good", rate, "images/s", target=">= 500 images/s", holds=rate >= 500)
        for name, part, limit in (("95th percentile", 0.95, 250), ("longest", 1.0, 1_000)):
            value, peer = (ranked[min(int(part * len(ranked)), len(ranked) - 1)] for ranked in (during, alone))
            yield Row(
                f"save while that goes on, {name}",
                value,
                "ms",
                "alone",
                peer,
                f"<= {limit} ms",
                value <= limit,
            )
