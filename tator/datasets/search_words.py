"""The words of a search for images: names, and what is noted of them."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, or_

from tator.storage.schema import annotation, image
from tator.types import BadInput

KINDS = ("attribute", "tag", "note")
HELP = "parts of a name, tag:night, note:text, attribute:occluded or attribute:colour=red; quotes hold words together"
_WORD = re.compile(r'(?:(attribute|tag|note):)?(?:"([^"]*)"|((?:[^\s"]|"[^"]*")+))', re.IGNORECASE)


def searched(text: str) -> list[ColumnElement]:
    """Return the conditions on images that a search states; all must hold.

    Args:
        text: see HELP. What is none of its forms is a part of the name, spaces included, case aside.

    Raises:
        BadInput: a form lacks its word.
    """
    where, names = [], []
    for found in _WORD.finditer(text):
        kind, quoted, bare = found.groups()
        value = quoted if quoted is not None else bare.replace('"', "")
        if kind is None:
            if bare and bare.lower().rstrip(":") in KINDS and bare.endswith(":"):
                raise BadInput(f"search has {bare!r} without a word; it takes {HELP}")
            names.append(value)
        else:
            where.append({"tag": _tag, "note": _note, "attribute": _attribute}[kind.lower()](value))
    if names:
        where.append(image.c.path.icontains(" ".join(names) if where else text, autoescape=True))
    return where


def _tag(value: str) -> ColumnElement:
    return cast(image.c.tags, Text).icontains(json.dumps(value), autoescape=True)


def _note(value: str) -> ColumnElement:
    return image.c.notes.icontains(value, autoescape=True)


def _attribute(value: str) -> ColumnElement:
    """Return whether an annotation has an attribute, with a value if one is named.

    Rejected ones do not count.

    The text of the JSON is searched, which every database keeps as it was written.
    """
    name, equals, wanted = value.partition("=")
    held = cast(annotation.c.attributes, Text)
    if not name.strip():
        raise BadInput(f"search has an attribute without a name; it takes {HELP}")
    key = json.dumps(name.strip()) + ": "
    values = [json.dumps(wanted.strip()), *_as_json(wanted.strip())] if equals else []
    patterns = [key + each + end for each in values for end in (",", "}")] if equals else [key]
    met = or_(*(held.icontains(pattern, autoescape=True) for pattern in patterns))
    return exists().where(annotation.c.image_id == image.c.id, annotation.c.status != "rejected", met)


def _as_json(wanted: str) -> list[str]:
    """Return the JSON of a word that is a number, true or false."""
    try:
        value: Any = json.loads(wanted.lower())
    except ValueError:
        return []
    if isinstance(value, bool):
        return [json.dumps(value)]
    if not isinstance(value, (int, float)):
        return []
    return list({json.dumps(value), json.dumps(float(value)), wanted})
