"""Datasets tab: import, look over, check, repair, export and delete datasets.

Its pages also hold classes, glossary, captions, labels and snapshots.
"""

from __future__ import annotations

import gradio as gr

from tabs._parts import jobs
from tabs._parts.pages import Pages
from tabs._parts.shell import Shell
from tabs.datasets.captions_page import Captions
from tabs.datasets.check_page import Check
from tabs.datasets.classes import Classes
from tabs.datasets.export import Export
from tabs.datasets.glossary_page import Words
from tabs.datasets.importing import Importing
from tabs.datasets.labels_page import Labels
from tabs.datasets.manage import Manage
from tabs.datasets.overview import Overview
from tabs.datasets.report_view import Report
from tabs.datasets.snapshots import Snapshots, still
from tabs.datasets.trash import Trash
from tabs.datasets.views import DatasetList
from tator.workbench import Workbench

TITLE, ORDER = "Datasets", 20


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    importing, datasets = Importing(shell), DatasetList(shell)
    trash, snapshots, export = Trash(shell, datasets), Snapshots(shell), Export(shell)
    in_order = [
        Overview(shell),
        Classes(shell),
        Check(shell),
        Report(shell),
        snapshots,
        Words(shell),
        Captions(shell),
        Labels(shell),
        export,
        Manage(shell),
    ]
    pages = Pages(shell, in_order, around=[importing, datasets, trash])
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            importing.ask()
        with gr.Column(elem_classes="t-answer"):
            importing.build()
            datasets.build()
            trash.build()
            with gr.Column(visible=False, elem_id="dataset-detail") as detail:
                datasets.build_title(detail)
                pages.build("dataset-pages")
    pages.wire(jobs.build(shell, pages.kinds))
    _lead_to_export(shell, pages, snapshots, export)
    shell.on(
        shell.tab.select, lambda: gr.update(choices=shell.names()), None, shell.dataset
    )  # others may have added some


def _lead_to_export(shell: Shell, pages: Pages, snapshots: Snapshots, export: Export) -> None:
    """Wire the way from a snapshot to its export.

    Choices that name a deleted snapshot go back to none.
    """
    choices = [*snapshots.pair, export.snapshot]

    def kept_only(dataset: str, *chosen: str) -> tuple:
        return still(shell, dataset, *chosen)

    def exported(dataset: str, event: gr.EventData) -> tuple:
        if event._data.get("act") != "export":
            return (gr.skip(),) * (2 + len(export.outputs))
        listing, snapshot, classes = export.draw(dataset)
        return gr.Tabs(selected=export.name), export.name, listing, snapshot | {"value": event._data["name"]}, classes

    shell.on(snapshots.picked.success, kept_only, [shell.dataset, *choices], choices)
    shell.on(snapshots.panel.pick, exported, shell.dataset, [pages.strip, pages.page, *export.outputs])
