"""Long work: started, driven, recorded in the database, cancelled, and picked up after a restart."""

from __future__ import annotations

import functools
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from tator.jobs import process as job_process
from tator.jobs import rows as job_rows
from tator.jobs.rows import ACTIVE, Recorder
from tator.storage.database import Store
from tator.storage.schema import job
from tator.types import Conflict, TatorError, Unavailable, Work

THREADS = 4  # jobs at once in this process
CHILDREN = 2  # child processes at once
QUEUE_LIMIT = 1_000  # jobs waiting, of each sort
UNLOAD_S = 10.0  # for models that are answering when a training starts
CLOSE_S = 5.0  # for running jobs to reach their next step when the product stops
EVENTS_LIMIT = 2_000
LOG_TAIL = 4_000  # characters


class Stopped(TatorError):
    """A job that was cancelled, or interrupted because the product stopped."""

    code = "cancelled"

    def __init__(self, state: str) -> None:
        super().__init__(f"the job was {state}")
        self.state = state


class JobRunner:
    """Runs jobs in threads and child processes, and answers for those of other processes.

    Attributes:
        workbench: what the work is given; set once the workbench is complete.
        command: how a child is started; options, "run-job" and the job's id are added.
    """

    def __init__(self, store: Store, home: Path) -> None:
        self.workbench: Any = None
        self.command = [sys.executable, "-m", "tator", "--home", str(Path(home).absolute())]
        self._store, self._home = store, Path(home).absolute()
        self._threads, self._children = _Lane("job", THREADS), _Lane("child", CHILDREN)
        self._recorders: dict[str, Recorder] = {}

    def create(self, kind: str, arguments: dict[str, Any], in_child: bool = False) -> str:
        """Write a queued job, attributed to who is acting, and return its id."""
        user = self.workbench.user[:100] if self.workbench else ""
        return job_rows.insert_job(self._store, kind, arguments, user=user, in_child=in_child, **job_process.identity())

    def start(self, fn: Callable[..., Work], kind: str, arguments: dict[str, Any], in_child: bool = False) -> str:
        """Queue work for a thread or a child process and return the job's id.

        Args:
            fn: `fn(workbench, **arguments)` makes the work; a child finds it by its kind instead.
            kind: name of the operation.
            arguments: its plain arguments.
            in_child: run as a process of its own, which can be killed and outlives this one.

        Raises:
            BadInput: the arguments are too large.
            Unavailable: too many jobs are waiting.
        """
        lane = self._children if in_child else self._threads
        lane.check_room()
        job_id = self.create(kind, arguments, in_child)
        task = (
            functools.partial(self._drive_child, job_id)
            if in_child
            else functools.partial(self._drive_here, job_id, fn, arguments)
        )
        lane.put(job_id, functools.partial(copy_context().run, task))
        return job_id

    def run(self, job_id: str, work: Work) -> Any:
        """Drive queued work to its end in this thread, recording each step, and return its result.

        Raises:
            Conflict: the job is not queued.
            Stopped: it was cancelled.
            TatorError: the work failed; any error of it is recorded, then raised.
        """
        if (state := job_rows.claim(self._store, job_id, **job_process.identity())) != "queued":
            work.close()
            raise Conflict(f"job {job_id} is {state}, not queued")
        recorder = self._recorders[job_id] = Recorder(self._store, job_id)
        try:
            result = job_rows.plain(_drive(work, recorder))
            recorder.end("succeeded", result=result)
            return result
        except BaseException as error:  # whatever it was, the job says so
            outcome = _outcome(error, recorder)
            if outcome.get("error", {}).get("code") == "bug":
                self._log(job_id).parent.mkdir(parents=True, exist_ok=True)
                with self._log(job_id).open("a") as log:
                    log.write(traceback.format_exc())
            recorder.end(**outcome)
            raise
        finally:
            del self._recorders[job_id]

    def run_here(
        self,
        fn: Callable[..., Work],
        kind: str,
        arguments: dict[str, Any],
        through: Callable[[Work], Work] = lambda work: work,
    ) -> Any:
        """Record and drive work in the foreground, as the command line does.

        Args:
            fn: `fn(workbench, **arguments)` makes the work.
            kind: name of the operation.
            arguments: its plain arguments.
            through: wraps the work, to show its steps.
        """
        return self.run(self.create(kind, arguments), through(_work(fn, self.workbench, arguments)))

    def list(self, kind: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Return jobs of all processes, the newest first."""
        return job_rows.list_jobs(self._store, kind, limit)

    def get(self, job_id: str) -> dict[str, Any]:
        """Return one job, with the tail of its log file.

        Raises:
            NotFound: no such job.
        """
        with self._store.read() as conn:
            told = job_rows.told(job_rows.found(conn, job_id))
        log = self._log(job_id)
        return told | {"log": log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else ""}

    def events(self, job_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Return the newest 2,000 events of a job after an event id, oldest first.

        Raises:
            NotFound: no such job.
        """
        with self._store.read() as conn:
            job_rows.found(conn, job_id)
        return job_rows.list_events(self._store, job_id, after, EVENTS_LIMIT)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to stop: at once where it waits, else at its next step; one that ended stays as it is.

        Raises:
            NotFound: no such job.
        """
        with self._store.write() as conn:
            row = job_rows.found(conn, job_id)
            asked = update(job).where(job.c.id == job_id, job.c.state.in_(ACTIVE)).values(cancel_requested=True)
            if conn.execute(asked).rowcount and (row.state == "queued" or self._is_gone(row)):
                job_rows.end_job(conn, job_id, "cancelled" if row.state == "queued" else "interrupted")
        if recorder := self._recorders.get(job_id):
            recorder.stop_state = "cancelled"
        return self.get(job_id)

    def wait(self, job_id: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Return the job once it has ended, or as it stands when the time is up."""
        until, pause_s = time.monotonic() + timeout_s, 0.01
        while (told := self.get(job_id))["state"] in ACTIVE and time.monotonic() < until:
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.2)
        return told

    def interrupt_orphans(self) -> None:
        """At start: mark jobs whose process is gone, follow children that still run, forget very old jobs."""
        with self._store.read() as conn:
            rows = conn.execute(select(job).where(job.c.state.in_(ACTIVE))).all()
        for row in rows:
            if self._is_gone(row):
                job_rows.end_if_active(self._store, [row.id], "cancelled" if row.cancel_requested else "interrupted")
            elif row.in_child and row.state == "running" and row.pid != os.getpid():
                process = job_process.living(row.pid, row.pid_started_at)
                arguments = (self._store, row.id, process, self._log(row.id))
                threading.Thread(
                    target=job_process.follow, args=arguments, name=f"follow-{row.id}", daemon=True
                ).start()
        for job_id in job_rows.forget_old(self._store):
            self._log(job_id).unlink(missing_ok=True)

    def finish(self) -> None:
        """Wait for every job that was started here, as the command line does before it ends."""
        while self._threads.unfinished or self._children.unfinished:
            time.sleep(0.02)

    def close(self) -> None:
        """Take no more jobs; stop those in threads at their next step. Children run on."""
        if left := self._threads.close() + self._children.close():
            job_rows.end_if_active(self._store, left, "interrupted")
        for recorder in list(self._recorders.values()):
            recorder.stop_state = recorder.stop_state or "interrupted"
        until = time.monotonic() + CLOSE_S
        while self._recorders and time.monotonic() < until:
            time.sleep(0.01)

    def _drive_here(self, job_id: str, fn: Callable[..., Work], arguments: dict[str, Any]) -> None:
        """Run a job in a lane's thread."""
        try:
            self.run(job_id, _work(fn, self.workbench, arguments))
        except Exception:  # noqa: BLE001 - its row says what it was, the log of a bug where
            return

    def _drive_child(self, job_id: str) -> None:
        if self.get(job_id)["state"] == "queued":
            if self.workbench and self.workbench.models.device != "cpu":  # it trains on the device we lend models on
                self.workbench.models.unload_all(UNLOAD_S)
            log, command = self._log(job_id), [*self.command, *self._options(), "run-job", job_id]
            job_process.follow(self._store, job_id, job_process.spawn(command, log), log)

    def _options(self) -> list[str]:
        """Return what a child must be told to work as we do; an address with a password stays in the environment."""
        url = self._store.engine.url
        is_elsewhere = url.database != str(self._home / "tator.db") and url.password is None
        database = ["--db", url.render_as_string()] if is_elsewhere else []
        return database + (["--device", self.workbench.models.device] if self.workbench else [])

    def _is_gone(self, row: Any) -> bool:
        """Tell whether the process that drives a job has ended; those of other hosts are left alone."""
        is_ours = self._store.engine.dialect.name == "sqlite" or row.host == job_process.HOST
        return is_ours and job_process.living(row.pid, row.pid_started_at) is None

    def _log(self, job_id: str) -> Path:
        return self._home / "runs" / "jobs" / f"{job_id}.log"


class _Lane:
    """A queue with a bounded number of threads, made when needed; they never keep the process alive."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._tasks: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()
        self._lock, self._started, self._idle, self._is_closed = threading.Lock(), 0, 0, False
        self.unfinished = 0

    def check_room(self) -> None:
        if self._is_closed:
            raise Unavailable("the product is stopping and takes no more jobs")
        if self._tasks.qsize() >= QUEUE_LIMIT:
            raise Unavailable(f"{QUEUE_LIMIT} jobs are waiting, which is the limit; try again when some have ended")

    def put(self, job_id: str, task: Callable[[], None]) -> None:
        with self._lock:
            self.unfinished += 1
            self._tasks.put((job_id, task))
            if self._idle < self._tasks.qsize() and self._started < self._size:
                self._started += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()

    def close(self) -> list[str]:
        """Return the ids of the jobs that will not be begun."""
        self._is_closed, left = True, []
        while not self._tasks.empty():
            left.append(self._tasks.get()[0])
        return left

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            _, task = self._tasks.get()
            with self._lock:
                self._idle -= 1
            try:
                task()
            except Exception:  # noqa: BLE001 - not even the outcome could be written; the next job may fare better
                traceback.print_exc()
            with self._lock:
                self.unfinished -= 1


def run_child(wb: Any, job_id: str, find: Callable[[str], Callable[..., Work]]) -> None:
    """Drive a job that another process queued, in this process made for it.

    Args:
        wb: the workbench.
        job_id: a queued job.
        find: returns the function of an operation by its name.

    Raises:
        NotFound: no such job.
        TatorError: the work refused; its row says so already.
        SystemExit: the work has a bug; its row and its log say so already.
    """
    told = wb.jobs.get(job_id)
    if hasattr(os, "nice"):
        os.nice(5)  # the window stays quick
    signal.signal(signal.SIGTERM, _stop_on_signal)
    with wb.acting(told["user"]):
        try:
            wb.jobs.run(job_id, _work(find(told["kind"]), wb, told["arguments"]))
        except TatorError:
            raise
        except Exception as bug:
            raise SystemExit(1) from bug


def _stop_on_signal(*_: Any) -> None:
    raise Stopped("interrupted")


def _work(fn: Callable[..., Work], wb: Any, arguments: dict[str, Any]) -> Work:
    """Return the work, made at its first step, so that an error in making it is the job's too."""
    return (yield from fn(wb, **arguments))


def _drive(work: Work, recorder: Recorder) -> Any:
    """Step through work until it returns, or is to stop; closing it lets it clean up."""
    try:
        while True:
            recorder.step(next(work))
            if recorder.stop_state:
                raise Stopped(recorder.stop_state)
    except StopIteration as done:
        return done.value
    finally:
        work.close()


def _outcome(error: BaseException, recorder: Recorder) -> dict[str, Any]:
    """Return how a job ended that raised an error."""
    if isinstance(error, Stopped):
        return {"state": recorder.stop_state or error.state}
    if isinstance(error, KeyboardInterrupt):
        return {"state": "cancelled"}
    if isinstance(error, TatorError):
        return {"state": "failed", "error": {"code": error.code, "message": str(error)}}
    return {"state": "failed", "error": {"code": "bug", "message": f"{type(error).__name__}: {error}"}}
