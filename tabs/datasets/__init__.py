"""Datasets tab: import, look over, check and repair, words and captions, snapshots, exports, and the rest of a dataset's life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import jobs as _jobs
from tabs._parts.shell import Shell
from tabs.datasets import captions_page, check_page, glossary_page, import_form, import_preview, views
from tabs.datasets import classes as _classes
from tabs.datasets import export as _export
from tabs.datasets import manage as _manage
from tabs.datasets import overview as _overview
from tabs.datasets import report_view as report
from tabs.datasets import snapshots as _snapshots
from tabs.datasets import trash as _trash
from tator.ops import operations
from tator.types import NotFound
from tator.workbench import Workbench

TITLE, ORDER = "Datasets", 20
PAGES = {
    "overview": "Overview",
    "classes": "Classes",
    "check": "Check",
    "report": "Report",
    "snapshots": "Snapshots",
    "words": "Words",
    "captions": "Captions",
    "export": "Export",
    "manage": "Manage",
}
KINDS = [
    "datasets_create",
    "datasets_merge",
    "datasets_preview",
    "datasets_clone",
    "datasets_check",
    "datasets_repair",
    "datasets_export",
    "datasets_build_qwen",
    "crop_zip",
    "snapshots_create",
    "captions_import",
    "captions_export",
    "trash_purge",
    "trash_empty",
]


@dataclass
class Frame:
    """The list of datasets and the sub-pages of the open one; only the page in sight is drawn.

    Attributes:
        head: list, detail and title.
        page: name of the page in sight.
        pages: (outputs, draw) by name; `draw(dataset)` answers the outputs.
        inner: the strip of sub-pages.
    """

    shell: Shell
    head: list
    page: gr.State
    pages: dict[str, tuple[list, Callable[[str], tuple]]] = field(default_factory=dict)
    inner: gr.Tabs = field(init=False)

    @property
    def outputs(self) -> list:
        """Return every widget that `draw` answers."""
        return [*self.head, *(each for outputs, _ in self.pages.values() for each in outputs)]

    def draw(self, dataset: str, page: str) -> tuple:
        """Return the list, the details and the page in sight; the other pages stay as they are."""
        head = heading(self.shell, dataset)
        known = dataset in self.shell.names()
        answers = [
            draw(dataset) if known and name == page else (gr.skip(),) * len(outputs)
            for name, (outputs, draw) in self.pages.items()
        ]
        return (*head, *(each for answer in answers for each in answer))


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            asking = import_form.build(shell)
        with gr.Column(elem_classes="t-answer"):
            preview, looked = import_preview.build(shell)
            listing = h.panel(elem_id="datasets-list")
            trash = _trash.build()
            resume = gr.Button("Go on", elem_id="import-resume", elem_classes="t-hidden")
            with gr.Column(visible=False, elem_id="dataset-detail") as detail:
                frame = Frame(shell, [listing, detail, h.panel(elem_id="dataset-title")], gr.State("overview"))
                with gr.Tabs(elem_classes="t-inner", elem_id="dataset-pages") as frame.inner:
                    starts, manage = _pages(shell, frame)
    jobs = _jobs.build(shell, KINDS)
    import_preview.wire(shell, jobs, asking, preview, looked)
    for start in starts:
        start(jobs)
    jobs.start(resume.click, lambda dataset: resumed(shell, dataset), shell.dataset)
    _wire(shell, frame, listing, asking)
    _trash.wire(shell, jobs, trash, listing, frame.draw, frame.page, frame.outputs)
    _end(shell, frame, jobs, (preview, looked, asking.inputs[0]), manage, trash)


def _pages(shell: Shell, frame: Frame) -> tuple[list[Callable[[_jobs.JobPanel], None]], _manage.Manage]:
    """Draw the sub-pages; returns what wires those that start jobs, and the page where another dataset is taken in."""

    def tab(name: str) -> gr.Tab:
        return gr.Tab(PAGES[name], id=name, elem_id=f"page-{name}")

    pages = frame.pages
    with tab("overview"):
        overview = _overview.build(shell)
        pages["overview"] = list(overview), lambda dataset: (_overview.draw(shell, dataset), {})
    with tab("classes"):
        pages["classes"] = [_classes.build(shell)], lambda dataset: (_classes.draw(shell, dataset),)
    with tab("check"):
        check = check_page.build(shell)
        pages["check"] = (
            [check.panel, check.shown],
            lambda dataset: (check_page.draw(shell, dataset, check_page.AT_FIRST), check_page.AT_FIRST),
        )
    with tab("report"):
        told = h.panel(elem_id="dataset-report")
        pages["report"] = [told], lambda dataset: (reported(shell, dataset, 1),)
    with tab("snapshots"):
        kept = _snapshots.build(shell)
        pages["snapshots"] = (
            [kept.panel, kept.shown, *kept.pair],
            lambda dataset: (
                _snapshots.draw(shell, dataset, _snapshots.AT_FIRST),
                _snapshots.AT_FIRST,
                *_snapshots.choices(shell, dataset),
            ),
        )
    with tab("words"):
        words = glossary_page.build(shell)
        pages["words"] = (
            list(words),
            lambda dataset: (glossary_page.draw(shell, dataset, 1), 1, glossary_page.library(shell)),
        )
    with tab("captions"):
        captions = captions_page.build(shell)
        pages["captions"] = (
            [captions.panel, captions.shown, captions.source.uploaded],
            lambda dataset: (
                captions_page.draw(shell, dataset, captions_page.AT_FIRST),
                captions_page.AT_FIRST,
                gr.skip(),
            ),
        )
    with tab("export"):
        export = _export.build(shell)
        pages["export"] = (
            [export.listing, export.snapshot, export.classes],
            lambda dataset: (_export.listed(shell), *_export.choices(shell, dataset)),
        )
    with tab("manage"):
        manage = _manage.build(shell)
        pages["manage"] = (
            [manage.splits, manage.merge[1][0]],
            lambda dataset: (_manage.dealt(shell, dataset), _manage.others(shell, dataset)),
        )
    _turn(shell, frame, told, kept, export)
    wires = [
        lambda jobs, wire=wire, page=page: wire(shell, jobs, page)
        for wire, page in (
            (check_page.wire, check),
            (_snapshots.wire, kept),
            (captions_page.wire, captions),
            (_export.wire, export),
            (_manage.wire, manage),
        )
    ]
    return wires, manage


def _turn(shell: Shell, frame: Frame, told: gr.HTML, kept: _snapshots.Snapshots, export: _export.Export) -> None:
    """Wire the report's pages, the way from a snapshot to its export, and what becomes of a choice when it is deleted."""

    def turned(dataset: str, event: gr.EventData) -> h.Html:
        return reported(shell, dataset, int(event._data["page"]))

    def exported(dataset: str, event: gr.EventData) -> tuple:
        if event._data.get("act") != "export":
            return (gr.skip(),) * 5
        of, classes = _export.choices(shell, dataset)
        of |= {"value": event._data["name"]}
        return gr.Tabs(selected="export"), "export", _export.listed(shell), of, classes

    def kept_only(dataset: str, *chosen: str) -> tuple:
        return _snapshots.still(shell, dataset, *chosen)

    choices = [*kept.pair, export.snapshot]
    shell.on(kept.picked.success, kept_only, [shell.dataset, *choices], choices)
    shell.on(told.pick, turned, shell.dataset, told)
    shell.on(
        kept.panel.pick,
        exported,
        shell.dataset,
        [frame.inner, frame.page, export.listing, export.snapshot, export.classes],
    )


def _wire(shell: Shell, frame: Frame, listing: gr.HTML, asking: import_form.ImportForm) -> None:
    def opened(event: gr.EventData) -> Any:
        return event._data["name"] if event._data.get("act") == "open" else gr.skip()

    def selected(dataset: str, event: gr.SelectData) -> tuple:
        page = next((name for name, label in PAGES.items() if label == event.value), "overview")
        return (page, *frame.draw(dataset, page))

    moments = [shell.dataset.change, shell.tab.select, shell.window.load]
    shell.on(moments, frame.draw, [shell.dataset, frame.page], frame.outputs)
    shell.on(frame.inner.select, selected, shell.dataset, [frame.page, *frame.outputs])
    shell.on(
        shell.tab.select, lambda: gr.update(choices=shell.names()), None, shell.dataset
    )  # others may have added some
    shell.on(shell.dataset.change, lambda into: import_form.choices(shell, into), asking.into, asking.into)
    shell.on(listing.pick, opened, None, shell.dataset)


def _end(
    shell: Shell, frame: Frame, jobs: _jobs.JobPanel, importing: tuple, manage: _manage.Manage, trash: _trash.TrashPanel
) -> None:
    """Wire what is shown when a job of the tab has ended."""
    (preview, looked, name), merging, other = importing, manage.preview, manage.merge[1][0]
    cleared = {preview: h.Html(""), looked: {}, name: "", merging[0]: h.Html(""), merging[1]: {}, other: None}
    state = frame.pages["check"][0][1]
    seen = gr.State("")  # ticks overlap on a slow machine; a job ends once
    shown = [
        seen,
        shell.dataset,
        frame.page,
        frame.inner,
        *importing,
        *merging,
        jobs.job,
        jobs.view,
        jobs.timer,
        trash.panel,
    ]

    def ended(job_id: str, dataset: str, page: str, checked: dict, thrown: dict, before: str) -> tuple:
        if job_id == before:
            return _answered({}, shown, frame)
        job = shell.call("jobs_get", job_id=job_id)
        done = job["state"] == "succeeded"
        answer: dict[Any, Any] = {seen: job_id}
        if job["kind"] == "datasets_preview":
            held = import_preview.opened(job_id)
            is_merge = job["arguments"]["source"].startswith(import_preview.DATASET)
            is_meant = done and (
                not is_merge or job["arguments"].get("dataset") == dataset
            )  # else another one is open by now
            panel, kept = merging if is_merge else (preview, looked)
            answer |= {panel: import_preview.draw(shell, held), kept: held} if is_meant else {}
            return _answered(answer, shown, frame)
        if job["kind"] in ("trash_purge", "trash_empty"):
            answer[trash.panel] = _trash.draw(shell, thrown)
            return _answered(answer | {frame.head[0]: heading(shell, dataset)[0]}, shown, frame)
        was = dataset
        if makes := operations()[job["kind"]].makes:
            dataset = job["arguments"].get(makes, dataset)
            page = landing(shell, job["kind"], dataset) if done else page
            answer |= {shell.dataset: shell.pick(dataset)} | (cleared if done else {})
            answer |= {frame.page: page, frame.inner: gr.Tabs(selected=page)}
        if job["kind"] == "datasets_check" and done and page == "manage":
            page = "check"
            answer |= {frame.page: page, frame.inner: gr.Tabs(selected=page)}
        if dataset == was:  # else the picker's change draws
            answer = dict(zip(frame.outputs, frame.draw(dataset, page), strict=True)) | answer
        answer |= _shown_after(shell, frame, jobs, job, (dataset, page), checked)
        return _answered(answer, shown, frame)

    jobs.on_end(ended, [shell.dataset, frame.page, state, trash.shown, seen], [*shown, *frame.outputs])


def _shown_after(
    shell: Shell, frame: Frame, jobs: _jobs.JobPanel, job: dict, open_page: tuple[str, str], checked: dict
) -> dict:
    """Return what the open dataset's page shows of a job that ended, by widget."""
    (dataset, page), done = open_page, job["state"] == "succeeded"
    checks, state = frame.pages["check"][0]
    if job["kind"] == "datasets_check" and page == "check":  # what a repair said stays above the check that follows it
        facts = check_page.AT_FIRST | {"said": checked["said"]}
        return {checks: check_page.draw(shell, dataset, facts), state: facts}
    if job["kind"] == "captions_import" and done and page == "captions":
        said = captions_page.AT_FIRST | {"said": job["id"]}
        told = (captions_page.draw(shell, dataset, said), said, {})  # an upload is used up
        return dict(zip(frame.pages["captions"][0], told, strict=True))
    if job["kind"] == "datasets_repair" and done:
        facts, again = check_page.repaired(shell, job)
        shown = {checks: check_page.draw(shell, dataset, facts), state: facts}
        return shown | {jobs.job: again, jobs.view: _jobs.render(shell, again), jobs.timer: gr.Timer(active=True)}
    return {}


def _answered(answer: dict, shown: list, frame: Frame) -> tuple:
    """Return the answers in the order of the outputs; what has none stays as it is."""
    return tuple(answer.get(widget, gr.skip()) for widget in [*shown, *frame.outputs])


def landing(shell: Shell, kind: str, dataset: str) -> str:
    """Return the page that is shown after a job: the report where an import dropped something, else the overview."""
    counts = shell.call("datasets_get", dataset=dataset)["report"].get("counts", {})
    return "report" if kind != "datasets_clone" and sum(counts.get("dropped", {}).values()) else "overview"


def heading(shell: Shell, dataset: str) -> tuple:
    """Return the list, whether there are details, and the title of the open dataset."""
    rows = shell.call("datasets_list")
    facts = next((row for row in rows if row["name"] == dataset), None)
    thrown = len(shell.call("trash_list"))
    return (
        views.listing(rows, dataset, thrown),
        gr.update(visible=facts is not None),
        views.title(facts) if facts else "",
    )


def reported(shell: Shell, dataset: str, page: int) -> h.Html:
    """Return the report of a dataset's last import."""
    return report.report(shell.call("datasets_get", dataset=dataset), page)


def resumed(shell: Shell, dataset: str) -> str:
    """Start the newest import or merge of a dataset again, which goes on where it stopped, and return its job id.

    Raises:
        NotFound: no such job is known any more.
    """
    found = [
        job
        for kind in ("datasets_create", "datasets_merge")
        for job in shell.call("jobs_list", kind=kind, limit=200)
        if job["arguments"].get(operations()[kind].makes) == dataset
    ]
    if not found:
        raise NotFound(
            f"no import of {dataset!r} is known any more; import the same source under the same name again, and it goes on"
        )
    return _jobs.resumed(shell, max(found, key=lambda job: job["created_at"])["id"])
