"""Captions of a dataset's images: how many have one, edit in place, read from files, write to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr

from tabs import _html as h
from tabs import _words as w
from tabs._gallery import opener, pager, thumb
from tabs._jobs import JobPanel
from tabs._shell import Shell

PAGE = 20
LONGEST = 10_000
SHOW = (("any", "All"), ("without", "Without"), ("with", "With"))
AT_FIRST = {"captions": "any", "page": 1, "search": ""}


@dataclass(frozen=True)
class Captions:
    """Widgets of the page.

    Attributes:
        panel: the list.
        shown: which images it shows.
        source: folder to read captions from.
        replace: write over those that are there.
        read: the button that reads.
        write: buttons that write, by kind of file.
    """

    panel: gr.HTML
    shown: gr.State
    source: gr.Textbox
    replace: gr.Checkbox
    read: gr.Button
    write: dict[str, gr.Button]


def build(shell: Shell) -> Captions:
    """Draw the page and wire its own parts."""
    panel = h.panel(elem_id="captions")
    shown = gr.State(AT_FIRST)
    with gr.Row(elem_classes="t-line"):
        source = gr.Textbox(
            label="Read captions from a folder",
            placeholder="/data/harbour with text_labels/ or captions.jsonl",
            elem_id="captions-source",
            scale=3,
        )
        replace = gr.Checkbox(True, label="Write over those that are there", elem_id="captions-replace", scale=1)
        read = gr.Button("Read", elem_id="captions-read", scale=0)
        write = {
            "txt": gr.Button("Export .txt", elem_id="captions-txt", scale=0),
            "jsonl": gr.Button("Export JSONL", elem_id="captions-jsonl", scale=0),
        }

    def picked(dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = changed(shell, dataset, shown, dict(event._data))
        return draw(shell, dataset, shown), shown

    shell.on(panel.pick, picked, [shell.dataset, shown], [panel, shown])
    return Captions(panel, shown, source, replace, read, write)


def wire(shell: Shell, jobs: JobPanel, page: Captions) -> None:
    """Start reading and writing as jobs of the tab."""

    def read(dataset: str, source: str, replace: bool) -> str:
        return shell.call("captions_import", dataset=shell.require(dataset), source=source.strip(), replace=replace)

    jobs.start(page.read.click, read, [shell.dataset, page.source, page.replace])
    for kind, button in page.write.items():
        jobs.start(
            button.click,
            lambda dataset, kind=kind: shell.call("captions_export", dataset=shell.require(dataset), kind=kind),
            shell.dataset,
        )


def changed(shell: Shell, dataset: str, shown: dict, told: Mapping) -> dict:
    """Return which images are shown after a pick; a caption that was typed is stored."""
    act = told.get("act")
    if act == "turn":
        return shown | {"page": int(told["page"])}
    if act == "show":
        return shown | {"captions": str(told["captions"]), "page": 1}
    if act == "search":
        return shown | {"search": str(told.get("value", "")), "page": 1}
    if act == "caption":
        shell.call(
            "datasets_text_label_set", dataset=dataset, image=str(told["image"]), caption=str(told.get("value", ""))
        )
    return shown


def draw(shell: Shell, dataset: str, shown: dict) -> h.Html:
    """Draw how many images have a caption, and a page of them to edit."""

    def count(captions: str) -> int:
        return shell.call("images_find", dataset=dataset, limit=1, captions=captions)["total"]

    found = shell.call(
        "images_find",
        dataset=dataset,
        offset=(shown["page"] - 1) * PAGE,
        limit=PAGE,
        captions=shown["captions"],
        search=shown["search"],
    )
    n, said = count("any"), count("with")
    search = h.el(
        "input",
        cls="t-field boxed t-search",
        value=shown["search"],
        placeholder="Search names",
        data_act="search",
        aria_label="Search names",
    )
    views = [
        h.button(label, "show", "on" if key == shown["captions"] else "quiet", data_captions=key) for key, label in SHOW
    ]
    told = h.div(
        h.bar(said / n if n else 0, "ok" if said == n else ""),
        h.span(f"{said:,} of {w.plural(n, 'image')} have one", cls="t-note t-nowrap"),
        cls="t-row t-nowrap t-cover",
    )
    head = h.head(
        "Captions", told, h.div(views, cls="t-row t-nowrap"), search, pager(found["total"], shown["page"], PAGE)
    )
    rows = [_row(dataset, row) for row in found["images"]]
    return h.div(
        head,
        h.table(["", "Image", "Caption"], rows, cls="t-captions")
        if rows
        else h.empty("No image", "No image fits what is shown."),
    )


def _row(dataset: str, row: dict) -> list:
    text = h.el(
        "textarea",
        row["caption"],
        cls="t-field boxed",
        rows=2,
        placeholder="none",
        data_act="caption",
        data_image=row["name"],
        maxlength=LONGEST,
        aria_label=f"Caption of {row['name']}",
    )
    return [thumb(row["id"]) if not row["problem"] else "", opener(dataset, row["id"], row["name"]), text]
