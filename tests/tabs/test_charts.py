"""Charts and words of the tabs: empty and one-sided figures, and durations that read well."""

from __future__ import annotations

import pytest

from tabs._parts import charts, words
from tests.tabs.conftest import NAMES
from tests.tabs.test_tabs import read


def test_charts_take_no_points_and_gaps():
    assert "no steps yet" in charts.line_chart("Loss", {"train": []})
    drawn = charts.line_chart("Loss", {"train": [(0, 1.0), (1, float("nan")), (2, 0.5)], "held out": []})
    assert drawn.count("<polyline") == 1 and "nan" not in drawn
    matrix = charts.confusion(NAMES, [[3, 1], [0, 0]])
    assert "img" not in read(matrix).tags and "3 of 4" in matrix


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "–"), (0.4, "0.4 s"), (59.6, "1 min 0 s"), (95, "1 min 35 s"), (7300, "2 h 1 min")]
)
def test_durations_read_well(seconds, said):
    assert words.duration(seconds) == said


def test_plain_values_read_well():
    told: dict = {
        None: "–",
        "": "–",
        True: "yes",
        12345: "12,345",
        2222.5: "2,222",
        0.123456: "0.123",
        1e-6: "1e-06",
        "a": "a",
    }
    assert {value: words.figure(value) for value in told} == told
