"""Polygons in a real Chromium: draw, edit points, holes, convert, simplify, brush and eraser, each one undo step."""

from __future__ import annotations

import pytest

from tests.browser.board import APP, Board
from tests.browser.test_canvas import RPC, near

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CORNERS = [(200, 100), (400, 100), (400, 260), (200, 260)]


def draw_polygon(board: Board, corners=CORNERS) -> dict:
    """Click the corners with the polygon tool, close it with Enter and return the annotation."""
    before = board.state("app.store.rows.size")
    board.press("o")
    for corner in corners:
        board.click(*corner)
    board.press("Enter")
    board.wait(f"app.store.rows.size === {before + 1}")
    return board.rows()[-1]


def only(board: Board) -> dict:
    """Return the one annotation there is, and hold that its box is the bounds of its polygons."""
    (row,) = board.rows()
    points = [value for rings in row["polygons"] for ring in rings for value in ring]
    bounds = [min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])]
    assert row["xyxy"] == pytest.approx(bounds)
    return row


def flat(points) -> list[float]:
    return [float(value) for point in points for value in point]


def ring_area(ring: list[float]) -> float:
    points = list(zip(ring[::2], ring[1::2], strict=True))
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True))) / 2


def painted(row: dict) -> float:
    return sum(ring_area(rings[0]) - sum(map(ring_area, rings[1:])) for rings in row["polygons"])


def test_a_polygon_is_drawn_taken_back_corner_by_corner_and_saved(board: Board):
    board.press("o")
    for corner in [(50, 50), (120, 60), (90, 140)]:
        board.click(*corner)
    board.press("Backspace", "Enter")
    assert board.rows() == [] and board.state("app.session.index") == 8  # two corners are no polygon, nor "next image"
    board.press("Escape")
    assert board.state("app.tools.get('draw_polygon').isBusy") is False
    row = draw_polygon(board)
    assert near(row["polygons"][0][0], flat(CORNERS), 1) and board.state("app.store.nextUndo") == "Draw polygon"
    board.saved()
    (stored,) = board.stored()
    assert stored["polygons"] == row["polygons"] and stored["xyxy"] == row["xyxy"]
    board.press("Control+z")
    assert board.rows() == []
    board.press("Control+Shift+z")
    board.saved()
    assert only(board)["polygons"] == row["polygons"]


def test_the_first_corner_closes_and_a_drag_draws_freely(board: Board):
    board.press("o")
    for corner in [(50, 50), (150, 60), (90, 140), (50, 50)]:
        board.click(*corner)
    board.wait("app.store.rows.size === 1")
    assert len(only(board)["polygons"][0][0]) == 6
    board.press("Control+z")
    board.page.mouse.move(*board.at(300, 100))
    board.page.mouse.down()
    for x, y in [(400, 110), (410, 200), (310, 210)]:
        board.page.mouse.move(*board.at(x, y), steps=12)
    board.page.mouse.up()
    board.press("Enter")
    board.wait("app.store.rows.size === 1")
    assert len(only(board)["polygons"][0][0]) > 16


def test_points_are_moved_added_and_removed_one_step_each(board: Board):
    first = draw_polygon(board)["polygons"]
    board.press("v")
    board.page.mouse.dblclick(*board.at(300, 200))
    board.wait("app.tools.current.id === 'edit_polygon'")
    board.drag((400, 260), (440, 300))
    assert near(only(board)["xyxy"], (200, 100, 440, 300), 1)
    board.click(300, 100)  # the middle of the upper edge
    assert len(only(board)["polygons"][0][0]) == 10
    board.drag((300, 100), (300, 60))
    assert near(only(board)["xyxy"], (200, 60, 440, 300), 1)
    board.press("Delete")  # the picked point
    assert len(only(board)["polygons"][0][0]) == 8
    board.page.keyboard.down("Alt")
    board.click(440, 300)
    board.page.keyboard.up("Alt")
    assert near(only(board)["polygons"][0][0], flat([CORNERS[0], CORNERS[1], CORNERS[3]]), 1)
    board.click(200, 100)
    board.press("Delete")
    assert len(board.rows()) == 1 and len(only(board)["polygons"][0][0]) == 6, "three points are the least"
    for _ in range(5):
        board.press("Control+z")
    assert only(board)["polygons"] == first


def test_holes_and_parts_are_drawn_moved_filled_and_hit_by_what_is_inside(board: Board):
    draw_polygon(board)
    board.press("o")
    board.page.keyboard.down("Alt")
    board.click(250, 140)
    board.page.keyboard.up("Alt")
    for corner in [(350, 140), (350, 220), (250, 220)]:
        board.click(*corner)
    board.press("Enter")
    board.wait("app.store.nextUndo === 'Cut a hole'")
    board.page.keyboard.down("Shift")
    board.click(450, 300)
    board.page.keyboard.up("Shift")
    for corner in [(520, 300), (480, 380)]:
        board.click(*corner)
    board.press("Enter")
    board.wait("app.store.nextUndo === 'Add a part'")
    assert [len(rings) for rings in only(board)["polygons"]] == [2, 1]
    board.press("Escape", "Escape", "v")
    board.click(300, 180)
    assert board.state("app.selection.size") == 0, "inside the hole there is nothing to select"
    board.click(220, 180)
    assert board.state("app.selection.size") == 1
    board.drag((220, 180), (230, 190))
    hole = only(board)["polygons"][0][1]
    assert near(hole[:2], (260, 150), 1)
    board.press("Shift+o")
    board.drag((260, 150), (270, 170))
    assert near(only(board)["polygons"][0][1][:2], (270, 170), 1)
    board.press("Shift+M")
    assert [len(rings) for rings in only(board)["polygons"]] == [1, 1]
    board.press("Control+z")
    assert [len(rings) for rings in only(board)["polygons"]] == [2, 1]
    board.saved()


def test_a_box_becomes_a_polygon_and_back(board: Board):
    key = board.draw((100, 100, 180, 160))
    board.press("Shift+P")
    assert near(only(board)["polygons"][0][0], (100, 100, 180, 100, 180, 160, 100, 160))
    board.press("v")
    board.drag((180, 160), (220, 200))  # a handle takes the polygon along
    assert near(only(board)["xyxy"], (100, 100, 220, 200))
    board.press("Shift+P")
    assert board.rows()[0]["polygons"] is None and board.rows()[0]["id"] == key
    board.press("Control+z", "Control+z", "Control+z")
    assert board.rows()[0]["polygons"] is None and near(board.box(key), (100, 100, 180, 160))
    board.saved()


def test_simplify_shows_what_it_does_before_it_does_it(board: Board):
    corners = [(200 + 2 * i, 100 + (i % 2)) for i in range(40)] + [(300, 300), (200, 300)]
    board.page.evaluate(
        f"""(ring) => {{
        const row = {APP}.newRow([200, 100, 300, 300]);
        {APP}.store.commit("Polygon", [{{op: "add", annotation: {{...row, polygons: [[ring]]}}}}]);
        {APP}.selection.set([row.id]);
    }}""",
        flat(corners),
    )
    board.press("Shift+S")
    assert "42 → 4 points" in board.page.locator(".tc-bar:visible").inner_text()
    assert len(only(board)["polygons"][0][0]) == 84, "not done yet"
    board.press("Escape")
    assert board.page.locator(".tc-bar:visible").is_hidden() and board.state("app.store.nextUndo") == "Polygon"
    board.press("Shift+S")
    board.page.get_by_role("slider", name="Tolerance in pixels").fill("2")
    assert "42 → 42 points" in board.page.locator(".tc-bar:visible").inner_text()
    board.page.get_by_role("slider", name="Tolerance in pixels").fill("50")
    board.press("Enter")
    assert len(only(board)["polygons"][0][0]) == 8 and board.state("app.store.nextUndo").startswith("Simplify")
    board.press("Control+z")
    assert len(only(board)["polygons"][0][0]) == 84
    board.saved()


def test_the_brush_paints_adds_and_erases_one_step_a_stroke(board: Board):
    board.press("j")
    board.page.evaluate(f"() => {APP}.settings.set('brush', 12)")
    board.drag((100, 100), (300, 100))
    board.wait("app.store.rows.size === 1")
    row = only(board)
    assert near(row["xyxy"], (88, 88, 312, 112), 1.5) and painted(row) == pytest.approx(200 * 24 + 3.14 * 144, rel=0.03)
    board.drag((200, 60), (200, 200))
    board.wait("app.store.nextUndo === 'Paint'")
    assert near(only(board)["xyxy"], (88, 48, 312, 212), 1.5)
    board.press("]", "]", "[")
    assert board.state("app.settings.get('brush')") == 15
    board.press("Shift+J")
    board.drag((200, 100), (200, 101))
    board.wait("app.store.nextUndo === 'Erase'")
    assert [len(rings) for rings in only(board)["polygons"]] == [2], "a hole in the middle of the cross"
    board.press("Control+z", "Control+z")
    assert only(board)["polygons"] == row["polygons"]
    board.page.evaluate(f"() => {APP}.settings.set('brush', 300)")
    board.click(200, 100)
    board.wait("app.store.rows.size === 0")
    board.press("Control+z")
    assert only(board)["polygons"] == row["polygons"]
    board.saved()


def test_quick_strokes_build_on_each_other_and_keep_untouched_edges(board: Board):
    board.press("j")
    board.page.evaluate(f"() => {APP}.settings.set('brush', 8)")
    for x in (100, 110, 120, 130):
        board.drag((x, 100), (x + 40, 180))  # no wait between them
    board.wait("app.strokes.size === 0")
    assert len(board.rows()) == 1
    before = only(board)
    for _ in range(4):  # far away: the first part stays as it was traced
        board.drag((400, 300), (420, 300))
    board.wait("app.strokes.size === 0")
    after = only(board)
    assert len(after["polygons"]) == 2 and before["polygons"][0] in after["polygons"]
    board.saved()


def test_a_stroke_never_lands_on_another_image(board: Board):
    held = []
    board.page.route(
        RPC,
        lambda route: (
            held.append(route) if "mask_to_polygons" in (route.request.post_data or "") else route.continue_()
        ),
    )
    board.press("j")
    board.drag((100, 100), (200, 100))
    board.wait("app.pending.size === 1")
    assert "Trace the mask" in board.page.locator(".tc-request").inner_text()
    board.press("ArrowRight")
    board.wait("app.session.index === 9")
    before = board.state("app.store.rows.size")
    for route in held:
        route.continue_()
    board.wait("app.strokes.size === 0")
    assert board.state("app.store.rows.size") == before
    board.press("ArrowLeft")
    board.wait("app.session.index === 8")
    assert board.rows() == []
