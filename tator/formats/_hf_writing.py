"""Write metadata.jsonl of an ImageFolder, and the card that names its classes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tator.formats import Label
from tator.formats.writing import Output, Splits, Written, boxes_only, each

COLUMNS: dict[str, Any] = {  # of the objects of every dataset
    "id": "int64",
    "bbox": {"sequence": "float64"},
    "category": "int64",
    "area": "float64",
    "iscrowd": "bool",
}
SOME = {  # of the objects of a dataset where one of them has it
    "score": "float64",
    "occluded": "bool",
    "truncated": "bool",
    "difficult": "bool",
    "text": "string",
}
ATTRIBUTES = frozenset({"crowd", "occluded", "truncated", "difficult", "text"})


def write_rows(out: Output, names: list[str], splits: Splits, label: str) -> Iterator[int]:
    """Write a line an image beside the images of each split; yield images done.

    Args:
        out: where to.
        names: of the classes.
        splits: images.
        label: of the format, for notes.
    """
    has_captions, more = _needed(each(splits))
    out.text("README.md", _card(names, has_captions, more))
    done = 0
    for split, images in splits.items():
        with out.open(f"{split}/metadata.jsonl") as file:
            for image in images:
                for each_label in image.labels:
                    boxes_only(out, each_label, label)
                row = _row(image, has_captions, more)
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                done += 1
                yield done


def _needed(images: Iterable[Written]) -> tuple[bool, list[str]]:
    """Return whether an image has a caption, and which further columns objects need.

    All rows have the same columns, or the library refuses them.
    """
    has_captions, found = False, set()
    for image in images:
        has_captions |= bool(image.caption)
        for label in image.labels:
            found |= {"score"} if label.confidence is not None else set()
            found |= (label.attributes or {}).keys()
    return has_captions, [name for name in SOME if name in found]


def _row(image: Written, has_captions: bool, more: Sequence[str]) -> dict:
    objects = [_object(at, label, more) for at, label in enumerate(image.labels)]
    columns = {name: [row[name] for row in objects] for name in (*COLUMNS, *more)}
    text = {"text": image.caption or ""} if has_captions else {}
    return {"file_name": image.name, **text, "width": image.width, "height": image.height, "objects": columns}


def _object(at: int, label: Label, more: Sequence[str]) -> dict[str, Any]:
    given = label.attributes or {}
    x1, y1, x2, y2 = label.xyxy
    box = [round(value, 4) for value in (x1, y1, x2 - x1, y2 - y1)]
    row: dict[str, Any] = {"id": at, "bbox": box, "category": label.class_index, "area": round(box[2] * box[3], 4)}
    row["iscrowd"] = bool(given.get("crowd"))
    return row | {name: label.confidence if name == "score" else given.get(name) for name in more}


def _card(names: Sequence[str], has_captions: bool, more: Sequence[str]) -> str:
    """Return a card whose head names the columns and the classes."""
    plain = [{"name": "image", "dtype": "image"}, *([{"name": "text", "dtype": "string"}] if has_captions else [])]
    plain += [{"name": side, "dtype": "int64"} for side in ("width", "height")]
    label = {"class_label": {"names": {str(at): name for at, name in enumerate(names)}}}
    columns = COLUMNS | {"category": label} | {name: SOME[name] for name in more}
    struct = [{"name": name, "sequence": kind} for name, kind in columns.items()]
    info = {"dataset_info": {"features": [*plain, {"name": "objects", "struct": struct}]}}
    head = "task_categories:\n- object-detection\n"
    return f"---\n{head}{_yaml(info)}---\n\nBoxes (`bbox`) are x, y, width, height in pixels.\n"


def _yaml(content: dict) -> str:
    import yaml

    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
