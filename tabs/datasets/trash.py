"""The trash: what was deleted, brought back, or deleted for good."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import pager
from tabs._parts.jobs import JobPanel
from tabs._parts.notices import SAID_S
from tabs._parts.pages import End, Outcome, Pages, Part
from tabs._parts.shell import Shell
from tabs.datasets.views import DatasetList
from tator.types import Conflict

PAGE = 20
EVERYTHING = "everything"  # in place of an entry's id
AT_FIRST = {"open": False, "page": 1, "doomed": "", "renamed": ""}
LOST = {
    "dataset": "Its annotations, history, classes, captions and snapshots are lost, and images that were copied into the workspace. "
    "Linked images stay where they are.",
    "snapshot": "The frozen state is lost; the dataset stays as it is.",
    "head": "It can be trained again.",
    "box_refiner": "It learns again from the accepted boxes when it is next asked.",
    "Qwen_dataset": "The folder of conversations is lost; the dataset stays as it is.",
    "glossary": "Its words are lost.",
    "recipe": "Its settings are lost; what was made with it keeps its own copy.",
    "file": "An earlier version put it there without a note on what it was.",
}
UNKNOWN = "It cannot be restored."  # of a kind that was added after this table


class Trash(Part):
    """What is in the trash, and the questions before a deletion for good.

    It is closed at first.

    Args:
        shell: the window's frame.
        datasets: the list, whose button opens the trash.
    """

    kinds = ("trash_purge", "trash_empty")

    def __init__(self, shell: Shell, datasets: DatasetList) -> None:
        super().__init__(shell)
        self._datasets = datasets

    def build(self) -> None:
        """Draw the panel, closed."""
        self._panel, self._shown = h.panel(elem_id="trash"), gr.State(AT_FIRST)
        self._purge = gr.Button("Delete for good", elem_id="trash-purge", elem_classes="t-hidden")
        self.reads, self.answers = [self._shown], [self._panel]

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Open and close the panel, restore, and delete for good as a job of the tab."""
        shell, own = self.shell, [self._panel, self._shown]
        unchanged = (gr.skip(),) * len(pages.outputs)

        def opened(shown: dict, dataset: str, event: gr.EventData) -> tuple:
            if event._data.get("act") != "trash":
                return gr.skip(), gr.skip(), *unchanged
            shown = AT_FIRST | {"open": not shown["open"]}
            return (
                draw(shell, shown),
                shown,
                *pages.draw(dataset, ""),
            )  # the list only: others may have deleted something

        def picked(shown: dict, dataset: str, page: str, event: gr.EventData) -> tuple:
            shown, restored = changed(shell, shown, dict(event._data))
            if restored is None:
                return draw(shell, shown), shown, gr.skip(), *unchanged
            gr.Info(h.join([f"{restored['name']} is back"]), title="Restored", duration=SAID_S)
            if restored["kind"] == "dataset":  # its page is drawn when the picker has changed
                return draw(shell, shown), shown, shell.pick(restored["name"]), *unchanged
            return draw(shell, shown), shown, gr.skip(), *pages.draw(dataset, page)

        given = [self._shown, shell.dataset]
        shell.on(self._datasets.panel.pick, opened, given, [*own, *pages.outputs])
        shell.on(self._panel.pick, picked, [*given, pages.page], [*own, shell.dataset, *pages.outputs])
        # one may have come or gone
        shell.on(shell.dataset.change, lambda shown: draw(shell, shown), self._shown, self._panel)
        started = panel.start(self._purge.click, self._begin_purge, self._shown)
        shell.on(started.success, self._begun, self._shown, own)

    def ended(self, end: End) -> Outcome:
        """Return what is left in the trash, and the list that counts it."""
        counted = zip(self._datasets.outputs, self._datasets.draw(end.dataset), strict=True)
        return Outcome(dict(counted) | {self._panel: draw(self.shell, end.values[self._shown])}, redraws=False)

    def _begin_purge(self, shown: dict) -> str:
        call, doomed = self.shell.call, shown["doomed"]
        if doomed == EVERYTHING:
            return call("trash_empty", confirm=len(call("trash_list")))
        return call("trash_purge", entry=doomed, confirm=_entry(self.shell, doomed)["name"])

    def _begun(self, shown: dict) -> tuple:
        shown = shown | {"doomed": ""}
        return draw(self.shell, shown), shown


def changed(shell: Shell, shown: dict, told: dict) -> tuple[dict, dict | None]:
    """Return what the panel shows after a pick, and the entry restored, if any."""
    act, entry = told.get("act"), str(told.get("entry", ""))
    if act == "close":
        return AT_FIRST, None
    calm = shown | {"doomed": "", "renamed": ""}
    if act == "turn":
        return calm | {"page": int(told["page"])}, None
    if act == "ask":
        return calm | {"doomed": entry}, None
    if act != "restore":
        return calm, None
    new_name = str(told.get("value", ""))
    try:
        return calm, shell.call("trash_restore", entry=entry, new_name=new_name)
    except Conflict:
        if new_name or _entry(shell, entry)["problem"]:
            raise
        return calm | {"renamed": entry}, None


def _entry(shell: Shell, key: str) -> dict:
    return next(
        (row for row in shell.call("trash_list") if row["entry"] == key), {"name": "", "problem": "", "kind": ""}
    )


def draw(shell: Shell, shown: dict) -> h.Html:
    """Draw the trash; nothing while it is closed."""
    if not shown["open"]:
        return h.Html("")
    rows = shell.call("trash_list")
    close = h.button("Close", "close", "quiet")
    if not rows:
        text = "What you delete waits here, whole, until you delete it for good."
        return h.div(h.head("Trash", close), h.div(text, cls="t-note"), cls="t-box")
    first = (shown["page"] - 1) * PAGE
    everything = h.button("Empty the trash", "ask", "bad", data_entry=EVERYTHING)
    head = h.head("Trash", pager(len(rows), shown["page"], PAGE), everything, close)
    table = h.table(["Deleted", "Holds", "When", ""], [_row(row) for row in rows[first : first + PAGE]], cls="t-trash")
    return h.div(head, _question(rows, shown), table, cls="t-stack t-box")


def _question(rows: Sequence[dict], shown: dict) -> h.Html | None:
    """Ask before a deletion for good, or for another name where one is taken."""
    row = next((row for row in rows if row["entry"] in (shown["doomed"], shown["renamed"])), None)
    if shown["doomed"] == EVERYTHING:
        told = f"Empty the trash: delete {w.plural(len(rows), 'thing')} for good?"
        return _doom(told, "Nothing of it can be restored afterwards. Linked images stay where they are.")
    if row is None:
        return None
    if shown["doomed"]:
        return _doom(f"Delete {_kind(row)} {row['name']} for good?", LOST.get(row["kind"], UNKNOWN))
    field = h.field(
        f"{row['name']} 2",
        tone="boxed",
        id="trash-name",
        maxlength=100,
        aria_label="Restore under the name",
    )
    again = h.button("Restore under this name", "restore", "primary", data_entry=row["entry"], data_field="#trash-name")
    taken, ask = f"Another {_kind(row)} is called {row['name']} now.", "Under which name should this one be restored?"
    return h.question(taken, ask, field, again, h.button("Leave it in the trash", "keep", "quiet"))


def _doom(question: str, lost: str) -> h.Html:
    sure = h.button("Delete for good", tone="bad", data_press="#trash-purge")
    return h.question(question, lost, sure, h.button("Keep it", "keep", "quiet"))


def _row(row: dict) -> list:
    facts = {"data_entry": row["entry"]}
    why = h.div(row["problem"], cls="t-note") if row["problem"] else None
    name = h.div(h.div(h.el("b", row["name"], cls="t-clip"), h.chip(_kind(row)), cls="t-row t-nowrap"), why)
    back = None if row["problem"] else h.button("Restore", "restore", **facts)
    tools = h.div(back, h.button("Delete for good", "ask", "quiet", **facts), cls="t-row t-nowrap t-end")
    made = h.span(w.when(row["deleted_at"]), f" · {row['user']}" if row["user"] else "", cls="t-nowrap")
    return [name, h.span(_holds(row), cls="t-nowrap"), made, tools]


def _holds(row: dict) -> str:
    """Return what an entry holds, in words."""
    counted = [w.plural(row["images"], "image")] if row["images"] is not None else []
    counted += [w.plural(row["annotations"], "box", "boxes")] if row["annotations"] is not None else []
    counted += [w.size(row["bytes"])] if row["bytes"] is not None else []
    return " · ".join([*([f"of {row['of']}"] if row["of"] else []), *counted])


def _kind(row: dict) -> str:
    """Return what an entry of the trash was, in words."""
    return row["kind"].replace("_", " ")
