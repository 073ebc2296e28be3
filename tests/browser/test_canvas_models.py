"""The canvas with SAM 2.1, SAM 3 and phrases on tiny checkpoints, and GrabCut: prompts, masks, previews, candidates, slots."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.browser.board import APP, SLOW_MS, Board
from tests.browser.conftest import LiveApp, draw_street
from tests.browser.test_canvas import RPC

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SETTINGS = {"segmenter": "sam2_tiny", "masker": "sam2_tiny", "finder": "sam3", "findConf": 0.05, "keepMasks": False}


@pytest.fixture(scope="module")
def model_app(start_server, tmp_path_factory) -> LiveApp:
    """Lend an app with the dataset "street" and tiny checkpoints of SAM 2.1 and SAM 3."""
    folder = draw_street(tmp_path_factory.mktemp("models") / "images", images=6, labelled=3)
    app = LiveApp("", tmp_path_factory.mktemp("models-home") / "home")
    app.cli("datasets-create", "--name", "street", "--source", str(folder))
    for card, make in {"sam2_tiny": tiny.sam2, "sam3": tiny.sam3}.items():
        app.cli("weights-import", "--card", card, "--source", str(make()))
    app.url = start_server("--no-sample", home=app.home).url
    return app


@pytest.fixture
def board(seat, model_app) -> Iterator[Board]:
    """Lend a window on an image without annotations, with the tiny models chosen."""
    board = seat.board(model_app.url)
    board.page.set_default_timeout(60_000)  # the first answer loads its model
    board.page.evaluate(
        f"(all) => Object.entries(all).forEach(([name, value]) => {APP}.settings.set(name, value))", SETTINGS
    )
    board.wait("app.cards.card('finder')?.id === 'sam3' && app.cards.id('segmenter') === 'sam2_tiny'")
    board.open(4)
    board.clear()
    yield board
    assert not board.broken


def hold(board: Board, operation: str) -> list:
    """Keep back the requests of an operation; returns where they are collected."""
    held: list = []
    board.page.route(
        RPC,
        lambda route: held.append(route) if f'"{operation}"' in (route.request.post_data or "") else route.continue_(),
    )
    return held


def release(board: Board, held: list) -> None:
    """Let the next request that is kept back go on, once it has got here: the page shows it as asked a moment earlier."""
    until = time.monotonic() + SLOW_MS / 1000
    while not held and time.monotonic() < until:
        board.page.wait_for_timeout(20)
    held.pop(0).continue_()


def found(board: Board, phrases: str = "car") -> int:
    """Ask for phrases by keyboard and return how many candidates are shown."""
    board.page.evaluate(f"() => {APP}.finds.drop()")
    board.press("Shift+F", "Control+a")
    board.page.keyboard.type(phrases)
    board.press("Enter")
    board.wait("app.finds.isOpen && app.tools.current.id === 'review'")
    return board.state("app.finds.shown().length")


def inside(row: dict) -> bool:
    return row["xyxy"][0] >= 0 and row["xyxy"][1] >= 0 and row["xyxy"][2] <= 640 and row["xyxy"][3] <= 420


def test_the_picker_says_what_each_model_needs(board: Board):
    board.page.locator(".tc-fold summary", has_text="Assists").click()
    options = board.page.get_by_label("Box assist").locator("option")
    texts = options.all_inner_texts()
    assert texts[0].startswith("Automatic: ") and any(text == "SAM 2.1 tiny" for text in texts)
    lacking = [text for text in texts if "needs:" in text]
    assert lacking and options.filter(has_text="needs:").first.get_attribute("disabled") is not None
    board.page.get_by_label("Box assist").select_option("ridge_box")
    board.page.reload()
    board.ready()
    board.wait("app.cards.id('segmenter') === 'ridge_box'")


def test_click_and_loose_box_give_boxes_or_masks_as_chosen(board: Board):
    for keep in (False, True):
        board.page.evaluate(f"(keep) => {APP}.settings.set('keepMasks', keep)", keep)
        board.press("d")
        board.click(320, 200)
        board.wait("app.store.nextUndo === 'Box at point'")
        (row,) = board.rows()
        assert row["source"] == "sam2_tiny" and bool(row["polygons"]) is keep and inside(row)
        board.press("Control+z", "s")
        board.drag((200, 100), (420, 300))
        board.wait("app.store.nextUndo === 'Draw tight box'")
        (row,) = board.rows()
        assert row["source"] == "sam2_tiny" and bool(row["polygons"]) is keep and inside(row)
        board.press("Control+z")
    board.saved()


def test_points_show_a_mask_after_each_and_enter_takes_it(board: Board):
    board.press("m")
    board.click(320, 200)
    board.wait("app.assist.draft?.rows.length === 1")
    board.press("g")
    board.click(500, 350)
    board.press("f")
    board.click(330, 220)
    board.wait("app.assist.draft?.points.length === 3 && !app.assist.draft.isWaiting")
    board.press("Backspace")
    board.wait("app.assist.draft?.points.length === 2 && !app.assist.draft.isWaiting")
    assert board.rows() == []
    board.press("Enter")
    board.wait("app.store.rows.size === 1")
    assert board.rows()[0]["polygons"] and board.rows()[0]["confidence"] is not None
    board.press("Control+z")
    board.saved()


def test_holes_are_filled_when_asked(board: Board):
    sent = []
    board.page.on(
        "request", lambda request: sent.append(request.post_data) if '"segment"' in (request.post_data or "") else None
    )
    board.page.evaluate(f"() => {{ {APP}.settings.set('fillHoles', true); {APP}.settings.set('tolerance', 2.5) }}")
    board.press("m")
    board.click(320, 200)
    board.wait("app.assist.draft?.rows.length === 1")
    assert '"fill_holes":true' in sent[-1] and '"tolerance":2.5' in sent[-1]
    assert all(len(rings) == 1 for rings in board.state("app.assist.draft.rows[0].polygons"))
    board.press("Escape")


def test_a_whole_class_is_tweaked_after_a_look_and_without_the_boxes_left_out(board: Board):
    boxes = [(60 + 120 * i, 60, 140 + 120 * i, 120) for i in range(4)]
    keys = [board.draw(box) for box in boxes]
    before = {row["id"]: row["xyxy"] for row in board.rows()}
    board.press("Escape")
    board.burst("x", "x")
    board.wait("app.preview.isOpen")
    count = board.state("app.preview.items.length")
    assert count >= 2 and {row["id"]: row["xyxy"] for row in board.rows()} == before, "nothing changes before Enter"
    left_out = board.state("app.preview.items[0].row")
    x1, y1, x2, y2 = left_out["xyxy"]
    board.click((x1 + x2) / 2, (y1 + y2) / 2)
    expect(board.page.locator(".tc-mode")).to_contain_text(f"{count - 1} of {count} tweaked boxes")
    board.press("Enter")
    board.wait("!app.preview.isOpen && app.store.nextUndo.startsWith('Tweak ')")
    after = {row["id"]: row["xyxy"] for row in board.rows()}
    changed = [key for key in keys if after[key] != before[key]]
    assert left_out["id"] not in changed and len(changed) == count - 1
    board.press("Control+z")
    assert {row["id"]: row["xyxy"] for row in board.rows()} == before
    board.burst("x", "x")
    board.wait("app.preview.isOpen")
    board.press("Escape")
    assert not board.state("app.preview.isOpen") and board.state("app.tools.current.id") != "review"
    board.saved()


def test_many_boxes_show_progress_and_can_be_cancelled(board: Board):
    for i in range(10):
        board.draw((20 + 60 * i, 300, 60 + 60 * i, 340))
    held = hold(board, "tweak_boxes")
    board.press("Escape", "Shift+X")
    board.wait("app.pending.list()[0]?.progress === '0 of 2'")
    release(board, held)
    board.wait("app.pending.list()[0]?.progress === '1 of 2'")
    board.page.locator(".tc-request button").click()
    release(board, held)
    board.wait("app.pending.size === 0")
    assert not board.state("app.preview.isOpen")


def test_phrases_give_candidates_that_a_slider_filters_without_a_new_run(board: Board):
    asked = []
    board.page.on("request", lambda request: asked.append(1) if '"find"' in (request.post_data or "") else None)
    shown = found(board, "car, tree")
    assert shown >= 1 and len(asked) == 1
    confidences = sorted(board.state("app.finds.shown().map((one) => one.confidence)"))
    slider = board.page.get_by_role("slider", name="Least confidence shown")
    middle = (confidences[0] + confidences[-1]) / 2
    slider.fill(f"{middle:.2f}")
    assert board.state("app.finds.shown().length") == sum(value >= round(middle, 2) for value in confidences)
    slider.fill("1")
    assert board.state("app.finds.shown().length") == 0
    slider.fill("0.05")
    assert board.state("app.finds.shown().length") == shown and len(asked) == 1
    assert board.rows() == [] and board.stored() == [], "candidates stay in the page"
    board.press("Escape")
    assert not board.state("app.finds.isOpen")


def test_candidates_are_taken_dropped_and_taken_together(board: Board):
    assert found(board, "car, tree, house") == 3  # the tiny model finds one of each, on the same spot
    first = board.state("app.finds.shown()[0]")
    spot = [(first["xyxy"][0] + first["xyxy"][2]) / 2, (first["xyxy"][1] + first["xyxy"][3]) / 2]
    board.page.keyboard.down("Alt")
    board.click(*spot)
    board.page.keyboard.up("Alt")
    board.wait("app.finds.total === 2")
    picked = board.page.evaluate(f"(at) => {APP}.finds.at(at).xyxy", spot)
    board.click(*spot)
    board.wait("app.store.rows.size === 1")
    (row,) = board.rows()
    assert (
        row["source"] == "sam3" and row["status"] == "accepted" and row["xyxy"] == picked and 0 < row["confidence"] <= 1
    )
    assert "0 of 1 shown, 1 labelled already" in board.page.locator(".tc-found").inner_text()
    board.press("Control+z")
    assert board.rows() == []
    found(board, "car, tree")
    board.press("Enter")
    board.wait("app.store.rows.size === 2 && !app.finds.isOpen")
    board.saved()
    assert {row["source"] for row in board.stored()} == {"sam3"}
    board.press("Control+z")
    assert board.rows() == []
    board.saved()


def test_a_phrase_can_name_the_class(board: Board):
    board.page.locator(".tc-finder summary").click()
    board.page.get_by_label("Class of what is taken").select_option("phrase")
    found(board, "trees")
    board.press("Enter")
    board.wait("app.store.rows.size > 0")
    tree = board.state("app.classes.list.find((c) => c.name === 'tree').class_id")
    assert {row["class_id"] for row in board.rows()} == {tree}
    board.press("Control+z")
    board.saved()


def test_examples_find_all_like_them_with_negatives(board: Board):
    sent = []
    board.page.on(
        "request", lambda request: sent.append(request.post_data) if '"find"' in (request.post_data or "") else None
    )
    board.draw((100, 100, 180, 160))
    board.press("Shift+L")  # the selection is the first example
    board.page.keyboard.down("Alt")
    board.drag((300, 300), (360, 350))
    board.page.keyboard.up("Alt")
    assert board.state("app.finds.exemplars.map((one) => one.positive)") == [True, False]
    board.press("Enter")
    board.wait("app.pending.size === 0 && (app.finds.isOpen || document.querySelector('.tc-toast.warn'))")
    assert '"exemplar_positive":[true,false]' in sent[0]
    board.press("Escape", "Escape", "Escape")


def test_an_answer_about_candidates_never_lands_on_another_image(board: Board):
    held = hold(board, "find")
    board.press("Shift+F")
    board.page.keyboard.type("car")
    board.press("Enter")
    board.wait("app.pending.size === 1")
    board.press("ArrowRight")
    board.wait("app.session.index === 5")
    release(board, held)
    board.page.wait_for_timeout(500)
    assert board.state("[app.finds.total, app.pending.size]") == [0, 0]
    board.page.unroute(RPC)
    found(board)
    board.press("ArrowLeft")
    board.wait("app.session.index === 4 && app.finds.total === 0")
    assert "discarded" in board.page.locator(".tc-toast").last.inner_text()


def test_the_open_image_and_its_neighbours_are_encoded_ahead(board: Board):
    sent = []
    board.page.on(
        "request",
        lambda request: sent.append(request.post_data) if "slots_preload" in (request.post_data or "") else None,
    )
    board.open(2)
    board.press("ArrowRight")
    board.wait("app.session.index === 3")
    board.wait(
        "app.slots.rows.some((slot) => slot.slot === 'previous' && slot.image_id === app.images.row(2).id)"
    )  # not an earlier page's
    board.wait("app.slots.rows.length === 3 && app.slots.rows.every((slot) => slot.state === 'ready')")
    slots = {row["slot"]: row["image_id"] for row in board.state("app.slots.rows")}
    ids = {i: board.state(f"app.images.row({i}).id") for i in (2, 3, 4)}
    assert slots == {"current": ids[3], "next": ids[4], "previous": ids[2]}
    rings = board.page.locator(".tc-slot")
    assert rings.count() == 3 and "is encoded" in rings.nth(1).get_attribute("title")
    board.press("ArrowLeft", "ArrowLeft")
    board.wait("app.session.index === 1")
    board.wait("app.slots.rows.some((slot) => slot.slot === 'next' && slot.image_id === app.images.row(0).id)")
    board.page.evaluate(
        f"() => {{ {APP}.settings.set('segmenter', 'ridge_box'); {APP}.settings.set('masker', 'grabcut') }}"
    )
    board.wait("app.slots.rows.length === 0")
    assert board.page.locator(".tc-slots").is_hidden()
    sent.clear()
    board.open(4)
    board.page.wait_for_timeout(300)
    assert sent == [], "models without an encoder need nothing ahead"
