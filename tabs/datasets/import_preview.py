"""What an import or a merge would do, shown before anything is written.

It says what is there, what each class becomes, and what would be dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import pager
from tabs._parts.pages import End, Outcome
from tabs._parts.shell import Shell
from tabs.datasets import report_view as report

PAGE = 40  # classes a page
MOST_CHOICES = 60  # classes of ours that a row offers as a list; above, typing finds them
NEW, OUT = "new", "out"
HOW = {"same": ("same name", "ok"), "spelling": ("spelled alike", "accent"), "alias": ("from the glossary", "accent")}
NOTHING: dict = {}
IMAGES_ONLY = "images"  # the format of a source without labels
DATASET = "dataset:"  # what stands before a dataset's name where it is the source


def build(shell: Shell, elem_id: str = "import-preview") -> tuple[gr.HTML, gr.State]:
    """Draw the panel, empty; return it and its state.

    The state is {"job", "targets", "page", "report_page"}, or {} before a look.
    """
    panel = h.panel(elem_id=elem_id)
    looked = gr.State(NOTHING)

    def picked(looked: dict, event: gr.EventData) -> tuple:
        looked = changed(shell, looked, dict(event._data))
        return draw(shell, looked), looked

    shell.on(panel.pick, picked, looked, [panel, looked])
    return panel, looked


def void(shell: Shell, changes: Sequence[Callable], panel: gr.HTML, looked: gr.State) -> None:
    """Make an earlier look void on some events.

    They are answered in turn with looks, so call this before the next look is wired.
    """
    for change in changes:
        shell.on(change, lambda: (h.Html(""), NOTHING), None, [panel, looked])


def is_merge(job: dict) -> bool:
    """Return whether a look was one at another dataset."""
    return job["arguments"]["source"].startswith(DATASET)


def looked_at(shell: Shell, end: End, preview: tuple[gr.HTML, gr.State]) -> Outcome:
    """Return what a look found, in the panel of `build`.

    A look before a merge is not shown where another dataset was opened meanwhile.
    """
    is_meant = not is_merge(end.job) or end.job["arguments"].get("dataset") == end.dataset
    held = opened(end.job["id"])
    shown = dict(zip(preview, (draw(shell, held), held), strict=True)) if end.is_done and is_meant else {}
    return Outcome(shown, redraws=False)


def emptied(preview: tuple[gr.HTML, gr.State]) -> dict:
    """Return updates by widget that empty the panel of `build`."""
    return dict(zip(preview, (h.Html(""), NOTHING), strict=True))


def agreed(shell: Shell, looked: dict, source: str, into: str) -> list[str]:
    """Return the mapping that a person saw and changed.

    Empty where nobody looked at this source for this dataset.
    """
    if not looked:
        return []
    before = shell.call("jobs_get", job_id=looked["job"])
    is_meant = before["arguments"]["source"] == source and before["arguments"].get("dataset", "") == into
    return mapping(before["result"]["classes"], looked["targets"]) if is_meant else []


def mapping(rows: Sequence[dict], targets: Mapping[str, str]) -> list[str]:
    """Return the entries of `mapping` for an import: what is not said keeps its name."""
    found = {row["source"]: targets.get(row["source"], row["target"]) for row in rows}
    return [f"{source}={target}" for source, target in found.items() if target != source]


def opened(job_id: str) -> dict:
    """Return what the panel holds after a look has ended."""
    return {"job": job_id, "targets": {}, "page": 1, "report_page": 1}


def changed(shell: Shell, looked: dict, told: Mapping) -> dict:
    """Return what the panel holds after something in it was picked."""
    act, value = told.get("act"), str(told.get("value", "")).strip()
    if act == "close" or not looked:
        return NOTHING
    if act == "classes":
        return looked | {"page": int(told["page"])}
    if act == "turn":
        return looked | {"report_page": int(told["page"])}
    rows = shell.call("jobs_get", job_id=looked["job"])["result"]["classes"]
    if act == "unlabelled":
        return looked | {"targets": looked["targets"] | {row["source"]: "" for row in rows if not row["count"]}}
    if act in ("choose", "type"):
        source = rows[int(told["row"])]["source"]
        meant = {NEW: source, OUT: ""}.get(value, value.removeprefix("=")) if act == "choose" else value
        return looked | {"targets": looked["targets"] | {source: meant}}
    return looked


def draw(shell: Shell, looked: dict) -> h.Html:
    """Draw what an import would do; nothing where nobody has looked."""
    if not looked:
        return h.Html("")
    job = shell.call("jobs_get", job_id=looked["job"])
    told, into, source = job["result"], job["arguments"].get("dataset", ""), job["arguments"]["source"]
    ours = [row["name"] for row in shell.call("datasets_get", dataset=into)["classes"]] if into else []
    is_dataset = source.startswith(DATASET)
    verb = f"{'Merge' if is_dataset else 'Import'} into {into}" if into else "Import"
    act = h.button(verb, tone="primary", data_press="#merge" if is_dataset else "#new-start")
    head = h.head("Before anything is written", h.button("Close", "close", "quiet"), act)
    table = classes_table(told["classes"], looked, ours, into)
    found = report.kinds(told["report"], looked["report_page"])
    clean = "Every image and box would come along." if is_dataset else "Every file would be read as it is."
    is_clean = report.is_clean(told["report"]) and told["format"] != IMAGES_ONLY
    lost = h.div(h.chip("clean", "ok"), clean, cls="t-row t-note") if is_clean else None
    return h.div(
        h.div(head, h.div(source.removeprefix(DATASET), cls="t-note t-mono")),
        _numbers(told),
        table,
        lost,
        found,
        cls="t-stack t-box t-preview",
    )


def _numbers(told: dict) -> h.Html:
    label = next((row["label"] for row in told["formats"] if row["name"] == told["format"]), "") or "no labels"
    others = [row["label"] for row in told["formats"] if row["name"] != told["format"]]
    also = (
        f"recognised, as is {', '.join(others)}: to read that instead, choose it as the format"
        if others
        else "recognised by content"
    )
    also = {"dataset": "", IMAGES_ONLY: "no labels of a known format were found"}.get(told["format"], also)
    bad, n = told["unreadable"], told["images"]
    bare = sum(not row["count"] for row in told["classes"])
    splits = " · ".join(f"{name or 'none'} {count:,}" for name, count in sorted(told["splits"].items()))
    dropped = sum(told["report"].get("counts", {}).get("dropped", {}).values())
    return h.div(
        h.div(
            h.chip(label, "accent"),
            h.span(also, cls="t-note") if also else None,
            h.span(f"splits: {splits}", cls="t-note") if splits else None,
            cls="t-row t-below",
        ),
        h.stats(
            [
                ("Images", w.count(n), f"{bad:,} unreadable" if bad else "all readable"),
                ("With labels", w.count(told["labelled"]), f"{told['unlabelled']:,} without"),
                ("Boxes", w.count(told["annotations"]), f"{told['annotations'] / n:.1f} an image" if n else ""),
                ("Classes", w.count(len(told["classes"])), f"{bare:,} without labels" if bare else "all with labels"),
                ("Would be dropped", w.count(dropped), "listed below" if dropped else "nothing"),
            ]
        ),
    )


def classes_table(rows: Sequence[dict], looked: dict, ours: Sequence[str], into: str) -> h.Html | None:
    """Draw what each class becomes, to be changed by hand.

    Nothing where there are none.

    Args:
        rows: of a look.
        looked: what the panel holds.
        ours: class names of the dataset.
        into: name of the dataset.
    """
    if not rows:
        return None
    first = (looked["page"] - 1) * PAGE
    shown = [_class(i, row, looked["targets"].get(row["source"], row["target"]), ours) for i, row in enumerate(rows)][
        first : first + PAGE
    ]
    bare = [row for row in rows if not row["count"] and looked["targets"].get(row["source"], row["target"])]
    skip = (
        h.button(
            f"Leave out the {len(bare)} without labels" if len(bare) > 1 else "Leave out the one without labels",
            "unlabelled",
        )
        if bare
        else None
    )
    listed = (
        h.el("datalist", [h.el("option", value=name) for name in ours], id="import-ours")
        if len(ours) > MOST_CHOICES
        else None
    )
    becomes = f"Becomes, in {into}" if into else "Becomes"
    head = h.head("What each class becomes", skip, pager(len(rows), looked["page"], PAGE, "classes"))
    return h.div(
        head, h.table(["In the source", "Labels", becomes, "", ""], shown, numeric=(1,), cls="t-mapping"), listed
    )


def _class(at: int, row: dict, target: str, ours: Sequence[str]) -> list:
    """Return the cells of one class.

    They are its name, its labels, what it becomes, under which name, and why.
    """
    label = f"What {row['source']} becomes"
    facts = {"data_row": at, "aria_label": label}
    known, named = target in ours, target and target not in ours
    typed = h.field(
        target,
        "type",
        "boxed",
        placeholder="left out",
        maxlength=100,
        list="import-ours" if ours else None,
        **facts,
    )
    if ours and len(ours) <= MOST_CHOICES:
        options = [
            (NEW, "a new class", named),
            *((f"={name}", name, name == target) for name in ours),
            (OUT, "left out", not target),
        ]
        choice = h.el(
            "select",
            [h.el("option", text, value=value, selected=on) for value, text, on in options],
            cls="t-field boxed",
            data_act="choose",
            **facts,
        )
        typed = h.div(choice, typed if named else None, cls="t-row t-nowrap")
    turn = (
        h.button("Leave out", "choose", "quiet", data_value=OUT, data_row=at)
        if target
        else h.button("Keep", "choose", "quiet", data_value=NEW, data_row=at)
    )
    why, tone = (
        HOW.get(row["how"], ("", ""))
        if known and target == row["target"]
        else ("left out", "warn")
        if not target
        else ("new", "")
        if named
        else ("chosen", "accent")
    )
    if not row["count"] and target:
        why, tone = "no labels: a super-category?", "warn"
    return [h.el("b", row["source"]), w.count(row["count"]), typed, h.chip(why, tone), turn]
