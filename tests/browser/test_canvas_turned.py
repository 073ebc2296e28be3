"""Turned boxes and key points in a real Chromium: turned, resized, placed, moved, copied and saved."""

from __future__ import annotations

import pytest

from tests.browser.board import Board
from tests.browser.test_canvas import near

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def only(board: Board) -> dict:
    """Return the one annotation there is."""
    (row,) = board.rows()
    return row


def turn_handle(board: Board) -> tuple[float, float]:
    """Return where the round handle of a plain box is, in image pixels."""
    x1, y1, x2, _ = only(board)["xyxy"]
    return (x1 + x2) / 2, y1 - 24 / board.state("app.stage.view.zoom")


def test_a_box_is_turned_by_hand_and_by_keys_resized_in_its_own_axes_and_taken_back(board: Board):
    board.draw((200, 150, 400, 250))
    before = only(board)["xyxy"]
    board.drag(turn_handle(board), (450, 200))
    turned = only(board)
    assert turned["attributes"]["rotation"] == pytest.approx(90, abs=1.5)
    board.press("Shift+Q", "Alt+Shift+Q", "Alt+Shift+Q", "Alt+Shift+Q")
    slanted = only(board)
    assert slanted["attributes"]["rotation"] == pytest.approx(turned["attributes"]["rotation"] - 46, abs=0.02)
    ring = slanted["polygons"][0][0]
    board.drag((ring[4], ring[5]), (ring[4] - 10, ring[5] - 20))
    resized = only(board)
    assert resized["attributes"] == slanted["attributes"]
    assert near(resized["polygons"][0][0][:2], ring[:2], 1)
    board.saved()
    (stored,) = board.stored()
    assert stored["polygons"] == resized["polygons"] and stored["attributes"] == resized["attributes"]
    board.press(*["Control+z"] * 6)
    assert only(board)["xyxy"] == before and not only(board)["polygons"]


def test_a_turned_box_is_moved_and_copied_as_one(board: Board):
    board.draw((200, 150, 300, 190))
    board.press("Alt+Shift+E", "Alt+Shift+E")
    board.press("v")
    board.drag((250, 170), (290, 200))
    moved = only(board)
    assert moved["attributes"] == {"rotation": 30.0}
    board.press("Control+c", "Control+v")
    copied = board.rows()[1]
    assert [copied[name] for name in ("polygons", "attributes")] == [moved[name] for name in ("polygons", "attributes")]


def test_a_class_gets_key_points_that_are_placed_moved_hidden_and_saved(board: Board):
    board.draw((200, 100, 400, 300))
    board.press("Alt+Shift+Y")
    names, edges = board.page.locator(".tc-skeletonbox textarea").all()
    names.fill("nose\nleft eye\nright eye")
    edges.fill("nose - left ear")
    board.page.get_by_role("button", name="Save", exact=True).click()
    assert "nose - left ear" in board.page.locator(".tc-problem").inner_text()
    edges.fill("nose - left eye\nnose - right eye")
    board.page.get_by_role("button", name="Save", exact=True).click()
    board.wait("app.classes.current.skeleton?.edges.length === 2 && !app.dialogs.isOpen")
    board.press("Shift+Y")
    for corner in [(300, 200), (260, 160), (340, 160)]:
        board.click(*corner)
    placed = only(board)["attributes"]["keypoints"]
    assert [point[2] for point in placed] == [2, 2, 2] and near(placed[1][:2], (260, 160), 1)
    board.drag((300, 200), (310, 230))
    board.press("Shift+T")
    moved = only(board)["attributes"]["keypoints"]
    assert near(moved[0], (310, 230, 1), 1) and moved[1:] == placed[1:]
    board.saved()
    (stored,) = board.stored()
    assert stored["attributes"]["keypoints"] == moved
    board.press("Control+z", "Control+z")
    assert only(board)["attributes"]["keypoints"] == placed
    assert board.page.get_by_label("Key points of car").count() == 1


def test_a_turned_box_is_drawn_by_one_side_and_its_depth(board: Board):
    board.press("Alt+B")
    board.drag((200, 100), (300, 200))
    board.click(230, 230)
    board.wait("app.store.rows.size === 1")
    drawn = only(board)
    assert drawn["attributes"] == {"rotation": pytest.approx(45, abs=1)}
    board.saved()
    assert board.stored()[0]["polygons"] == drawn["polygons"]
