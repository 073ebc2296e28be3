"""Where files come from: a path on the server's machine, or an upload."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from tabs._parts.shell import Shell
from tabs._parts.theme import asset_url
from tator.types import BadInput

SERVER, UPLOAD = "server", "upload"
SOURCES = [("On this machine", SERVER), ("Upload", UPLOAD)]
MOUNT = """/* events: 'pick' */
const root = new URL((window.gradio_config?.root || document.baseURI).replace(/\\/*$/, "/"), document.baseURI);
import(new URL('{url}', root).href).then((upload) => upload.mount(element, (facts) => trigger('pick', facts)));
"""


@dataclass(frozen=True)
class Source:
    """Widgets that say where files come from.

    Attributes:
        kind: SERVER or UPLOAD.
        path: as the server sees it.
        box: the drop area.
        uploaded: {"id", "name"} of what was uploaded, empty before.
    """

    kind: gr.Radio
    path: gr.Textbox
    box: gr.HTML
    uploaded: gr.State

    @property
    def inputs(self) -> list:
        """Return what `chosen` reads, in its order."""
        return [self.kind, self.path, self.uploaded]


def kind(label: str, prefix: str) -> gr.Radio:
    """Draw the choice between this machine and an upload."""
    return gr.Radio(SOURCES, value=SERVER, label=label, elem_id=f"{prefix}-source")


def build(shell: Shell, chooser: gr.Radio, prefix: str, label: str, example: str) -> Source:
    """Draw the path and the drop area, of which the one that was chosen is seen.

    Args:
        shell: the window's frame.
        chooser: of `kind`.
        prefix: of the widgets' ids.
        label: of the path.
        example: of a path.
    """
    with gr.Column(visible=True, scale=3) as server:
        path = gr.Textbox(
            label=label, placeholder=example, info="Full path as the server sees it.", elem_id=f"{prefix}-path"
        )
    with gr.Column(visible=False, scale=3) as upload:
        box = gr.HTML(
            value="",
            elem_id=f"{prefix}-upload",
            apply_default_css=False,
            padding=False,
            container=False,
            js_on_load=MOUNT.replace("{url}", asset_url("window/upload.js")),
        )
    uploaded = gr.State({})
    shell.on(
        chooser.change,
        lambda chosen: (gr.update(visible=chosen == SERVER), gr.update(visible=chosen == UPLOAD)),
        chooser,
        [server, upload],
    )
    shell.on(box.pick, _uploaded, None, uploaded)
    return Source(chooser, path, box, uploaded)


def _uploaded(event: gr.EventData) -> dict[str, str]:
    return {key: str(event._data.get(key, "")) for key in ("id", "name")}


def chosen(kind: str, path: str, uploaded: dict) -> str:
    """Return the source that operations take: a path on the server or upload:<id>.

    Raises:
        BadInput: nothing is uploaded, or the path is empty.
    """
    if kind == UPLOAD and not uploaded.get("id"):
        raise BadInput("nothing is uploaded yet: drop a folder or a zip first")
    if kind == SERVER and not path.strip():
        raise BadInput("the path is empty; expected a folder or a file on this machine")
    return f"upload:{uploaded['id']}" if kind == UPLOAD else path.strip()
