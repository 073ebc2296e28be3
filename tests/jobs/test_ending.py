"""How jobs end: whatever comes late, a job that has ended stays so."""

from __future__ import annotations

import pytest

from tator.jobs import rows
from tator.jobs.driver import Stopped
from tator.types import Progress, Work


def test_a_job_that_is_claimed_while_the_product_stops_is_interrupted(wb):
    closed = []

    def work() -> Work:
        try:
            yield Progress(0, 2)
            yield Progress(1, 2)
        finally:
            closed.append(True)

    job_id = wb.jobs.create("work", {})
    wb.jobs.close()
    with pytest.raises(Stopped):
        wb.jobs.run(job_id, work())
    told = wb.jobs.get(job_id)
    assert (told["state"], told["done"]) == ("interrupted", 0) and closed


def test_a_step_that_is_written_late_does_not_revive_a_job_that_has_ended(wb, monkeypatch: pytest.MonkeyPatch):
    late = []

    class DeafTimer:
        """One that has run out, and waits for the lock, when it is cancelled."""

        def __init__(self, wait_s: float, write) -> None:
            late.append(write)

        def start(self) -> None:
            """Do nothing: the test calls the write."""

        cancel = start

    monkeypatch.setattr(rows.threading, "Timer", DeafTimer)
    job_id = wb.jobs.create("work", {})
    recorder = rows.Recorder(wb.store, job_id)
    for done in range(2):
        recorder.step(Progress(done, 2))
    recorder.end("succeeded", result=1)
    [write] = late
    write()
    told = wb.jobs.get(job_id)
    assert (told["state"], told["done"]) == ("succeeded", 1) and told["ended_at"]
