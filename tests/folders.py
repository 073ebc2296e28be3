"""Build folders of images and labels, and run long work to its end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tator.datasets.dataset import Dataset
from tator.exporting.writing import export_dataset
from tator.importing.creating import import_dataset
from tator.types import Work


def finish(work: Work):
    """Drive long work and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def picture(path: Path, size=(64, 48), **options) -> Path:
    """Write an image whose pixels depend on its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(path, **options)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def yolo_folder(root: Path, rows: dict[str, str | None], names: list[str] | None = None) -> Path:
    """Write images/<name> of 64 x 48 and labels/<stem>.txt; None leaves an image without labels."""
    for name, content in rows.items():
        picture(root / "images" / name)
        if content is not None:
            text(root / "labels" / (name.rpartition(".")[0] + ".txt"), content)
    if names is not None:
        text(root / "labelmap.txt", "\n".join(names) + "\n")
    return root


CORNERS = ((0.2, 0.2), (0.2, 0.7), (0.7, 0.2), (0.7, 0.7))
COLOURS = ((200, 40, 40), (40, 60, 200))


def coloured(root: Path) -> Path:
    """Write images of two red and two blue squares each, with their labels."""
    for number in range(6):
        pixels = np.full((60, 80, 3), 128, np.uint8)
        rows = []
        for place, (x, y) in enumerate(CORNERS):
            left, top, kind = int((x - 0.1) * 80) + number % 3, int((y - 0.1) * 60), (place + number) % 2
            pixels[top : top + 12, left : left + 16] = COLOURS[kind]
            rows.append(f"{kind} {(left + 8) / 80:.4f} {(top + 6) / 60:.4f} .2 .2")
        (root / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        text(root / "labels" / f"{number}.txt", "\n".join(rows))
    text(root / "labelmap.txt", "red\nblue\n")
    return root


def coco(images: list[str], annotations: list[dict] = (), categories=("cat", "dog"), size=(64, 48)) -> str:
    """Return a COCO file; images get ids from 1, annotations without one go to image 1, category 1."""
    return json.dumps(
        {
            "images": [
                {"id": n, "file_name": name, "width": size[0], "height": size[1]} for n, name in enumerate(images, 1)
            ],
            "categories": [{"id": n, "name": name} for n, name in enumerate(categories, 1)],
            "annotations": [
                {"id": n, "image_id": 1, "category_id": 1, "bbox": [4, 4, 10, 10], **a}
                for n, a in enumerate(annotations, 1)
            ],
        }
    )


def make(wb, source: Path | str, name: str = "set", storage: str = "linked", with_labels: bool = True) -> Dataset:
    """Import a source and return the dataset."""
    finish(import_dataset(wb.workspace, wb.store, name, str(source), storage, with_labels))
    return wb.dataset(name)


def report_of(dataset: Dataset) -> dict:
    return dataset.describe()["report"]


def reasons(dataset: Dataset, kind: str = "dropped") -> dict[str, int]:
    return report_of(dataset)["counts"][kind]


def named(dataset: Dataset, kind: str = "dropped") -> str:
    """Return every file and detail of a report as one text to look for names in."""
    return "\n".join(f"{e['file']}:{e['line']}: {e['reason']}: {e['detail']}" for e in report_of(dataset)[kind])


def boxes(dataset: Dataset) -> dict[str, list[tuple]]:
    """Return {path: sorted (class name, x1, y1, x2, y2)} of a dataset's accepted annotations."""
    names = {row.class_id: row.name for row in dataset.classes()}
    rows = {row.id: row.path for row in dataset.images(readable=False)}
    found = dataset.annotations(list(rows))
    return {
        rows[i]: sorted((names[c], *map(float, b)) for c, b in zip(d.class_id, d.xyxy, strict=True))
        for i, d in found.items()
    }


def same_boxes(ours: list[tuple], theirs: list[tuple], within: float = 0.5) -> bool:
    """Whether two lists of (class, x1, y1, x2, y2) agree to so many pixels."""
    if [row[0] for row in sorted(ours)] != [row[0] for row in sorted(theirs)]:
        return False
    left = list(theirs)
    for name, *box in ours:
        match = next((r for r in left if r[0] == name and np.allclose(r[1:], box, atol=within)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def export(dataset: Dataset, format: str, **options) -> tuple[dict, Path]:
    """Export a dataset; return the result and the zip."""
    result = finish(export_dataset(dataset, format, **options))
    return result, dataset.workspace.folder("exports") / result["file"]
