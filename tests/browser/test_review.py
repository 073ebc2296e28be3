"""A review in a real Chromium: 200 candidates by keyboard, the contact sheet, and undo over many images."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tator.editing.candidates import replace_candidates
from tator.types import Detections
from tator.workbench import Workbench
from tests.browser.board import APP, Board
from tests.browser.conftest import LiveApp, draw_street
from tests.folders import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]
IMAGES, EACH = 40, 5
KEY_MS = 30
TYPE = """async ({keys, ms}) => {
  const held = {Control: "ctrlKey", Shift: "shiftKey"};
  for (const combo of keys) {
    const parts = combo.split("+"), key = parts.pop();
    const facts = {key, code: /^[a-z]$/.test(key) ? `Key${key.toUpperCase()}` : /^[0-9]$/.test(key) ? `Digit${key}` : key, bubbles: true, cancelable: true};
    for (const name of parts) facts[held[name]] = true;
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", facts));
    await new Promise((done) => setTimeout(done, ms));
  }
}"""


def boxes(at: int) -> list[list[float]]:
    """Return the boxes of an image's candidates; each image has its own places."""
    return [[20 + 110 * i, 20 + 9 * (at % 30), 70 + 110 * i, 60 + 9 * (at % 30)] for i in range(EACH)]


def proposed(bench: Workbench, folder: Path, name: str) -> None:
    """Make a dataset with EACH candidates in each image, the confidence falling from box to box."""
    data = make(bench, folder, name)
    conf = [0.95 - 0.1 * i for i in range(EACH)]
    for at, row in enumerate(data.images()):
        replace_candidates(data, {row.id: Detections.of(boxes(at), conf, [i % 2 for i in range(EACH)])}, "blobs", "run")


@pytest.fixture(scope="module")
def reviewed_app(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> LiveApp:
    """Lend an app with a dataset for each test."""
    home = tmp_path_factory.mktemp("reviewed") / "home"
    bench = Workbench.at(home)
    proposed(bench, draw_street(tmp_path_factory.mktemp("crowd") / "images", IMAGES, 0), "crowd")
    few = draw_street(tmp_path_factory.mktemp("few") / "images", 4, 0)
    for name in ("sheet", "undone", "empty"):
        proposed(bench, few, name)
    bench.close()
    return LiveApp(start_server("--no-sample", home=home).url, home)


@pytest.fixture
def board(seat, reviewed_app) -> Iterator[Board]:
    """Lend a window; errors of the page's scripts fail the test."""
    board = seat.board(reviewed_app.url)
    yield board
    assert not board.broken


def opened(board: Board, dataset: str) -> None:
    """Open a dataset."""
    board.page.evaluate("(name) => window.tator.openDataset(name)", dataset)
    board.wait(f"app.session.dataset === '{dataset}' && app.session.phase === 'ready'")


def queue_of(board: Board, **facts: Any) -> list[dict]:
    """Return candidates of the open dataset, as the server has them."""
    ask = f"async (facts) => (await {APP}.call('review_queue', {{dataset: {APP}.session.dataset, limit: 1000, ...facts}})).items"
    return board.page.evaluate(ask, facts)


def answers(board: Board) -> dict[str, tuple[str, int]]:
    """Return {id: (status, class)} of every machine's box."""
    return {
        row["id"]: (status, row["class_id"])
        for status in ("accepted", "rejected", "candidate")
        for row in queue_of(board, status=status)
    }


def begun(board: Board) -> None:
    """Begin a review."""
    board.press("Shift+R")
    board.wait("app.queue.isOpen && app.queue.current && !app.queue.isAway && !app.session.isWalking")


def at_rest(board: Board) -> None:
    """Wait until every key is done and saved."""
    board.wait("!app.session.isWalking")
    board.saved()


def test_200_candidates_are_reviewed_by_keyboard_and_every_answer_is_kept(board: Board):
    opened(board, "crowd")
    queue = queue_of(board)
    assert len(queue) == IMAGES * EACH
    draw = random.Random(11)
    wrong = set(draw.sample(range(len(queue)), len(queue) // 10))
    fixed = set(sorted(wrong)[::4])  # of those that are wrong: another class is right
    keys, wanted = [], {}
    for at, item in enumerate(queue):
        if at in fixed:
            keys += ["i", "Control+1" if item["class_id"] else "Control+2", "y"]
            wanted[item["id"]] = ("accepted", 1 - item["class_id"])
        else:
            keys.append("u" if at in wrong else "y")
            wanted[item["id"]] = ("rejected" if at in wrong else "accepted", item["class_id"])
    begun(board)
    board.page.evaluate(TYPE, {"keys": keys, "ms": KEY_MS})
    at_rest(board)
    assert answers(board) == wanted
    assert board.state("app.queue.counts") == {"left": 0, "done": IMAGES * EACH}
    accepted = sum(status == "accepted" for status, _ in wanted.values())
    print(f"{len(keys)} inputs for {accepted} accepted candidates: {len(keys) / accepted:.2f} each")
    assert len(keys) / accepted <= 1.3


def test_undo_steps_back_over_images_and_a_batch_is_one_step(board: Board):
    opened(board, "undone")
    queue = queue_of(board)
    begun(board)
    board.page.evaluate(TYPE, {"keys": ["y"] * (EACH + 2), "ms": KEY_MS})
    at_rest(board)
    assert board.state("app.queue.current.id") == queue[EACH + 2]["id"]
    board.page.evaluate(TYPE, {"keys": ["Control+z"] * 4, "ms": KEY_MS})
    at_rest(board)
    assert board.state("app.queue.current.id") == queue[EACH - 2]["id"]
    assert board.state("app.session.imageId") == queue[0]["image_id"]
    assert [item["id"] for item in queue_of(board, status="accepted")] == [item["id"] for item in queue[: EACH - 2]]
    board.page.evaluate(f"() => {APP}.queue.answerMany('accepted', null, {{conf_min: 0.7}}).then({APP}.queue.follow)")
    board.wait("app.queue.counts.done === 12 && !app.session.isWalking")
    board.press("Control+z")
    board.wait("app.queue.counts.done === 3 && !app.session.isWalking")
    assert len(queue_of(board, status="accepted")) == EACH - 2


def test_an_image_without_objects_is_one_key(board: Board):
    opened(board, "empty")
    queue = queue_of(board)
    begun(board)
    board.page.evaluate(TYPE, {"keys": ["Shift+u", "u", "y", "Shift+u"], "ms": KEY_MS})
    at_rest(board)
    assert board.state("app.queue.current.image_id") == queue[2 * EACH]["image_id"]
    told = answers(board)
    assert [told[item["id"]][0] for item in queue[: 2 * EACH]] == ["rejected"] * (EACH + 1) + ["accepted"] + [
        "rejected"
    ] * (EACH - 2)
    assert [board.state(f"app.images.row({at}).state") for at in range(3)] == ["reviewed", "reviewed", "new"]


def test_a_contact_sheet_takes_ranges_by_mouse_and_keyboard_and_one_undo(board: Board):
    opened(board, "sheet")
    cats = [item["id"] for item in queue_of(board, class_name="car", order="confidence")]
    assert len(cats) == 12
    board.press("Shift+G")
    crops = board.page.locator(".tc-crop")
    expect(crops).to_have_count(12)
    expect(crops.first.locator("img")).to_have_js_property("complete", True)
    assert crops.first.locator("img").evaluate("(node) => node.naturalWidth") > 20
    crops.nth(2).click()
    crops.nth(6).click(modifiers=["Shift"])
    crops.nth(4).click()
    board.press("u")
    expect(crops).to_have_count(8)
    board.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "y")
    expect(crops).to_have_count(5)
    left = [key for at, key in enumerate(cats) if at not in (2, 3, 5, 6)]
    told = {key: status for key, (status, _) in answers(board).items()}
    assert [told[key] for key in left] == ["candidate", *["accepted"] * 3, *["candidate"] * 4]
    assert [told[cats[at]] for at in (2, 3, 5, 6)] == ["rejected"] * 4
    board.press("Control+z")
    expect(crops).to_have_count(8)
    board.press("Control+z")
    expect(crops).to_have_count(12)
    assert {status for status, _ in answers(board).values()} == {"candidate"}
    board.press("Control+a", "y")
    expect(board.page.locator(".tc-crops .tc-hint")).to_be_visible()
    assert Counter(status for status, _ in answers(board).values()) == {"accepted": 12, "candidate": 8}
    board.press("Escape")
