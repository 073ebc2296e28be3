"""Import a COCO file of 1 GB: in how much memory, and how soon the window answers meanwhile."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import PIL.Image

from bench._row import Row

IMAGES, BOXES = 50_000, 36  # images, and outlined boxes of each
CORNERS = 30
CLASSES = 80  # as COCO has
SHAPES = 1_000  # different annotations
CHILD = """
import json, sys, threading, time
from pathlib import Path
from bench._peak import peak_mb
from tator.importing.creating import import_dataset
from tator.ops import call
from tator.workbench import Workbench

wb, began, slowest, stop = Workbench.at(Path(sys.argv[1])), time.perf_counter(), [0.0], threading.Event()

def person():
    while not stop.wait(0.05):
        asked = time.perf_counter()
        call(wb, "datasets_list")
        slowest[0] = max(slowest[0], time.perf_counter() - asked)

window = threading.Thread(target=person)
window.start()
work, read_s = import_dataset(wb.workspace, wb.store, "big", sys.argv[2]), 0.0
while True:
    try:
        step = next(work)
    except StopIteration as ended:
        break
    if not read_s and step.message.startswith("images/"):
        read_s = time.perf_counter() - began
stop.set()
window.join()
facts = call(wb, "datasets_get", dataset="big")
told = {"read_s": read_s, "took_s": time.perf_counter() - began, "peak_mb": peak_mb(), "slowest_s": slowest[0]}
print(json.dumps(told | {"boxes": facts["annotations"]}), flush=True)
"""


def build(root: Path) -> tuple[Path, int]:
    """Write the images, hard links of one, and the file; return the folder and the file's bytes.

    The annotations come first, then the images, then the categories: the order that helps least.
    """
    (root / "set" / "images").mkdir(parents=True)
    PIL.Image.effect_noise((640, 480), 40).convert("RGB").save(root / "one.jpg", quality=30)
    for n in range(IMAGES):
        os.link(root / "one.jpg", root / "set" / "images" / f"img_{n:06}.jpg")
    shapes = [_shape(random.Random(n)) for n in range(SHAPES)]
    path = root / "set" / "instances.json"
    with open(path, "w") as file:
        file.write('{"annotations": [')
        for number in range(IMAGES * BOXES):
            start = ", " if number else ""
            file.write(f'{start}{{"id": {number}, "image_id": {number // BOXES}, {shapes[number % SHAPES]}')
        images = ({"id": n, "file_name": f"img_{n:06}.jpg", "width": 640, "height": 480} for n in range(IMAGES))
        file.write('], "images": [' + ", ".join(map(json.dumps, images)))
        classes = ({"id": n, "name": f"class {n}", "supercategory": "all"} for n in range(CLASSES))
        file.write('], "categories": [' + ", ".join(map(json.dumps, classes)) + "]}")
    return root / "set", path.stat().st_size


def _shape(chance: random.Random) -> str:
    """Return an annotation's text behind its ids."""
    x, y = chance.uniform(0, 500), chance.uniform(0, 350)
    ring = [round(side + chance.uniform(0, 100), 2) for _ in range(CORNERS) for side in (x, y)]
    box = [min(ring[0::2]), min(ring[1::2])]
    box += [max(ring[0::2]) - box[0], max(ring[1::2]) - box[1]]
    facts = {"category_id": chance.randrange(CLASSES), "bbox": [round(side, 2) for side in box], "area": 1.0}
    return json.dumps({**facts, "iscrowd": 0, "segmentation": [ring], "note": "x" * 60})[1:]


def rows() -> Iterator[Row]:
    """Measure the peak of the importing process, and its slowest answer to another thread."""
    with tempfile.TemporaryDirectory() as folder:
        source, size = build(Path(folder))
        command = [sys.executable, "-c", CHILD, str(Path(folder) / "home"), str(source)]
        root = Path(__file__).parents[1]
        said = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout
    told = json.loads(said.splitlines()[-1])
    what = f"importing a COCO file of {size / 1e9:.2f} GB ({told['boxes']:,} of {IMAGES * BOXES:,} outlined boxes)"
    holds = told["peak_mb"] <= 600 and told["boxes"] == IMAGES * BOXES
    yield Row(f"peak memory of {what}", told["peak_mb"], "MB", target="<= 600 MB, all boxes", holds=holds)
    slowest = told["slowest_s"]
    yield Row(f"slowest answer of the window while {what}", slowest, "s", target="<= 0.5 s", holds=slowest <= 0.5)
    yield Row(f"time until the file is understood, {what}", told["read_s"], "s", target="", holds=True)
    yield Row(f"time of {what}", told["took_s"], "s", target="", holds=True)
