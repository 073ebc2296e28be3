"""Labels alone: label files brought onto images that a dataset has already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import sources
from tabs._parts import words as w
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.shell import Shell
from tabs.datasets import import_preview
from tabs.datasets.report_view import KINDS, kinds

LISTED = 50  # lines of each kind of what was read
STATUSES = [("Labels", "accepted"), ("Candidates to decide about", "candidate")]
EXISTING = [("Keep them beside", "keep"), ("Replace them", "replace"), ("Skip such images", "skip")]


class Labels(Page):
    """A look at label files, and their import onto the dataset's images."""

    name, title = "labels", "Labels"
    kinds = ("labels_import", "labels_preview")

    def build(self) -> None:
        """Draw what reads, and the panel of what was found."""
        shell = self.shell
        with gr.Row(elem_classes="t-line"):
            chooser = sources.kind("Label files from", "labels")
            self._status = gr.Dropdown(STATUSES, value="accepted", label="Read as", elem_id="labels-status", scale=2)
            told = "Of images that have labels already. A snapshot is taken first."
            self._existing = gr.Dropdown(
                EXISTING, value="keep", label="Existing labels", info=told, elem_id="labels-existing", scale=2
            )
            info = "The same name again replaces its candidates."
            told = "Text=instead, a line each: _gt= takes _gt off what the files call an image."
            self._renames = gr.Textbox(
                label="Names in the files", info=told, lines=1, max_lines=6, elem_id="labels-renames", scale=2
            )
            self._named = gr.Textbox(
                "labels", label="Name of the candidates", info=info, max_length=80, visible=False, elem_id="labels-name"
            )
        with gr.Row(elem_classes="t-line"):
            example = "/data/labels of another tool"
            self._source = sources.build(shell, chooser, "labels", "Folder or zip of label files", example)
            self._look = gr.Button("Look first", elem_id="labels-look", scale=0)
            self._read = gr.Button("Import labels", variant="primary", elem_id="labels-read", scale=0)
        shell.on(
            self._status.change,
            lambda status: (gr.update(visible=status == "candidate"), gr.update(visible=status == "accepted")),
            self._status,
            [self._named, self._existing],
        )
        self._panel = h.panel(elem_id="labels-found")
        self.outputs = [self._panel, self._source.uploaded]
        self._looked = gr.State({})
        self.answers = [self._looked]
        shell.on(self._panel.pick, self._picked, self._looked, [self._panel, self._looked])

    def draw(self, dataset: str) -> tuple:
        """Return an empty panel; what is uploaded stays."""
        return h.Html(""), gr.skip()

    def _picked(self, looked: dict, event: gr.EventData) -> tuple:
        """Change what a class becomes, or turn a page."""
        looked = import_preview.changed(self.shell, looked, dict(event._data))
        return (draw(self.shell, looked["job"], looked), looked) if looked else (h.Html(""), {})

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start looks and imports as jobs of the tab."""
        asked = [self.shell.dataset, self._status, self._renames, *self._source.inputs]
        panel.start(self._look.click, self._begin_look, asked)
        panel.start(self._read.click, self._begin, [*asked, self._existing, self._named, self._looked])

    def ended(self, end: End) -> Outcome:
        """Return what a look or an import found, where this page is in sight."""
        if not end.is_done or end.page != self.name or end.kind not in self.kinds:
            return Outcome(redraws=end.kind == "labels_import")
        held = import_preview.opened(end.job["id"])
        shown: dict = {self._panel: draw(self.shell, end.job["id"], held)}
        if end.kind == "labels_preview":
            return Outcome(shown | {self._looked: held}, redraws=False)
        return Outcome(shown | {self._source.uploaded: {}, self._looked: {}})

    def _begin_look(self, dataset: str, status: str, renames: str, *source: Any) -> str:
        facts = {"source": sources.chosen(*source), "status": status, "renames": _rules(renames)}
        return self.shell.call("labels_preview", dataset=self.shell.require(dataset), **facts)

    def _begin(self, dataset: str, status: str, renames: str, kind: str, path: str, uploaded: dict, *rest: Any) -> str:
        existing, named, looked = rest
        source = sources.chosen(kind, path, uploaded)
        facts = {"source": source, "status": status, "existing": existing, "source_name": named.strip() or "labels"}
        into = self.shell.require(dataset)
        facts["renames"] = _rules(renames)
        mapping = import_preview.agreed(self.shell, looked, source, into)
        return self.shell.call("labels_import", dataset=into, mapping=mapping, **facts)


def _rules(renames: str) -> list[str]:
    return [line for line in renames.splitlines() if line.strip()]


def draw(shell: Shell, job_id: str, looked: dict) -> h.Html:
    """Draw what a look at label files found, or what their import did.

    Args:
        shell: of the window.
        job_id: of the look or the import.
        looked: what a person changed in the look; see import_preview.opened.
    """
    job = shell.call("jobs_get", job_id=job_id)
    into = job["arguments"]["dataset"]
    result = job["result"]
    is_look = job["kind"] == "labels_preview"
    report = result["report"] | {kind: result["report"][kind][:LISTED] for kind in KINDS}
    return h.div(
        h.head("What would be read" if is_look else "What was read"),
        h.div([h.chip(text, tone) for text, tone in _numbers(result, is_look)], cls="t-row"),
        _unmatched(result["matched"]),
        import_preview.classes_table(result["classes"], looked, _ours(shell, into), into) if is_look else None,
        kinds(report, looked["report_page"]),
        cls="t-stack t-report",
    )


def _numbers(result: dict, is_look: bool) -> Sequence[tuple[str, str]]:
    """Return (words, tone) of each number worth a chip."""
    found = result["matched"]
    numbers = [(f"{w.plural(result['annotations'], 'label')} of {w.plural(found['images'], 'image')}", "ok")]
    numbers += [(f"{found['exact']:,} by path", ""), (f"{found['by_name']:,} by name only", "")]
    numbers += [(f"{found['ambiguous']:,} fit several images", "warn")] if found["ambiguous"] else []
    numbers += [(f"{found['not_found']:,} fit no image", "warn")] if found["not_found"] else []
    if is_look:
        occupied = result["occupied"]
        return numbers + ([(f"{w.plural(occupied, 'image')} with labels already", "")] if occupied else [])
    told = {"removed": "replaced", "repeated": "there already", "skipped": "images skipped"}
    numbers += [(f"{result[key]:,} {words}", "") for key, words in told.items() if result[key]]
    return [*numbers, (f"snapshot: {result['snapshot']}", "")]


def _unmatched(found: dict) -> h.Html | None:
    """Draw the label files that fit several images, and those that fit none."""
    rows = [[each["file"], ", ".join(each["images"])] for each in found["ambiguous_files"]]
    rows += [[file, "no image of this name"] for file in found["not_found_files"]]
    return h.table(["Not matched", "Images"], rows) if rows else None


def _ours(shell: Shell, dataset: str) -> list[str]:
    return [row["name"] for row in shell.call("datasets_get", dataset=dataset)["classes"]]
