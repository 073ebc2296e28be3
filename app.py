"""Start Tator: read the flags, open the workspace, draw and serve the window.

Spaces run this file too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tator.types import TatorError

if TYPE_CHECKING:
    from tator.web.accounts import Accounts
    from tator.workbench import Workbench

BEGAN = time.monotonic()
PORT = 7860
PYTHONS = (3, 11), (3, 14)  # the oldest and the newest that the pins of requirements.txt serve
LOCAL = ("127.0.0.1", "localhost", "::1")
LOGIN_PAUSE_S = 0.3  # wait after a wrong password
QUEUE_PAUSE_S = 0.02  # between two looks for events; Gradio's own 0.001 costs a twentieth of a core at rest
WIDGET_UPLOAD = "100mb"  # for Gradio's own widgets; images come through /upload
STOPS = (signal.SIGINT, signal.SIGTERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app until it is told to stop; return the exit code."""
    flags = read_flags(argv)
    try:
        check_python(sys.version_info[:2])
        check_port(flags.host, flags.port)
        prepare(flags)
        return serve(flags)
    except TatorError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2


def read_flags(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command line, with defaults from the environment and for a Space."""
    read, space = os.environ.get, bool(os.environ.get("SPACE_ID"))
    flags = argparse.ArgumentParser("app.py", description=__doc__)
    add, yes_no = flags.add_argument, argparse.BooleanOptionalAction
    add("--host", default=read("GRADIO_SERVER_NAME", "0.0.0.0" if space else "127.0.0.1"), help="address to listen on")
    add("--port", type=int, default=int(read("PORT") or read("GRADIO_SERVER_PORT") or PORT))
    add("--share", action=yes_no, default=read("GRADIO_SHARE", "").lower() == "true", help="open a public link")
    add(
        "--home",
        type=Path,
        default=Path(read("TATOR_HOME") or (space_home() if space else "~/.tator")),
        help="workspace folder",
    )
    add("--db", default=read("TATOR_DB", ""), help="another database than the file in the workspace")
    add("--device", default=read("TATOR_DEVICE", "auto"), help="cpu, cuda, cuda:N, mps or auto")
    add("--auth-file", type=Path, help="logins, as python -m tator add-user writes them; without it nobody logs in")
    add(
        "--data-root",
        type=Path,
        action="append",
        help="folder that imports may read; may be given again "
        "(without: any folder if only this machine can connect, else none)",
    )
    add("--allow-host", action="append", default=[], help="further name this server answers to, behind a proxy")
    add("--mcp", action=yes_no, default=True, help="offer the operations as MCP tools")
    add("--sample", action=yes_no, default=True, help="make the sample project on the first start")
    add("--metrics-token", default=read("TATOR_METRICS_TOKEN", ""), help="opens /metrics to other machines")
    found = flags.parse_args(argv)
    found.space, found.home = space, found.home.expanduser().absolute()
    return found


def space_home() -> str:
    """Return where a Space keeps its workspace: the paid disk if there is one."""
    kept = Path("/data")
    return (
        str(kept / "tator")
        if kept.is_dir() and os.access(kept, os.W_OK)
        else str(Path(tempfile.gettempdir()) / "tator")
    )


def check_python(version: tuple[int, int]) -> None:
    """Find out whether the pinned libraries are made for this Python.

    Raises:
        Unavailable: they are not.
    """
    from tator.types import Unavailable

    if not PYTHONS[0] <= version <= PYTHONS[1]:
        oldest, newest, this = ("{}.{}".format(*each) for each in (*PYTHONS, version))
        raise Unavailable(f"Tator needs Python {oldest} to {newest}; this is {this}")


def check_port(host: str, port: int) -> None:
    """Find out whether the port is free, before seconds go into importing.

    Raises:
        Unavailable: somebody listens there.
    """
    from tator.types import Unavailable

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            raise Unavailable(
                f"cannot listen on {host}:{port} ({error.strerror}); is another Tator running? choose another --port"
            ) from error


def prepare(flags: argparse.Namespace) -> None:
    """Set what libraries and child processes read from the environment."""
    os.environ["GRADIO_TEMP_DIR"] = str(flags.home / "tmp" / "gradio")  # uploads of widgets, on the workspace's disk
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_ALLOWED_PATHS"] = ""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["TATOR_DEVICE"] = flags.device
    if flags.db:
        os.environ["TATOR_DB"] = flags.db


def serve(flags: argparse.Namespace) -> int:
    """Open the workspace, draw the window, serve until a signal comes."""
    from tator.datasets.dataset import Dataset
    from tator.web.accounts import Accounts
    from tator.weights.network import Network
    from tator.workbench import Workbench

    accounts = Accounts(flags.auth_file.expanduser()) if flags.auth_file else None
    private = flags.host in LOCAL and not flags.share and not flags.space
    roots = None if private and not accounts and flags.data_root is None else flags.data_root or []
    network = Network.of(os.environ)
    wb = Workbench.at(flags.home, db_url=flags.db, device=flags.device, source_roots=roots, network=network)
    stopped = stops()
    wb.jobs.interrupt_orphans()
    note = claim(flags.home)
    if not private and not accounts:
        note += "note: whoever reaches this address may change everything; --auth-file asks for a login\n"
    sample = start_sample(flags) if flags.sample and not Dataset.listing(wb.store) else None
    try:
        url = launch(wb, flags, accounts, private)
        took = time.monotonic() - BEGAN
        print(f"{note}Tator is on {url}   workspace {flags.home}   ready in {took:.1f} s", flush=True)
        while os.read(stopped, 1)[0] not in STOPS:
            pass
        return 0
    finally:
        if sample:
            sample.terminate()
        wb.close()
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)  # a signal while Python ends would turn the exit into a failure


def stops() -> int:
    """Return a pipe that yields the number of each signal to stop.

    It takes any number of signals, whatever this process does just then.

    An Event would not do: a second signal can meet its lock, and one that comes just before the wait does not end it.
    """
    heard, hear = os.pipe()
    os.set_blocking(hear, False)
    signal.set_wakeup_fd(hear, warn_on_full_buffer=False)
    for number in STOPS:
        signal.signal(number, lambda *_: None)
    return heard


def launch(wb: Workbench, flags: argparse.Namespace, accounts: Accounts | None, private: bool) -> str:
    """Draw the window, start the server in its own thread and return its address."""
    import tabs
    from tator.web import routes as web

    window = tabs.build(wb)
    window._queue.sleep_when_free = QUEUE_PAUSE_S
    hosts = web.LOOPBACK | {name.lower() for name in flags.allow_host} if private and not accounts else None
    access = web.Access(accounts, flags.metrics_token, hosts, proxied=flags.share or flags.space)
    _, local, shared = window.launch(
        server_name=flags.host,
        server_port=flags.port,
        share=flags.share,
        auth=login(accounts) if accounts else None,
        mcp_server=flags.mcp,
        app_kwargs=web.app_kwargs(wb, access),
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=WIDGET_UPLOAD,
        allowed_paths=[],
        _frontend=False,  # else Gradio asks for the page, and ends what serves already if a busy machine takes over 3 s
        **look(tabs),
    )
    return shared or local


def look(tabs: Any) -> dict[str, Any]:
    """Return the window's theme, style sheets and head."""
    return {"theme": tabs.THEME, "css_paths": tabs.css_paths(), "head": tabs.head()}


def login(accounts: Accounts) -> Any:
    """Return the check of a name and password for Gradio's login page.

    A wrong password waits a little.
    """

    async def check(name: str, password: str) -> bool:
        right = await asyncio.to_thread(accounts.verify, name, password)
        if not right:
            await asyncio.sleep(LOGIN_PAUSE_S)
        return right

    return check


def claim(home: Path) -> str:
    """Note that this process serves a workspace; return a warning if another one does."""
    from tator.storage.atomic import replacing

    mark, warning = home / "serving.pid", ""
    if mark.exists():
        other = mark.read_text().strip()
        if other.isdigit() and int(other) != os.getpid() and alive(int(other)):
            warning = (
                f"note: process {other} serves this workspace too; edits are safe, jobs may compete for the device\n"
            )
    with replacing(mark) as part:
        part.write_text(str(os.getpid()))
    return warning


def alive(pid: int) -> bool:
    """Return whether a process of this id runs."""
    import psutil

    return psutil.pid_exists(pid)


def start_sample(flags: argparse.Namespace) -> subprocess.Popen:
    """Draw the sample project in a process of its own.

    So it takes no time from the window's start.
    """
    command = [sys.executable, "-m", "tator", "--home", str(flags.home), "make-sample"]
    return subprocess.Popen(command, cwd=Path(__file__).parent, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
