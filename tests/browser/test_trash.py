"""Deleting, restoring and deleting for good in a real Chromium."""

# ruff: noqa: F811 - fixtures of the other module
from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.test_datasets_tab import Page, ask, bring, expect, fill, open_dataset, page, show, stores  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def delete(page: Page, name: str) -> None:
    show(page, "Manage")
    fill(page, "#delete-confirm", name)
    page.locator("#delete").click()
    expect(page.locator("body")).to_contain_text(f"{name} is in the trash")
    page.wait_for_function(
        "name => ![...document.querySelectorAll('#datasets-list td b')].some(b => b.textContent === name)", arg=name
    )


def test_a_deleted_dataset_comes_back_under_another_name_and_goes_for_good(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "pets")
    boxes = ask(url, "datasets_get", dataset="pets")["annotations"]
    delete(page, "pets")
    listing, trash = page.locator("#datasets-list"), page.locator("#trash")
    expect(listing).to_contain_text("No dataset yet")
    listing.get_by_role("button", name="Trash (1)").click()
    expect(trash).to_contain_text("4 images · 8 boxes")
    bring(page, stores / "second", "pets")
    trash.get_by_role("button", name="Restore", exact=True).click()
    expect(trash).to_contain_text("Another dataset is called pets now")
    page.get_by_label("Restore under the name").fill("old pets")
    trash.get_by_role("button", name="Restore under this name").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("old pets")
    expect(trash).to_contain_text("waits here, whole")
    expect(listing.get_by_role("button", name="Trash", exact=True)).to_be_visible()
    assert ask(url, "datasets_get", dataset="old pets")["annotations"] == boxes

    delete(page, "old pets")
    expect(listing.get_by_role("button", name="Trash (1)")).to_be_visible()
    trash.get_by_role("button", name="Delete for good").click()
    expect(trash).to_contain_text("Delete dataset old pets for good?")
    trash.get_by_role("button", name="Keep it").click()
    expect(trash.locator(".t-question")).to_have_count(0)
    trash.get_by_role("button", name="Delete for good").click()
    trash.locator(".t-question").get_by_role("button", name="Delete for good").click()
    expect(trash).to_contain_text("waits here, whole")
    expect(listing.get_by_role("button", name="Trash", exact=True)).to_be_visible()
    expect(listing).to_contain_text("pets")
    assert ask(url, "trash_list") == [] and [row["name"] for row in ask(url, "datasets_list")] == ["pets"]


def test_a_snapshot_comes_back_to_its_page(page: Page, url: str, stores: Path):
    bring(page, stores / "first", "frozen")
    show(page, "Snapshots")
    fill(page, "#snapshot-name", "v1")
    page.locator("#snapshot-freeze").click()
    row = page.locator("#snapshots tr", has_text="v1")
    row.get_by_role("button", name="Delete").click()
    page.locator("#snapshots .t-question").get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#snapshots")).to_contain_text("No snapshot yet")
    page.locator("#datasets-list").get_by_role("button", name="Trash").click()
    expect(page.locator("#trash")).to_contain_text("of frozen")
    page.locator("#trash").get_by_role("button", name="Restore", exact=True).click()
    expect(row).to_be_visible()
    assert [found["name"] for found in ask(url, "snapshots_list", dataset="frozen")] == ["v1"]
