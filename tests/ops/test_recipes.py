"""Saved recipes through their verbs: listed, read, replaced, deleted, refused."""

from __future__ import annotations

import json

import pytest

from tator.ops import call
from tator.types import BadInput, Conflict, NotFound
from tator.workflows.heads.recipe import HeadRecipe


def test_the_kinds_are_those_that_operations_take(wb):
    kinds = {row["kind"]: row for row in call(wb, "recipes_kinds")}
    assert kinds["head"]["operations"] == ["heads_train"]
    assert kinds["predictors"]["operations"] == ["predictor_settings_set"]
    assert {row["name"]: row["default"] for row in kinds["head"]["settings"]}["test_size"] == 0.2


def test_a_recipe_is_saved_read_replaced_and_deleted(wb):
    saved = call(wb, "recipes_save", kind="head", name="mine", settings=json.dumps({"c": 2}))
    assert saved["c"] == 2.0 and saved["seed"] == 42
    assert call(wb, "recipes_get", kind="head", name="mine") == saved
    call(wb, "recipes_save", kind="head", name="mine", settings=json.dumps({"c": 3}))
    assert call(wb, "recipes_get", kind="head", name="mine")["c"] == 3.0
    assert call(wb, "recipes_list", kind="head") == ["mine"]
    assert call(wb, "recipes_delete", kind="head", name="mine")["deleted"] == "mine"
    assert call(wb, "recipes_list", kind="head") == []


def test_a_deleted_recipe_comes_back_from_the_trash(wb):
    saved = call(wb, "recipes_save", kind="head", name="mine", settings=json.dumps({"c": 2}))
    entry = call(wb, "recipes_delete", kind="head", name="mine")["entry"]
    assert [(row["kind"], row["name"], row["problem"]) for row in call(wb, "trash_list")] == [("recipe", "mine", "")]
    call(wb, "recipes_save", kind="head", name="mine", settings="{}")
    with pytest.raises(Conflict, match="'mine' exists"):
        call(wb, "trash_restore", entry=entry)
    assert call(wb, "trash_restore", entry=entry, new_name="again")["name"] == "again"
    assert call(wb, "recipes_get", kind="head", name="again") == saved and call(wb, "trash_list") == []


def test_the_settings_in_force_are_not_a_saved_recipe(wb):
    call(wb, "predictor_settings_set", images=2, budget_mb=64)
    assert call(wb, "recipes_list", kind="predictors") == []
    with pytest.raises(NotFound, match="'in use'"):
        call(wb, "recipes_delete", kind="predictors", name="in use")
    with pytest.raises(BadInput, match="choose another name"):
        call(wb, "recipes_save", kind="predictors", name="In use", settings="{}")
    call(wb, "recipes_save", kind="head", name="in use", settings="{}")
    assert call(wb, "recipes_list", kind="head") == ["in use"], "nothing is in force there"


def test_settings_in_force_that_are_not_given_stay(wb):
    call(wb, "predictor_settings_set", images=2, budget_mb=64, keep_on_disk=True)
    found = call(wb, "predictor_settings_set", budget_mb=32)
    assert (found["images"], found["budget_mb"], found["keep_on_disk"]) == (2, 32, True)
    call(wb, "recipes_save", kind="predictors", name="small", settings=json.dumps({"images": 1}))
    found = call(wb, "predictor_settings_set", recipe="small", budget_mb=128)
    assert (found["images"], found["budget_mb"], found["keep_on_disk"]) == (1, 128, False)


def test_a_recipe_that_a_form_saved_before_is_read(wb):
    HeadRecipe(c=5.0).save(wb.workspace.folder("recipes"), "old one")
    assert call(wb, "recipes_get", kind="head", name="old one")["c"] == 5.0


@pytest.mark.parametrize("settings", ["{", "[]", '{"epochs": 3}', '{"test_size": 2}', '{"c": NaN}'])
def test_settings_that_are_not_of_the_recipe_are_refused(wb, settings: str):
    with pytest.raises(BadInput):
        call(wb, "recipes_save", kind="head", name="bad", settings=settings)
    assert call(wb, "recipes_list", kind="head") == []


def test_what_is_not_there_is_named(wb):
    with pytest.raises(NotFound, match="there are evaluation, head, predictors"):
        call(wb, "recipes_list", kind="soup")
    for verb in ("recipes_get", "recipes_delete"):
        with pytest.raises(NotFound, match="'none'"):
            call(wb, verb, kind="head", name="none")
    with pytest.raises(BadInput, match="recipe name"):
        call(wb, "recipes_delete", kind="head", name="../head/x")
