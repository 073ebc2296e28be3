"""Numbers of a dataset for its charts.

Sizes, splits, classes, boxes, where these lie, and captions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from tator.datasets.dataset import Dataset
from tator.datasets.selecting import select_annotations
from tator.storage.schema import annotation, image

GRID = 32  # cells a side of the heat map
SIDE_EDGES = (0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)  # pixels: the square root of a box's area
ASPECT_EDGES = (0, 1 / 8, 1 / 4, 1 / 2, 1 / 1.5, 1 / 1.2, 1.2, 1.5, 2, 4, 8)  # width by height
COUNT_EDGES = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)  # boxes an image
SIZES_LISTED = 20
ROWS = 50_000  # boxes read at once


def dataset_stats(dataset: Dataset) -> dict:
    """Return the numbers.

    Returns:
        {"images", "annotations", "states", "splits": [{"split", "images", "annotations"}], "sizes": [{"width", "height",
        "images"}], "classes": [{"class_id", "name", "color", "annotations", "images", "splits"}], "box_sides", "aspects",
        "boxes_per_image": {"edges", "counts"} each, "heatmap": 32 rows of 32 shares of the largest cell, "captions":
        {"images", "share", "mean_words"}, "sources": {source: annotations}}.
    """
    overview = _images(dataset)
    boxes, classes, splits, sources = _boxes(dataset)
    return {
        **overview,
        "annotations": int(sum(sources.values())),
        "sources": dict(sources),
        "classes": _classes(dataset, classes, splits),
        "box_sides": _histogram(np.sqrt(boxes[:, 2] * boxes[:, 3]), SIDE_EDGES),
        "aspects": _histogram(boxes[:, 2] / np.maximum(boxes[:, 3], 1e-9), ASPECT_EDGES),
        "heatmap": _heatmap(boxes),
    }


def _images(dataset: Dataset) -> dict:
    mine = image.c.dataset_id == dataset.id
    split = func.coalesce(image.c.split, "")
    with dataset.store.read() as conn:
        by_split = conn.execute(
            select(split, func.count(), func.sum(image.c.annotation_count)).where(mine).group_by(split)
        ).all()
        states = conn.execute(select(image.c.state, func.count()).where(mine).group_by(image.c.state)).all()
        sizes = conn.execute(
            select(image.c.width, image.c.height, func.count().label("n"))
            .where(mine, image.c.problem.is_(None))
            .group_by(image.c.width, image.c.height)
        ).all()
        per_image = conn.execute(
            select(image.c.annotation_count, func.count())
            .where(mine, image.c.problem.is_(None))
            .group_by(image.c.annotation_count)
        ).all()
        captions = (
            conn.execute(select(image.c.caption).where(mine, image.c.caption.is_not(None), image.c.caption != ""))
            .scalars()
            .all()
        )
    total = sum(n for _, n in states)
    counts = np.repeat([c for c, _ in per_image], [n for _, n in per_image]) if per_image else np.zeros(0)
    common = sorted(sizes, key=lambda row: (-row.n, row.width, row.height))[:SIZES_LISTED]
    words = [len(caption.split()) for caption in captions]
    return {
        "images": total,
        "states": {state: n for state, n in states},
        "splits": [{"split": name, "images": n, "annotations": int(boxes or 0)} for name, n, boxes in by_split],
        "sizes": [{"width": row.width, "height": row.height, "images": row.n} for row in common],
        "size_count": len(sizes),
        "boxes_per_image": _histogram(counts, COUNT_EDGES),
        "captions": {
            "images": len(captions),
            "share": len(captions) / total if total else 0.0,
            "mean_words": round(float(np.mean(words)), 1) if words else 0.0,
        },
    }


def _boxes(dataset: Dataset) -> tuple[NDArray[np.float64], dict[int, set[int]], Counter, Counter]:
    """Return what accepted annotations hold.

    (N, 6) boxes, {class id: images}, {(class id, split): boxes} and {source: boxes}.

    A box is centre x, y as a share of the image, width and height in pixels, then the image's width and height.
    """
    a = annotation.c
    place, others = (image.c.width, image.c.height), (a.class_id, a.image_id, image.c.split, a.source)
    query = select_annotations(dataset.id, a.x1, a.y1, a.x2, a.y2, *place, *others, status="accepted", crowds=False)
    parts = [np.zeros((0, 6))]
    classes: dict[int, set[int]] = {}
    splits: Counter[tuple[int, str]] = Counter()
    sources: Counter[str] = Counter()
    with dataset.store.read() as conn:
        for rows in conn.execution_options(yield_per=ROWS).execute(query).partitions():
            numbers = np.array([tuple(row[:6]) for row in rows], np.float64)
            for row in rows:
                classes.setdefault(row.class_id, set()).add(row.image_id)
                splits[row.class_id, row.split or ""] += 1
                sources[row.source] += 1
            x1, y1, x2, y2, width, height = numbers.T
            across, down = np.maximum(width, 1), np.maximum(height, 1)
            parts.append(np.stack(((x1 + x2) / 2 / across, (y1 + y2) / 2 / down, x2 - x1, y2 - y1, width, height), 1))
    return np.concatenate(parts), classes, splits, sources


def _classes(dataset: Dataset, images: dict[int, set[int]], splits: Counter) -> list[dict]:
    rows = []
    for row in dataset.classes():
        by_split = {split: n for (class_id, split), n in sorted(splits.items()) if class_id == row.class_id}
        facts = {"class_id": row.class_id, "name": row.name, "color": row.color, "annotations": sum(by_split.values())}
        rows.append({**facts, "images": len(images.get(row.class_id, ())), "splits": by_split})
    return rows


def _histogram(values: NDArray, edges: Sequence[float]) -> dict:
    """Return {"edges", "counts"}: values from each edge up to the next.

    The last range is open.
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    counts, _ = np.histogram(finite, [*edges, np.inf])
    return {"edges": [round(float(edge), 4) for edge in edges], "counts": counts.tolist()}


def _heatmap(boxes: NDArray[np.float64]) -> list[list[float]]:
    """Return where box centres lie: GRID rows of GRID shares of the fullest cell."""
    inside = boxes[np.isfinite(boxes[:, :2]).all(1)]
    cells, _, _ = np.histogram2d(np.clip(inside[:, 1], 0, 1), np.clip(inside[:, 0], 0, 1), GRID, [[0, 1], [0, 1]])
    return (cells / max(cells.max(), 1)).round(3).tolist()
