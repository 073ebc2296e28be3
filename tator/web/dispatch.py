"""Run an operation for the canvas and always answer an envelope.

Gradio turns an exception of a server function into `undefined` in the browser, which is what a
broken connection looks like; so this is where an unforeseen error becomes an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import partial
from typing import Any

from anyio import to_thread

from tator.jobs.rows import as_json
from tator.ops import call
from tator.types import BadInput, Forbidden, TatorError
from tator.web.metrics import timed
from tator.workbench import Workbench

log = logging.getLogger("tator")


async def dispatch(wb: Workbench, allowed: Collection[str], message: Any, user: str | None) -> dict[str, Any]:
    """Run the operation a message names and return its envelope; never raises.

    Args:
        wb: the workbench.
        allowed: names of the operations this caller may use.
        message: {"m": operation, "p": {argument: value}}.
        user: who asks; None is a stranger where a login is needed.

    Returns:
        {"ok": True, "result"} or {"ok": False, "code", "message", "details"}.
    """
    try:
        result = await to_thread.run_sync(partial(answer, wb, allowed, message, user))
    except TatorError as error:
        return {"ok": False, "code": error.code, "message": str(error), "details": error.details}
    except Exception:
        log.exception("operation %s failed", message.get("m") if isinstance(message, dict) else "?")
        return {
            "ok": False,
            "code": "bug",
            "message": "this failed unexpectedly; the server's log says why",
            "details": {},
        }
    return {"ok": True, "result": result}


def answer(wb: Workbench, allowed: Collection[str], message: Any, user: str | None) -> Any:
    """Check a message and run its operation as the user.

    Raises:
        Forbidden: a stranger, or an operation that is not allowed here.
        BadInput: the message has another form.
    """
    if user is None:
        raise Forbidden("log in again: the server no longer knows this login")
    name, arguments = (message.get("m"), message.get("p", {})) if isinstance(message, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise BadInput('expected {"m": operation, "p": {argument: value}}')
    if name not in allowed:
        raise Forbidden(f"{name!r} cannot be called from here")
    with wb.acting(user), timed(name):
        return as_json(call(wb, name, **arguments))
