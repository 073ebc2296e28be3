"""The rows of Label Studio's files as tasks.

They are tasks, files of one annotation, or JSON-min.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tator.formats._json import as_dict, as_list
from tator.formats._label_studio_regions import kind_of
from tator.storage.images import EXTENSIONS

USUAL = ("image", "img", "photo", "picture", "url")  # keys of the image in a task's data
OF_A_ROW = frozenset(
    "id annotator annotation_id created_at updated_at lead_time agreement history predictions drafts".split()
)  # keys of JSON-min that are neither data nor results


def tasks_of(rows: list) -> list[tuple[int, Any]]:
    """Return (number, task) of the rows of a file, of whichever form they are.

    JSON-min has a row an annotation: those of one task are put together.
    """
    found: list[tuple[int, Any]] = []
    known: dict[Any, dict] = {}
    for at, row in enumerate(rows, 1):
        if not isinstance(row, dict) or isinstance(row.get("data"), dict):
            found.append((at, row if not isinstance(row, dict) or "result" not in row else _of_annotation(row)))
        elif isinstance(row.get("result"), list):
            found.append((at, _of_annotation(row)))
        else:
            task, key = _of_short(row), str(row.get("id"))
            if row.get("id") is not None and known.get(key, {}).get("data") == task["data"]:
                known[key]["annotations"] += task["annotations"]
            else:
                known[key] = task
                found.append((at, task))
    return found


def _of_annotation(row: dict) -> dict:
    """Return the task of a file that holds one annotation."""
    return {"data": as_dict(row.get("task")).get("data") or row.get("data"), "annotations": [row]}


def _of_short(row: dict) -> dict:
    """Return a row of JSON-min as a task."""
    data = {str(key): value for key, value in row.items() if key not in OF_A_ROW}
    results = [result for key, value in data.items() for result in _short_results(key, value)]
    asked = {result["from_name"] for result in results}
    kept = {key: value for key, value in data.items() if key not in asked}
    said = {"id": row.get("annotation_id"), "completed_by": row.get("annotator"), "result": results}
    return {"data": kept, "annotations": [said]}


def _short_results(key: str, value: Any) -> Iterator[dict]:
    """Yield what a field of JSON-min holds as results, none where it is data."""
    rows = [each for each in as_list(value) if isinstance(each, dict)]
    placed = [{"value": row, "from_name": key} for row in rows]
    if placed and all(kind_of(row) for row in placed):
        for at, row in enumerate(placed):
            sizes = {side: rows[at].get(side) for side in ("original_width", "original_height")}
            yield {**row, **sizes, "id": f"{key} {at}"}
    elif isinstance(value, dict) and "choices" in value:
        yield {"value": value, "from_name": key}
    elif _is_answer(key, value):
        yield {"value": {"choices": value if isinstance(value, list) else [value]}, "from_name": key}


def _is_answer(key: str, value: Any) -> bool:
    """Whether a plain field of JSON-min is an answer.

    An address, or what is called an image, is none.
    """
    texts = value if isinstance(value, list) else [value]
    return (
        bool(texts)
        and key not in USUAL
        and all(isinstance(text, (str, int, float)) and not isinstance(text, bool) for text in texts)
        and not any("/" in str(text) or PurePosixPath(str(text)).suffix.lower() in EXTENSIONS for text in texts)
    )
