"""The frame of a workflow's tab: head line, forms, answer, runs, job panel.

A tab declares what is its own and builds:

    TOYS = Workflow("Find bright regions", "Learn how large they are, then propose them.",
                    [Task("toy_train", "Train toy"), Task("toy_propose", "Propose")], Shelf("toys"))

    def build(wb, shell):
        TOYS.build(shell, [TryOut(shell)])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from tabs._parts import choices, jobs
from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.pages import Page, Pages, Part
from tabs._parts.proposed import Proposed
from tabs._parts.run_views import Figure
from tabs._parts.runs import Runs, Shelf
from tabs._parts.shell import Shell
from tabs._parts.tasks import Task, TaskForm

__all__ = ["Figure", "Shelf", "Task", "Workflow"]


@dataclass(frozen=True)
class Workflow:
    """What a tab says of its workflow.

    Attributes:
        title: above the form, as a thing to do.
        purpose: what comes of it, in one sentence.
        tasks: what can be started, in their order.
        shelf: the runs that it leaves, None where it leaves none.
        first: what a person should know before the first run, in one sentence.
        needs_boxes: it learns from boxes, so a dataset without any is told to get some.
    """

    title: str
    purpose: str
    tasks: Sequence[Task]
    shelf: Shelf | None = None
    first: str = ""
    needs_boxes: bool = True

    def build(self, shell: Shell, pages: Sequence[Page] = (), around: Sequence[Part] = ()) -> Pages:
        """Draw the tab and wire it.

        Args:
            shell: the window's frame.
            pages: the tab's own, which stand behind that of the runs.
            around: the tab's own parts, which stand below the pages.
        """
        first = self.tasks[0].verb.replace("_", "-")
        runs = _runs(shell, self, f"#{first}-start")
        family = runs[0].family if runs else None
        forms = [TaskForm(shell, task, family) for task in self.tasks]
        sources = [source for form in forms for source in form.sources.values() if isinstance(source, str)]
        head, proposed = (
            Head(shell, self, sources, f"{first}-head"),
            Proposed(shell, [task.verb for task in self.tasks]),
        )
        tab = Pages(shell, [*runs, *pages], around=[*forms, head, proposed, *around])
        with gr.Row(elem_classes="t-work"):
            with gr.Column(elem_classes="t-ask"):
                head.build()
                _ask(forms)
            with gr.Column(elem_classes="t-answer"):
                curves = h.panel(elem_id=f"{first}-curves")
                proposed.build()
                tab.build(f"{first}-pages")
                for part in around:
                    part.build()
        for form in forms:
            form.follow(*(page.list.pick for page in runs))
        tab.wire(jobs.build(shell, tab.kinds, family["family"] if family else ""))
        _draw_curves(tab, self, curves)
        return tab


class Head(Part):
    """The head line: what the tab is for, what it works on, and what it lacks.

    Args:
        shell: the window's frame.
        workflow: as the tab declares it.
        sources: "verb argument" of every choice in the forms; of the models among them one must be ready.
        elem_id: of the panel.
    """

    def __init__(self, shell: Shell, workflow: Workflow, sources: Sequence[str], elem_id: str) -> None:
        super().__init__(shell)
        self._workflow, self._sources, self._elem_id = workflow, sources, elem_id

    def build(self) -> None:
        """Draw the panel with what is known before a dataset is open."""
        self.outputs = [h.panel(self._drawn(None, []), elem_id=self._elem_id)]

    def draw(self, dataset: str) -> tuple:
        """Return the head line for a dataset."""
        return (self._drawn(facts_of(self.shell, dataset), choices.lacking(self.shell, self._sources)),)

    def _drawn(self, facts: dict | None, lacking: Sequence[dict]) -> h.Html:
        on = f"{facts['name']}: {counted(facts)}" if facts else "No dataset is open."
        purpose = h.div(self._workflow.purpose, cls="t-note t-below")
        return h.div(h.head(self._workflow.title), purpose, h.div(on, cls="t-note"), [need(card) for card in lacking])


def need(card: dict) -> h.Html:
    """Draw what a model needs, and the way to the Models tab."""
    told = [h.el("b", card["label"]), h.chip(card["state"], "warn", title=card["message"])]
    return h.div(told, h.goto("Get it in Models", "models"), cls="t-row t-note t-need")


def facts_of(shell: Shell, dataset: str) -> dict | None:
    """Return datasets_get of a dataset, None where there is none of that name."""
    return shell.call("datasets_get", dataset=dataset) if dataset in shell.names() else None


def counted(facts: dict) -> str:
    """Return how many boxes and classes a dataset has."""
    return f"{w.plural(facts['annotations'], 'box', 'boxes')}, {w.plural(facts['class_count'], 'class', 'classes')}"


def before(workflow: Workflow, one: str, start: str, facts: dict | None) -> h.Html:
    """Draw what to do while there is no run.

    Args:
        workflow: as the tab declares it.
        one: what a run is called.
        start: selector of the button that starts the first task.
        facts: of the open dataset, None for none.
    """
    if facts is None:
        get = h.goto("Import a dataset", "datasets", "primary")
        return h.empty("No dataset is open", f"{workflow.purpose} Import a dataset first.", get)
    if workflow.needs_boxes and not facts["annotations"]:
        go = h.goto("Open in Label", "label", "primary")
        return h.empty("No boxes yet", f"{facts['name']} has no boxes. Draw a few of every class first.", go)
    press = h.button(workflow.tasks[0].button, tone="primary", data_press=start)
    return h.empty(f"No {one} yet", f"{facts['name']} has {counted(facts)}. {workflow.first}", press)


def _runs(shell: Shell, workflow: Workflow, start: str) -> list[Runs]:
    """Return the page of the runs, none where the workflow leaves none."""
    if workflow.shelf is None:
        return []

    def without_runs(dataset: str) -> h.Html:
        return before(workflow, page.family["one"], start, facts_of(shell, dataset))

    page = Runs(shell, workflow.shelf, without_runs)
    return [page]


def _ask(forms: Sequence[TaskForm]) -> None:
    """Draw the forms; several stand on a strip, of which one is seen."""
    if len(forms) == 1:
        return forms[0].build()
    with gr.Tabs(elem_classes="t-inner"):
        for form in forms:
            with gr.Tab(form.task.title or form.task.button):
                form.build()


def _draw_curves(tab: Pages, workflow: Workflow, panel: gr.HTML) -> None:
    """Draw what the events of a running job report.

    When the job has ended, its run shows its own curves.
    """
    drawings = {task.verb: task.curves for task in workflow.tasks if task.curves}

    def follow(watched: dict) -> h.Html:
        draw = drawings.get(watched["job"]["kind"]) if jobs.is_active(watched) else None
        return draw(watched["events"]) if draw else h.Html("")

    if drawings:
        tab.panel.on_tick(follow, panel)
