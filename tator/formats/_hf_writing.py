"""Write metadata.jsonl of an ImageFolder, and the card that names its classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from tator.formats.writing import Output, Splits, Written, boxes_only, each


def write_rows(out: Output, names: list[str], splits: Splits, label: str) -> Iterator[int]:
    """Write a line an image beside the images of each split; yield images done.

    Args:
        out: where to.
        names: of the classes.
        splits: images.
        label: of the format, for notes.
    """
    has_captions = any(image.caption for image in each(splits))
    out.text("README.md", _card(names, has_captions))
    done = 0
    for split, images in splits.items():
        with out.open(f"{split}/metadata.jsonl") as file:
            for image in images:
                row = _row(out, image, has_captions, label)
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                done += 1
                yield done


def _row(out: Output, image: Written, has_captions: bool, label: str) -> dict:
    objects: dict[str, list] = {"id": [], "bbox": [], "category": [], "area": [], "iscrowd": []}
    for at, each_label in enumerate(image.labels):
        boxes_only(out, each_label, label)
        x1, y1, x2, y2 = each_label.xyxy
        box = [round(value, 4) for value in (x1, y1, x2 - x1, y2 - y1)]
        is_crowd = bool((each_label.attributes or {}).get("crowd"))
        values = (at, box, each_label.class_index, round(box[2] * box[3], 4), is_crowd)
        for column, value in zip(objects.values(), values, strict=True):
            column.append(value)
    text = {"text": image.caption or ""} if has_captions else {}
    return {"file_name": image.name, **text, "width": image.width, "height": image.height, "objects": objects}


def _card(names: Sequence[str], has_captions: bool) -> str:
    """Return a card whose head names the columns and the classes."""
    plain = [{"name": "image", "dtype": "image"}, *([{"name": "text", "dtype": "string"}] if has_captions else [])]
    plain += [{"name": side, "dtype": "int64"} for side in ("width", "height")]
    label = {"class_label": {"names": {str(at): name for at, name in enumerate(names)}}}
    columns = {"id": "int64", "bbox": {"sequence": "float64"}, "category": label, "area": "float64", "iscrowd": "bool"}
    struct = [{"name": name, "sequence": kind} for name, kind in columns.items()]
    info = {"dataset_info": {"features": [*plain, {"name": "objects", "struct": struct}]}}
    head = "task_categories:\n- object-detection\n"
    return f"---\n{head}{_yaml(info)}---\n\nBoxes (`bbox`) are x, y, width, height in pixels.\n"


def _yaml(content: dict) -> str:
    import yaml

    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
