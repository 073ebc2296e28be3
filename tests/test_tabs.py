"""The tabs: what the window publishes, how forms read back, and that nobody's text becomes markup."""
from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tabs
from tabs import (
    _charts,
    _classes,
    _dataset_views,
    _forms,
    _heads,
    _jobs,
    _shell,
    _tryout,
    _words,
    datasets,
    jobs,
    models,
    system,
    train_clip,
)
from tabs import _html as h
from tator.api import publish
from tator.ops import call, operations
from tator.recipes import HeadRecipe, Recipe
from tator.types import BadInput, NotFound

EVIL = '<img src=x onerror="alert(1)">\'&{{x}}${1}'
NAMES = ["cat", EVIL[:80]]


class Reader(HTMLParser):
    """Collects the text and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.tags = "", []

    def handle_data(self, data: str) -> None:
        self.said += data

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images with YOLO boxes, a broken label line and a broken image."""
    place = tmp_path / "source"
    (place / "sub").mkdir(parents=True)
    for i, name in enumerate(["a", "b", "sub/c"]):
        Image.new("RGB", (64, 48), (40 * i, 90, 120)).save(place / f"{name}.png")
        (place / f"{name}.txt").write_text("0 0.5 0.5 0.25 0.25\n1 0.3 0.3 0.2 0.2\n")
    (place / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n0 0.5 nonsense 0.1 0.1\n")
    (place / "broken.jpg").write_bytes(b"not an image")
    (place / "classes.txt").write_text("\n".join(NAMES))
    return place


@pytest.fixture
def shell(wb) -> _shell.Shell:
    with gr.Blocks() as window:
        return _shell.build(wb, window)


@pytest.fixture
def imported(wb, folder) -> str:
    job = wb.jobs.wait(call(wb, "datasets_create", name="cats", source=str(folder)), timeout_s=60)
    assert job["state"] == "succeeded", job["error"]
    return job["id"]


def test_the_window_publishes_the_operations_and_no_listener(wb):
    window = tabs.build(wb)
    with window:
        publish(wb)
    listeners = [fn for fn in window.fns.values() if fn.api_visibility != "private"]
    assert sorted(fn.api_name for fn in listeners) == sorted(operations())
    assert sorted(path.strip("/") for path in window.get_api_info()["named_endpoints"]) == sorted(operations())


def test_tabs_stand_in_their_order():
    titles = [module.TITLE for module in tabs.modules()]
    assert titles == ["Label", "Datasets", "Train CLIP", "Models", "Jobs", "System"]


@pytest.mark.parametrize("recipe", Recipe.__subclasses__(), ids=lambda recipe: recipe.__name__)
def test_a_form_reads_back_what_it_was_filled_with(recipe: type[Recipe]):
    with gr.Blocks():
        widgets = _forms.draw(recipe)
    assert list(widgets) == [f.name for f in dataclasses.fields(recipe)]
    filled = _forms.fill(recipe(), widgets)
    assert _forms.read(recipe, widgets, dict(zip(widgets.values(), filled, strict=True))) == recipe()
    for f in dataclasses.fields(recipe):
        assert f.metadata["help"] in widgets[f.name].info


def test_a_form_refuses_what_the_recipe_refuses():
    with gr.Blocks():
        widgets = _forms.draw(HeadRecipe)
    values = dict(zip(widgets.values(), _forms.fill(HeadRecipe(), widgets), strict=True)) | {widgets["test_size"]: 7}
    with pytest.raises(BadInput, match="test_size"):
        _forms.read(HeadRecipe, widgets, values)


def test_the_recipe_fits_the_operation_it_is_for():
    parameters = operations()["heads_train"].parameters
    for f in dataclasses.fields(HeadRecipe):
        assert parameters[f.name].default == f.default, f.name


@given(st.text())
def test_text_stays_text(text: str):
    shown = read(h.div(text, [text], data_note=text))
    assert shown.said.replace("\r", "\n") == (text + text).replace("\r\n", "\n").replace("\r", "\n") or "\0" in text or "\r" in text
    assert shown.tags == ["div"]


def test_markup_in_an_attribute_stays_inside_it():
    assert read(h.el("input", value=EVIL, disabled=False, checked=True)).tags == ["input"]
    assert h.el("input", disabled=False, checked=True) == "<input checked>"


def test_an_error_becomes_a_toast_without_markup():
    def refuse() -> None:
        raise NotFound(f"no dataset is called {EVIL}")

    with pytest.raises(gr.Error) as caught:
        _shell.toasting(refuse)()
    assert "<img" not in caught.value.message
    assert "no dataset is called" in caught.value.message


@given(st.lists(st.integers(), unique=True, min_size=1), st.data())
def test_moving_a_class_keeps_all_classes(ids: list[int], data: st.DataObject):
    class_id = data.draw(st.sampled_from(ids))
    by = data.draw(st.integers(-3, 3))
    moved = _classes.moved(ids, class_id, by)
    assert sorted(moved) == sorted(ids)
    assert [i for i in moved if i != class_id] == [i for i in ids if i != class_id]
    assert moved.index(class_id) == min(max(ids.index(class_id) + by, 0), len(ids) - 1)


def test_an_imported_dataset_is_listed_with_its_numbers_and_its_report(shell, imported):
    table, detail, title, overview, classes, report = datasets.draw(shell, "cats")
    assert detail["visible"]
    assert "cats" in read(table).said, report
    assert read(report).said and "1 unreadable" in read(table).said
    assert "never moved, changed or deleted" in read(overview).said
    assert "broken.jpg" in read(report).said and "a.txt" in read(report).said
    for markup in (table, title, overview, classes, report):
        assert "img" not in read(markup).tags


def test_the_report_turns_its_pages(shell, imported):
    rows = [{"file": f"{i}.txt", "line": i, "reason": "bad", "detail": ""} for i in range(120)]
    facts = {"report": {"read": {}, "counts": {"dropped": {"bad": 120}}, "dropped": rows, "repaired": [], "noticed": []}}
    assert "3 of 3" in read(_dataset_views.report(facts, 3)).said
    assert "119.txt" in _dataset_views.report(facts, 3) and "49.txt" not in _dataset_views.report(facts, 3)


def test_without_datasets_every_tab_says_what_to_do_first(shell):
    assert "Choose a folder" in datasets.draw(shell, "")[0]
    assert "Import a dataset" in train_clip.draw(shell, "", "")[1]
    assert "No jobs yet" in jobs.draw(shell, jobs.ANY, "", 1, "")[0]


def test_classes_are_edited_one_operation_each(shell, imported):
    def named() -> list[str]:
        return [row["name"] for row in shell.call("datasets_get", dataset="cats")["classes"]]

    _classes.apply(shell, "cats", {"act": "add", "value": "dog"}, None)
    _classes.apply(shell, "cats", {"act": "rename", "id": "0", "value": "tomcat"}, None)
    _classes.apply(shell, "cats", {"act": "move", "id": "2", "by": "-2"}, None)
    assert named() == ["dog", "tomcat", NAMES[1]]
    doomed = _classes.apply(shell, "cats", {"act": "ask", "id": "2"}, None)
    assert doomed == 2 and "Delete dog?" in read(_classes.draw(shell, "cats", doomed)).said
    assert _classes.apply(shell, "cats", {"act": "delete"}, doomed) is None
    assert named() == ["tomcat", NAMES[1]]


def test_a_class_with_boxes_moves_them_when_deleted(shell, imported):
    doomed = _classes.apply(shell, "cats", {"act": "ask", "id": "1"}, None)
    _classes.apply(shell, "cats", {"act": "delete_into", "value": "0"}, doomed)
    rows = shell.call("datasets_get", dataset="cats")["classes"]
    assert [(row["name"], row["annotations"]) for row in rows] == [("cat", 5)]


def test_a_job_is_found_again_by_a_new_page(shell, imported):
    found = _jobs.newest(shell, ["datasets_create", "datasets_export"])
    assert found["id"] == imported
    drawn = read(_jobs.render(shell, imported)).said
    assert "succeeded" in drawn and "Import: cats" in drawn and "took" in drawn


def test_the_jobs_tab_filters_and_details(shell, imported):
    assert "Import: cats" in jobs.draw(shell, "succeeded", "", 1, "")[0]
    assert "No job matches" in jobs.draw(shell, "failed", "", 1, "")[0]
    assert imported in read(jobs.draw(shell, jobs.ANY, "datasets_create", 1, imported)[2]).said


def test_the_models_tab_tells_of_every_model_and_how_to_get_it(shell):
    cards = shell.call("models_list")
    shown = read(models.draw(shell, "")).said
    for card in cards:
        assert card["label"] in shown and card["license"] in shown
    for card in cards:
        opened = read(models.draw(shell, card["id"])).said
        assert card["expects"] in opened and card["message"] in opened
    assert "needs: a licence" in shown and "Get it" in shown
    assert ("SAM 3 phrases", "sam3") in models.importable(shell) and "grabcut" not in dict(models.importable(shell)).values()


def test_the_system_tab_tells_of_the_device_what_is_loaded_and_the_slots(shell, wb):
    assert "healthy" in read(system.healthy(shell)).said and "For models" in read(system.healthy(shell)).said
    assert "None. A model is loaded when" in read(system.loaded(shell)).said
    with wb.models.use("grabcut"):
        assert "GrabCut mask" in read(system.loaded(shell)).said and "answering" in read(system.loaded(shell)).said
    assert "current" in read(system.ahead(shell)).said and "1.1 GB" in read(system.ahead(shell)).said
    assert "1 model, 0 MB reserved" in system.unloaded(shell.call("runtime_unload"))


def test_a_model_is_tried_on_an_image(shell, imported):
    assert "No dataset is open" in _tryout.draw(shell, "", "grabcut", _tryout.Trial())
    before = read(_tryout.draw(shell, "cats", "grabcut", _tryout.Trial()))
    assert "drag a loose box" in before.said and "image" in before.tags and "path" not in before.tags
    drag = {"act": "box", "x1": 10, "y1": "8", "x2": 50.5, "y2": 40}
    made = _tryout.asked(shell, "cats", "grabcut", 0.3, _tryout.Trial(), drag)
    drawn = read(_tryout.draw(shell, "cats", "grabcut", made))
    assert "grabcut: " in drawn.said and "candidate" in drawn.said and "rect" in drawn.tags
    assert _tryout.asked(shell, "cats", "grabcut", 0.3, made, {"act": "turn", "to": "1"}) == _tryout.Trial(1)
    with pytest.raises(BadInput, match="choose a finder"):
        _tryout.find(shell, "cats", "grabcut", "cat", 0.3, 0)
    holed = {"xyxy": [0, 0, 4, 4], "polygons": [[[0, 0, 4, 0, 4, 4], [1, 1, 2, 1, 2, 2]]]}
    assert _tryout.outline(holed) == "M0,0 L4,0 L4,4 Z M1,1 L2,1 L2,2 Z"


def test_a_trained_head_is_drawn_with_its_baseline_and_its_curve(shell, wb, imported):
    job = wb.jobs.wait(call(wb, "heads_train", dataset="cats", name="first", min_per_class=1), timeout_s=120)
    assert job["state"] == "succeeded", job["error"]
    _, answer, listing, manage, shown = train_clip.draw(shell, "cats", "")
    drawn = read(answer)
    assert shown == "first" and manage["visible"] and "first" in read(listing).said
    assert "Majority baseline" in drawn.said and "polyline" in drawn.tags and "img" not in drawn.tags
    assert "polyline" in _heads.curves(shell.call("jobs_events", job_id=job["id"]))


def test_charts_take_no_points_and_gaps():
    assert "no steps yet" in _charts.line_chart("Loss", {"train": []})
    drawn = _charts.line_chart("Loss", {"train": [(0, 1.0), (1, float("nan")), (2, 0.5)], "held out": []})
    assert drawn.count("<polyline") == 1 and "nan" not in drawn
    matrix = _charts.confusion(NAMES, [[3, 1], [0, 0]])
    assert "img" not in read(matrix).tags and "3 of 4" in matrix


@pytest.mark.parametrize(("seconds", "said"), [(None, "–"), (0.4, "0.4 s"), (59.6, "1 min 0 s"), (95, "1 min 35 s"), (7300, "2 h 1 min")])
def test_durations_read_well(seconds, said):
    assert _words.duration(seconds) == said
