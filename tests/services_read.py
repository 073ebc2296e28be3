"""Print as JSON what the makers' own code reads in a folder; runs in the environment of requirements-oracles.txt.

Usage: python services_read.py FOLDER label_studio|scalabel|hugging_face
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import types
import typing
from pathlib import Path


def label_studio(folder: Path) -> dict:
    """Return {"boxes": [[image, class, x, y, w, h]], "masks": [pixels]} by the SDK's converter."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.converter.brush import decode_rle

    config, tasks = (folder / "label_config.xml").read_text(), json.loads((folder / "tasks.json").read_text())
    with tempfile.TemporaryDirectory() as made:
        Converter(config, project_dir=None, download_resources=False).convert_to_coco(
            str(folder / "tasks.json"), made, is_dir=False
        )
        coco = json.loads((Path(made) / "result.json").read_text())
    names = {row["id"]: row["name"] for row in coco["categories"]}
    images = {row["id"]: row["file_name"] for row in coco["images"]}
    rows = [[images[row["image_id"]], names[row["category_id"]], *row["bbox"]] for row in coco["annotations"]]
    results = [row for task in tasks for said in task["annotations"] for row in said["result"]]
    masks = [decode_rle(row["value"]["rle"]) for row in results if "rle" in row["value"]]
    return {"boxes": rows, "masks": [int((mask[3::4] > 0).sum()) for mask in masks]}


def scalabel(folder: Path) -> dict:
    """Return {image: [[class, x1, y1, x2, y2, corners, pixels, attributes]]} by Scalabel's own types."""
    import scalabel.label.typing as kinds
    from pycocotools.mask import area
    from pydantic import BaseModel
    from scalabel.label.io import load

    models = [each for each in vars(kinds).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    for model in models:
        for field in model.model_fields.values():  # written for pydantic 1, where what may be None need not be there
            if types.NoneType in typing.get_args(field.annotation) and field.is_required():
                field.default = None
    for model in models:
        if model is not BaseModel:
            model.model_rebuild(force=True)
    found = {}
    for path in sorted((folder / "labels").glob("*.json")):
        for frame in load(str(path), nprocs=0).frames:
            found[f"{path.stem}/{frame.name}"] = [
                [
                    label.category,
                    *(getattr(label.box2d, side) for side in ("x1", "y1", "x2", "y2")),
                    sum(len(part.vertices) for part in label.poly2d or ()),
                    int(area({"size": list(label.rle.size), "counts": label.rle.counts})) if label.rle else 0,
                    label.attributes,
                ]
                for label in frame.labels
            ]
    return found


def hugging_face(folder: Path) -> dict:
    """Return {split: [objects with the image's size]} by the datasets library."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    with tempfile.TemporaryDirectory() as cache:
        found = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=cache)
        return {split: [row["objects"] | {"size": row["image"].size} for row in rows] for split, rows in found.items()}


if __name__ == "__main__":
    reader = {"label_studio": label_studio, "scalabel": scalabel, "hugging_face": hugging_face}[sys.argv[2]]
    print("ANSWER" + json.dumps(reader(Path(sys.argv[1]))))
