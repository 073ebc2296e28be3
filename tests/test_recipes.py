"""Recipes: what they refuse, and that saving loses nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.ops import operations, prepared
from tator.recipes import Recipe
from tator.types import BadInput, NotFound
from tator.workflows.heads.recipe import HeadRecipe

RECIPES = Recipe.__subclasses__()
RECIPE_VALUES = st.fixed_dictionaries(
    {
        "encoder": st.text(min_size=1, max_size=20).map(str.strip),
        "test_size": st.floats(0.05, 0.9),
        "min_per_class": st.integers(1, 1000),
        "c": st.floats(1e-6, 1e6),
        "seed": st.integers(0, 2**31 - 1),
        "activate": st.booleans(),
    }
)


@given(RECIPE_VALUES)
def test_a_saved_recipe_reads_back_as_it_was(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("recipes")
    recipe = HeadRecipe.of(values)
    recipe.save(folder, "mine")
    assert HeadRecipe.load(folder, "mine") == recipe
    assert dataclasses.asdict(recipe) == values


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_every_setting_has_help_and_a_default_in_its_range(recipe: type[Recipe]):
    assert recipe().kind
    for f in dataclasses.fields(recipe):
        assert f.metadata["help"].endswith("."), f.name
        if isinstance(f.default, (int, float)) and not isinstance(f.default, bool):
            assert f.metadata["low"] is not None, f"{f.name} has no lower bound"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"test_size": 1.5}, "from 0.05 to 0.9"),
        ({"test_size": float("nan")}, "test_size must be a number"),
        ({"min_per_class": 2.5}, "whole number"),
        ({"min_per_class": True}, "whole number"),
        ({"c": None}, "c must be a number"),
        ({"c": -1}, "is -1"),
        ({"encoder": 7}, "encoder must be text"),
        ({"activate": "yes"}, "yes or no"),
        ({"epochs": 3}, "has no epochs"),
    ],
)
def test_a_bad_value_is_refused_by_name(values: dict, said: str):
    with pytest.raises(BadInput, match=said):
        HeadRecipe.of(values)


def test_a_whole_number_may_come_as_a_float():
    assert HeadRecipe.of({"min_per_class": 3.0}).min_per_class == 3


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 81, "nul\0"])
def test_a_name_that_is_no_plain_file_name_is_refused(tmp_path: Path, name: str):
    with pytest.raises(BadInput, match="recipe name"):
        HeadRecipe().save(tmp_path, name)
    assert not list(tmp_path.rglob("*.json"))


def test_a_missing_or_foreign_file_is_named(tmp_path: Path):
    with pytest.raises(NotFound, match="'none'"):
        HeadRecipe.load(tmp_path, "none")
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "broken.json").write_text("{")
    (tmp_path / "head" / "other.json").write_text(json.dumps({"kind": "detector", "settings": {}}))
    with pytest.raises(BadInput, match=r"broken\.json is not JSON"):
        HeadRecipe.load(tmp_path, "broken")
    with pytest.raises(BadInput, match=r"other\.json is not a head recipe"):
        HeadRecipe.load(tmp_path, "other")


def test_saved_recipes_are_listed_by_name(tmp_path: Path):
    for name in ("b", "a"):
        HeadRecipe().save(tmp_path, name)
    assert HeadRecipe.listing(tmp_path) == ["a", "b"]
    assert [path.name for path in (tmp_path / "head").iterdir() if path.suffix != ".json"] == []


def test_a_verb_takes_the_settings_of_its_recipe_by_name():
    verb = operations()["heads_train"]
    settings = [f.name for f in dataclasses.fields(HeadRecipe)]
    assert list(verb.parameters) == ["dataset", "name", *settings, "recipe"]
    assert [verb.parameters[name].default for name in settings] == list(dataclasses.astuple(HeadRecipe()))
    assert "    test_size: " in verb.fn.__doc__ and "; from 0.05 to 0.9." in verb.fn.__doc__


def test_a_saved_recipe_is_written_out_and_a_named_setting_counts_instead(wb):
    HeadRecipe(c=3.0, seed=7).save(wb.workspace.folder("recipes"), "mine")
    verb = operations()["heads_train"]
    found = prepared(wb, verb, {"dataset": "d", "name": "n", "recipe": "mine", "seed": 1})
    expected = dataclasses.asdict(HeadRecipe(c=3.0, seed=1))
    assert found == {"dataset": "d", "name": "n", **expected}
    assert prepared(wb, verb, found) == found


def test_a_verb_refuses_a_recipe_that_is_not_there_and_a_setting_outside_its_range(wb):
    verb = operations()["heads_train"]
    with pytest.raises(NotFound, match="'none'"):
        prepared(wb, verb, {"dataset": "d", "name": "n", "recipe": "none"})
    with pytest.raises(BadInput, match=r"test_size must be from 0\.05 to 0\.9"):
        prepared(wb, verb, {"dataset": "d", "name": "n", "test_size": 2.0})
