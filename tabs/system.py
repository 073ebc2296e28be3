"""System tab: the device, its memory, the storage, and what every model needs and reaches."""
from __future__ import annotations

import gradio as gr

from tabs import _html as h
from tabs import _words as w
from tabs._shell import Shell
from tator.workbench import Workbench

TITLE, ORDER = "System", 90
TASKS = {"": "All", "segment": "Segmenters", "encode": "Encoders"}


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    with gr.Row(elem_classes="t-work"), gr.Column(elem_classes="t-answer"):
        health = h.panel(elem_id="system-health")
        models = h.panel(elem_id="system-models")

    def show() -> tuple:
        return healthy(shell), cards(shell)

    def picked(event: gr.EventData) -> tuple:
        if event._data.get("act") == "unload":
            freed = shell.call("runtime_unload")
            gr.Info(told(freed), title="Unloaded")
        return show()

    shell.on(shell.tab.select, show, None, [health, models])
    shell.on(shell.window.load, show, None, [health, models])
    shell.on(health.pick, picked, None, [health, models])
    shell.on(models.pick, picked, None, [health, models])


def told(freed: object) -> str:
    """Return what unloading answered, as one line."""
    if isinstance(freed, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in freed.items())
    return str(freed)


def healthy(shell: Shell) -> h.Html:
    """Draw health, device and storage as big numbers."""
    state, device = shell.call("system_health"), shell.call("system_gpu")
    storage = state.get("storage", {})
    free = storage.get("free_mb")
    well = h.chip("healthy", "ok") if state.get("ok") else h.chip("not healthy", "bad")
    numbers = h.stats([
        ("Device", str(device.get("device", "–")).upper(), device.get("name", "")),
        ("Memory", _memory(device), "used of all"),
        ("Free disk", w.size(free * 1e6 if free is not None else None), "writable" if storage.get("writable") else "read only"),
        ("Datasets", w.count(state.get("datasets")), f"{w.count(state.get('images'))} images"),
        ("Jobs", w.count(_jobs_of(state)), "known"),
    ])
    where = h.div(h.facts([("Workspace", h.span(storage.get("home", "–"), cls="t-mono")), ("Version", state.get("version", "–"))]), cls="t-box")
    return h.div(h.div(h.head("System", well, h.button("Refresh", "refresh")), numbers), where, cls="t-stack")


def _jobs_of(state: dict) -> int | None:
    jobs = state.get("jobs")
    return sum(jobs.values()) if isinstance(jobs, dict) else jobs


def _memory(device: dict) -> str:
    used, total = device.get("memory_used_mb"), device.get("memory_total_mb")
    return f"{used / 1000:.1f} / {total / 1000:.1f} GB" if used is not None and total else "–"


def cards(shell: Shell) -> h.Html:
    """Draw every backend with its state, what it needs and what it reaches."""
    found = shell.call("models_list")
    rows = [[h.div(h.el("b", card["label"]), h.div(card["id"], cls="t-note t-mono")), TASKS.get(card["task"], card["task"]).rstrip("s"),
             ready(str(card.get("state", ""))), h.span(card.get("expects", ""), cls="t-note"), card.get("license", "")] for card in found]
    head = h.head("Models", h.button("Unload all", "unload", title="Give back the memory of loaded models"))
    return h.div(head, h.table(["Model", "Task", "State", "What it reaches", "Licence"], rows))


def ready(state: str) -> h.Html:
    """Draw a card's state: ready, or what it needs."""
    return h.chip(state, "ok" if state.startswith(("ready", "loaded")) else "warn", title=state)
