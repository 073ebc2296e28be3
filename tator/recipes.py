"""Recipes: the saved settings of a workflow.

Each setting is one field with its help, unit and range.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import re
import typing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from tator.setting_help import help_line, range_text
from tator.types import BadInput, NotFound

IN_FORCE = "in use"  # name under which the settings in force are kept; not a recipe that a person saved
R = TypeVar("R", bound="Recipe")
NAME = re.compile(r"[\w][\w .()+-]{0,79}")  # one path part, no separators, never hidden


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    operation: str = "",
    advanced: bool = False,
) -> Any:
    """Return a dataclass field that describes itself.

    Args:
        default: value where nothing is chosen.
        help: one sentence that says what it does.
        unit: what a number counts; "" for a share or a plain number.
        low: smallest value allowed.
        high: largest value allowed.
        operation: "verb argument" that lists the choices, such as "models_list encode".
        advanced: folded away in forms.
    """
    facts = {"help": help, "unit": unit, "low": low, "high": high, "operation": operation, "advanced": advanced}
    return field(default=default, metadata=facts)


@dataclass(frozen=True)
class Recipe:
    """Settings that check themselves; a subclass sets `kind` and its fields.

    Attributes:
        kind: what such recipes are called, and the folder they are saved in.
        has_force: one set of these settings is in force at all times, kept under the name IN_FORCE.
    """

    kind: typing.ClassVar[str] = ""
    has_force: typing.ClassVar[bool] = False

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for f in fields(self):
            low, high = f.metadata.get("low"), f.metadata.get("high")
            value = checked(f.name, hints[f.name], getattr(self, f.name), low, high)
            object.__setattr__(self, f.name, value.strip() if isinstance(value, str) else value)

    @classmethod
    def of(cls: type[R], values: dict[str, Any]) -> R:
        """Return a recipe from plain values; absent ones keep their defaults.

        Raises:
            BadInput: a setting that does not exist, or a value outside its range.
        """
        if not isinstance(values, dict):
            raise BadInput(f"a {cls.kind} recipe must be an object of settings, is {type(values).__name__}")
        known = [f.name for f in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise BadInput(f"a {cls.kind} recipe has no {', '.join(unknown)}; it has {', '.join(known)}")
        return cls(**values)

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """Return the settings as parameters of a function, in their order."""
        hints, kind = typing.get_type_hints(cls), inspect.Parameter.POSITIONAL_OR_KEYWORD
        return [inspect.Parameter(f.name, kind, default=f.default, annotation=hints[f.name]) for f in fields(cls)]

    @classmethod
    def help(cls) -> dict[str, str]:
        """Return one line per setting: what it does, its range and its unit."""
        told = ("help", "unit", "low", "high", "operation")
        return {f.name: help_line(**{key: f.metadata[key] for key in told}) for f in fields(cls)}

    @classmethod
    def in_force(cls: type[R], folder: Path) -> R:
        """Return the settings in force; the defaults where none are.

        Raises:
            BadInput: the file is damaged; the message names it.
        """
        try:
            return cls.load(folder, IN_FORCE) if cls.has_force else cls()
        except NotFound:
            return cls()

    def save(self, folder: Path, name: str) -> Path:
        """Write the recipe as `<folder>/<kind>/<name>.json`, in one step."""
        path = self.path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(
            json.dumps({"kind": self.kind, "settings": asdict(self)}, indent=2, ensure_ascii=False), encoding="utf-8"
        )
        draft.replace(path)
        return path

    @classmethod
    def load(cls: type[R], folder: Path, name: str) -> R:
        """Read a saved recipe.

        Raises:
            NotFound: no recipe of this kind has that name.
            BadInput: the file is not a recipe of this kind.
        """
        path = cls.path(folder, name)
        if not path.is_file():
            raise NotFound(f"no {cls.kind} recipe is called {name!r}")
        read = _read(path)
        if read.get("kind") != cls.kind:
            raise BadInput(f"{path.name} is not a {cls.kind} recipe")
        return cls.of(read.get("settings", {}))

    @classmethod
    def path(cls, folder: Path, name: str) -> Path:
        """Return where a recipe of this kind with this name is saved, or would be.

        Raises:
            BadInput: the name is not one part of a path.
        """
        if not NAME.fullmatch(name):
            raise BadInput(f"a recipe name is 1 to 80 letters, digits, spaces or . ( ) + - _, is {name!r}")
        return folder / cls.kind / f"{name}.json"

    @classmethod
    def listing(cls, folder: Path) -> list[str]:
        """Return the names of the saved recipes of this kind, sorted.

        The settings in force are not among them.
        """
        names = sorted(path.stem for path in (folder / cls.kind).glob("*.json"))
        return [name for name in names if not cls.is_reserved(name)]

    @classmethod
    def is_reserved(cls, name: str) -> bool:
        """Return whether a name is reserved for the settings in force."""
        return cls.has_force and name.casefold() == IN_FORCE


def kind_of(path: Path) -> str:
    """Return the kind of a recipe's file, "" where it names none.

    Raises:
        BadInput: the file is not a recipe.
    """
    return str(_read(path).get("kind", ""))


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise BadInput(f"{path.name} is not JSON: {problem}") from problem
    return read if isinstance(read, dict) else {}


def checked(place: str, hint: Any, value: Any, low: float | None = None, high: float | None = None) -> Any:
    """Return a value in its type; JSON writes 3.0 as 3 and widgets write 3 as 3.0.

    Args:
        place: the setting, or the operation and its parameter, for the message.
        hint: str, int, float, bool, a Literal, or a list of one of these.
        value: what the caller sent.
        low: smallest number allowed.
        high: largest number allowed.

    Raises:
        BadInput: the value is of another type, not finite, outside the range, or not one of the choices.
    """
    if typing.get_origin(hint) is list:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{place} must be a list, is {_shown(value)}")
        return [checked(place, typing.get_args(hint)[0], item, low, high) for item in value]
    if typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            raise BadInput(f"{place} must be one of {', '.join(map(str, typing.get_args(hint)))}, is {_shown(value)}")
        return value
    if hint in (int, float):
        return _number(place, hint, value, low, high)
    if not isinstance(value, hint):
        words = {str: "text", bool: "yes or no (true or false)"}
        raise BadInput(f"{place} must be {words.get(hint, hint)}, is {_shown(value)}")
    return value


def _number(place: str, hint: type, value: Any, low: float | None, high: float | None) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (hint is int and value != int(value)):
        raise BadInput(f"{place} must be {'a whole number' if hint is int else 'a number'}, is {_shown(value)}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadInput(f"{place} must be {range_text(low, high)}, is {_shown(value)}")
    return hint(value)


def _shown(value: Any) -> str:
    return repr(value[:100]) if isinstance(value, str) else repr(value)[:100]
