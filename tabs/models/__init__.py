"""Models tab: every model, what it needs and reaches, how to get it, a try-out."""

from __future__ import annotations

import gradio as gr

from tabs._parts import html as h
from tabs._parts import jobs, sources
from tabs._parts import words as w
from tabs._parts.shell import Shell
from tabs.models import tryout
from tator.types import BadInput
from tator.workbench import Workbench

TITLE, ORDER = "Models", 60
TASKS = {
    "segment": "Click and box models",
    "find": "Finders by phrase or example",
    "encode": "Encoders for class heads",
}
COLUMNS = ["Model", "Licence", "Download", "Memory", "State", ""]
NUMERIC = (2, 3)


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            card, place, start = _weights_form(shell)
        with gr.Column(elem_classes="t-answer"), gr.Tabs(elem_classes="t-inner"):
            with gr.Tab("All models"):
                listing = h.panel(elem_id="models-list")
            with gr.Tab("Try out", elem_id="models-try"):
                tried = tryout.build(shell)
    panel, chosen = jobs.build(shell, ["weights_download", "weights_import"]), gr.State("")
    outputs = [listing, card, tried]

    def show(chosen: str, trying: str | None) -> tuple:
        return draw(shell, chosen), gr.update(choices=importable(shell)), tryout.choices(shell, trying)

    def act(job_id: str, event: gr.EventData) -> str:
        facts = event._data
        if facts["act"] == "get":
            return shell.call("weights_download", card=facts["id"])
        if facts["act"] == "delete":
            freed = shell.call("weights_delete", card=facts["id"])
            gr.Info(f"{freed['freed_mb']} MB of disk space are free again", title="Deleted")
        elif facts["act"] == "unload":
            gr.Info(
                f"{shell.call('runtime_unload')['freed_mb']} MB of reserved memory were given back", title="Unloaded"
            )
        return job_id

    def import_it(card: str, kind: str, path: str, uploaded: dict) -> str:
        if not card:
            raise BadInput("choose a model, and the file or folder that holds its weights")
        return shell.call("weights_import", card=card, source=sources.chosen(kind, path, uploaded))

    shell.on(listing.pick, toggled, chosen, chosen)
    panel.start(listing.pick, act, panel.job)
    panel.start(start.click, import_it, [card, *place.inputs])
    panel.on_end(lambda job_id, chosen: show(chosen, None), [chosen], outputs)  # what was fetched is tried first
    shell.on(chosen.change, lambda chosen: draw(shell, chosen), chosen, listing)
    for moment in panel.moments:
        shell.on(moment.success, lambda chosen: draw(shell, chosen), chosen, listing)
    shell.on(shell.tab.select, show, [chosen, tried], outputs)


def _weights_form(shell: Shell) -> tuple:
    """Draw the form that takes weights from a file or folder."""
    gr.HTML(
        h.div(
            h.head("Import weights"),
            h.div("For machines without a network, and for weights you trained.", cls="t-note"),
        ),
        apply_default_css=False,
    )
    card = gr.Dropdown([], value=None, label="Model", elem_id="weights-card")
    chooser = sources.kind("Weights from", "weights")
    place = sources.build(shell, chooser, "weights", "File or folder", "/data/sam2.1-hiera-tiny")
    start = gr.Button("Import", variant="primary", elem_id="weights-import")
    return card, place, start


def toggled(chosen: str, event: gr.EventData) -> str:
    """Return which row is open after a press on the list."""
    facts = event._data
    return chosen if facts["act"] != "choose" else "" if facts["id"] == chosen else facts["id"]


def importable(shell: Shell) -> list[tuple[str, str]]:
    """Return the models that read weights, as dropdown choices."""
    return [
        (card["label"], card["id"])
        for card in shell.call("models_list")
        if card["weights_state"] not in ("not_needed", "trained")
    ]


def draw(shell: Shell, chosen: str) -> h.Html:
    """Draw every model by task; the chosen one with what it reaches and how to get it."""
    cards = shell.call("models_list")
    parts = [
        h.div(h.head(title, unload if i == 0 else None), h.table(COLUMNS, _rows(cards, task, chosen), NUMERIC))
        for i, (task, title) in enumerate(TASKS.items())
        for unload in [h.button("Unload all", "unload", title="Give back the memory of loaded models")]
    ]
    return h.div(parts, cls="t-stack")


def _rows(cards: list[dict], task: str, chosen: str) -> list[h.Html]:
    rows = []
    for card in (card for card in cards if card["task"] == task):
        is_open = card["id"] == chosen
        rows.append(_row(card, is_open))
        if is_open:
            rows.append(h.el("tr", h.el("td", _details(card), colspan=len(COLUMNS))))
    return rows


def _row(card: dict, is_open: bool) -> h.Html:
    name = h.div(h.el("b", card["label"]), h.div(card["id"], cls="t-note t-mono"))
    size = w.size(card["size_mb"] * 1e6) if card["size_mb"] else "–"
    memory = w.size(card["vram_mb"] * 1e6) if card["vram_mb"] else "–"
    return h.row(
        [name, card["license"], size, memory, state(card), _action(card)],
        NUMERIC,
        data_act="choose",
        data_id=card["id"],
        tabindex=0,
        cls="on" if is_open else None,
    )


def state(card: dict) -> h.Html:
    """Draw whether a model is ready, loaded and taken by itself, or what it needs."""
    if card["state"] != "ready":
        return h.chip(card["state"], "warn", title=card["message"])
    loaded = (
        h.chip(f"loaded on {card['device']}", "accent", title=f"last used {w.when(card['last_used'])}")
        if card["loaded"]
        else None
    )
    own = h.chip("default", title="Used where no other model is chosen") if card["is_default"] else None
    return h.div(h.chip("ready", "ok"), loaded, own, cls="t-row")


def _action(card: dict) -> h.Html | None:
    if card["weights_state"] == "present":
        return h.button(
            "Delete", "delete", "quiet", data_id=card["id"], title="Delete the weights; they can be downloaded again"
        )
    if card["weights_state"] in ("missing", "gated", "corrupt"):
        return h.button(
            "Get it", "get", "primary", data_id=card["id"], title="Download; an interrupted download is resumed"
        )
    return None


def _details(card: dict) -> h.Html:
    uses = w.plural(card["uses"], "time") + f", last {w.when(card['last_used'])}" if card["loaded"] else "not loaded"
    facts = [
        ("What to expect", h.div(card["expects"], cls="t-advice")),
        ("Weights", card["weights"] or "none needed"),
        ("Loaded", f"{card['memory_mb']} MB on {card['device']}, {uses}" if card["loaded"] else uses),
        ("Source", card["source"]),
    ]
    advice = [("How to get it", h.div(card["message"], cls="t-advice"))] if card["message"] else []
    return h.facts([*advice, *facts])
