"""Add the classes of a list to a dataset."""

from __future__ import annotations

import json
from typing import Any

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import add_classes, check_class_name, read_classes
from tator.types import BadInput

LONGEST = 1 << 20  # characters of a list
MOST = 10_000  # names


def import_classes(dataset: Dataset, text: str, kind: str) -> dict:
    """Add the names of a list that a dataset lacks, in the order of the list.

    Args:
        dataset: that gets them.
        text: content of the list.
        kind: lines, yaml or json.

    Returns:
        {"added": names, "kept": how many were there, "refused": [{"name", "reason"}]}.

    Raises:
        BadInput: the list is refused or names no class.
    """
    names, refused = [], []
    for raw in listed(text, kind):
        try:
            names.append(check_class_name(raw))
        except BadInput as error:
            refused.append({"name": raw[:100], "reason": str(error)})
    if not names:
        raise BadInput(f"the list names no class; expected {_EXPECTED[kind]}")
    with dataset.store.write() as conn:
        ours = {row.name for row in read_classes(conn, dataset.id)}
        new = [name for name in dict.fromkeys(names) if name not in ours]
        add_classes(conn, dataset.id, new)
    return {"added": new, "kept": len(set(names) & ours), "refused": refused}


_EXPECTED = {
    "lines": "one name a line",
    "yaml": "names as a list or by number",
    "json": "a list of names, or names by number",
}


def listed(text: str, kind: str) -> list[str]:
    """Return the names of a list in order, each exactly as written.

    Args:
        text: content of the list.
        kind: lines, yaml or json.

    Raises:
        BadInput: it is too long, or not of its kind.
    """
    if len(text) > LONGEST:
        raise BadInput(f"the list has {len(text):,} characters; at most {LONGEST:,} are read")
    if kind == "lines":
        return _checked([line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()], kind)
    return _checked(_names(_parsed(text.lstrip("\ufeff"), kind)), kind)


def _parsed(text: str, kind: str) -> Any:
    import yaml

    try:  # the base loader leaves every value the text it is: yes, 12 and null are names
        return json.loads(text) if kind == "json" else yaml.BaseLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())[:160]
        raise BadInput(f"the list is refused as {kind.upper()}: {told}; expected {_EXPECTED[kind]}") from error


def _names(content: Any) -> list:
    """Return the names of a list, of a table by number, or of either under names."""
    if isinstance(content, dict) and isinstance(inner := content.get("names", content.get("classes")), (dict, list)):
        content = inner
    if isinstance(content, dict):
        if all(str(key).isdecimal() for key in content):
            return [content[key] for key in sorted(content, key=lambda key: int(key))]
        if content and all(isinstance(value, int) for value in content.values()):
            return sorted(content, key=lambda key: content[key])
        return []
    rows = content if isinstance(content, list) else []
    return [row.get("name") if isinstance(row, dict) else row for row in rows]


def _checked(names: list, kind: str) -> list[str]:
    if len(names) > MOST:
        raise BadInput(f"the list has {len(names):,} names; at most {MOST:,} are read")
    if bad := [name for name in names if not isinstance(name, (str, int, float)) or isinstance(name, bool)]:
        raise BadInput(f"the list holds a {type(bad[0]).__name__} among its names; expected {_EXPECTED[kind]}")
    return [str(name) for name in names]
