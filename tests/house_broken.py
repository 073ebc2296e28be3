"""Break each house rule once, in a copy of the tree, and tell which test catches it: `python tests/house_broken.py [RULE]`.

A script, not a test: it takes minutes. It ends with 1 where a breach is not caught by the test of its rule.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ("tator", "tabs", "assets", "tests", "bench", "docs", "app.py", "pyproject.toml", "requirements.txt")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.png", "*.jpg", ".*")
HOUSE, PAGE = "tests/test_house.py", "tests/test_house_js.py"
DOC = '"""A breach."""\n'
FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(\w+)", re.MULTILINE)
Break = Callable[[Path], object]


@dataclass(frozen=True)
class Breach:
    """One rule broken.

    Attributes:
        what: is wrong, in a few words.
        test: that must catch it.
        spoil: breaks the rule in a copy of the tree.
        tests: the file that holds the test.
    """

    what: str
    test: str
    spoil: Break
    tests: str = HOUSE


def new(path: str, text: str) -> Break:
    """Return what writes a new file."""

    def spoil(root: Path) -> None:
        target = root / path
        assert not target.exists(), f"{path} is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    return spoil


def more(path: str, text: str) -> Break:
    """Return what adds lines at the end of a file."""
    return lambda root: (root / path).write_text((root / path).read_text(encoding="utf-8") + text, encoding="utf-8")


def changed(path: str, pattern: str, text: str) -> Break:
    """Return what replaces the first match of a pattern in a file."""

    def spoil(root: Path) -> None:
        found, count = re.subn(pattern, text, (root / path).read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
        assert count, f"{path} has no {pattern}"
        (root / path).write_text(found, encoding="utf-8")

    return spoil


def both(*spoils: Break) -> Break:
    """Return what does several of them."""
    return lambda root: [spoil(root) for spoil in spoils]


def verb(signature: str, doc: str, decorator: str = "@operation(writes=False)") -> Break:
    """Return what adds a file with one operation."""
    start = f"from tator.ops import operation\nfrom tator.workbench import Workbench\n\n\n{decorator}\n"
    return new("tator/ops/breach.py", f'{DOC}{start}def breach({signature}:\n    """{doc}"""\n    return {{}}\n')


LINES = "import json\n" + "x = 1\n" * 400
ARGS = "Breach.\n\n    Args:\n        name: of it.\n    "
BREACHES = (
    Breach("a file of 401 lines", "test_no_file_over_400_lines", new("tator/vision/breach.py", DOC + LINES)),
    Breach("a test of 401 lines", "test_no_file_over_400_lines", new("tests/breach.py", DOC + LINES)),
    Breach("a script of 401 lines", "test_no_file_over_400_lines", new("assets/window/breach.js", "//\n" * 401)),
    Breach("utils.py", "test_files_are_named_after_a_subject", new("tator/vision/utils.py", DOC)),
    Breach("helpers.js", "test_files_are_named_after_a_subject", new("assets/window/helpers.js", "//\n")),
    Breach(
        "an upward import",
        "test_imports_point_down",
        new("tator/storage/breach.py", f"{DOC}from tator.datasets import dataset\n"),
    ),
    Breach(
        "an upward import inside a function",
        "test_imports_point_down",
        new("tator/vision/breach.py", f"{DOC}def _f():\n    from tator.storage import schema\n"),
    ),
    Breach(
        "an import between packages of one step",
        "test_imports_point_down",
        new("tator/formats/breach.py", f"{DOC}from tator.weights import download\n"),
    ),
    Breach("a tab imported below", "test_imports_point_down", new("tator/web/breach.py", f"{DOC}import tabs.label\n")),
    Breach("a package outside the order", "test_imports_point_down", new("tator/breach/__init__.py", DOC)),
    Breach(
        "a stray module at the root", "test_the_root_holds_only_its_modules_and_packages", new("tator/breach.py", DOC)
    ),
    Breach(
        "a stray package at the root",
        "test_the_root_holds_only_its_modules_and_packages",
        new("tator/breach/__init__.py", DOC),
    ),
    Breach(
        "a package without a docstring",
        "test_every_package_says_what_it_is",
        new("tator/vision/breach/__init__.py", ""),
    ),
    Breach(
        "a module without a docstring", "test_every_module_says_what_it_does", new("tator/vision/breach.py", "x = 1\n")
    ),
    Breach(
        "a private name of another package",
        "test_names_with_an_underscore_stay_in_their_package",
        new("tator/ops/breach.py", f"{DOC}from tator.storage.database import _breach\n"),
    ),
    Breach(
        "a private module of another package",
        "test_names_with_an_underscore_stay_in_their_package",
        new("tator/exporting/breach.py", f"{DOC}from tator.formats._shapes import Place\n"),
    ),
    Breach(
        "a private module of another package, plainly imported",
        "test_names_with_an_underscore_stay_in_their_package",
        new("tator/exporting/breach.py", f"{DOC}import tator.formats._shapes\n"),
    ),
    Breach(
        "a private name in a tab",
        "test_names_with_an_underscore_stay_in_their_package",
        new("tabs/breach.py", f"{DOC}from tator.ops import _breach\n"),
    ),
    Breach(
        "the inside of another workflow",
        "test_a_workflow_sees_another_only_through_its_init",
        new("tator/workflows/quality/breach.py", f"{DOC}from tator.workflows.heads.fit import score\n"),
    ),
    Breach(
        "a circle of imports",
        "test_no_import_cycles",
        both(
            new("tator/vision/breach.py", f"{DOC}from tator.vision import breach_two\n"),
            new("tator/vision/breach_two.py", f"{DOC}from tator.vision import breach\n"),
        ),
    ),
    Breach(
        "a backend that imports the runtime",
        "test_backends_know_only_what_is_on_their_list",
        new("tator/models/breach.py", f"{DOC}from tator.runtime import registry\n"),
    ),
    Breach(
        "a backend that imports another",
        "test_a_backend_knows_no_other_backend",
        new("tator/models/breach.py", f"{DOC}from tator.models.sam1 import Sam1B\n"),
    ),
    Breach(
        "an operation that imports another",
        "test_operations_do_not_import_each_other",
        new("tator/ops/breach.py", f"{DOC}from tator.ops.images import images_list\n"),
    ),
    Breach(
        "a tab that imports storage",
        "test_tabs_know_only_the_workbench_and_the_operations",
        new("tabs/breach.py", f"{DOC}from tator.storage import schema\n"),
    ),
    Breach(
        "gradio below the tabs", "test_gradio_stays_at_the_surface", new("tator/web/breach.py", f"{DOC}import gradio\n")
    ),
    Breach(
        "torch at the top of a module",
        "test_heavy_libraries_load_inside_functions",
        new("tator/vision/breach.py", f"{DOC}import torch\n"),
    ),
    Breach(
        "sklearn at the top of a module, within a try",
        "test_heavy_libraries_load_inside_functions",
        new("tator/vision/breach.py", f"{DOC}try:\n    from sklearn import svm\nexcept ImportError:\n    svm = None\n"),
    ),
    Breach(
        "numpy on the way of the command line",
        "test_importing_the_product_loads_nothing_heavy",
        more("tator/cli.py", "\nimport numpy  # noqa\n"),
    ),
    Breach(
        "os.environ read in a package",
        "test_the_environment_is_read_at_the_entries_only",
        new("tator/vision/breach.py", f'{DOC}import os\n\nX = os.environ["X"]\n'),
    ),
    Breach(
        "os.getenv in a tab",
        "test_the_environment_is_read_at_the_entries_only",
        new("tabs/breach.py", f'{DOC}import os\n\nX = os.getenv("X")\n'),
    ),
    Breach(
        "environ imported by name",
        "test_the_environment_is_read_at_the_entries_only",
        new("tator/vision/breach.py", f'{DOC}from os import environ\n\nX = environ["X"]\n'),
    ),
    Breach(
        "except Exception",
        "test_nothing_swallows_every_error",
        new("tator/vision/breach.py", f"{DOC}try:\n    pass\nexcept Exception:\n    pass\n"),
    ),
    Breach(
        "a bare except",
        "test_nothing_swallows_every_error",
        new("tator/vision/breach.py", f"{DOC}try:\n    pass\nexcept:\n    pass\n"),
    ),
    Breach(
        "all errors suppressed",
        "test_nothing_swallows_every_error",
        new(
            "tator/vision/breach.py",
            f"{DOC}import contextlib\n\nwith contextlib.suppress(Exception):\n    pass\n",
        ),
    ),
    Breach(
        "a public function without a docstring",
        "test_every_public_function_says_what_it_does",
        new("tator/vision/breach.py", f"{DOC}def breach():\n    pass\n"),
    ),
    Breach(
        "a public method without a docstring",
        "test_every_public_function_says_what_it_does",
        new("tator/vision/breach.py", f'{DOC}class Breach:\n    """It."""\n\n    def breach(self):\n        pass\n'),
    ),
    Breach(
        "a first line that is too long",
        "test_first_lines_of_docstrings_are_short",
        new("tator/vision/breach.py", f'{DOC}def breach():\n    """Return {"x" * 120}."""\n'),
    ),
    Breach("a verb without wb", "test_operation_contract", verb("name: str) -> dict", ARGS)),
    Breach("a verb that says not what it returns", "test_operation_contract", verb("wb: Workbench)", "Breach.")),
    Breach(
        "a verb with a long first line", "test_operation_contract", verb("wb: Workbench) -> dict", f"B{'r' * 80}each.")
    ),
    Breach(
        "a verb with an argument that is not described",
        "test_operation_contract",
        verb("wb: Workbench, name: str) -> dict", "Breach."),
    ),
    Breach(
        "a verb with an argument that is not plain",
        "test_operation_contract",
        verb("wb: Workbench, name: dict) -> dict", ARGS),
    ),
    Breach(
        "a verb with a title that is not a job",
        "test_operation_contract",
        verb("wb: Workbench, name: str) -> dict", ARGS, '@operation(writes=False, title="Breach")'),
    ),
    Breach(
        "a verb that makes what is not an argument",
        "test_operation_contract",
        verb("wb: Workbench, name: str) -> dict", ARGS, '@operation(makes="other")'),
    ),
    Breach(
        "a bad input without a test",
        "test_every_bad_input_has_tests_that_carry_its_number",
        lambda root: [
            path.write_text(path.read_text(encoding="utf-8").replace("_t01_", "_"), encoding="utf-8")
            for path in (root / "tests").rglob("*.py")
        ],
    ),
    Breach(
        "a module of the page without a room",
        "test_the_canvas_is_its_rooms_and_what_puts_them_together",
        new("assets/canvas/breach.js", "//\n"),
        PAGE,
    ),
    Breach(
        "a room of its own",
        "test_the_canvas_is_its_rooms_and_what_puts_them_together",
        new("assets/canvas/breach/breach.js", "//\n"),
        PAGE,
    ),
    Breach(
        "an import of a file that is not there",
        "test_every_import_resolves_to_a_file",
        more("assets/canvas/document/signal.js", '\nimport "./breach.js";\n'),
        PAGE,
    ),
    Breach(
        "a room that imports a later one",
        "test_a_room_imports_itself_and_the_rooms_before_it",
        more("assets/canvas/document/signal.js", '\nimport "../panels/index.js";\n'),
        PAGE,
    ),
    Breach(
        "a room that imports a later one when asked",
        "test_a_room_imports_itself_and_the_rooms_before_it",
        more("assets/canvas/document/signal.js", '\nconst breach = () => import("../panels/index.js");\n'),
        PAGE,
    ),
    Breach(
        "modules that import each other",
        "test_no_modules_import_each_other_in_a_circle",
        both(
            new("assets/canvas/document/breach.js", 'import "./breach_two.js";\n'),
            new("assets/canvas/document/breach_two.js", 'import "./breach.js";\n'),
        ),
        PAGE,
    ),
    Breach(
        "a module that nothing imports",
        "test_every_module_of_the_canvas_is_reached_from_its_entry",
        new("assets/canvas/document/breach.js", "//\n"),
        PAGE,
    ),
    Breach(
        "a room that uses window.tator",
        "test_only_the_root_touches_the_page_s_own_object",
        more("assets/canvas/document/signal.js", "\nwindow.tator = 1;\n"),
        PAGE,
    ),
    Breach(
        "a room that is given the whole app",
        "test_a_module_names_the_parts_it_uses_and_never_the_whole_canvas",
        more("assets/canvas/document/signal.js", "\nexport const breach = (app) => app;\n"),
        PAGE,
    ),
)


def caught(breach: Breach) -> set[str]:
    """Return the tests that fail on a copy of the tree with this breach."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in TREE:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=LEFT_OUT)
            else:
                shutil.copy(ROOT / name, root / name)
        breach.spoil(root)
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", breach.tests]
        told = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert told.returncode in (0, 1), told.stdout + told.stderr
        return set(FAILED.findall(told.stdout))


def rules() -> Iterator[str]:
    """Yield the names of all tests of the two house files."""
    for name in (HOUSE, PAGE):
        yield from re.findall(r"^def (test_\w+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)


def main(picked: str = "") -> int:
    """Print a table of the breaches and what caught them; return 1 where one was not caught."""
    wanted = [each for each in BREACHES if picked in each.test]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(caught, wanted))
    print("| rule broken by | test | caught |\n|---|---|---|")
    for breach, failed in zip(wanted, found, strict=True):
        others = ", ".join(sorted(failed - {breach.test}))
        print(
            f"| {breach.what} | {breach.test} | {'yes' if breach.test in failed else 'NOT CAUGHT'}{others and f', also by {others}'} |"
        )
    unbroken = set(rules()) - {each.test for each in BREACHES}
    print(*(f"{name}: no breach of it is tried" for name in sorted(unbroken)), sep="\n")
    return int(bool(unbroken) or any(breach.test not in failed for breach, failed in zip(wanted, found, strict=True)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
