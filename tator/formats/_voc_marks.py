"""What a VOC object says of itself besides class and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tator.attributes import RESERVED, Attributes
from tator.formats._shapes import Place, number
from tator.formats._xml import escaped, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FLAGS = ("truncated", "occluded", "difficult")
POSE = "pose"
NO_POSE = ("", "Unspecified")
HELD = frozenset({*FLAGS, POSE})  # what the format itself has a place for
SAID = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def marks_of(found: Element, place: Place) -> Attributes:
    """Return the attributes of an <object>; a flag that is not set is none.

    Those that CVAT lists in <attributes> come with them.
    """
    marks: Attributes = {}
    for each in found.iterfind("attributes/attribute"):
        if name := text_of(each, "name").strip():
            marks[name] = _value(name, text_of(each, "value").strip())
    for flag in FLAGS:
        said = text_of(found, flag).strip()
        if said.lower() in SAID:
            marks.update({flag: True} if SAID[said.lower()] else {})
        else:
            place.repair("flag not read", f"{flag} is {said[:40]!r}; expected 0 or 1")
    if (pose := text_of(found, POSE).strip()) not in NO_POSE:
        marks[POSE] = pose
    return {name: value for name, value in marks.items() if name not in FLAGS or value is True}


def _value(name: str, said: str) -> Any:
    """Return a value of the type that its name asks for, or text."""
    if name in RESERVED and said.lower() in SAID and RESERVED[name].fits(SAID[said.lower()]):
        return SAID[said.lower()]
    if name in RESERVED and not RESERVED[name].fits(said):
        value = number(said)
        return int(value) if value.is_integer() and name != "rotation" else value
    return {"true": True, "false": False}.get(said.lower(), said)


def marks_xml(attributes: Attributes | None) -> list[str]:
    """Return the lines of an object's pose and flags, in VOC's order."""
    given = attributes or {}
    flags = [f"    <{flag}>{int(given.get(flag) is True)}</{flag}>" for flag in FLAGS if flag != "occluded"]
    hidden = ["    <occluded>1</occluded>"] if given.get("occluded") is True else []
    return [f"    <{POSE}>{escaped(str(given.get(POSE) or NO_POSE[1]))}</{POSE}>", *flags[:1], *hidden, *flags[1:]]
