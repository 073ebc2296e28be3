"""What can be stored of attributes, and what is said of the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.attributes import LONGEST_TEXT, MOST, RESERVED, checked, cleaned
from tator.types import BadInput

FREE = st.text(min_size=1, max_size=20).filter(lambda name: name not in RESERVED)
SCALAR = st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans(), st.none())
RAW = st.dictionaries(st.one_of(FREE, st.sampled_from(sorted(RESERVED))), st.recursive(SCALAR, st.lists, max_leaves=4))


@given(RAW)
def test_what_is_kept_is_stored_as_it_is_and_what_is_not_is_told(raw: dict) -> None:
    told: list[tuple[str, str]] = []
    kept = cleaned(raw, lambda *note: told.append(note)) or {}
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert cleaned(kept, lambda *note: pytest.fail(str(note))) == (kept or None)  # clean once is clean for ever
    lost = [name for name, value in raw.items() if value is not None and name not in kept]
    assert len(told) >= len(lost)
    json.dumps(kept).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("occluded", 1),
        ("crowd", "yes"),
        ("track", 1.5),
        ("group", True),
        ("truncation", 1.01),
        ("rotation", 360),
        ("rotation", float("nan")),
        ("z", 0.5),
        ("text", 7),
        ("keypoints", [[1, 2]]),
        ("keypoints", [[1, 2, 3]]),
        ("keypoints", [[1, float("inf"), 2]]),
    ],
)
def test_a_reserved_name_of_another_type_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadInput, match=name):
        checked({name: value}, "annotation.attributes")


def test_nested_values_become_text_and_long_ones_are_cut() -> None:
    told: list[tuple[str, str]] = []
    kept = cleaned({"a": {"b": [1]}, "long": "x" * (LONGEST_TEXT + 1)}, lambda *note: told.append(note))
    assert kept == {"a": '{"b": [1]}', "long": "x" * LONGEST_TEXT}
    assert [reason for reason, _ in told] == ["attribute changed"]


def test_more_than_the_most_are_left_out_once_told() -> None:
    told: list[tuple[str, str]] = []
    kept = cleaned({f"name {number}": number for number in range(MOST + 5)}, lambda *note: told.append(note))
    assert kept is not None
    assert len(kept) == MOST
    assert told == [("attributes left out", f"more than {MOST}")]
