"""Masks of a forty-megapixel photograph: reading and writing one costs its own box, not the image."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from bench._row import Row
from tator.exporting.writing import export_dataset
from tator.importing.creating import import_dataset
from tator.types import Mask, Work
from tator.vision import masks
from tator.workbench import Workbench

SIZE = (8_000, 5_000)
MASKS = 200
SIDES = (40, 400)  # pixels of a mask's box
MOST_MS = 10.0  # for one mask; drawing it in the whole image took 65


def drawn(seed: int = 0) -> Iterator[Mask]:
    """Yield ellipses somewhere in the image."""
    rng = np.random.default_rng(seed)
    for _ in range(MASKS):
        w, h = rng.integers(*SIDES, 2).tolist()
        x, y = int(rng.integers(0, SIZE[0] - w)), int(rng.integers(0, SIZE[1] - h))
        down, across = np.mgrid[:h, :w]
        yield Mask(x, y, ((across + 0.5) / w - 0.5) ** 2 + ((down + 0.5) / h - 0.5) ** 2 < 0.25)


def _runs(pixels: NDArray[np.bool_]) -> str:
    turns = np.flatnonzero(np.diff(pixels.ravel().astype(np.int8), prepend=0))
    return ", ".join(map(str, np.diff(turns, prepend=0, append=pixels.size).tolist()))


def build(root: Path) -> Path:
    """Write a CVAT folder of one image with its masks."""
    root.mkdir()
    PIL.Image.new("L", SIZE, 90).save(root / "large.png")
    shapes = "".join(
        f'<mask label="leaf" rle="{_runs(mask.data)}" left="{mask.x}" top="{mask.y}" '
        f'width="{mask.data.shape[1]}" height="{mask.data.shape[0]}"></mask>\n'
        for mask in drawn()
    )
    image = f'<image id="0" name="large.png" width="{SIZE[0]}" height="{SIZE[1]}">\n{shapes}</image>'
    labels = "<meta><task><labels><label><name>leaf</name></label></labels></task></meta>"
    (root / "annotations.xml").write_text(f"<annotations>{labels}{image}</annotations>")
    return root


def took_ms(work: Work) -> float:
    """Drive work to its end; return the milliseconds it took for each mask."""
    began = time.perf_counter()
    for _ in work:
        pass
    return (time.perf_counter() - began) * 1_000 / MASKS


def rows() -> Iterator[Row]:
    """Measure milliseconds a mask: its run lengths against pycocotools on the whole image, import, exports."""
    what = f"of {SIZE[0] * SIZE[1] // 10**6} megapixels, one of {MASKS}"
    yield _run_lengths(what)
    with tempfile.TemporaryDirectory() as folder:
        wb = Workbench.at(Path(folder) / "home")
        work = import_dataset(wb.workspace, wb.store, "large", str(build(Path(folder) / "set")))
        yield _row(f"importing a CVAT mask {what}", took_ms(work))
        for name in ("coco", "cvat", "labelme"):
            work = export_dataset(wb.dataset("large"), name, with_images=False)
            yield _row(f"exporting a mask {what}, as {name}", took_ms(work))
        wb.close()


def _row(name: str, value: float) -> Row:
    return Row(name, value, "ms", target=f"<= {MOST_MS:g} ms", holds=value <= MOST_MS)


def _run_lengths(what: str) -> Row:
    from pycocotools import mask as coco

    found = list(drawn())
    began = time.perf_counter()
    for mask in found:
        masks.of_rle(masks.to_rle(mask, *SIZE))
    ours = (time.perf_counter() - began) * 1_000 / len(found)
    began = time.perf_counter()
    for mask in found[:5]:
        coco.decode(coco.encode(np.asfortranarray(masks.to_dense(mask, *SIZE).astype(np.uint8))))
    theirs = (time.perf_counter() - began) * 1_000 / 5
    name = f"run lengths of a mask {what}, there and back"
    return Row(name, ours, "ms", "pycocotools, whole image", theirs, "<= 0.1 x", ours <= 0.1 * theirs)
