"""Save the settings of a workflow under a name, and take them up again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tator.ops import operation, operations
from tator.recipes import Recipe, kind_of
from tator.storage.trash import Trash, TrashKind, register_trash
from tator.storage.trash_files import TrashFolder
from tator.types import BadInput, Conflict, NotFound
from tator.workbench import Workbench

KIND = "recipe"  # of its entries in the trash


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
        BadInput: not JSON, a setting that does not exist, a value outside its range, or a reserved name.
    """
    try:
        values = json.loads(settings)
    except ValueError as problem:
        raise BadInput(f"settings must be a JSON object, are {settings[:100]!r}: {problem}") from problem
    recipe = _kind(kind).of(values)
    if recipe.is_reserved(name):
        raise BadInput(f"{name!r} is the name of the settings in force; choose another name")
    recipe.save(wb.workspace.folder("recipes"), name)
    return asdict(recipe)


@operation
def recipes_delete(wb: Workbench, kind: str, name: str) -> dict[str, str]:
    """Put a saved recipe into the trash; what was made with it keeps its settings.

    Args:
        kind: kind of recipe, from recipes_kinds.
        name: name of the recipe, from recipes_list.

    Raises:
        NotFound: no such kind or recipe.
        Unavailable: its file cannot be moved.
    """
    recipe = _kind(kind)
    path = recipe.path(wb.workspace.folder("recipes"), name)
    if recipe.is_reserved(name) or not path.is_file():
        raise NotFound(f"no {kind} recipe is called {name!r}")
    return {"deleted": name, "entry": TrashFolder(wb.workspace).throw(KIND, name, wb.user, content=path)}


def _restore(trash: Trash, entry: str, new_name: str) -> str:
    """Take a recipe out of the trash and return its name.

    Raises:
        BadInput: the new name is refused, or the file is not a recipe.
        Conflict: a recipe of its kind has the name.
    """
    thing = trash.thing(entry)
    name, content = new_name or thing.name, trash.folder.content(thing)
    recipe = _kind(kind_of(content))
    target = recipe.path(trash.workspace.folder("recipes"), name)
    if target.exists() or recipe.is_reserved(name):
        raise Conflict(f"a {recipe.kind} recipe called {name!r} exists; give another name to restore this one under")
    target.parent.mkdir(exist_ok=True)
    content.replace(target)
    trash.folder.forget(thing)
    return name


register_trash(TrashKind(KIND, _restore))


def _kinds() -> dict[str, type[Recipe]]:
    return {verb.recipe.kind: verb.recipe for verb in operations().values() if verb.recipe}


def _kind(kind: str) -> type[Recipe]:
    known = _kinds()
    if kind not in known:
        raise NotFound(f"no kind of recipe is called {kind[:80]!r}; there are {', '.join(sorted(known))}")
    return known[kind]
