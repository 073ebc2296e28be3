"""Publish every operation as an HTTP endpoint and, with that, as an MCP tool."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection
from typing import Any

import gradio as gr

from tator.jobs.rows import as_json
from tator.ops import Operation, bind, operations
from tator.types import Forbidden, TatorError
from tator.web.identity import user_of
from tator.web.metrics import timed
from tator.workbench import Workbench

MCP = "/gradio_api/mcp"


def publish(wb: Workbench) -> None:
    """Publish all operations; call inside a gr.Blocks context.

    They bypass Gradio's queue: an operation answers at once or starts a job, and Gradio runs queued
    MCP tools under a login of its own, which would lose who is acting.
    """
    for verb in operations().values():
        gr.api(endpoint(wb, verb), api_name=verb.name, queue=False)


def endpoint(wb: Workbench, verb: Operation) -> Callable:
    """Return an operation as the function that Gradio publishes.

    It acts as the caller; refusals are worded `code: message`.

    `request` is filled in by Gradio and is not one of the published parameters.
    """
    bound, settings = bind(verb, wb), verb.settings

    def published(request: gr.Request, *args: Any, **kwargs: Any) -> Any:
        try:
            user = user_of(request)
            if user is None:
                raise Forbidden("log in first")
            given = signature.bind(*args, **kwargs).arguments
            given = {name: value for name, value in given.items() if not (name in settings and value is None)}
            with wb.acting(user), timed(verb.name):
                result = as_json(bound(**given))  # the database's rows have keys that orjson refuses
        except TatorError as error:
            raise gr.Error(f"{error.code}: {error}", title=error.code, print_exception=False) from error
        return (
            json.dumps(result, ensure_ascii=False) if MCP in request.url.path else result
        )  # MCP would show Python's repr

    asking = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
    signature = _open_settings(inspect.signature(bound), settings)
    published.__name__ = published.__qualname__ = verb.name
    published.__doc__ = bound.__doc__
    published.__signature__ = signature.replace(parameters=[asking, *signature.parameters.values()])  # type: ignore[attr-defined]
    published.__annotations__ = {"request": gr.Request} | bound.__annotations__
    return published


def _open_settings(signature: inspect.Signature, settings: Collection[str]) -> inspect.Signature:
    """Return a signature whose settings are null by default.

    Clients send the defaults they were told of, and these would count instead of a saved recipe or the settings in force.
    """
    listed = signature.parameters.values()
    return signature.replace(parameters=[p.replace(default=None) if p.name in settings else p for p in listed])
