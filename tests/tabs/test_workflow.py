"""The frame of a workflow's tab: its forms, its runs, what a run proposed, and what it lacks."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
import pytest

from tabs import train_clip
from tabs._parts import choices, jobs
from tabs._parts.pages import End, Pages
from tabs._parts.proposed import Proposed, proposed
from tabs._parts.run_views import settled
from tabs._parts.runs import AT_FIRST, Runs
from tabs._parts.shell import Shell
from tabs._parts.tasks import Task, TaskForm
from tabs._parts.workflow import need
from tabs.train_clip.heads import curves, result
from tator.datasets.dataset import Dataset
from tator.ops import call
from tator.types import BadInput, NotFound
from tator.workflows.heads import heads_of
from tests.tabs.conftest import EVIL
from tests.tabs.test_tabs import read
from tests.workflows.test_proposing import run, squares  # noqa: F401


@pytest.fixture
def tab(shell: Shell) -> Pages:
    """Lend the Train CLIP tab."""
    with shell.window, gr.Tabs() as shell.tabs, gr.Tab("T") as shell.tab:
        return train_clip.HEADS.build(shell)


@pytest.fixture
def runs(tab: Pages) -> Runs:
    return next(part for part in tab.parts if isinstance(part, Runs))


@pytest.fixture
def form(tab: Pages) -> TaskForm:
    return next(part for part in tab.parts if isinstance(part, TaskForm))


@pytest.fixture
def train(wb, imported) -> Callable[[str], dict]:
    """Lend what trains a head of a name and returns its job."""

    def train(name: str) -> dict:
        job = wb.jobs.wait(call(wb, "heads_train", dataset="cats", name=name, min_per_class=1), timeout_s=120)
        assert job["state"] == "succeeded", job["error"]
        return job

    return train


def test_before_a_first_run_the_tab_says_what_to_do(wb, tab: Pages, runs: Runs, imported):
    assert "Import a dataset" in runs.drawn("", AT_FIRST)[0]
    shown, listing = runs.drawn("cats", AT_FIRST)
    assert "No head yet" in shown and "5 boxes, 2 classes" in read(shown).said and listing == ""
    assert "#heads-train-start" in shown, "the button presses the one that starts"
    head = read(tab.draw("cats", "")[tab.outputs.index(tab.parts[1].outputs[0])])
    assert "Train a class head" in head.said and "cats: 5 boxes, 2 classes" in head.said


def test_a_trained_head_is_drawn_with_its_baseline_and_its_curve(shell, runs: Runs, train):
    job = train("first")
    shown, listing = map(read, runs.drawn("cats", AT_FIRST))
    assert "Head first" in shown.said and "Majority baseline" in shown.said and "trained on cats" in shown.said
    assert "polyline" in shown.tags and "img" not in shown.tags and EVIL[:80] in shown.said
    for said in ("1 head", "first", "cats", "colour_texture", "active", "Download"):
        assert said in listing.said
    assert "polyline" in curves(shell.call("jobs_events", job_id=job["id"]))
    assert "without a report" in result({"report": {}})
    assert "Test size" in settled(shell.call("runs_get", family="heads", name="first"))


def test_what_a_pick_asks_for_is_done(wb, runs: Runs, train):
    train("first"), train("second")
    assert "Head second" in runs.drawn("cats", AT_FIRST)[0], "the active one"
    shown = runs.changed(AT_FIRST, {"act": "activate", "name": "first"})
    assert call(wb, "heads_active")["name"] == "first" == shown["name"]
    shown = runs.changed(shown, {"act": "rename", "name": "first"})
    assert "Rename head first" in read(runs.drawn("cats", shown)[0]).said
    shown = runs.changed(shown, {"act": "do_rename", "name": "first", "value": "one"})
    assert shown == {"name": "one", "ask": ""} and call(wb, "heads_active")["name"] == "one"
    shown = runs.changed(shown, {"act": "again", "name": "one"})
    asked = runs.drawn("cats", shown)[0]
    assert "min per class 1" in read(asked).said and 'value="one 2"' in asked and "data-begins" in asked
    shown = runs.changed(shown, {"act": "delete", "name": "one"})
    assert "Delete head one?" in read(runs.drawn("cats", shown)[0]).said and len(call(wb, "heads_list")) == 2
    assert runs.changed(shown, {"act": "do_delete", "name": "one"}) == AT_FIRST
    assert [row["name"] for row in call(wb, "heads_list")] == ["second"] and call(wb, "trash_list")[0]["name"] == "one"
    assert "Head second" in runs.drawn("cats", shown)[0], "the one that was chosen is gone"


def test_a_damaged_run_says_so_and_can_be_deleted(wb, runs: Runs, train):
    train("first")
    heads_of(wb.workspace).path("first").write_bytes(b"nonsense")
    shown, listing = runs.drawn("cats", AT_FIRST)
    assert "This head cannot be used" in shown and "damaged" in listing and "Activate" not in listing
    assert "Its settings were not kept" in runs.drawn("cats", {"name": "first", "ask": "again"})[0]
    runs.changed(AT_FIRST, {"act": "do_delete", "name": "first"})
    assert "No head yet" in runs.drawn("cats", AT_FIRST)[0]


def test_the_end_of_a_training_shows_the_head_that_it_made(tab: Pages, runs: Runs, train):
    first, second = train("first"), train("second")
    chosen = {widget: AT_FIRST | {"name": "second"} for widget in runs.reads}
    answer = tab.answer(End(first, "cats", tab._pages[0].name, chosen))
    assert "Head first" in answer[runs.answers[0]] and answer[runs.answers[2]] == AT_FIRST | {"name": "first"}
    answer = tab.answer(End(second | {"state": "cancelled"}, "cats", "", {widget: AT_FIRST for widget in runs.reads}))
    assert answer[runs.answers[2]] == AT_FIRST


def test_a_form_starts_its_verb_with_what_it_holds(wb, form: TaskForm, imported):
    values = {widget: widget.value for widget in form.inputs} | {form.shell.dataset: "cats"}
    job = wb.jobs.wait(form.begin(values | {form._settings["min_per_class"]: 1}), timeout_s=120)
    assert job["arguments"]["name"].startswith("cats ") and job["arguments"]["min_per_class"] == 1
    with pytest.raises(NotFound, match="no dataset is open"):
        form.begin(values | {form.shell.dataset: ""})


def test_what_a_verb_needs_is_chosen_first(shell):
    with shell.window, gr.Tabs() as shell.tabs, gr.Tab("T") as shell.tab:
        form = TaskForm(shell, Task("weights_delete", "Delete", choices={"card": "models_list segment"}), None)
        form.build()
    with pytest.raises(BadInput, match="choose the card first"):
        form.begin({widget: "" for widget in form.inputs})
    assert [update["choices"][0][1] for update in form.draw("")] == [""]


def test_an_argument_is_drawn_from_the_signature(form: TaskForm, shell):
    with shell.window:
        task = Task("candidates_list", "List", labels={"conf_min": "Lowest"}, choices={"source": "runs_list heads"})
        other = TaskForm(shell, task, None)
        with gr.Tab("U") as shell.tab:
            other.build()
    drawn = other._arguments
    assert set(drawn) == set(other.verb.arguments) - {"dataset"} and drawn["conf_min"].label == "Lowest"
    assert drawn["source"].choices == [("None", "")] and drawn["limit"].value == 200
    assert drawn["source"].info == "Only of this source; empty takes all."


def test_models_are_listed_with_what_they_need(shell):
    listed = choices.models(shell, "encode")
    assert listed[0] == ("Automatic: Colour and texture", "")
    assert any("needs" in label for label, _ in listed) and ("Colour and texture", "colour_texture") in listed
    assert choices.lacking(shell, ["models_list encode", "runs_list heads"]) == []
    (card,) = choices.lacking(shell, ["models_list find", "models_list find"])
    drawn = need(card)
    assert card["state"] in read(drawn).said and 'data-goto="models"' in drawn


def test_what_a_run_proposed_leads_to_label(wb, shell, squares: Dataset):  # noqa: F811
    told = run(squares)
    drawn = proposed(shell, "squares", told)
    waiting = call(wb, "candidates_list", dataset="squares", source=told["source"])["candidates"]
    assert told["source"] in drawn and told["snapshot"] in drawn and f">{len(waiting)}<" in drawn
    assert f'data-open-image="{waiting[0]["image_id"]}"' in drawn and 'data-dataset="squares"' in drawn
    call(wb, "candidates_clear", dataset="squares", source=told["source"])
    assert "Decide in Label" not in proposed(shell, "squares", told)
    with shell.window:
        part = Proposed(shell, ["heads_train"])
        part.build()
    assert part.draw("squares") == ("",)


def test_a_tab_follows_imports_of_its_own_family_only(wb, shell, imported, train, tmp_path):
    train("first")
    job = wb.jobs.wait(call(wb, "runs_import", family="heads", source=str(tmp_path / "home")), timeout_s=60)
    kinds = ["heads_train", "runs_import"]
    assert jobs.newest(shell, kinds, "heads")["id"] == job["id"]
    assert jobs.newest(shell, ["runs_import"], "box_refiner") is None
