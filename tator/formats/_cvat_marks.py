"""What a CVAT shape says of itself besides class and form."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tator.attributes import Attributes
from tator.formats import Label
from tator.formats._shapes import number
from tator.formats._typed import listed, typed
from tator.formats._xml import escaped, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

BY_HAND = ("", "manual")
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
            marks[said] = typed(said, _value(each.text, kinds.get((name, said), "")))
    if shape.get("occluded") == "1":
        marks["occluded"] = True
    for ours, theirs in (("z", "z_order"), ("group", "group_id")):
        value = number(shape.get(theirs))
        if math.isfinite(value) and value:
            marks.setdefault(ours, int(value))
    if (source := shape.get("source") or "") not in BY_HAND:
        marks["source"] = source
    return marks


def _value(said: str, kind: str) -> Any:
    if kind == "checkbox" and said.lower() in ("true", "false"):
        return said.lower() == "true"
    value = number(said) if kind == "number" else math.nan
    if math.isfinite(value):
        return int(value) if said.strip().lstrip("+-").isdecimal() else value
    return listed(said)


class Specs:
    """The attributes that labels are to declare, as they are met."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, set[str]]] = {}
        self._numbers: dict[tuple[str, str], tuple[float, float]] = {}

    def marks_xml(self, name: str, attributes: Attributes) -> str:
        """Return the elements of a shape's attributes, and remember their types.

        Args:
            name: of the class.
            attributes: those that have no place in the shape's tag.
        """
        rows = []
        for key, value in attributes.items():
            kind = "checkbox" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "text"
            self._kinds.setdefault(name, {}).setdefault(key, set()).add(kind)
            if kind == "number":
                low, high = self._numbers.get((name, key), (value, value))
                self._numbers[name, key] = min(low, value), max(high, value)
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            rows.append(f'<attribute name="{escaped(key)}">{escaped(said)}</attribute>')
        return "".join(rows)

    def declared_xml(self, name: str) -> str:
        """Return what the label of a class declares, once all shapes are met."""
        return "".join(self._spec(name, key, kinds) for key, kinds in self._kinds.get(name, {}).items())

    def _spec(self, name: str, key: str, kinds: set[str]) -> str:
        kind = next(iter(kinds)) if len(kinds) == 1 else "text"
        values = {"checkbox": "false", "text": ""}.get(kind)
        if values is None:
            low, high = self._numbers[name, key]
            values = f"{low}\n{high}\n{1 if isinstance(low, int) and isinstance(high, int) else 1e-4}"
        facts = f"<name>{escaped(key)}</name><mutable>False</mutable><input_type>{kind}</input_type>"
        default = values.partition("\n")[0]
        return f"<attribute>{facts}<default_value>{default}</default_value><values>{values}</values></attribute>"


def placed(attributes: Attributes | None, turn_deg: float) -> tuple[str, Attributes]:
    """Return what stands in the tag of a shape, and the attributes that do not.

    Args:
        attributes: of the label.
        turn_deg: by which its box is turned, 0 where it is none.
    """
    given = dict(attributes or {})
    hidden = given.pop("occluded", None) is True
    tag = f'occluded="{int(hidden)}" z_order="{given.pop("z", 0)}"'
    if isinstance(given.get("group"), int) and given["group"]:
        tag += f' group_id="{given.pop("group")}"'
    if turn_deg:
        given.pop("rotation")
    source = given.pop("source") if isinstance(given.get("source"), str) else "manual"
    return f'source="{escaped(source)}" {tag}', given


def turn_of(label: Label) -> float:
    """Return the angle of a turned box in degrees, 0 where a label is none."""
    turn, polygons = (label.attributes or {}).get("rotation"), label.polygons or []
    is_box = len(polygons) == 1 and len(polygons[0]) == 1 and len(polygons[0][0]) == 8
    return float(turn) if turn and is_box else 0.0
