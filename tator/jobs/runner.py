"""Long work: started, watched, cancelled, and picked up after a restart."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from tator.jobs import rows
from tator.jobs.driver import Driver, made
from tator.jobs.places import ChildPlace, Job, Place, ThreadPlace
from tator.jobs.process import follow, identity, is_gone, living, log_file
from tator.jobs.queue import JobQueue
from tator.jobs.rows import ACTIVE
from tator.storage.database import Store
from tator.storage.schema import job
from tator.types import Work

THREADS = 4  # jobs at once in this process
CHILDREN = 2  # child processes at once
LEAVE_S = 5.0  # at most for a thread that follows a child to let go of the database
EVENTS_LIMIT = 2_000
LOG_TAIL = 4_000  # characters
JobList = list[dict[str, Any]]  # JobRunner.list hides the word list below it


class JobRunner:
    """Runs jobs in threads and child processes, and reports those of others.

    Attributes:
        children: where jobs run that are processes of their own.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        bench: Callable[[], Any] = lambda: None,
        user: Callable[[], str] = lambda: "",
        before_child: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Run the jobs of one workspace.

        Args:
            store: the database.
            home: workspace folder.
            bench: returns the workbench, which work is given; asked when work starts, because it holds this runner.
            user: returns who is acting, to whom a new job is attributed.
            before_child: makes room for a child process and returns its options.
        """
        self._store, self._home, self._bench, self._user = store, Path(home).absolute(), bench, user
        self._driver = Driver(store, self._home)
        self.children = ChildPlace(store, self._home, before_child)
        self._here: tuple[JobQueue, Place] = (JobQueue("job", THREADS), ThreadPlace(self._driver, bench))
        self._followers: list[threading.Thread] = []  # of children that an earlier process started
        self._apart: tuple[JobQueue, Place] = (JobQueue("child", CHILDREN), self.children)

    def create(self, kind: str, arguments: dict[str, Any], in_child: bool = False) -> str:
        """Write a queued job, attributed to who is acting, and return its id."""
        return rows.insert_job(self._store, kind, arguments, user=self._user()[:100], in_child=in_child, **identity())

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
        waiting, place = self._apart if in_child else self._here
        waiting.check_room()
        job_id = self.create(kind, arguments, in_child)
        waiting.put(job_id, functools.partial(copy_context().run, place.run, Job(job_id, fn, arguments)))
        return job_id

    def run(self, job_id: str, work: Work) -> Any:
        """Drive queued work to its end in this thread and return its result.

        Each step is recorded.

        Raises:
            Conflict: the job is not queued.
            Stopped: it was cancelled.
            TatorError: the work failed; any error of it is recorded, then raised.
        """
        return self._driver.run(job_id, work)

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
        return self.run(self.create(kind, arguments), through(made(fn, self._bench(), arguments)))

    def list(self, kind: str = "", limit: int = 100) -> JobList:
        """Return jobs of all processes, the newest first."""
        return rows.list_jobs(self._store, kind, limit)

    def get(self, job_id: str) -> dict[str, Any]:
        """Return one job, with the tail of its log file.

        Raises:
            NotFound: no such job.
        """
        told, log = rows.get_job(self._store, job_id), self._log(job_id)
        return told | {"log": log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else ""}

    def events(self, job_id: str, after: int = 0) -> JobList:
        """Return the newest 2,000 events of a job after an event id, oldest first.

        Raises:
            NotFound: no such job.
        """
        rows.get_job(self._store, job_id)
        return rows.list_events(self._store, job_id, after, EVENTS_LIMIT)

    def watch(self, job_ids: Sequence[str], after: int = 0) -> dict[str, Any]:
        """Return how some jobs stand, and what came since an event; see rows.watch_jobs."""
        return rows.watch_jobs(self._store, job_ids, after, EVENTS_LIMIT)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to stop: at once where it waits, else at its next step.

        A job that has ended stays as it is.

        Raises:
            NotFound: no such job.
        """
        with self._store.write() as conn:
            row = rows.found(conn, job_id)
            asked = update(job).where(job.c.id == job_id, job.c.state.in_(ACTIVE)).values(cancel_requested=True)
            if conn.execute(asked).rowcount and (row.state == "queued" or is_gone(self._store, row)):
                rows.end_job(conn, job_id, "cancelled" if row.state == "queued" else "interrupted")
        self._driver.stop(job_id, "cancelled")
        return self.get(job_id)

    def wait(self, job_id: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Return the job once it has ended, or as it stands when the time is up."""
        until, pause_s = time.monotonic() + timeout_s, 0.01
        while (told := self.get(job_id))["state"] in ACTIVE and time.monotonic() < until:
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.2)
        return told

    def interrupt_orphans(self) -> None:
        """Take up the jobs that an earlier process left; called at the start.

        Jobs whose process is gone are marked, children that still run are followed, and very old jobs are
        deleted.
        """
        with self._store.read() as conn:
            active = conn.execute(select(job).where(job.c.state.in_(ACTIVE))).all()
        for row in active:
            if is_gone(self._store, row):
                rows.end_if_active(self._store, [row.id], "cancelled" if row.cancel_requested else "interrupted")
            elif row.in_child and row.state == "running" and row.pid != os.getpid():
                self._follow(row)
        for job_id in rows.forget_old(self._store):
            self._log(job_id).unlink(missing_ok=True)

    def _follow(self, row: Any) -> None:
        """Follow a child that an earlier process of this host started."""
        child = living(row.pid, row.pid_started_at)
        if child is None:
            return
        what = (self._store, row.id, child, self._log(row.id), self.children.leaving)
        thread = threading.Thread(target=follow, args=what, name=f"follow-{row.id}", daemon=True)
        thread.start()
        self._followers.append(thread)

    def finish(self) -> None:
        """Wait for every job that was started here.

        The command line does so before it ends.
        """
        while self._here[0].unfinished or self._apart[0].unfinished:
            time.sleep(0.02)

    def close(self) -> None:
        """Take no more jobs; stop those in threads at their next step.

        Children run on, followed no longer.
        """
        self.children.leaving.set()
        for thread in self._followers:
            thread.join(LEAVE_S)
        if left := self._here[0].close() + self._apart[0].close():
            rows.end_if_active(self._store, left, "interrupted")
        self._driver.close()

    def _log(self, job_id: str) -> Path:
        return log_file(self._home, job_id)
