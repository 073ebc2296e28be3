"""What an evaluation holds: columns that are small and exact, and AP in passes that change nothing."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.types import BadInput
from tator.workflows.evaluation import accuracy, overlaps, tables
from tator.workflows.evaluation.collecting import Collecting
from tator.workflows.evaluation.columns import ExactFloats, Texts, whole_numbers
from tator.workflows.evaluation.evaluator import Settings, evaluate_records
from tator.workflows.evaluation.records import read_records
from tests.workflows.evaluation.scenes import NAMES, random_records, record


@given(st.lists(st.text(max_size=8), max_size=12), st.data())
def test_texts_come_back(texts, data):
    found = Texts(texts)
    assert [found[row] for row in range(len(found))] == texts
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5)) if texts else []
    taken = found.taken(np.array(rows, np.int64))
    assert [taken[row] for row in range(len(taken))] == [texts[row] for row in rows]


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), max_size=5), max_size=5))
def test_floats_stay_exact(parts):
    found = ExactFloats()
    for part in parts:
        with np.errstate(over="ignore"):
            found.extend(np.array(part, np.float64))
    assert found.values().tolist() == [value for part in parts for value in part]


@pytest.mark.parametrize("value, kind", [(2**31 - 1, np.int32), (2**31, np.int64), (-(2**40), np.int64)])
def test_whole_numbers_fit(value, kind):
    assert whole_numbers([0, value]).dtype == kind and whole_numbers([0, value]).tolist() == [0, value]


def test_what_a_detector_gave_is_kept_in_half_the_room():
    plain = Collecting().collect([record(0, [("a", [1, 2, 3.5, 4])], [("a", [1, 2, 3, 4.25], 0.1)])])
    assert plain.gt.xyxy.dtype == plain.pred.xyxy.dtype == np.float32
    fine = Collecting().collect([record(0, [("a", [1, 2, 3.1, 4])]), record(1, [("a", [1, 2, 3, 4])])])
    assert fine.gt.xyxy.dtype == np.float64 and fine.gt.xyxy[0, 2] == 3.1


@pytest.mark.parametrize("size, part", [(1, 1), (40, 7), (150, 20)])
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_passes_change_nothing(monkeypatch, size, part, kind):
    data = Collecting().collect(random_records(3, images=12, with_masks=kind == "segm"), NAMES)
    whole = accuracy.average_precision(data, kind)
    monkeypatch.setattr(accuracy, "PASS", size)
    monkeypatch.setattr(accuracy, "PART", part)
    found = accuracy.average_precision(data, kind)
    assert (found.summary, found.per_class) == (whole.summary, whole.per_class)
    assert whole.summary["AP"] and whole.per_class["c4"]["AP"] is None


@pytest.mark.parametrize("together", [1, 5, 64])
def test_parts_change_nothing(monkeypatch, together):
    records = random_records(5, images=12)
    whole = evaluate_records(records, Settings(), NAMES)
    for module, name in ((overlaps, "TOGETHER"), (tables, "RANKED")):
        monkeypatch.setattr(module, name, together)
    found = evaluate_records(records, Settings(), NAMES)
    assert found.facts == whole.facts and len(whole.pairs) > 20
    assert found.matched.gt_of.tolist() == whole.matched.gt_of.tolist()


def test_an_image_takes_little(tmp_path):
    """Compare what 400 and 2,400 images of 10 boxes hold; each box was seven objects of Python once."""
    boxes = [(NAMES[k % 3], [10.1 * k, 5, 10.1 * k + 9.3, 20 + k]) for k in range(5)]

    def held(images: int) -> int:
        file = tmp_path / f"{images}.jsonl"
        with file.open("wb") as lines:
            for index in range(images):
                pred = [(name, box, 0.5 + index % 7 / 70) for name, box in boxes]
                lines.write(record(index, boxes, pred, name=f"folder/{index:06}.jpg").as_line())
        tracemalloc.start()
        try:
            found = evaluate_records(read_records(file), Settings(metrics="f1ish"), NAMES)
            assert len(found.data.pred) == 5 * images
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    held(10)  # imports what it needs
    assert (held(2400) - held(400)) / 2000 < 1_250


@pytest.mark.parametrize("index, other", [(3, 3), (20_000_000, 20_000_000)])
def test_an_index_that_stands_twice_is_named_with_both_lines(tmp_path, index, other):
    file = tmp_path / "gt_vs_pred.jsonl"
    file.write_bytes(record(0).as_line() + b"\n" + record(index).as_line() + record(other).as_line())
    with pytest.raises(BadInput, match=rf"jsonl:4: record_index {index} stands in line 3 too"):
        list(read_records(file))


@pytest.mark.parametrize("index", [-1, 2**53, True, "3", 1.0])
def test_an_index_that_is_none_is_named(tmp_path, index):
    file = tmp_path / "gt_vs_pred.jsonl"
    file.write_text(json.dumps({"record_index": index, "gt": []}) + "\n")
    with pytest.raises(BadInput, match=r"jsonl:1: record_index is .*expected a whole number from 0"):
        list(read_records(file))
