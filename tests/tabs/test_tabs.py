"""The tabs: what the window publishes, how forms read back, and that nobody's text becomes markup."""

from __future__ import annotations

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tabs
from tabs import jobs
from tabs._parts import forms, gallery
from tabs._parts import html as h
from tabs._parts.jobs import newest, render
from tabs._parts.shell import toasting
from tabs.datasets import (
    captions_page,
    check_page,
    classes,
    glossary_page,
    import_form,
    import_preview,
    importing,
    overview,
    plots,
    report_view,
    snapshots,
    views,
)
from tator.ops import call, operations
from tator.recipes import Recipe
from tator.types import BadInput, NotFound
from tator.workflows.heads.recipe import HeadRecipe
from tests.tabs.conftest import EVIL, NAMES

TOM = "<img src=y> tom"


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


def test_tabs_stand_in_their_order():
    titles = [module.TITLE for module in tabs.modules()]
    assert titles == ["Label", "Datasets", "Train CLIP", "Evaluate", "Models", "Jobs", "System"]


@pytest.mark.parametrize("recipe", Recipe.__subclasses__(), ids=lambda recipe: recipe.__name__)
def test_a_form_reads_back_what_it_was_filled_with(recipe: type[Recipe]):
    with gr.Blocks():
        widgets = forms.draw(recipe)
    assert list(widgets) == [f.name for f in dataclasses.fields(recipe)]
    filled = forms.fill(recipe(), widgets)
    assert forms.read(recipe, widgets, dict(zip(widgets.values(), filled, strict=True))) == recipe()
    for f in dataclasses.fields(recipe):
        assert f.metadata["help"] in widgets[f.name].info


def test_a_form_refuses_what_the_recipe_refuses():
    with gr.Blocks():
        widgets = forms.draw(HeadRecipe)
    values = dict(zip(widgets.values(), forms.fill(HeadRecipe(), widgets), strict=True)) | {widgets["test_size"]: 7}
    with pytest.raises(BadInput, match="test_size"):
        forms.read(HeadRecipe, widgets, values)


def test_the_recipe_fits_the_operation_it_is_for():
    parameters = operations()["heads_train"].parameters
    for f in dataclasses.fields(HeadRecipe):
        assert parameters[f.name].default == f.default, f.name


@given(st.text())
def test_text_stays_text(text: str):
    shown = read(h.div(text, [text], data_note=text))
    assert (
        shown.said.replace("\r", "\n") == (text + text).replace("\r\n", "\n").replace("\r", "\n")
        or "\0" in text
        or "\r" in text
    )
    assert shown.tags == ["div"]


def test_markup_in_an_attribute_stays_inside_it():
    assert read(h.el("input", value=EVIL, disabled=False, checked=True)).tags == ["input"]
    assert h.el("input", disabled=False, checked=True) == "<input checked>"


def test_an_error_becomes_a_toast_without_markup():
    def refuse() -> None:
        raise NotFound(f"no dataset is called {EVIL}")

    with pytest.raises(gr.Error) as caught:
        toasting(refuse)()
    assert "<img" not in caught.value.message
    assert "no dataset is called" in caught.value.message


@given(st.lists(st.integers(), unique=True, min_size=1), st.data())
def test_moving_a_class_keeps_all_classes(ids: list[int], data: st.DataObject):
    class_id = data.draw(st.sampled_from(ids))
    by = data.draw(st.integers(-3, 3))
    moved = classes.moved(ids, class_id, by)
    assert sorted(moved) == sorted(ids)
    assert [i for i in moved if i != class_id] == [i for i in ids if i != class_id]
    assert moved.index(class_id) == min(max(ids.index(class_id) + by, 0), len(ids) - 1)


def test_an_imported_dataset_is_listed_with_its_numbers_and_its_report(shell, imported):
    table, detail, title = views.heading(shell, "cats")
    numbers, rows = overview.draw(shell, "cats"), classes.draw(shell, "cats")
    report = report_view.reported(shell, "cats", 1)
    assert detail["visible"]
    assert "cats" in read(table).said, report
    assert read(report).said and "1 unreadable" in read(table).said
    assert "never moved, changed or deleted" in read(numbers).said
    assert "broken.jpg" in read(report).said and "a.txt" in read(report).said
    for markup in (table, title, numbers, rows, report):
        assert "img" not in read(markup).tags


def test_the_report_turns_its_pages(shell, imported):
    rows = [{"file": f"{i}.txt", "line": i, "reason": "bad", "detail": ""} for i in range(120)]
    facts = {
        "report": {"read": {}, "counts": {"dropped": {"bad": 120}}, "dropped": rows, "repaired": [], "noticed": []}
    }
    assert "3 of 3" in read(report_view.report(facts, 3)).said
    assert "119.txt" in report_view.report(facts, 3) and "49.txt" not in report_view.report(facts, 3)


def test_without_datasets_every_tab_says_what_to_do_first(shell):
    assert "Choose a folder" in views.heading(shell, "")[0]
    assert "No jobs yet" in jobs.draw(shell, jobs.ANY, "", 1, "")[0]


def test_classes_are_edited_one_operation_each(shell, imported):
    def named() -> list[str]:
        return [row["name"] for row in shell.call("datasets_get", dataset="cats")["classes"]]

    classes.apply(shell, "cats", {"act": "add", "value": "dog"}, None)
    classes.apply(shell, "cats", {"act": "rename", "id": "0", "value": "tomcat"}, None)
    classes.apply(shell, "cats", {"act": "move", "id": "2", "by": "-2"}, None)
    assert named() == ["dog", "tomcat", NAMES[1]]
    doomed = classes.apply(shell, "cats", {"act": "ask", "id": "2"}, None)
    assert doomed == 2 and "Delete dog?" in read(classes.draw(shell, "cats", doomed)).said
    assert classes.apply(shell, "cats", {"act": "delete"}, doomed) is None
    assert named() == ["tomcat", NAMES[1]]


def test_a_class_with_boxes_moves_them_when_deleted(shell, imported):
    doomed = classes.apply(shell, "cats", {"act": "ask", "id": "1"}, None)
    classes.apply(shell, "cats", {"act": "delete_into", "value": "0"}, doomed)
    rows = shell.call("datasets_get", dataset="cats")["classes"]
    assert [(row["name"], row["annotations"]) for row in rows] == [("cat", 5)]


def looked(shell, wb, source: Path, dataset: str = "") -> dict:
    """Look at a source as the form does; answers what the preview holds."""
    job = wb.jobs.wait(call(wb, "datasets_preview", source=str(source), dataset=dataset), timeout_s=60)
    assert job["state"] == "succeeded", job["error"]
    return import_preview.opened(job["id"])


def test_a_look_shows_classes_and_drops_before_anything_is_written(shell, wb, folder):
    drawn = read(import_preview.draw(shell, looked(shell, wb, folder)))
    assert shell.names() == [] and "img" not in drawn.tags
    for said in ("YOLO boxes", "broken.jpg", "a.txt", "unreadable", "What each class becomes", NAMES[0]):
        assert said in drawn.said
    assert read(import_preview.draw(shell, import_preview.NOTHING)).said == ""


def test_classes_are_mapped_before_an_import_writes_them(shell, wb, folder):
    held = looked(shell, wb, folder)
    held = import_preview.changed(shell, held, {"act": "type", "row": "0", "value": " tomcat "})
    held = import_preview.changed(shell, held, {"act": "choose", "row": "1", "value": "out"})
    assert "left out" in read(import_preview.draw(shell, held)).said
    said = import_form.asked("mapped", "server", str(folder), "linked", {}, True, "", "")
    job = wb.jobs.wait(importing.begin(shell, said, held), timeout_s=60)
    assert job["state"] == "succeeded", job["error"]
    rows = shell.call("datasets_get", dataset="mapped")["classes"]
    assert [(row["name"], row["annotations"]) for row in rows] == [("tomcat", 3)]
    assert importing.landing(shell, job["kind"], "mapped") == "report"


def test_a_merge_offers_the_classes_that_are_there(shell, wb, imported, folder):
    (folder / "classes.txt").write_text("Cat \nzebra")
    held = looked(shell, wb, folder, "cats")
    drawn = import_preview.draw(shell, held)
    assert "spelled alike" in drawn and "Import into cats" in drawn
    held = import_preview.changed(shell, held, {"act": "choose", "row": "1", "value": f"={NAMES[1]}"})
    rows = shell.call("jobs_get", job_id=held["job"])["result"]["classes"]
    assert import_preview.mapping(rows, held["targets"]) == ["Cat=cat", f"zebra={NAMES[1]}"]


def test_a_look_at_something_else_maps_nothing(shell, wb, folder, tmp_path):
    held = import_preview.changed(shell, looked(shell, wb, folder), {"act": "choose", "row": "0", "value": "out"})
    Image.new("RGB", (9, 9)).save(tmp_path / "other.png")
    said = import_form.asked("other", "server", str(tmp_path / "other.png"), "linked", {}, True, "", "")
    job = wb.jobs.get(importing.begin(shell, said, held))
    assert job["arguments"]["mapping"] == []


@pytest.mark.parametrize(
    ("source", "path", "why"), [("upload", "", "nothing is uploaded"), ("server", "  ", "path is empty")]
)
def test_a_form_without_a_source_is_refused(source, path, why):
    with pytest.raises(BadInput, match=why):
        import_form.asked("", source, path, "linked", {}, True, "", "")


def test_every_number_of_the_overview_finds_its_images(shell, imported):
    class Finds(HTMLParser):
        found: list = []

        def handle_starttag(self, tag: str, attrs: list) -> None:
            facts = dict(attrs)
            if facts.get("data-act") == "find":
                self.found.append({"act": "find", "find": facts["data-find"], "told": facts["data-told"]})

    reader = Finds()
    reader.feed(overview.draw(shell, "cats"))
    assert len(reader.found) > 8
    for told in reader.found:
        shown = gallery.asked({}, told)
        assert told["told"] in read(gallery.draw(shell, "cats", shown)).said
    cats = gallery.draw(shell, "cats", gallery.asked({}, reader.found[-1]))
    assert read(cats).tags.count("img") <= 4


def test_a_page_cannot_ask_the_gallery_for_another_dataset(shell, imported):
    shown = gallery.asked({}, {"act": "find", "find": '{"dataset": "secret", "captions": "without"}', "told": "x"})
    assert "4 images" in read(gallery.draw(shell, "cats", shown)).said
    for text in ("no json", "[1]"):
        with pytest.raises(BadInput, match="asked for images"):
            gallery.asked({}, {"act": "find", "find": text})


def test_plots_take_empty_and_one_sided_counts():
    assert "Nothing to count" in plots.histogram("Box side", {"edges": [0, 1], "counts": [0, 0]}, "sides", "px")
    assert plots.histogram("Box side", {"edges": [0, 1], "counts": [0, 7]}, "sides", "px").count("data-act") == 1
    assert plots.heatmap([[0.0, 1.0], [0.5, 0.0]]).count("<path") == 3
    assert plots.cell(1.5, -2) == [0.953125, 0.0, 1.0, 0.046875]
    assert (
        "img"
        not in read(
            plots.classes([{"class_id": 0, "name": EVIL, "color": "#ff0000", "annotations": 3, "images": 1}])
        ).tags
    )


def draw_twice(wb, dataset: str, name: str) -> int:
    """Draw one box of class 0 two times, as a slip of the hand; answers the image's id."""
    found = call(wb, "images_find", dataset=dataset, search=name)["images"][0]
    rows = [
        {"id": f"slip{k}-{found['id']}", "class_id": 0, "xyxy": [1, 1, 9, 9], "source": "human", "status": "accepted"}
        for k in range(2)
    ]
    edit = {"seq": 1, "kind": "edit", "label": "Draw", "ops": [{"op": "add", "annotation": row} for row in rows]}
    revision = call(wb, "image_open", image_id=found["id"])["revision"]
    call(
        wb,
        "annotations_save",
        image_id=found["id"],
        base_revision=revision,
        client_id="person",
        edits=json.dumps([edit]),
    )
    return found["id"]


def test_a_check_is_drawn_and_repaired_and_undone(shell, wb, imported):
    image_id = draw_twice(wb, "cats", "b.png")
    assert "Not checked yet" in check_page.draw(shell, "cats", check_page.AT_FIRST)
    wb.jobs.wait(call(wb, "datasets_check", dataset="cats"), timeout_s=60)
    shown = check_page.changed(check_page.AT_FIRST, {"act": "kind", "check": "duplicate_boxes"})
    asked = check_page.draw(shell, "cats", check_page.changed(shown, {"act": "ask"}))
    assert "b.png" in read(asked).said and "Repair 1 finding" in asked and "Ctrl+Z" in asked
    job = wb.jobs.wait(call(wb, "datasets_repair", dataset="cats", check="duplicate_boxes"), timeout_s=60)
    facts, again = check_page.repaired(shell, job)
    assert "1 change in 1 image" in facts["said"]
    wb.jobs.wait(again, timeout_s=60)
    assert "duplicate_boxes" not in [
        row["check"] for row in check_page.latest(shell, "cats")["result"]["checks"] if row["count"]
    ]
    before = len(call(wb, "image_open", image_id=image_id)["annotations"])
    call(wb, "annotations_undo", image_id=image_id, client_id="person", seq=2)
    assert len(call(wb, "image_open", image_id=image_id)["annotations"]) == before + 1


def test_snapshots_are_compared_in_words_a_person_reads(shell, wb, imported):
    assert "No snapshot yet" in snapshots.draw(shell, "cats", snapshots.AT_FIRST)
    for name in ("first", "second"):
        wb.jobs.wait(call(wb, "snapshots_create", dataset="cats", name=name), timeout_s=60)
        shell.call("class_rename", dataset="cats", class_id=0, name=TOM)
    old, new = snapshots.choices(shell, "cats")
    assert "value" not in old and ("first", "first") in old["choices"] and ("second", "second") in new["choices"]
    assert snapshots.pair(shell, "cats", "", "") == ["first", "second"] and snapshots.pair(
        shell, "cats", "second", "first"
    ) == ["second", "first"]
    drawn = read(snapshots.draw(shell, "cats", snapshots.AT_FIRST | {"diff": ["first", "second"]}))
    assert "first → second" in drawn.said and f"cat → {TOM}" in drawn.said and "img" not in drawn.tags
    assert "same images" in snapshots.draw(shell, "cats", snapshots.AT_FIRST | {"diff": ["first", "first"]})
    shown = snapshots.changed(shell, "cats", snapshots.AT_FIRST, {"act": "ask", "name": "first"})
    snapshots.changed(shell, "cats", shown, {"act": "delete"})
    assert [row["name"] for row in shell.call("snapshots_list", dataset="cats")] == ["second"]
    assert snapshots.still(shell, "cats", "", "first", "second") == (gr.skip(), "", gr.skip())
    with pytest.raises(NotFound, match="1 snapshot of 'cats'; a comparison needs two"):
        snapshots.pair(shell, "cats", "", "second")


def test_words_and_captions_are_edited_in_place(shell, imported):
    rows = glossary_page.edited(
        glossary_page.entries(shell, "cats"), {"act": "words", "row": "0", "value": f"kitty, {EVIL}, kitty"}
    )
    glossary_page.store(shell, "cats", rows)
    drawn = read(glossary_page.draw(shell, "cats", 1))
    assert "your own" in drawn.said and "img" not in drawn.tags
    assert "kitty" in glossary_page.entries(shell, "cats")[0]["synonyms"]
    captions_page.changed(shell, "cats", captions_page.AT_FIRST, {"act": "caption", "image": "a.png", "value": EVIL})
    drawn = read(captions_page.draw(shell, "cats", captions_page.AT_FIRST))
    assert "1 of 4 images have a caption" in drawn.said and EVIL in drawn.said
    without = captions_page.changed(shell, "cats", captions_page.AT_FIRST, {"act": "show", "captions": "without"})
    assert "a.png" not in read(captions_page.draw(shell, "cats", without)).said


def test_a_job_is_found_again_by_a_new_page(shell, imported):
    found = newest(shell, ["datasets_create", "datasets_export"])
    assert found["id"] == imported
    drawn = read(render(shell, imported)).said
    assert "succeeded" in drawn and "Import: cats" in drawn and "took" in drawn


def test_the_jobs_tab_filters_and_details(shell, imported):
    assert "Import: cats" in jobs.draw(shell, "succeeded", "", 1, "")[0]
    assert "No job matches" in jobs.draw(shell, "failed", "", 1, "")[0]
    assert imported in read(jobs.draw(shell, jobs.ANY, "datasets_create", 1, imported)[2]).said


def test_the_report_counts_each_reason_once_with_an_example():
    rows = [{"file": f"{i}.txt", "line": 7, "reason": "bad", "detail": f"row {i}"} for i in range(3)]
    other = {"file": "x.json", "line": None, "reason": "odd", "detail": ""}
    facts = {"report": {"read": {}, "counts": {"dropped": {"odd": 1, "bad": 1200}}, "dropped": [*rows, other]}}
    said = read(report_view.report(facts, 1)).said
    assert "1,200" in said and "0.txt:7" in said and "row 0" in said and said.index("bad") < said.index("odd")
