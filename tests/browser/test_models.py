"""The Models and System tabs in a real Chromium: import a checkpoint, try it, unload it, change the predictors."""

from __future__ import annotations

import re
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from tests import tiny

expect = playwright.expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(blank, live_app):
    blank.goto(live_app.url)
    return blank


def opened(page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").first.click()


def chosen(page, elem_id: str, label: str) -> None:
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=label, exact=True).click()


def test_a_checkpoint_is_imported_tried_and_unloaded(page, live_app, tmp_path: Path):
    opened(page, "models")
    row = page.locator("#models-list tr[data-id=sam2_tiny]")
    expect(row).to_contain_text("needs: weights")
    row.locator("td").first.click()
    expect(page.locator("#models-list")).to_contain_text("Download it in the Models tab")
    chosen(page, "weights-card", "SAM 2.1 tiny")
    page.locator("#weights-path textarea, #weights-path input").fill(str(tiny.sam2()))
    page.locator("#weights-import").click()
    expect(page.locator("#models-list tr[data-id=sam2_tiny]")).to_contain_text("ready")
    page.get_by_role("tab", name="Try out").click()
    expect(page.locator("#try-view svg[data-tryout] image")).to_be_visible()
    expect(page.locator("#try-card input")).to_have_value("SAM 2.1 tiny")
    picture = page.locator("#try-view svg[data-tryout]")
    box = picture.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#try-told")).to_contain_text(re.compile(r"sam2_tiny: \d candidates? in"))
    point = page.locator("#try-view circle.asked")
    assert abs(float(point.get_attribute("cx")) - 320) < 3 and abs(float(point.get_attribute("cy")) - 210) < 3
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.7, steps=4)
    page.mouse.up()
    expect(page.locator("#try-view rect.asked")).to_have_count(1)
    assert page.locator("#try-view path.found").count() <= 1
    page.screenshot(path=tmp_path / "tryout.png")
    opened(page, "system")
    memory = page.locator("#system-memory")
    expect(memory).to_contain_text("SAM 2.1 tiny")
    memory.get_by_role("button", name="Unload all").click()
    expect(memory).to_contain_text("None. A model is loaded when")


def test_the_predictors_are_set_and_stay_set(page, live_app):
    opened(page, "system")
    expect(page.locator("#system-slots")).to_contain_text("previous")
    expect(page.locator("#predictors-apply")).to_be_enabled()
    page.get_by_role("spinbutton", name="Images encoded ahead").fill("2")
    page.locator("#predictors-apply").click()
    expect(page.locator("#system-slots")).not_to_contain_text("previous")
    assert live_app.cli("predictor-settings-get")["images"] == 2
