"""Write the map of CONTRIBUTING.md from the packages' docstrings: `make docs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN = "<!-- map: written by `make docs` -->\n"
END = "<!-- end of map -->\n"
TOPS = ("tator", "tabs")


def packages() -> Iterator[Path]:
    """Yield the folders of the product's packages, each before those inside it."""
    for top in TOPS:
        for init in sorted((ROOT / top).rglob("__init__.py"), key=lambda path: path.parent.parts):
            if "migrations" not in init.parts:
                yield init.parent


def row(folder: Path) -> str:
    """Return a package's line of the map.

    It says where the package is, what its docstring says first, and its files and subpackages.
    """
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    said = " ".join(doc.partition("\n\n")[0].split()).replace("|", r"\|")
    files = sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
    inner = sorted(f"{path.parent.name}/" for path in folder.glob("*/__init__.py"))
    return f"| `{folder.relative_to(ROOT)}/` | {said} | {' '.join(f'`{name}`' for name in files + inner)} |"


def table() -> str:
    """Return the map, one row a package."""
    return "\n".join(["| package | what | files |", "|---|---|---|", *map(row, packages())]) + "\n"


def text(page: str) -> str:
    """Return the page with the map between its markers written anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
