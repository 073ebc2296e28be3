"""Recipes: the saved settings of a workflow. Each setting is one field with its help, unit and range."""

from __future__ import annotations

import json
import math
import os
import re
import typing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from tator.types import BadInput, NotFound

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
    """Settings that know how to check themselves; a subclass sets `kind` and its fields."""

    kind: typing.ClassVar[str] = ""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for f in fields(self):
            object.__setattr__(self, f.name, checked(f.name, getattr(self, f.name), hints[f.name], f.metadata))

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

    def save(self, folder: Path, name: str) -> Path:
        """Write the recipe as `<folder>/<kind>/<name>.json`, in one step."""
        path = _path(folder, self.kind, name)
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
        path = _path(folder, cls.kind, name)
        if not path.is_file():
            raise NotFound(f"no {cls.kind} recipe is called {name!r}")
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise BadInput(f"{path.name} is not JSON: {problem}") from problem
        if not isinstance(read, dict) or read.get("kind") != cls.kind:
            raise BadInput(f"{path.name} is not a {cls.kind} recipe")
        return cls.of(read.get("settings", {}))

    @classmethod
    def listing(cls, folder: Path) -> list[str]:
        """Return the names of the saved recipes of this kind, sorted."""
        return sorted(path.stem for path in (folder / cls.kind).glob("*.json"))


def _path(folder: Path, kind: str, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise BadInput(f"a recipe name is 1 to 80 letters, digits, spaces or . ( ) + - _, is {name!r}")
    return folder / kind / f"{name}.json"


def checked(name: str, value: Any, hint: Any, facts: typing.Mapping[str, Any]) -> Any:
    """Return the value in its type, or refuse it.

    Raises:
        BadInput: wrong type, not finite, or outside the range of the setting.
    """
    if typing.get_origin(hint) is typing.Literal:
        options = typing.get_args(hint)
        if value not in options:
            raise BadInput(f"{name} must be one of {', '.join(map(str, options))}, is {value!r}")
        return value
    if hint in (int, float):
        return _number(name, value, hint, facts)
    if not isinstance(value, hint):
        raise BadInput(f"{name} must be {'yes or no' if hint is bool else 'text'}, is {value!r}")
    return value.strip() if hint is str else value


def _number(name: str, value: Any, hint: type, facts: typing.Mapping[str, Any]) -> Any:
    low, high = facts.get("low"), facts.get("high")
    expected = "a whole number" if hint is int else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadInput(f"{name} must be {expected}, is {value!r}")
    if hint is int and value != int(value):
        raise BadInput(f"{name} must be a whole number, is {value!r}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadInput(f"{name} must be {_range(low, high)}, is {value!r}")
    return hint(value)


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"from {low} to {high}"
