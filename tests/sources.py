"""The project's files as lists and as syntax trees, for the house rules."""

from __future__ import annotations

import ast
import typing
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = sorted(path for folder in ("tator", "tabs") for path in (ROOT / folder).rglob("*.py")) + [ROOT / "app.py"]
MIGRATIONS = ROOT / "tator" / "storage" / "migrations"
PRODUCT = [path for path in PYTHON if MIGRATIONS not in path.parents]
TESTS = sorted(path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py"))
BROWSER = sorted(
    path
    for kind in ("*.js", "*.mjs", "*.css")
    for folder in ("assets", "tests")
    for path in (ROOT / folder).rglob(kind)
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def modules() -> dict[str, Path]:
    """Return {dotted name: file} of every module of the product."""
    return {dotted(path): path for path in PYTHON}


def dotted(path: Path) -> str:
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(node: ast.AST) -> set[str]:
    """Return the dotted modules one import statement names; `from tator.storage import trash` names tator.storage.trash."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        inner = {f"{node.module}.{alias.name}" for alias in node.names}
        return {name if name in modules() else node.module for name in inner}
    return set()


@cache
def imports(path: Path, top_only: bool = False) -> list[tuple[int, str]]:
    """Return (line, dotted module) for what a file imports, or for what it imports when it is imported."""
    tree = tree_of(path)
    nodes = at_module_level(tree.body) if top_only else ast.walk(tree)
    return [(node.lineno, name) for node in nodes for name in sorted(imported(node))]


def at_module_level(body: list[ast.stmt]) -> typing.Iterator[ast.stmt]:
    """Yield the statements that run on import, into classes, ifs and trys but not into functions."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from at_module_level(node.body + getattr(node, "orelse", []))


def inside(folder: str) -> list[Path]:
    return [path for path in PRODUCT if name_of(path).startswith(f"{folder}/")]


def none_of(offenders: typing.Iterable[str]) -> None:
    """Fail with every offender, one a line, where there are any."""
    found = list(offenders)
    if found:
        pytest.fail(f"{len(found)} found:\n" + "\n".join(found), pytrace=False)


def public(body: list[ast.stmt]) -> typing.Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield the public functions, classes and methods of a module."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)
