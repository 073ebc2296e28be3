"""Read the objects of a language model's answer, as much of it as can be read.

The text is decoded without leaving out special tokens, or coordinates written as tokens would be lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tator.workflows.evaluation.coordinates import NORM1000, token_value
from tator.workflows.evaluation.objects import BOX, POLYGON, Refused, check_objects, flat

END = "<|im_end|>"
_SPECIAL = re.compile(r"<\|[^|<>]*\|>")
_TRAILING = re.compile(r",(\s*[}\]])")


@dataclass
class Answer:
    """What an answer says.

    Attributes:
        objects: {type, points, desc} in pixels, in the order in which they were written.
        error_entries: {"object_key", "code"} of those that were left out.
        payload: the parsed JSON, None where nothing could be read.
        special_tokens: distinct <|...|> tokens, the first seen first.
        is_ended: the model ended by itself.
    """

    objects: list[dict[str, Any]] = field(default_factory=list)
    error_entries: list[dict[str, str]] = field(default_factory=list)
    payload: Any = None
    special_tokens: list[str] = field(default_factory=list)
    is_ended: bool = False


def read_answer(text: str, width: int, height: int, coord_mode: str = NORM1000) -> Answer:
    """Return the objects of an answer.

    Args:
        text: as it was generated.
        width: of the image, pixels.
        height: of the image, pixels.
        coord_mode: norm1000 or pixel: what plain numbers mean; tokens are always norm1000.
    """
    answer = Answer(special_tokens=list(dict.fromkeys(_SPECIAL.findall(text))), is_ended=text.rstrip().endswith(END))
    answer.payload = parse(text)
    for key, entry in _entries(answer.payload):
        _add(answer, key, entry, width, height, coord_mode)
    return answer


def _add(answer: Answer, key: str, entry: Any, width: int, height: int, coord_mode: str) -> None:
    try:
        plain = _plain(entry)
    except Refused as reason:
        answer.error_entries.append({"object_key": key, "code": str(reason)})
        return
    checked = check_objects([plain], width, height, coord_mode)
    for bad in checked.invalid:
        answer.error_entries.append({"object_key": key, "code": bad["reason"]})
    found = checked.objects
    for box, label, outline in zip(found.xyxy.tolist(), found.labels, found.outlines, strict=True):
        is_ring = isinstance(outline, list)
        row = {"type": POLYGON if is_ring else BOX, "points": outline if is_ring else box, "desc": label}
        answer.objects.append(row)


def _plain(entry: Any) -> dict[str, Any]:
    """Return an entry with its one geometry flat.

    Raises:
        Refused: it is no mapping, has no one geometry, or an odd number of values.
    """
    if not isinstance(entry, dict) or "line" in entry:
        raise Refused("geometry_kind")
    found = [key for key in (BOX, POLYGON) if key in entry]
    if len(found) != 1:
        raise Refused("geometry_keys")
    values = flat(entry[found[0]])
    if len(values) % 2:
        raise Refused("geometry_points")
    if any(token_value(value) is not None for value in values):
        values = [_step(value) for value in values]
    return {found[0]: values, "desc": entry.get("desc", entry.get("label"))}


def _step(value: Any) -> Any:
    step = token_value(value)
    return value if step is None else f"<|coord_{step}|>"


def _entries(payload: Any) -> Iterator[tuple[str, Any]]:
    """Yield (key, entry) in the order of the text."""
    if isinstance(payload, dict):
        yield from payload.items()
    elif isinstance(payload, list):
        yield from ((f"object_{at}", entry) for at, entry in enumerate(payload, 1))


def parse(text: str) -> Any:
    """Return the JSON of an answer, or as much of it as is whole.

    None where there is none.

    Words and code fences around it, commas too many and an end cut off are borne.
    """
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return None
    if text[min(starts)] == "[" and (listed := _list(text, min(starts))) is not None:
        return listed
    start = text.find("{")
    if start < 0:
        return None
    end = closing(text, start)
    if end > 0 and isinstance(found := _loads(text[start:end]), dict):
        return found
    whole = max(_cut(text, start) or {}, _by_entry(text, start) or {}, key=len)  # the first where both have as many
    return whole or _closed(text, start)


def _list(text: str, start: int) -> list | None:
    """Return a list of objects; where its end is missing, the whole objects of it."""
    end = closing(text, start)
    if end > 0 and isinstance(found := _loads(text[start:end]), list):
        return found if all(isinstance(each, dict) for each in found) else None
    found, at = [], text.find("{", start)
    while at >= 0 and (end := closing(text, at)) > 0:
        if isinstance(entry := _loads(text[at:end]), dict):
            found.append(entry)
        at = text.find("{", end)
    return found or None


def _cut(text: str, start: int) -> dict | None:
    """Return what stands before the last whole entry's end."""
    last = text.rfind("},", start)
    found = _loads(text[start : last + 1] + "}") if last > 0 else None
    return found if isinstance(found, dict) and found else None


def _by_entry(text: str, start: int) -> dict | None:
    """Return the entries of the top level that are whole, up to the first that is not."""
    decoder, found, at = json.JSONDecoder(), {}, start + 1
    while (key_at := text.find('"', at)) >= 0:
        try:
            key, after = decoder.raw_decode(text, key_at)
        except ValueError:
            break
        begin = text.find("{", after)
        end = closing(text, begin) if begin >= 0 and text[after:begin].strip() == ":" else 0
        if end <= 0:
            break
        entry = _loads(text[begin:end])
        if isinstance(entry, dict):
            found[key] = entry
        at = end
    return found or None


def _closed(text: str, start: int) -> dict | None:
    """Return an answer that its end mark cut short, with the missing brackets."""
    body, mark, _ = text[start:].partition(END)
    if not mark:
        return None
    opened: list[str] = []
    for letter in _outside_strings(body):
        if letter in "{[":
            opened.append("}" if letter == "{" else "]")
        elif letter in "}]" and opened:
            opened.pop()
    found = _loads(body.rstrip().rstrip(",") + "".join(reversed(opened)))
    return found if isinstance(found, dict) else None


def closing(text: str, start: int) -> int:
    """Return the place after the bracket that closes the one at `start`.

    0 where none does.
    """
    depth, is_string, is_escaped = 0, False, False
    for at in range(start, len(text)):
        letter = text[at]
        if is_string:
            is_string = is_escaped or letter != '"'
            is_escaped = letter == "\\" and not is_escaped
        elif letter == '"':
            is_string = True
        elif letter in "{[":
            depth += 1
        elif letter in "}]":
            depth -= 1
            if not depth:
                return at + 1
    return 0


def _outside_strings(text: str) -> Iterator[str]:
    is_string, is_escaped = False, False
    for letter in text:
        if is_string:
            is_string = is_escaped or letter != '"'
            is_escaped = letter == "\\" and not is_escaped
        elif letter == '"':
            is_string = True
        else:
            yield letter


def _loads(text: str) -> Any:
    """Return JSON, once more without commas before a closing bracket.

    None where it is none.
    """
    for candidate in (text, _TRAILING.sub(r"\1", text)):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    return None
