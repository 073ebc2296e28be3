"""Read the names, parameters and help of the operations from their source.

Nothing is imported for it. Importing the operations loads NumPy and SQLAlchemy; `--help` has to answer in a fraction of that time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tator.setting_help import SAVED, SAVED_HELP, argument_help, help_line

OPS = Path(__file__).parent / "ops"
ROOT = Path(__file__).parents[1]
RANGE = ("unit", "low", "high", "operation")


@dataclass(frozen=True)
class Flag:
    """One parameter of an operation.

    Attributes:
        name: as the function spells it.
        kind: str, int, float or bool; of the elements where `is_list`.
        is_list: takes several values.
        choices: the values a Literal allows.
        required: has no default.
        default: its default as written.
        help: what the docstring says of it.
    """

    name: str
    kind: type
    is_list: bool
    choices: tuple[str | int, ...]
    required: bool
    default: str
    help: str


@dataclass(frozen=True)
class Verb:
    """One operation as its source declares it."""

    name: str
    doc: str
    flags: tuple[Flag, ...]

    @property
    def summary(self) -> str:
        """Return the docstring's first line."""
        return self.doc.splitlines()[0] if self.doc else ""


def verbs(folder: Path = OPS) -> dict[str, Verb]:
    """Return {name: verb} of every `@operation` in a folder's modules, sorted by name."""
    found = [verb for path in sorted(folder.glob("*.py")) for verb in _in_module(path)]
    return {verb.name: verb for verb in sorted(found, key=lambda verb: verb.name)}


def _in_module(path: Path) -> Iterator[Verb]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = _constants(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (decorator := _operation_of(node)):
            doc = ast.get_docstring(node) or ""
            flags = list(_flags(node.args, argument_help(doc), names))
            if recipe := _recipe_of(decorator):
                flags = _with_settings(flags, list(_settings(_source_of(recipe, tree), recipe)))
            yield Verb(node.name, doc.partition("\n\nArgs:")[0] if recipe else doc, tuple(flags))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _operation_of(function: ast.FunctionDef) -> ast.expr | None:
    """Return the decorator that makes a function an operation."""
    return next((decorator for decorator in function.decorator_list if _is_operation(decorator)), None)


def _recipe_of(decorator: ast.expr) -> str:
    """Return the name of the recipe class that a decorator gives, "" for none."""
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((k.value.id for k in keywords if k.arg == "recipe" and isinstance(k.value, ast.Name)), "")


def _source_of(name: str, tree: ast.Module) -> ast.Module:
    """Return the syntax tree that defines a class, followed through imports."""
    if any(isinstance(node, ast.ClassDef) and node.name == name for node in tree.body):
        return tree
    modules = [
        n.module for n in tree.body if isinstance(n, ast.ImportFrom) and name in [a.asname or a.name for a in n.names]
    ]
    path = ROOT.joinpath(*(modules[0] or "").split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return _source_of(name, ast.parse(source.read_text(encoding="utf-8")))


def _settings(tree: ast.Module, recipe: str) -> Iterator[Flag]:
    """Yield a flag for each `name: type = setting(...)` of a recipe and its bases."""
    names = _constants(tree)
    declared = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == recipe)
    for base in declared.bases:
        if isinstance(base, ast.Name) and base.id != "Recipe":
            yield from _settings(_source_of(base.id, tree), base.id)
    for node in declared.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call) and isinstance(node.target, ast.Name):
            default, told = node.value.args[:2]
            facts = {k.arg: _literal(k.value, names) for k in node.value.keywords if k.arg in RANGE}
            kind, is_list, choices = _type(node.annotation, names)
            shown, help = repr(_literal(default, names)), help_line(_literal(told, names), **facts)
            yield Flag(node.target.id, kind, is_list, choices, False, shown, help)


def _literal(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    return ast.literal_eval(names.get(node.id, node) if isinstance(node, ast.Name) else node)


def _with_settings(flags: list[Flag], settings: list[Flag]) -> list[Flag]:
    """Put a recipe's settings in its place, and the name of a saved one at the end."""
    at = next(i for i, flag in enumerate(flags) if flag.name == SAVED)
    saved = Flag(SAVED, str, False, (), False, repr(""), SAVED_HELP)
    return [*flags[:at], *settings, *flags[at + 1 :], saved]


def _is_operation(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "operation"


def _flags(arguments: ast.arguments, helps: dict[str, str], names: dict[str, ast.expr]) -> Iterator[Flag]:
    listed = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(listed) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(listed, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    for argument, default in pairs[1:]:  # the first is the workbench
        kind, is_list, choices = _type(argument.annotation, names)
        shown = (
            ast.unparse(names.get(default.id, default) if isinstance(default, ast.Name) else default) if default else ""
        )
        yield Flag(argument.arg, kind, is_list, choices, default is None, shown, helps.get(argument.arg, ""))


def _type(hint: ast.expr | None, names: dict[str, ast.expr]) -> tuple[type, bool, tuple[str | int, ...]]:
    """Return (plain type, is list, choices) of an annotation; str for unknown names."""
    if isinstance(hint, ast.Name):
        plain = {"str": str, "int": int, "float": float, "bool": bool}.get(hint.id)
        return _type(names[hint.id], names) if plain is None and hint.id in names else (plain or str, False, ())
    if isinstance(hint, ast.Subscript) and isinstance(hint.value, ast.Name):
        if hint.value.id == "Literal":
            choices = ast.literal_eval(hint.slice)
            choices = choices if isinstance(choices, tuple) else (choices,)
            return type(choices[0]), False, choices
        if hint.value.id == "list":
            kind, _, choices = _type(hint.slice, names)
            return kind, True, choices
    return str, False, ()
