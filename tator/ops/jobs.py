"""Watch and steer long work."""

from __future__ import annotations

from typing import Any

from tator.ops import call, operation
from tator.types import BadInput, Conflict
from tator.workbench import Workbench

LIST_LIMIT = 1_000
WATCH_LIMIT = 100  # jobs in one call


@operation(mirrors=("clip_train_list",), writes=False)
def jobs_list(wb: Workbench, kind: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """List jobs, the newest first: state, progress, rate, time left, result or error.

    Args:
        kind: name of the operation whose jobs to list; empty for all.
        limit: at most this many, 1 to 1000.

    Raises:
        BadInput: limit is out of range.
    """
    if not 1 <= limit <= LIST_LIMIT:
        raise BadInput(f"limit must be from 1 to {LIST_LIMIT}, is {limit}")
    return wb.jobs.list(kind, limit)


@operation(mirrors=("clip_train_get",), writes=False)
def jobs_get(wb: Workbench, job_id: str) -> dict[str, Any]:
    """Return one job: state, progress, rate, time left, result or error, log tail.

    Args:
        job_id: id of the job, from jobs_list.

    Raises:
        NotFound: no such job.
    """
    return wb.jobs.get(job_id)


@operation(writes=False)
def jobs_events(wb: Workbench, job_id: str, after: int = 0) -> list[dict[str, Any]]:
    """List a job's messages and points of its charts, oldest first; the newest 2,000.

    jobs_watch warns where older ones were left out.

    Args:
        job_id: id of the job, from jobs_list.
        after: id of the last event you have; 0 for all.

    Raises:
        NotFound: no such job.
    """
    return wb.jobs.events(job_id, after)


@operation(writes=False)
def jobs_watch(wb: Workbench, job_ids: list[str], after: int = 0) -> dict[str, Any]:
    """Return how some jobs stand and what they said since, in one call.

    Results are left out; jobs_get has them. An unknown id is passed over.

    Args:
        job_ids: ids of up to 100 jobs, from jobs_list.
        after: "last" of the previous answer, so that only newer events come; 0 for the newest 2,000.

    Returns:
        {"jobs", "events", "last"}: jobs in the order asked, events oldest first, each with its job_id.

    Raises:
        BadInput: more than 100 ids.
    """
    if len(job_ids) > WATCH_LIMIT:
        raise BadInput(f"job_ids must name at most {WATCH_LIMIT} jobs, names {len(job_ids)}")
    return wb.jobs.watch(job_ids, after)


@operation(mirrors=("clip_train_cancel",))
def jobs_cancel(wb: Workbench, job_id: str) -> dict[str, Any]:
    """Ask a job to stop at its next step; one that does not answer is killed.

    Args:
        job_id: id of the job, from jobs_list.

    Raises:
        NotFound: no such job.
    """
    return wb.jobs.cancel(job_id)


@operation
def jobs_resume(wb: Workbench, job_id: str) -> str:
    """Run the work of an ended job again, as a new job; return the new job's id.

    Args:
        job_id: id of a job that was interrupted, cancelled or failed, from jobs_list.

    Raises:
        NotFound: no such job.
        Conflict: the job is still under way, or it succeeded.
    """
    job = wb.jobs.get(job_id)
    if job["state"] not in ("interrupted", "cancelled", "failed"):
        raise Conflict(f"job {job_id} is {job['state']}; only an interrupted, cancelled or failed one runs again")
    return call(wb, job["kind"], **job["arguments"])
