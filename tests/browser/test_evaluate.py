"""Evaluate by mouse: run, move the threshold, open the worst mistake in Label, mend it, and see the number move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveApp

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DONE_MS = 60_000
ARRIVED = "window.tator.app.queue.current?.confidence > 0.8 && !window.tator.app.session.isWalking"
EXTRA = "street04.jpg"  # the image whose only mistake is a box that nobody has drawn


def predictions(live_app: LiveApp, file: Path) -> Path:
    """Write COCO results: every labelled box, a little off, and one that is not among the labels."""
    rows = []
    for image in live_app.cli("images-list", "--dataset", "street")["images"]:
        if not image["annotation_count"]:
            continue
        boxes = live_app.cli("annotations-list", "--dataset", "street", "--image", image["name"])["annotations"]
        for at, box in enumerate(boxes):
            x1, y1, x2, y2 = box["xyxy"]
            corners = [x1 + 1, y1, x2 - x1, y2 - y1]
            rows.append(
                {
                    "image_id": image["name"],
                    "category_id": box["class_id"] + 1,
                    "bbox": corners,
                    "score": 0.3 + 0.01 * at,
                }
            )
        if image["name"] == EXTRA:
            rows.append({"image_id": EXTRA, "category_id": 1, "bbox": [3, 3, 30, 20], "score": 0.9})
    file.write_text(json.dumps(rows))
    return file


def test_a_mistake_is_opened_mended_and_the_number_moves(live_app: LiveApp, blank: Any, tmp_path: Path):
    file, page = predictions(live_app, tmp_path / "results.json"), blank
    page.goto(live_app.url)
    page.wait_for_function("window.tator?.app?.session.phase === 'ready'")
    page.locator("#tab-evaluate-button:visible").first.click()
    page.locator("#evaluate-predictor input").click()
    page.get_by_role("option", name="file").click()
    page.locator("#evaluate-source input").fill(str(file))
    page.locator("#evaluate-source input").press("Enter")
    name = page.locator("#evaluate-name input, #evaluate-name textarea").first
    name.fill("before")
    page.locator("#evaluate-start").click()
    run = page.locator("#evaluation-run")
    expect(run).to_contain_text("Evaluation before", timeout=DONE_MS)

    every = run.locator(".t-threshold tbody tr").first
    slider = run.locator("[data-slider]")
    all_found = every.locator("td").nth(3).inner_text()
    slider.evaluate("(node) => { node.value = 80; node.dispatchEvent(new Event('input', { bubbles: true })); }")
    assert [cell.inner_text() for cell in every.locator("td").all()[2:5]] == ["1", "0", "1"] != all_found
    run.get_by_role("button", name="Keep as operating point").click()
    expect(run).to_contain_text("kept: 0.80")
    assert live_app.cli("evaluate-get", "--name", "before")["operating_point"]["score_thr"] == 0.8

    page.get_by_role("tab", name="Mistakes").click()
    cards = page.locator("#mistakes-page .t-imgcard")
    expect(cards).to_have_count(1)
    expect(cards.first).to_contain_text("False: car 0.90")
    page.locator("#mistakes-page").get_by_role("button", name="Review these in Label").click()
    page.wait_for_function(f"window.tator.app.queue.isOpen && {ARRIVED}")
    assert page.evaluate("window.tator.app.queue.counts.left") == 1
    page.locator("#tab-evaluate-button:visible").first.click()
    cards.first.click()
    page.wait_for_function(f"window.tator.app.queue.filters.image_id && {ARRIVED}")
    assert page.evaluate("window.tator.app.store.image.name").endswith(EXTRA)
    page.keyboard.press("y")
    page.wait_for_function("window.tator.app.store.nextUndo === 'Accept car'")
    page.keyboard.press("Shift+R")
    expect(page.get_by_text("All changes saved")).to_be_visible()

    page.locator("#tab-evaluate-button:visible").first.click()
    name.fill("after")
    page.locator("#evaluate-start").click()
    expect(page.locator(".t-job")).to_contain_text("after", timeout=DONE_MS)
    expect(page.locator("#mistakes-page")).to_contain_text("No mistakes", timeout=DONE_MS)
    page.get_by_role("tab", name="Compare").click()
    compare = page.locator("#compare-page")
    expect(compare).to_contain_text("Labels of 1 image were edited")
    expect(compare).to_contain_text("Accept car")
    before, after = (live_app.cli("evaluate-get", "--name", each)["metrics"] for each in ("before", "after"))
    assert before["f1@0.50_fp"] == 1 and after["f1@0.50_fp"] == 0 and after["bbox_AP"] > before["bbox_AP"]
