"""The product's verbs. Each is one plain function; tabs, HTTP API, MCP and CLI all call it."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

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

    @property
    def is_job(self) -> bool:
        """Long work: the function is a generator of Progress."""
        return inspect.isgeneratorfunction(self.fn)

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Return the plain parameters, without the workbench, annotations resolved."""
        hints = typing.get_type_hints(self.fn)
        listed = list(inspect.signature(self.fn).parameters.values())[1:]
        return {p.name: p.replace(annotation=hints[p.name]) for p in listed}


_found: dict[str, Operation] = {}


def operation(fn: Callable | None = None, **facts: Any) -> Callable:
    """Publish a function under its own name: `@operation` or `@operation(mirrors=(...), in_child=True)`.

    Its signature and docstring are the public contract.

    Raises:
        ValueError: two operations have one name.
    """
    if fn is None:
        return functools.partial(operation, **facts)
    if fn.__name__ in _found:
        raise ValueError(f"two operations are called {fn.__name__!r}")
    _found[fn.__name__] = Operation(fn.__name__, fn, **facts)
    return fn


def operations() -> dict[str, Operation]:
    """Import every module of this package and return {name: operation}, sorted by name."""
    _import_all()
    return dict(sorted(_found.items()))


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
    arguments = prepared(verb, arguments)
    if verb.is_job:
        return wb.jobs.start(verb.fn, name, arguments, in_child=verb.in_child)
    return verb.fn(wb, **arguments)


def prepared(verb: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return an operation's arguments with their types checked.

    Raises:
        BadInput: one is unknown, lacking or of another type.
    """
    name, known = verb.name, verb.parameters
    if unknown := sorted(set(arguments) - set(known)):
        raise BadInput(f"{name} takes no {', '.join(unknown)}; it takes {', '.join(known) or 'nothing'}")
    if lacking := [p.name for p in known.values() if p.default is p.empty and p.name not in arguments]:
        raise BadInput(f"{name} needs {', '.join(lacking)}")
    return {given: checked(f"{name}: {given}", known[given].annotation, value) for given, value in arguments.items()}


def checked(place: str, hint: Any, value: Any) -> Any:
    """Return a value as its parameter's type; JSON writes 3.0 as 3 and widgets write 3 as 3.0.

    Args:
        place: operation and parameter, for the message.
        hint: str, int, float, bool, a Literal, or a list of one of these.
        value: what the caller sent.

    Raises:
        BadInput: the value is of another type, not finite, or not one of the choices.
    """
    if typing.get_origin(hint) is list:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{place} must be a list, is {str(value)[:100]!r}")
        return [checked(place, typing.get_args(hint)[0], item) for item in value]
    if typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            raise BadInput(
                f"{place} must be one of {', '.join(map(str, typing.get_args(hint)))}, is {str(value)[:100]!r}"
            )
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if (hint is float and is_number) or (hint is int and is_number and value == int(value)):
        return hint(value)
    if hint in (str, bool) and isinstance(value, hint):
        return value
    words = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}
    raise BadInput(f"{place} must be {words.get(hint, hint)}, is {str(value)[:100]!r}")


def bind(verb: Operation, wb: Workbench) -> Callable:
    """Return the operation with its workbench filled in: same name, types, defaults and docstring.

    A bound job starts in the background and returns its job id.
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
