"""The overview of a dataset: its numbers, its charts, and the images behind them."""

from __future__ import annotations

import gradio as gr

from tabs._parts import gallery
from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import find
from tabs._parts.pages import Page
from tabs._parts.shell import Shell
from tabs.datasets import plots

STATES = (("reviewed", "ok", "Reviewed"), ("in_progress", "warn", "In progress"), ("new", "", "New"))
SIZES = 4  # image sizes listed


class Overview(Page):
    """The numbers and charts of a dataset, or the images behind one of them."""

    name, title = "overview", "Overview"

    def build(self) -> None:
        """Draw the panel, and the gallery in its place when a number or a bar is picked."""
        panel, shown = h.panel(elem_id="dataset-overview"), gr.State(gallery.CLOSED)
        self.outputs = [panel, shown]
        self.shell.on(panel.pick, self._picked, [self.shell.dataset, shown], [panel, shown])

    def draw(self, dataset: str) -> tuple:
        """Return the numbers and charts, the gallery closed."""
        return draw(self.shell, dataset), gallery.CLOSED

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        told = dict(event._data)
        if told.get("act") == "cell":
            area = plots.cell(float(told["across"]), float(told["down"]))
            shown = {"wanted": {"area": area}, "told": "Images with a box centred there", "page": 1}
        else:
            shown = gallery.asked(shown, told)
        return (gallery.draw(self.shell, dataset, shown) if shown else draw(self.shell, dataset)), shown


def draw(shell: Shell, dataset: str) -> h.Html:
    """Draw the numbers and the charts of a dataset."""
    facts, told = shell.call("datasets_get", dataset=dataset), shell.call("datasets_stats", dataset=dataset)
    shapes = h.div(
        plots.histogram("Box side", told["box_sides"], "sides", "px"),
        plots.histogram("Aspect", told["aspects"], "aspects", "width : height", plots.ratio),
        plots.histogram("Boxes an image", told["boxes_per_image"], "boxes", "boxes"),
        cls="t-stack",
    )
    charts = h.div(plots.classes(told["classes"]), shapes, plots.heatmap(told["heatmap"]), cls="t-charts t-three")
    seen = charts if told["annotations"] else _unlabelled()
    return h.div(numbers(shell, facts, told), seen, where(facts, told), cls="t-stack")


def _unlabelled() -> h.Html:
    return h.empty(
        "Nothing is labelled yet",
        "Charts of classes, box sizes and places appear with the first boxes.",
        h.goto("Open in Label", "label", "primary"),
    )


def numbers(shell: Shell, facts: dict, told: dict) -> h.Html:
    """Draw the counts of a dataset, each with the images behind it."""
    bad, n = facts["unreadable"], facts["images"]
    worked = n - facts["states"].get("new", 0)
    captions = told["captions"]
    readable = find(f"{bad:,} unreadable", "Images that cannot be read", only_problems=True) if bad else "all readable"
    bare = shell.call("images_find", dataset=facts["name"], boxes=[0, 1], limit=1)["total"]
    each = f"{told['annotations'] / n:.1f} an image" if n else ""
    empty = find(f"{bare:,} without", "Images without a box", boxes=[0, 1]) if bare else ""
    new = find(f"{n - worked:,} new", "New images", states=["new"]) if worked < n else "all worked on"
    silent = find(f"{n - captions['images']:,} without", "Images without a caption", captions="without")
    said = silent if captions["images"] else "no image has one"
    idle = sum(not row["annotations"] for row in facts["classes"])
    return h.stats(
        [
            ("Images", w.count(n), readable),
            ("Boxes", w.count(told["annotations"]), h.join([each, " · " if each and empty else "", empty])),
            ("Classes", w.count(facts["class_count"]), f"{idle:,} without boxes" if idle else "all with boxes"),
            ("Labelled", w.percent(worked / n if n else 0, 0), new),
            ("Captions", w.percent(captions["share"], 0), said),
        ]
    )


def where(facts: dict, told: dict) -> h.Html:
    """Draw where a dataset's images lie, and their states, splits and sizes."""
    kept = (
        "linked: read only, never moved, changed or deleted"
        if facts["storage"] == "linked"
        else "managed: copied into the workspace"
    )
    states = [
        find(h.chip(f"{label} {told['states'].get(state, 0):,}", tone), f"{label} images", states=[state])
        for state, tone, label in STATES
    ]
    splits = [
        find(
            h.chip(f"{row['split'] or 'none'} {row['images']:,} · {w.plural(row['annotations'], 'box', 'boxes')}"),
            f"Images of split {row['split'] or 'none'}",
            splits=[row["split"]],
        )
        for row in told["splits"]
    ]
    sizes = [
        find(
            h.chip(f"{row['width']} × {row['height']}  {row['images']:,}"),
            f"Images of {row['width']} × {row['height']}",
            size=[row["width"], row["height"]],
        )
        for row in told["sizes"][:SIZES]
    ]
    more = h.span(f"and {told['size_count'] - SIZES:,} more", cls="t-note") if told["size_count"] > SIZES else None
    left = h.facts(
        [
            ("States", h.div(states, cls="t-row")),
            ("Splits", h.div(splits, cls="t-row")),
            ("Sizes", h.div(sizes, more, cls="t-row")),
        ]
    )
    right = h.facts(
        [("Storage", kept), ("Folder", h.span(facts["root"], cls="t-mono")), ("Created", w.when(facts["created_at"]))]
    )
    return h.div(h.div(left, right, cls="t-two"), cls="t-box")
