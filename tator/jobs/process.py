"""The processes that drive jobs: whether one lives, how a child is run.

A child is started, followed and stopped here.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from tator.jobs.rows import ACTIVE, end_if_active
from tator.storage.database import Store
from tator.storage.schema import job

FOLLOW_S = 0.25
TERMINATE_S, KILL_S = 3.0, 8.0  # after a cancel that the work itself did not answer
START_SLACK_S = 2.0  # a start time moves by this much when the clock is corrected
HOST = platform.node()[:255]
ROOT = Path(__file__).parents[2]


def identity() -> dict[str, Any]:
    """Return the columns of a job that name this process."""
    me = psutil.Process()
    return {"host": HOST, "pid": me.pid, "pid_started_at": me.create_time()}


def log_file(home: Path, job_id: str) -> Path:
    """Return where what a job prints is kept."""
    return home / "runs" / "jobs" / f"{job_id}.log"


def living(pid: int | None, started_at: float | None) -> psutil.Process | None:
    """Return the process, or None where it is gone or its number has gone to another."""
    try:
        process = psutil.Process(pid)
        is_same = started_at is not None and abs(process.create_time() - started_at) < START_SLACK_S
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, ValueError, TypeError):
        return None


def is_gone(store: Store, row: Any) -> bool:
    """Return whether the process that drives a job has ended.

    A process of another host counts as living.
    """
    is_ours = store.engine.dialect.name == "sqlite" or row.host == HOST
    return is_ours and living(row.pid, row.pid_started_at) is None


def spawn(command: Sequence[str], log: Path) -> psutil.Popen:
    """Start a child that outlives us, with what it prints in a log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return psutil.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=sys.platform != "win32",  # so that Ctrl-C in the app's terminal does not reach it
        )


def follow(store: Store, job_id: str, process: psutil.Process, log: Path, leaving: threading.Event) -> None:
    """Wait until a child has ended, and stop it on request.

    How it ended is written here where the child could not do so itself.

    Args:
        store: the database, in which the child reports.
        job_id: of its job.
        process: the child.
        log: file with what it prints.
        leaving: set once this process lets go of the database; the child then runs on, followed by nobody.
    """
    asked_at, sent = None, 0
    while (code := _exit_code(process)) == "running":
        if leaving.is_set():
            return
        with store.read() as conn:
            is_asked = conn.execute(select(job.c.cancel_requested).where(job.c.id == job_id)).scalar()
        asked_at = asked_at or (time.monotonic() if is_asked else None)
        waited = time.monotonic() - asked_at if asked_at else 0
        if sent < 2 and waited > KILL_S:
            sent = _signal(process, "kill", 2)
        elif sent < 1 and waited > TERMINATE_S:
            sent = _signal(process, "terminate", 1)
    if leaving.is_set():
        return
    with store.read() as conn:
        row = conn.execute(select(job.c.state, job.c.cancel_requested).where(job.c.id == job_id)).first()
    if row and row.state in ACTIVE:
        end_if_active(store, [job_id], *_verdict(row.cancel_requested, code if isinstance(code, int) else None, log))


def _exit_code(process: psutil.Process) -> int | str | None:
    """Wait a moment and return the exit code, or "running".

    None where the system does not tell the code.
    """
    try:
        return process.wait(FOLLOW_S)
    except psutil.TimeoutExpired:
        return "running"


def _signal(process: psutil.Process, verb: str, stage: int) -> int:
    """Send a signal to a process and its children; return the stage reached."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return stage
    for each in family:
        try:
            getattr(each, verb)()
        except psutil.NoSuchProcess:
            continue
    return stage


def _verdict(was_cancelled: bool, code: int | None, log: Path) -> tuple[str, dict | None]:
    """Return state and error of a job whose process ended without a word."""
    if was_cancelled:
        return "cancelled", None
    if code is None:
        return "interrupted", None
    if code < 0:
        why = "most likely because memory ran out" if code == -9 else "from outside"
        message = f"its process was ended by signal {-code}, {why}; see {log.name}"
        return "failed", {"code": "killed", "message": message}
    last = next((line for line in reversed(log.read_text(errors="replace").splitlines()) if line.strip()), "")
    return "failed", {"code": "bug", "message": f"its process ended with exit code {code}: {last[:500]}"}
