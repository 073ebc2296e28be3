"""Jobs in child processes: they report, are stopped, die with a reason, and outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image
from sqlalchemy import select

from tator.jobs import process as job_process
from tator.storage.schema import job
from tator.workbench import Workbench
from tests import child_jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def wb(wb):
    wb.jobs.children.command = [sys.executable, str(Path(child_jobs.__file__)), "--home", str(wb.workspace.home)]
    return wb


def start(wb, name: str, **arguments) -> str:
    return wb.jobs.start(child_jobs.KNOWN[name], name, arguments, in_child=True)


def until(wb, job_id: str, check, timeout_s: float = 30.0) -> dict:
    end = time.monotonic() + timeout_s
    while not check(told := wb.jobs.get(job_id)) and time.monotonic() < end:
        time.sleep(0.02)
    assert check(told), told
    return told


def pid_of(wb, job_id: str) -> int:
    with wb.store.read() as conn:
        return conn.execute(select(job.c.pid).where(job.c.id == job_id)).scalar_one()


def test_a_child_reports_through_the_database_and_acts_as_who_started_it(wb):
    with wb.acting("ann"):
        job_id = start(wb, "steps", count=4)
    told = wb.jobs.wait(job_id, 60)
    assert (told["state"], told["done"], told["user"]) == ("succeeded", 4, "ann")
    assert told["result"]["pid"] != os.getpid() and told["result"]["user"] == "ann"
    assert told["result"]["nice"] == min(os.nice(0) + 5, 19)
    assert "all done" in told["log"]
    assert [event["metrics"]["loss"] for event in wb.jobs.events(job_id) if event["metrics"]] == [
        1,
        1 / 2,
        1 / 3,
        1 / 4,
    ]


def test_the_command_line_runs_the_child_of_a_real_operation(wb, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    Image.new("RGB", (40, 30)).save(source / "a.png")
    wb.jobs.children.command = [sys.executable, "-m", "tator", "--home", str(wb.workspace.home)]
    arguments = {"name": "from-child", "source": str(source)}
    told = wb.jobs.wait(wb.jobs.start(child_jobs.steps, "datasets_create", arguments, in_child=True), 60)
    assert told["state"] == "succeeded", told
    assert [row.path for row in wb.dataset("from-child").images()] == ["a.png"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("refuse", {"code": "unavailable", "message": "12 labelled boxes are needed, there are 3"}),
        ("crash", {"code": "bug", "message": "ZeroDivisionError: in the child"}),
    ],
)
def test_a_child_that_fails_says_why(wb, name, error):
    told = wb.jobs.wait(start(wb, name), 60)
    assert (told["state"], told["error"]) == ("failed", error)
    until(wb, told["id"], lambda job: (error["message"] if name == "refuse" else "Traceback") in job["log"])


def test_a_child_that_is_killed_is_not_running_for_ever(wb):
    told = wb.jobs.wait(start(wb, "vanish"), 60)
    assert told["state"] == "failed" and told["error"]["code"] == "killed"
    assert "signal 9, most likely because memory ran out" in told["error"]["message"]


def test_a_child_that_cannot_start_says_why(wb):
    wb.jobs.children.command = [sys.executable, "-c", "import sys; sys.exit('no such thing as this job')"]
    told = wb.jobs.wait(start(wb, "steps"), 60)
    assert told["error"] == {"code": "bug", "message": "its process ended with exit code 1: no such thing as this job"}


@pytest.mark.slow
def test_a_child_is_cancelled_at_its_next_step(wb):
    job_id = start(wb, "steps", count=1000, pause_s=0.02)
    until(wb, job_id, lambda job: job["done"] > 1)
    pid = pid_of(wb, job_id)
    wb.jobs.cancel(job_id)
    assert wb.jobs.wait(job_id, 10)["state"] == "cancelled"
    gone_by = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < gone_by:
        time.sleep(0.02)
    assert not psutil.pid_exists(pid)


@pytest.mark.slow
@pytest.mark.parametrize("deaf", [False, True])
def test_a_child_that_does_not_answer_is_terminated_then_killed(wb, monkeypatch, deaf):
    monkeypatch.setattr(job_process, "TERMINATE_S", 0.3)
    monkeypatch.setattr(job_process, "KILL_S", 1.0)
    job_id = start(wb, "hang", deaf=deaf)
    until(wb, job_id, lambda job: job["message"] == "hanging")
    pid, began = pid_of(wb, job_id), time.monotonic()
    wb.jobs.cancel(job_id)
    assert wb.jobs.wait(job_id, 20)["state"] == "cancelled"
    assert time.monotonic() - began < 10
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid)


@pytest.mark.slow
def test_a_heavy_job_in_a_child_keeps_the_device_from_others(wb):
    ids = [start(wb, "hold", device="cuda:0", seconds=0.8) for _ in range(2)]
    told = [wb.jobs.wait(job_id, 60) for job_id in ids]
    assert [job["state"] for job in told] == ["succeeded"] * 2
    first, second = sorted(job["result"] for job in told)
    assert first[1] <= second[0]


APP = """
import sys, time
from pathlib import Path
from tator.workbench import Workbench
from tests import child_jobs
wb = Workbench.at(Path(sys.argv[1]), device="cpu")
wb.jobs.children.command = [sys.executable, child_jobs.__file__, "--home", sys.argv[1]]
job_id = wb.jobs.start(child_jobs.steps, "steps", {"count": 60, "pause_s": 0.05}, in_child=True)
while wb.jobs.get(job_id)["done"] < 2:
    time.sleep(0.02)
print(job_id, flush=True)
time.sleep(600)
"""


def test_a_workbench_that_closes_follows_its_children_no_longer(wb):
    job_id = start(wb, "steps", count=600, pause_s=0.05)
    until(wb, job_id, lambda job: job["done"] > 1)
    later = Workbench.at(wb.workspace.home, device="cpu")
    later.jobs.interrupt_orphans()
    assert f"follow-{job_id}" in {thread.name for thread in threading.enumerate()}
    later.close()
    assert f"follow-{job_id}" not in {thread.name for thread in threading.enumerate()}
    assert wb.jobs.get(job_id)["state"] == "running"
    wb.jobs.cancel(job_id)
    assert wb.jobs.wait(job_id, 30)["state"] == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("cancel", [False, True])
def test_a_child_outlives_the_app_and_the_next_one_follows_it(wb, cancel):
    app = subprocess.Popen(
        [sys.executable, "-c", APP, str(wb.workspace.home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    job_id = app.stdout.readline().strip()
    app.send_signal(signal.SIGKILL)
    app.wait()
    later = Workbench.at(wb.workspace.home, device="cpu")
    later.jobs.interrupt_orphans()
    assert later.jobs.get(job_id)["state"] == "running"
    if cancel:
        later.jobs.cancel(job_id)
    told = later.jobs.wait(job_id, 120)
    assert told["state"] == ("cancelled" if cancel else "succeeded")
    assert told["done"] == 60 or cancel
    later.close()


@pytest.mark.slow
def test_a_followed_child_that_is_killed_becomes_interrupted(wb):
    app = subprocess.Popen(
        [sys.executable, "-c", APP, str(wb.workspace.home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    job_id = app.stdout.readline().strip()
    app.send_signal(signal.SIGKILL)
    app.wait()
    wb.jobs.interrupt_orphans()
    os.kill(pid_of(wb, job_id), signal.SIGKILL)
    assert wb.jobs.wait(job_id, 30)["state"] == "interrupted"
