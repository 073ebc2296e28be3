"""The runs of a family: a list, the chosen one's report, and what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import run_views, sources
from tabs._parts.jobs import JobPanel
from tabs._parts.notices import tell_trashed
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.run_views import Figure
from tabs._parts.shell import Shell

IMPORT = "runs_import"
AT_FIRST = {"name": "", "ask": ""}  # the chosen run, "" for the active or newest one; what is asked about it
ASKED = ("rename", "again", "delete")


@dataclass(frozen=True)
class Shelf:
    """What a tab says of the runs that it shows.

    Attributes:
        family: which, from runs_families.
        figures: columns of the list.
        report: draws a run, as runs_get answers it, below its name.
        acts: what further buttons of the report do before it is drawn anew, by act; each is given what the button tells.
    """

    family: str
    figures: Sequence[Figure] = ()
    report: Callable[[dict], h.Html] = run_views.settled
    acts: Mapping[str, Callable[[dict], None]] = field(default_factory=dict)


class Runs(Page):
    """The panel of a family's runs.

    Args:
        shell: the window's frame.
        shelf: what is shown of them.
        before: draws what to do while there is no run, for the name of the open dataset.

    Attributes:
        list: panel that lists the runs; a pick names one.
        view: panel that shows one; buttons of its report pick too.
    """

    list: gr.HTML
    view: gr.HTML

    title = "Runs"

    def __init__(self, shell: Shell, shelf: Shelf, before: Callable[[str], h.Html]) -> None:
        super().__init__(shell)
        rows = shell.call("runs_families")
        self.family = next(row for row in rows if row["family"] == shelf.family)
        self.shelf, self._before = shelf, before
        self._id = shelf.family.replace("_", "-")
        self.name = f"{self._id}-page"
        self.kinds = (self.family["train"], IMPORT)

    def build(self) -> None:
        """Draw the report, the list and the import form, and wire the panels."""
        shell = self.shell
        self.view, self.list = h.panel(elem_id=f"{self._id}-run"), h.panel(elem_id=f"{self._id}-list")
        self._shown = gr.State(AT_FIRST)
        known, panels = [shell.dataset, self._shown], [self.view, self.list]
        self.reads, self.answers = [self._shown], [*panels, self._shown]
        self._importing = self._import_form() if can_be_imported(self.family) else None
        for panel in panels:
            shell.on(panel.pick, self._picked, known, self.answers)
        shell.on([shell.tab.select, shell.dataset.change], self.drawn, known, panels)

    def _import_form(self) -> tuple[sources.Source, gr.Textbox, gr.Button]:
        prefix, one = f"{self._id}-import", self.family["one"]
        with gr.Accordion(f"Import a {one}", open=False):
            chooser = sources.kind("From", prefix)
            with gr.Row(elem_classes="t-line"):
                example = f"/data/{one.replace(' ', '-')}.zip"
                place = sources.build(self.shell, chooser, prefix, "Folder or zip", example)
                facts: dict[str, Any] = {"label": "Name", "placeholder": "as the file's", "max_length": 80, "scale": 2}
                name = gr.Textbox(elem_id=f"{prefix}-name", **facts)
                start = gr.Button("Import", elem_id=f"{prefix}-start", scale=0)
        return place, name, start

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start imports and further trainings as jobs of the tab."""
        again = panel.start(self.view.begin, self._train_again)
        self.shell.on(again.success, self._closed, [self.shell.dataset, self._shown], self.answers)
        if self._importing:
            place, name, start = self._importing
            panel.start(start.click, self._import, [name, *place.inputs])

    def _train_again(self, event: gr.EventData) -> str:
        names = {"name": event._data["name"], "new_name": event._data.get("value", "")}
        return self.shell.call("runs_train_again", family=self.shelf.family, **names)["job"]

    def _import(self, name: str, kind: str, path: str, uploaded: dict) -> str:
        source = sources.chosen(kind, path, uploaded)
        return self.shell.call(IMPORT, family=self.shelf.family, source=source, name=name)

    def ended(self, end: End) -> Outcome:
        """Return the panel with the run that a job made, or as it was where none was made."""
        shown = end.values[self._shown]
        if end.is_done:
            named = end.job["result"] if end.kind == IMPORT else end.job["arguments"]
            shown = AT_FIRST | {"name": named.get("name", "")}
        return Outcome(dict(zip(self.answers, (*self.drawn(end.dataset, shown), shown), strict=True)))

    def _closed(self, dataset: str, shown: dict) -> tuple:
        shown = shown | {"ask": ""}
        return (*self.drawn(dataset, shown), shown)

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = self.changed(shown, dict(event._data))
        return (*self.drawn(dataset, shown), shown)

    def changed(self, shown: dict, told: dict) -> dict:
        """Return what the panel shows after a pick; what the pick asks for is done."""
        act, name = str(told.get("act", "")), str(told.get("name", ""))
        family = {"family": self.shelf.family}
        if not name:
            return shown
        if act == "activate":
            self.shell.call("runs_activate", name=name, **family)
        elif act == "do_rename":
            name = self.shell.call("runs_rename", name=name, new_name=str(told.get("value", "")), **family)["name"]
        elif act == "do_delete":
            tell_trashed(self.shell.call("runs_delete", name=name, **family)["deleted"])
            name = ""
        elif act in self.shelf.acts:
            self.shelf.acts[act](told)
        return {"name": name, "ask": act if act in ASKED else ""}

    def drawn(self, dataset: str, shown: dict) -> tuple[h.Html, h.Html]:
        """Return the report of the chosen run and the list of all, the newest first."""
        rows = self.shell.call("runs_list", family=self.shelf.family)
        if not rows:
            return self._before(dataset), h.Html("")
        rows.sort(key=lambda row: -row["created_at"])
        row = next((row for row in rows if row["name"] == shown["name"]), None)
        ask = shown["ask"] if row else ""
        row = row or next((row for row in rows if row["active"]), rows[0])
        listing = run_views.listing(self.family, self.shelf.figures, rows, row["name"])
        shown_run = [run_views.heading(self.family, row), self._question(row, ask, rows), self._report(row)]
        return h.div(shown_run, cls="t-stack"), listing

    def _report(self, row: dict) -> h.Html:
        if row["problem"]:
            return h.empty(f"This {self.family['one']} cannot be used", row["problem"])
        return self.shelf.report(self._run(row))

    def _run(self, row: dict) -> dict:
        return self.shell.call("runs_get", family=self.shelf.family, name=row["name"])

    def _question(self, row: dict, ask: str, rows: Sequence[dict]) -> h.Html | None:
        """Return what is asked about a run."""
        family, field = self.family, f"{self._id}-new-name"
        if ask == "rename":
            return run_views.asked_name(family, row, row["name"], field)
        if ask == "again":
            settings = {} if row["problem"] else self._run(row)["settings"]
            return run_views.asked_again(family, row, settings, free_name(row["name"], rows), field)
        return run_views.asked_delete(family, row) if ask == "delete" else None


def can_be_imported(family: dict) -> bool:
    """Return whether runs of a family come in from outside."""
    return family["can_be_active"] and not family["is_of_dataset"]


def free_name(name: str, rows: Sequence[dict]) -> str:
    """Return a name like this one that no run has."""
    taken = {row["name"] for row in rows}
    return next(free for n in range(2, len(rows) + 3) if (free := f"{name} {n}") not in taken)
