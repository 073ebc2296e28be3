"""The form that brings images in: look first, then import.

It asks from where, into which dataset, and in which format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import gradio as gr

from tabs._parts import html as h
from tabs._parts import sources
from tabs._parts.shell import Choice, Shell

STORAGES = [("Leave images where they are", "linked"), ("Copy into the workspace", "managed")]
LINKED_HELP = "Linked images are only ever read: Tator never moves, changes or deletes them."
NEW = ("A new dataset", "")
ANY = ("Recognise it", "")


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
        name: of a new dataset.
        look: the button that shows what an import would do.
        start: the button that imports.
        into: dropdown of the datasets that may be added to.
        changes: events after which an earlier look no longer holds.
    """

    inputs: list
    name: gr.Textbox
    look: gr.Button
    start: gr.Button
    into: gr.Dropdown
    changes: list[Callable]


def build(shell: Shell) -> ImportForm:
    """Draw the form and wire its own parts."""
    gr.HTML(h.head("Import"), apply_default_css=False)
    place = sources.build(shell, sources.kind("Images from", "new"), "new", "Folder or zip", "/data/harbour")
    into = Choice([NEW], value="", label="Into", elem_id="new-into")
    with gr.Column(visible=True) as fresh:
        name = gr.Textbox(label="Name", placeholder="taken from the folder", max_length=200, elem_id="new-name")
        storage = gr.Radio(STORAGES, value="linked", label="Storage", info=LINKED_HELP, elem_id="new-storage")
    with_labels = gr.Checkbox(
        True, label="Read the labels too", info="Recognised by the content of the files.", elem_id="new-labels"
    )
    fmt = gr.Dropdown(formats(shell), value="", label="Format of the labels", elem_id="new-format")
    with gr.Row(elem_classes="t-line t-pair"):
        look = gr.Button("Look first", elem_id="new-look")
        start = gr.Button("Import", variant="primary", elem_id="new-start")

    def placed(kind: str, into: str) -> tuple:
        return gr.update(visible=not into), gr.update(visible=kind == sources.SERVER and not into)

    shell.on([place.kind.change, into.change], placed, [place.kind, into], [fresh, storage])
    shell.on(place.box.pick, _named, name, name)
    shell.on(shell.tab.select, lambda into: choices(shell, into), into, into)
    changes = [place.kind.input, place.path.input, into.input, fmt.input, with_labels.input, place.box.pick]
    inputs = [name, place.kind, place.path, storage, place.uploaded, with_labels, fmt, into]
    return ImportForm(inputs, name, look, start, into, changes)


def choices(shell: Shell, into: str = "") -> dict:
    """Return an update that lists the datasets that may be added to.

    What was chosen stays chosen while it is there.
    """
    names = shell.names()
    listed = gr.update(choices=[NEW, *((name, name) for name in names)])
    return listed if into in ("", *names) else listed | {"value": ""}


def formats(shell: Shell) -> list[tuple[str, str]]:
    """Return the formats that can be read, as dropdown choices."""
    return [ANY, *((row["label"], row["name"]) for row in shell.call("formats_list") if row["reads"])]


def _named(name: str, event: gr.EventData) -> str:
    return name or str(event._data.get("name", ""))


def asked(
    name: str, source: str, path: str, storage: str, uploaded: dict, with_labels: bool, fmt: str, into: str
) -> Asked:
    """Return what the form says.

    Raises:
        BadInput: it does not say where the images are.
    """
    place = sources.chosen(source, path, uploaded)
    stored = "managed" if source == sources.UPLOAD or path.strip().lower().endswith(".zip") else storage
    chosen = name.strip() or PurePath(path.strip()).stem or uploaded.get("name", "")
    return Asked(place, fmt or "", into or "", chosen, stored, with_labels)
