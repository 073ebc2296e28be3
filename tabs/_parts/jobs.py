"""The job panel that tabs share: it follows one job.

It finds the job again when the tab is first opened after the page was reloaded or the server restarted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.shell import IN_TURN, Shell
from tator.ops import operations

TICK_S = 0.7
EVENTS = 2_000  # newest events of a job that a page keeps
LOG_ROWS = 60  # newest messages shown; all are kept in the database
SHARED = 20  # newest jobs of a kind that a tab shares with others, in which it looks for its own
RECENT_S = 24 * 3600  # a job that ended longer ago is history, and stands in the Jobs tab only


@dataclass
class JobPanel:
    """Widgets that follow one job.

    Attributes:
        kinds: operations whose jobs it follows.
        family: of runs, whose imports it follows; other families' are left out.
        job: id of the job followed, "" for none, None until the tab is first opened.
        watched: what is known of it, kept on the server: its id, facts, events and the last event's id.
        view: the drawn panel.
        timer: ticks while the job is active.
        moments: listeners after which the panel stands as the job does; what follows a job is chained to them,
            because Gradio does not report a changed gr.State from listeners outside its queue.
    """

    shell: Shell
    kinds: tuple[str, ...]
    family: str
    job: gr.State
    watched: gr.State
    view: gr.HTML
    timer: gr.Timer
    moments: list[Any] = field(default_factory=list)

    def start(self, trigger: Callable, fn: Callable, inputs: Any = None) -> Any:
        """Start a job on an event; `fn` returns the job's id.

        Call it before on_tick and on_end. Returns the listener, to chain to.
        """
        # in turn with the ticks: a late answer about the job before would stop the clock of the new one
        started = self.shell.on(trigger, fn, inputs, self.job, **IN_TURN)
        following = [self.watched, self.view, self.timer]
        self.moments.append(self.shell.on(started.success, self._follow, [self.job, self.watched], following))
        return started

    def on_end(self, fn: Callable, inputs: list, outputs: list) -> None:
        """Run `fn(job id, *inputs)` when the followed job ends while this page is open."""

        def ended(job_id: str, watched: dict, *values: Any) -> Any:
            is_over = bool(job_id) and watched.get("id") == job_id and not is_active(watched)
            return fn(job_id, *values) if is_over else (gr.skip(),) * len(outputs)

        for moment in self.moments:
            self.shell.on(moment.success, ended, [self.job, self.watched, *inputs], outputs)

    def on_tick(self, fn: Callable, outputs: Any) -> None:
        """Run `fn(watched)` whenever the panel is drawn anew; see the attribute."""
        for moment in self.moments:
            self.shell.on(moment.success, fn, self.watched, outputs)

    def _follow(self, job_id: str, watched: dict) -> tuple:
        watched = watch(self.shell, job_id, watched)
        return watched, drawn(watched), gr.Timer(active=is_active(watched))

    def _tick(self, job_id: str, watched: dict) -> tuple:
        watched, view, timer = self._follow(job_id, watched)
        return watched, view, gr.skip() if timer.active else timer

    def _opened(self, job_id: str | None) -> tuple:
        if job_id is not None:  # what was started since, or hidden, stays so
            return (gr.skip(),) * 4
        job = newest(self.shell, self.kinds, self.family)
        found = job["id"] if job else ""
        return found, *self._follow(found, {})

    def _picked(self, job_id: str, event: gr.EventData) -> tuple:
        act = event._data.get("act")
        if act == "dismiss":
            return "", {}, "", gr.Timer(active=False)
        if act == "cancel":
            self.shell.call("jobs_cancel", job_id=job_id)
        if act == "resume":
            job_id = resumed(self.shell, job_id)
        watched = watch(self.shell, job_id, {})
        return job_id, watched, drawn(watched), gr.Timer(active=True)


def build(shell: Shell, kinds: Sequence[str], family: str = "") -> JobPanel:
    """Draw the panel at the foot of a tab.

    Args:
        shell: the window's frame.
        kinds: names of the operations whose jobs belong to this tab.
        family: of runs; jobs that name another family belong to another tab.
    """
    with gr.Column(elem_classes="t-foot"):
        view = h.panel(elem_id=f"job-{kinds[0].replace('_', '-')}")
    panel = JobPanel(shell, tuple(kinds), family, gr.State(None), gr.State({}), view, gr.Timer(TICK_S, active=False))
    known, following = [panel.job, panel.watched], [panel.watched, view, panel.timer]
    everything = [panel.job, *following]
    panel.moments = [
        shell.on(panel.timer.tick, panel._tick, known, following),
        shell.on(view.pick, panel._picked, panel.job, everything),
    ]
    shell.on(shell.tab.select, panel._opened, panel.job, everything)
    return panel


def newest(shell: Shell, kinds: Sequence[str], family: str = "") -> dict | None:
    """Return the newest job of some kinds that still matters, else None.

    That is one that is active or ended within a day. With a family of runs, it names no other one.
    """
    looked_at = SHARED if family else 1
    jobs = [job for kind in kinds for job in shell.call("jobs_list", kind=kind, limit=looked_at)]
    ours = [job for job in jobs if (job["arguments"] or {}).get("family", family) == family]
    fresh = [job for job in ours if job["state"] in w.ACTIVE or time.time() - (job["ended_at"] or 0) < RECENT_S]
    return max(fresh, key=lambda job: job["created_at"], default=None)


def resumed(shell: Shell, job_id: str) -> str:
    """Start a job's work again and return the new job's id."""
    answer = shell.call("jobs_resume", job_id=job_id)
    return answer["id"] if isinstance(answer, dict) else str(answer)


def watch(shell: Shell, job_id: str, watched: dict) -> dict:
    """Return what is known of a job: what was known before and what came since.

    {} for no job.
    """
    if not job_id:
        return {}
    before: dict[str, Any] = watched if watched.get("id") == job_id else {"id": job_id, "events": [], "last": 0}
    told = shell.call("jobs_watch", job_ids=[job_id], after=before["last"])
    if not told["jobs"]:
        return {}  # ended long ago, and forgotten
    events = [*before["events"], *told["events"]][-EVENTS:]
    return {"id": job_id, "job": told["jobs"][0], "events": events, "last": told["last"]}


def is_active(watched: dict) -> bool:
    """Return whether a watched job waits or runs."""
    return bool(watched) and watched["job"]["state"] in w.ACTIVE


def render(shell: Shell, job_id: str) -> h.Html:
    """Draw one job as it stands now."""
    return drawn(watch(shell, job_id, {}))


def drawn(watched: dict) -> h.Html:
    """Draw a watched job: state, bar, numbers, log tail, and what can be done with it."""
    if not watched:
        return h.Html("")
    job, events, job_id = watched["job"], watched["events"], watched["id"]
    tail = None if job["state"] == "succeeded" else log(job, events)
    return h.div(line(job), progress(job), tail, cls="t-job", data_job=job_id, data_state=job["state"])


def line(job: dict) -> h.Html:
    """Draw the row with state, message and buttons."""
    active = job["state"] in w.ACTIVE
    act = h.button("Cancel", "cancel", "bad") if active else h.button("Hide", "dismiss", "quiet")
    again = h.button("Run again", "resume") if job["state"] in ("interrupted", "failed", "cancelled") else None
    error = (job.get("error") or {}).get("message")
    said = error or (
        "" if job["state"] == "succeeded" else job["message"]
    )  # its last message says nothing new once it is done
    return h.div(
        w.state_chip(job["state"]),
        h.el("b", title(job), cls="t-nowrap"),
        h.span(said, cls="t-clip"),
        h.span(numbers(job), cls="t-job-numbers"),
        again,
        act,
        cls="t-job-line",
    )


def title(job: dict) -> str:
    """Return the operation and what it works on, as a person reads it."""
    arguments = job["arguments"] or {}
    verb = operations().get(job["kind"])
    work = verb.title if verb else job["kind"].replace("_", " ").capitalize()  # a newer Tator may have written it
    subject = next((arguments[key] for key in ("name", "dataset", "card", "source") if arguments.get(key)), "")
    return f"{work}: {subject}" if subject else work


def numbers(job: dict) -> str:
    """Return done of total, rate, time left or time taken."""
    total = f"{amount(job, job['done'])} of {amount(job, job['total'])}" if job["total"] else ""
    if job["state"] == "succeeded" and job["total"]:
        total = f"{amount(job, job['total'])} done"
    if job["state"] not in w.ACTIVE:
        took = (job["ended_at"] or 0) - (job["started_at"] or job["ended_at"] or 0)
        return " · ".join(part for part in (total, f"took {w.duration(took)}" if job["ended_at"] else "") if part)
    rate = per_second(job)
    left = f"{w.duration(job['left_s'])} left" if job.get("left_s") is not None else ""
    return " · ".join(part for part in (total, rate, left) if part)


def amount(job: dict, number: float) -> str:
    """Return a job's progress in its unit."""
    return w.size(number) if counts_bytes(job) else w.count(number)


def counts_bytes(job: dict) -> bool:
    """Return whether a job's progress is in bytes, as where it moves weights."""
    verb = operations().get(job["kind"])
    return verb is not None and verb.unit == "bytes"


def per_second(job: dict) -> str:
    """Return how fast a job is, "" where that is not known."""
    rate = job.get("rate")
    if counts_bytes(job):
        return f"{w.size(rate)}/s" if rate else ""
    return f"{rate:,.{0 if rate >= 100 else 1}f}/s" if rate else ""


def progress(job: dict) -> h.Html:
    """Draw the job's bar; a job that succeeded is full."""
    share = 1.0 if job["state"] == "succeeded" else job["done"] / job["total"] if job["total"] else 0.0
    tone = {"succeeded": "ok", "failed": "bad"}.get(job["state"], "warn" if job["state"] not in w.ACTIVE else "")
    return h.bar(share, tone)


def log(job: dict, events: list[dict]) -> h.Html | None:
    """Draw the newest messages of a job, newest last; None where it said nothing."""
    news = [
        event
        for before, event in zip([{"message": ""}, *events], events)
        if event["message"] not in ("", before["message"])
    ]
    said = news[-LOG_ROWS:]
    rows = [f"{w.when(event['at'])}  {event['message']}\n" for event in said]
    error = (job.get("error") or {}).get("message")
    if not rows and not error:
        return None
    inside = h.el("pre", rows, h.span(error, cls="bad") if error else None)
    return h.div(inside, cls="t-log")
