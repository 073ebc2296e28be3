"""The parts of a tab: each draws itself, starts its jobs and shows how they ended.

Of the pages only one is in sight.

A tab makes its parts, draws them where they belong, and hands them to `Pages`, which knows no part by name:

    pages = Pages(shell, [Overview(shell), Check(shell)], around=[DatasetList(shell)])
    pages.build("dataset-pages")
    pages.wire(jobs.build(shell, pages.kinds))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tabs._parts import jobs
from tabs._parts.jobs import JobPanel
from tabs._parts.shell import Shell


@dataclass(frozen=True)
class End:
    """A job that ended, and where the tab stands at that moment.

    Attributes:
        job: as jobs_get answers it.
        dataset: name of the open dataset, "" for none.
        page: name of the page in sight.
        values: what the widgets hold that a part named in `reads`, by widget.
    """

    job: dict
    dataset: str
    page: str
    values: dict[Any, Any]

    @property
    def kind(self) -> str:
        """Return the name of the operation that the job ran."""
        return self.job["kind"]

    @property
    def is_done(self) -> bool:
        """Return whether the job succeeded."""
        return self.job["state"] == "succeeded"


@dataclass(frozen=True)
class Outcome:
    """What a part makes of a job that ended.

    Attributes:
        updates: by widget; they come after what is drawn anew, and replace it.
        redraws: whether the page in sight and what stands around it are drawn anew.
        page: page to turn to, "" to stay.
        dataset: dataset to open, "" to stay.
        job: id of the job that the panel follows next, "" for none.
    """

    updates: dict[Any, Any] = field(default_factory=dict)
    redraws: bool = True
    page: str = ""
    dataset: str = ""
    job: str = ""

    def __or__(self, other: Outcome) -> Outcome:
        """Return both as one; where both name a page, dataset or job, the other's holds."""
        return Outcome(
            self.updates | other.updates,
            self.redraws and other.redraws,
            other.page or self.page,
            other.dataset or self.dataset,
            other.job or self.job,
        )


class Part:
    """A piece of a tab with widgets of its own.

    Attributes:
        kinds: operations whose jobs concern it.
        outputs: widgets that `draw` answers.
        reads: widgets whose values `ended` finds in `end.values`.
        answers: widgets besides the outputs that `ended` may update.
    """

    kinds: tuple[str, ...] = ()

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.outputs: list = []
        self.reads: list = []
        self.answers: list = []

    def build(self) -> None:
        """Draw the widgets, and wire what they answer by themselves."""
        raise NotImplementedError

    def draw(self, dataset: str) -> tuple:
        """Return what the outputs show of a dataset."""
        return ()

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Wire what starts jobs and what needs the other parts of the tab.

        Called when all parts are built.
        """

    def ended(self, end: End) -> Outcome:
        """Return what is shown after a job of one of its kinds."""
        return Outcome()


class Page(Part):
    """A part that stands on a page of its own.

    Attributes:
        name: in ids and links.
        title: as people read it.
    """

    name: str
    title: str


class Pages:
    """The pages of a tab and the parts around them.

    Of the pages only the one in sight is drawn.

    Attributes:
        page: name of the page in sight.
        strip: the tabs that turn the pages.
        panel: of the tab's jobs, known once it is wired.
    """

    strip: gr.Tabs
    panel: JobPanel

    def __init__(self, shell: Shell, pages: Sequence[Page], around: Sequence[Part] = ()) -> None:
        self.shell = shell
        self._pages, self._around = list(pages), list(around)
        self.page = gr.State(self._pages[0].name if pages else "")

    @property
    def parts(self) -> list[Part]:
        """Return what stands around the pages, then the pages."""
        return [*self._around, *self._pages]

    @property
    def outputs(self) -> list:
        """Return every widget that `draw` answers."""
        return [widget for part in self.parts for widget in part.outputs]

    @property
    def kinds(self) -> list[str]:
        """Return the operations whose jobs concern the tab, each once."""
        return list(dict.fromkeys(kind for part in self.parts for kind in part.kinds))

    def build(self, elem_id: str) -> None:
        """Draw the strip with all pages; it is not seen where there is only one.

        The parts around them are built by the tab, where it wants them.
        """
        classes = ["t-inner"] if len(self._pages) > 1 else ["t-inner", "t-single"]
        with gr.Tabs(elem_classes=classes, elem_id=elem_id) as self.strip:
            for page in self._pages:
                with gr.Tab(page.title, id=page.name, elem_id=f"page-{page.name}"):
                    page.build()

    def draw(self, dataset: str, page: str) -> tuple:
        """Return what the parts around the pages and the page in sight show.

        The other pages stay as they are.

        Args:
            dataset: name of the open one; while there is none of that name no page is drawn.
            page: name of the page in sight, "" for none.
        """
        is_known = dataset in self.shell.names()
        around = [each.draw(dataset) for each in self._around]
        shown = [
            each.draw(dataset) if is_known and each.name == page else (gr.skip(),) * len(each.outputs)
            for each in self._pages
        ]
        return tuple(value for answer in (*around, *shown) for value in answer)

    def turned(self, page: str) -> dict[Any, Any]:
        """Return updates by widget that turn to a page."""
        return {self.page: page, self.strip: gr.Tabs(selected=page)}

    def wire(self, panel: JobPanel) -> None:
        """Let every part start its jobs, and wire when the tab is drawn anew.

        That is when a dataset is opened, a page is turned to or a job has ended.

        Args:
            panel: of the tab's jobs.
        """
        self.panel, shell = panel, self.shell
        for part in self.parts:
            part.wire(panel, self)
        shell.on([shell.dataset.change, shell.tab.select], self.draw, [shell.dataset, self.page], self.outputs)
        if len(self._pages) > 1:
            shell.on(self.strip.select, self._selected, shell.dataset, [self.page, *self.outputs])
        self._wire_ends()

    def _selected(self, dataset: str, event: gr.SelectData) -> tuple:
        page = next((page.name for page in self._pages if page.title == event.value), self._pages[0].name)
        return (page, *self.draw(dataset, page))

    def _wire_ends(self) -> None:
        """Show the end of a job, once: ticks overlap on a slow machine."""
        shell, panel, seen = self.shell, self.panel, gr.State("")
        reads = [widget for part in self.parts for widget in part.reads]
        followed = [panel.job, panel.watched, panel.view, panel.timer]
        own = [seen, shell.dataset, self.page, self.strip, *followed]
        outputs = list(dict.fromkeys([*own, *(each for part in self.parts for each in part.answers), *self.outputs]))

        def ended(job_id: str, dataset: str, page: str, before: str, *values: Any) -> tuple:
            answer: dict[Any, Any] = {}
            if job_id != before:
                job = shell.call("jobs_get", job_id=job_id)
                end = End(job, dataset, page, dict(zip(reads, values, strict=True)))
                answer = {seen: job_id} | self.answer(end)
            return tuple(answer.get(widget, gr.skip()) for widget in outputs)

        panel.on_end(ended, [shell.dataset, self.page, seen, *reads], outputs)

    def answer(self, end: End) -> dict[Any, Any]:
        """Return the updates after a job, by widget.

        What the job's parts say replaces what is drawn anew.
        """
        outcome = Outcome()
        for part in self.parts:
            if end.kind in part.kinds:
                outcome |= part.ended(end)
        answer: dict[Any, Any] = {}
        if outcome.redraws and outcome.dataset in ("", end.dataset):  # else the picker's change draws
            answer = dict(zip(self.outputs, self.draw(end.dataset, outcome.page or end.page), strict=True))
        answer |= self.turned(outcome.page) if outcome.page else {}
        answer |= {self.shell.dataset: self.shell.pick(outcome.dataset)} if outcome.dataset else {}
        return answer | self._following(outcome.job) | outcome.updates

    def _following(self, job_id: str) -> dict[Any, Any]:
        """Return updates by widget that let the panel follow another job; none for ""."""
        if not job_id:
            return {}
        watched = jobs.watch(self.shell, job_id, {})
        panel = self.panel
        shown = {panel.watched: watched, panel.view: jobs.drawn(watched)}
        return {panel.job: job_id, **shown, panel.timer: gr.Timer(active=True)}
