"""Who is asking: the login that Gradio keeps in a cookie, or an API token."""

from __future__ import annotations

import functools
import inspect
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from tator.types import TatorError
from tator.web.accounts import Accounts
from tator.workbench import Workbench

STATUS = {"bad_input": 400, "forbidden": 403, "not_found": 404, "conflict": 409, "unavailable": 503}
USER = "tator.user"  # key of the request's scope
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(frozen=True)
class Access:
    """Who may reach this server, and how.

    Attributes:
        accounts: logins; None where nobody has to log in.
        metrics_token: opens /metrics to other machines; "" leaves it to loopback.
        hosts: names the server answers to, None for any. Set where a server without logins
            listens on loopback: a foreign name there is a rebound DNS entry.
        proxied: a share link or a Space stands in front and names the public host.
        upload_bytes: largest upload in all.
    """

    accounts: Accounts | None = None
    metrics_token: str = ""
    hosts: frozenset[str] | None = LOOPBACK
    proxied: bool = False
    upload_bytes: int = 50 * 2**30
    _aliases: dict[str, str] = field(default_factory=dict, repr=False)

    def admit_token(self, connection: HTTPConnection) -> str | None:
        """Return a Gradio login token for the Authorization header's API token, or None."""
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        name = self.accounts.of_token(token) if self.accounts and kind.lower() == "bearer" else None
        if name is None:
            return None
        alias = self._aliases.setdefault(name, secrets.token_urlsafe(24))
        connection.app.tokens[alias] = name
        return alias


def note_user(scope: Scope) -> str | None:
    """Read the login from the cookie and keep it in the scope.

    Mounted apps such as MCP find it there too.
    """
    connection = HTTPConnection(scope)
    app, user = connection.app, ""
    if getattr(app, "auth", None) is not None:
        names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
        user = app.tokens.get(next((connection.cookies[name] for name in names if name in connection.cookies), None))
    scope[USER] = user
    return user


def user_of(connection: Any) -> str | None:
    """Return the login name, "" without logins, None for a stranger.

    Args:
        connection: request of Starlette or Gradio that passed the guard; any other is a stranger's.
    """
    plain = getattr(connection, "request", None) or connection
    return getattr(plain, "scope", {}).get(USER)


def refused(error: TatorError) -> JSONResponse:
    """Return an error as a response with the status that fits its code."""
    body = {"ok": False, "code": error.code, "message": str(error), "details": error.details}
    return JSONResponse(body, STATUS.get(error.code, 400))


def for_users(wb: Workbench, answer: Callable[[Workbench, Request], Any]) -> Callable:
    """Return an endpoint that requires a login, acts as that user, words refusals.

    Args:
        wb: the workbench.
        answer: `fn(wb, request) -> Response`; a plain function runs in a thread.
    """

    @functools.wraps(answer)
    async def endpoint(request: Request) -> Response:
        user = user_of(request)
        if user is None:
            return JSONResponse({"ok": False, "code": "login", "message": "log in first"}, 401)
        try:
            with wb.acting(user):
                if inspect.iscoroutinefunction(answer):
                    return await answer(wb, request)
                return await run_in_threadpool(answer, wb, request)
        except TatorError as error:
            return refused(error)

    return endpoint
