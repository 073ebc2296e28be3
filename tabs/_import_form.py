"""The form that brings images in: from where, into which dataset, read as what; look first, then import."""

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
SOURCES = [("On this machine", SERVER), ("Upload", UPLOAD)]
STORAGES = [("Leave images where they are", "linked"), ("Copy into the workspace", "managed")]
LINKED_HELP = "Linked images are only ever read: Tator never moves, changes or deletes them."
NEW = ("A new dataset", "")
ANY = ("Recognise it", "")
EACH = "multiple"  # an upload tells that it began, then that it ended: Gradio would drop the second while the first runs
MOUNT = """/* events: 'pick' */
const root = new URL((window.gradio_config?.root || document.baseURI).replace(/\\/*$/, "/"), document.baseURI);
import(new URL('{url}', root).href).then((upload) => upload.mount(element, (facts) => trigger('pick', facts)));
"""


@dataclass(frozen=True)
class Asked:
    """What the form says.

    Attributes:
        source: path on the server or upload:<id>.
        format: of the labels, "" to recognise it.
        into: dataset that is added to, "" for a new one.
        name: of a new dataset.
        storage: linked or managed.
        with_labels: read the labels too.
    """

    source: str
    format: str
    into: str
    name: str
    storage: str
    with_labels: bool


@dataclass(frozen=True)
class ImportForm:
    """Widgets of the form.

    Attributes:
        inputs: what `asked` reads, in its order.
        look: the button that shows what an import would do.
        start: the button that imports.
        into: dropdown of the datasets that may be added to.
        changes: events after which an earlier look no longer holds.
    """

    inputs: list
    look: gr.Button
    start: gr.Button
    into: gr.Dropdown
    changes: list[Callable]


def build(shell: Shell) -> ImportForm:
    """Draw the form and wire its own parts."""
    gr.HTML(h.head("Import"), apply_default_css=False)
    source = gr.Radio(SOURCES, value=SERVER, label="Images from", elem_id="new-source")
    with gr.Column(visible=True) as server:
        path = gr.Textbox(
            label="Folder or zip",
            placeholder="/data/harbour",
            info="Full path as the server sees it.",
            elem_id="new-path",
        )
    with gr.Column(visible=False) as upload:
        box = uploader()
    into = gr.Dropdown([NEW], value="", label="Into", elem_id="new-into")
    with gr.Column(visible=True) as fresh:
        name = gr.Textbox(label="Name", placeholder="taken from the folder", max_length=200, elem_id="new-name")
        storage = gr.Radio(STORAGES, value="linked", label="Storage", info=LINKED_HELP, elem_id="new-storage")
    with_labels = gr.Checkbox(
        True, label="Read the labels too", info="Recognised by what is in the files.", elem_id="new-labels"
    )
    fmt = gr.Dropdown(formats(shell), value="", label="Format of the labels", elem_id="new-format")
    with gr.Row(elem_classes="t-line t-pair"):
        look = gr.Button("Look first", elem_id="new-look")
        start = gr.Button("Import", variant="primary", elem_id="new-start")
    uploaded = gr.State({})

    def placed(chosen: str, into: str) -> tuple:
        return (
            gr.update(visible=chosen == SERVER),
            gr.update(visible=chosen == UPLOAD),
            gr.update(visible=chosen == SERVER and not into),
        )

    shell.on(source.change, placed, [source, into], [server, upload, storage])
    shell.on(
        into.change,
        lambda into, chosen: (gr.update(visible=not into), gr.update(visible=chosen == SERVER)),
        [into, source],
        [fresh, storage],
    )
    shell.on(box.pick, _uploaded, name, [uploaded, name], trigger_mode=EACH)
    shell.on(shell.tab.select, lambda into: choices(shell, into), into, into)
    changes = [source.input, path.input, into.input, fmt.input, with_labels.input, box.pick]
    return ImportForm([name, source, path, storage, uploaded, with_labels, fmt, into], look, start, into, changes)


def choices(shell: Shell, into: str = "") -> dict:
    """Return the dropdown of datasets that may be added to, as they stand."""
    names = shell.names()
    return gr.update(choices=[NEW, *((name, name) for name in names)], value=into if into in names else "")


def formats(shell: Shell) -> list[tuple[str, str]]:
    """Return the formats that can be read, as dropdown choices."""
    return [ANY, *((row["label"], row["name"]) for row in shell.call("formats_list") if row["reads"])]


def uploader(elem_id: str = "new-upload") -> gr.HTML:
    """Return the drop area; it posts file by file and keeps sub-folders."""
    return gr.HTML(
        value="",
        elem_id=elem_id,
        apply_default_css=False,
        padding=False,
        container=False,
        js_on_load=MOUNT.replace("{url}", asset_url("window/upload.js")),
    )


def _uploaded(name: str, event: gr.EventData) -> tuple[dict, str]:
    facts = event._data
    return {"id": str(facts.get("id", "")), "name": str(facts.get("name", ""))}, name or str(facts.get("name", ""))


def asked(
    name: str, source: str, path: str, storage: str, uploaded: dict, with_labels: bool, fmt: str, into: str
) -> Asked:
    """Return what the form says.

    Raises:
        BadInput: it does not say where the images are.
    """
    if source == UPLOAD and not uploaded.get("id"):
        raise BadInput("nothing is uploaded yet: drop a folder or a zip first")
    if source == SERVER and not path.strip():
        raise BadInput("the path is empty; expected a folder or a zip on this machine")
    place = f"upload:{uploaded['id']}" if source == UPLOAD else path.strip()
    stored = "managed" if source == UPLOAD or path.strip().lower().endswith(".zip") else storage
    chosen = name.strip() or PurePath(path.strip()).stem or uploaded.get("name", "")
    return Asked(place, fmt or "", into or "", chosen, stored, with_labels)
