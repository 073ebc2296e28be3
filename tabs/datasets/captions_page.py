"""Captions of a dataset's images: edit them in place, read and write files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import sources
from tabs._parts import words as w
from tabs._parts.gallery import opener, pager, thumb
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.shell import Shell
from tabs.datasets.report_view import KINDS, kinds

PAGE = 20
LONGEST = 10_000
LISTED = 50  # lines of each kind of what an import has to say
SHOW = (("any", "All"), ("without", "Without"), ("with", "With"))
AT_FIRST = {"captions": "any", "page": 1, "search": "", "said": ""}


class Captions(Page):
    """The captions as a list to edit, and what reads and writes files of them."""

    name, title = "captions", "Captions"
    kinds = ("captions_import", "captions_export")

    def build(self) -> None:
        """Draw what reads and writes, and the list."""
        shell = self.shell
        with gr.Row(elem_classes="t-line"):
            chooser = sources.kind("Captions from", "captions")
            self._write = {
                "txt": gr.Button("Export .txt", elem_id="captions-txt", scale=0),
                "jsonl": gr.Button("Export JSONL", elem_id="captions-jsonl", scale=0),
            }
        with gr.Row(elem_classes="t-line"):
            example = "/data/harbour with text_labels/ or captions.jsonl"
            self._source = sources.build(shell, chooser, "captions", "Folder or zip", example)
            label = "Replace captions that are there"
            self._replace = gr.Checkbox(True, label=label, elem_id="captions-replace", scale=1)
            self._read = gr.Button("Read", variant="primary", elem_id="captions-read", scale=0)
        panel, shown = h.panel(elem_id="captions"), gr.State(AT_FIRST)
        self.outputs = [panel, shown, self._source.uploaded]
        shell.on(panel.pick, self._picked, [shell.dataset, shown], [panel, shown])

    def draw(self, dataset: str) -> tuple:
        """Return the first images; what is uploaded stays."""
        return draw(self.shell, dataset, AT_FIRST), AT_FIRST, gr.skip()

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start reading and writing as jobs of the tab."""
        panel.start(self._read.click, self._begin, [self.shell.dataset, self._replace, *self._source.inputs])
        for kind, button in self._write.items():
            panel.start(button.click, lambda dataset, kind=kind: self._export(dataset, kind), self.shell.dataset)

    def ended(self, end: End) -> Outcome:
        """Return what reading did, where this page is in sight; an upload is used up."""
        if end.kind != "captions_import" or not end.is_done or end.page != self.name:
            return Outcome()
        facts = AT_FIRST | {"said": end.job["id"]}
        return Outcome(dict(zip(self.outputs, (draw(self.shell, end.dataset, facts), facts, {}), strict=True)))

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = changed(self.shell, dataset, shown, dict(event._data))
        return draw(self.shell, dataset, shown), shown

    def _begin(self, dataset: str, replace: bool, *source: Any) -> str:
        facts = {"source": sources.chosen(*source), "replace": replace}
        return self.shell.call("captions_import", dataset=self.shell.require(dataset), **facts)

    def _export(self, dataset: str, kind: str) -> str:
        return self.shell.call("captions_export", dataset=self.shell.require(dataset), kind=kind)


def changed(shell: Shell, dataset: str, shown: dict, told: Mapping) -> dict:
    """Return which images are shown after a pick; a caption that was typed is stored."""
    act = told.get("act")
    if act == "turn":
        return shown | {"page": int(told["page"])}
    if act == "show":
        return shown | {"captions": str(told["captions"]), "page": 1}
    if act == "search":
        return shown | {"search": str(told.get("value", "")), "page": 1}
    if act == "hide":
        return shown | {"said": ""}
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
    search = h.field(
        shown["search"],
        "search",
        "boxed t-search",
        placeholder="Search names",
        aria_label="Search names",
    )
    views = [
        h.button(label, "show", "on" if key == shown["captions"] else "quiet", data_captions=key) for key, label in SHOW
    ]
    told = h.div(
        h.bar(said / n if n else 0, "ok" if said == n else ""),
        h.span(f"{said:,} of {w.plural(n, 'image')} have a caption", cls="t-note t-nowrap"),
        cls="t-row t-nowrap t-cover",
    )
    head = h.head(
        "Captions", told, h.div(views, cls="t-row t-nowrap"), search, pager(found["total"], shown["page"], PAGE)
    )
    rows = [_row(dataset, row) for row in found["images"]]
    return h.div(
        _said(shell, shown["said"]),
        head,
        h.table(["", "Image", "Caption"], rows, cls="t-captions")
        if rows
        else h.empty("No images", "No image matches the choice and the search above."),
    )


def _said(shell: Shell, job_id: str) -> h.Html | None:
    """Draw how many captions an import wrote, and each that fits no image."""
    if not job_id:
        return None
    result = shell.call("jobs_get", job_id=job_id)["result"]
    lost = sum(result["report"]["counts"]["dropped"].values())
    numbers = [f"{result['written']:,} of {w.plural(result['read'], 'caption')} written"]
    numbers += [f"{result['kept']:,} left as they were"] if result["kept"] else []
    numbers += [f"{lost:,} left out"] if lost else []
    report = result["report"] | {kind: result["report"][kind][:LISTED] for kind in KINDS}
    title = h.head("What was read", h.button("Hide", "hide", "quiet"))
    told = h.div(
        h.chip(numbers[0], "ok" if result["written"] else ""), [h.chip(each, "") for each in numbers[1:]], cls="t-row"
    )
    return h.div(title, told, kinds(report, 1), cls="t-stack t-report")


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
