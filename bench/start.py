"""How long a person waits: for help on the command line, and for a window to work in."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench._row import Row
from bench._turns import at_most, turns

ROOT = Path(__file__).parents[1]
HELP_RUNS, START_ROUNDS = 20, 5
HELP_S = 0.5
MOST = 1.8  # times importing Gradio


def rows() -> Iterator[Row]:
    """Measure the command line's help and the app's start."""
    python = min(timed([sys.executable, "-c", "pass"]) for _ in range(HELP_RUNS))
    helped = statistics.median(timed([sys.executable, "-m", "tator", "--help"]) for _ in range(HELP_RUNS))
    yield Row(
        f"python -m tator --help, median of {HELP_RUNS}",
        helped,
        "s",
        "python -c pass",
        python,
        "< 0.5 s",
        helped < HELP_S,
    )
    answered: list[float] = []
    with tempfile.TemporaryDirectory() as folder:

        def shown() -> float:
            """Start once for both rows."""
            up_s, canvas_s = started(Path(folder))
            answered.append(up_s)
            return canvas_s

        canvas, bare = turns(START_ROUNDS, shown, lambda: timed([sys.executable, "-c", "import gradio"]))
    peer = ("s", "python -c 'import gradio'", bare)
    yield at_most(MOST, "app.py answers", answered[-START_ROUNDS:], *peer)
    yield at_most(MOST, "canvas in Chromium after app.py", canvas, *peer)


def timed(command: list[str]) -> float:
    """Return the seconds a command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def started(home: Path) -> tuple[float, float]:
    """Start the app, stop it, and return the seconds until it answered and until its canvas stood in an open browser."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--home", str(home), "--port", str(port), "--no-sample"]
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]) as browser,
    ):
        tab = browser.new_page()
        began = time.perf_counter()
        app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            while not answers(port):
                time.sleep(0.02)
            answered = time.perf_counter() - began
            tab.goto(f"http://127.0.0.1:{port}/")
            tab.wait_for_selector("canvas", timeout=60_000)
            return answered, time.perf_counter() - began
        finally:
            app.send_signal(signal.SIGTERM)
            app.wait(30)


def answers(port: int) -> bool:
    """Return whether the app is up."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def chromium() -> str | None:
    """Return the machine's Chromium; None lets Playwright take its own."""
    folders = os.get_exec_path()
    found = (Path(folder) / name for name in ("chromium", "chromium-browser", "google-chrome") for folder in folders)
    return next((str(path) for path in found if path.exists()), None)
