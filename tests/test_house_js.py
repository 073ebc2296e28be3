"""The house rules of the page's scripts, held by reading their imports."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "assets"
CANVAS = ASSETS / "canvas"
ORDER = ("document", "shell", "drawing", "assist", "tools", "actions", "panels")  # a room sees itself and those before
COMPOSE = {"main.js", "connect.js"}  # what puts the rooms together: they know every part, no module knows them
MODULES = sorted(ASSETS.rglob("*.js"))
TESTS = sorted((ROOT / "tests" / "js").glob("*.mjs"))
IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']""")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def code_of(path: Path) -> str:
    """Return a module's text without its comments."""
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[Path, ...]:
    """Return the files that a module imports."""
    return tuple((path.parent / target).resolve() for target in IMPORT.findall(code_of(path)) if target.startswith("."))


def room(path: Path) -> str:
    """Return the folder of assets/canvas that a module lives in; "" beside them."""
    inner = path.relative_to(CANVAS).parts
    return inner[0] if len(inner) > 1 else ""


IN_CANVAS = [path for path in MODULES if path.is_relative_to(CANVAS)]
IN_ROOMS = [path for path in IN_CANVAS if room(path)]


def test_the_canvas_is_its_rooms_and_what_puts_them_together():
    assert {room(path) for path in IN_ROOMS} == set(ORDER)
    assert {path.name for path in IN_CANVAS if not room(path)} == COMPOSE


@pytest.mark.parametrize("path", MODULES + TESTS, ids=name_of)
def test_every_import_resolves_to_a_file(path: Path):
    assert [target for target in imports(path) if not target.is_file()] == []


@pytest.mark.parametrize("path", IN_ROOMS, ids=name_of)
def test_a_room_imports_itself_and_the_rooms_before_it(path: Path):
    allowed = ORDER[: ORDER.index(room(path)) + 1]
    assert [name_of(target) for target in imports(path) if room(target) not in allowed] == []


def test_no_modules_import_each_other_in_a_circle():
    done: set[Path] = set()

    def walk(path: Path, trail: tuple[Path, ...]) -> None:
        assert path not in trail, " -> ".join(name_of(step) for step in (*trail, path))
        if path not in done:
            for target in imports(path):
                walk(target, (*trail, path))
            done.add(path)

    for path in MODULES:
        walk(path, ())
    assert done == set(MODULES)


def test_every_module_of_the_canvas_is_reached_from_its_entry():
    reached: set[Path] = set()
    waiting = [CANVAS / "main.js"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(imports(path))
    assert [name_of(path) for path in IN_CANVAS if path not in reached] == []


@pytest.mark.parametrize("path", IN_ROOMS, ids=name_of)
def test_only_the_root_touches_the_page_s_own_object(path: Path):
    assert "window.tator" not in code_of(path)


@pytest.mark.parametrize("path", IN_ROOMS, ids=name_of)
def test_a_module_names_the_parts_it_uses_and_never_the_whole_canvas(path: Path):
    assert not re.search(r"\bapp\b", code_of(path))
