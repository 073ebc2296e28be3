"""The view in a real Chromium: look and minimap, a window over 12 bits, and an image of more than 50 megapixels by tiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.browser.board import APP, Board
from tests.browser.conftest import LiveApp, draw_street

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDE, HIGH = 9_000, 5_700  # just above 50 megapixels
CELL = 100  # pixels; every cell of the large image has a grey of its own place
PIXEL = """([x, y]) => {
  const canvas = document.querySelector(".tc-picture"), dpr = devicePixelRatio, view = window.tator.app.stage.view;
  return [...canvas.getContext("2d").getImageData((x * view.zoom + view.x) * dpr, (y * view.zoom + view.y) * dpr, 1, 1).data];
}"""


def grey(x: int, y: int) -> int:
    """Return the grey of the large image at a point."""
    return (x // CELL * 7 + y // CELL * 31) % 256


@pytest.fixture(scope="module")
def view_app(start_server, tmp_path_factory) -> LiveApp:
    """Lend an app with a large, a deep and a few small images."""
    folder = draw_street(tmp_path_factory.mktemp("views") / "images", images=2, labelled=2)
    y, x = np.mgrid[0:HIGH, 0:WIDE].astype(np.int32)
    Image.fromarray(((x // CELL * 7 + y // CELL * 31) % 256).astype(np.uint8)).save(
        folder / "large.png", compress_level=1
    )
    Image.fromarray(np.tile(np.arange(800, dtype=np.uint16) * 5, (600, 1))).save(folder / "twelve_bits.png")
    app = LiveApp("", tmp_path_factory.mktemp("view") / "home")
    app.cli("datasets-create", "--name", "views", "--source", str(folder))
    app.url = start_server("--no-sample", home=app.home).url
    return app


@pytest.fixture
def board(seat, view_app) -> Iterator[Board]:
    """Lend a window; errors of the page's scripts fail the test."""
    board = seat.board(view_app.url)
    yield board
    assert not board.broken


def open_image(board: Board, name: str) -> None:
    board.page.evaluate(
        f"""async (name) => {{
        const {{ images, session }} = {APP};
        for (let at = 0; at < images.total; at++) if ((await images.at(at)).name === name) await session.openImage(images.row(at).id);
    }}""",
        name,
    )
    board.wait(f"app.store.image?.name === '{name}' && app.session.phase === 'ready'")


def shows(board: Board, at: tuple[float, float], value: int) -> None:
    """Wait until the picture has a grey at an image point."""
    board.page.wait_for_function(
        f"([at, value]) => Math.abs(({PIXEL})(at)[0] - value) <= 1 && ({PIXEL})(at)[3] === 255",
        arg=[list(at), value],
    )


def test_a_large_image_is_shown_by_tiles_and_drawn_on_in_its_own_pixels(board: Board):
    open_image(board, "large.png")
    board.wait("app.tiles.isSharp && app.windows.shown")
    for zoom, at in ((1, (4_555, 2_650)), (3, (8_940, 5_650)), (0.3, (150, 350)), (8, (50, 50))):
        board.page.evaluate(
            f"([zoom, at]) => {{ {APP}.stage.zoomTo(zoom); {APP}.stage.centre(at); }}", [zoom, list(at)]
        )
        shows(board, at, grey(*at))
    assert board.state("app.tiles.held") <= 192
    board.page.evaluate(f"() => {{ {APP}.stage.zoomTo(1); {APP}.stage.centre([6000, 3000]); }}")
    key = board.draw((5_900, 2_950, 6_100, 3_050))
    board.saved()
    (row,) = [row for row in board.stored() if row["id"] == key]
    assert np.allclose(row["xyxy"], (5_900, 2_950, 6_100, 3_050), atol=1.5)


def test_the_minimap_moves_the_view_by_mouse_and_by_keyboard(board: Board):
    open_image(board, "large.png")
    board.page.evaluate(f"() => {APP}.stage.zoomTo(1)")
    minimap = board.page.get_by_label("Minimap: arrow keys move the view")
    place = minimap.bounding_box()
    board.page.mouse.click(place["x"] + place["width"] * 0.75, place["y"] + place["height"] * 0.25)
    middle = "[(app.stage.screen.width / 2 - app.stage.view.x), (app.stage.screen.height / 2 - app.stage.view.y)]"
    at = board.state(middle)
    assert abs(at[0] - 0.75 * WIDE) < 150 and abs(at[1] - 0.25 * HIGH) < 150
    before = board.state("app.store.image.id")
    board.press("Tab")
    minimap.focus()
    board.press("ArrowLeft")
    board.wait(f"{middle}[0] < {at[0] - 100}")
    assert board.state("app.store.image.id") == before
    board.press("Shift+K")
    board.page.wait_for_function("() => document.querySelector('.tc-minimap').hidden")


def test_a_window_over_twelve_bits_is_shown_of_the_stored_values_and_reset_by_one_key(board: Board):
    open_image(board, "twelve_bits.png")
    board.press("Shift+B")
    low = board.page.get_by_label("Value that is shown black")
    board.page.get_by_text("Values 0 to 3995 (uint16)").wait_for()
    low.fill("1000")
    low.press("Enter")
    high = board.page.get_by_label("Value that is shown white")
    high.fill("1200")
    high.press("Enter")
    board.page.evaluate(f"() => {{ {APP}.stage.zoomTo(6); {APP}.stage.centre([220, 300]); }}")
    for x, value in ((190.5, 0), (220.5, 128), (250.5, 255)):
        shows(board, (x, 300.5), value)
    board.page.evaluate("() => document.activeElement.blur()")
    board.press("Shift+D")
    shows(board, (220.5, 300.5), round(255 * 1100 / 3995))


def test_the_look_is_the_picture_s_alone_and_is_kept(board: Board):
    open_image(board, "street00.jpg")
    board.page.evaluate(
        f"() => Object.entries({{brightness: 30, gamma: 2, opacity: 40}}).forEach(([name, value]) => {APP}.settings.set(name, value))"
    )
    style = "(name) => getComputedStyle(document.querySelector(name))"
    assert "url" in board.page.evaluate(f"({style})('.tc-picture').filter")
    assert board.page.evaluate(f"({style})('.tc-base').filter") == "none"
    assert board.page.evaluate(f"({style})('.tc-base').opacity") == "0.4"
    board.page.reload()
    board.ready()
    assert board.state("app.settings.get('brightness')") == 30
    board.press("Shift+D")
    assert board.page.evaluate(f"({style})('.tc-picture').filter") == "none"
    assert board.page.evaluate(f"({style})('.tc-base').opacity") == "1"
