"""The runs of a family by mouse: chosen, renamed, trained again, deleted, downloaded, imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveApp

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAINED_MS = 120_000


def test_a_head_is_renamed_repeated_deleted_and_taken_in_again(live_app: LiveApp, blank: Any, tmp_path: Path):
    live_app.cli("heads-train", "--dataset", "street", "--name", "first")
    page = blank
    page.goto(live_app.url)
    page.wait_for_function("window.tator?.app?.session.phase === 'ready'")
    page.locator("#tab-train_clip-button:visible").first.click()
    run, listing, name = page.locator("#heads-run"), page.locator("#heads-list"), page.locator("#heads-new-name")
    expect(run).to_contain_text("Head first")
    run.get_by_role("button", name="Rename").click()
    name.fill("a/b")
    run.locator("[data-act=do_rename]").click()
    expect(page.locator(".toast-wrap")).to_contain_text("head name 'a/b'")
    name.fill("one")
    run.locator("[data-act=do_rename]").click()
    expect(run).to_contain_text("Head one")
    run.get_by_role("button", name="Train again").click()
    expect(name).to_have_value("one 2")
    run.get_by_role("button", name="Train", exact=True).click()
    expect(run).to_contain_text("Head one 2", timeout=TRAINED_MS)
    expect(name).to_have_count(0)
    expect(listing.locator("tr.on")).to_contain_text("active")
    listing.get_by_text("one", exact=True).click()
    expect(run).to_contain_text("Head one")
    listing.locator("tr.on").get_by_role("button", name="Activate").click()
    expect(listing.locator("tr.on")).to_contain_text("active")
    with page.expect_download() as caught:
        listing.locator("tr.on").get_by_role("link", name="Download").click()
    caught.value.save_as(tmp_path / "one.zip")
    run.get_by_role("button", name="Delete").click()
    run.locator("[data-act=do_delete]").click()
    expect(listing.locator("tbody tr")).to_have_count(1)
    page.get_by_text("Import a head").click()
    page.locator("#heads-import-path textarea, #heads-import-path input").fill(str(tmp_path / "one.zip"))
    page.locator("#heads-import-start").click()
    expect(listing.locator("tbody tr")).to_have_count(2)
    assert sorted(row["name"] for row in live_app.cli("heads-list")) == ["one", "one 2"]
