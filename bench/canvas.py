"""The canvas in headless Chromium: from a click to a drawn box, panning many boxes, changing images."""

from __future__ import annotations

import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._row import Row
from bench._turns import at_most

ROOT = Path(__file__).parents[1]
SIZE = (1920, 1280)
CLICKS, SWITCHES, PAN_S = 50, 24, 3.0
WARMING = 3  # the first clicks train the refiner and encode the image
MOST = 1.5  # times a click's bare operation and the segmenter; a frame more would be 1.6 times
MANY = (1_000, 5_000)
APP = "window.tator?.app"
# From the pointer's release to the frame that shows the box, and what the segmenter itself took of that. With the select tool, to the
# frame after the answer of an operation that reads two numbers from memory: a release is answered at the pace of frames.
WATCH = f"""() => {{
  const {{ server, store, call, tools }} = {APP}, rpc = server.rpc; let began = 0, model = 0; window.clicks = []; window.bare = [];
  document.querySelector('.tc-over').addEventListener('pointerup', async () => {{
    const t = began = performance.now();
    if (tools.current.id !== 'select') return;
    await call('slots_status');
    requestAnimationFrame(() => window.bare.push(performance.now() - t));
  }}, true);
  server.rpc = async (message) => {{
    const answer = await rpc(message);
    if (message.m === 'segment') model = answer.result.model_ms;
    return answer;
  }};
  store.subscribe(({{ ids }}) => {{
    if (!ids || !began) return;
    const t = began; began = 0;
    requestAnimationFrame(() => window.clicks.push([performance.now() - t, model]));
  }});
}}"""
IDLE = f"() => {APP}.sync.waiting === 0 && {APP}.sync.state === 'saved' && {APP}.pending.size === 0"


def rows() -> Iterator[Row]:
    """Measure the canvas against a running app."""
    with tempfile.TemporaryDirectory() as folder, app(Path(folder)) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_function(f"() => {APP}?.session.phase === 'ready'", timeout=60_000)
        yield clicks(page)
        yield switching(page)
        for index, count in enumerate(MANY):
            yield panning(page, index, count)


def clicks(page: Any) -> Row:
    """Click objects with the point tool; a click's bare operation and the segmenter alone are what that cannot do without."""
    show(page, len(MANY))
    page.evaluate(WATCH)
    draw = random.Random(1)
    took, least = [], []
    for i in range(CLICKS + WARMING):
        at = spot(page, draw.uniform(100, SIZE[0] - 100), draw.uniform(100, SIZE[1] - 100))
        idle(page)
        page.keyboard.press("d")
        page.mouse.click(*at)
        page.wait_for_function("(n) => window.clicks.length > n", arg=i, timeout=60_000)
        whole, model = page.evaluate("() => window.clicks.at(-1)")
        idle(page)
        page.keyboard.press("v")
        page.mouse.click(*at)
        page.wait_for_function("(n) => window.bare.length > n", arg=i, timeout=60_000)
        took.append(whole)
        least.append(page.evaluate("() => window.bare.at(-1)") + model)
    name, peer = "click to box drawn, ridge_box", "a bare operation by click + the segmenter alone"
    return at_most(MOST, name, took[WARMING:], "ms", peer, least[WARMING:])


def idle(page: Any) -> None:
    """Return once everything is saved and no model is asked."""
    page.wait_for_function(IDLE, timeout=60_000)


def switching(page: Any) -> Row:
    """Go to the next image and back; from the key to the open image."""
    times = []
    for i in range(SWITCHES):
        index = page.evaluate(f"() => {APP}.session.index") + (1 if i % 2 == 0 else -1)
        step = f"async (by) => {{ const t = performance.now(); await {APP}.session.step(by); return performance.now() - t; }}"
        times.append(page.evaluate(step, 1 if i % 2 == 0 else -1))
        page.wait_for_function(f"(i) => {APP}.session.index === i", arg=index)
        page.wait_for_timeout(300)  # a person looks; the neighbours are fetched meanwhile
    median = statistics.median(times)
    return Row("next or previous image, 1920x1280, median of 24", median, "ms", "", None, "<= 100 ms", median <= 100)


def panning(page: Any, index: int, count: int) -> Row:
    """Drag the view over an image with many boxes; frames of the image layer a second."""
    show(page, index)
    assert page.evaluate(f"() => {APP}.store.rows.size") == count
    x, y = spot(page, SIZE[0] / 2, SIZE[1] / 2)
    page.keyboard.press("v")
    page.mouse.move(x, y)
    page.mouse.down(button="middle")
    fps = frames_while(page, lambda i: page.mouse.move(x + 120 * ((i % 40) / 20 - 1), y + 60 * ((i % 30) / 15 - 1)))
    page.mouse.up(button="middle")
    return Row(f"pan {count:,} boxes, image layer", fps, "frames/s", "", None, ">= 30 frames/s", fps >= 30)


def frames_while(page: Any, move: Callable[[int], None]) -> float:
    """Return how often a second the image layer is painted while the hand makes move after move."""
    paints = f"() => [performance.now(), {APP}.stage.stats.basePaints]"
    began, before = page.evaluate(paints)
    until, i = time.monotonic() + PAN_S, 0
    while time.monotonic() < until:
        i += 1
        move(i)
    ended, after = page.evaluate(paints)
    return (after - before) / (ended - began) * 1_000


def show(page: Any, index: int) -> None:
    """Open the image at an index and wait for it."""
    page.evaluate(f"async (i) => {APP}.session.openImage((await {APP}.images.at(i)).id)", index)
    page.wait_for_function(f"(i) => {APP}.session.index === i && {APP}.session.phase === 'ready'", arg=index)
    page.wait_for_timeout(500)


def spot(page: Any, x: float, y: float) -> tuple[float, float]:
    """Return where an image point is in the window."""
    place = f"() => {{ const r = {APP}.stage.root.getBoundingClientRect(), v = {APP}.stage.view; return [r.left + v.x, r.top + v.y, v.zoom]; }}"
    left, top, zoom = page.evaluate(place)
    return x * zoom + left, y * zoom + top


def draw_images(folder: Path) -> None:
    """Write images of 1,000 and 5,000 labelled boxes and six of 60, blocks on noise."""
    import numpy as np
    from PIL import Image, ImageDraw

    folder.mkdir(parents=True)
    dice, noise = random.Random(2), np.random.default_rng(2)
    for i, count in enumerate([*MANY, *[60] * 6]):
        texture = noise.integers(70, 110, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(texture).resize(SIZE, Image.Resampling.BICUBIC)
        pen, lines = ImageDraw.Draw(picture), []
        w, h = (24, 16) if count > 60 else (90, 56)
        for _ in range(count):
            kind, x, y = dice.randrange(3), dice.uniform(0, SIZE[0] - w), dice.uniform(0, SIZE[1] - h)
            pen.rectangle(
                [x, y, x + w, y + h], fill=((200, 60, 50), (205, 160, 60), (60, 120, 190))[kind], outline=(20, 20, 20)
            )
            lines.append(
                f"{kind} {(x + w / 2) / SIZE[0]:.6f} {(y + h / 2) / SIZE[1]:.6f} {w / SIZE[0]:.6f} {h / SIZE[1]:.6f}"
            )
        picture.save(folder / f"frame{i:02}.jpg", quality=88)
        (folder / f"frame{i:02}.txt").write_text("\n".join(lines))
    (folder / "classes.txt").write_text("car\ntruck\nbus")


@contextmanager
def app(folder: Path, draw: Callable[[Path], None] = draw_images) -> Iterator[str]:
    """Serve app.py with the drawn images as a dataset."""
    draw(folder / "frames")
    home = folder / "home"
    cli = [
        sys.executable,
        "-m",
        "tator",
        "--home",
        str(home),
        "datasets-create",
        "--name",
        "frames",
        "--source",
        str(folder / "frames"),
    ]
    subprocess.run(cli, cwd=ROOT, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--home", str(home), "--port", str(port), "--no-sample"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_ready(process: subprocess.Popen, url: str) -> None:
    """Return once the app answers."""
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("app.py ended before it answered")
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("app.py did not answer within a minute")


@contextmanager
def chromium() -> Iterator[Any]:
    """Lend a headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
