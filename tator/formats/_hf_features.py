"""The class names in what the datasets library notes of its columns.

They stand in the head of README.md, in dataset_infos.json, or in a Parquet file.

Source: https://huggingface.co/docs/datasets/en/package_reference/main_classes#datasets.Features
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tator.formats import Report
from tator.formats._json import read_json
from tator.formats._ultralytics import plain_loader
from tator.formats.tree import Tree

NOTED = ("dataset_info.json", "dataset_infos.json")
CARD = "readme.md"
LONGEST = 1 << 20  # characters of a card
INNER = ("feature", "sequence", "list", "dtype", "struct")  # keys that lead into a column
SAID = {  # how cards write what a box is
    "xywh": r"\bx(_?min)?, ?y(_?min)?, ?w(idth)?, ?h(eight)?\b|\bxywh\b|coco format",
    "xyxy": r"\bx_?(min|1), ?y_?(min|1), ?x_?(max|2), ?y_?(max|2)\b|\bxyxy\b|pascal[ _]voc",
    "cxcywh": r"\b(cx|x_?cent(er|re)), ?(cy|y_?cent(er|re)), ?w(idth)?, ?h(eight)?\b|\bcxcywh\b|yolo format",
}
IN_PIXELS = r"width, height in pixels"
FIRST = ("category", "categories", "label", "labels", "class", "classes", "class_id", "category_id")


@dataclass
class Noted:
    """What a folder notes of its tables.

    Attributes:
        names: of the classes.
        form: of the boxes, a key of FORMS; "" where the card does not say, or says several.
        is_pixels: whether the card says that boxes are in pixels.
    """

    names: list[str] = field(default_factory=list)
    form: str = ""
    is_pixels: bool = False


def noted(tree: Tree, report: Report) -> Noted:
    """Return what the cards and notes of a folder say."""
    found = Noted()
    for path in sorted(tree.others, key=lambda path: (path.count("/"), path)):
        if PurePosixPath(path).name.lower() == CARD:
            _read_card(tree, path, report, found)
    for path in tree.each(".json"):
        if PurePosixPath(path).name.lower() in NOTED and not found.names:
            found.names = class_names(read_json(tree, path, report, "notes of the datasets library"))
    return found


def class_names(features: Any) -> list[str]:
    """Return the names of the class label among features, that of the objects first."""
    found = sorted(_labels(features), key=lambda each: each[0] not in FIRST)
    return found[0][1] if found else []


def _labels(features: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield (key, names) of every class label; an alias is looked at once."""
    waiting: list[tuple[str, Any]] = [("", features)]
    seen: set[int] = set()
    while waiting:
        key, value = waiting.pop()
        if not isinstance(value, (dict, list)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            waiting += [(key, each) for each in reversed(value)]
            continue
        key = str(value["name"]) if isinstance(value.get("name"), str) else key
        label = value if value.get("_type") == "ClassLabel" else value.get("class_label")
        if isinstance(label, dict) and (names := _listed(label.get("names"))):
            yield key, names
            continue
        rows = list(value.items())[::-1]
        waiting += [(key if inner in INNER else str(inner), each) for inner, each in rows]


def _listed(names: Any) -> list[str]:
    """Return class names in order, of a list or of a table by number."""
    if isinstance(names, list):
        return [str(name) for name in names if isinstance(name, (str, int, float))]
    if isinstance(names, dict) and names and all(str(key).isdecimal() for key in names):
        return [str(names[key]) for key in sorted(names, key=lambda key: int(str(key)[:9]))]
    return []


def _read_card(tree: Tree, path: str, report: Report, found: Noted) -> None:
    """Take the classes in the head of a card, and what its text says of the boxes."""
    import yaml

    try:
        text = tree.read_text(path)[:LONGEST].lstrip("\ufeff")
        head, _, prose = text[3:].partition("\n---") if text.startswith("---") else ("", "", text)
        names = class_names(yaml.load(head, plain_loader()))
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        report.drop(path, "refused as YAML", f"{told}; expected plain data before the text")
        return
    said = [form for form, words in SAID.items() if re.search(words, prose, re.I)]
    if len(said) == 1 and not found.form:
        found.form, found.is_pixels = said[0], re.search(IN_PIXELS, prose, re.I) is not None
    if names and not found.names:
        found.names = names
        tree.claim(path)
