"""The house rules, held by reading the syntax trees."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

from tator.ops import Operation, operations
from tests.sources import (
    BROWSER,
    PRODUCT,
    PYTHON,
    ROOT,
    TESTS,
    dotted,
    imports,
    inside,
    name_of,
    none_of,
    public,
    tree_of,
)

ORDER = (  # who may import whom: a package sees those above it in this list, and none on its own line
    {"types", "attributes", "encodings", "protocols", "recipes", "recipe_parameters", "setting_help", "warning_codes"},
    {"vision"},
    {"storage"},
    {"datasets", "formats", "weights"},
    {"editing", "models"},
    {"importing", "exporting", "runtime"},
    {"training"},
    {"workflows"},
    {"jobs"},
    {"workbench"},
    {"ops", "sample"},
    {"web"},
    {"signatures", "api"},
    {"cli"},
    {"__main__"},
)
ROOT_MODULES = {
    "types",
    "attributes",
    "encodings",
    "protocols",
    "recipes",
    "recipe_parameters",
    "setting_help",
    "warning_codes",
    "workbench",
    "signatures",
    "api",
    "cli",
    "__main__",
    "__init__",
}
WORDS = ORDER[0]  # these may speak of each other
FOR_MODELS = WORDS | {"vision", "storage", "weights", "models"}
HEAVY = {
    "torch",
    "torchvision",
    "transformers",
    "ultralytics",
    "rfdetr",
    "sam3",
    "open_clip",
    "sklearn",
    "skimage",
    "cv2",
    "scipy",
    "matplotlib",
    "pandas",
    "yaml",
    "pycocotools",
    "xgboost",
    "shapely",
}
MAY_IMPORT_GRADIO = {"app.py", "tator/api.py"}
FOR_TABS = {"workbench", "ops", "jobs", "recipes", "types", "web", "api"}
CATCHES_ALL = {
    "tator/jobs/driver.py",
    "tator/jobs/queue.py",
    "tator/runtime/executor.py",
    "tator/web/dispatch.py",
}  # a job must record why it ended; an error is raised where the caller waits; the canvas must get an answer
FIRST_LINE = 80  # characters; lists of functions and the map show this line alone
PLAIN = (str, int, float, bool)


def part_of(module: str) -> str:
    """Return the package or root module of tator/ that a dotted module belongs to."""
    return module.split(".")[1] if "." in module else ""


def step(part: str) -> int:
    return next((i for i, parts in enumerate(ORDER) if part in parts), -1)


def ours(path: Path) -> typing.Iterator[tuple[int, str]]:
    """Yield (line, module) for the modules of tator/ that a file imports from other parts of it."""
    here = part_of(dotted(path)) if name_of(path).startswith("tator/") else ""
    return ((line, m) for line, m in imports(path) if m.startswith("tator.") and part_of(m) != here)


def test_no_file_over_400_lines():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT + TESTS + BROWSER}
    none_of(f"{name_of(path)}: {lines} lines" for path, lines in lengths.items() if lines > 400)


def test_files_are_named_after_a_subject():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    none_of(name_of(path) for path in PRODUCT + TESTS + BROWSER if path.stem in vague)


def test_imports_point_down():
    none_of(offender for path in inside("tator") for offender in wrong_imports(path))


def wrong_imports(path: Path) -> typing.Iterator[str]:
    """Yield what a file of tator/ imports from its own step, from above or from outside the order."""
    here = part_of(dotted(path))
    if not here:
        return
    if step(here) < 0:
        yield f"{name_of(path)}: {here} is not a package of ORDER"
    for line, module in imports(path):
        if module.split(".")[0] == "tabs":
            yield f"{name_of(path)}:{line}: {module} is above every package"
    for line, module in ours(path):
        there = part_of(module)
        allowed = {here, there} <= WORDS
        if step(there) < 0:
            yield f"{name_of(path)}:{line}: {module} is in no package of ORDER"
        elif step(there) >= step(here) and not allowed:
            yield f"{name_of(path)}:{line}: {module} is not below {here}"


def test_the_root_holds_only_its_modules_and_packages():
    here = {path.stem for path in (ROOT / "tator").iterdir() if path.suffix == ".py"}
    packages = {path.parent.name for path in (ROOT / "tator").glob("*/__init__.py")}
    none_of(f"tator/{name}" for name in (here - ROOT_MODULES) | (packages - set.union(*ORDER)))


def test_every_package_says_what_it_is():
    none_of(name_of(path) for path in PRODUCT if path.name == "__init__.py" and not ast.get_docstring(tree_of(path)))


def test_names_with_an_underscore_stay_in_their_package():
    none_of(
        f"{name_of(path)}:{node.lineno}: {name}"
        for path in PRODUCT
        for node in ast.walk(tree_of(path))
        for module, names in named_by(node)
        if module.startswith("tator.") and part_of(module) != part_of(dotted(path))
        for name in [*module.split("."), *names]
        if name.startswith("_")
    )


def named_by(node: ast.AST) -> typing.Iterator[tuple[str, list[str]]]:
    """Yield (module, names taken from it) of an import statement."""
    if isinstance(node, ast.ImportFrom) and node.module:
        yield node.module, [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        yield from ((alias.name, []) for alias in node.names)


def test_a_workflow_sees_another_only_through_its_init():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in inside("tator/workflows")
        for line, module in imports(path)
        if module.startswith("tator.workflows.") and module.count(".") > 2
        if module.split(".")[:3] != dotted(path).split(".")[:3]
    )


def test_no_import_cycles():
    graph = {dotted(p): {m for _, m in imports(p, top_only=True) if m.startswith("tator.")} for p in inside("tator")}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module in done or module not in graph:
            return
        for below in graph[module] - {module}:
            visit(below, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_backends_know_only_what_is_on_their_list():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in inside("tator/models")
        for line, module in ours(path)
        if part_of(module) not in FOR_MODELS
    )


def test_a_backend_knows_no_other_backend():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in inside("tator/models")
        for line, module in imports(path)
        if module.startswith("tator.models.") and not module.split(".")[2].startswith("_")
    )


def test_operations_do_not_import_each_other():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in inside("tator/ops")
        for line, module in imports(path)
        if module.startswith("tator.ops.")
    )


def test_tabs_know_only_the_workbench_and_the_operations():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in inside("tabs")
        for line, module in ours(path)
        if part_of(module) not in FOR_TABS
        if not (module.startswith("tator.workflows.") and module.endswith(".recipe"))
    )


def test_gradio_stays_at_the_surface():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in PRODUCT
        if not name_of(path).startswith("tabs/") and name_of(path) not in MAY_IMPORT_GRADIO
        for line, module in imports(path)
        if module.split(".")[0] in ("gradio", "gradio_client")
    )


def test_heavy_libraries_load_inside_functions():
    none_of(
        f"{name_of(path)}:{line}: {module}"
        for path in PRODUCT
        for line, module in imports(path, top_only=True)
        if module.split(".")[0] in HEAVY
    )


def test_the_environment_is_read_at_the_entries_only():
    none_of(
        f"{name_of(path)}:{node.lineno}"
        for path in PRODUCT
        if name_of(path) not in ("app.py", "tator/cli.py")
        for node in ast.walk(tree_of(path))
        if {getattr(node, "attr", ""), *(name for _, names in named_by(node) for name in names)} & {"environ", "getenv"}
    )


def test_nothing_swallows_every_error():
    none_of(
        f"{name_of(path)}:{node.lineno}"
        for path in PRODUCT
        if name_of(path) not in CATCHES_ALL
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.ExceptHandler) and swallows_all(node)) or suppresses_all(node)
    )


def swallows_all(handler: ast.ExceptHandler) -> bool:
    """Return whether an except clause takes every error and does not raise it again at its end."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    everything = ("Exception", "BaseException")
    broad = any(c is None or (isinstance(c, ast.Name) and c.id in everything) for c in caught)
    raised_again = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return broad and not raised_again


def suppresses_all(node: ast.AST) -> bool:
    """Return whether a call is of contextlib.suppress with every error."""
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", getattr(node.func, "id", "")) != "suppress":
        return False
    return any(isinstance(each, ast.Name) and each.id in ("Exception", "BaseException") for each in node.args)


def test_every_module_says_what_it_does():
    trees = {path: tree_of(path) for path in PRODUCT}
    none_of(name_of(path) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree))


def test_every_public_function_says_what_it_does():
    none_of(f"{where}: {node.name} has no docstring" for where, node in described() if not ast.get_docstring(node))


def test_first_lines_of_docstrings_are_short():
    docs = ((path, node, ast.get_docstring(node) or "") for path in PYTHON for node in documented(path))
    firsts = ((f"{name_of(path)}:{getattr(node, 'lineno', 1)}", doc.partition("\n")[0]) for path, node, doc in docs)
    none_of(f"{where}: {len(line)} characters" for where, line in firsts if len(line) > FIRST_LINE)


def documented(path: Path) -> typing.Iterator[ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield all in a file that can have a docstring, private and nested definitions too."""
    kinds = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, kinds))


def described() -> typing.Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Yield (file:line, definition) for all that is public in tator/."""
    for path in inside("tator"):
        for node in public(tree_of(path).body):
            yield f"{name_of(path)}:{node.lineno}", node


def test_operation_contract():
    none_of(f"{name}: {fault}" for name, verb in operations().items() for fault in faults_of(verb))


def faults_of(verb: Operation) -> typing.Iterator[str]:
    """Yield what is wrong with a verb's signature or its docstring."""
    doc, hints = inspect.getdoc(verb.fn) or "", typing.get_type_hints(verb.fn)
    if next(iter(inspect.signature(verb.fn).parameters)) != "wb" or "return" not in hints:
        yield "takes wb first and says what it returns"
    if len(doc.splitlines()[0]) > FIRST_LINE:
        yield f"the first line has {len(doc.splitlines()[0])} characters"
    for p in verb.parameters.values():
        if f"    {p.name}: " not in doc:
            yield f"{p.name} is not documented under Args:"
        plain = p.annotation in PLAIN or typing.get_origin(p.annotation) is typing.Literal
        of_plain = typing.get_origin(p.annotation) is list and typing.get_args(p.annotation)[0] in PLAIN
        if not (plain or of_plain):
            yield f"{p.name} is {p.annotation}"
    if verb.is_job != bool(verb.title):
        yield f"the title is {verb.title!r}: a job has one, and nothing else"
    if verb.makes and verb.makes not in verb.parameters:
        yield f"makes names {verb.makes}, which is not an argument"


BAD_INPUTS = [*range(1, 17), *range(27, 30), *range(31, 42)]  # of the catalogue: what readers, archives and images meet


def test_every_bad_input_has_tests_that_carry_its_number():
    names = {node.name for path in TESTS for node in tree_of(path).body if isinstance(node, ast.FunctionDef)}
    tests = [name for name in names if name.startswith("test_t")]
    none_of(f"t{number:02}" for number in BAD_INPUTS if not any(f"_t{number:02}_" in name for name in tests))


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_the_product_loads_nothing_heavy():
    assert not loaded_by("import tator") & (HEAVY | {"gradio", "numpy", "sqlalchemy", "PIL"})
    assert not loaded_by("import tator.cli") & (HEAVY | {"gradio", "numpy", "sqlalchemy", "PIL"})
    assert not loaded_by("from tator.ops import operations; operations()") & (HEAVY | {"gradio"})
