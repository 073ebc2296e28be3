"""System tab: device, memory, loaded models, storage, caches and encoding ahead."""

from __future__ import annotations

import dataclasses

import gradio as gr

from tabs._parts import forms
from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.shell import Shell
from tator.ops import recipe_of
from tator.workbench import Workbench

TITLE, ORDER = "System", 90
LABELS = {"images": "Images encoded ahead", "budget_mb": "Memory for them", "keep_on_disk": "Keep them on disk too"}


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    recipe = recipe_of("predictor_settings_set")
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            told = "An image is encoded once; after that, clicks on it are quick."
            gr.HTML(h.div(h.head("SAM predictors"), h.div(told, cls="t-note")), apply_default_css=False)
            widgets = forms.draw(recipe, labels=LABELS)
            keep = gr.Button(
                "Apply", variant="primary", interactive=False, elem_id="predictors-apply"
            )  # until the settings in force are shown
        with gr.Column(elem_classes="t-answer"):
            health = h.panel(elem_id="system-health")
            memory = h.panel(elem_id="system-memory")
            slots = h.panel(elem_id="system-slots")
            kept = h.panel(elem_id="system-caches")
    drawn, changes = (
        [health, memory, slots, kept],
        gr.State(0),
    )  # a change waits until the drawing under way has ended

    def show() -> tuple:
        return healthy(shell), loaded(shell), ahead(shell), cached(shell)

    def picked(changes: int, event: gr.EventData) -> int:
        if event._data.get("act") == "unload":
            gr.Info(unloaded(shell.call("runtime_unload")), title="Unloaded")
        elif event._data.get("act") == "purge":
            freed = shell.call("caches_purge", kind=event._data["kind"])
            told = f"{w.plural(freed['deleted_files'], 'file')}, {w.size(freed['freed_bytes'])}"
            gr.Info(told, title=f"Emptied {freed['kind']}")
        return changes + 1

    def apply(values: dict) -> int:
        shell.call("predictor_settings_set", **dataclasses.asdict(forms.read(recipe, widgets, values)))
        gr.Info("The settings apply from now on, also after a restart.", title="SAM predictors")
        return values[changes] + 1

    def settings() -> list:
        found = shell.call("predictor_settings_get")
        return [*(found[name] for name in widgets), gr.Button(interactive=True)]

    shell.on(keep.click, apply, {changes, *widgets.values()}, changes)
    shell.on([shell.tab.select, changes.change], show, None, drawn)
    shell.on(shell.window.load, settings, None, [*widgets.values(), keep])
    for panel in drawn:
        shell.on(panel.pick, picked, changes, changes)


def unloaded(freed: dict) -> str:
    """Return what unloading answered, as one line."""
    still = f"; still answering: {', '.join(freed['still_lent'])}" if freed["still_lent"] else ""
    cache = w.size(freed["freed_cache_bytes"])
    return f"{w.plural(len(freed['unloaded']), 'model')}, {freed['freed_mb']} MB reserved, {cache} of encoded images{still}"


def healthy(shell: Shell) -> h.Html:
    """Draw health, device and storage as big numbers."""
    state, device = shell.call("system_health"), shell.call("system_gpu")
    storage = state.get("storage", {})
    free = storage.get("free_mb")
    well = h.chip("healthy", "ok") if state.get("ok") else h.chip("not healthy", "bad")
    numbers = h.stats(
        [
            ("Device", str(device.get("device", "–")).upper(), device.get("name", "")),
            ("Memory", *_of(device.get("memory_used_mb"), device.get("memory_total_mb"), "used")),
            ("For models", *_of(device["reserved_mb"], device["budget_mb"], "reserved")),
            (
                "Free disk",
                w.size(free * 1e6 if free is not None else None),
                "writable" if storage.get("writable") else "read only",
            ),
            ("Datasets", w.count(state.get("datasets")), f"{w.count(state.get('images'))} images"),
            ("Jobs", w.count(_jobs_of(state)), "known"),
        ]
    )
    fallback = (
        h.div(h.chip("on the CPU", "warn"), h.span(device["fallback"], cls="t-advice"), cls="t-row")
        if device.get("fallback")
        else None
    )
    where = h.div(
        h.facts(
            [("Workspace", h.span(storage.get("home", "–"), cls="t-mono")), ("Version", state.get("version", "–"))]
        ),
        cls="t-box",
    )
    return h.div(
        h.div(h.head("System", well, h.button("Refresh", "refresh")), numbers),
        fallback,
        _gpus(device["devices"]),
        where,
        cls="t-stack",
    )


def _gpus(found: list[dict]) -> h.Html | None:
    if not found:
        return None
    rows = [
        [
            gpu["index"],
            gpu["name"],
            w.size(gpu["total_mb"] * 2**20),
            w.size(gpu["free_mb"] * 2**20),
            gpu["compute_capability"],
        ]
        for gpu in found
    ]
    return h.div(h.head("GPUs"), h.table(["Number", "Name", "Memory", "Free", "Compute capability"], rows, (2, 3)))


def _jobs_of(state: dict) -> int | None:
    jobs = state.get("jobs")
    return sum(jobs.values()) if isinstance(jobs, dict) else jobs


def _of(used_mb: int | None, total_mb: int | None, word: str) -> tuple[str, str]:
    """Return a used amount, and in words of how much."""
    return (
        w.size(used_mb * 1e6) if used_mb is not None else "–",
        f"{word} of {w.size(total_mb * 1e6) if total_mb else '–'}",
    )


def loaded(shell: Shell) -> h.Html:
    """Draw the loaded models: device, memory, last use and whether one is answering."""
    rows = [
        [
            h.div(h.el("b", row["label"]), h.div(row["id"], cls="t-note t-mono")),
            row["device"],
            w.size(row["mb"] * 1e6),
            w.count(row["uses"]),
            w.when(row["last_used"]),
            h.chip("answering", "accent") if row["is_lent"] else h.chip("idle"),
        ]
        for row in shell.call("system_gpu")["loaded"]
    ]
    head = h.head(
        "Loaded models", h.button("Unload all", "unload", title="Give back the memory of models and encoded images")
    )
    told = h.div(
        "None. A model is loaded when it is first used, and unloaded when another needs its memory.", cls="t-note"
    )
    return h.div(
        head, h.table(["Model", "Device", "Memory", "Uses", "Last used", ""], rows, (2, 3, 4)) if rows else told
    )


def ahead(shell: Shell) -> h.Html:
    """Draw the slots of encoded images and what they saved."""
    status = shell.call("slots_status")
    tones = {"ready": "ok", "encoding": "accent", "failed": "bad"}
    rows = [
        [
            slot["slot"],
            slot["name"] or "–",
            slot["card"] or "–",
            h.chip(slot["state"], tones.get(slot["state"], ""), title=slot["message"] or None),
            h.bar(slot["progress"]),
            w.size(slot["bytes"]) if slot["bytes"] else "–",
        ]
        for slot in status["slots"]
    ]
    note = f"{w.size(status['bytes'])} of {w.size(status['budget_bytes'])}; {w.count(status['hits'])} answers from memory, {w.count(status['misses'])} computed"
    return h.div(
        h.head("Encoded images", h.span(note, cls="t-note")),
        h.table(["Slot", "Image", "Model", "State", "", "Memory"], rows, (5,)),
    )


def cached(shell: Shell) -> h.Html:
    """Draw what each cache takes, with a button that empties it."""
    rows = [
        [
            h.div(h.el("b", row["kind"].capitalize()), h.div(row["what"], cls="t-note")),
            w.count(row["files"]),
            w.size(row["bytes"]),
            h.button("Empty", "purge", data_kind=row["kind"], disabled=not row["files"] or None, title=row["folder"]),
        ]
        for row in shell.call("caches_list")
    ]
    note = h.span("What is deleted here is made again when it is needed.", cls="t-note")
    return h.div(h.head("Caches", note), h.table(["Cache", "Files", "Disk", ""], rows, (1, 2)))
