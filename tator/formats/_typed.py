"""Give values that a file writes as text the types that attributes have."""

from __future__ import annotations

import json
import math
from typing import Any

from tator.attributes import RESERVED
from tator.formats._shapes import number

FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def typed(name: str, said: Any) -> Any:
    """Return a value of the type that a reserved name asks for.

    What is of another name, or of no such type, stays as it is.

    Args:
        name: of the attribute.
        said: its value in the file.
    """
    kind = RESERVED.get(name)
    if kind is None or kind.fits(said):
        return said
    word = str(said).strip()
    if kind.fits(True):
        return FLAGS.get(word.lower(), said)
    value = number(word)
    if math.isfinite(value) and kind.fits(plain := int(value) if value.is_integer() else value):
        return plain
    found = listed(word)
    return found if isinstance(found, list) else said


def listed(said: Any) -> Any:
    """Return a list that is written as JSON text; any other value as it is.

    Writers of formats without lists of values write them so.
    """
    if not isinstance(said, str) or said[:1] != "[" or said[-1:] != "]":
        return said
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said


def is_unset(name: str, value: Any) -> bool:
    """Whether a value says nothing: a reserved flag that is not set, or no text."""
    return value is None or value == "" or (value is False and name in RESERVED)
