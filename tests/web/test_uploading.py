"""python -m tator upload: a folder arrives byte for byte, through a killed server, a cut and odd names."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tator.types import BadInput, NotFound
from tator.web.upload_client import BUNDLE_FILES, PIECE, SMALL, Sent, Uploading, bundles, listed
from tests.conftest import ROOT, Guarded, Server
from tests.folders import finish
from tests.gate import Gate

MB = 2**20


def command(url: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tator", "upload", "--url", url, *map(str, arguments)]


def upload(url: str, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(url, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, env=os.environ | env
    )


def content(folder: Path, root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(home: Path, source: str) -> dict[str, bytes]:
    folder = home / "uploads" / source.strip().removeprefix("upload:")
    return content(folder, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with odd names, an empty file, many small ones and a large one."""
    root = tmp_path / "my set"
    odd = [
        "a.txt",
        'say "cheese".txt',
        "100%22.txt",
        "back\\slash.txt",
        "ü 中文 🚢/x.txt",
        "deep/er/and;er/x'.txt",
        ".hidden",
    ]
    for name in (*odd, "empty.txt", "large.bin", *(f"many/{n}.txt" for n in range(600))):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.urandom({"large.bin": 2 * PIECE + 5, "empty.txt": 0}.get(name, 40)))
    return root


def test_a_folder_arrives_whole_and_is_imported_from_there(server: Server, folder: Path):
    done = upload(server.url, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("upload:") and len(done.stdout.splitlines()) == 1
    assert stored(server.home, done.stdout) == content(folder, folder.parent)
    assert " MB  " in done.stderr and "left" in done.stderr
    again = upload(server.url, "--resume", done.stdout.strip(), folder)
    assert again.returncode == 0 and again.stdout == done.stdout
    assert "609 of 609 files are there" in again.stderr


def test_several_paths_go_into_one_upload(server: Server, folder: Path, tmp_path: Path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    done = upload(server.url, folder / "many", tmp_path / "set.zip")
    assert stored(server.home, done.stdout).keys() == {"set.zip", *(f"many/{n}.txt" for n in range(600))}


@pytest.mark.slow
def test_a_server_that_is_killed_is_waited_for(start_server: Callable[..., Server], tmp_path: Path):
    server, file = start_server("--no-sample"), tmp_path / "large.bin"
    file.write_bytes(os.urandom(160 * MB))
    gate = Gate(server.url, limit=30 * MB)
    sending = subprocess.Popen(
        command(gate.url, file), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: next((p for p in server.home.glob("uploads/*/large.bin") if p.stat().st_size > 20 * MB), None))
    server.stop(signal.SIGKILL)
    gate.limit = math.inf
    with server.log.open("a") as log:
        server.process = subprocess.Popen(server.process.args, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    said, told = sending.communicate(timeout=120)
    assert sending.returncode == 0, told
    assert stored(server.home, said) == {"large.bin": file.read_bytes()}
    gate.close()


def until(found: Callable[[], Any]) -> Any:
    for _ in range(3000):
        if (answer := found()) is not None:
            return answer
        time.sleep(0.01)
    raise AssertionError("it did not come")


def test_a_cut_says_how_to_go_on_and_only_the_rest_is_sent(server: Server, tmp_path: Path):
    file, gate = tmp_path / "large.bin", Gate(server.url, limit=30 * MB)
    file.write_bytes(os.urandom(64 * MB))
    heard = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # what runs in the background of a script would not hear it
    sending = subprocess.Popen(
        command(gate.url, file), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard
    )
    part = until(lambda: next((p for p in server.home.glob("uploads/*/large.bin") if p.stat().st_size > 20 * MB), None))
    sending.send_signal(signal.SIGINT)
    said, told = sending.communicate(timeout=60)
    assert (sending.returncode, said) == (130, "")
    assert told.splitlines()[-1] == f"to go on, give the same again with --resume {part.parent.name}"
    gate.close()
    had = part.stat().st_size
    assert had <= 30 * MB
    rest = Uploading(server.url, upload_id=part.parent.name)
    work = rest.send([file])
    next(work)
    first = next(work)
    assert had < first.done <= had + PIECE + MB, (
        "it goes on where the server stands"
    )  # the cut piece may still have come in
    assert finish(work)["bytes"] == 64 * MB and part.read_bytes() == file.read_bytes()


def test_what_the_server_refuses_is_said_and_the_rest_goes_in(server: Server, tmp_path: Path):
    root = tmp_path / "set"
    for name in ("good.txt", "bad\x01name.txt", "also good.txt", "big\x02name.bin"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"1" * (SMALL if name.endswith("bin") else 1))
    done = upload(server.url, root)
    assert done.returncode == 0 and done.stderr.count("left out: ") == 2 and "control characters" in done.stderr
    assert stored(server.home, done.stdout).keys() == {"set/good.txt", "set/also good.txt"}


def test_refusals_have_one_line_and_exit_code_2(server: Server, tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    wrong = [
        ([server.url, tmp_path / "absent"], "not_found: "),
        ([server.url, "--resume", "0123", tmp_path / "a.txt"], "not_found: no upload has the id '0123'"),
        ([server.url, "--resume", "../..", tmp_path / "a.txt"], "bad_input: "),
        (["ftp://x", tmp_path / "a.txt"], "bad_input: url"),
        ([f"{server.url}/export", tmp_path / "a.txt"], "bad_input: the server answered"),
    ]
    for arguments, said in wrong:
        done = upload(*arguments)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.splitlines()[-1].startswith(said) and "Traceback" not in done.stderr


def test_a_login_is_asked_for_and_the_token_opens(guarded: Guarded, tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    stranger = upload(guarded.url, tmp_path / "a.txt", TATOR_TOKEN="")
    assert stranger.returncode == 2 and "\nforbidden: the server wants a login" in stranger.stderr
    done = upload(guarded.url, tmp_path / "a.txt", TATOR_TOKEN=guarded.tokens["ann"])
    assert done.returncode == 0, done.stderr
    theirs = upload(guarded.url, "--resume", done.stdout.strip(), "--token", guarded.tokens["bob"], tmp_path / "a.txt")
    assert theirs.returncode == 2 and theirs.stderr.startswith("not_found: no upload has the id")
    ann = {"authorization": f"Bearer {guarded.tokens['ann']}"}
    listing = httpx.get(
        f"{guarded.url}/upload", params={"id": done.stdout.strip().removeprefix("upload:")}, headers=ann
    )
    assert listing.json()["files"] == {"a.txt": 1}


def test_names_that_meet_are_refused_before_anything_is_sent(tmp_path: Path):
    for folder in ("a/set", "b/set"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.txt").write_text(folder)
    with pytest.raises(BadInput, match="twice"):
        listed([tmp_path / "a" / "set", tmp_path / "b" / "set"])
    with pytest.raises(NotFound, match="no file"):
        listed([(tmp_path / "empty").mkdir() or tmp_path / "empty"])


@pytest.mark.slow
def test_100_000_small_files_are_few_requests():
    files = [Sent(f"images/{n}.jpg", Path("x"), 20_000 + n % 7) for n in range(100_000)]
    found = list(bundles(files))
    assert len(found) <= 100_000 / BUNDLE_FILES + 1 and [each for bundle in found for each in bundle] == files
    assert all(sum(each.size for each in bundle) <= PIECE for bundle in found)
