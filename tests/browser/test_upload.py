"""The drop area in a real Chromium: pieces, a reload, a server that is killed, cancel and discard, odd names."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import playwright.sync_api as playwright
import pytest
from PIL import Image

from tests.conftest import Server

expect, Page = playwright.expect, playwright.Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PIECE = 8 * 2**20  # as sending.js has it
BOX = "#new-upload"


@pytest.fixture(scope="module")
def server(start_server: Any) -> Server:
    return start_server("--no-sample")


@pytest.fixture
def page(blank: Page, server: Server) -> Page:
    """A page with the upload form."""
    open_form(blank, server.url)
    return blank


def open_form(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("#tab-datasets-button:visible").first.click()
    page.locator("#new-source").get_by_text("Upload").click()
    expect(page.locator(f"{BOX} .t-drop")).to_be_visible()


def choose(page: Page, *paths: Path, kind: str = "files") -> None:
    page.locator(f"{BOX} [data-input={kind}]").set_input_files([str(path) for path in paths])


def told(page: Page) -> Any:
    return page.locator(f"{BOX} .t-drop")


class Wire:
    """Watches what the page posts to /upload, and holds back every request after the first few.

    Attributes:
        sent: (query, bytes) of each request let through.
        held: how many were held back.
    """

    def __init__(self, page: Page, let_through: int) -> None:
        self.page, self.left, self.sent, self.held = page, let_through, [], 0
        page.route("**/upload*", self._pass)

    def _pass(self, route: Any) -> None:
        if route.request.method != "POST":
            return route.continue_()
        if self.left <= 0:
            self.held += 1  # neither answered nor refused, as on a line that went silent
            return None
        self.left -= 1
        query = {key: values[0] for key, values in parse_qs(urlsplit(route.request.url).query).items()}
        self.sent.append((query, int(route.request.headers.get("content-length", 0))))
        route.continue_()
        return None

    def wait_held(self) -> None:
        for _ in range(400):
            if self.held:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("nothing was held back")


def uploads(server: Server) -> dict[str, dict[str, bytes]]:
    """Return {upload id: {path: content}}."""
    found = {}
    for folder in (server.home / "uploads").iterdir() if (server.home / "uploads").is_dir() else ():
        found[folder.name] = {
            p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
        }
    return found


def large(folder: Path, pieces: float) -> Path:
    path = folder / "large.bin"
    path.write_bytes(os.urandom(int(pieces * PIECE)))
    return path


def test_a_reload_in_the_middle_goes_on_where_the_server_stands(page: Page, server: Server, tmp_path: Path):
    file = large(tmp_path, 4.5)
    first = Wire(page, 2)
    choose(page, file)
    first.wait_held()
    page.unroute_all(behavior="ignoreErrors")  # the piece held goes out, and the reload cuts it somewhere
    open_form(page, server.url)
    second = Wire(page, 99)
    choose(page, file)
    expect(told(page)).to_contain_text("large: 1 file, 37.7 MB uploaded")
    assert [int(query["offset"]) for query, _ in first.sent] == [0, PIECE]
    assert all(int(query["offset"]) >= 2 * PIECE for query, _ in second.sent) and len(second.sent) <= 3
    (content,) = [found for found in uploads(server).values() if "large.bin" in found]
    assert content == {"large.bin": file.read_bytes()}


def test_a_server_killed_in_the_middle_loses_nothing(page: Page, server: Server, tmp_path: Path):
    file = large(tmp_path, 3.2)
    wire = Wire(page, 1)
    choose(page, file)
    wire.wait_held()
    server.stop(signal.SIGKILL)
    with server.log.open("a") as log:
        server.process = subprocess.Popen(
            server.process.args, stdout=log, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]
        )
    server.wait_ready()
    expect(page.locator(BOX)).to_have_count(0)  # Gradio loads the page anew when its server is back
    page.unroute_all(behavior="ignoreErrors")
    open_form(page, server.url)
    expect(told(page)).to_contain_text("The upload of large was cut off: choose the same files again")
    choose(page, file)
    expect(told(page)).to_contain_text("uploaded")
    assert "cut off" not in told(page).inner_text()
    assert {"large.bin": file.read_bytes()} in uploads(server).values()


def test_cancel_keeps_what_arrived_and_discard_deletes_it(page: Page, server: Server, tmp_path: Path):
    before = uploads(server).keys()
    file = large(tmp_path, 2.5)
    wire = Wire(page, 1)
    choose(page, file)
    wire.wait_held()
    expect(told(page)).to_contain_text("8.4 MB of 21.0 MB")
    page.locator(BOX).get_by_role("button", name="Cancel").click()
    expect(told(page)).to_contain_text("What has arrived is kept")
    (begun,) = uploads(server).keys() - before
    wire.left = 1
    page.locator(BOX).get_by_role("button", name="Go on").click()
    for _ in range(100):
        if len(wire.sent) == 2:
            break
        page.wait_for_timeout(100)
    assert [int(query["offset"]) for query, _ in wire.sent] == [0, PIECE] and wire.sent[1][0]["id"] == begun
    page.locator(BOX).get_by_role("button", name="Cancel").click()
    page.locator(BOX).get_by_role("button", name="Discard").click()
    expect(told(page)).to_contain_text("deleted")
    assert begun not in uploads(server)
    wire.left = 99
    choose(page, file)
    expect(told(page)).to_contain_text("uploaded")
    (again,) = uploads(server).keys() - before
    assert again != begun and uploads(server)[again] == {"large.bin": file.read_bytes()}


def test_a_folder_keeps_every_name_and_chosen_again_sends_nothing(page: Page, server: Server, tmp_path: Path):
    root = tmp_path / "my set"
    names = [
        "a.txt",
        'say "cheese".txt',
        "100%22.txt",
        "ünï/中文 🚢.txt",
        "deep/er/and;er/x'.txt",
        "empty.txt",
        "big.bin",
    ]
    for name in (*names, *(f"many/{n}.txt" for n in range(600))):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"" if name == "empty.txt" else os.urandom(2**21 if name == "big.bin" else 50))
    wire = Wire(page, 999)
    choose(page, root, kind="folder")
    expect(told(page)).to_contain_text("my set: 607 files")
    assert len(wire.sent) <= 6
    content = {f"my set/{p.relative_to(root).as_posix()}": p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert content in uploads(server).values()
    sent = len(wire.sent)
    open_form(page, server.url)
    choose(page, root, kind="folder")
    expect(told(page)).to_contain_text("my set: 607 files")
    assert len(wire.sent) == sent


def test_an_uploaded_folder_is_imported(page: Page, server: Server, tmp_path: Path):
    root = tmp_path / "street"
    (root / "images").mkdir(parents=True)
    for n in range(3):
        Image.new("RGB", (64, 48), (80 * n, 40, 40)).save(root / "images" / f"{n}.png")
        (root / "images" / f"{n}.txt").write_text("0 .5 .5 .5 .5\n")
    (root / "classes.txt").write_text("car\n")
    choose(page, root, kind="folder")
    expect(told(page)).to_contain_text("street: 7 files")
    page.locator("#new-start").click()
    expect(page.locator("#datasets-list tr.on")).to_contain_text("street")
    expect(page.locator("#dataset-overview")).to_contain_text("Boxes")


def test_a_folder_whose_upload_was_imported_is_sent_anew(page: Page, server: Server, tmp_path: Path):
    root = tmp_path / "twice"
    root.mkdir()
    Image.new("RGB", (64, 48), (80, 40, 40)).save(root / "a.png")
    for name in ("one", "two"):
        choose(page, root, kind="folder")
        expect(told(page)).to_contain_text("twice: 1 file")
        field = page.locator("#new-name input, #new-name textarea").first
        expect(field).to_have_value("twice")  # taken from the folder
        field.fill(name)
        page.locator("#new-start").click()
        expect(page.locator("#datasets-list tr.on")).to_contain_text(name)
        expect(page.locator("#dataset-title")).to_contain_text(name)
        page.wait_for_timeout(500)
