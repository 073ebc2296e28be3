"""Import a hundred thousand labelled images: how fast, in how much memory, and what a kill half-way costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import PIL.Image

from bench._row import Row

IMAGES = 100_000
BOXES = 5  # a label file
PER_FOLDER = 5_000
PICTURES = 50  # different files; the rest are hard links, as 100,000 photographs would be 20 GB of disk
SIZE = (640, 480)
CHILD = """
import json, sys, time
from pathlib import Path
from bench._peak import peak_mb
from tator.importing.creating import import_dataset
from tator.workbench import Workbench

wb, began, early = Workbench.at(Path(sys.argv[1])), time.perf_counter(), 0
work = import_dataset(wb.workspace, wb.store, "big", sys.argv[2])
while True:
    try:
        step = next(work)
    except StopIteration as ended:
        result = ended.value
        break
    peak = peak_mb()
    is_storing = step.message.startswith("images/")  # the look at the folder before has steps of its own
    if not early and is_storing and step.done >= step.total / 5:
        early = peak
    if is_storing:
        print(json.dumps({"done": step.done, "total": step.total}), flush=True)
print(json.dumps({"took_s": time.perf_counter() - began, "early_mb": early, "peak_mb": peak, **result}), flush=True)
"""


def build(root: Path, images: int = IMAGES, boxes: Sequence[int] = (BOXES,)) -> Path:
    """Write a YOLO folder of hard-linked photographs with a label file each.

    Args:
        root: where to.
        images: how many.
        boxes: how many the label files have, in turn; at most 10.
    """
    stock = root / "stock"
    stock.mkdir(parents=True)
    for n in range(PICTURES):
        noise = PIL.Image.effect_noise(SIZE, 20 + n).convert("RGB")
        noise.save(stock / f"{n}.bin", "JPEG", quality=80)
    for n in range(images):
        folder = f"{n // PER_FOLDER:03}"
        if n % PER_FOLDER == 0:
            (root / "set" / "images" / folder).mkdir(parents=True)
            (root / "set" / "labels" / folder).mkdir(parents=True)
        os.link(stock / f"{n % PICTURES}.bin", root / "set" / "images" / folder / f"img_{n:06}.jpg")
        count = boxes[n % len(boxes)]
        lines = (f"{b % 3} {0.07 + b * 0.09:.6f} {0.2 + n % 7 * 0.1:.6f} 0.100000 0.080000\n" for b in range(count))
        (root / "set" / "labels" / folder / f"img_{n:06}.txt").write_text("".join(lines))
    (root / "set" / "labelmap.txt").write_text("cat\ndog\nbird\n")
    return root / "set"


def run(home: Path, source: Path, kill_at: float = 2.0) -> dict:
    """Import in a child process; return its summary, or where it was killed (a share of the images)."""
    command = [sys.executable, "-c", CHILD, str(home), str(source)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    told: dict = {}
    for line in child.stdout or ():
        told = json.loads(line)
        if told.get("total") and told["done"] >= kill_at * told["total"]:
            child.send_signal(signal.SIGKILL)
            break
    if child.wait() not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the import ended with {child.returncode} after {told}")
    return told


def stored(home: Path) -> tuple[int, int, int]:
    """Return images, different paths and annotations in the database."""
    from sqlalchemy import func, select

    from tator.storage.schema import annotation, image
    from tator.workbench import Workbench

    wb = Workbench.at(home)
    with wb.store.read() as conn:
        images, paths = conn.execute(select(func.count(), func.count(image.c.path.distinct())).select_from(image)).one()
        boxes = conn.execute(select(func.count()).select_from(annotation)).scalar_one()
    wb.close()
    return images, paths, boxes


def rows() -> Iterator[Row]:
    """Measure: images a second, memory over the last four fifths, and what is lost when the import is killed half-way."""
    with tempfile.TemporaryDirectory() as folder:
        source = build(Path(folder))
        whole = run(Path(folder) / "one", source)
        rate, grown = IMAGES / whole["took_s"], whole["peak_mb"] - whole["early_mb"]
        what = f"{IMAGES:,} linked images with {BOXES} YOLO boxes each"
        yield Row(f"importing {what}", rate, "images/s", target=">= 2,000 images/s", holds=rate >= 2_000)
        yield Row(f"memory gained after the first fifth of {what}", grown, "MB", target="<= 20 MB", holds=grown <= 20)
        yield Row(
            f"peak memory of importing {what}",
            whole["peak_mb"],
            "MB",
            target="<= 400 MB",
            holds=whole["peak_mb"] <= 400,
        )
        home = Path(folder) / "two"
        killed = run(home, source, kill_at=0.5)
        began = time.perf_counter()
        run(home, source)
        took_s = time.perf_counter() - began
        wrong = sum(abs(have - want) for have, want in zip(stored(home), (IMAGES, IMAGES, IMAGES * BOXES), strict=True))
        lost = f"rows lost or doubled after kill -9 at {killed['done']:,} images and a second run"
        yield Row(lost, wrong, "rows", target="0", holds=wrong == 0)
        share = took_s / whole["took_s"]
        yield Row("time of that second run, as a share of a whole one", share, "", target="<= 0.8", holds=share <= 0.8)
