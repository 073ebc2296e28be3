"""Jobs tab: every piece of long work, running or ended, and one of them in detail."""

from __future__ import annotations

import json

import gradio as gr

from tabs._parts import html as h
from tabs._parts import jobs
from tabs._parts import words as w
from tabs._parts.shell import Shell
from tator.workbench import Workbench

TITLE, ORDER = "Jobs", 80
REFRESH_S = 1.0
PAGE = 50
READ = 1000  # newest jobs that the filters look through
ANY = "any"
STATES = [ANY, "active", "succeeded", "failed", "cancelled", "interrupted"]
COLUMNS = ["Job", "State", "Progress", "", "Time left or taken", "Started"]


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    with gr.Row(elem_classes="t-work"):
        with gr.Column(elem_classes="t-ask"):
            gr.HTML(h.head("Jobs"), apply_default_css=False)
            state = gr.Dropdown(STATES, value=ANY, label="State")
            kind = gr.Dropdown([(ANY, "")], value="", label="Kind", allow_custom_value=True)
            page = gr.Number(1, label="Page", precision=0, minimum=1, visible=False)
            pager = h.panel(elem_id="jobs-pager")
        with gr.Column(elem_classes="t-answer"):
            listing = h.panel(elem_id="jobs-list")
            detail = h.panel(elem_id="jobs-detail")
    chosen, timer = gr.State(""), gr.Timer(REFRESH_S, active=False)
    inputs, outputs = [state, kind, page, chosen], [listing, pager, detail]

    def show(state: str, kind: str, page: int, chosen: str) -> tuple:
        return draw(shell, state, kind, int(page or 1), chosen)

    def opened(event: gr.SelectData) -> gr.Timer:
        return gr.Timer(active=event.value == TITLE)

    shell.on(shell.tabs.select, opened, None, timer)
    shell.on(shell.tab.select, show, inputs, outputs)
    shell.on(shell.tab.select, lambda: gr.update(choices=kinds(shell)), None, kind)
    shell.on(timer.tick, show, inputs, outputs)
    shell.on(
        [state.input, kind.input],
        lambda state, kind, chosen: (1, *draw(shell, state, kind, 1, chosen)),
        [state, kind, chosen],
        [page, *outputs],
    )
    _wire_picks(shell, inputs, outputs, chosen, page, listing, pager, detail)


def _wire_picks(
    shell: Shell,
    inputs: list,
    outputs: list,
    chosen: gr.State,
    page: gr.Number,
    listing: gr.HTML,
    pager: gr.HTML,
    detail: gr.HTML,
) -> None:
    def turn(state: str, kind: str, page: int, chosen: str, event: gr.EventData) -> tuple:
        page = max(1, int(page) + int(event._data["by"]))
        return (page, *draw(shell, state, kind, page, chosen))

    def choose(state: str, kind: str, page: int, chosen: str, event: gr.EventData) -> tuple:
        chosen = event._data["id"]
        return (chosen, *draw(shell, state, kind, int(page), chosen))

    def act(state: str, kind: str, page: int, chosen: str, event: gr.EventData) -> tuple:
        if event._data["act"] == "cancel":
            shell.call("jobs_cancel", job_id=chosen)
        elif event._data["act"] == "resume":
            chosen = jobs.resumed(shell, chosen)
        elif event._data["act"] == "dismiss":
            chosen = ""
        return (chosen, *draw(shell, state, kind, int(page), chosen))

    shell.on(pager.pick, turn, inputs, [page, *outputs])
    shell.on(listing.pick, choose, inputs, [chosen, *outputs])
    shell.on(detail.pick, act, inputs, [chosen, *outputs])


def kinds(shell: Shell) -> list[tuple[str, str]]:
    """Return the kinds of work that stand in the list, as dropdown choices."""
    found = sorted({job["kind"] for job in shell.call("jobs_list", limit=READ)})
    return [(ANY, ""), *((kind.replace("_", " "), kind) for kind in found)]


def draw(shell: Shell, state: str, kind: str, page: int, chosen: str) -> tuple[h.Html, h.Html, h.Html]:
    """Return the list, its pager and the details of the chosen job."""
    found = [job for job in shell.call("jobs_list", kind=kind or "", limit=READ) if matches(job, state)]
    shown = found[(page - 1) * PAGE : page * PAGE]
    return listed(shown, chosen, filtered=bool(kind) or state != ANY), paged(len(found), page), details(shell, chosen)


def matches(job: dict, state: str) -> bool:
    """Return whether a job has the state that was asked for."""
    return state == ANY or (job["state"] in w.ACTIVE if state == "active" else job["state"] == state)


def listed(rows: list[dict], chosen: str, filtered: bool) -> h.Html:
    """Draw the list of jobs, or what to do when there are none."""
    if not rows and filtered:
        return h.empty("No job matches", "Choose other filters on the left.")
    if not rows:
        return h.empty(
            "No jobs yet",
            "Imports, exports and trainings are listed here while they run and after they have ended.",
            h.goto("Import a dataset", "datasets", "primary"),
            h.goto("Train a head", "train_clip"),
        )
    return h.table(COLUMNS, [_row(job, job["id"] == chosen) for job in rows], numeric=(3, 4, 5))


def _row(job: dict, on: bool) -> h.Html:
    total = f"{jobs.amount(job, job['done'])} / {jobs.amount(job, job['total'])}" if job["total"] else ""
    rate = f" · {jobs.per_second(job)}" if job.get("rate") and job["state"] in w.ACTIVE else ""
    took = (job["ended_at"] or 0) - (job["started_at"] or 0) if job["ended_at"] and job["started_at"] else None
    time_cell = w.duration(took if job["ended_at"] else job.get("left_s"))
    cells = [
        jobs.title(job),
        w.state_chip(job["state"]),
        jobs.progress(job),
        total + rate,
        time_cell,
        w.when(job["started_at"]),
    ]
    return h.row(cells, (3, 4, 5), data_act="choose", data_id=job["id"], tabindex=0, cls="on" if on else None)


def paged(total: int, page: int) -> h.Html:
    """Draw how many jobs there are, and the buttons that turn pages."""
    last = max(1, -(-total // PAGE))
    if last == 1:
        return h.span(w.plural(total, "job"), cls="t-note")
    return h.div(
        h.button("Newer", "turn", data_by=-1, disabled=page <= 1),
        h.span(f"{page} of {last}", cls="t-note"),
        h.button("Older", "turn", data_by=1, disabled=page >= last),
        cls="t-row",
    )


def details(shell: Shell, job_id: str) -> h.Html:
    """Draw one job with its log, arguments, and result or error."""
    if not job_id:
        return h.Html("")
    job, watched = shell.call("jobs_get", job_id=job_id), jobs.watch(shell, job_id, {})
    facts = h.facts(
        [
            ("Id", h.span(job["id"], cls="t-mono")),
            ("Asked by", job["user"] or "–"),
            ("Created", w.when(job["created_at"])),
            ("Started", w.when(job["started_at"])),
            ("Ended", w.when(job["ended_at"])),
        ]
    )
    given = h.div(h.div("Arguments", cls="t-note"), _json(job["arguments"]))
    told = h.div(h.div("Result", cls="t-note"), _json(job["result"])) if job["result"] is not None else None
    failed = h.div(h.div("Error", cls="t-note"), _json(job["error"])) if job["error"] else None
    said = jobs.log(job, watched["events"]) if job["state"] == "succeeded" else None
    return h.div(
        jobs.drawn(watched),
        h.div(said, cls="t-job-facts"),
        h.div(facts, given, told, failed, cls="t-two t-job-facts"),
        cls="t-box",
    )


def _json(value: object) -> h.Html:
    return h.div(h.el("pre", json.dumps(value, indent=2, ensure_ascii=False, default=str)), cls="t-log t-json")
