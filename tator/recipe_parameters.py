"""Turn a function that takes a recipe into one that takes its settings by name."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from tator.recipes import Recipe
from tator.setting_help import SAVED, SAVED_HELP


def with_settings(fn: Callable, recipe: type[Recipe]) -> Callable:
    """Return `fn(wb, ..., recipe)` as a function of the recipe's settings.

    Its docstring has their help. The settings stand where the recipe stood; `recipe` is the last parameter: the name of a saved one, which
    is resolved before the function is called.
    """

    @functools.wraps(fn)
    def published(wb: Any, **arguments: Any) -> Any:
        settings = {f.name: arguments.pop(f.name) for f in fields(recipe) if f.name in arguments}
        return fn(wb, **arguments, recipe=recipe.of(settings))

    signature = _signature(fn, recipe)
    published.__signature__ = signature  # type: ignore[attr-defined]
    published.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    published.__annotations__["return"] = signature.return_annotation
    published.__doc__ = _documented(inspect.getdoc(fn) or "", recipe)
    return published


def _signature(fn: Callable, recipe: type[Recipe]) -> inspect.Signature:
    hints, told = typing.get_type_hints(fn), inspect.signature(fn)
    listed = [p.replace(annotation=hints[p.name]) for p in told.parameters.values()]
    at = [p.name for p in listed].index(SAVED)
    saved = inspect.Parameter(SAVED, inspect.Parameter.POSITIONAL_OR_KEYWORD, default="", annotation=str)
    return told.replace(
        parameters=[*listed[:at], *recipe.parameters(), *listed[at + 1 :], saved],
        return_annotation=hints["return"],
    )


def _documented(doc: str, recipe: type[Recipe]) -> str:
    """Return a docstring with one line per setting in place of the recipe's line."""
    lines = [f"    {name}: {help}" for name, help in recipe.help().items()]
    told = doc.splitlines()
    at = next(i for i, line in enumerate(told) if line.startswith(f"    {SAVED}: "))
    end = next((i for i in range(at, len(told)) if not told[i].strip()), len(told))
    return "\n".join([*told[:at], *lines, *told[at + 1 : end], f"    {SAVED}: {SAVED_HELP}", *told[end:]])
