"""Thousands of classes come in at once, and colours repeat where there are no more."""

from __future__ import annotations

import time
from pathlib import Path

from tator.ops import call
from tests.folders import make, yolo_folder

COUNT = 5_000


def test_thousands_of_classes_are_read_in_one_pass(wb, tmp_path: Path):
    names = [f"kind {n}" for n in range(COUNT)]
    root = yolo_folder(tmp_path / "set", {"a.png": f"{COUNT - 1} .5 .5 .2 .2\n0 .2 .2 .1 .1"}, names)
    began = time.perf_counter()
    dataset = make(wb, root)
    took = time.perf_counter() - began
    assert [row.name for row in dataset.classes()] == names and took < 10, took
    assert len({row.color for row in dataset.classes()[:2000]}) > 1_900
    call(wb, "class_reorder", dataset="set", class_ids=list(range(COUNT))[::-1])
    assert dataset.classes()[0].name == names[-1] and time.perf_counter() - began < 15
    assert call(wb, "class_add", dataset="set", name="one more")["class_id"] == COUNT
