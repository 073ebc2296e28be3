"""What the tests share: a real workspace, real images, a free port and a running server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # workers share the cores: threads that spin while they wait take them from others
START_S = 90.0  # a server start takes 4 s alone on two cores; tests run beside others


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    from tator.runtime.devices import gpus

    if item.get_closest_marker("gpu") and not gpus():
        pytest.skip("no CUDA device on this machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give browser tests, and only those, a second try."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that needed a second try, each with its first error: a fault to mend even where it passed then."""
    retried = terminalreporter.getreports("rerun")
    if retried:
        terminalreporter.section(f"{len(retried)} retried: faults to mend")
    for report in retried:
        error = getattr(report.longrepr, "reprcrash", report.longrepr)
        terminalreporter.line(f"{report.nodeid} ({report.when}): {error}")


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real images, or skip where it is not at hand."""
    if not DATA.is_dir():
        pytest.skip(f"no real images at {DATA}")
    return DATA


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a new workspace: migrating one takes longer than most tests."""
    from tator.workbench import Workbench

    bench = Workbench.at(tmp_path_factory.mktemp("empty") / "home")
    bench.close()
    return bench.workspace.database


@pytest.fixture
def wb(tmp_path: Path, empty_database: Path) -> Iterator:
    """Lend a workbench over a fresh workspace."""
    from tator.workbench import Workbench

    (tmp_path / "home").mkdir()
    shutil.copy(empty_database, tmp_path / "home")
    bench = Workbench.at(tmp_path / "home")
    yield bench
    bench.close()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """app.py as a child process.

    Attributes:
        process: the child.
        url: where it listens, without a slash at the end.
        home: its workspace.
        log: what it printed so far is in this file.
    """

    process: subprocess.Popen
    url: str
    home: Path
    log: Path

    def wait_ready(self, timeout_s: float = START_S) -> None:
        """Return once it answers; fail with its output when it ends before that."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"not up within {timeout_s} s:\n{self.log.read_text()}")

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def lend_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Lend `start(*flags, home=None, env={}, root=ROOT) -> Server`; what is not stopped by then is at the end."""
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Lend the same for one module: a server that nobody asks still takes its share of the cores."""
    with servers(tmp_path_factory) as start:
        yield start


@contextmanager
def servers(folders: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Give a function that starts servers, and stop them all at the end."""
    running: list[Server] = []

    def start(*flags: str, home: Path | None = None, env: dict[str, str] | None = None, root: Path = ROOT) -> Server:
        folder = folders.mktemp("server")
        home, port, log = home or folder / "home", free_port(), folder / "log.txt"
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("TATOR_", "GRADIO_", "SPACE_"))
        }
        command = [sys.executable, str(root / "app.py"), "--home", str(home), "--port", str(port), *flags]
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=root, stdout=out, stderr=subprocess.STDOUT, env=clean | (env or {}))
        running.append(Server(process, f"http://127.0.0.1:{port}", home, log))
        running[-1].wait_ready()
        return running[-1]

    try:
        yield start
    finally:
        for server in running:
            server.process.terminate()
        for server in running:
            server.stop()


def draw_images(folder: Path) -> None:
    """Write an upright JPEG, a turned one, a 16-bit TIFF and a page that calls itself a picture."""
    import numpy as np
    import PIL.Image

    folder.mkdir(parents=True)
    ramp = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    PIL.Image.fromarray(ramp).save(folder / "a_upright.jpg")
    PIL.Image.fromarray(ramp).save(folder / "b_turned.jpg", exif=turned)
    PIL.Image.fromarray((np.arange(48 * 64).reshape(48, 64) * 20).astype(np.uint16)).save(folder / "c_deep.tif")
    (folder / "d_page.png").write_text("<html><script>alert(1)</script></html>")


@pytest.fixture(scope="session")
def server(lend_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Lend one running app without logins; its dataset "shots" links the images of draw_images beside its home."""
    from tator.ops import call
    from tator.workbench import Workbench

    folder = tmp_path_factory.mktemp("shared")
    draw_images(folder / "images")
    bench = Workbench.at(folder / "home")
    made = bench.jobs.wait(call(bench, "datasets_create", name="shots", source=str(folder / "images")), 60)
    bench.close()
    assert made["state"] == "succeeded", made
    return lend_server("--no-sample", home=folder / "home")


@dataclass
class Guarded:
    """A running app with logins.

    Attributes:
        url: where it listens.
        tokens: API tokens by name.
        password: of everybody.
        metrics_token: opens /metrics.
    """

    url: str
    tokens: dict[str, str]
    password: str
    metrics_token: str


@pytest.fixture(scope="session")
def guarded(lend_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """Lend one running app where ann and bob may log in."""
    from tator.web.accounts import add_account

    file, password = tmp_path_factory.mktemp("auth") / "logins", "correct horse"
    tokens = {name: add_account(file, name, password) for name in ("ann", "bob")}
    server = lend_server("--no-sample", "--auth-file", str(file), "--metrics-token", "s3cret")
    return Guarded(server.url, tokens, password, "s3cret")
