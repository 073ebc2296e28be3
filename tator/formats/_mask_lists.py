"""Lists of classes that say what the values or colours of mask pictures mean.

They are text, CSV or JSON: names a line, numbered names, names with colours, tables and objects of these.

Source: labelmap.txt of CVAT and datumaro, label_colors.txt and class_dict.csv of CamVid, _classes.csv of Roboflow, id2label of
Hugging Face, class_names.txt and labels.txt of LabelMe's labelme2voc, dataset_meta.json of datumaro, config.json of Mapillary.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tator.formats import Report
from tator.formats._json import as_dict, as_list
from tator.formats._ultralytics import MOST_CLASSES, read_data_yaml
from tator.formats.cells import delimiter, restored, without_hint
from tator.formats.tree import NAME_FILES, Tree

LONGEST = 4 << 20  # characters of a list
LARGEST_VALUE = (1 << 24) - 1  # of a pixel
IGNORED_FIRST = "__ignore__"  # labelme2voc counts from -1 where the list begins so
_NAMED = re.compile(
    r"_?(class|label|categor|colou?r|codes|palette|object_?info|id_?2|id_to|names|meta|dataset_meta|config|segmentation|voc)"
    r"[\w -]*",
    re.I,
)  # how lists of classes are called
_NUMBER = r"(\d{1,8})"
_COLOUR = rf"{_NUMBER}[\s,;]+{_NUMBER}[\s,;]+{_NUMBER}"
_FORMS = (  # of the lines of a text file, each with the groups name, value, red, green and blue by number
    (re.compile(r"(.*?):(?:(\d+),(\d+),(\d+))?:[^:]*:[^:]*"), (1, 0, 2, 3, 4)),
    (re.compile(rf"{_COLOUR}[\s,;:]+(\S.*)"), (4, 0, 1, 2, 3)),
    (re.compile(rf"(\S.*?)[\s,;:]+{_COLOUR}"), (1, 0, 2, 3, 4)),
    (re.compile(r"(\d{1,8})\s*[\s:,;=]\s*(\S.*)"), (2, 1, 0, 0, 0)),
    (re.compile(r"(\S.*?)\s*[:,;=\t]\s*(\d{1,8})"), (1, 2, 0, 0, 0)),
    (re.compile(r"(\S.*)"), (1, 0, 0, 0, 0)),
)
_NAME_CELLS = ("name", "class", "classname", "label", "labelname", "category", "title", "readable")
_VALUE_CELLS = ("pixelvalue", "value", "id", "index", "idx", "classid", "labelid", "categoryid", "class", "label")
_CHANNELS = (("r", "g", "b"), ("red", "green", "blue"))
_COLOUR_CELLS = ("color", "colour", "rgb", "colorrgb", "hex")


@dataclass(frozen=True)
class Named:
    """A class of a list.

    Attributes:
        name: as the list has it.
        value: of its pixels; the row in the list where that says none.
        colour: of its pixels as 0xRRGGBB, None where the list says none.
    """

    name: str
    value: int
    colour: int | None = None


@dataclass(frozen=True)
class ClassList:
    """A list of classes.

    Attributes:
        path: of its file, or what it is called.
        rows: its classes in order.
        is_numbered: whether it says the values itself, else they are its rows.
    """

    path: str
    rows: tuple[Named, ...]
    is_numbered: bool = False


def class_lists(tree: Tree) -> list[ClassList]:
    """Return the lists of classes in a folder that masks may go by, by path."""
    return [found for path in sorted({*tree.texts, *tree.tables}) if (found := _read(tree, path)) and found.rows]


def _read(tree: Tree, path: str) -> ClassList | None:
    name, suffix = PurePosixPath(path).stem, PurePosixPath(path).suffix.lower()
    is_list = _NAMED.fullmatch(name) or PurePosixPath(path).name.lower() in NAME_FILES
    if suffix in (".yaml", ".yml"):
        return _of_yaml(tree, path)
    if not is_list or suffix not in (".txt", ".names", ".labels", ".csv", ".json"):
        return None
    try:
        if (tree.root / path).stat().st_size > LONGEST:
            return None
        text = tree.read_text(path).lstrip("\ufeff")
        return {".csv": _of_csv, ".json": _of_json}.get(suffix, _of_text)(path, text)
    except (OSError, ValueError, RecursionError, csv.Error):
        return None


def _of_yaml(tree: Tree, path: str) -> ClassList | None:
    """Return the names of a data.yaml, which is only looked at."""
    claimed = path in tree.claimed
    found = read_data_yaml(tree, path, Report())
    if not claimed:
        tree.claimed.discard(path)
    rows = (Named(name, index) for index, name in found.classes.items()) if found else ()
    return ClassList(path, tuple(rows), True)


def _of_text(path: str, text: str) -> ClassList | None:
    if (table := _of_csv(path, text)) is not None:
        return table
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")][:MOST_CLASSES]
    for form, (name, value, *channels) in _FORMS:
        found = [form.fullmatch(line) for line in lines]
        if not lines or not all(found):
            continue
        first = -1 if lines[0] == IGNORED_FIRST and not value else 0
        rows = (
            Named(each[name].strip(), int(each[value]) if value else at, _colour([each[n] for n in channels if n]))
            for at, each in enumerate(filter(None, found), first)
        )
        return ClassList(path, tuple(rows), bool(value) or first < 0)
    return None


def _of_csv(path: str, text: str) -> ClassList | None:
    plain = without_hint(text)
    table = list(csv.reader(plain.splitlines(), delimiter=delimiter(plain.split("\n", 1)[0])))
    if len(table) < 2:
        return None
    cells = [re.sub(r"[^a-z]", "", cell.lower()) for cell in table[0]]
    name = next((cells.index(word) for word in _NAME_CELLS if word in cells), None)
    value = next((at for word in _VALUE_CELLS if word in cells and (at := cells.index(word)) != name), None)
    colours = next(([cells.index(each) for each in set_] for set_ in _CHANNELS if set(set_) <= set(cells)), None)
    colours = colours or next(([cells.index(word)] for word in _COLOUR_CELLS if word in cells), [])
    if name is None or value is None and not colours:
        return None
    rows = [row for row in table[1 : MOST_CLASSES + 1] if len(row) > max(name, value or 0, *colours)]
    return _listed(path, (_cells(row, name, value, colours) for row in rows))


def _cells(row: Sequence[str], name: int, value: int | None, colours: Sequence[int]) -> tuple[Any, Any, Any]:
    given = [row[at] for at in colours]
    return restored(row[name].strip()), None if value is None else row[value], given[0] if len(given) == 1 else given


def _of_json(path: str, text: str) -> ClassList | None:
    content = json.loads(text)
    head = as_dict(content)
    inner = next((head[key] for key in _HOLDERS if isinstance(head.get(key), (dict, list))), content)
    listed = list(_objects(inner, as_list(head.get("segmentation_colors"))))
    return _listed(path, iter(listed)) if 0 < len(listed) <= MOST_CLASSES else None


_HOLDERS = ("id2label", "label2id", "label_map", "labels", "classes", "categories", "names", "class_names")


def _objects(content: Any, colours: Sequence[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (name, value, colour) of what a JSON list or table holds."""
    if isinstance(content, dict):
        is_by_name = all(isinstance(value, int) for value in content.values())
        pairs = ((v, k) if is_by_name else (k, v) for k, v in content.items())
        for at, (value, name) in enumerate(pairs):
            if isinstance(name, str) and str(value).isdecimal():
                yield name, value, colours[at] if at < len(colours) else None
            elif isinstance(name, (str, list)) and not str(value).isdecimal() and _colour(name) is not None:
                yield value, None, name  # {name: colour}
    for at, each in enumerate(as_list(content)):
        if isinstance(each, str):
            yield each, None, colours[at] if at < len(colours) else None
        elif isinstance(each, dict):
            name = next((each[key] for key in _NAME_CELLS if isinstance(each.get(key), str)), None)
            value = next((each[key] for key in ("value", "id", "index", "label_id") if key in each), None)
            colour = next((each[key] for key in _COLOUR_CELLS if key in each), None)
            if name is not None:
                yield name, value, colour


def _listed(path: str, found: Iterator[tuple[Any, Any, Any]]) -> ClassList | None:
    """Return a list of (name, value, colour), None where a row is of another kind."""
    rows: list[Named] = []
    is_numbered = True
    for at, (name, value, colour) in enumerate(found):
        is_number = str(value).strip().isdecimal() and int(value) <= LARGEST_VALUE
        is_numbered &= is_number
        rows.append(Named(str(name)[:200], int(value) if is_number else at, _colour(colour)))
    if rows and not is_numbered:
        rows = [Named(row.name, at, row.colour) for at, row in enumerate(rows)]
    return ClassList(path, tuple(rows), is_numbered) if rows else None


def _colour(given: Any) -> int | None:
    """Return a colour written as #RRGGBB, r,g,b or three numbers; None for another."""
    if isinstance(given, str):
        if re.fullmatch(r"#?[0-9a-fA-F]{6}", given.strip()):
            return int(given.strip().lstrip("#"), 16)
        given = re.findall(r"\d+", given)
    try:
        channels = [int(value) for value in given or ()]
    except (TypeError, ValueError):
        return None
    if len(channels) not in (3, 4) or not all(0 <= value <= 255 for value in channels):
        return None
    return channels[0] << 16 | channels[1] << 8 | channels[2]
