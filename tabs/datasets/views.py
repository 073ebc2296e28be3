"""The list of datasets, and the heading of the open one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.pages import Part
from tabs._parts.shell import Shell

COLUMNS = ["Dataset", "Storage", "Images", "Boxes", "Classes", "Labelled", "Problems"]
NUMBERS = (2, 3, 4)


class DatasetList(Part):
    """All datasets, one of them open.

    Attributes:
        panel: the list, which has the button that opens the trash too.
    """

    panel: gr.HTML

    def build(self) -> None:
        """Draw the list."""
        self.panel = h.panel(elem_id="datasets-list")
        self.shell.on(self.panel.pick, _opened, None, self.shell.dataset)

    def build_title(self, detail: gr.Column) -> None:
        """Draw the open dataset's name above its pages; call in their column."""
        self.outputs = [self.panel, detail, h.panel(elem_id="dataset-title")]

    def draw(self, dataset: str) -> tuple:
        """Return the list, whether there are details, and the title."""
        return heading(self.shell, dataset)


def _opened(event: gr.EventData) -> Any:
    return event._data["name"] if event._data.get("act") == "open" else gr.skip()


def heading(shell: Shell, dataset: str) -> tuple:
    """Return the list, whether there are details, and the title of the open dataset."""
    rows = shell.call("datasets_list")
    facts = next((row for row in rows if row["name"] == dataset), None)
    thrown = len(shell.call("trash_list"))
    return listing(rows, dataset, thrown), gr.update(visible=facts is not None), title(facts) if facts else ""


def labelled(row: dict) -> float:
    """Return the share of a dataset's images that somebody has worked on, in [0, 1]."""
    return 1 - row["states"].get("new", 0) / row["images"] if row["images"] else 0.0


def listing(rows: Sequence[dict], chosen: str, thrown: int = 0) -> h.Html:
    """Draw all datasets; the open one is marked and a click opens another.

    Args:
        rows: of datasets_list.
        chosen: name of the open one.
        thrown: how many things are in the trash.
    """
    trash = _trash_button(thrown)
    if not rows:
        return h.empty(
            "No dataset yet",
            "Point Tator at a folder of images, with or without labels. Linked images stay where they are.",
            h.button("Choose a folder", tone="primary", data_focus="#new-path input, #new-path textarea"),
            trash,
        )
    return h.div(
        h.head("Datasets", w.plural(len(rows), "dataset"), trash),
        h.table(COLUMNS, [_row(row, row["name"] == chosen) for row in rows], NUMBERS),
    )


def _trash_button(thrown: int) -> h.Html:
    """Return the button that opens the trash, with how many things are in it."""
    label = f"Trash ({thrown:,})" if thrown else "Trash"
    return h.button(label, "trash", "quiet", title="What was deleted can be restored")


def _row(row: dict, on: bool) -> h.Html:
    share = labelled(row)
    done = h.div(
        h.bar(share, "ok" if share >= 1 else ""), h.span(w.percent(share, 0), cls="t-note"), cls="t-row t-nowrap"
    )
    cells = [
        h.el("b", row["name"]),
        h.chip(row["storage"]),
        w.count(row["images"]),
        w.count(row["annotations"]),
        w.count(row["class_count"]),
        done,
        problems(row),
    ]
    return h.row(cells, NUMBERS, data_act="open", data_name=row["name"], tabindex=0, cls="on" if on else None)


def problems(row: dict) -> h.Html:
    """Draw what is wrong with a dataset, or that nothing is."""
    if not row.get("is_complete", True):
        return h.chip("import unfinished", "warn")
    return h.chip(f"{row['unreadable']:,} unreadable", "warn") if row["unreadable"] else h.span("none", cls="t-note")


def title(facts: dict) -> h.Html:
    """Draw the open dataset's name with what can be done with it.

    An import that was cut off can go on.
    """
    go_on = (
        None
        if facts.get("is_complete", True)
        else h.button("Continue the import", tone="primary", data_press="#import-resume")
    )
    return h.head(
        facts["name"], go_on, h.goto("Train a class head", "train_clip"), h.goto("Open in Label", "label", "primary")
    )
