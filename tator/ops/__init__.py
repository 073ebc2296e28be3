"""The product's verbs: plain functions that the tabs, HTTP, MCP and CLI call."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tator.recipe_parameters import with_settings
from tator.recipes import Recipe, checked
from tator.setting_help import SAVED, argument_help
from tator.types import BadInput
from tator.workbench import Workbench


@dataclass(frozen=True)
class Operation:
    """A public verb.

    Attributes:
        name: the function's name, the endpoint, the MCP tool and, with dashes, the CLI subcommand.
        fn: `fn(wb, plain arguments) -> plain result`, or a generator of Progress for long work.
        mirrors: names of the reference's endpoints that this one answers (docs/endpoints.md).
        in_child: run as a child process: it trains, or could exhaust memory.
        writes: it changes something, so read-only callers may not use it.
        title: what people read a job of it is called, such as Train head.
        makes: the argument that names the dataset which a job of it makes or fills; "" for none.
        recipe: its settings; each is a parameter of the published function, which takes a saved recipe too.
        unit: what its progress counts: "" for things, or bytes.
    """

    name: str
    fn: Callable
    mirrors: tuple[str, ...] = ()
    in_child: bool = False
    writes: bool = True
    title: str = ""
    makes: str = ""
    unit: Literal["", "bytes"] = ""
    recipe: type[Recipe] | None = None

    @property
    def is_job(self) -> bool:
        """Long work: the function is a generator of Progress."""
        return inspect.isgeneratorfunction(inspect.unwrap(self.fn))

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Return the plain parameters, without the workbench, annotations resolved."""
        hints = typing.get_type_hints(self.fn)
        listed = list(inspect.signature(self.fn).parameters.values())[1:]
        return {p.name: p.replace(annotation=hints[p.name]) for p in listed}

    @property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """Return the parameters that are not settings of the recipe, nor its name."""
        left_out = {*self.settings, SAVED} if self.recipe else set()
        return {name: p for name, p in self.parameters.items() if name not in left_out}

    @property
    def help(self) -> dict[str, str]:
        """Return {parameter: first line of its help} from the docstring."""
        return argument_help(inspect.getdoc(self.fn) or "")

    @property
    def settings(self) -> dict[str, str]:
        """Return {setting: help} of the recipe, empty where the verb takes none."""
        return self.recipe.help() if self.recipe else {}


_found: dict[str, Operation] = {}


def operation(fn: Callable | None = None, **facts: Any) -> Callable:
    """Publish a function under its own name.

    Write `@operation` or `@operation(mirrors=(...), in_child=True)`.

    The function's signature and docstring are the public contract. With `recipe=HeadRecipe` it takes a checked
    `recipe: HeadRecipe`; what is published takes the settings by name in its place, and `recipe`, a saved one.

    Raises:
        ValueError: two operations have one name.
    """
    if fn is None:
        return functools.partial(operation, **facts)
    if fn.__name__ in _found:
        raise ValueError(f"two operations are called {fn.__name__!r}")
    published = with_settings(fn, facts["recipe"]) if "recipe" in facts else fn
    _found[fn.__name__] = Operation(fn.__name__, published, **facts)
    return fn


def operations() -> dict[str, Operation]:
    """Return {name: operation} of every module of this package, sorted by name."""
    _import_all()
    return dict(sorted(_found.items()))


def recipe_of(name: str) -> type[Recipe]:
    """Return the recipe of an operation.

    Raises:
        ValueError: it takes none.
    """
    recipe = operations()[name].recipe
    if recipe is None:
        raise ValueError(f"operation {name!r} takes no recipe")
    return recipe


@functools.cache
def _import_all() -> None:
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")


def call(wb: Workbench, name: str, /, **arguments: Any) -> Any:
    """Run one operation by name; a job starts in the background and answers its id.

    Raises:
        BadInput: no such operation, or an argument it does not take or lacks.
    """
    verb = operations().get(name)
    if verb is None:
        raise BadInput(f"no operation is called {name!r}")
    arguments = prepared(wb, verb, arguments)
    if verb.is_job:
        return wb.jobs.start(verb.fn, name, arguments, in_child=verb.in_child)
    return verb.fn(wb, **arguments)


def prepared(wb: Workbench, verb: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the checked arguments of an operation.

    A saved recipe is replaced by its settings.

    Raises:
        BadInput: one is unknown, lacking, of another type, or a setting outside its range.
        NotFound: no recipe has the name that was given.
    """
    name, known = verb.name, verb.parameters
    if unknown := sorted(set(arguments) - set(known)):
        raise BadInput(f"{name} takes no {', '.join(unknown)}; it takes {', '.join(known) or 'nothing'}")
    if lacking := [p.name for p in known.values() if p.default is p.empty and p.name not in arguments]:
        raise BadInput(f"{name} needs {', '.join(lacking)}")
    found = {given: checked(f"{name}: {given}", known[given].annotation, value) for given, value in arguments.items()}
    return _resolved(wb, verb.recipe, found) if verb.recipe else found


def _resolved(wb: Workbench, kind: type[Recipe], arguments: dict[str, Any]) -> dict[str, Any]:
    """Write out every setting: those given, else of the saved recipe, else in force.

    A job that goes on later then does the same although the saved recipe changed.
    """
    saved, folder = arguments.pop(SAVED, ""), wb.workspace.folder("recipes")
    base = kind.load(folder, saved) if saved else kind.in_force(folder)
    given = {name: arguments[name] for name in kind.help() if name in arguments}
    return arguments | asdict(kind.of(asdict(base) | given))


def bind(verb: Operation, wb: Workbench) -> Callable:
    """Return an operation with its workbench filled in.

    Name, types, defaults and docstring are the same. A bound job starts in the background and returns its job id.
    """
    parameters = list(verb.parameters.values())
    returns = str if verb.is_job else typing.get_type_hints(verb.fn)["return"]
    signature = inspect.Signature(parameters, return_annotation=returns)

    def bound(*args: Any, **kwargs: Any) -> Any:
        return call(wb, verb.name, **signature.bind(*args, **kwargs).arguments)

    bound.__name__ = bound.__qualname__ = verb.name
    bound.__doc__ = inspect.getdoc(verb.fn)
    bound.__signature__ = signature  # type: ignore[attr-defined]
    bound.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returns}
    return bound
