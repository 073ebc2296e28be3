"""Train CLIP tab: a class head on a dataset's boxes, measured on unseen images."""

from __future__ import annotations

import dataclasses
import time

import gradio as gr

from tabs._parts import forms
from tabs._parts import html as h
from tabs._parts import jobs as _jobs
from tabs._parts.shell import Shell
from tabs.datasets import trash
from tabs.train_clip import heads as _heads
from tator.ops import recipe_of
from tator.workbench import Workbench

TITLE, ORDER = "Train CLIP", 30
LABELS = {
    "c": "C",
    "test_size": "Held-out share",
    "min_per_class": "Fewest in a class",
    "activate": "Activate when trained",
}


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    recipe = recipe_of("heads_train")
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            asked = gr.HTML(subject(""), apply_default_css=False, elem_id="train-subject")
            name = gr.Textbox(
                label="Name of the head", placeholder="dataset and time", max_length=80, elem_id="train-name"
            )
            widgets = forms.draw(recipe, {"encoder": encoders(shell)}, LABELS)
            forms.presets(recipe, widgets, shell)
            start = gr.Button("Train head", variant="primary", elem_id="train-start")
        with gr.Column(elem_classes="t-answer"):
            chart = h.panel(elem_id="train-curves")
            answer = h.panel(elem_id="train-result")
            heads = h.panel(elem_id="heads")
            with gr.Accordion(
                "Rename or delete the shown head", open=False, elem_id="heads-manage", visible=False
            ) as manage:
                tools = _tools()
    chosen = gr.State("")
    jobs = _jobs.build(shell, ["heads_train"])
    outputs = [asked, answer, heads, manage, chosen]

    def train(values: dict) -> str:
        settings = dataclasses.asdict(forms.read(recipe, widgets, values))
        dataset = shell.require(values[shell.dataset])
        title = values[name].strip() or f"{dataset[:60]} {time.strftime('%m-%d %H.%M.%S')}"
        return shell.call("heads_train", dataset=dataset, name=title, **settings)

    def show(dataset: str, chosen: str) -> tuple:
        return draw(shell, dataset, chosen)

    def ended(job_id: str, dataset: str, chosen: str) -> tuple:
        job = shell.call("jobs_get", job_id=job_id)
        made = job["arguments"]["name"] if job["state"] == "succeeded" else chosen
        return draw(shell, dataset, made)

    def follow(watched: dict) -> h.Html:
        if not _jobs.is_active(watched):
            return h.Html("")  # the finished head shows its own curve
        return _heads.curves(watched["events"])

    shell.on(
        shell.tab.select, lambda: gr.update(choices=encoders(shell)), None, widgets["encoder"]
    )  # weights may have come
    jobs.start(start.click, train, {shell.dataset, name, *widgets.values()})
    jobs.on_tick(follow, chart)
    jobs.on_end(ended, [shell.dataset, chosen], outputs)
    shell.on([shell.tab.select, shell.dataset.change], show, [shell.dataset, chosen], outputs)
    _wire(shell, heads, chosen, outputs, tools)


def _tools() -> tuple:
    with gr.Row(elem_classes="t-line"):
        new_name = gr.Textbox(label="New name", max_length=80, elem_id="head-rename-to", scale=2)
        rename = gr.Button("Rename", elem_id="head-rename", scale=0)
        confirm = gr.Textbox(label="Type its name to delete it", elem_id="head-delete-confirm", scale=2)
        delete = gr.Button("Delete", variant="stop", interactive=False, elem_id="head-delete", scale=0)
    return new_name, rename, confirm, delete


def _wire(shell: Shell, heads: gr.HTML, chosen: gr.State, outputs: list, tools: tuple) -> None:
    new_name, rename, confirm, delete = tools
    place = [shell.dataset, chosen]

    def picked(dataset: str, event: gr.EventData) -> tuple:
        name = event._data["name"]
        if event._data["act"] == "activate":
            shell.call("heads_activate", name=name)
        return draw(shell, dataset, name)

    def renamed(dataset: str, chosen: str, name: str) -> tuple:
        shell.call("heads_rename", name=chosen, new_name=name)
        return (*draw(shell, dataset, name.strip()), "")

    def deleted(dataset: str, chosen: str, typed: str) -> tuple:
        if typed == chosen:
            trash.told(shell.call("heads_delete", name=chosen)["deleted"])
        return (*draw(shell, dataset, ""), "")

    shell.on(heads.pick, picked, shell.dataset, outputs)
    shell.on(rename.click, renamed, [*place, new_name], [*outputs, new_name])
    shell.on(
        confirm.change,
        lambda chosen, typed: gr.update(interactive=bool(chosen) and typed == chosen),
        [chosen, confirm],
        delete,
    )
    shell.on(delete.click, deleted, [*place, confirm], [*outputs, confirm])


def encoders(shell: Shell) -> list[tuple[str, str]]:
    """Return the encoders as dropdown choices; one that lacks something says so."""
    cards = shell.call("models_list", task="encode")
    own = next((card["label"] for card in cards if card["is_default"]), "none is")
    listed = [
        (card["label"] if card["state"] == "ready" else f"{card['label']} ({card['state']})", card["id"])
        for card in cards
    ]
    return [(f"Automatic: {own}", ""), *listed]


def subject(dataset: str, facts: dict | None = None) -> h.Html:
    """Return the heading of the form: what the head will learn from."""
    told = (
        f"{dataset}: {facts['annotations']:,} boxes, {facts['class_count']:,} classes"
        if facts
        else "no dataset is open"
    )
    return h.div(h.head("Train a class head"), h.div(told, cls="t-note"))


def draw(shell: Shell, dataset: str, chosen: str) -> tuple:
    """Return the heading, the chosen head's result, the list and the head shown.

    The tools that change a head stand before the last.
    """
    facts = shell.call("datasets_get", dataset=dataset) if dataset in shell.names() else None
    rows = shell.call("heads_list")
    names = [row["name"] for row in rows]
    active = next((row["name"] for row in rows if row.get("active")), None)
    shown = chosen if chosen in names else active or (names[0] if names else "")
    answer = _heads.result(shell.call("heads_get", name=shown)) if shown else _heads.before(facts)
    return subject(dataset, facts), answer, _heads.listing(rows, shown), gr.update(visible=bool(shown)), shown
