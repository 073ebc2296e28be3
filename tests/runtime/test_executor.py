"""The executor: one answer and one encode at a time, urgent ones first, errors where the caller waits."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from tator.protocols import listening, report_blocks
from tator.runtime.executor import Executor, Urgency

ANSWER, ENCODE, AHEAD = Urgency


class Encoder:
    """Runs through blocks that a test opens one by one."""

    def __init__(self, log: list[str], blocks: int = 3):
        self.log, self.hooks, self.gates = log, [], [threading.Event() for _ in range(blocks)]
        report_blocks([self] * blocks)

    def register_forward_pre_hook(self, hook):
        self.hooks.append(hook)

    def encode(self, name: str):
        def run() -> str:
            for number, (hook, gate) in enumerate(zip(self.hooks, self.gates, strict=True)):
                hook(None, None)
                self.log.append(f"{name}{number}")
                assert gate.wait(10)
            return name

        return run


@pytest.fixture
def executor():
    return Executor("cpu")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as threads:
        yield threads


def until(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.002)


def test_a_call_returns_its_value_and_raises_its_error_where_the_caller_waits(executor):
    assert executor.run(lambda: 3) == 3
    for urgency in Urgency:
        with pytest.raises(ZeroDivisionError):
            executor.run(lambda: 1 / 0, urgency)
        assert executor.run(lambda: "still there", urgency) == "still there"


@pytest.mark.parametrize("urgency", [ANSWER, AHEAD])
def test_one_call_at_a_time_however_many_ask(executor, pool, urgency):
    inside, most = [], []

    def call() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)
        inside.pop()

    list(pool.map(lambda _: executor.run(call, urgency), range(30)))
    assert max(most) == 1 and len(most) == 30


def test_calls_of_a_lane_share_one_thread_so_that_one_heap_grows(executor, pool):
    threads = set(pool.map(lambda _: executor.run(threading.get_ident), range(20)))
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_an_answer_does_not_wait_for_an_encode(executor, pool):
    log: list[str] = []
    encoder = Encoder(log)
    encoded = pool.submit(executor.run, encoder.encode("a"), AHEAD)
    until(lambda: log == ["a0"])
    assert executor.run(lambda: "answered") == "answered" and not encoded.done()
    for gate in encoder.gates:
        gate.set()
    assert encoded.result(10) == "a" and log == ["a0", "a1", "a2"]


def test_an_encoder_waits_between_two_blocks_for_the_answer_under_way(executor, pool):
    log: list[str] = []
    encoder, release = Encoder(log), threading.Event()
    encoded = pool.submit(executor.run, encoder.encode("a"), AHEAD)
    until(lambda: log == ["a0"])
    answer = pool.submit(executor.run, lambda: release.wait(10) and log.append("answer"))
    for gate in encoder.gates:
        gate.set()
    time.sleep(0.1)
    assert log == ["a0"], "it stands between two blocks"
    release.set()
    answer.result(10)
    assert encoded.result(10) == "a" and log == ["a0", "answer", "a1", "a2"]


def test_an_encode_somebody_waits_for_overtakes_one_made_ahead(executor, pool):
    log: list[str] = []
    ahead, wanted = Encoder(log), Encoder(log)
    first = pool.submit(executor.run, ahead.encode("ahead"), AHEAD)
    until(lambda: log == ["ahead0"])
    later = pool.submit(executor.run, ahead.encode("later"), AHEAD)
    urgent = pool.submit(executor.run, wanted.encode("urgent"), ENCODE)
    until(lambda: len(executor._encodes._waiting) == 2)
    for gate in wanted.gates + ahead.gates:
        gate.set()
    assert urgent.result(10) == "urgent" and first.result(10) == "ahead" and later.result(10) == "later"
    assert log == [
        "ahead0", "urgent0", "urgent1", "urgent2", "ahead1", "ahead2", "later0", "later1", "later2"
    ]  # fmt: skip


def test_an_encode_that_is_stopped_leaves_the_lane_able_to_work(executor):
    class Stopped(Exception):
        pass

    def stop(begun: int, total: int) -> None:
        raise Stopped

    encoder = Encoder([])
    with pytest.raises(Stopped), listening(stop):
        executor.run(encoder.encode("a"), AHEAD)
    assert executor.run(lambda: 1, AHEAD) == 1


def test_a_call_sees_the_callers_context_and_may_call_again(executor):
    user: ContextVar[str] = ContextVar("user", default="")
    user.set("ann")
    assert executor.run(lambda: executor.run(user.get)) == "ann"


def test_an_idle_lane_ends_its_thread_and_starts_another(executor, monkeypatch):
    monkeypatch.setattr("tator.runtime.executor.IDLE_S", 0.01)
    first = executor.run(threading.current_thread)
    first.join(10)
    assert not first.is_alive()
    assert executor.run(threading.current_thread) is not first


def test_nothing_of_a_call_is_held_once_it_returned(executor):
    class Model:
        pass

    model = Model()
    gone = weakref.ref(model)
    assert executor.run(lambda held=model: held) is model
    del model
    gc.collect()
    assert gone() is None
