"""The canvas in a real Chromium against the real server: draw, edit, undo, navigate, save, conflict, assists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.board import APP, Board

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PLACE = (300.0, 200.0, 380.0, 260.0)
RPC = "**/component_server**"


@pytest.fixture
def board(seat, live_app) -> Iterator[Board]:
    """Lend a window on an unlabelled image; errors of the page's scripts fail the test."""
    board = seat.board(live_app.url)
    board.open(7)
    board.clear()
    yield board
    assert not board.broken


def near(box, wanted, within: float = 1.5) -> bool:
    return box is not None and all(abs(a - b) <= within for a, b in zip(box, wanted, strict=True))


def test_all_eight_handles_resize(board: Board):
    key = board.draw(PLACE)
    board.press("v")
    x1, y1, x2, y2 = PLACE
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2
    corners = [((x1, y1), "01"), ((x2, y1), "21"), ((x2, y2), "23"), ((x1, y2), "03")]
    for grip, sides in [*corners, ((mx, y1), "1"), ((x2, my), "2"), ((mx, y2), "3"), ((x1, my), "0")]:
        board.drag(grip, (grip[0] + 9, grip[1] + 7))
        wanted = [v + (0 if str(i) not in sides else 9 if i % 2 == 0 else 7) for i, v in enumerate(PLACE)]
        assert near(board.box(key), wanted), sides
        board.press("Control+z")
        assert near(board.box(key), PLACE)


def test_a_group_is_selected_by_shift_and_by_frame_moved_and_deleted_in_one_step(board: Board):
    keys = [board.draw((x, 100, x + 40, 140)) for x in (60, 160, 260)]
    board.press("v")
    board.click(80, 120)
    board.click(180, 120)
    board.page.keyboard.down("Shift")
    board.click(80, 120)
    board.page.keyboard.up("Shift")
    assert board.state("app.selection.size") == 2
    board.press("Escape")
    board.drag((30, 80), (330, 170))
    assert board.state("app.selection.size") == 3
    board.drag((80, 120), (90, 150))
    assert near(board.box(keys[2]), (270, 130, 310, 170))
    board.press("Delete")
    assert board.rows() == []
    board.press("Control+z")
    assert len(board.rows()) == 3
    board.press("Control+z")
    assert near(board.box(keys[2]), (260, 100, 300, 140))


def test_nudges_are_one_step(board: Board):
    key = board.draw(PLACE)
    board.burst(*["Shift+ArrowRight"] * 5, "Alt+Shift+ArrowDown")
    board.wait("app.store.nextUndo === 'Nudge box'")
    assert near(board.box(key), (305, 210, 385, 270))
    board.press("Control+z")
    assert near(board.box(key), PLACE)


def test_the_wheel_zooms_at_the_cursor_and_space_pans(board: Board):
    spot = board.at(200, 150)
    board.page.mouse.move(*spot)
    for _ in range(4):
        board.page.mouse.wheel(0, -240)
    board.wait("app.stage.view.zoom > 2.5")
    assert near(board.at(200, 150), spot, 0.5)
    board.page.keyboard.down(" ")
    board.page.mouse.down()
    board.page.mouse.move(spot[0] + 60, spot[1] + 40, steps=4)
    board.page.mouse.up()
    board.page.keyboard.up(" ")
    assert near(board.at(200, 150), (spot[0] + 60, spot[1] + 40), 1)
    assert board.rows() == []
    board.press("0")
    board.wait("app.stage.view.zoom < 2.5")


def test_digits_choose_the_class_of_the_next_box_and_never_relabel_the_one_just_drawn(board: Board):
    kinds = board.state("app.classes.list.map((c) => c.class_id)")
    board.press("2")
    key = board.draw(PLACE)
    board.press("3")  # at once, as people do
    assert board.rows()[-1]["class_id"] == kinds[1]
    board.press("Control+3")
    assert board.rows()[-1]["class_id"] == kinds[2]
    board.press("Control+z")
    assert board.rows()[-1]["class_id"] == kinds[1]
    board.press("v", "3")
    assert board.rows()[-1]["class_id"] == kinds[2]
    board.press("Control+z")
    assert (board.rows()[-1]["id"], board.rows()[-1]["class_id"]) == (key, kinds[1])
    board.press("Escape", "ArrowUp")
    assert board.state("app.classes.current.class_id") in kinds
    assert board.rows()[-1]["class_id"] == kinds[1]
    board.press("Shift+N")
    board.page.keyboard.type("1")
    board.press("Enter")
    board.wait(f"app.classes.current.class_id === {kinds[0]}")


def test_typing_fires_no_shortcut_and_neither_does_another_tab(board: Board):
    board.draw(PLACE)
    steps = board.state("app.store.version")
    field = board.page.get_by_role("searchbox", name="Search images")
    field.click()
    board.page.keyboard.type("xx was dfg q 123 b?")
    assert field.input_value() == "xx was dfg q 123 b?"
    field.fill("")
    board.page.locator("#t-dataset input").click()
    board.page.keyboard.type("wq1")
    board.press("Escape")
    board.page.locator("#tab-jobs-button:visible").first.click()
    board.press("w", "q", "ArrowRight", "Control+z")
    board.wait("app.session.index === 7")  # the search that was emptied has answered
    assert board.state("app.store.version") == steps
    board.page.locator("#tab-label-button:visible").first.click()
    board.wait("app.root.getBoundingClientRect().width > 0")
    board.press("q")
    board.wait("app.store.rows.size === 0")


def test_next_previous_and_the_way_to_unlabelled_images(board: Board):
    board.open(5)
    board.press("ArrowRight")
    board.wait("app.session.index === 6")
    board.press("ArrowLeft")
    board.wait("app.session.index === 5")
    board.press("Enter")
    board.wait("app.session.index === 6")
    board.saved()
    assert board.state("app.images.row(5).state") == "reviewed"
    board.open(2)
    board.press("n")
    board.wait("app.images.row(app.session.index).state === 'new'")
    board.open(5)
    board.press("r")
    board.wait("app.store.image.state === 'in_progress'")
    board.press("Control+z")
    board.wait("app.store.image.state === 'reviewed'")


def test_the_first_step_on_a_new_image_sets_it_in_progress(board: Board):
    board.open(9)
    assert board.state("app.store.image.state") == "new"
    board.draw(PLACE)
    board.saved()
    assert board.state("app.store.image.state") == "in_progress"
    board.press("Control+z")
    assert board.state("app.store.image.state") == "new"


def test_boxes_of_the_previous_image_are_copied_in_one_step(board: Board):
    board.open(4)
    there = board.state("app.store.rows.size")
    board.open(5)
    board.press("c")
    board.wait(f"app.store.rows.size === {there} && {there} > 3")
    board.press("Control+z")
    assert board.rows() == []


def test_zoom_is_kept_across_images_when_asked(board: Board):
    board.press("k")
    board.page.mouse.move(*board.at(200, 150))
    board.page.mouse.wheel(0, -300)
    view = board.state("app.stage.view")
    board.press("ArrowRight")
    board.wait("app.session.index === 8")
    assert board.state("app.stage.view") == view
    board.press("k", "ArrowLeft")
    board.wait("app.session.index === 7")
    assert board.state("app.stage.view") != view


@pytest.mark.parametrize("choice", ["theirs", "mine"])
def test_a_stale_save_is_shown_as_a_conflict_and_loses_nothing(board: Board, browser, live_app, choice: str):
    shared = board.draw((40, 40, 90, 90))
    board.saved()
    other = Board(browser, live_app.url)
    other.open(7)
    theirs = other.draw((100, 40, 150, 90))
    other.saved()
    mine = board.draw((200, 40, 250, 90))
    board.wait("app.sync.state === 'conflict'")
    assert {row["id"] for row in board.stored()} == {shared, theirs}
    panel = board.page.get_by_role("alertdialog", name="Conflict")
    assert "1 only here, 1 only there" in panel.inner_text()
    panel.locator(f"[data-choice={choice}]").click()
    settled = (
        "app.store.nextUndo === 'Apply my changes again'" if choice == "mine" else f"!app.store.rows.has({mine!r})"
    )
    board.wait(f"{settled} && app.store.rows.has({theirs!r}) && app.store.rows.has({shared!r})")
    board.saved()
    assert panel.is_hidden()
    assert {row["id"] for row in board.stored()} == {shared, theirs} | ({mine} if choice == "mine" else set())
    if choice == "theirs":  # set aside, and applied again later
        board.press("Control+k")
        board.page.keyboard.type("set aside")
        board.press("Enter")
        board.page.locator(".tc-asiderow", has_text="street07").get_by_role("button", name="Apply").click()
        board.saved()
        assert mine in {row["id"] for row in board.stored()}
    other.context.close()


def test_offline_work_is_kept_and_sent_when_the_server_is_back(board: Board):
    board.page.route(RPC, lambda route: route.abort())
    board.page.route("**/login_check", lambda route: route.abort())
    key = board.draw(PLACE)
    board.wait("app.sync.state === 'offline'")
    assert "Offline" in board.page.locator(".tc-save").inner_text()
    board.page.unroute(RPC)
    board.page.unroute("**/login_check")
    board.saved()
    assert [row["id"] for row in board.stored()] == [key]


def test_work_of_a_crashed_page_is_sent_by_the_next_one(board: Board, browser, live_app):
    for address in (RPC, "**/beacon"):
        board.page.route(address, lambda route: route.abort())
    key = board.draw(PLACE)
    board.wait("app.sync.state !== 'saved'")
    crashed = f"for (const k of Object.keys(localStorage)) if (k.startsWith('tator:alive:')) localStorage.removeItem(k), {APP}.outbox.beat = () => {{}}"
    board.page.evaluate(f"() => {{ {crashed} }}")
    after = Board(browser, live_app.url, context=board.context)
    after.open(7)
    after.saved()
    assert [row["id"] for row in after.stored()] == [key]
    after.page.close()


def test_a_click_becomes_a_box_and_a_late_answer_never_lands_on_another_image(board: Board):
    board.press("1", "d")
    board.click(200, 150)
    board.wait("app.store.rows.size === 1 && app.store.nextUndo === 'Box at point'")
    assert board.rows()[0]["source"] == "ridge_box"
    board.saved()
    held = []
    board.page.route(
        RPC, lambda route: held.append(route) if '"segment"' in (route.request.post_data or "") else route.continue_()
    )
    board.click(320, 250)
    board.wait("app.pending.size === 1")
    assert board.page.locator(".tc-request").count() == 1
    board.press("ArrowRight")
    board.wait("app.session.index === 8")
    before = board.state("app.store.rows.size")
    for route in held:
        route.continue_()
    board.page.wait_for_timeout(400)
    assert board.state("[app.store.rows.size, app.pending.size]") == [before, 0]
    board.press("ArrowLeft")
    board.wait("app.session.index === 7")
    assert len(board.rows()) == 1


def test_requests_under_way_can_be_cancelled(board: Board):
    board.press("d")
    board.page.route(RPC, lambda route: None if '"segment"' in (route.request.post_data or "") else route.continue_())
    board.click(200, 150)
    board.page.locator(".tc-request button").click()
    board.wait("app.pending.size === 0 && app.assist.asked.length === 0 || app.pending.size === 0")
    assert board.rows() == []
    board.page.unroute(RPC)


def test_tweak_one_and_tweak_all_are_one_step_each(board: Board):
    board.open(2)
    before = {row["id"]: row["xyxy"] for row in board.rows()}
    cars = board.state(
        "[...app.store.rows.values()].filter((r) => r.class_id === app.classes.list[0].class_id).map((r) => r.id)"
    )
    board.press("v")
    board.page.evaluate(f"(id) => {APP}.selection.set([id])", cars[-1])
    board.press("x")
    board.wait("app.store.nextUndo === 'Tweak box'")
    assert board.box(cars[-1]) != before[cars[-1]]
    board.press("Control+z")
    board.burst("x", "x")
    board.wait("app.preview.isOpen")
    board.press("Enter")
    board.wait("app.store.nextUndo.startsWith('Tweak ') && app.store.nextUndo.endsWith('of car')")
    board.press("Control+z")
    assert {row["id"]: row["xyxy"] for row in board.rows()} == before
    board.saved()


def test_a_mask_is_proposed_taken_and_dropped(board: Board):
    board.open(2)
    before = board.state("app.store.rows.size")
    first = board.rows()[0]
    x, y = (first["xyxy"][0] + first["xyxy"][2]) / 2, (first["xyxy"][1] + first["xyxy"][3]) / 2
    board.press("m")
    board.click(x, y)
    board.wait("app.assist.draft?.rows.length === 1")
    board.press("Escape")
    assert board.state("[app.assist.draft, app.store.rows.size]") == [None, before]
    board.click(x, y)
    board.press("Enter")
    board.wait(f"app.store.rows.size === {before + 1}")
    assert board.rows()[-1]["polygons"]
    board.press("Control+z")
    board.saved()


def test_help_lists_every_action_and_the_palette_runs_them(board: Board):
    board.press("?")
    ids = board.state("app.actions.map((action) => action.id)")
    listed = board.page.locator(".tc-help [data-action]").evaluate_all("(nodes) => nodes.map((n) => n.dataset.action)")
    assert sorted(listed) == sorted(ids) and len(ids) > 40
    board.press("Escape", "Control+k")
    board.page.keyboard.type("draw box")
    board.press("Enter")
    board.wait("app.tools.current.id === 'draw_box'")


def test_classes_are_added_and_renamed_in_place_and_never_become_markup(board: Board):
    nasty = "<img src=x onerror=window.hit=1>"
    board.press("Shift+C")
    board.page.keyboard.type(nasty)
    board.press("Enter")
    board.wait(f"app.classes.list.some((c) => c.name === {nasty!r})")
    board.draw(PLACE)
    board.page.locator(".tc-classlist .tc-row", has_text="onerror").dblclick()
    board.page.locator(".tc-classlist input.tc-input").fill("bicycle")
    board.press("Enter")
    board.wait("app.classes.list.some((c) => c.name === 'bicycle')")
    assert board.state("window.hit") is None
    board.press("Control+z")
    board.saved()


def test_an_unreadable_image_says_why_and_search_finds_by_name(board: Board):
    board.page.get_by_role("searchbox", name="Search images").fill("unread")
    board.page.locator(".tc-thumb").filter(has_text="unreadable").first.click()
    board.wait("app.session.phase === 'unreadable'")
    assert "unreadable.jpg" in board.page.locator(".tc-empty").inner_text()
    board.page.get_by_role("searchbox", name="Search images").fill("")
    board.wait("!app.images.isFiltered")


def test_everything_fits_a_small_window(browser, live_app):
    board = Board(browser, live_app.url, 1280, 720)
    board.page.mouse.move(*board.at(50, 50))
    outside = board.page.evaluate("""() => [...document.querySelectorAll('.tc button, .tc select, .tc-status')].filter((n) => !n.closest('.tc-vlist, .tc-fold'))
        .map((n) => [n, n.getBoundingClientRect()])
        .filter(([n, r]) => r.width && (r.right > innerWidth || r.bottom > innerHeight || r.left < 0))
        .map(([n]) => n.outerHTML)""")
    assert outside == []
    board.context.close()
