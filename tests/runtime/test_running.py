"""Work over many images: batches, bad images, several workers, cancelling and resuming."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.runtime.running import Ledger, Ran, run_over
from tator.types import BadInput, Unavailable
from tests.folders import finish, make, picture

COUNT = 10


@pytest.fixture
def photos(wb, tmp_path: Path) -> Dataset:
    for number in range(COUNT):
        picture(tmp_path / "photos" / f"{number:02}.png", (8 + number, 6))
    return make(wb, tmp_path / "photos", "photos")


def widths(dataset: Dataset):
    """Return what makes a worker that reads each image and answers its width."""
    return lambda device: lambda rows: [dataset.load(row).shape[1] for row in rows]


def gathered(kept: dict):
    return lambda rows, results: kept.update((row.path, result) for row, result in zip(rows, results, strict=True))


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu")])
def test_every_image_is_worked_on_once_and_counted(photos, devices):
    kept: dict[str, int] = {}
    work = run_over(photos.images(), widths(photos), gathered(kept), batch=3, devices=devices)
    steps = []
    with pytest.raises(StopIteration) as end:
        while True:
            steps.append(next(work))
    assert end.value.value == Ran(done=COUNT)
    assert kept == {f"{number:02}.png": 8 + number for number in range(COUNT)}
    assert [step.total for step in steps] == [COUNT] * 5 and steps[-1].done == COUNT
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_two_workers_run_at_the_same_time_on_threads_of_their_own(photos):
    meeting, threads = threading.Barrier(2, timeout=30), set()

    def make_worker(device: str):
        def work(rows):
            threads.add(threading.get_ident())
            meeting.wait()  # passes only when both are here
            return [device] * len(rows)

        return work

    stored_by = []
    work = run_over(
        photos.images()[:4], make_worker, lambda *_: stored_by.append(threading.get_ident()), batch=1,
        devices=("cpu:0", "cpu:1"),
    )  # fmt: skip
    assert finish(work).done == 4
    assert len(threads) == 2 and set(stored_by) == {threading.get_ident()} and threads.isdisjoint(stored_by)


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu")])
def test_a_bad_image_is_listed_and_the_others_of_its_batch_are_done(photos, devices):
    rows = photos.images()
    (photos.root / "03.png").write_bytes(b"not a picture")
    (photos.root / "05.png").unlink()
    kept: dict[str, int] = {}
    ran = finish(run_over(rows, widths(photos), gathered(kept), batch=4, devices=devices))
    assert ran.done == COUNT - 2 and set(kept) == {row.path for row in rows} - {"03.png", "05.png"}
    assert sorted(one["image"] for one in ran.bad) == ["03.png", "05.png"]
    assert all(one["reason"] and one["image_id"] for one in ran.bad)


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu")])
def test_what_is_not_about_an_image_ends_the_run(photos, devices):
    def make_worker(device: str):
        def work(rows):
            raise Unavailable("out of memory")

        return work

    with pytest.raises(Unavailable, match="out of memory"):
        finish(run_over(photos.images(), make_worker, lambda *_: None, devices=devices))


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu")])
def test_a_cancelled_run_goes_on_with_what_is_left(photos, tmp_path, devices):
    kept: dict[str, int] = {}
    path = tmp_path / "run" / "done.jsonl"
    options = {"batch": 2, "devices": devices}
    work = run_over(photos.images(), widths(photos), gathered(kept), ledger=Ledger(path), **options)
    for _ in range(3):
        next(work)
    work.close()
    assert len(kept) == 4 and not [t for t in threading.enumerate() if t.name.startswith("run-cpu")]
    again: dict[str, int] = {}
    ran = finish(run_over(photos.images(), widths(photos), gathered(again), ledger=Ledger(path), **options))
    assert ran == Ran(done=COUNT - 4, kept=4)
    assert not set(kept) & set(again) and len(kept | again) == COUNT
    assert finish(run_over(photos.images(), widths(photos), gathered({}), ledger=Ledger(path))) == Ran(kept=COUNT)


def test_a_ledger_cut_off_in_a_line_keeps_the_lines_before(tmp_path):
    path = tmp_path / "done.jsonl"
    Ledger(path).add([1, 2])
    with open(path, "ab") as file:
        file.write(b"[3, 4")  # the machine stopped here
    cut = Ledger(path)
    assert cut.ids == {1, 2}
    cut.add([5])
    assert Ledger(path).ids == {1, 2, 5}


def test_refused_settings(photos):
    for options in ({"batch": 0}, {"devices": ()}):
        with pytest.raises(BadInput, match="batch must be"):
            finish(run_over(photos.images(), widths(photos), lambda *_: None, **options))
