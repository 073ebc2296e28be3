"""Predictions as COCO's results, or as a whole COCO file with scores.

A list of results is read a piece at a time, so a large one takes no more memory than what is kept of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tator.types import BadInput
from tator.workflows.evaluation.predictors.packing import Found, packed

PIECE = 1 << 20  # characters that are read at once
LONGEST = 1 << 26  # characters of one result
_BETWEEN = re.compile(r"[\s,]*")


def coco_results(path: Path, classes: Sequence[str]) -> tuple[Found, str]:
    """Return {image: objects}, and by what its images are known: file_name or auto.

    Args:
        path: the file.
        classes: to evaluate, in their order.

    Raises:
        BadInput: it cannot be read, is no list of results, or names a class that there is not.
    """
    if not _is_list(path):
        return _of_whole_file(path, classes)
    used = {_category(path, row) for row in _listed(path)}
    return _found(_listed(path), _by_order(path, used, classes), {})


def _is_list(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(PIECE).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def _listed(path: Path) -> Iterator[Any]:
    """Yield the entries of a list, of which a piece is held at a time.

    Raises:
        BadInput: it is not JSON.
    """
    decode = json.JSONDecoder().raw_decode
    with path.open(encoding="utf-8-sig") as file:
        text = _more(path, file)
        at = text.index("[") + 1
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
            if text.startswith("]", at):
                return
            try:
                value, end = decode(text, at)
                if end == len(text):
                    raise ValueError("it ends before its list does")
            except ValueError as error:
                more = _more(path, file)
                if not more or len(text) - at > LONGEST:
                    raise BadInput(f"{path} cannot be read as JSON: {error}") from error
                text, at = text[at:] + more, 0
                continue
            yield value
            at = end


def _more(path: Path, file: Any) -> str:
    try:
        return file.read(PIECE)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} cannot be read as JSON: it is not UTF-8") from error


def _category(path: Path, row: Any) -> Any:
    """Return the category of a result.

    Raises:
        BadInput: it is none.
    """
    if not isinstance(row, dict) or not isinstance(row.get("image_id"), int | str | float):
        raise BadInput(f"{path.name} must be a list of results, each with image_id, category_id, bbox and score")
    category = row.get("category_id")
    return category if isinstance(category, int | str | float) else repr(category)


def _of_whole_file(path: Path, classes: Sequence[str]) -> tuple[Found, str]:
    """Return the same of a file that names its images and categories."""
    import orjson

    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadInput(f"{path} cannot be read as JSON: {error}") from error
    rows = value.get("annotations", value.get("predictions")) if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise BadInput(f"{path.name} must be a list of results, each with image_id, category_id, bbox and score")
    used = {_category(path, row) for row in rows}
    images, names = (_named(value, key, of) for key, of in (("images", "file_name"), ("categories", "name")))
    by_name = (lambda category: str(names.get(category, f"category {category}"))) if names else None
    return _found(rows, by_name or _by_order(path, used, classes), images)


def _named(value: Mapping[str, Any], key: str, of: str) -> dict[Any, Any]:
    rows = value.get(key)
    return {each.get("id"): each.get(of) for each in rows if isinstance(each, dict)} if isinstance(rows, list) else {}


def _by_order(path: Path, used: set[Any], classes: Sequence[str]) -> Callable[[Any], str]:
    """Return what names a category: the classes in their order.

    They are counted from 1, or from 0 where 0 occurs.
    """
    first = 0 if 0 in used else 1
    wrong = [each for each in used if not isinstance(each, int) or not first <= each < len(classes) + first]
    if wrong and classes:
        raise BadInput(
            f"{path.name}: category_id {wrong[0]!r} is none of the {len(classes)} classes, counted from {first}"
        )
    return lambda category: classes[category - first] if classes else f"category {category}"


def _found(rows: Iterable[Any], name_of: Callable[[Any], str], images: Mapping[Any, Any]) -> tuple[Found, str]:
    found: dict[Any, bytearray] = {}
    for row in rows:
        image = images.get(row["image_id"], row["image_id"])
        found.setdefault(image, bytearray()).extend(packed([_result(row, name_of)]))
    is_named = bool(images) or any(isinstance(each, str) for each in found)
    return {image: bytes(lines) for image, lines in found.items()}, "file_name" if is_named else "auto"


def _result(row: Mapping[str, Any], name_of: Callable[[Any], str]) -> dict[str, Any]:
    box = row.get("bbox")
    if isinstance(box, list) and len(box) == 4 and all(isinstance(v, int | float) for v in box):
        x, y, w, h = box
        points: Any = [x, y, x + w, y + h]
    else:
        points = box
    found = {"type": "bbox_2d", "points": points, "desc": name_of(row.get("category_id")), "score": row.get("score")}
    outline = row.get("segmentation")
    if isinstance(outline, dict) and isinstance(outline.get("counts"), str):
        found["rle"] = outline
    elif isinstance(outline, list) and len(outline) == 1 and isinstance(outline[0], list) and len(outline[0]) >= 6:
        found |= {"type": "poly", "points": outline[0]}
    return found
