"""The main job in a real Chromium on real images: import, train, draw, tweak, name, click, undo, reload, export."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client

from tator.vision.matching import iou
from tests.browser.test_window import expect, import_folder, page, playwright, show  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAINED_MS = 180_000
PLATELETS = "3"  # number key of a class that the drawn box is not


@pytest.fixture(scope="module")
def target(data: Path) -> str:
    """The name of the first image of BCCD's test split."""
    return Path((data / "bccd" / "test.txt").read_text().split()[0]).stem


def call(page, verb: str, **arguments: object) -> dict:  # noqa: F811
    """Call an operation the way the canvas does."""
    return page.evaluate("([m, p]) => window.tator.app.call(m, p)", [verb, arguments])


def rows(page) -> list[dict]:  # noqa: F811
    return page.evaluate("[...window.tator.app.store.rows.values()]")


def saved(page) -> None:  # noqa: F811
    page.get_by_text("All changes saved").wait_for()


def on_screen(page, x: float, y: float) -> tuple[float, float]:  # noqa: F811
    """Return where an image pixel is on the page."""
    return tuple(
        page.evaluate(
            """([x, y]) => { const { view, root } = window.tator.app.stage, box = root.getBoundingClientRect();
        return [box.left + view.x + x * view.zoom, box.top + view.y + y * view.zoom]; }""",
            [x, y],
        )
    )


def draw(page, xyxy: list[float]) -> None:  # noqa: F811
    page.mouse.move(*on_screen(page, *xyxy[:2]))
    page.mouse.down()
    page.mouse.move(*on_screen(page, *[(xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2]))
    page.mouse.move(*on_screen(page, *xyxy[2:]))
    page.mouse.up()


def overlap(a: list[float], b: list[float]) -> float:
    return float(iou(np.asarray([a], np.float32), np.asarray([b], np.float32))[0, 0])


def loose_around(truth: list[float]) -> list[float]:
    w, h = truth[2] - truth[0], truth[3] - truth[1]
    return [truth[0] - 0.14 * w, truth[1] - 0.13 * h, truth[2] + 0.12 * w, truth[3] + 0.15 * h]


def test_the_main_job_by_mouse_and_keys(page, url: str, data: Path, target: str):  # noqa: F811
    import_folder(page, data / "bccd", "cells")
    expect(page.locator("#dataset-overview, #datasets-list").first).to_contain_text("364")
    show(page, "train_clip")
    page.locator("#heads-train-name textarea, #heads-train-name input").fill("cells head")
    page.locator("#heads-train-start").click()
    expect(page.locator("#heads-run")).to_contain_text("Head cells head", timeout=TRAINED_MS)
    head = Client(url, verbose=False).predict(name="cells head", api_name="/heads_get")["metrics"]
    assert head["accuracy"] >= 0.95 > head["majority_accuracy"], head

    show(page, "label")
    image = call(page, "images_list", dataset="cells", search=target)["images"][0]
    page.evaluate("id => window.tator.openImage('cells', id)", image["id"])
    page.wait_for_function(
        "id => window.tator.app.store.image?.id === id && window.tator.app.stage.size", arg=image["id"]
    )
    before = rows(page)
    inside = [
        row
        for row in before
        if row["class_id"] == 0 and min(row["xyxy"][:2]) > 30 and row["xyxy"][2] < 600 and row["xyxy"][3] < 440
    ]
    truth = inside[0]["xyxy"]
    page.keyboard.press(PLATELETS)
    page.keyboard.press("b")
    draw(page, loose_around(truth))
    drawn = rows(page)[-1]
    assert len(rows(page)) == len(before) + 1 and drawn["source"] == "human" and drawn["class_id"] == 2
    saved(page)

    page.keyboard.press("x")
    page.wait_for_function("b => String(window.tator.app.store.rows.get(b.id).xyxy) !== String(b.xyxy)", arg=drawn)
    tweaked = rows(page)[-1]
    assert overlap(tweaked["xyxy"], truth) > overlap(drawn["xyxy"], truth)
    page.keyboard.press("a")
    page.wait_for_function("b => window.tator.app.store.rows.get(b.id).class_id === 0", arg=drawn)
    page.keyboard.press("Escape")

    page.keyboard.press("1")
    page.keyboard.press("d")
    other = inside[-1]["xyxy"]
    page.mouse.click(*on_screen(page, (other[0] + other[2]) / 2, (other[1] + other[3]) / 2))
    page.wait_for_function("n => window.tator.app.store.rows.size === n", arg=len(before) + 2)
    assert overlap(rows(page)[-1]["xyxy"], other) > 0.5
    for _ in range(3):
        page.keyboard.press("Control+z")
    left = {row["id"]: row for row in rows(page)}
    assert (
        len(left) == len(before) + 1
        and left[drawn["id"]]["xyxy"] == pytest.approx(drawn["xyxy"])
        and left[drawn["id"]]["class_id"] == 2
    )
    page.keyboard.press("Control+Shift+z")
    saved(page)
    page.reload()
    page.wait_for_function("id => window.tator?.app?.store.image?.id === id", arg=image["id"])
    kept = {row["id"]: row for row in rows(page)}
    assert len(kept) == len(before) + 1 and kept[drawn["id"]]["xyxy"] == pytest.approx(tweaked["xyxy"])
    assert page.evaluate("window.tator.app.store.canUndo && window.tator.app.store.canRedo")

    labels = exported(url, "yolo")
    lines = next(archive_text for name, archive_text in labels.items() if name.endswith(f"{target}.txt")).splitlines()
    assert_same_boxes([from_yolo_line(line) for line in lines], kept)
    files = exported(url, "coco")
    found = next(json.loads(text) for name, text in files.items() if name.endswith("test.json"))
    image_id = next(row["id"] for row in found["images"] if target in row["file_name"])
    boxes = [row["bbox"] for row in found["annotations"] if row["image_id"] == image_id]
    assert_same_boxes([[x, y, x + w, y + h] for x, y, w, h in boxes], kept)


def exported(url: str, form: str) -> dict[str, str]:
    """Export without images and return the text of every file."""
    client = Client(url, verbose=False)
    job = client.predict(dataset="cells", format=form, with_images=False, api_name="/datasets_export")
    for _ in range(600):
        found = client.predict(job_id=job, api_name="/jobs_get")
        if found["state"] == "succeeded":
            break
    content = httpx.get(url + found["result"]["url"], timeout=60).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def from_yolo_line(line: str) -> list[float]:
    cx, cy, w, h = (float(value) for value in line.split()[1:5])
    return [(cx - w / 2) * 640, (cy - h / 2) * 480, (cx + w / 2) * 640, (cy + h / 2) * 480]


def assert_same_boxes(boxes: list[list[float]], kept: dict[str, dict]) -> None:
    """Equal sets of boxes, to half a pixel."""
    ours = sorted(row["xyxy"] for row in kept.values())
    assert len(boxes) == len(ours)
    table = np.abs(np.asarray(boxes)[:, None] - np.asarray(ours)[None]).max(-1)
    assert (table.min(0) <= 0.5).all() and (table.min(1) <= 0.5).all()
