"""The rows of a Hugging Face dataset.

Objects are columns, structs, or in the row itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tator.formats import Report
from tator.formats import _parquet as parquet
from tator.formats._json import as_dict, as_list, each_line
from tator.formats._json_keys import Keys
from tator.formats.cells import each_row, header, parsed
from tator.formats.tree import Tree

FILE_KEYS = ("file_name", "image", "image_path", "path")
BOXES = ("bbox", "bboxes", "boxes")
CLASSES = (
    "category",
    "categories",
    "label",
    "labels",
    "class",
    "classes",
    "class_id",
    "category_id",
    "class_name",
    "name",
)
OUTLINES = ("segmentation", "segmentations", "polygons")
SCORES = ("score", "scores", "confidence", "confidences")
CROWDS = ("iscrowd", "is_crowd")
NOTHING = ("id", "ids", "bbox_id", "area", "areas", "image_id")  # fields of objects that say nothing more
BYTES = "image.bytes"  # the column of embedded images


def are_rows(keys: Keys) -> bool:
    """Whether the keys of a JSON Lines file are those of images with objects."""
    has_objects = bool({*BOXES} & keys) and ("objects" in keys or bool({*CLASSES} & keys))
    has_image = "file_name" in keys or {"image", "path", "objects"} <= keys
    return has_image and has_objects and "images" not in keys


def is_csv(sample: bytes) -> bool:
    """Whether the first line of a CSV file names images and their objects."""
    return {"file_name", "objects"} <= set(header(sample))


def is_parquet(tree: Tree, path: str) -> bool:
    """Whether a Parquet file has columns of boxes, which its last part names."""
    footer = parquet.footer_of(tree.root / path)
    return b"bbox" in footer and any(key.encode() in footer for key in ("objects", *CLASSES))


def rows_of(tree: Tree, path: str, report: Report) -> Iterator[tuple[int, dict]]:
    """Yield (line, row) of a table of any kind, without embedded images.

    Raises:
        Unavailable: it is Parquet, and pyarrow is not installed.
    """
    lower = path.lower()
    if lower.endswith(".parquet"):
        yield from parquet.each_row(tree, path, report, (BYTES,))
    elif lower.endswith(".csv"):
        rows = each_row(tree, path, report)
        _, names = next(rows, (0, []))
        for line, cells in rows:
            yield line, {name.strip(): parsed(cell) for name, cell in zip(names, cells, strict=False)}
    else:
        yield from each_line(tree, path, report)


def objects_of(row: Mapping[str, Any]) -> tuple[list[dict], list[str]]:
    """Return the objects of a row, and the columns that they are not in."""
    held = row.get("objects")
    if isinstance(held, list):
        return [as_dict(each) for each in held], [key for key in row if key != "objects"]
    if isinstance(held, dict):
        return _turned(held), [key for key in row if key != "objects"]
    own = [key for key in row if key in (*BOXES, *CLASSES, *OUTLINES, *SCORES, *CROWDS, *NOTHING)]
    return _turned({key: row[key] for key in own}) if {*BOXES} & set(own) else [], [
        key for key in row if key not in own
    ]


def _turned(columns: Mapping[str, Any]) -> list[dict]:
    """Return columns of values as one dictionary an object."""
    boxes = as_list(first(columns, BOXES))
    if len(boxes) == 4 and all(isinstance(value, (int, float)) for value in boxes):
        return [dict(columns)]  # one object, not in a list
    length = max((len(value) for value in columns.values() if isinstance(value, list)), default=0)
    return [
        {key: value[at] for key, value in columns.items() if isinstance(value, list) and at < len(value)}
        for at in range(length)
    ]


def first(row: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the value of the first key that a row has, None where it has none."""
    return next((row[key] for key in keys if row.get(key) is not None), None)
