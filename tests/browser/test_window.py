"""The window in a real Chromium: import, classes, training, export and deletion as a person does them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import httpx
import playwright.sync_api as playwright
import pytest
from PIL import Image, ImageDraw

expect, Page = playwright.expect, playwright.Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
COLOURS = {"red": (220, 40, 40), "blue": (40, 70, 220)}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of red and blue blocks with YOLO labels; one label line is broken."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "deep" / "er").mkdir(parents=True)
    for i in range(12):
        picture, lines = Image.new("RGB", (160, 120), (90, 110, 90)), []
        for k, colour in enumerate(COLOURS.values()):
            x, y = 10 + 70 * k + i, 20 + 3 * i
            ImageDraw.Draw(picture).rectangle((x, y, x + 39, y + 29), fill=colour)
            lines.append(f"{k} {(x + 20) / 160} {(y + 15) / 120} {40 / 160} {30 / 120}")
        place = folder / "deep" / "er" if i % 2 else folder
        picture.save(place / f"scene{i:02}.png")
        (place / f"scene{i:02}.txt").write_text("\n".join(lines))
    (folder / "scene00.txt").write_text("0 0.5 0.5 nonsense 0.1\n")
    (folder / "classes.txt").write_text("\n".join(COLOURS))
    return folder


@pytest.fixture
def page(blank: Page, url: str) -> Page:
    """A fresh page on the app."""
    blank.goto(url)
    return blank


def show(page: Page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button:visible").first.click()


def import_folder(page: Page, folder: Path, name: str) -> None:
    show(page, "datasets")
    page.locator("#new-path textarea, #new-path input").fill(str(folder))
    page.locator("#new-name textarea, #new-name input").fill(name)
    page.locator("#new-start").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text(name)


def ask(url: str, name: str, **arguments: object) -> object:
    """Call an operation over HTTP."""
    import gradio_client

    return gradio_client.Client(url, verbose=False, download_files=False).predict(**arguments, api_name=f"/{name}")


def test_a_first_page_says_what_to_do(page: Page):
    show(page, "datasets")
    expect(page.locator("#datasets-list")).to_contain_text("No dataset yet")
    page.get_by_role("button", name="Choose a folder").first.click()
    expect(page.locator("#new-path textarea, #new-path input")).to_be_focused()
    show(page, "jobs")
    expect(page.locator("#jobs-list")).to_contain_text("No jobs yet")
    show(page, "train_clip")
    expect(page.locator("#heads-run")).to_contain_text("Import a dataset")


def test_the_canvas_says_what_to_do_first(page: Page):
    page.locator(".tc-empty").get_by_role("button", name="Go to Datasets").click()
    page.locator("#tab-datasets").wait_for(state="visible")


def test_dark_is_the_default_and_the_switch_is_remembered(page: Page, url: str):
    body = page.locator("body")
    expect(body).to_have_class("dark")
    page.locator("#t-theme button").click()
    expect(body).not_to_have_class("dark")
    page.reload()
    expect(page.locator("#t-tabs")).to_be_visible()
    expect(body).not_to_have_class("dark")
    page.goto(f"{url}/?__theme=dark")
    expect(body).to_have_class("dark")


def test_a_folder_is_imported_and_its_report_seen(page: Page, url: str, scenes: Path):
    import_folder(page, scenes, "scenes")
    expect(page.locator("#t-dataset input")).to_have_value("scenes")
    page.get_by_role("tab", name="Report", exact=True).click()
    row = page.locator("#dataset-report tr", has_text="scene00.txt")
    expect(row).to_contain_text("1")
    expect(page.locator("#dataset-report")).to_contain_text("Dropped")
    page.reload()
    show(page, "datasets")
    expect(page.locator("#job-datasets-create .t-job")).to_have_attribute("data-state", "succeeded")
    assert [row["name"] for row in ask(url, "datasets_list")] == ["scenes"]


def test_classes_are_edited_in_place(page: Page, url: str, scenes: Path):
    import_folder(page, scenes, "editable")
    page.get_by_role("tab", name="Classes").click()
    name = page.locator("#classes input[data-act=rename]").first
    name.fill("crimson <b>")
    name.press("Enter")
    name.press("Tab")
    expect(page.locator("#classes input[data-act=rename]").first).to_have_value("crimson <b>")
    new = page.locator("#class-new textarea, #class-new input")
    new.fill("green")
    new.press("Enter")
    expect(page.locator("#classes input[data-act=rename]")).to_have_count(3)
    page.locator("#classes button[title=Up]").nth(2).click()
    expect(page.locator("#classes input[data-act=rename]").nth(1)).to_have_value("green")
    assert [row["name"] for row in ask(url, "datasets_get", dataset="editable")["classes"]] == [
        "crimson <b>",
        "green",
        "blue",
    ]


def test_an_upload_keeps_sub_folders(page: Page, url: str, scenes: Path):
    show(page, "datasets")
    page.locator("#new-source").get_by_text("Upload").click()
    page.locator("#new-upload [data-input=folder]").set_input_files(scenes)
    expect(page.locator("#new-upload [role=status]")).to_contain_text("uploaded")
    expect(page.locator("#new-name textarea, #new-name input")).to_have_value(scenes.name)
    page.locator("#new-name textarea, #new-name input").fill("uploaded")
    page.locator("#new-start").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("uploaded")
    paths = [row["name"] for row in ask(url, "images_list", dataset="uploaded")["images"]]
    assert len(paths) == 12 and sum("deep/er/" in path for path in paths) == 6


def test_a_head_is_trained_and_measured(page: Page, url: str, scenes: Path):
    import_folder(page, scenes, "to learn")
    show(page, "train_clip")
    page.locator("#heads-train-name textarea, #heads-train-name input").fill("blocks")
    page.locator("#heads-train-start").click()
    result = page.locator("#heads-run")
    expect(result).to_contain_text("Head blocks", timeout=120_000)
    for said in ("Accuracy", "Majority baseline", "Precision", "red", "blue"):
        expect(result).to_contain_text(said)
    expect(page.locator("#heads-run polyline").first).to_be_visible()
    expect(page.locator("#heads-list tr.on")).to_contain_text("active")
    page.reload()
    show(page, "train_clip")
    expect(result).to_contain_text("Head blocks")
    expect(page.locator("#job-heads-train .t-job")).to_have_attribute("data-state", "succeeded")
    show(page, "jobs")
    page.locator("#jobs-list tr", has_text="Train head: blocks").click()
    expect(page.locator("#jobs-detail")).to_contain_text("Result")


def test_an_export_is_made_and_downloaded(page: Page, url: str, scenes: Path):
    import_folder(page, scenes, "to export")
    page.get_by_role("tab", name="Export").click()
    page.locator("#export-start").click()
    link = page.locator("#exports a", has_text="Download").first
    expect(link).to_be_visible()
    with page.expect_download() as caught:
        link.click()
    with zipfile.ZipFile(caught.value.path()) as archive:
        assert "data.yaml" in archive.namelist()
    assert httpx.get(f"{url}/{link.get_attribute('href')}").content[:2] == b"PK"


def test_deleting_asks_and_leaves_linked_images_alone(page: Page, url: str, scenes: Path):
    import_folder(page, scenes, "to delete")
    before = sorted(path.name for path in scenes.rglob("*"))
    page.get_by_role("tab", name="Manage", exact=True).click()
    expect(page.locator("#delete")).to_be_disabled()
    page.locator("#delete-confirm textarea, #delete-confirm input").fill("to delet")
    expect(page.locator("#delete")).to_be_disabled()
    page.locator("#delete-confirm textarea, #delete-confirm input").fill("to delete")
    expect(page.locator("#delete")).to_be_enabled()
    page.locator("#delete").click()
    expect(page.locator("#datasets-list")).not_to_contain_text("to delete")
    assert "to delete" not in [row["name"] for row in ask(url, "datasets_list")]
    assert sorted(path.name for path in scenes.rglob("*")) == before


def test_a_refusal_is_shown_as_a_toast(page: Page):
    show(page, "datasets")
    page.locator("#new-path textarea, #new-path input").fill("/no/such/folder <img src=x>")
    page.locator("#new-name textarea, #new-name input").fill("never")
    page.locator("#new-start").click()
    expect(page.locator("#job-datasets-create .t-job")).to_contain_text("/no/such/folder")
    page.locator("#new-path textarea, #new-path input").fill("")
    page.locator("#new-start").click()
    expect(page.locator(".toast-wrap")).to_contain_text("the path is empty")
    assert page.locator("img[src=x]").count() == 0


def test_a_saved_recipe_fills_the_form(page: Page, url: str):
    show(page, "train_clip")
    fewest = page.get_by_label("Fewest in a class")
    fewest.fill("7")
    page.get_by_role("button", name="Saved recipes").click()
    page.locator("#heads-train-recipe-name textarea, #heads-train-recipe-name input").fill("seven")
    page.locator("#heads-train-recipe-save").click()
    expect(page.locator("#heads-train-recipe input")).to_have_value("seven")
    page.reload()
    show(page, "train_clip")
    expect(fewest).to_have_value("2")
    page.get_by_role("button", name="Saved recipes").click()
    page.locator("#heads-train-recipe input").click()
    page.get_by_role("option", name="seven").click()
    expect(fewest).to_have_value("7")
    page.locator("#heads-train-recipe-delete").click()
    expect(page.locator(".toast-wrap")).to_contain_text("seven is in the trash")
    expect(page.locator("#heads-train-recipe input")).to_have_value("")
    expect(page.locator("#heads-train-recipe-delete")).to_be_disabled()


def test_the_strip_shows_the_dataset_that_was_chosen_in_another_tab(page: Page, scenes: Path, tmp_path: Path):
    (tmp_path / "others").mkdir()
    Image.new("RGB", (160, 120), (30, 60, 90)).save(tmp_path / "others" / "other.png")
    import_folder(page, scenes, "first seen")
    show(page, "label")
    film = page.locator(".tc-film")
    expect(film).to_contain_text("scene00.png")
    import_folder(page, tmp_path / "others", "seen later")
    page.wait_for_function("window.tator.app.images.dataset === 'seen later' && window.tator.app.images.total === 1")
    show(page, "label")
    expect(film).to_contain_text("other.png")
    expect(film).not_to_contain_text("scene")
