"""A new workflow is three new places and no other change: a package, a module of verbs, a module of tabs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio_client
import pytest
from PIL import Image, ImageDraw

from tests.browser.board import APP, SLOW_MS
from tests.browser.conftest import browser  # noqa: F401
from tests.conftest import ROOT, Server
from tests.test_mcp import answer, tools, use_tool

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TOY = Path(__file__).parents[1] / "toy"
SQUARES = ((20, 30, 60, 70), (120, 40, 170, 90), (60, 120, 110, 170))  # xyxy, pixels
SIDE = 200


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lend a copy of the product with the toy in its three places."""
    root = tmp_path_factory.mktemp("toy") / "product"
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("tator", "tabs", "assets"):
        shutil.copytree(ROOT / name, root / name, ignore=skipped)
    shutil.copy(ROOT / "app.py", root)
    shutil.copytree(TOY / "workflow", root / "tator" / "workflows" / "toy", ignore=skipped)
    shutil.copy(TOY / "verbs.py", root / "tator" / "ops" / "toy.py")
    shutil.copy(TOY / "tab.py", root / "tabs" / "toy.py")
    return root


def draw_squares(folder: Path) -> Path:
    """Write six images with white squares; one square of the first two is labelled."""
    folder.mkdir()
    for i in range(6):
        image = Image.new("RGB", (SIDE, SIDE), (40, 60, 50))
        for x1, y1, x2, y2 in SQUARES:
            ImageDraw.Draw(image).rectangle([x1, y1, x2 - 1, y2 - 1], fill=(250, 250, 250))
        image.save(folder / f"{i}.png")
    x1, y1, x2, y2 = (side / SIDE for side in SQUARES[0])
    for i in range(2):
        (folder / f"{i}.txt").write_text(f"0 {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}")
    (folder / "classes.txt").write_text("square\n")
    return folder


@pytest.fixture(scope="module")
def cli(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Lend the command line of the copy, on a workspace with the dataset "squares" and a toy trained there."""
    home = tmp_path_factory.mktemp("toy-home") / "home"

    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "tator", "--home", str(home), "--json", *arguments]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.home = home  # type: ignore[attr-defined]
    source = draw_squares(home.parent / "images")
    run("datasets-create", "--name", "squares", "--source", str(source))
    run("toy-train", "--dataset", "squares", "--name", "by hand", "--threshold", "180")
    return run


@pytest.fixture(scope="module")
def server(copy: Path, cli: Callable[..., Any], start_server: Callable[..., Server]) -> Server:
    """Lend the copy's app on that workspace."""
    return start_server("--no-sample", home=cli.home, root=copy)  # type: ignore[attr-defined]


def test_the_command_line_takes_the_settings_and_keeps_the_run(cli: Callable[..., Any]):
    (row,) = cli("runs-list", "--family", "toys")
    assert row["name"] == "by hand" and row["dataset"] == "squares"
    assert cli("runs-get", "--family", "toys", "--name", "by hand")["settings"]["threshold"] == 180


def test_http_and_mcp_offer_the_verbs_with_their_settings(server: Server):
    schema = tools(server.url)["toy_train"].inputSchema["properties"]
    assert {"dataset", "name", "threshold", "share", "recipe"} <= set(schema)
    listed = answer(use_tool(server.url, "runs_list", family="toys"))
    client = gradio_client.Client(server.url, verbose=False, download_files=False)
    told = client.predict(family="toys", api_name="/runs_list")
    assert [row["name"] for row in listed] == [row["name"] for row in told] == ["by hand"]
    client.predict(kind="toy", name="dark", settings=json.dumps({"threshold": 90}), api_name="/recipes_save")
    assert client.predict(kind="toy", api_name="/recipes_list") == ["dark"]


def test_the_tab_trains_and_proposes_and_label_shows_the_candidates(server: Server, browser: Any, tmp_path: Path):  # noqa: F811
    from playwright.sync_api import expect

    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(SLOW_MS)
    page.goto(server.url)
    page.wait_for_function("window.tator?.app?.session.phase === 'ready'")
    page.evaluate("window.tator.openImage('squares', 3)")  # without labels, so it is not reviewed
    page.wait_for_function(f"{APP}.session.imageId === 3 && {APP}.session.phase === 'ready'")
    assert page.evaluate("window.tator.showTab('toy')"), "also where the window is too narrow for its button"
    expect(page.locator("#toys-list")).to_contain_text("by hand")
    expect(page.get_by_label("Threshold")).to_have_value("200")
    page.locator("#toy-train-name input, #toy-train-name textarea").fill("from the tab")
    page.locator("#toy-train-start").click()
    expect(page.locator("#toys-list")).to_contain_text("from the tab")
    page.get_by_role("tab", name="Propose").click()
    expect(page.locator("#toy-propose-run input")).to_have_value("from the tab")
    page.locator("#toys-list").get_by_text("by hand").click()
    expect(page.locator("#toy-propose-run input")).to_have_value("by hand")
    page.locator("#toys-list").get_by_text("from the tab").click()
    expect(page.locator("#toy-propose-run input")).to_have_value("from the tab")
    page.locator("#toy-propose-start").click()
    expect(page.locator("#job-toy-train [data-state=succeeded]")).to_contain_text("Find bright regions")
    expect(page.locator("#toy-train-proposed")).to_contain_text("toy@from the tab")
    page.get_by_role("button", name="Decide in Label").click()
    page.wait_for_function(f"[...{APP}.store.rows.values()].some(row => row.status === 'candidate')")
    rows = page.evaluate(f"[...{APP}.store.rows.values()]")
    proposed = [row for row in rows if row["status"] == "candidate"]
    assert {row["source"] for row in proposed} == {"toy@from the tab"}
    assert {tuple(row["xyxy"]) for row in proposed} == set(SQUARES)
    page.screenshot(path=tmp_path / "candidates.png")
    page.context.close()


def test_the_house_rules_hold_with_the_toy(copy: Path):
    for name in ("tests", "docs", "bench"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    for name in ("pyproject.toml", "CONTRIBUTING.md", "Makefile"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_house.py"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
