"""Attributes: what was noted of an annotation besides its class and shape.

A few names are reserved and typed, so that every format, the editor and the evaluation mean the same; all others are free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tator.types import BadInput

LONGEST_NAME = 200  # characters of an attribute's name
LONGEST_TEXT = 10_000  # characters of a value
MOST = 100  # attributes of one annotation
MOST_KEYPOINTS = 1_000  # of one annotation
INTEGERS = 2**63 - 1  # largest whole number that every database holds

Attributes = dict[str, Any]
Note = Callable[[str, str], None]  # takes a reason and a detail


@dataclass(frozen=True)
class Skeleton:
    """The key points of a class.

    Attributes:
        names: of the key points, in the order in which annotations list them.
        edges: pairs of key points that are joined, by index from 0.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"names": list(self.names), "edges": [list(edge) for edge in self.edges]}

    @classmethod
    def of(cls, value: Any) -> Skeleton:
        """Return the skeleton that a client, a file or the database describes.

        Args:
            value: {"names": [text, ...], "edges": [[from, to], ...]}, edges by index from 0.

        Raises:
            BadInput: it is anything else; the message says what was expected.
        """
        expected = 'expected {"names": [text, ...], "edges": [[from, to], ...]}, edges by index from 0'
        names, edges = (value.get("names"), value.get("edges") or []) if isinstance(value, Mapping) else (None, [])
        if not isinstance(names, (list, tuple)) or not _are_names(names):
            raise BadInput(f"skeleton is {str(value)[:80]!r}; {expected}, with 1 to {MOST_KEYPOINTS} names")
        if not isinstance(edges, (list, tuple)) or not all(_is_edge(edge, len(names)) for edge in edges):
            raise BadInput(f"edges of the skeleton are {str(edges)[:80]!r}; {expected}, below {len(names)}")
        return cls(tuple(names), tuple((edge[0], edge[1]) for edge in edges))


def _are_names(values: Sequence[Any]) -> bool:
    fits = all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and not _is_unstorable(name) for name in values)
    return fits and 1 <= len(values) <= MOST_KEYPOINTS


def _is_edge(value: Any, below: int) -> bool:
    is_pair = isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_whole, value))
    return is_pair and all(0 <= end < below for end in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_key(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_angle(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 360


def _is_keypoints(value: Any) -> bool:
    if not isinstance(value, list) or len(value) > MOST_KEYPOINTS:
        return False
    return all(
        isinstance(point, list) and len(point) == 3 and all(map(_is_number, point)) and point[2] in (0, 1, 2)
        for point in value
    )


@dataclass(frozen=True)
class Reserved:
    """An attribute whose name has one meaning everywhere.

    Attributes:
        expected: its values, in words.
        fits: whether a value is one.
    """

    expected: str
    fits: Callable[[Any], bool]


RESERVED = {
    "occluded": Reserved("true or false", _is_flag),
    "truncated": Reserved("true or false", _is_flag),
    "difficult": Reserved("true or false", _is_flag),
    "crowd": Reserved("true or false", _is_flag),  # a region of many objects, which is not an object
    "group": Reserved("a whole number or text", _is_key),
    "text": Reserved("text", _is_text),  # a transcription or description
    "track": Reserved("a whole number or text", _is_key),
    "interpolated": Reserved("true or false", _is_flag),  # put by a tool between two frames that a person drew
    "occlusion": Reserved("a whole number", _is_whole),  # a level, as KITTI has it
    "truncation": Reserved("a number from 0 to 1", _is_share),  # the share outside the image
    "z": Reserved("a whole number", _is_whole),  # what has the higher one lies on top
    "rotation": Reserved("degrees clockwise, from 0 to less than 360", _is_angle),
    "keypoints": Reserved("a list of [x, y, v] in pixels, v being 0, 1 or 2", _is_keypoints),
}


def checked(value: Any, where: str) -> Attributes | None:
    """Return the attributes that a client sent; None where there are none.

    Args:
        value: a dictionary, or None.
        where: named in the error.

    Raises:
        BadInput: names the attribute, its value and what was expected.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadInput(f"{where} must be an object of names and values, is {str(value)[:80]!r}")

    def refuse(reason: str, detail: str) -> None:
        raise BadInput(f"{where}: {reason}: {detail}")

    return cleaned(value, refuse)


def cleaned(raw: Mapping[Any, Any] | None, note: Note) -> Attributes | None:
    """Return what can be stored of attributes; None where that is nothing.

    Args:
        raw: as a file has them; nested values become JSON text.
        note: told of each that is changed or left out.
    """
    kept: Attributes = {}
    for name, value in (raw or {}).items():
        if len(kept) == MOST:
            note("attributes left out", f"more than {MOST}")
            break
        shown = str(name)[:80]
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or _is_unstorable(name):
            note("attribute left out", f"its name is {shown!r}; expected 1 to {LONGEST_NAME} characters")
        elif name in RESERVED and not RESERVED[name].fits(value):
            note("attribute left out", f"{name} is {str(value)[:80]!r}; expected {RESERVED[name].expected}")
        elif name in RESERVED and not _is_text(value):
            kept[name] = value
        elif (plain := _plain(value)) is not None:
            if plain != value and not isinstance(value, (dict, list)):
                note("attribute changed", f"{shown} is kept as {str(plain)[:80]!r}")
            kept[name] = plain
        elif value is not None:
            note("attribute left out", f"{shown} is {str(value)[:80]!r}; expected text, a number, or true or false")
    return kept or None


def _plain(value: Any) -> Any:
    """Return a free value as it can be stored, or None where it cannot."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= INTEGERS else str(value)[:LONGEST_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return "".join(letter for letter in value[:LONGEST_TEXT] if not _is_unstorable(letter))
    if isinstance(value, list) and len(value) <= MOST and all(isinstance(v, (str, int, float, bool)) for v in value):
        parts = [_plain(part) for part in value]
        return None if None in parts else parts
    try:
        return _plain(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _is_unstorable(text: str) -> bool:
    """Return whether text holds what a database refuses: NUL or half a character."""
    return any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)
