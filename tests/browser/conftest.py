"""A running app with a small street dataset, and a person at its canvas."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tator.cli import main
from tests.browser.board import SLOW_MS, Board

SIZES = {0: (62, 32), 1: (110, 44), 2: (54, 54)}
NAMES = ("car", "truck", "tree")
FORGET = "if (!sessionStorage.begun) { localStorage.clear(); sessionStorage.begun = 1; }"  # a reload remembers, a new page does not
FILLS = ((200, 60, 50), (205, 160, 60), (52, 120, 48))


@dataclass
class LiveApp:
    """app.py as a child process, with its workspace.

    Attributes:
        url: where it listens, without a slash at the end.
        home: its workspace.
    """

    url: str
    home: Path

    def cli(self, *arguments: str) -> Any:
        """Run one subcommand on the app's workspace, beside the app but in this process, and return its JSON."""
        told, said = io.StringIO(), io.StringIO()
        with redirect_stdout(told), redirect_stderr(said):
            code = main(["--home", str(self.home), "--json", *arguments])
        assert code == 0, said.getvalue()
        return json.loads(told.getvalue().strip().splitlines()[-1]) if told.getvalue().strip() else None


def draw_street(folder: Path, images: int, labelled: int, objects: int = 12, seed: int = 3) -> Path:
    """Write images of blocks on grey roads and YOLO labels of the first ones."""
    draw = random.Random(seed)
    folder.mkdir(parents=True)
    for i in range(images):
        picture, lines = Image.new("RGB", (640, 420), (92, 104, 84)), []
        pen = ImageDraw.Draw(picture)
        for y in range(40, 420, 130):
            pen.rectangle([0, y, 640, y + 70], fill=(74, 76, 80))
        for _ in range(objects):
            kind = draw.choice((0, 0, 1, 2))
            w, h = SIZES[kind]
            x, y = draw.randrange(640 - w), draw.randrange(420 - h)
            (pen.ellipse if kind == 2 else pen.rectangle)([x, y, x + w, y + h], fill=FILLS[kind], outline=(20, 20, 20))
            lines.append(f"{kind} {(x + w / 2) / 640:.6f} {(y + h / 2) / 420:.6f} {w / 640:.6f} {h / 420:.6f}")
        picture.save(folder / f"street{i:02}.jpg", quality=90)
        if i < labelled:
            (folder / f"street{i:02}.txt").write_text("\n".join(lines))
    (folder / "classes.txt").write_text("\n".join(NAMES))
    return folder


@pytest.fixture(scope="module")
def live_app(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> LiveApp:
    """Lend an app with the dataset "street": 10 images, the first 5 labelled, and one unreadable file."""
    folder = draw_street(tmp_path_factory.mktemp("street") / "images", images=10, labelled=5)
    (folder / "unreadable.jpg").write_bytes(b"\xff\xd8\xff no picture")
    home = tmp_path_factory.mktemp("live") / "home"
    app = LiveApp("", home)
    app.cli("datasets-create", "--name", "street", "--source", str(folder))
    app.url = start_server("--no-sample", home=home).url
    return app


class Seat:
    """One window that tests use one after the other, each with a new canvas; one that broke is not used again."""

    def __init__(self, browser: Any) -> None:
        self._browser, self._board = browser, None

    def board(self, url: str) -> Board:
        """Return the window, at the first image of the app's dataset."""
        if self._board is None:
            self._board = Board(self._browser, url)
        else:
            self._board.restart()
        return self._board

    def leave(self) -> None:
        """Close the window."""
        if self._board is not None:
            self._board.context.close()
            self._board = None


@pytest.fixture(scope="module")
def seat(browser: Any) -> Iterator[Seat]:
    """Lend a place for a window that the module's tests share."""
    seat = Seat(browser)
    yield seat
    seat.leave()


@pytest.fixture
def board(seat: Seat, live_app: LiveApp) -> Iterator[Board]:
    """Lend the window on an image without annotations; errors of the page's scripts fail the test."""
    board = seat.board(live_app.url)
    board.open(8)
    board.clear()
    yield board
    assert not board.broken


@pytest.fixture(scope="module")
def url(start_server: Callable[..., Any]) -> str:
    """Return the address of an app of the module's own, empty at first."""
    return start_server("--no-sample").url


@pytest.fixture(scope="module")
def profile(browser: Any) -> Iterator[Any]:
    """Lend a profile that the module's pages share: only the first one waits for the app's files."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def blank(profile: Any) -> Iterator[Any]:
    """Lend a page that remembers nothing; an error in the scripts of what it opens fails the test."""
    page, broken = profile.new_page(), []
    page.set_default_timeout(SLOW_MS)
    page.add_init_script(FORGET)
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    page.close()
    assert not broken


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Any:
    """Close a shared window after a test that failed in it."""
    report = yield
    if report.failed and (seat := getattr(item, "funcargs", {}).get("seat")):
        seat.leave()
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Lend a headless Chromium, or skip where there is none."""
    import playwright.sync_api as playwright

    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    playwright.expect.set_options(timeout=SLOW_MS)
    with playwright.sync_playwright() as driver:
        if path is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("no Chromium on this machine")
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()
