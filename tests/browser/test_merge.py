"""Take in another dataset of the workspace: look first, map its classes, merge; in a real Chromium."""
# ruff: noqa: F811 - fixtures of the other module

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.test_datasets_tab import Page, bring, classes, expect, fill, open_dataset, page, show, stores  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_another_dataset_is_looked_at_mapped_and_merged(page: Page, url: str, stores: Path):
    bring(page, stores / "second", "theirs")
    page.get_by_label("Copy into the workspace").click()
    bring(page, stores / "first", "ours")
    show(page, "Manage")
    preview = page.locator("#merge-preview")
    page.locator("#merge").click()
    expect(page.locator(".toast-wrap")).to_contain_text("choose the dataset to take in first")
    page.locator("#merge-from input").click()
    page.get_by_role("option", name="theirs", exact=True).click()
    page.locator("#merge-look").click()
    expect(preview).to_contain_text("another dataset")
    expect(preview.locator("tr", has_text="spelled alike")).to_contain_text("Car")
    assert classes(url, "ours") == [("car", 5), ("truck", 3)], "nothing is written by a look"
    preview.get_by_label("What lorry becomes").first.select_option(label="left out")
    expect(preview.locator("tr", has_text="lorry").locator("option:checked")).to_have_text("left out")
    preview.get_by_role("button", name="Leave out the one without labels").click()
    preview.get_by_role("button", name="Merge into ours").click()  # at once: the merge waits for the choice
    expect(page.locator("#datasets-list tr.on")).to_contain_text("12")
    assert classes(url, "ours") == [("car", 9), ("truck", 3)]
    show(page, "Report")
    expect(page.locator("#dataset-report")).to_contain_text("boxes of classes that were left out")
    show(page, "Manage")
    expect(preview).to_be_empty()


def test_choosing_another_dataset_makes_a_look_void(page: Page, url: str, stores: Path):
    page.get_by_label("Copy into the workspace").click()
    bring(page, stores / "first", "target")
    bring(page, stores / "second", "other")
    open_dataset(page, "target")
    show(page, "Manage")
    page.locator("#merge-from input").click()
    page.get_by_role("option", name="other", exact=True).click()
    page.locator("#merge-look").click()
    preview = page.locator("#merge-preview")
    expect(preview).to_contain_text("Merge into target")
    open_dataset(page, "other")
    show(page, "Manage")
    expect(preview).to_be_empty()


def test_what_was_chosen_stays_chosen_when_the_page_is_drawn_late(page: Page, url: str, stores: Path):
    page.get_by_label("Copy into the workspace").click()
    bring(page, stores / "second", "the other")
    bring(page, stores / "first", "the open one")
    show(page, "Manage")
    chosen = page.locator("#merge-from input")
    chosen.click()
    expect(page.get_by_role("option", name="the other", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    show(page, "Overview")
    held: list = []
    page.route("**/gradio_api/queue/join*", lambda request: held.append(request))
    show(page, "Manage")
    chosen.click()
    page.get_by_role("option", name="the other", exact=True).click()
    expect(chosen).to_have_value("the other")
    assert held, "the page asks to be drawn"
    with page.expect_response("**/gradio_api/queue/join*"):
        for request in held:
            request.continue_()
    page.unroute("**/gradio_api/queue/join*")
    page.locator("#merge-look").click()
    expect(page.locator("#merge-preview")).to_contain_text("Merge into the open one")
    expect(chosen).to_have_value("the other")
    open_dataset(page, "the other")
    expect(chosen).to_have_value("")


def test_an_export_leaves_what_was_chosen_for_the_next(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "to send")
    show(page, "Export")
    page.locator("#export-classes input").click()
    page.get_by_role("option", name="truck", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#export-start").click()
    expect(page.locator("#exports tr", has_text="to_send-yolo")).to_be_visible()
    expect(page.locator("#export-classes")).to_contain_text("truck")
    show(page, "Overview")
    show(page, "Export")
    expect(page.locator("#export-classes")).to_contain_text("truck")
