"""The Datasets tab in a real Chromium: mapping, merge, check, repair and undo, snapshots, words."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import playwright.sync_api as playwright
import pytest
from PIL import Image

expect, Page = playwright.expect, playwright.Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UNDO = "Control+z"
# Every question of the page takes 0.2 to 0.6 s from now on; `asked` is when the last one went out.
SLOW_LINE = """() => {
    const real = window.fetch, wait = () => new Promise((go) => setTimeout(go, 100 + 200 * Math.random()));
    window.fetch = async (...what) => {
        window.asked = performance.now();
        await wait();
        const answer = await real(...what);
        await wait();
        return answer;
    };
}"""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders: "first" with car and truck, one box of it far inside another of its class; "second" with Car, lorry and a class without labels."""
    place = tmp_path_factory.mktemp("stores")
    for n, (name, classes) in enumerate({"first": "car\ntruck", "second": "Car\nlorry\nvehicles"}.items()):
        (place / name).mkdir()
        for i in range(4):
            Image.new("RGB", (160, 120), (60 * i, 40 + 80 * n, 90)).save(place / name / f"{name}{i}.png")
            (place / name / f"{name}{i}.txt").write_text("0 0.3 0.3 0.2 0.2\n1 0.7 0.7 0.2 0.2\n")
        (place / name / "classes.txt").write_text(classes)
    (place / "first" / "first0.txt").write_text("0 0.3 0.3 0.4 0.4\n0 0.3 0.3 0.1 0.1\n")
    return place


@pytest.fixture
def page(blank: Page, url: str) -> Page:
    """A page on the Datasets tab."""
    blank.goto(url)
    blank.locator("#tab-datasets-button:visible").first.click()
    return blank


def fill(page: Page, place: str, text: str) -> None:
    page.locator(f"{place} textarea, {place} input").first.fill(text)


def show(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def open_dataset(page: Page, name: str) -> None:
    page.locator("#datasets-list tr", has_text=name).click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text(name)


def bring(page: Page, folder: Path, name: str) -> None:
    """Import a folder without looking first."""
    fill(page, "#new-path", str(folder))
    fill(page, "#new-name", name)
    page.locator("#new-start").click()
    expect(page.locator("#dataset-title")).to_contain_text(name)
    expect(page.locator("#dataset-overview")).to_contain_text("Boxes")
    page.wait_for_timeout(500)  # the list is drawn with the page


def ask(url: str, name: str, /, **arguments: object) -> Any:
    """Call an operation over HTTP."""
    import gradio_client

    return gradio_client.Client(url, verbose=False, download_files=False).predict(**arguments, api_name=f"/{name}")


def classes(url: str, dataset: str) -> list[tuple[str, int]]:
    return [(row["name"], row["annotations"]) for row in ask(url, "datasets_get", dataset=dataset)["classes"]]


def test_a_look_maps_classes_before_a_new_dataset_is_written(page: Page, url: str, stores: Path):
    fill(page, "#new-path", str(stores / "second"))
    page.locator("#new-look").click()
    preview = page.locator("#import-preview")
    expect(preview).to_contain_text("YOLO boxes")
    expect(preview.locator("tr", has_text="vehicles")).to_contain_text("no labels")
    assert ask(url, "datasets_list") == []
    preview.get_by_role("button", name="Leave out the one without labels").click()
    expect(preview.locator("tr", has_text="vehicles")).to_contain_text("left out")
    lorry = preview.get_by_label("What lorry becomes")
    lorry.fill("truck")
    lorry.press("Tab")
    expect(preview.get_by_label("What lorry becomes")).to_have_value("truck")
    fill(page, "#new-name", "mapped")
    preview.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("mapped")
    expect(preview).to_be_empty()
    assert classes(url, "mapped") == [("Car", 4), ("truck", 4)]


def test_a_merge_joins_what_is_spelled_alike(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "base")
    show(page, "Manage")
    fill(page, "#clone-name", "joined")
    page.locator("#clone-storage input").click()
    page.get_by_role("option", name="Copied").click()
    page.locator("#clone").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("joined")
    fill(page, "#new-path", str(stores / "second"))
    page.locator("#new-into input").click()
    page.get_by_role("option", name="joined", exact=True).click()
    page.locator("#new-look").click()
    preview = page.locator("#import-preview")
    expect(preview.locator("tr", has_text="spelled alike")).to_contain_text("Car")
    preview.get_by_label("What lorry becomes").first.select_option(label="truck")
    expect(preview.locator("tr", has_text="lorry")).to_contain_text("chosen")
    preview.get_by_role("button", name="Leave out the one without labels").click()
    expect(preview.locator("tr", has_text="vehicles")).to_contain_text("left out")
    preview.get_by_role("button", name="Import into joined").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("16")
    assert classes(url, "joined") == [("car", 9), ("truck", 7)]


def test_a_finding_is_repaired_and_undone_in_label(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to check")
    show(page, "Check")
    page.get_by_role("button", name="Check now").click()
    found = page.locator("#check-page")
    found.locator("tr", has_text="inside another").first.click()
    expect(found.locator(".t-findings")).to_contain_text("first0.png")
    found.get_by_role("button", name="Repair: delete the inner one").click()
    expect(found).to_contain_text("Ctrl+Z")
    found.get_by_role("button", name="Repair 1 finding").click()
    expect(found).to_contain_text("1 change in 1 image")
    expect(found.locator("tr", has_text="inside another")).to_have_count(0)
    expect(found).to_contain_text("1 change in 1 image")
    image = ask(url, "images_find", dataset="to check", search="first0")["images"][0]
    assert image["annotation_count"] == 1
    show(page, "Overview")
    page.locator("#dataset-overview .t-classbar", has_text="car").locator(".t-find").click()
    page.locator(".t-imgcard", has_text="first0.png").click()
    page.wait_for_function("window.tator.app?.store.rows.size === 1")
    page.locator(".tc-over").focus()
    page.keyboard.press(UNDO)
    page.wait_for_function("window.tator.app.store.rows.size === 2")
    page.wait_for_timeout(1500)
    assert ask(url, "images_find", dataset="to check", search="first0")["images"][0]["annotation_count"] == 2


def test_two_snapshots_are_compared_and_one_is_exported(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to freeze")
    show(page, "Snapshots")
    for name in ("before", "after"):
        fill(page, "#snapshot-name", name)
        page.locator("#snapshot-freeze").click()
        expect(page.locator("#snapshots td", has_text=name).first).to_be_visible()
        ask(url, "class_rename", dataset="to freeze", class_id=1, name="lorry")
    page.locator("#snapshot-compare").click()
    expect(page.locator("#snapshot-diff")).to_contain_text("before → after")
    expect(page.locator("#snapshot-diff")).to_contain_text("truck → lorry")
    page.locator("#snapshots tr", has_text="before").get_by_role("button", name="Export").click()
    expect(page.locator("#export-of input")).to_have_value("Snapshot before")
    page.locator("#export-start").click()
    expect(
        page.locator("#exports td", has_text="to freeze-before")
        .or_(page.locator("#exports td", has_text="before"))
        .first
    ).to_be_visible()
    expect(page.locator("#export-of input")).to_have_value("Snapshot before")
    show(page, "Snapshots")
    page.locator("#snapshots tr", has_text="before").get_by_role("button", name="Delete").click()
    page.locator("#snapshots .t-question").get_by_role("button", name="Delete").click()
    expect(page.locator("#snapshots td", has_text="before")).to_have_count(0)
    show(page, "Export")
    expect(page.locator("#export-of input")).to_have_value("As it is now")


def test_tiles_are_exported_and_what_they_cut_off_is_said(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to cut")
    show(page, "Export")
    expect(page.locator("#export-tile")).to_be_hidden()
    page.locator("#export-kind input").click()
    page.get_by_role("option", name="Tiles with labels").click()
    expect(page.locator("#export-margin")).to_be_hidden()
    fill(page, "#export-tile", "64")
    page.locator("#export-empty input").uncheck()
    page.locator("#export-start").click()
    made = page.locator("#exports tr", has_text="to_cut-yolo-tiles64")
    expect(made).to_contain_text("tiles without objects are left out")
    (job,) = ask(url, "jobs_list", kind="datasets_export", limit=1)
    assert job["arguments"]["tile_px"] == 64 and job["arguments"]["tile_keep_empty"] is False
    page.locator("#export-kind input").click()
    page.get_by_role("option", name="Crops").click()
    expect(page.locator("#export-margin")).to_be_visible()
    expect(page.locator("#export-tile")).to_be_hidden()


def test_words_go_to_the_library_and_come_back(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to say")
    show(page, "Words")
    fill(page, "#glossary-text", "truck: lorry, HGV\ncar -> auto")
    page.get_by_role("button", name="Use this text").click()
    words = page.get_by_label("Other words for truck")
    expect(words).to_have_value("lorry, HGV")
    words.fill("lorry, HGV, juggernaut")
    words.press("Tab")
    fill(page, "#glossary-name", "vehicles")
    page.get_by_role("button", name="Save in the library").click()
    expect(page.locator("#glossary-saved input")).to_have_value("vehicles · 2 classes, 4 words")
    page.get_by_role("button", name="Back to the class names").click()
    expect(page.get_by_label("Other words for truck")).to_have_value("trucks")
    page.get_by_role("button", name="Use it here").click()
    expect(page.get_by_label("Other words for truck")).to_have_value("lorry, HGV, juggernaut")


def test_a_caption_is_written_and_counted(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to tell")
    show(page, "Captions")
    text = page.get_by_label("Caption of first1.png")
    text.fill("A dark picture <b>with boxes</b>")
    text.press("Tab")
    expect(page.locator("#captions")).to_contain_text("1 of 4 images have a caption")
    page.locator("#captions").get_by_role("button", name="Without").click()
    expect(page.locator("#captions tbody tr")).to_have_count(3)
    assert (
        ask(url, "datasets_text_label_get", dataset="to tell", image="first1.png")["caption"]
        == "A dark picture <b>with boxes</b>"
    )


@pytest.mark.parametrize("as_zip", [True, False])
def test_captions_are_read_from_an_upload_and_what_fits_nothing_is_said(
    page: Page, url: str, stores: Path, tmp_path: Path, as_zip: bool
):
    name = f"to read {as_zip}"
    bring(page, stores / "first", name)
    show(page, "Captions")
    page.locator("#captions-read").click()
    expect(page.locator(".toast-wrap")).to_contain_text("the path is empty")
    page.locator("#captions-source").get_by_text("Upload").click()
    said = {"first0.txt": "a car", "first3.txt": "another", "nowhere.txt": "of no image"}
    if as_zip:
        with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
            for file, content in said.items():
                archive.writestr(f"text_labels/{file}", content)
        chosen = [tmp_path / "words.zip"]
    else:
        chosen = [tmp_path / file for file in said]
        for file in chosen:
            file.write_text(said[file.name])
    page.locator("#captions-upload [data-input=files]").set_input_files([str(path) for path in chosen])
    expect(page.locator("#captions-upload [role=status]")).to_contain_text("uploaded")
    page.wait_for_timeout(1000)
    page.locator("#captions-read").click()
    panel = page.locator("#captions")
    expect(panel).to_contain_text("2 of 2 captions written")
    expect(panel.locator("tr", has_text="nowhere")).to_contain_text("caption without an image")
    expect(panel).to_contain_text("2 of 4 images have a caption")
    expect(page.get_by_label("Caption of first3.png")).to_have_value("another")
    panel.get_by_role("button", name="Hide").click()
    expect(panel).not_to_contain_text("What was read")
    page.locator("#captions-read").click()
    expect(page.locator(".toast-wrap")).to_contain_text("nothing is uploaded yet")


def test_the_page_comes_to_rest_after_datasets_were_opened_in_haste(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "near")
    bring(page, stores / "second", "far")
    page.evaluate(SLOW_LINE)
    for _ in range(3):
        for name in ("near", "far"):
            page.locator("#datasets-list tr", has_text=name).click()
            page.wait_for_timeout(150)
    page.wait_for_function("performance.now() - window.asked > 3000")
    expect(page.locator("#datasets-list tr.on")).to_contain_text("far")
    expect(page.locator("#dataset-title")).to_contain_text("far")


def test_a_press_counts_though_the_list_is_drawn_anew_before_the_release(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "pressed")
    bring(page, stores / "second", "open")
    expect(page.locator("#datasets-list tr.on")).to_contain_text("open")
    page.locator("#datasets-list tr", has_text="pressed").hover()
    page.mouse.down()
    page.evaluate(
        "document.querySelector('#datasets-list table').replaceWith(document.querySelector('#datasets-list table').cloneNode(true))"
    )
    page.mouse.up()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("pressed")


def test_a_job_that_was_hidden_stays_hidden_until_the_page_is_loaded_anew(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to hide")
    panel = page.locator("#tab-datasets .t-foot")
    expect(panel).to_contain_text("to hide")
    panel.get_by_role("button", name="Hide").click()
    expect(panel.get_by_role("button", name="Hide")).to_have_count(0)
    page.locator("#tab-label-button:visible").first.click()
    with page.expect_response("**/gradio_api/queue/join*"):
        page.locator("#tab-datasets-button:visible").first.click()
    expect(page.locator("#dataset-title")).to_contain_text("to hide")
    page.wait_for_timeout(1000)
    expect(panel.get_by_role("button", name="Hide")).to_have_count(0)
    page.reload()
    page.locator("#tab-datasets-button:visible").first.click()
    expect(panel.get_by_role("button", name="Hide")).to_be_visible()


def test_the_window_does_not_say_clean_beside_labels_of_no_known_format(page: Page, tmp_path: Path):
    (tmp_path / "odd.json").write_text('{"pictures": [{"file": "odd.png", "rects": [[1, 2, 3, 4]]}]}')
    Image.new("RGB", (64, 48)).save(tmp_path / "odd.png")
    fill(page, "#new-path", str(tmp_path))
    page.locator("#new-look").click()
    preview = page.locator("#import-preview")
    expect(preview).to_contain_text("odd.json")
    expect(preview).to_contain_text("looks like labels, not read")
    expect(preview).not_to_contain_text("clean")
