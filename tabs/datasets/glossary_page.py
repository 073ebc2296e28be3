"""The glossary of a dataset: other words for each class, and what it means.

Words can be pasted as text, and kept in a library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import pager
from tabs._parts.notices import tell_trashed
from tabs._parts.pages import Page
from tabs._parts.shell import IN_TURN, Choice, Shell
from tator.types import BadInput

PAGE = 40
PASTE = 'car: auto, vehicle, sedan\ntruck -> lorry, HGV\n\nor JSON: {"car": ["auto"]}'


class Words(Page):
    """The glossary as rows to edit in place, a box for pasted words, the library."""

    name, title = "words", "Words"

    def build(self) -> None:
        """Draw the rows, the box and the library."""
        shell, editor, page = self.shell, h.panel(elem_id="glossary"), gr.State(1)
        with gr.Row(elem_classes="t-line t-top"):
            with gr.Column(scale=3):
                _pasting(shell, editor, page)
            with gr.Column(scale=2):
                saved = _library(shell, editor, page)
        self.outputs = [editor, page, saved]
        shell.on(editor.pick, self._changed, [shell.dataset, page], [editor, page])

    def draw(self, dataset: str) -> tuple:
        """Return the first rows, and what is in the library."""
        return draw(self.shell, dataset, 1), 1, library(self.shell)

    def _changed(self, dataset: str, page: int, event: gr.EventData) -> tuple:
        told = dict(event._data)
        if told.get("act") == "turn":
            page = int(told["page"])
        elif told.get("act") in ("words", "meaning"):
            store(self.shell, dataset, edited(entries(self.shell, dataset), told))
        return draw(self.shell, dataset, page), page


def _pasting(shell: Shell, editor: gr.HTML, page: gr.State) -> None:
    """Draw the box for pasted words, and the button that restores the default words."""
    text = gr.Textbox(
        label="Paste words for classes", lines=4, max_lines=12, placeholder=PASTE, elem_id="glossary-text"
    )
    with gr.Row(elem_classes="t-line"):
        take = gr.Button("Use this text", elem_id="glossary-take", scale=0)
        default = gr.Button("Back to the class names", elem_id="glossary-default", scale=0)

    def taken(dataset: str, text: str) -> tuple:
        if not text.strip():
            raise BadInput("the text is empty; expected lines like 'truck: lorry, HGV' or JSON")
        shell.call("datasets_glossary_set", dataset=shell.require(dataset), text=text)
        return draw(shell, dataset, 1), 1, ""

    def reset(dataset: str) -> tuple:
        shell.call("datasets_glossary_set", dataset=shell.require(dataset), text="")
        return draw(shell, dataset, 1), 1

    shell.on(take.click, taken, [shell.dataset, text], [editor, page, text])
    shell.on(default.click, reset, shell.dataset, [editor, page])


def _library(shell: Shell, editor: gr.HTML, page: gr.State) -> gr.Dropdown:
    """Draw the library: use one here, save these words, delete one."""
    saved = Choice([], value=None, label="Library", elem_id="glossary-saved")
    with gr.Row(elem_classes="t-line"):
        load = gr.Button("Use it here", elem_id="glossary-load", scale=0)
        drop = gr.Button("Delete it", variant="stop", elem_id="glossary-drop", scale=0)
    name = gr.Textbox(label="Save these words as", max_length=100, elem_id="glossary-name")
    keep = gr.Button("Save in the library", elem_id="glossary-keep", scale=0)

    def loaded(dataset: str, name: str) -> tuple:
        store(shell, shell.require(dataset), shell.call("glossaries_get", name=name)["entries"])
        return draw(shell, dataset, 1), 1

    def kept(dataset: str, name: str) -> tuple:
        text = json.dumps(entries(shell, shell.require(dataset)), ensure_ascii=False)
        made = shell.call("glossaries_save", name=name, text=text)["name"]
        return library(shell) | {"value": made}, ""

    def dropped(name: str) -> dict:
        tell_trashed(shell.call("glossaries_delete", name=name)["deleted"])
        return library(shell) | {"value": None}

    shell.on(load.click, loaded, [shell.dataset, saved], [editor, page])
    shell.on(keep.click, kept, [shell.dataset, name], [saved, name], **IN_TURN)
    shell.on(drop.click, dropped, saved, saved)
    return saved


def entries(shell: Shell, dataset: str) -> list[dict]:
    """Return the entries of a dataset's glossary."""
    return shell.call("datasets_glossary_get", dataset=dataset)["entries"]


def store(shell: Shell, dataset: str, rows: list[dict]) -> None:
    """Store entries as the glossary of a dataset."""
    shell.call("datasets_glossary_set", dataset=dataset, text=json.dumps(rows, ensure_ascii=False))


def edited(rows: list[dict], told: Mapping) -> list[dict]:
    """Return the entries with one field of one of them replaced by what was typed."""
    at, value = int(told["row"]), str(told.get("value", ""))
    terms = [term.strip() for term in value.replace("\n", ",").split(",") if term.strip()]
    new = {"synonyms": terms} if told["act"] == "words" else {"description": value.strip()}
    return [row | new if i == at else row for i, row in enumerate(rows)]


def library(shell: Shell) -> dict:
    """Return an update that lists the library; what was chosen stays chosen."""
    rows = shell.call("glossaries_list")
    names = [
        (
            f"{row['name']} · {w.plural(row['classes'], 'class', 'classes')}, {w.plural(row['terms'], 'word')}",
            row["name"],
        )
        for row in rows
    ]
    return gr.update(choices=names)


def draw(shell: Shell, dataset: str, page: int) -> h.Html:
    """Draw the glossary as rows that can be edited in place."""
    told = shell.call("datasets_glossary_get", dataset=dataset)
    known = {row["name"]: row["color"] for row in shell.call("datasets_get", dataset=dataset)["classes"]}
    first = (page - 1) * PAGE
    rows = [_row(i, row, known) for i, row in enumerate(told["entries"])][first : first + PAGE]
    how = h.chip("made from the class names") if told["is_default"] else h.chip("your own", "accent")
    head = h.head("Words for the classes", how, pager(len(told["entries"]), page, PAGE))
    note = h.div(
        "Prompts, imports and captions use these words for the class. Separate them with commas.", cls="t-note t-below"
    )
    if not rows:
        return h.div(head, h.empty("No classes yet", "Add classes first; their words are edited here."))
    return h.div(head, note, h.table(["Class", "Other words", "What it is"], rows, cls="t-words"))


def _row(at: int, row: dict, known: Mapping[str, str]) -> list:
    name = row["class"]
    swatch = (
        h.el("i", cls="t-swatch", style=f"background:{known[name]}")
        if name in known
        else h.chip("no such class", "warn")
    )
    words = h.field(
        ", ".join(row["synonyms"]),
        "words",
        placeholder="none",
        data_row=at,
        aria_label=f"Other words for {name}",
    )
    told = h.field(
        row["description"],
        "meaning",
        placeholder="none",
        data_row=at,
        aria_label=f"What {name} is",
        maxlength=1000,
    )
    return [h.span(swatch, h.el("b", name), cls="t-nowrap"), words, told]
