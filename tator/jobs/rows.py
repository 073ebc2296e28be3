"""Jobs in the database: their rows and their events.

The process that drives a job writes through a Recorder.
"""

from __future__ import annotations

import json
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tator.storage.database import Store, chunks
from tator.storage.schema import job, job_event
from tator.types import BadInput, NotFound, Progress, TatorError
from tator.warning_codes import EVENTS_LEFT_OUT, warned

ACTIVE = ("queued", "running")
WRITE_S = 0.2  # at most five progress rows a second
MESSAGE_S = 1.0  # at most one plain log line a second; points of a chart are all kept
RATE_S = 20.0  # the rate is that of the last 20 s
ARGUMENTS_LIMIT = 1_000_000  # characters of JSON
KEPT = 2_000  # ended jobs that stay listed


def insert_job(store: Store, kind: str, arguments: dict[str, Any], **columns: Any) -> str:
    """Write a queued job and return its id.

    Raises:
        BadInput: the arguments are more than a megabyte of JSON.
    """
    if (size := len(json.dumps(arguments))) > ARGUMENTS_LIMIT:
        raise BadInput(f"the arguments of {kind} are {size:,} characters of JSON; the limit is {ARGUMENTS_LIMIT:,}")
    key = uuid.uuid4().hex
    with store.write() as conn:
        conn.execute(
            insert(job).values(
                id=key, kind=kind, arguments=arguments, state="queued", created_at=time.time(), **columns
            )
        )
    return key


def claim(store: Store, job_id: str, **columns: Any) -> str:
    """Turn a queued job into a running one and return the state it had.

    "queued" says that it worked.

    Raises:
        NotFound: no such job.
    """
    with store.write() as conn:
        state, mine = found(conn, job_id).state, update(job).where(job.c.id == job_id, job.c.state == "queued")
        if conn.execute(mine.values(state="running", started_at=time.time(), **columns)).rowcount:
            add_events(conn, job_id, [_event(state="running")])
    return state


def found(conn: Connection, job_id: str) -> Any:
    """Return a job's row.

    Raises:
        NotFound: no such job.
    """
    row = conn.execute(select(job).where(job.c.id == job_id)).first()
    if row is None:
        raise NotFound(f"no job has the id {job_id!r}")
    return row


def end_job(conn: Connection, job_id: str, state: str, result: Any = None, error: dict | None = None) -> None:
    """Write how a job ended, with a last event that says so."""
    changes = {"state": state, "ended_at": time.time(), "result": result, "error": error, "rate": None}
    conn.execute(update(job).where(job.c.id == job_id).values(**changes))
    row = conn.execute(select(job.c.done, job.c.total, job.c.message).where(job.c.id == job_id)).one()
    text = f"{error['code']}: {error['message']}" if error else row.message
    add_events(conn, job_id, [_event(state=state, done=row.done, total=row.total, message=text)])


def end_if_active(store: Store, job_ids: list[str], state: str, error: dict | None = None) -> None:
    """Write how jobs of a process that is gone ended, unless it did so itself."""
    with store.write() as conn:
        for job_id in job_ids:
            if found(conn, job_id).state in ACTIVE:
                end_job(conn, job_id, state, error=error)


def told(row: Any) -> dict[str, Any]:
    """Return a job as callers see it; `left_s` is None while unknown."""
    facts = ("id", "kind", "arguments", "user", "state", "done", "total", "rate", "message", "result", "error")
    names = (*facts, "created_at", "started_at", "ended_at", "cancel_requested")
    is_moving = row.state == "running" and row.rate and row.total
    return {name: getattr(row, name) for name in names} | {
        "left_s": max(0, row.total - row.done) / row.rate if is_moving else None
    }


def get_job(store: Store, job_id: str) -> dict[str, Any]:
    """Return one job.

    Raises:
        NotFound: no such job.
    """
    with store.read() as conn:
        return told(found(conn, job_id))


def list_jobs(store: Store, kind: str, limit: int) -> list[dict[str, Any]]:
    """Return jobs, the newest first; of one kind unless it is ""."""
    query = select(job).order_by(job.c.created_at.desc(), job.c.id).limit(limit)
    with store.read() as conn:
        return [told(row) for row in conn.execute(query.where(job.c.kind == kind) if kind else query)]


def list_events(store: Store, job_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return a job's newest events after an event id, oldest first."""
    query = select(job_event).where(job_event.c.job_id == job_id, job_event.c.id > after)
    with store.read() as conn:
        rows = conn.execute(query.order_by(job_event.c.id.desc()).limit(limit)).mappings().all()
    return [{name: value for name, value in row.items() if name != "job_id"} for row in reversed(rows)]


def watch_jobs(store: Store, job_ids: Sequence[str], after: int, limit: int) -> dict[str, Any]:
    """Return jobs without their results, and their newest events after an event id.

    Args:
        store: the database.
        job_ids: of the jobs, in the order of the answer; unknown ones are left out.
        after: id of the last event that the caller has.
        limit: at most this many events, the newest, oldest first.

    Returns:
        {"jobs", "events", "last"}; "last" is what to give as `after` the next time.
    """
    events = select(job_event).where(job_event.c.job_id.in_(job_ids), job_event.c.id > after)
    with store.read() as conn:
        known = {row.id: told(row) for row in conn.execute(select(job).where(job.c.id.in_(job_ids)))}
        newest = conn.execute(events.order_by(job_event.c.id.desc()).limit(limit + 1)).mappings().all()
    jobs = [{name: value for name, value in known[key].items() if name != "result"} for key in job_ids if key in known]
    kept = [dict(row) for row in reversed(newest[:limit])]
    answer = {"jobs": jobs, "events": kept, "last": kept[-1]["id"] if kept else after}
    return warned(answer, {EVENTS_LEFT_OUT: len(newest) > limit})


def add_events(conn: Connection, job_id: str, events: list[dict[str, Any]]) -> None:
    """Append events to a job."""
    if events:
        conn.execute(insert(job_event), [{"job_id": job_id, **each} for each in events])


def forget_old(store: Store) -> list[str]:
    """Delete all but the newest ended jobs; return the ids that went."""
    query = select(job.c.id).where(job.c.state.not_in(ACTIVE)).order_by(job.c.created_at.desc()).offset(KEPT)
    with store.read() as conn:
        old = list(conn.execute(query.limit(100 * KEPT)).scalars())
    if old:
        with store.write() as conn:
            for some in chunks(old):
                conn.execute(delete(job).where(job.c.id.in_(some)))
    return old


def as_json(value: Any) -> Any:
    """Return a result as it reads after a round trip through JSON.

    Numbers that are not finite become None.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    return json.loads(json.dumps(value), parse_constant=lambda _: None)


def _event(
    state: str = "running", done: int = 0, total: int = 0, message: str = "", metrics: dict | None = None
) -> dict[str, Any]:
    return {
        "at": time.time(),
        "state": state,
        "done": done,
        "total": total,
        "message": message,
        "metrics": metrics or {},
    }


class Recorder:
    """Writes one running job's progress, several steps at a time.

    So the database is not written at every step.

    A step that is held back is written a moment later by a timer, because the next step may be an hour away.
    """

    def __init__(self, store: Store, job_id: str) -> None:
        self.stop_state = ""  # "cancelled" or "interrupted" once the work is to stop
        self._store, self._job_id = store, job_id
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._last: Progress | None = None
        self._held: list[dict[str, Any]] = []
        self._written_at = self._said_at = -math.inf
        self._said, self._trail = "", deque([(time.monotonic(), 0)])

    def step(self, progress: Progress) -> None:
        """Take one step of the work; it reaches the database within a fifth of a second.

        Raises:
            Unavailable: the database cannot be written.
        """
        with self._lock:
            self._hold(progress)
            wait_s = self._written_at + WRITE_S - time.monotonic()
            if wait_s <= 0:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self._write_late)
                self._timer.daemon = True
                self._timer.start()

    def end(self, state: str, result: Any = None, error: dict | None = None) -> None:
        """Write what is held back, and how the job ended."""
        with self._lock:
            self._stop_timer()
            with self._store.write() as conn:
                self._write_held(conn)
                if state == "interrupted" and self._is_cancel_requested(conn):
                    state = "cancelled"  # the signal came before the work asked
                end_job(conn, self._job_id, state, result, error)

    def _hold(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._last and progress.done < self._last.done:
            self._trail.clear()  # another part of the work: its rate is its own
        self._last = progress
        self._trail.append((now, progress.done))
        while len(self._trail) > 2 and now - self._trail[0][0] > RATE_S:
            self._trail.popleft()
        metrics = {name: float(value) if math.isfinite(value) else None for name, value in progress.metrics.items()}
        is_news = progress.message != self._said and now - self._said_at >= MESSAGE_S
        if metrics or is_news:
            self._said, self._said_at = progress.message, now
            self._held.append(_event("running", int(progress.done), int(progress.total), progress.message, metrics))

    def _write_late(self) -> None:
        with self._lock:
            if self._timer is None:  # written, or ended, while this waited for its turn
                return
            try:
                self._write()
            except TatorError:  # kept: the next step writes it, or fails the job
                self._timer = None

    def _write(self) -> None:
        self._stop_timer()
        self._written_at = time.monotonic()
        with self._store.write() as conn:
            self._write_held(conn)
            if self._is_cancel_requested(conn):
                self.stop_state = self.stop_state or "cancelled"
        self._held.clear()

    def _write_held(self, conn: Connection) -> None:
        add_events(conn, self._job_id, self._held)
        if self._last:
            changes = {"done": int(self._last.done), "total": int(self._last.total), "message": self._last.message}
            changes |= {"rate": self._rate(), "state": "running", "ended_at": None}
            conn.execute(update(job).where(job.c.id == self._job_id).values(**changes))

    def _is_cancel_requested(self, conn: Connection) -> bool:
        return bool(conn.execute(select(job.c.cancel_requested).where(job.c.id == self._job_id)).scalar())

    def _rate(self) -> float | None:
        """Return units a second lately, by a clock that does not jump."""
        (then, before), (now, done) = self._trail[0], self._trail[-1]
        return (done - before) / (now - then) if now > then and done > before else None

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
