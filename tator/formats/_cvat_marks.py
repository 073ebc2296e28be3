"""What a CVAT shape says of itself besides class and form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tator.attributes import Attributes
from tator.formats import Label
from tator.formats._shapes import number
from tator.formats._xml import text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

HELD = frozenset({"occluded", "z", "group", "rotation"})
Kinds = dict[tuple[str, str], str]  # by class and attribute: checkbox, number, select, radio or text


def kinds_of(label: Element) -> Kinds:
    """Return the input types that a <label> declares for its attributes."""
    name = text_of(label, "name")
    declared = label.iterfind("attributes/attribute")
    return {(name, text_of(each, "name")): text_of(each, "input_type") for each in declared}


def marks_of(shape: Element, name: str, kinds: Kinds) -> Attributes:
    """Return the attributes of a shape of a class; a flag that is not set is none."""
    marks: Attributes = {}
    for each in shape.iterfind("attribute"):
        if (said := each.get("name")) and each.text:
            marks[said] = _value(each.text, kinds.get((name, said), ""))
    if shape.get("occluded") == "1":
        marks["occluded"] = True
    for ours, theirs in (("z", "z_order"), ("group", "group_id")):
        value = number(shape.get(theirs))
        if math.isfinite(value) and value:
            marks[ours] = int(value)
    return marks


def _value(said: str, kind: str) -> Any:
    if kind == "checkbox" and said.lower() in ("true", "false"):
        return said.lower() == "true"
    value = number(said) if kind == "number" else math.nan
    if not math.isfinite(value):
        return said
    return int(value) if value.is_integer() else value


def marks_xml(attributes: Attributes | None) -> str:
    """Return what stands in the tag of a shape."""
    given = attributes or {}
    group = f' group_id="{given["group"]}"' if isinstance(given.get("group"), int) else ""
    return f'occluded="{int(given.get("occluded") is True)}" z_order="{given.get("z", 0)}"{group}'


def turn_of(label: Label) -> float:
    """Return the angle of a turned box in degrees, 0 where a label is none."""
    turn, polygons = (label.attributes or {}).get("rotation"), label.polygons or []
    is_box = len(polygons) == 1 and len(polygons[0]) == 1 and len(polygons[0][0]) == 8
    return float(turn) if turn and is_box else 0.0
