"""The main job in a real Chromium, as `make test` walks it: import, draw, train, name, undo, reload, export."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.browser.board import Board
from tests.browser.conftest import draw_street
from tests.browser.test_canvas import PLACE, board, near  # noqa: F401
from tests.browser.test_window import expect, import_folder, show

pytestmark = pytest.mark.browser
CAR, TREE = 0, 2


def test_draw_move_resize_delete_and_take_it_all_back(board: Board):  # noqa: F811
    key = board.draw(PLACE)
    assert near(board.box(key), PLACE)
    board.press("v")
    board.drag((340, 230), (360, 250))
    assert near(board.box(key), (320, 220, 400, 280))
    board.drag((400, 280), (440, 300))
    assert near(board.box(key), (320, 220, 440, 300))
    board.press("Delete")
    assert board.box(key) is None
    for wanted in [(320, 220, 440, 300), (320, 220, 400, 280), PLACE]:
        board.press("Control+z")
        assert near(board.box(key), wanted)
    board.press("Control+Shift+z")
    assert near(board.box(key), (320, 220, 400, 280))
    board.press("Control+y")
    assert near(board.box(key), (320, 220, 440, 300))
    board.saved()
    assert [near(row["xyxy"], (320, 220, 440, 300)) for row in board.stored()] == [True]


def test_a_reload_keeps_the_work_and_its_history(board: Board):  # noqa: F811
    keys = [board.draw((60 + 90 * i, 60, 100 + 90 * i, 100)) for i in range(3)]
    board.page.reload()  # no wait: what is not saved yet must survive too
    board.ready()
    board.wait("app.store.rows.size === 3")
    for left in (2, 1, 0):
        board.press("Control+z")
        assert len(board.rows()) == left
    board.press("Control+Shift+z")
    board.saved()
    assert [row["id"] for row in board.stored()] == [keys[0]]


def test_a_dataset_is_imported_learned_from_named_kept_and_exported(board: Board, tmp_path: Path):  # noqa: F811
    page = board.page
    import_folder(page, draw_street(tmp_path / "blocks", images=8, labelled=8, seed=5), "blocks")
    show(page, "train_clip")
    page.locator("#heads-train-name textarea, #heads-train-name input").fill("namer")
    page.locator("#heads-train-start").click()
    expect(page.locator("#heads-run")).to_contain_text("Head namer")

    show(page, "label")
    board.wait("app.images.dataset === 'blocks'")
    board.open(6)
    before = board.rows()
    car = next(row["xyxy"] for row in before if row["class_id"] == CAR)
    board.press(str(TREE + 1))
    key = board.draw(tuple(car))
    board.wait(f"app.store.rows.get('{key}').class_id === {TREE}")
    board.press("a")
    board.wait(f"app.store.rows.get('{key}').class_id === {CAR}")
    board.press("Control+z")
    assert {row["id"]: row["class_id"] for row in board.rows()}[key] == TREE
    board.press("Control+Shift+z")
    board.saved()
    page.reload()
    board.ready()
    assert {row["id"]: row["class_id"] for row in board.rows()}[key] == CAR

    show(page, "datasets")
    page.get_by_role("tab", name="Export").click()
    page.locator("#export-start").click()
    with page.expect_download() as caught:
        page.locator("#exports a", has_text="Download").first.click()
    with zipfile.ZipFile(caught.value.path()) as archive:
        label = next(name for name in archive.namelist() if name.endswith("street06.txt"))
        assert len(archive.read(label).splitlines()) == len(before) + 1
