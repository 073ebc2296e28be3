"""Look at twenty thousand label files, one an image: how fast, in how much memory, and how long nothing is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import PIL.Image

from bench._row import Row

FILES = 20_000
PER_FOLDER = 5_000
BOXES = 5
NAMES = ("cat", "dog", "bird")
CHILD = """
import json, sys, time
from pathlib import Path
from bench._peak import peak_mb
from tator.importing.preview import preview_source
from tator.workbench import Workbench

wb, began = Workbench.at(Path(sys.argv[1])), time.perf_counter()
work, last, gap, read_s = preview_source(wb.workspace, sys.argv[2]), began, 0.0, 0.0
while True:
    try:
        step = next(work)
    except StopIteration as ended:
        result = ended.value
        break
    now = time.perf_counter()
    gap, last = max(gap, now - last), now
    read_s = now - began if not step.message.endswith(".jpg") and step.message != "Done" else read_s
peak = peak_mb()
facts = {key: result[key] for key in ("format", "images", "annotations")}
print(json.dumps({"read_s": read_s, "gap_s": gap, "peak_mb": peak, **facts}))
"""


def build(root: Path, format: str) -> Path:
    """Write a folder of one photograph under many names, with a VOC or LabelMe file each."""
    stock = root / "stock.bin"
    PIL.Image.effect_noise((640, 480), 40).convert("RGB").save(stock, "JPEG", quality=60)
    for n in range(FILES):
        folder, name = root / format / f"{n // PER_FOLDER:03}", f"img_{n:06}"
        if n % PER_FOLDER == 0:
            folder.mkdir(parents=True)
        os.link(stock, folder / f"{name}.jpg")
        boxes = [(NAMES[b % 3], 10 + b * 60, 20 + n % 7, 60 + b * 60, 90 + n % 7) for b in range(BOXES)]
        if format == "voc":
            (folder / f"{name}.xml").write_text(_voc(name, boxes))
        else:
            shapes = [{"label": c, "points": [[a, b], [x, y]], "shape_type": "rectangle"} for c, a, b, x, y in boxes]
            facts = {
                "imagePath": f"{name}.jpg",
                "imageData": None,
                "imageWidth": 640,
                "imageHeight": 480,
                "shapes": shapes,
            }
            (folder / f"{name}.json").write_text(json.dumps(facts, indent=2))
    return root / format


def _voc(name: str, boxes: list[tuple]) -> str:
    sides = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        f"<object><name>{c}</name><bndbox>{''.join(f'<{s}>{v}</{s}>' for s, v in zip(sides, box, strict=True))}</bndbox></object>\n"
        for c, *box in boxes
    )
    size = "<size><width>640</width><height>480</height><depth>3</depth></size>"
    return f"<annotation>\n<filename>{name}.jpg</filename>\n{size}\n{objects}</annotation>\n"


def rows() -> Iterator[Row]:
    """Measure VOC and LabelMe, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for format in ("voc", "labelme"):
            source = build(Path(folder), format)
            command = [sys.executable, "-c", CHILD, str(Path(folder) / f"home-{format}"), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
            told = json.loads(done.stdout.splitlines()[-1])
            if (told["format"], told["images"], told["annotations"]) != (format, FILES, FILES * BOXES):
                raise RuntimeError(f"the look at {source} answered {told}")
            what, rate = f"looking into {FILES:,} {format} files", FILES / told["read_s"]
            yield Row(f"{what}, the walk included", rate, "files/s", target=">= 2,000 files/s", holds=rate >= 2_000)
            yield Row(f"longest silence while {what}", told["gap_s"], "s", target="<= 1 s", holds=told["gap_s"] <= 1)
            yield Row(f"peak memory of {what}", told["peak_mb"], "MB", target="<= 200 MB", holds=told["peak_mb"] <= 200)
