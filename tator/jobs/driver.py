"""Drive work to its end: step by step, each step and the outcome recorded."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tator.jobs.process import identity, log_file
from tator.jobs.rows import Recorder, as_json, claim
from tator.storage.database import Store
from tator.types import Conflict, TatorError, Work

CLOSE_S = 5.0  # for running work to reach its next step when the product stops


class Stopped(TatorError):
    """A job that was cancelled, or interrupted because the product stopped."""

    code = "cancelled"

    def __init__(self, state: str) -> None:
        super().__init__(f"the job was {state}")
        self.state = state


class Driver:
    """Drives the works of this process, each in the thread that asks for it."""

    def __init__(self, store: Store, home: Path) -> None:
        self._store, self._home = store, home
        self._recorders: dict[str, Recorder] = {}
        self._is_closed = False

    def run(self, job_id: str, work: Work) -> Any:
        """Drive queued work to its end in this thread and return its result.

        Each step is recorded.

        Raises:
            Conflict: the job is not queued.
            Stopped: it was cancelled.
            TatorError: the work failed; any error of it is recorded, then raised.
        """
        if (state := claim(self._store, job_id, **identity())) != "queued":
            work.close()
            raise Conflict(f"job {job_id} is {state}, not queued")
        recorder = self._recorders[job_id] = Recorder(self._store, job_id)
        if self._is_closed:  # claimed while the product stopped
            recorder.stop_state = "interrupted"
        try:
            result = as_json(_step_through(work, recorder))
            recorder.end("succeeded", result=result)
            return result
        except BaseException as error:  # every error is recorded in the job
            outcome = _outcome(error, recorder)
            if outcome.get("error", {}).get("code") == "bug":
                self._log_traceback(job_id)
            recorder.end(**outcome)
            raise
        finally:
            del self._recorders[job_id]

    def run_recorded(self, job_id: str, work: Work) -> None:
        """Drive work where nobody waits for its result.

        The job's row says how it ended; the traceback of a bug is in its log.
        """
        try:
            self.run(job_id, work)
        except Exception:  # noqa: BLE001 - recorded above
            return

    def stop(self, job_id: str, state: str) -> None:
        """Stop a work of this process at its next step.

        Works of other processes are told through the database.
        """
        if recorder := self._recorders.get(job_id):
            recorder.stop_state = state

    def close(self) -> None:
        """Interrupt every work at its next step, and wait a few seconds until they stop."""
        self._is_closed = True
        for recorder in list(self._recorders.values()):
            recorder.stop_state = recorder.stop_state or "interrupted"
        until = time.monotonic() + CLOSE_S
        while self._recorders and time.monotonic() < until:
            time.sleep(0.01)

    def _log_traceback(self, job_id: str) -> None:
        path = log_file(self._home, job_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as log:
            log.write(traceback.format_exc())


def made(fn: Callable[..., Work], bench: Any, arguments: dict[str, Any]) -> Work:
    """Return the work of an operation, made at its first step.

    So an error in making it is recorded as the job's.
    """
    return (yield from fn(bench, **arguments))


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
            wb.jobs.run(job_id, made(find(told["kind"]), wb, told["arguments"]))
        except TatorError:
            raise
        except Exception as bug:
            raise SystemExit(1) from bug


def _stop_on_signal(*_: Any) -> None:
    raise Stopped("interrupted")


def _step_through(work: Work, recorder: Recorder) -> Any:
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
