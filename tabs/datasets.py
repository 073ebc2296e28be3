"""Datasets tab: import, look over, edit classes, export, rename and delete."""
from __future__ import annotations

import gradio as gr

from tabs import _classes, _export, _jobs, _new_dataset
from tabs import _dataset_views as views
from tabs import _html as h
from tabs._shell import Shell
from tator.workbench import Workbench

TITLE, ORDER = "Datasets", 20
NEVER = "Linked images are never deleted, moved or changed: only what Tator stored about them goes. Managed images go to the workspace's trash."


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            form = _new_dataset.build(shell)
        with gr.Column(elem_classes="t-answer"):
            listing = h.panel(elem_id="datasets-list")
            with gr.Column(visible=False, elem_id="dataset-detail") as detail:
                title = h.panel(elem_id="dataset-title")
                with gr.Tabs(elem_classes="t-inner"):
                    with gr.Tab("Overview"):
                        overview = h.panel(elem_id="dataset-overview")
                    with gr.Tab("Classes", elem_id="dataset-classes"):
                        classes = _classes.build(shell)
                    with gr.Tab("Import report", elem_id="dataset-report-tab"):
                        report = h.panel(elem_id="dataset-report")
                    with gr.Tab("Export", elem_id="dataset-export"):
                        export = _export.build(shell)
                    with gr.Tab("Rename or delete", elem_id="dataset-manage"):
                        manage(shell)
    jobs = _jobs.build(shell, ["datasets_create", "datasets_export"])
    jobs.start(form.start.click, _new_dataset.creator(shell), form.inputs)
    jobs.start(export.start.click, _export.exporter(shell), export.inputs)
    outputs = [listing, detail, title, overview, classes, report]

    def show(dataset: str) -> tuple:
        return draw(shell, dataset)

    def ended(job_id: str, dataset: str) -> tuple:
        job = shell.call("jobs_get", job_id=job_id)
        made = job["arguments"].get("name", dataset) if job["kind"] == "datasets_create" else dataset
        return (shell.pick(made), *draw(shell, made), _export.listed(shell))

    for trigger in (shell.dataset.change, shell.tab.select):
        shell.on(trigger, show, shell.dataset, outputs)
    shell.on(shell.tab.select, lambda: gr.update(choices=shell.names()), None, shell.dataset)  # others may have added some
    jobs.on_end(ended, [shell.dataset], [shell.dataset, *outputs, export.listing])
    shell.on(shell.window.load, lambda: draw(shell, "")[0], None, listing)
    _wire(shell, listing, report)


def _wire(shell: Shell, listing: gr.HTML, report: gr.HTML) -> None:
    def opened(event: gr.EventData) -> str:
        return event._data["name"]

    def turned(dataset: str, event: gr.EventData) -> h.Html:
        return views.report(shell.call("datasets_get", dataset=dataset), int(event._data["page"]))

    shell.on(listing.pick, opened, None, shell.dataset)
    shell.on(report.pick, turned, shell.dataset, report)


def draw(shell: Shell, dataset: str) -> tuple:
    """Return the list, whether there are details, and the details of the open dataset."""
    rows = shell.call("datasets_list")
    known = any(row["name"] == dataset for row in rows)
    table = views.listing(rows, dataset)
    if not known:
        return table, gr.update(visible=False), "", "", "", ""
    facts = shell.call("datasets_get", dataset=dataset)
    details = views.title(dataset), views.overview(facts), _classes.draw(shell, dataset), views.report(facts, 1)
    return (table, gr.update(visible=True), *details)


def manage(shell: Shell) -> None:
    """Draw renaming and deleting; deleting wants the name typed."""
    with gr.Row(elem_classes="t-line"):
        new_name = gr.Textbox(label="New name", max_length=200, elem_id="rename-to", scale=3)
        rename = gr.Button("Rename", elem_id="rename", scale=0)
    gr.HTML(h.div(NEVER, cls="t-note"), apply_default_css=False)
    with gr.Row(elem_classes="t-line"):
        confirm = gr.Textbox(label="Type the dataset's name to delete it", elem_id="delete-confirm", scale=3)
        delete = gr.Button("Delete", variant="stop", interactive=False, elem_id="delete", scale=0)

    def renamed(dataset: str, name: str) -> tuple:
        shell.call("datasets_rename", dataset=shell.require(dataset), new_name=name)
        return shell.pick(name.strip()), ""

    def deleted(dataset: str, typed: str) -> tuple:
        shell.call("datasets_delete", dataset=shell.require(dataset), confirm=typed)
        gr.Info(f"{dataset} is deleted", title="Deleted")
        return shell.pick(), ""

    def typed(dataset: str, text: str) -> dict:
        return gr.update(interactive=bool(dataset) and text == dataset)

    shell.on(rename.click, renamed, [shell.dataset, new_name], [shell.dataset, new_name])
    shell.on(confirm.change, typed, [shell.dataset, confirm], delete)
    shell.on(shell.dataset.change, lambda: "", None, confirm)
    shell.on(delete.click, deleted, [shell.dataset, confirm], [shell.dataset, confirm])
