"""Class names: equal as people mean them, in every script."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.datasets.names import match_names, normalise


@pytest.mark.parametrize("spelling", ["gas tank", "gas_tank", "GasTank", "GAS-TANK", "ｇａｓ　ｔａｎｋ"])
def test_spellings_of_one_name_are_equal(spelling):
    assert normalise(spelling) == "gastank"


def test_scripts_without_latin_letters_keep_their_names_apart():
    names = ["红细胞", "白细胞", "血小板", "тромбоцит", "हिन्दी", "🐱", "🐶", "++"]
    assert len({normalise(name) for name in names}) == len(names) and all(normalise(name) for name in names)
    assert normalise("STRASSE") == normalise("straße")


@settings(deadline=None)
@given(st.text(min_size=1))
def test_a_visible_name_never_becomes_empty_and_normalising_twice_changes_nothing(name):
    once = normalise(name)
    assert once or not "".join(name.split())
    assert normalise(once) == once


def test_exact_spelling_wins_and_doubt_matches_nothing():
    assert match_names(["wbc", "WBC", "W.B.C", "none"], ["WBC", "RBC"]) == [0, 0, 0, -1]
    assert match_names(["C", "c", "C+"], ["C", "C++", "c"]) == [0, 2, -1]
