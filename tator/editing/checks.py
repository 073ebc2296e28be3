"""What a client may ask of an image: its edits, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tator.attributes import Attributes, checked
from tator.editing.rows import Row
from tator.storage.schema import ANNOTATION_STATUSES, IMAGE_STATES
from tator.types import BadInput
from tator.vision.boxes import EDGE

Op = dict[str, Any]

OPS_LIMIT = 2_000  # a request
POINTS_LIMIT = 20_000  # numbers in the polygons of one annotation
TEXT_LIMIT = 10_000  # characters of a caption or of notes
TAGS_LIMIT, TAG_LENGTH = 100, 200  # tags of an image, and the characters of one
INT_LIMIT = 2**31 - 1
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
KINDS = ("edit", "undo", "redo")
CHANGEABLE = ("class_id", "xyxy", "polygons", "confidence", "source", "status", "attributes")
OF_IMAGE = ("state", "caption", "tags", "notes")
ROW = (
    "id",
    *CHANGEABLE,
    "rle",
    "author",
    "created_at",
)  # the server sets the last three: they are answered, not accepted


@dataclass(frozen=True)
class Edit:
    """One step as a client sent it.

    Attributes:
        seq: the client's number for it; with the client id it names the edit for ever.
        kind: edit, undo or redo.
        label: what the history shows.
        ops: what changes; may be empty for undo and redo, whose ops the journal knows.
    """

    seq: int
    kind: str
    label: str = ""
    ops: list[Op] = field(default_factory=list)


@dataclass
class Frame:
    """What the ops of an image are checked against.

    Attributes:
        image_id: the image.
        width: in pixels; 0 where unknown, then boxes are not bounded.
        height: in pixels.
        classes: {class id: retired} of its dataset.
    """

    image_id: int
    width: int
    height: int
    classes: dict[int, bool]


def read_edits(value: Any) -> list[Edit]:
    """Return the edits of a request, their shape checked but not yet their ops.

    Raises:
        BadInput: names the field and what was expected.
    """
    edits = [_edit(each, f"edits[{i}]") for i, each in enumerate(_list(value, "edits", OPS_LIMIT))]
    if sum(max(1, len(each.ops)) for each in edits) > OPS_LIMIT:
        raise BadInput(f"edits may hold {OPS_LIMIT} ops in one request; send the rest in another")
    if any(b.seq <= a.seq for a, b in zip(edits, edits[1:], strict=False)):
        raise BadInput(f"seq must grow from edit to edit, is {[each.seq for each in edits][:20]}")
    return edits


def checked_id(value: Any, where: str) -> str:
    """Return an id made by a client.

    Raises:
        BadInput: it is not 1 to 64 letters, digits, - or _.
    """
    if not (isinstance(value, str) and NAME.fullmatch(value)):
        raise BadInput(f"{where} must be 1 to 64 letters, digits, - or _, is {_shown(value)}")
    return value


def checked_int(value: Any, where: str) -> int:
    """Return a whole number from 0 to 2,147,483,647.

    Raises:
        BadInput: it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT_LIMIT:
        raise BadInput(f"{where} must be a whole number from 0 to {INT_LIMIT}, is {_shown(value)}")
    return value


def checked_op(op: Op, where: str, frame: Frame) -> Op:
    """Return a fresh op of an edit that was read, fit for the journal.

    Its boxes are clipped to the image.

    Raises:
        BadInput: names the field and what was expected.
    """
    if op["op"] == "add":
        return {"op": "add", "annotation": _annotation(op["annotation"], f"{where}.annotation", frame)}
    if op["op"] == "delete":
        return {"op": "delete", "id": op["id"]}
    names = CHANGEABLE if op["op"] == "set" else OF_IMAGE
    changes, inside = _some(op.get("changes"), f"{where}.changes", names), f"{where}.changes"
    if op["op"] == "set":
        return {"op": "set", "id": op["id"], "changes": _fields(changes, inside, frame)}
    checked = {name: _image_field(name, value, f"{inside}.{name}") for name, value in changes.items()}
    return {"op": "image", "changes": checked}


def _edit(value: Any, where: str) -> Edit:
    value = _dict(value, where, ("seq", "kind", "label", "ops"))
    kind, label, ops = value.get("kind", "edit"), value.get("label", ""), value.get("ops", [])
    if kind not in KINDS:
        raise BadInput(f"{where}.kind must be edit, undo or redo, is {_shown(kind)}")
    if not _list(ops, f"{where}.ops", OPS_LIMIT) and kind == "edit":
        raise BadInput(f"{where}.ops must hold at least one op")
    for i, op in enumerate(ops):
        _check_target(op, f"{where}.ops[{i}]")
    return Edit(checked_int(value.get("seq"), f"{where}.seq"), kind, _text(label, f"{where}.label", 200), ops)


def _check_target(op: Any, where: str) -> None:
    """Refuse an op that does not say what it does to which annotation."""
    verb = _dict(op, where, ("op", "id", "annotation", "changes")).get("op")
    if verb == "add":
        row = _dict(op.get("annotation"), f"{where}.annotation", ROW)
        checked_id(row.get("id"), f"{where}.annotation.id")
    elif verb in ("set", "delete"):
        checked_id(op.get("id"), f"{where}.id")
    elif verb != "image":
        raise BadInput(f"{where}.op must be add, set, delete or image, is {_shown(verb)}")


def _annotation(value: Row, where: str, frame: Frame) -> Row:
    if lacking := [name for name in ("id", "class_id", "xyxy") if name not in value]:
        raise BadInput(f"{where} needs {', '.join(lacking)}")
    given = {"polygons": None, "confidence": None, "source": "human", "status": "accepted"} | value
    row = {"id": value["id"], **_fields({name: given[name] for name in CHANGEABLE if name in given}, where, frame)}
    return row if row.get("attributes") else {name: value for name, value in row.items() if name != "attributes"}


def _fields(values: dict[str, Any], where: str, frame: Frame) -> dict[str, Any]:
    return {name: _CHECKS[name](value, f"{where}.{name}", frame) for name, value in values.items()}


def _image_field(name: str, value: Any, where: str) -> str | list[str] | None:
    if name in ("caption", "notes"):
        return None if value is None else _text(value, where, TEXT_LIMIT)
    if name == "tags":
        return None if value is None else checked_tags(value, where)
    if value not in IMAGE_STATES:
        raise BadInput(f"{where} must be one of {', '.join(IMAGE_STATES)}, is {_shown(value)}")
    return value


def checked_tags(value: Any, where: str) -> list[str] | None:
    """Return the tags of an image, each once; None for none.

    Raises:
        BadInput: it is not a list of at most TAGS_LIMIT texts.
    """
    tags = [_text(tag, f"{where}[{i}]", TAG_LENGTH).strip() for i, tag in enumerate(_list(value, where, TAGS_LIMIT))]
    return list(dict.fromkeys(filter(None, tags))) or None


def _class(value: Any, where: str, frame: Frame) -> int:
    if frame.classes.get(checked_int(value, where), True):
        raise BadInput(f"{where} must be a class of the dataset, is {value}")
    return value


def _xyxy(value: Any, where: str, frame: Frame) -> list[float]:
    if len(_list(value, where, 4)) != 4:
        raise BadInput(f"{where} must be four numbers x1, y1, x2, y2, is {_shown(value)}")
    x1, y1, x2, y2 = _points(value, where, frame)
    if not (x1 < x2 and y1 < y2):
        raise BadInput(f"{where} must have x1 < x2 and y1 < y2 inside the image, is {_shown(value)}")
    return [x1, y1, x2, y2]


def _polygons(value: Any, where: str, frame: Frame) -> list[list[list[float]]] | None:
    if value is None:
        return None
    polygons = [
        [_ring(ring, f"{where}[{i}][{j}]", frame) for j, ring in enumerate(_list(rings, f"{where}[{i}]", POINTS_LIMIT))]
        for i, rings in enumerate(_list(value, where, POINTS_LIMIT))
    ]
    if not polygons or not all(polygons):
        raise BadInput(f"{where} must be null or polygons of at least one ring each, is {_shown(value)}")
    if sum(len(ring) for rings in polygons for ring in rings) > POINTS_LIMIT:
        raise BadInput(f"{where} may hold {POINTS_LIMIT} numbers")
    return polygons


def _ring(value: Any, where: str, frame: Frame) -> list[float]:
    if len(_list(value, where, POINTS_LIMIT)) < 6 or len(value) % 2:
        raise BadInput(f"{where} must be x, y of at least three points, has {len(value)} numbers")
    return _points(value, where, frame)


def _points(values: list[Any], where: str, frame: Frame) -> list[float]:
    """Return x, y, x, y, ... clipped to the image."""
    return [_coordinate(value, f"{where}[{i}]", (frame.width, frame.height)[i % 2]) for i, value in enumerate(values)]


def _coordinate(value: Any, where: str, size: int) -> float:
    low, high = (-EDGE, size + EDGE) if size else (-INT_LIMIT, INT_LIMIT)
    number = _number(value, where, low, high)
    return min(max(number, 0.0), float(size)) if size else number


def _confidence(value: Any, where: str, _: Frame) -> float | None:
    return None if value is None else _number(value, where, 0, 1)


def _source(value: Any, where: str, _: Frame) -> str:
    if not _text(value, where, 100):
        raise BadInput(f'{where} must be "human" or <backend>@<run>, is empty')
    return value


def _status(value: Any, where: str, _: Frame) -> str:
    if value not in ANNOTATION_STATUSES:
        raise BadInput(f"{where} must be one of {', '.join(ANNOTATION_STATUSES)}, is {_shown(value)}")
    return value


def _attributes(value: Any, where: str, _: Frame) -> Attributes | None:
    return checked(value, where)


_CHECKS = {
    "class_id": _class,
    "xyxy": _xyxy,
    "polygons": _polygons,
    "confidence": _confidence,
    "source": _source,
    "status": _status,
    "attributes": _attributes,
}


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # NaN fails too
        raise BadInput(f"{where} must be a number from {low:g} to {high:g}, is {_shown(value)}")
    return float(value)


def _text(value: Any, where: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise BadInput(f"{where} must be text of at most {limit} characters, is {_shown(value)}")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadInput(f"{where} holds a character that cannot be stored: {_shown(value)}")
    return value


def _list(value: Any, where: str, limit: int) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput(f"{where} must be a list, is {_shown(value)}")
    if len(value) > limit:
        raise BadInput(f"{where} may hold {limit} entries, holds {len(value)}")
    return value


def _dict(value: Any, where: str, names: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{where} must be an object, is {_shown(value)}")
    if unknown := sorted(set(value) - set(names)):
        raise BadInput(f"{where} has no {_shown(unknown[0])}; it takes {', '.join(names)}")
    return value


def _some(value: Any, where: str, names: tuple[str, ...]) -> dict[str, Any]:
    if not _dict(value, where, names):
        raise BadInput(f"{where} must change at least one of {', '.join(names)}")
    return value


def _shown(value: Any) -> str:
    """Return a value as a message may quote it: short and printable."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep, or a number with too many digits
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= 80 else f"{text[:80]}..."
