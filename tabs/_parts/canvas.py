"""The annotation canvas as a Gradio component.

The page runs assets/canvas; the server answers it with operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from starlette.requests import Request

from tator.web.routes import assets_url, dispatch, user_of
from tator.workbench import Workbench

ALLOWED = frozenset(
    {  # what the page may call, and nothing else
        "datasets_get",
        "images_list",
        "images_next",
        "images_position",
        "image_open",
        "image_pyramid",
        "image_lease",
        "annotations_save",
        "annotations_undo",
        "annotations_redo",
        "class_add",
        "class_rename",
        "class_skeleton",
        "class_recolor",
        "segment",
        "tweak_boxes",
        "classify_boxes",
        "find",
        "mask_to_polygons",
        "models_list",
        "heads_active",
        "candidates_sources",
        "review_orders_list",
        "review_queue",
        "review_progress",
        "review_decide",
        "review_decide_all",
        "review_undo",
        "slots_preload",
        "slots_status",
    }
)

# Quoted names are the events a listener may be given; Gradio reads them in this text. The root of the app is
# asked of Gradio, because the page's own address lacks the last slash behind some proxies.
MOUNT = """/* events: 'opened' */
const root = new URL((window.gradio_config?.root || document.baseURI).replace(/\\/*$/, "/"), document.baseURI);
import(new URL("%s/canvas/main.js", root).href)
  .then((canvas) => canvas.mount({ element, trigger, props, server, upload, watch }))
  .catch((error) => { element.textContent = "The canvas could not start: " + error.message; console.error(error); });
"""


class AnnotatorCanvas(gr.HTML):
    """The canvas as a component whose value is {"dataset": name}.

    Images and annotations travel by rpc alone.
    """

    def __init__(
        self, value: dict[str, str] | None = None, *, server_functions: list[Callable] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            value=value or {"dataset": ""},
            server_functions=server_functions,
            html_template='<div class="tc-loading"></div>',
            js_on_load=MOUNT % assets_url(),
            apply_default_css=False,
            container=False,
            padding=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> Any:
        """Return what the browser holds, as it is."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """Return the value, as it is."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        return {"type": "object"}


def canvas(wb: Workbench, **facts: Any) -> AnnotatorCanvas:
    """Draw a canvas whose page may call the operations of ALLOWED.

    Args:
        wb: the running product.
        facts: further arguments of the component, such as elem_id.
    """

    async def rpc(message: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return await dispatch(wb, ALLOWED, message, asker(request))

    return AnnotatorCanvas(server_functions=[rpc], **facts)


def asker(request: Any) -> str | None:
    """Return the login name of who asks: "" without logins, None for a stranger.

    A server function gets the bare Starlette request, whatever its annotation says.
    """
    return user_of(request if isinstance(request, Request) else request.request)
