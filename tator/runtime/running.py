"""Machine work over many images, in batches.

It runs on one device or several, and resumes at the image where it stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tator.datasets.dataset import ImageRow
from tator.storage.atomic import replacing
from tator.types import BadInput, NotFound, Progress, Work

Worker = Callable[[list[ImageRow]], list[Any]]  # one result an image, in order
MakeWorker = Callable[[str], Worker]  # takes the device; called once on the thread that the worker then runs on
Answers = list[tuple[ImageRow, Any]]

REFUSED = (BadInput, NotFound)  # what a bad image raises; everything else ends the run


@dataclass
class Ran:
    """How a run over images ended.

    Attributes:
        done: images whose result was stored.
        kept: images left out because an earlier run, cut off, had stored theirs.
        bad: {"image_id", "image", "reason"} of those that could not be worked on.
    """

    done: int = 0
    kept: int = 0
    bad: list[dict[str, Any]] = field(default_factory=list)


class Ledger:
    """Ids of the images whose result is stored.

    They are kept in a file that survives a crash, one line per batch.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ids: set[int] = set()
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []  # a line without an end was cut off
        for line in lines:
            self.ids.update(json.loads(line))
        with replacing(path, is_durable=True) as part:
            part.write_bytes(b"".join(line + b"\n" for line in lines))

    def add(self, ids: Iterable[int]) -> None:
        """Note that these are stored; durable when this returns."""
        listed = list(ids)
        with open(self._path, "ab") as file:
            file.write(json.dumps(listed).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.ids.update(listed)


def run_over(
    images: Sequence[ImageRow],
    make_worker: MakeWorker,
    store: Callable[[list[ImageRow], list[Any]], None],
    *,
    batch: int = 8,
    devices: Sequence[str] = ("cpu",),
    ledger: Ledger | None = None,
) -> Work:
    """Work on images in batches and hand the results of each to `store`.

    `store` is called in the thread that drives this.

    With several devices each has a worker on a thread of its own, and batches come back as they finish. Closing the
    generator lets the batches under way end, without storing them, and starts no other.

    Args:
        images: what to work on.
        make_worker: makes what works on one device.
        store: keeps the results of a batch; a batch may come again after a crash.
        batch: images at a time.
        devices: where to run.
        ledger: what is stored already; None keeps no count across runs.

    Returns:
        A Ran; a batch that a bad image spoils is tried again image by image.

    Raises:
        BadInput: batch is below 1, or no device is given.
    """
    if batch < 1 or not devices:
        raise BadInput(f"batch must be 1 or more and devices must name one; they are {batch} and {list(devices)}")
    left = [row for row in images if not (ledger and row.id in ledger.ids)]
    ran = Ran(kept=len(images) - len(left))
    batches = (left[at : at + batch] for at in range(0, len(left), batch))
    yield Progress(ran.kept, len(images))
    alone = len(devices) == 1
    found = _here(batches, make_worker, devices[0]) if alone else _across(batches, make_worker, devices)
    with closing(found):
        for answers, bad in found:
            if answers:
                store([row for row, _ in answers], [result for _, result in answers])
                if ledger:
                    ledger.add(row.id for row, _ in answers)
            ran.done += len(answers)
            ran.bad += bad
            yield Progress(ran.kept + ran.done + len(ran.bad), len(images), _told(ran))
    return ran


def _told(ran: Ran) -> str:
    return f"{ran.done} images done" + (f", {len(ran.bad)} bad" if ran.bad else "")


Finished = tuple[Answers, list[dict[str, Any]]]


def _here(batches: Iterator[list[ImageRow]], make_worker: MakeWorker, device: str) -> Generator[Finished, None, None]:
    """Yield what comes of each batch, in order, worked on in this thread."""
    lane = _Lane(make_worker, device)
    for rows in batches:
        yield lane.work(rows)


def _across(
    batches: Iterator[list[ImageRow]], make_worker: MakeWorker, devices: Sequence[str]
) -> Generator[Finished, None, None]:
    """Yield the outcome of each batch as it finishes, one batch per device."""
    with ExitStack() as stack:
        running: dict[Future[Finished], tuple[_Lane, ThreadPoolExecutor]] = {}
        for device in devices:
            pool = stack.enter_context(ThreadPoolExecutor(1, f"run-{device}"))
            _submit(running, batches, _Lane(make_worker, device), pool)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                _submit(running, batches, *running.pop(future))  # the device works on while the results are stored
                yield future.result()


def _submit(running: dict, batches: Iterator[list[ImageRow]], lane: _Lane, pool: ThreadPoolExecutor) -> None:
    rows = next(batches, None)
    if rows is not None:
        running[pool.submit(copy_context().run, lane.work, rows)] = (lane, pool)


class _Lane:
    """One device with its worker, which is made with the first batch."""

    def __init__(self, make_worker: MakeWorker, device: str) -> None:
        self._make, self._device = make_worker, device
        self._worker: Worker | None = None

    def work(self, rows: list[ImageRow]) -> Finished:
        """Return what came of a batch: images with their results, and those that are bad."""
        if self._worker is None:
            self._worker = self._make(self._device)
        try:
            return list(zip(rows, self._worker(rows), strict=True)), []
        except REFUSED as error:
            if len(rows) == 1:
                return [], [{"image_id": rows[0].id, "image": rows[0].path, "reason": str(error)}]
        parts = [self.work([row]) for row in rows]
        return [one for answers, _ in parts for one in answers], [one for _, bad in parts for one in bad]
