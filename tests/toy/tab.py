"""Toy tab: train on accepted boxes, then let a toy propose the bright regions of every image."""

from __future__ import annotations

import dataclasses

import gradio as gr

from tabs._parts import forms, jobs
from tabs._parts import html as h
from tabs._parts.shell import Choice, Shell
from tator.ops import operations
from tator.workbench import Workbench

TITLE, ORDER = "Toy", 95


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    recipe = operations()["toy_train"].recipe
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            name = gr.Textbox(label="Name of the toy", elem_id="toy-name")
            widgets = forms.draw(recipe)
            forms.presets(recipe, widgets, shell)
            start = gr.Button("Train toy", variant="primary", elem_id="toy-start")
            run = Choice([], label="Toy", elem_id="toy-run")
            go = gr.Button("Propose", elem_id="toy-propose")
        with gr.Column(elem_classes="t-answer"):
            listed = h.panel(elem_id="toy-runs")
    panel = jobs.build(shell, ["toy_train", "toy_propose"])

    def train(values: dict) -> str:
        settings = dataclasses.asdict(forms.read(recipe, widgets, values))
        return shell.call("toy_train", dataset=shell.require(values[shell.dataset]), name=values[name], **settings)

    def propose(dataset: str, chosen: str) -> str:
        return shell.call("toy_propose", dataset=shell.require(dataset), run=chosen)

    def draw(*_: str) -> tuple:
        names = [row["name"] for row in shell.call("runs_list", family="toys")]
        return h.div(", ".join(names) or "no toys yet"), gr.update(choices=names)

    panel.start(start.click, train, {shell.dataset, name, *widgets.values()})
    panel.start(go.click, propose, [shell.dataset, run])
    panel.on_end(draw, [], [listed, run])
    shell.on([shell.tab.select, shell.dataset.change], draw, None, [listed, run])
