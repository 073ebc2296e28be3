"""COCO's ids, compared by value, and the classes that its categories are."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from tator.formats import Report

_WHOLE = re.compile(r"(-?(?:0|[1-9]\d{0,99}))(?:\.0{1,20})?")
_LARGEST = 10**100  # a longer number is compared by its hexadecimal digits, which cost no more than its length
LONGEST = 200  # characters of an id


def id_key(value: Any) -> str:
    """Return an id as text to compare: 7, 7.0 and "7" are one, 7.5 and true are not.

    "" for what is no id: null, a list, an object.
    """
    if isinstance(value, bool):
        return f"is {value}"
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST else hex(value)
    if isinstance(value, (float, Decimal)):
        is_whole = math.isfinite(value) and value == int(value)
        return id_key(int(value)) if is_whole else str(value)[:LONGEST]
    if not isinstance(value, str):
        return ""
    whole = _WHOLE.fullmatch(value.strip())
    return whole[1] if whole else value.strip()[:LONGEST]


def repeated_ids(rows: Sequence[dict]) -> set[str]:
    """Return the ids that two images of different names share, and the empty one."""
    names: dict[str, Any] = {}
    shared = {""}
    for row in rows:
        key = id_key(row.get("id"))
        if names.setdefault(key, row.get("file_name")) != row.get("file_name"):
            shared.add(key)
    return shared


def class_names(categories: Sequence[dict], used: Collection[str], path: str, report: Report) -> dict[str, str]:
    """Return {id: class name} in the order of the file, used or not.

    A heading is left out: it is the super-category of others, of none itself, and nothing is labelled with it.

    Args:
        categories: of the file.
        used: ids that annotations have.
        path: of the file.
        report: takes the notes.
    """
    headings = Counter(row["supercategory"] for row in categories if isinstance(row.get("supercategory"), str))
    named: dict[str, str] = {}
    for row in categories:
        name, key = row.get("name"), id_key(row.get("id"))
        if not isinstance(name, (str, int, float)) or not key:
            report.drop(path, "category refused", f"{str(row)[:80]}; expected id and name")
            continue
        text = name if isinstance(name, str) else json.dumps(name)
        is_heading = headings[text] and row.get("supercategory") in (None, "", "none")
        if is_heading and key not in used:
            report.repair(path, "super-category left out", f"{text!r} has no annotations of its own")
        elif named.setdefault(key, text) != text:
            report.drop(path, "category refused", f"{text!r} has the id {key} of {named[key]!r}")
    return named
