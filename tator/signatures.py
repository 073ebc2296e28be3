"""Read the operations' names, parameters and help from their source, without importing them.

Importing them loads NumPy and SQLAlchemy; `--help` has to answer in a fraction of that time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPS = Path(__file__).parent / "ops"


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
    names = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(_is_operation(d) for d in node.decorator_list):
            doc = ast.get_docstring(node) or ""
            yield Verb(node.name, doc, tuple(_flags(node.args, _argument_help(doc), names)))


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
    """Return (plain type, is list, choices) of an annotation; unknown names read as str."""
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


def _argument_help(doc: str) -> dict[str, str]:
    """Return {parameter: first line of its help} of a Google-style docstring."""
    lines = doc.split("Args:", 1)[1].splitlines() if "Args:" in doc else []
    found = {}
    for line in lines:
        if line.strip() and not line.startswith(" "):
            break  # the next section
        name, colon, text = line.partition(":")
        if colon and len(name) - len(name.lstrip()) == 4 and name.strip().isidentifier():
            found[name.strip()] = text.strip()
    return found
