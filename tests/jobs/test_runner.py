"""Jobs in threads: recorded, throttled, cancelled, bounded, attributed; and jobs that a restart cut off."""

from __future__ import annotations

import inspect
import threading
import time
from contextlib import AbstractContextManager

import psutil
import pytest
from sqlalchemy import insert, select, update

from tator.jobs import rows as job_rows
from tator.jobs import runner as jobs
from tator.jobs.driver import Stopped
from tator.jobs.queue import QUEUE_LIMIT
from tator.ops import call
from tator.ops.jobs import jobs_cancel, jobs_events, jobs_get, jobs_list, jobs_resume
from tator.storage.schema import job, job_event
from tator.types import BadInput, Conflict, NotFound, Progress, Unavailable, Work


def counting(wb, count: int = 3, pause_s: float = 0.0) -> Work:
    for i in range(count):
        yield Progress(i + 1, count, f"step {i + 1}", {"loss": 1 / (i + 1)})
        time.sleep(pause_s)
    return {"count": count}


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.open, self.entered, self.closed = threading.Event(), threading.Event(), threading.Event()

    def work(self, wb) -> Work:
        try:
            while not self.open.is_set():
                self.entered.set()
                yield Progress(1, 2, "at the gate")
                time.sleep(0.01)
            return "through"
        finally:
            self.closed.set()


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.open.set()


def ended(wb, job_id: str) -> dict:
    told = wb.jobs.wait(job_id, 30)
    assert told["state"] not in job_rows.ACTIVE, told
    return told


def test_a_job_is_recorded_from_start_to_result(wb):
    told = ended(wb, wb.jobs.start(counting, "counting", {"count": 5}))
    assert (told["state"], told["done"], told["total"], told["message"]) == ("succeeded", 5, 5, "step 5")
    assert told["result"] == {"count": 5} and told["error"] is None and told["arguments"] == {"count": 5}
    assert told["created_at"] <= told["started_at"] <= told["ended_at"]
    events = jobs_events(wb, told["id"])
    assert [event["state"] for event in events] == ["running"] * 6 + ["succeeded"]
    assert [event["metrics"]["loss"] for event in events if event["metrics"]] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert jobs_events(wb, told["id"], after=events[3]["id"]) == events[4:]


def test_every_point_of_a_chart_is_kept_but_plain_steps_are_thinned(wb):
    def quick(wb, with_metrics: bool) -> Work:
        for i in range(3000):
            yield Progress(i + 1, 3000, f"image {i}", {"loss": float(i)} if with_metrics and i % 2 else {})

    charted, plain = (ended(wb, wb.jobs.start(quick, "quick", {"with_metrics": value})) for value in (True, False))
    assert charted["done"] == plain["done"] == 3000 and charted["message"] == "image 2999"
    with wb.store.read() as conn:
        rows = conn.execute(select(job_event.c.metrics).where(job_event.c.job_id == charted["id"])).scalars().all()
        thin = conn.execute(select(job_event.c.id).where(job_event.c.job_id == plain["id"])).all()
    assert [row["loss"] for row in rows if row] == [float(i) for i in range(3000) if i % 2]
    took_s = plain["ended_at"] - plain["started_at"]
    assert len(thin) <= 4 + took_s / job_rows.MESSAGE_S


def test_progress_is_written_at_most_five_times_a_second(wb, monkeypatch):
    written = []
    original = job_rows.Recorder._write
    monkeypatch.setattr(job_rows.Recorder, "_write", lambda self: (written.append(time.monotonic()), original(self)))
    ended(wb, wb.jobs.start(counting, "counting", {"count": 200, "pause_s": 0.005}))
    gaps = [later - sooner for sooner, later in zip(written, written[1:], strict=False)]
    assert len(gaps) >= 2 and min(gaps) > 0.9 * job_rows.WRITE_S


def test_a_step_that_was_held_back_shows_while_the_next_takes_long(wb, gate):
    def burst(wb) -> Work:
        yield Progress(1, 10, "first")
        yield Progress(2, 10, "second")
        gate.open.wait(20)

    job_id = wb.jobs.start(burst, "burst", {})
    until = time.monotonic() + 5
    while wb.jobs.get(job_id)["done"] != 2 and time.monotonic() < until:
        time.sleep(0.02)
    told = wb.jobs.get(job_id)
    assert (told["done"], told["message"], told["state"]) == (2, "second", "running")


def test_rate_and_time_left_are_measured(wb, monkeypatch):
    job_id = wb.jobs.start(counting, "counting", {"count": 400, "pause_s": 0.005})
    time.sleep(0.3)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)  # a clock that jumps changes neither
    time.sleep(0.5)
    told = wb.jobs.get(job_id)
    wb.jobs.cancel(job_id)
    assert told["state"] == "running" and 20 < told["rate"] <= 200
    assert told["left_s"] == pytest.approx((400 - told["done"]) / told["rate"])
    assert ended(wb, job_id)["left_s"] is None


def test_a_refusal_is_told_as_it_is(wb):
    def refuse(wb) -> Work:
        yield Progress(1, 5, "looking")
        raise Unavailable("12 labelled boxes are needed, there are 3")

    told = ended(wb, wb.jobs.start(refuse, "refuse", {}))
    assert told["state"] == "failed" and told["done"] == 1
    assert told["error"] == {"code": "unavailable", "message": "12 labelled boxes are needed, there are 3"}
    assert told["log"] == "" and "12 labelled" in jobs_events(wb, told["id"])[-1]["message"]


def odd_result(wb) -> Work:
    yield Progress(1, 1)
    return {1, 2}


def crash(wb) -> Work:
    yield Progress(1, 1)
    raise ZeroDivisionError("oh")


def not_work(wb, **_) -> Work:
    raise LookupError("before the first step")


@pytest.mark.parametrize(
    ("fn", "says"),
    [
        (odd_result, "set is not JSON"),
        (crash, "ZeroDivisionError: oh"),
        (not_work, "LookupError: before"),
        (counting, "unexpected keyword"),
    ],
)
def test_a_bug_is_named_and_its_traceback_logged(wb, fn, says):
    told = ended(wb, wb.jobs.start(fn, "broken", {"unknown": 1} if fn is counting else {}))
    assert told["state"] == "failed" and told["error"]["code"] == "bug"
    assert says.split(":")[0].split()[0] in told["error"]["message"]
    assert "Traceback" in told["log"]


def test_numbers_that_json_lacks_become_null(wb):
    def odd(wb) -> Work:
        yield Progress(1, 1, "", {"loss": float("nan"), "fine": 2})
        return {"loss": float("inf"), "fine": 1.5}

    told = ended(wb, wb.jobs.start(odd, "odd", {}))
    assert told["result"] == {"loss": None, "fine": 1.5}
    assert {"loss": None, "fine": 2} in [event["metrics"] for event in jobs_events(wb, told["id"])]


def test_cancelling_stops_the_work_at_its_next_step_and_closes_it(wb, gate):
    job_id = wb.jobs.start(gate.work, "gate", {})
    assert gate.entered.wait(10)
    jobs_cancel(wb, job_id)
    assert ended(wb, job_id)["state"] == "cancelled"
    assert gate.closed.wait(5)
    again = jobs_cancel(wb, job_id)
    assert again["state"] == "cancelled" and again["ended_at"] == jobs_get(wb, job_id)["ended_at"]


def test_work_that_is_stopped_is_closed_even_where_somebody_holds_it(wb, gate):
    job_id, work = wb.jobs.create("gate", {}), gate.work(wb)
    threading.Timer(0.1, lambda: gate.entered.wait(10) and wb.jobs.cancel(job_id)).start()
    with pytest.raises(Stopped, match="cancelled"):
        wb.jobs.run(job_id, work)
    assert inspect.getgeneratorstate(work) == inspect.GEN_CLOSED


def test_another_process_can_cancel(wb, gate):
    job_id = wb.jobs.start(gate.work, "gate", {})
    assert gate.entered.wait(10)
    other = jobs.JobRunner(wb.store, wb.workspace.home)  # knows the job from the database only
    other.cancel(job_id)
    assert ended(wb, job_id)["state"] == "cancelled"


def test_a_waiting_job_is_cancelled_at_once_and_never_begun(wb, gate):
    busy = [wb.jobs.start(gate.work, "gate", {}) for _ in range(jobs.THREADS)]
    never = Gate()
    waiting = wb.jobs.start(never.work, "gate", {})
    assert wb.jobs.get(waiting)["state"] == "queued"
    assert wb.jobs.cancel(waiting)["state"] == "cancelled"
    gate.open.set()
    assert [ended(wb, job_id)["state"] for job_id in busy] == ["succeeded"] * jobs.THREADS
    ended(wb, wb.jobs.start(counting, "counting", {}))
    assert not never.entered.is_set()


@pytest.mark.slow
def test_t31_ten_thousand_submits_are_bounded_in_threads_and_in_the_queue(wb, gate):
    before, refused = threading.active_count(), []
    for _ in range(jobs.THREADS):
        wb.jobs.start(gate.work, "gate", {})
    assert gate.entered.wait(10)
    for _ in range(10_000):
        try:
            wb.jobs.start(counting, "counting", {})
        except Unavailable as error:
            refused.append(str(error))
    assert threading.active_count() <= before + 2 * jobs.THREADS  # the second of each is its timer
    assert 10_000 - len(refused) <= QUEUE_LIMIT + jobs.THREADS and "1000 jobs are waiting" in refused[0]
    began = time.monotonic()
    wb.jobs.close()
    assert time.monotonic() - began < 30
    states = {told["state"] for told in wb.jobs.list(limit=2000)}
    assert states == {"interrupted"}
    with pytest.raises(Unavailable, match="stopping"):
        wb.jobs.start(counting, "counting", {})


def test_finishing_waits_for_what_was_started_here(wb):
    job_id = wb.jobs.start(counting, "counting", {"count": 5, "pause_s": 0.05})
    wb.jobs.finish()
    assert wb.jobs.get(job_id)["state"] == "succeeded"


def test_closing_interrupts_what_runs(wb, gate):
    job_id = wb.jobs.start(gate.work, "gate", {})
    assert gate.entered.wait(10)
    wb.jobs.close()
    assert wb.jobs.get(job_id)["state"] == "interrupted" and gate.closed.is_set()


def test_a_job_acts_as_who_started_it(wb):
    def who(wb) -> Work:
        yield Progress(0, 1)
        return wb.user

    with wb.acting("ann"):
        job_id = wb.jobs.start(who, "who", {})
    told = ended(wb, job_id)
    assert told["user"] == told["result"] == "ann"


def test_work_runs_in_the_foreground_too(wb):
    seen = []

    def watched(work: Work) -> Work:
        try:
            while True:
                seen.append(next(work).done)
                yield Progress(seen[-1], 3)
        except StopIteration as done:
            return done.value

    assert wb.jobs.run_here(counting, "counting", {"count": 3}, watched) == {"count": 3}
    assert seen == [1, 2, 3] and wb.jobs.list()[0]["state"] == "succeeded"
    with pytest.raises(ZeroDivisionError):
        wb.jobs.run_here(crash, "crash", {})
    assert wb.jobs.list()[0]["error"]["code"] == "bug"


def test_a_job_is_driven_once(wb):
    job_id = wb.jobs.create("counting", {})
    wb.jobs.run(job_id, counting(wb))
    work = counting(wb)
    with pytest.raises(Conflict, match="succeeded, not queued"):
        wb.jobs.run(job_id, work)


@pytest.mark.parametrize("call_", [jobs_get, jobs_events, jobs_cancel, jobs_resume])
def test_an_unknown_job_is_named(wb, call_):
    with pytest.raises(NotFound, match="nothing-like-it"):
        call_(wb, "nothing-like-it")


def test_jobs_are_listed_newest_first_and_by_kind(wb):
    ids = [ended(wb, wb.jobs.start(counting, kind, {}))["id"] for kind in ("one", "two", "one")]
    assert [told["id"] for told in jobs_list(wb)] == ids[::-1]
    assert [told["id"] for told in jobs_list(wb, kind="one")] == [ids[2], ids[0]]
    assert len(jobs_list(wb, limit=1)) == 1
    for limit in (0, -1, 1001):
        with pytest.raises(BadInput, match="limit"):
            jobs_list(wb, limit=limit)


def test_large_arguments_are_refused(wb):
    with pytest.raises(BadInput, match="arguments of counting are 2,0.*limit is 1,000,000"):
        wb.jobs.start(counting, "counting", {"name": "x" * 2_000_000})
    assert wb.jobs.list() == []


def orphan(wb, state: str, **columns) -> str:
    facts = {"kind": "datasets_create", "arguments": {}, "created_at": time.time(), "state": state, **columns}
    with wb.store.write() as conn:
        conn.execute(insert(job).values(id=f"job{len(wb.jobs.list())}", **facts))
    return f"job{len(wb.jobs.list()) - 1}"


def test_jobs_of_processes_that_are_gone_are_interrupted_others_left_alone(wb):
    me = psutil.Process()
    gone = [
        orphan(wb, "running", pid=2**22 - 1, pid_started_at=1.0),
        orphan(wb, "queued", pid=me.pid, pid_started_at=me.create_time() - 1000),  # the number went to another process
        orphan(wb, "running"),
    ]
    kept = orphan(wb, "running", pid=me.pid, pid_started_at=me.create_time())
    asked = orphan(wb, "running", pid=2**22 - 1, pid_started_at=1.0, cancel_requested=True)
    done = orphan(wb, "succeeded", pid=2**22 - 1, pid_started_at=1.0)
    wb.jobs.interrupt_orphans()
    assert [wb.jobs.get(job_id)["state"] for job_id in gone] == ["interrupted"] * 3
    assert [wb.jobs.get(job_id)["state"] for job_id in (kept, asked, done)] == ["running", "cancelled", "succeeded"]


def test_cancelling_a_job_whose_process_is_gone_ends_it(wb):
    job_id = orphan(wb, "running", pid=2**22 - 1, pid_started_at=1.0)
    assert wb.jobs.cancel(job_id)["state"] == "interrupted"


def test_only_the_newest_ended_jobs_are_kept(wb, monkeypatch):
    monkeypatch.setattr(job_rows, "KEPT", 2)
    ids = [ended(wb, wb.jobs.start(crash, "crash", {}))["id"] for _ in range(4)]
    logs = wb.workspace.home / "runs" / "jobs"
    until = time.monotonic() + 5
    while len(list(logs.glob("*.log"))) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    wb.jobs.interrupt_orphans()
    assert [told["id"] for told in wb.jobs.list()] == ids[:1:-1]
    assert {path.stem for path in logs.glob("*.log")} == set(ids[2:])
    with wb.store.read() as conn:
        assert set(conn.execute(select(job_event.c.job_id)).scalars()) == set(ids[2:])


def test_resuming_starts_the_same_work_as_a_new_job(wb, tmp_path):
    arguments = {"name": "again", "source": str(tmp_path / "absent")}
    first = ended(wb, call(wb, "datasets_create", **arguments))
    assert first["state"] == "failed"
    second = ended(wb, jobs_resume(wb, first["id"]))
    assert second["id"] != first["id"] and second["kind"] == first["kind"]
    assert (second["arguments"], second["error"]) == (first["arguments"], first["error"])
    with wb.store.write() as conn:
        conn.execute(update(job).where(job.c.id == first["id"]).values(state="succeeded"))
    with pytest.raises(Conflict, match="is succeeded"):
        jobs_resume(wb, first["id"])


def leased(wb, device: str) -> AbstractContextManager[None]:
    """Return the hold on a device that nobody else holds."""
    with pytest.raises(StopIteration) as done:
        next(wb.models.lease(device))
    return done.value.value


def test_a_device_is_held_by_one_job_at_a_time_and_waiting_can_be_cancelled(wb, gate):
    held = []

    def heavy(wb) -> Work:
        with (yield from wb.models.lease("cuda:0")):
            held.append("in")
            while not gate.open.is_set():
                yield Progress(0, 1, "holding")
                time.sleep(0.01)
            held.append("out")

    def waits(job_id: str) -> bool:
        return "waiting for cuda:0" in wb.jobs.get(job_id)["message"]

    first = wb.jobs.start(heavy, "heavy", {})
    until = time.monotonic() + 10
    while not held and time.monotonic() < until:
        time.sleep(0.01)
    second, third = (wb.jobs.start(heavy, "heavy", {}) for _ in range(2))
    while not (waits(second) and waits(third)) and time.monotonic() < until:
        time.sleep(0.01)
    assert held == ["in"] and waits(second)
    wb.jobs.cancel(third)
    assert ended(wb, third)["state"] == "cancelled"
    with leased(wb, "cpu"):  # another device is free
        gate.open.set()
        assert ended(wb, first)["state"] == ended(wb, second)["state"] == "succeeded"
    assert held == ["in", "out", "in", "out"]


def test_a_stop_is_an_error_that_surfaces_can_tell():
    assert (Stopped("cancelled").code, str(Stopped("interrupted"))) == ("cancelled", "the job was interrupted")
