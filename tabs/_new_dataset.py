"""The form that makes a dataset: from a folder of this machine, or from an upload."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import gradio as gr

from tabs import _html as h
from tabs._shell import Shell
from tabs._theme import asset_url
from tator.types import BadInput

SERVER, UPLOAD = "server", "upload"
SOURCES = [("Folder on this machine", SERVER), ("Upload", UPLOAD)]
STORAGES = [("Leave images where they are", "linked"), ("Copy into the workspace", "managed")]
LINKED_HELP = "Linked images are only ever read: Tator never moves, changes or deletes them."
MOUNT = """/* events: 'pick' */
const root = new URL((window.gradio_config?.root || document.baseURI).replace(/\\/*$/, "/"), document.baseURI);
import(new URL('{url}', root).href).then((upload) => upload.mount(element, (facts) => trigger('pick', facts)));
"""


@dataclass(frozen=True)
class NewDataset:
    """Widgets of the form.

    Attributes:
        inputs: what `create` reads, in its order.
        start: the button.
    """

    inputs: list
    start: gr.Button


def build(shell: Shell) -> NewDataset:
    """Draw the form and wire its own parts."""
    gr.HTML(h.head("New dataset"), apply_default_css=False)
    source = gr.Radio(SOURCES, value=SERVER, label="Images from", elem_id="new-source")
    with gr.Column(visible=True) as server:
        path = gr.Textbox(label="Folder or zip", placeholder="/data/harbour", info="Full path as the server sees it.", elem_id="new-path")
        storage = gr.Radio(STORAGES, value="linked", label="Storage", info=LINKED_HELP, elem_id="new-storage")
    with gr.Column(visible=False) as upload:
        box = uploader()
    name = gr.Textbox(label="Name", placeholder="taken from the folder", max_length=200, elem_id="new-name")
    with_labels = gr.Checkbox(True, label="Read the labels too", info="YOLO text files or COCO JSON beside the images.", elem_id="new-labels")
    start = gr.Button("Create dataset", variant="primary", elem_id="new-start")
    uploaded = gr.State({})
    shell.on(source.change, lambda chosen: (gr.update(visible=chosen == SERVER), gr.update(visible=chosen == UPLOAD)), source, [server, upload])
    shell.on(box.pick, _uploaded, name, [uploaded, name])
    return NewDataset([name, source, path, storage, uploaded, with_labels], start)


def uploader(elem_id: str = "new-upload") -> gr.HTML:
    """Return the drop area; it posts file by file and keeps sub-folders."""
    return gr.HTML(value="", elem_id=elem_id, apply_default_css=False, padding=False, container=False,
                   js_on_load=MOUNT.replace("{url}", asset_url("window/upload.js")))


def _uploaded(name: str, event: gr.EventData) -> tuple[dict, str]:
    facts = event._data
    return {"id": str(facts.get("id", "")), "name": str(facts.get("name", ""))}, name or str(facts.get("name", ""))


def creator(shell: Shell) -> Callable[..., str]:
    """Return the listener that starts the import and answers its job id."""
    def create(name: str, source: str, path: str, storage: str, uploaded: dict, with_labels: bool) -> str:
        if source == UPLOAD and not uploaded.get("id"):
            raise BadInput("nothing is uploaded yet: drop a folder or a zip first")
        if source == SERVER and not path.strip():
            raise BadInput("the path is empty; expected a folder or a zip on this machine")
        place = f"upload:{uploaded['id']}" if source == UPLOAD else path.strip()
        stored = "managed" if source == UPLOAD else storage
        chosen = name.strip() or PurePath(path.strip()).stem or uploaded.get("name", "")
        return shell.call("datasets_create", name=chosen, source=place, storage=stored, with_labels=with_labels)

    return create
