"""Thresholds of a run: a calibration before an operating point before conf, whatever else is there."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from tator.storage.thresholds import PLACES, Thresholds, forget_operating_point, keep_operating_point, thresholds_of
from tator.types import BadInput


@pytest.mark.parametrize("there", list(product([False, True], repeat=2)))
def test_the_first_that_is_there_wins(tmp_path: Path, there):
    for (_, name), is_there, value in zip(PLACES, there, (0.7, 0.4), strict=True):
        if is_there:
            (tmp_path / name).write_text(json.dumps({"score_thr": value, "classes": {"cat": value / 2}}))
    found = thresholds_of(tmp_path, 0.1)
    expected = [("calibration", 0.7, 0.35), ("operating point", 0.4, 0.2)]
    source, value, cat = next(
        (row for row, is_there in zip(expected, there, strict=True) if is_there), ("conf", 0.1, 0.1)
    )
    assert found.source == found.told()["from"] == source
    assert found.of(["cat", "dog"]).tolist() == [cat, value] and found.lowest == min(cat, value)


def test_a_run_without_any_takes_conf(tmp_path):
    assert thresholds_of(None, 0.3) == thresholds_of(tmp_path / "gone", 0.3) == Thresholds(0.3)
    assert Thresholds(0.3).told() == {"conf": 0.3, "classes": {}, "from": "conf"}


def test_a_point_is_kept_and_forgotten(tmp_path):
    keep_operating_point(tmp_path / "run", 0.5, {"a": 0.0, "b": 1.0}, "of may")
    found = thresholds_of(tmp_path / "run", 0.1)
    assert (found.conf, found.classes, found.evaluation) == (0.5, {"a": 0.0, "b": 1.0}, "of may")
    forget_operating_point(tmp_path / "run")
    forget_operating_point(tmp_path / "run")
    assert thresholds_of(tmp_path / "run", 0.1).source == "conf"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"score_thr": 2}', '{"score_thr": true}', '{"score_thr": NaN}', '{"score_thr": .5}',
     '{"score_thr": 0.5, "classes": []}', '{"score_thr": 0.5, "classes": {"a": -0.1}}', '{"score_thr": "0.5"}'],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "operating_point.json").write_text(content)
    with pytest.raises(BadInput, match=r"operating_point\.json"):
        thresholds_of(tmp_path, 0.1)
