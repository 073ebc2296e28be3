"""The export form: choose a format and what goes in; the file is made as a job and listed for download."""
from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from tabs import _dataset_views as views
from tabs import _html as h
from tabs._shell import Shell
from tator.ops import operations

FORMATS = {"yolo": "YOLO (data.yaml, trains in ultralytics)", "coco": "COCO JSON (loads in pycocotools)"}
SPLITS = [("train", "train"), ("val", "val"), ("test", "test"), ("none", "")]
STATES = [("reviewed", "reviewed"), ("in progress", "in_progress"), ("new", "new")]


@dataclass(frozen=True)
class Export:
    """Widgets of the form.

    Attributes:
        inputs: what `export` reads, in its order.
        start: the button.
        listing: files made so far.
    """

    inputs: list
    start: gr.Button
    listing: gr.HTML


def formats() -> list[tuple[str, str]]:
    """Return the formats that the operation writes, as dropdown choices."""
    hint = operations()["datasets_export"].parameters["format"].annotation
    return [(FORMATS.get(name, name), name) for name in typing.get_args(hint) or FORMATS]


def build(shell: Shell) -> Export:
    """Draw the form and the list of exports."""
    with gr.Row(elem_classes="t-line"):
        fmt = gr.Dropdown(formats(), value="yolo", label="Format", elem_id="export-format", scale=2)
        splits = gr.CheckboxGroup(SPLITS, label="Splits (none chosen: all)", elem_id="export-splits", scale=2)
        states = gr.CheckboxGroup(STATES, label="States (none chosen: all worked on)", elem_id="export-states", scale=2)
    with gr.Row(elem_classes="t-line"):
        with_images = gr.Checkbox(True, label="Put the images in", info="Without them the file holds labels only.", elem_id="export-images", scale=2)
        start = gr.Button("Export", variant="primary", elem_id="export-start", scale=0)
    listing = h.panel(elem_id="exports")

    def picked(event: gr.EventData) -> h.Html:
        if event._data.get("act") == "delete_export":
            shell.call("exports_delete", file=event._data["file"])
        return listed(shell)

    shell.on(listing.pick, picked, None, listing)
    shell.on(shell.tab.select, lambda: listed(shell), None, listing)
    return Export([shell.dataset, fmt, with_images, splits, states], start, listing)


def exporter(shell: Shell) -> Callable[..., str]:
    """Return the listener that starts the export and answers its job id."""
    def export(dataset: str, fmt: str, with_images: bool, splits: list[str], states: list[str]) -> str:
        return shell.call("datasets_export", dataset=shell.require(dataset), format=fmt, with_images=with_images,
                          splits=splits or [], states=states or [])

    return export


def listed(shell: Shell) -> h.Html:
    """Return the exports as they stand."""
    return views.exports(shell.call("exports_list"))
