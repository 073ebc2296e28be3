"""Counters for Prometheus: requests, operations, jobs, models, memory."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tator.storage.schema import job
from tator.types import TatorError
from tator.web.guards import bare
from tator.web.identity import LOOPBACK, Access
from tator.workbench import Workbench

REGISTRY = CollectorRegistry()  # one a process, as Prometheus counts processes
ProcessCollector(registry=REGISTRY)
REQUESTS = Counter("tator_requests_total", "Requests answered.", ["route", "status"], registry=REGISTRY)
REQUEST_S = Histogram("tator_request_seconds", "Time to answer a request.", ["route"], registry=REGISTRY)
OPERATION_S = Histogram(
    "tator_operation_seconds", "Time an operation took.", ["operation", "outcome"], registry=REGISTRY
)
OURS = {
    "media",
    "thumb",
    "tile",
    "crop",
    "assets",
    "upload",
    "export",
    "head",
    "beacon",
    "healthz",
    "metrics",
    "login",
    "logout",
    "config",
    "theme.css",
}
GRADIO = {"call", "run", "queue", "component_server", "upload", "mcp", "info", "heartbeat", "startup-events"}
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def route_of(path: str) -> str:
    """Return a request path's label.

    The set is fixed, so that paths cannot flood the metrics.
    """
    first, _, rest = path.lstrip("/").partition("/")
    second = rest.partition("/")[0]
    if first == "gradio_api":
        return f"/gradio_api/{second}" if second in GRADIO else "/gradio_api/other"
    return f"/{first}" if first in OURS or not first else "other"


class Measure:
    """Count and time every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its status and the time to the first byte."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, route = time.perf_counter(), route_of(scope["path"])

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(route, message["status"]).inc()
                REQUEST_S.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, send_noted)


@contextmanager
def timed(operation: str) -> Iterator[None]:
    """Note how long the operation inside the block took and how it ended."""
    began, outcome = time.perf_counter(), "bug"
    try:
        yield
        outcome = "ok"
    except TatorError as error:
        outcome = error.code
        raise
    finally:
        OPERATION_S.labels(operation, outcome).observe(time.perf_counter() - began)


def workbench_gauges(wb: Workbench) -> CollectorRegistry:
    """Return what the workbench holds now: jobs by state and loaded models."""
    registry = CollectorRegistry()
    jobs = Gauge("tator_jobs", "Jobs by state.", ["state"], registry=registry)
    with wb.store.read() as conn:
        for state, count in conn.execute(select(job.c.state, func.count()).group_by(job.c.state)):
            jobs.labels(state).set(count)
    models = Gauge("tator_loaded_models", "Loaded models.", registry=registry)
    models.set(len(wb.models.loaded()))
    return registry


def may_read(request: Request, access: Access) -> bool:
    """Return whether the caller holds the token, or sits on this machine.

    With a proxy between, nobody sits on this machine.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if access.metrics_token and kind.lower() == "bearer":
        return hmac.compare_digest(token.encode(), access.metrics_token.encode())
    local = request.client is not None and request.client.host in LOOPBACK
    direct = not any(name in request.headers for name in FORWARDED)
    return local and direct and bare(request.headers.get("host", "")) in LOOPBACK


def metrics(wb: Workbench, access: Access, request: Request) -> Response:
    """Answer the counters in Prometheus' text format."""
    if not may_read(request, access):
        return JSONResponse(
            {"ok": False, "code": "forbidden", "message": "needs the metrics token, or this machine"}, 403
        )
    return Response(generate_latest(REGISTRY) + generate_latest(workbench_gauges(wb)), media_type=CONTENT_TYPE_LATEST)
