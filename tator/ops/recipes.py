"""Save the settings of a workflow under a name, and take them up again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tator.ops import operation, operations
from tator.recipes import Recipe
from tator.types import BadInput, NotFound
from tator.workbench import Workbench


@operation(writes=False)
def recipes_kinds(wb: Workbench) -> list[dict[str, Any]]:
    """Return the kinds of recipes, their operations and their settings."""
    return [
        {
            "kind": kind,
            "operations": [name for name, verb in operations().items() if verb.recipe is recipe],
            "settings": [
                {"name": p.name, "default": p.default, "help": recipe.help()[p.name]} for p in recipe.parameters()
            ],
        }
        for kind, recipe in sorted(_kinds().items())
    ]


@operation(writes=False)
def recipes_list(wb: Workbench, kind: str) -> list[str]:
    """Return the names of the saved recipes of a kind.

    Args:
        kind: kind of recipe, from recipes_kinds.

    Raises:
        NotFound: no such kind.
    """
    return _kind(kind).listing(wb.workspace.folder("recipes"))


@operation(writes=False)
def recipes_get(wb: Workbench, kind: str, name: str) -> dict[str, Any]:
    """Return the settings of a saved recipe; those that it lacks have their defaults.

    Args:
        kind: kind of recipe, from recipes_kinds.
        name: name of the recipe, from recipes_list.

    Raises:
        NotFound: no such kind or recipe.
        BadInput: its file is not a recipe of this kind.
    """
    return asdict(_kind(kind).load(wb.workspace.folder("recipes"), name))


@operation
def recipes_save(wb: Workbench, kind: str, name: str, settings: str) -> dict[str, Any]:
    """Save settings under a name, replacing what it held, and return all of them.

    Args:
        kind: kind of recipe, from recipes_kinds.
        name: name of the recipe: letters, digits, spaces and . ( ) + - _, at most 80 characters.
        settings: a JSON object of settings by name; those that it lacks have their defaults.

    Raises:
        NotFound: no such kind.
        BadInput: not JSON, a setting that does not exist, or a value outside its range.
    """
    try:
        values = json.loads(settings)
    except ValueError as problem:
        raise BadInput(f"settings must be a JSON object, are {settings[:100]!r}: {problem}") from problem
    recipe = _kind(kind).of(values)
    recipe.save(wb.workspace.folder("recipes"), name)
    return asdict(recipe)


@operation
def recipes_delete(wb: Workbench, kind: str, name: str) -> dict[str, str]:
    """Delete a saved recipe for good; what was made with it keeps its settings.

    Args:
        kind: kind of recipe, from recipes_kinds.
        name: name of the recipe, from recipes_list.

    Raises:
        NotFound: no such kind or recipe.
    """
    try:
        _kind(kind).path(wb.workspace.folder("recipes"), name).unlink()
    except FileNotFoundError as gone:
        raise NotFound(f"no {kind} recipe is called {name!r}") from gone
    return {"deleted": name}


def _kinds() -> dict[str, type[Recipe]]:
    return {verb.recipe.kind: verb.recipe for verb in operations().values() if verb.recipe}


def _kind(kind: str) -> type[Recipe]:
    known = _kinds()
    if kind not in known:
        raise NotFound(f"no kind of recipe is called {kind[:80]!r}; there are {', '.join(sorted(known))}")
    return known[kind]
