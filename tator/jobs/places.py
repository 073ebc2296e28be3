"""Places where a job runs: a thread of this process, or a child process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tator.jobs.driver import Driver, made
from tator.jobs.process import follow, log_file, spawn
from tator.jobs.rows import get_job
from tator.storage.database import Store
from tator.types import Work


@dataclass(frozen=True)
class Job:
    """A job that is queued.

    Attributes:
        id: of its row.
        fn: `fn(workbench, **arguments)` makes the work; a place outside this process finds it by its kind instead.
        arguments: plain values.
    """

    id: str
    fn: Callable[..., Work]
    arguments: dict[str, Any]


class Place(Protocol):
    """Where jobs run."""

    def run(self, job: Job) -> None:
        """Run a queued job and return once it has ended; its row says how."""
        ...


class ThreadPlace:
    """Runs a job in the thread that asks.

    Args:
        driver: steps through the work.
        bench: returns what the work is given.
    """

    def __init__(self, driver: Driver, bench: Callable[[], Any]) -> None:
        self._driver, self._bench = driver, bench

    def run(self, job: Job) -> None:
        """Drive the job's work here."""
        self._driver.run_recorded(job.id, made(job.fn, self._bench(), job.arguments))


class ChildPlace:
    """Runs a job in a process of its own, which can be killed and outlives this one.

    Attributes:
        command: how a child is started; options, "run-job" and the job's id are added.
        leaving: set once children are followed no longer.
    """

    def __init__(self, store: Store, home: Path, prepare: Callable[[], Sequence[str]]) -> None:
        """Run the children of one workspace.

        Args:
            store: the database, through which they report.
            home: workspace folder.
            prepare: called before a child starts; returns its options beyond the workspace and the database.
        """
        self.command = [sys.executable, "-m", "tator", "--home", str(home)]
        self.leaving = threading.Event()
        self._store, self._home, self._prepare = store, home, prepare

    def run(self, job: Job) -> None:
        """Start a child for the job and follow it.

        A job that was cancelled while it waited is not started.
        """
        if get_job(self._store, job.id)["state"] != "queued":
            return
        options, log = [*self._database(), *self._prepare()], log_file(self._home, job.id)
        child = spawn([*self.command, *options, "run-job", job.id], log)
        follow(self._store, job.id, child, log, self.leaving)

    def _database(self) -> list[str]:
        """Return the option that names our database.

        An address with a password stays in the environment.
        """
        url = self._store.engine.url
        is_elsewhere = url.database != str(self._home / "tator.db") and url.password is None
        return ["--db", url.render_as_string()] if is_elsewhere else []
