"""What every request passes: host, origin and size checks, tokens, MCP logins.

Pure ASGI, so that Gradio's event streams pass through unbuffered.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tator.web.identity import Access, note_user

BODY_BYTES = 8 * 2**20  # a save of 2,000 edits is below 1 MB
STREAMED = ("/upload", "/gradio_api/upload")  # these count their own bytes
BEHIND_LOGIN = ("/gradio_api/mcp",)  # Gradio 6.31 leaves it open when auth is on


class TooLarge(Exception):
    """A body went over the limit while it was being read."""


class Guard:
    """Refuse what another site, a rebound name or a stranger may not send."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refusal = refusal_of(scope, self.access)
        if refusal is None:
            scope = signed_in(scope, self.access)
            refusal = stranger_at(scope)
        if refusal is not None:
            return await respond(refusal, scope, receive, send)
        started: list[Message] = []

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                harden(MutableHeaders(scope=message), self.access)
            await send(message)

        try:
            await self.app(scope, limited(scope, receive), send_marked)
        except TooLarge:
            if started:
                raise
            await respond((413, "too_large", f"the body is over {BODY_BYTES:,} bytes"), scope, receive, send)


def refusal_of(scope: Scope, access: Access) -> tuple[int, str, str] | None:
    """Return (status, code, message) of a request that must not be read, or None."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if access.hosts is not None and bare(host) not in access.hosts:
        return (
            403,
            "host",
            f"this server does not answer to the name {bare(host)!r}; start it with --allow-host {bare(host)}",
        )
    if is_foreign(scope, headers, access):
        return 403, "origin", "a page of another site may not call this server"
    length = headers.get("content-length", "0")
    if is_limited(scope) and (not length.isdigit() or int(length) > BODY_BYTES):
        return 413, "too_large", f"the body is over {BODY_BYTES:,} bytes"
    return None


def is_foreign(scope: Scope, headers: Headers, access: Access) -> bool:
    """Return whether a page of another site sent this.

    Gradio answers any Origin with credentials allowed unless it runs on localhost, so a foreign
    Origin is refused for reading too. Sec-Fetch-Site is written by the browser and beats the
    comparison of names, which a proxy in front can blur.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site is not None and (origin is not None or scope["method"] not in ("GET", "HEAD", "OPTIONS")):
        return site not in ("same-origin", "none")
    if origin is None:
        return False
    ours = {headers.get("host", "")}
    if access.proxied:
        ours.add(headers.get("x-forwarded-host", "").rpartition(",")[2].strip())
    return origin.partition("://")[2] not in ours - {""}


def bare(host: str) -> str:
    """Return a Host header's name, lower case and without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def is_limited(scope: Scope) -> bool:
    """Return whether the body limit holds for this request."""
    return scope["method"] not in ("GET", "HEAD") and scope["path"].rstrip("/") not in STREAMED


def limited(scope: Scope, receive: Receive) -> Receive:
    """Return `receive` that stops a body which grows over the limit.

    Its length may be undeclared.
    """
    if not is_limited(scope):
        return receive
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES:
            raise TooLarge
        return message

    return counted


def signed_in(scope: Scope, access: Access) -> Scope:
    """Return the scope with an API token exchanged for Gradio's login cookie."""
    connection = HTTPConnection(scope)
    alias = access.admit_token(connection)
    if alias is None:
        return scope
    cookie = f"access-token-unsecure-{connection.app.cookie_id}={alias}"
    others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": [*others, (b"cookie", cookie.encode())]}


def stranger_at(scope: Scope) -> tuple[int, str, str] | None:
    """Note who asks; return the refusal of a stranger where Gradio has none, or None."""
    if note_user(scope) is None and scope["path"].startswith(BEHIND_LOGIN):
        return 401, "login", "send Authorization: Bearer TOKEN; python -m tator add-user makes one"
    return None


def harden(headers: MutableHeaders, access: Access) -> None:
    """Add headers against content sniffing and framing by other sites."""
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("referrer-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    if not access.proxied:  # a Space shows the window in a frame of its own site
        headers.setdefault("content-security-policy", "frame-ancestors 'self'")


async def respond(refusal: tuple[int, str, str], scope: Scope, receive: Receive, send: Send) -> Any:
    """Send a refusal."""
    status, code, message = refusal
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    await JSONResponse({"ok": False, "code": code, "message": message}, status, headers)(scope, receive, send)
