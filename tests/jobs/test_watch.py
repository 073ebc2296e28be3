"""Following jobs in one call: how they stand, and only what they said since."""

from __future__ import annotations

import pytest

from tator.jobs import runner
from tator.ops import call
from tator.ops.jobs import jobs_events, jobs_get, jobs_watch
from tator.types import BadInput
from tests.jobs.test_runner import counting, ended


@pytest.fixture
def two(wb) -> list[str]:
    """Return the ids of two jobs that have ended."""
    ids = [wb.jobs.start(counting, "count", {"count": count}) for count in (2, 3)]
    for job_id in ids:
        ended(wb, job_id)
    return ids


def test_a_watch_tells_what_get_and_events_tell(wb, two):
    told = jobs_watch(wb, two[::-1])
    assert [row["id"] for row in told["jobs"]] == two[::-1]
    for row in told["jobs"]:
        whole = jobs_get(wb, row["id"])
        assert row == {name: whole[name] for name in row} and "result" not in row
    for job_id in two:
        mine = [
            {k: v for k, v in event.items() if k != "job_id"} for event in told["events"] if event["job_id"] == job_id
        ]
        assert mine == jobs_events(wb, job_id)


def test_only_newer_events_come_and_nothing_twice(wb, two):
    every = jobs_watch(wb, two)["events"]
    middle = every[len(every) // 2]["id"]
    told = jobs_watch(wb, two, after=middle)
    assert told["events"] == [event for event in every if event["id"] > middle]
    again = jobs_watch(wb, two, after=told["last"])
    assert again["events"] == [] and again["last"] == told["last"] == every[-1]["id"]


def test_a_watch_warns_when_older_events_were_left_out(wb, two, monkeypatch):
    count = len(jobs_watch(wb, two)["events"])
    for limit, warnings in ((count, None), (count - 1, ["events_left_out"])):
        monkeypatch.setattr(runner, "EVENTS_LIMIT", limit)
        told = jobs_watch(wb, two)
        assert len(told["events"]) == limit and told.get("warnings") == warnings
        assert told["last"] == told["events"][-1]["id"] and jobs_watch(wb, two, after=told["last"])["events"] == []


def test_an_unknown_id_is_passed_over_and_too_many_are_refused(wb, two):
    assert [row["id"] for row in jobs_watch(wb, ["gone", two[0]])["jobs"]] == [two[0]]
    assert jobs_watch(wb, []) == {"jobs": [], "events": [], "last": 0}
    with pytest.raises(BadInput, match="at most 100 jobs, names 101"):
        call(wb, "jobs_watch", job_ids=["x"] * 101)
