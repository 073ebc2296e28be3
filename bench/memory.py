"""What unloading gives back: real-size models with random weights, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench._row import Row
from tator.ops import call
from tator.workbench import Workbench

ROOT = Path(__file__).parents[1]
MOST = 1.05  # times the memory before
CLICKERS = 3  # threads that click while everything is unloaded
CYCLES = 2


def rows() -> Iterable[Row]:
    """Measure the process before loading, loaded, and after runtime_unload under load."""
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        yield Row(f"memory (not measured: {error.name} is not installed)", 0.0, "MB", target="", holds=True)
        return
    command = [sys.executable, "-m", "bench.memory"]
    told = json.loads(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    )
    yield Row(
        f"SAM 2.1 tiny unloaded {CYCLES} times while {CLICKERS} threads click ({told['answers']} answers, {told['errors']} errors; "
        f"loaded: {told['loaded_mb']:.0f} MB): process memory after",
        told["after_mb"], "MB", "before it was loaded, libraries in memory", told["before_mb"], f"<= {MOST} x, no error",
        told["after_mb"] <= MOST * told["before_mb"] and not told["errors"],
    )  # fmt: skip


def opened(home: Path) -> Workbench:
    """Return a workbench with two images and SAM 2.1 tiny at its real size."""
    import numpy as np
    from PIL import Image

    from bench.sam import sam2
    from tator.ops import operations

    (home / "shots").mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 255, (480, 640, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(home / "shots" / f"{i}.jpg")
    sam2(home)
    wb = Workbench.at(home / "home", device="cpu")
    for kind, arguments in (
        ("datasets_create", {"name": "shots", "source": str(home / "shots")}),
        ("weights_import", {"card": "sam2_tiny", "source": str(home / "sam2")}),
    ):
        wb.jobs.run_here(operations()[kind].fn, kind, arguments)
    return wb


def resident_mb() -> float:
    """Return the memory of this process."""
    return psutil.Process().memory_info().rss / 2**20


def cycle(wb: Workbench) -> tuple[float, int, int]:
    """Click from several threads, unload under way and at the end; return memory while loaded, answers and errors."""
    ids, answers, errors, stop = [row.id for row in wb.dataset("shots").images()], [], [], threading.Event()

    def person(turn: int) -> None:
        try:
            while not stop.is_set():
                call(wb, "segment", image_id=ids[turn % 2], segmenter="sam2_tiny", positive=[100.0 + turn, 120.0])
                answers.append(turn)
        except Exception as error:
            errors.append(repr(error))
            raise

    people = [threading.Thread(target=person, args=(turn,)) for turn in range(CLICKERS)]
    for one in people:
        one.start()
    while len(answers) < 6 and not errors:
        time.sleep(0.05)
    loaded = resident_mb()
    call(wb, "runtime_unload")  # under load: what is lent goes when it comes back, and is loaded anew if asked for
    while len(answers) < 12 and not errors:
        time.sleep(0.05)
    stop.set()
    for one in people:
        one.join()
    call(wb, "runtime_unload")
    return loaded, len(answers), len(errors)


def measure(home: Path) -> dict[str, float]:
    """Return memory in MB before, while and after the model is loaded."""
    wb = opened(home)
    for _ in range(CYCLES):
        cycle(wb)  # what the libraries keep for good, threads' workspaces too, is in memory from here on
    before = resident_mb()
    loaded, answers, errors = max(cycle(wb) for _ in range(CYCLES))
    after = resident_mb()
    wb.close()
    return {"before_mb": before, "loaded_mb": loaded, "after_mb": after, "answers": answers, "errors": errors}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder))))
