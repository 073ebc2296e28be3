"""What an import read, dropped and repaired, with file, line and reason.

Long lists are paged.
"""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import pager
from tabs._parts.pages import Page
from tabs._parts.shell import Shell

PAGE = 50
READ = {
    "images": ("Images", "found"),
    "labelled": ("With labels", "images"),
    "annotations": ("Boxes", "imported"),
    "left out by the mapping": ("Left out", "boxes of classes that were left out"),
}
KINDS = {
    "dropped": "not imported",
    "repaired": "read, but changed",
    "noticed": "worth a look",
    "other_files": "not read",
}
TONES = {"dropped": "bad", "repaired": "warn", "noticed": "", "other_files": ""}


class Report(Page):
    """What the last import of a dataset had to say."""

    name, title = "report", "Report"

    def build(self) -> None:
        """Draw the panel."""
        panel = h.panel(elem_id="dataset-report")
        self.outputs = [panel]
        self.shell.on(panel.pick, self._turned, self.shell.dataset, panel)

    def draw(self, dataset: str) -> tuple:
        """Return the first page of the report."""
        return (reported(self.shell, dataset, 1),)

    def _turned(self, dataset: str, event: gr.EventData) -> h.Html:
        return reported(self.shell, dataset, int(event._data["page"]))


def reported(shell: Shell, dataset: str, page: int) -> h.Html:
    """Return a page of the report of a dataset's last import."""
    return report(shell.call("datasets_get", dataset=dataset), page)


def report(facts: dict, page: int) -> h.Html:
    """Draw the report of a dataset's last import.

    Args:
        facts: of datasets_get, with its "report".
        page: from 1.
    """
    told = facts.get("report") or {}
    if not told:
        return h.empty(
            "No import report", "This dataset was not imported from files, or its import is still under way."
        )
    counts = told.get("counts", {})
    read = told.get("read", {})
    notes = {
        "labelled": f"{read.get('unlabelled', 0):,} without",
        "images": f"{read.get('unreadable', 0):,} unreadable",
    }
    numbers = h.stats(
        [(label, w.count(read[key]), notes.get(key, note)) for key, (label, note) in READ.items() if key in read]
        + [(title(kind), w.count(sum(counts.get(kind, {}).values())), note) for kind, note in KINDS.items()]
    )
    parts = kinds(told, page)
    clean = h.div(h.chip("clean", "ok"), "Every file was read as it is.", cls="t-row t-note")
    return h.div(numbers, clean if is_clean(told) else None, parts, cls="t-stack")


def is_clean(told: dict) -> bool:
    """Return whether a report tells of nothing but files that hold no labels."""
    return not any(told.get(kind) for kind in KINDS if kind != "other_files")


def kinds(told: dict, page: int) -> list[h.Html]:
    """Draw what was dropped, repaired and noticed, with the reasons counted.

    Args:
        told: {"counts", "dropped", "repaired", "noticed"}.
        page: from 1.
    """
    counts = told.get("counts", {})
    return [_problems(kind, counts.get(kind, {}), told[kind], page) for kind in KINDS if told.get(kind)]


def title(key: str) -> str:
    """Return a key as a heading."""
    return key.replace("_", " ").capitalize()


def _problems(kind: str, counts: dict, rows: Sequence[dict], page: int) -> h.Html:
    page = min(max(page, 1), max(1, -(-len(rows) // PAGE)))
    shown = rows[(page - 1) * PAGE : page * PAGE]
    reasons = h.table(["What", "How often", "For example"], _groups(kind, counts, rows), numeric=(1,))
    table = h.table(["File", "Line", "Why", "Found"], [_problem(row) for row in shown], numeric=(1,))
    if len(rows) == len(counts):  # the examples are all there is
        return h.div(h.head(title(kind)), reasons)
    total = sum(counts.values())
    more = (
        h.div(f"The first {len(rows):,} of {total:,} are listed; all are counted.", cls="t-note")
        if total > len(rows)
        else None
    )
    return h.div(h.head(title(kind), pager(len(rows), page, PAGE)), reasons, table, more)


def _groups(kind: str, counts: dict, rows: Sequence[dict]) -> list[list]:
    """Return a line for each reason, the most frequent first, with its first example."""
    first: dict[str, dict] = {}
    for row in rows:
        first.setdefault(row.get("reason", ""), row)
    ranked = sorted(counts, key=lambda reason: -counts[reason])
    return [
        [h.chip(reason, TONES[kind]), w.count(counts[reason]), _example(first.get(reason, {}))] for reason in ranked
    ]


def _example(row: dict) -> h.Html:
    line, detail = row.get("line"), row.get("detail", "")
    place = "the folder" if row.get("file") == "." else row.get("file", "")
    where = h.span(place if line is None else f"{place}:{line}", cls="t-mono")
    return h.div(where, h.span(f" {detail}", cls="t-note") if detail else None)


def _problem(row: dict) -> list:
    line = row.get("line")
    return [
        h.span("the folder" if row.get("file") == "." else row.get("file", ""), cls="t-mono"),
        "" if line is None else line,
        row.get("reason", ""),
        h.span(row.get("detail", ""), cls="t-note"),
    ]
