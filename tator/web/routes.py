"""The routes around the window, and the guards in front of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tator.types import BadInput
from tator.web.dispatch import dispatch
from tator.web.guards import Guard
from tator.web.identity import LOOPBACK, STATUS, Access, for_users, user_of
from tator.web.media import ASSETS, asset, assets_url, assets_version, crop_of, media, thumb, tile
from tator.web.metrics import Measure, metrics
from tator.web.transfers import export, run
from tator.web.uploads import Uploads, upload_state
from tator.workbench import Workbench

__all__ = ["ASSETS", "LOOPBACK", "Access", "app_kwargs", "assets_url", "assets_version", "dispatch", "user_of"]


def app_kwargs(wb: Workbench, access: Access) -> dict[str, Any]:
    """Return what `launch(app_kwargs=...)` takes.

    Our routes come before Gradio's, our guards around all.
    """
    return {"routes": routes(wb, access), "middleware": [Middleware(Measure), Middleware(Guard, access=access)]}


def routes(wb: Workbench, access: Access) -> list[Route]:
    """Return the routes.

    All but health and metrics require a login where there are logins.
    """
    uploads = Uploads(access.upload_bytes)

    def for_reading(path: str, answer: Callable[[Workbench, Request], Any]) -> Route:
        return Route(path, for_users(wb, answer), methods=["GET"])

    return [
        Route("/healthz", healthz),
        Route("/metrics", partial(metrics, wb, access)),
        for_reading("/media/{image_id:int}", media),
        for_reading("/thumb/{image_id:int}", thumb),
        for_reading("/tile/{image_id:int}/{level:int}/{x:int}/{y:int}", tile),
        for_reading("/crop/{annotation_id}", crop_of),
        for_reading("/assets/{version}/{path:path}", asset),
        for_reading("/export/{name}", export),
        for_reading("/head/{name}", run),
        for_reading("/run/{family}/{name}", run),
        for_reading("/upload", upload_state),
        Route("/upload", for_users(wb, uploads.take), methods=["POST"]),
        Route("/upload", for_users(wb, uploads.discard), methods=["DELETE"]),
        Route("/beacon", for_users(wb, beacon), methods=["POST"]),
    ]


def healthz(request: Request) -> Response:
    """Answer that the server runs; touches nothing."""
    return JSONResponse({"ok": True})


async def beacon(wb: Workbench, request: Request) -> Response:
    """Save what a closing page still held.

    The body holds the arguments of annotations_save as JSON, of any content type.

    Raises:
        BadInput: the body is not a JSON object.
    """
    try:
        arguments = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is not JSON; expected the arguments of annotations_save") from error
    if isinstance(arguments, dict) and isinstance(arguments.get("edits"), list):
        arguments["edits"] = json.dumps(arguments["edits"])
    outcome = await dispatch(wb, {"annotations_save"}, {"m": "annotations_save", "p": arguments}, wb.user)
    return JSONResponse(outcome, 200 if outcome["ok"] else STATUS.get(outcome["code"], 500))
