"""What VIA says of regions and images besides class and form."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from tator.attributes import RESERVED, Attributes
from tator.formats import Label
from tator.formats._typed import is_unset, typed
from tator.formats.writing import Output

CAPTION, TAGS, NOTES = "caption", "tags", "notes"
LONGEST_TAG = 40  # characters of a value that makes a tag; a longer one is a note


@dataclass
class Remarks:
    """What a project says of an image.

    Attributes:
        caption: a text.
        tags: ticked options, and short values with their attribute's name.
        notes: longer texts, a line each.
    """

    caption: str = ""
    tags: list[str] = field(default_factory=list)
    notes: str = ""


def ticked(value: Mapping[Any, Any]) -> list[str]:
    """Return the options of a checkbox that are set."""
    return [str(name) for name, is_set in value.items() if is_set]


def marks_of(given: Mapping[str, Any], named: Container[str]) -> Attributes:
    """Return the attributes of a region; those that name its class are none.

    Options that are ticked become a list; what is empty is left out.
    """
    marks: Attributes = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            value = ticked(value) or None
            if name in RESERVED and value and len(value) == 1:
                value = value[0]
        value = typed(name, value) if value is not None else None
        if name not in named and not is_unset(name, value):
            marks[name] = value
    return marks


def remarks_of(given: Mapping[str, Any]) -> Remarks:
    """Return what the attributes of an image say."""
    found, lines = Remarks(), []
    for name, value in given.items():
        low = str(name).strip().lower()
        listed = ticked(value) if isinstance(value, Mapping) else value
        if isinstance(listed, list):
            found.tags += [str(each) for each in listed]
        elif is_unset("", listed) or isinstance(listed, bool):
            found.tags += [str(name)] if listed is True else []
        elif low == CAPTION:
            found.caption = str(listed)
        elif low in (NOTES, "note", "comment", "comments"):
            lines.append(str(listed))
        elif len(str(listed)) <= LONGEST_TAG and "\n" not in str(listed):
            found.tags.append(f"{name}: {listed}")
        else:
            lines.append(f"{name}: {listed}")
    found.notes = "\n".join(lines)
    return found


def is_choices(value: Any) -> bool:
    """Whether a value is written as ticked options: a list of texts, each once."""
    return (
        isinstance(value, list) and all(isinstance(each, str) for each in value) and 0 < len(set(value)) == len(value)
    )


@dataclass
class Declared:
    """The attributes that a project is to declare, as they are met.

    Attributes:
        tags: of images.
    """

    tags: dict[str, None] = field(default_factory=dict)
    _options: dict[str, dict[str, None]] = field(default_factory=dict)
    _words: set[str] = field(default_factory=set)  # attributes with a value that is no list of options

    def meet(self, name: str, value: Any) -> None:
        """Note that an attribute has a value."""
        options = self._options.setdefault(name, {})
        if is_choices(value):
            options |= dict.fromkeys(value)
        else:
            self._words.add(name)

    def options(self) -> dict[str, dict[str, None]]:
        """Return {attribute: options to tick}, none where it is text."""
        return {name: {} if name in self._words else options for name, options in self._options.items()}


def stated(out: Output, label: Label, reserved: str, kind: str) -> Attributes:
    """Return the attributes of a label that are written.

    Args:
        out: takes a note of the one that is called like that of the class.
        label: whose.
        reserved: the attribute that names the class.
        kind: of the format, as people call it.
    """
    given = dict(label.attributes or {})
    if reserved in given:
        given.pop(reserved)
        out.notes[f"attributes {reserved!r} are left out: {kind} names the class so"] += 1
    return given
