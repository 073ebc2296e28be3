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

ROOT = Path(__file__).parents[1]
HELP_RUNS, START_RUNS = 20, 3
HELP_S, WINDOW_S = 0.5, 8.0


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
    bare = min(timed([sys.executable, "-c", "import gradio"]) for _ in range(START_RUNS))
    with tempfile.TemporaryDirectory() as folder:
        starts = [started(Path(folder), page=False) for _ in range(START_RUNS)]
        yield Row(
            "app.py answers, best of 3, warm cache",
            min(starts),
            "s",
            "import gradio",
            bare,
            "< 8 s",
            min(starts) < WINDOW_S,
        )
        windows = [started(Path(folder), page=True) for _ in range(START_RUNS)]
        yield Row(
            "canvas in Chromium after app.py, best of 3",
            min(windows),
            "s",
            "import gradio",
            bare,
            "< 8 s",
            min(windows) < WINDOW_S,
        )


def timed(command: list[str]) -> float:
    """Return the seconds a command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def started(home: Path, page: bool) -> float:
    """Start the app, stop it, and return the seconds until it answered, or until its canvas stood in a page."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--home", str(home), "--port", str(port), "--no-sample"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]) if page else None
        began = time.perf_counter()
        app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            while not answers(port):
                time.sleep(0.02)
            if browser:
                tab = browser.new_page()
                tab.goto(f"http://127.0.0.1:{port}/")
                tab.wait_for_selector("canvas", timeout=60_000)
            return time.perf_counter() - began
        finally:
            app.send_signal(signal.SIGTERM)
            app.wait(30)
            if browser:
                browser.close()


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
