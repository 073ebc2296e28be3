"""Print as JSON what datumaro reads in a folder; runs in the environment of requirements-oracles.txt, see oracles.py.

Usage: python datumaro_reads.py FOLDER IMPORTER
"""

from __future__ import annotations

import json
import sys

import datumaro

KINDS = ("bbox", "polygon", "mask", "caption", "rotated_bbox")


def read(folder: str, importer: str) -> dict:
    """Return {"labels": names, "items": {id: [[kind, class name, x1, y1, x2, y2, area in pixels, group]]}, "subsets": {id: name}}."""
    dataset = datumaro.Dataset.import_from(folder, importer)
    found = dataset.categories()
    listed = found.get(datumaro.AnnotationType.label)
    names = [label.name for label in listed] if listed else []
    items: dict[str, list] = {}
    for item in dataset:
        rows = items.setdefault(item.id, [])
        for shape in item.annotations:
            if shape.type.name == "caption":
                rows.append(["caption", shape.caption])
            elif shape.type.name in KINDS:
                rows.append([shape.type.name, names[shape.label], *_box(shape), float(shape.get_area()), shape.group])
    return {"labels": names, "items": items, "subsets": {item.id: item.subset for item in dataset}}


def _box(shape: datumaro.Annotation) -> list[float]:
    """Return x1, y1, x2, y2 around a shape; of a mask in whole pixels, the last one outside."""
    if shape.type.name == "rotated_bbox":
        xs, ys = zip(*shape.as_polygon(), strict=True)
        return [float(value) for value in (min(xs), min(ys), max(xs), max(ys))]
    x, y, w, h = map(float, shape.get_bbox())
    return [x, y, x + w, y + h]


if __name__ == "__main__":
    print("ANSWER" + json.dumps(read(*sys.argv[1:])))
