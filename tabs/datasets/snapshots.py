"""Snapshots of a dataset: freeze, list, compare two, export, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import opener, pager
from tabs._parts.jobs import JobPanel
from tabs._parts.notices import tell_trashed
from tabs._parts.pages import Page, Pages
from tabs._parts.shell import Choice, Shell
from tator.types import NotFound

PAGE = 50
NEWEST, BEFORE = ("The newest", ""), ("The one before it", "")
HASH = 12  # characters of the hash that are shown
AT_FIRST = {"diff": None, "page": 1, "doomed": ""}
CHANGES = {"added": "ok", "removed": "bad", "changed": "warn"}


class Snapshots(Page):
    """The snapshots of a dataset, what freezes one, and the comparison of two.

    Attributes:
        panel: list and comparison.
        pair: dropdowns of the two that are compared.
        picked: the listener of what is pressed in the panel, to chain to.
    """

    name, title = "snapshots", "Snapshots"
    kinds = ("snapshots_create",)
    panel: gr.HTML
    pair: list[gr.Dropdown]
    picked: Any

    def build(self) -> None:
        """Draw the fields that freeze and compare, and the list."""
        shell = self.shell
        self._freezing, self.pair, compare = _asking(shell)
        self.panel, shown = h.panel(elem_id="snapshots"), gr.State(AT_FIRST)
        self.outputs = [self.panel, shown, *self.pair]
        shell.on(compare.click, self._compared, [shell.dataset, *self.pair], [self.panel, shown])
        self.picked = shell.on(self.panel.pick, self._picked, [shell.dataset, shown], self.outputs)

    def draw(self, dataset: str) -> tuple:
        """Return the list, nothing compared, and what can be."""
        return draw(self.shell, dataset, AT_FIRST), AT_FIRST, *choices(self.shell, dataset)

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start freezing as a job of the tab."""
        name, freeze = self._freezing
        panel.start(freeze.click, self._freeze, [self.shell.dataset, name])

    def _freeze(self, dataset: str, name: str) -> str:
        return self.shell.call("snapshots_create", dataset=self.shell.require(dataset), name=name)

    def _compared(self, dataset: str, old: str, new: str) -> tuple:
        facts = AT_FIRST | {"diff": pair(self.shell, self.shell.require(dataset), old, new)}
        return draw(self.shell, dataset, facts), facts

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = changed(self.shell, dataset, shown, dict(event._data))
        return draw(self.shell, dataset, shown), shown, *choices(self.shell, dataset)


def _asking(shell: Shell) -> tuple[tuple, list, gr.Button]:
    """Draw what freezes, the two that are compared, and the button that compares them."""
    with gr.Row(elem_classes="t-line"):
        name = gr.Textbox(
            label="Freeze what the dataset holds now",
            placeholder="v1",
            max_length=100,
            elem_id="snapshot-name",
            scale=3,
        )
        freeze = gr.Button("Freeze", variant="primary", elem_id="snapshot-freeze", scale=0)
    with gr.Row(elem_classes="t-line"):
        old = Choice([BEFORE], value="", label="Compare", elem_id="snapshot-old", scale=2)
        new = Choice([NEWEST], value="", label="with", elem_id="snapshot-new", scale=2)
        compare = gr.Button("Compare", elem_id="snapshot-compare", scale=0)
    for choice in (old, new):
        shell.anew(choice, "")
    return (name, freeze), [old, new], compare


def changed(shell: Shell, dataset: str, shown: dict, told: dict) -> dict:
    """Return what the page shows after a pick; deletes where that was confirmed."""
    act = told.get("act")
    if act == "turn":
        return shown | {"page": int(told["page"])}
    if act == "delete" and shown["doomed"]:
        shell.call("snapshots_delete", dataset=dataset, name=shown["doomed"])
        tell_trashed(shown["doomed"])
        return AT_FIRST
    return shown | {"doomed": str(told["name"]) if act == "ask" else ""} if act in ("ask", "keep") else shown


def pair(shell: Shell, dataset: str, old: str, new: str) -> list[str]:
    """Return the names of the two snapshots to compare.

    "" stands for the newest one and the one before it.

    Raises:
        NotFound: there are too few.
    """
    names = [row["name"] for row in shell.call("snapshots_list", dataset=dataset)]
    if len(names) < 2 and not (old and new):
        raise NotFound(f"{w.plural(len(names), 'snapshot')} of {dataset!r}; a comparison needs two")
    return [old or names[1], new or names[0]]


def choices(shell: Shell, dataset: str) -> tuple[dict, dict]:
    """Return updates that list what can be compared; what was chosen stays chosen."""
    names = [(row["name"], row["name"]) for row in shell.call("snapshots_list", dataset=dataset)]
    return gr.update(choices=[BEFORE, *names]), gr.update(choices=[NEWEST, *names])


def still(shell: Shell, dataset: str, *chosen: str) -> tuple:
    """Return what choices of a snapshot become when one was deleted.

    Those that name the deleted one go back to ""; the others stay.
    """
    names = [row["name"] for row in shell.call("snapshots_list", dataset=dataset)]
    return tuple(gr.skip() if name in ("", *names) else "" for name in chosen)


def draw(shell: Shell, dataset: str, shown: dict) -> h.Html:
    """Draw the snapshots of a dataset and the comparison that was asked for."""
    rows = shell.call("snapshots_list", dataset=dataset)
    if not rows:
        return h.empty(
            "No snapshot yet",
            "A snapshot keeps what the dataset holds now under a name and a hash. It never changes, and exports the same bytes each time.",
            h.button("Name the first one", tone="primary", data_focus="#snapshot-name input, #snapshot-name textarea"),
        )
    doomed = (
        h.question(
            f"Delete snapshot {shown['doomed']}?",
            "It goes to the trash and can be restored from there.",
            h.button("Delete", "delete", "bad"),
            h.button("Keep it", "keep", "quiet"),
        )
        if shown["doomed"]
        else None
    )
    old, new = shown["diff"] or ("", "")
    diff = _diff(shell, dataset, old, new, shown["page"]) if shown["diff"] else None
    return h.div(
        doomed,
        _table([row for row in rows if not row["evaluation"]]),
        _of_evaluations([row for row in rows if row["evaluation"]]),
        diff,
        cls="t-stack",
    )


def _table(rows: list[dict]) -> h.Html | None:
    columns = ["Snapshot", "Images", "Boxes", "Size", "Hash", "Made", ""]
    return h.table(columns, [_row(row) for row in rows], (1, 2, 3)) if rows else None


def _of_evaluations(rows: list[dict]) -> h.Html | None:
    """Fold away what was frozen for evaluations, which is deleted with them."""
    if not rows:
        return None
    told = f"{w.plural(len(rows), 'snapshot')} frozen for evaluations; each goes with its evaluation"
    return h.el("details", h.el("summary", told, cls="t-note"), _table(rows), id="snapshots-of-evaluations")


def _row(row: dict) -> list:
    facts = {"data_name": row["name"]}
    tools = h.div(
        h.button("Export", "export", **facts), h.button("Delete", "ask", "quiet", **facts), cls="t-row t-nowrap t-end"
    )
    made = h.span(w.when(row["created_at"]), f" · {row['user']}" if row["user"] else "", cls="t-nowrap")
    return [
        h.el("b", row["name"]),
        w.count(row["images"]),
        w.count(row["annotations"]),
        w.size(row["bytes"]),
        h.span(row["sha256"][:HASH], cls="t-mono", title=row["sha256"]),
        made,
        tools,
    ]


def _diff(shell: Shell, dataset: str, old: str, new: str, page: int) -> h.Html:
    told = shell.call("snapshots_diff", dataset=dataset, old=old, new=new)
    head = h.head(f"{old} → {new}", pager(len(told["rows"]), page, PAGE))
    if told["same"]:
        return h.div(
            head,
            h.div(h.chip("same", "ok"), "Both hold the same images, boxes, classes and captions.", cls="t-row t-note"),
            id="snapshot-diff",
        )
    numbers = h.stats(
        [
            ("Images", _counts(told["images"]), "added, removed, changed"),
            ("Boxes", _counts(told["annotations"]), "added, removed, changed"),
            ("Classes", _classes(told["classes"]), "added, removed, renamed"),
        ]
    )
    rows = [_changed(dataset, row) for row in told["rows"][(page - 1) * PAGE : page * PAGE]]
    more = (
        h.div(
            f"The first {len(told['rows']):,} of {told['row_count']:,} images are listed; all are counted.",
            cls="t-note",
        )
        if told["row_count"] > len(told["rows"])
        else None
    )
    table = (
        h.table(["Image", "", "Boxes added", "removed", "changed", "Also changed"], rows, (2, 3, 4)) if rows else None
    )
    return h.div(h.div(head, numbers), _renames(told["classes"]), table, more, cls="t-stack", id="snapshot-diff")


def _counts(counts: dict) -> h.Html:
    return h.join(
        [
            h.span(f"+{counts['added']:,}", cls="t-ok"),
            " ",
            h.span(f"−{counts['removed']:,}", cls="t-bad"),
            " ",
            h.span(f"~{counts['changed']:,}", cls="t-warn"),
        ]
    )


def _classes(classes: dict) -> h.Html:
    return _counts(
        {"added": len(classes["added"]), "removed": len(classes["removed"]), "changed": len(classes["renamed"])}
    )


def _renames(classes: dict) -> h.Html | None:
    chips: Sequence = [
        *(h.chip(f"+ {name}", "ok") for name in classes["added"]),
        *(h.chip(f"− {name}", "bad") for name in classes["removed"]),
        *(h.chip(f"{before} → {after}", "warn") for before, after in classes["renamed"]),
    ]
    return h.div(chips, cls="t-row") if chips else None


def _changed(dataset: str, row: dict) -> list:
    name = (
        opener(dataset, row["image_id"], row["name"])
        if row["change"] != "removed"
        else h.span(row["name"], cls="t-mono")
    )
    return [
        name,
        h.chip(row["change"], CHANGES[row["change"]]),
        w.count(row["added"]),
        w.count(row["removed"]),
        w.count(row["changed"]),
        ", ".join(row["facts"]),
    ]
