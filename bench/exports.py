"""Export the labels of twenty thousand images in every format: how fast, and in how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench._row import Row
from bench.imports import build
from bench.imports import run as import_in_child
from tator.formats.table import FORMATS, writable

IMAGES = 20_000
BOXES = (5, 6, 7, 8, 9, 10)  # of the images in turn: 7.5 on average
NAMED = ("coco", "yolo", "voc", "cvat")  # formats with rows of their own, beside the slowest
DRAWN = ("masks",)  # a picture of each image, which takes as long as its pixels
LEAST, MOST_GAINED = 2_000, 32  # images a second; MB: names of further images, and up to 32 MB of shapes that wait
CHILD = """
import json, sys, time
from pathlib import Path
from bench._peak import peak_mb
from tator.exporting.writing import export_dataset
from tator.workbench import Workbench

wb = Workbench.at(Path(sys.argv[1]))
for name in sys.argv[2:]:
    began, work = time.perf_counter(), export_dataset(wb.dataset("big"), name, with_images=False)
    while True:
        try:
            next(work)
        except StopIteration as ended:
            result = ended.value
            break
    took_s = time.perf_counter() - began
    (wb.workspace.folder("exports") / result["file"]).unlink()
    told = {"format": name, "images": result["images"], "annotations": result["annotations"], "took_s": took_s}
    print(json.dumps(told | {"peak_mb": peak_mb()}), flush=True)
"""


def exported(home: Path, formats: list[str]) -> list[dict]:
    """Return what a child process measured of exports without images, one after the other."""
    command = [sys.executable, "-c", CHILD, str(home), *formats]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return [json.loads(line) for line in done.stdout.splitlines()]


def imported(folder: Path, images: int) -> Path:
    """Return the workspace of a dataset of so many images."""
    import_in_child(folder / "home", build(folder, images, BOXES))
    return folder / "home"


def rows() -> Iterator[Row]:
    """Measure: images a second of each named format and of the slowest; memory gained from twice as many images."""
    with tempfile.TemporaryDirectory() as folder:
        home, twice = (imported(Path(folder) / name, n) for name, n in (("one", IMAGES), ("two", 2 * IMAGES)))
        found = exported(home, [name for name in writable() if not FORMATS[name].holds_images and name not in DRAWN])
        slowest = max(found, key=lambda told: told["took_s"])
        for told in found:
            if told["format"] in NAMED or told is slowest:
                yield _speed(told, f", the slowest of {len(found)} formats," if told is slowest else "")
        for name in dict.fromkeys((*NAMED, slowest["format"])):
            [small], [large] = exported(home, [name]), exported(twice, [name])
            yield _memory(name, small["peak_mb"], large["peak_mb"])


def _speed(told: dict, which: str) -> Row:
    rate = told["images"] / told["took_s"]
    what = f"exporting {told['images']:,} images with {told['annotations']:,} boxes as {told['format']}{which}"
    return Row(f"{what} without images", rate, "images/s", target=f">= {LEAST:,} images/s", holds=rate >= LEAST)


def _memory(name: str, small: float, large: float) -> Row:
    what = f"peak memory of exporting {2 * IMAGES:,} images as {name}"
    target = f"<= {MOST_GAINED} MB more than for half of them"
    return Row(what, large, "MB", f"{IMAGES:,} images", small, target, large - small <= MOST_GAINED)
