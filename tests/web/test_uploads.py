"""Uploads over HTTP: cut and gone on with byte for byte, many at once, of one's own only, and never out of their folder."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tator.ops import call
from tator.types import NotFound
from tator.web import routes as web
from tator.web.guards import Guard
from tests.conftest import Guarded, Server
from tests.folders import make, picture

MB = 2**20


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def begin(http: httpx.Client, path: str = "first", content: bytes = b"") -> str:
    return http.post("/upload", params={"path": path}, content=content).json()["upload"]


def standing(http: httpx.Client, upload: str, path: str) -> int:
    return http.get("/upload", params={"id": upload, "path": path}).json()["bytes"]


def settled(http: httpx.Client, upload: str, path: str, at_least: int = 1) -> int:
    """Return where a file stands once it grows no more."""
    before, size = -1, standing(http, upload, path)
    while size < at_least or size != before:
        time.sleep(0.2)
        before, size = size, standing(http, upload, path)
    return size


def half_sent(server: Server, upload: str, path: str, content: bytes, offset: int, sent: int) -> socket.socket:
    """Begin to post the rest of a file from an offset, and stop after some bytes with the line open."""
    line = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    head = f"POST /upload?id={upload}&path={path}&offset={offset} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content) - offset}\r\n\r\n"
    line.sendall(head.encode() + content[offset : offset + sent])
    return line


def test_a_line_cut_in_the_middle_of_a_file_goes_on_byte_for_byte(server: Server, http: httpx.Client):
    content, upload = os.urandom(9 * MB + 7), begin(http)
    at = 0
    for cut in (2 * MB + 123, 3 * MB + 45, 77):
        half_sent(server, upload, "a/big.bin", content, at, cut).close()
        at = settled(http, upload, "a/big.bin")
    assert 3 * MB < at <= 5 * MB + 245  # what was on the way when the line was cut may be lost
    got = http.post("/upload", params={"id": upload, "path": "a/big.bin", "offset": at}, content=content[at:])
    assert got.json()["bytes"] == len(content)
    assert (server.home / "uploads" / upload / "a" / "big.bin").read_bytes() == content


def test_a_line_that_went_silent_writes_no_more_once_another_goes_on(server: Server, http: httpx.Client):
    content, upload = os.urandom(6 * MB), begin(http)
    silent = half_sent(server, upload, "big.bin", content, 0, 3 * MB)
    at = settled(http, upload, "big.bin", MB)
    got = http.post("/upload", params={"id": upload, "path": "big.bin", "offset": at}, content=content[at:])
    assert got.status_code == 200 and got.json()["bytes"] == len(content)
    silent.sendall(b"?" * (3 * MB))
    assert b" 409 " in silent.recv(100)
    silent.close()
    assert (server.home / "uploads" / upload / "big.bin").read_bytes() == content


@pytest.mark.slow
def test_a_killed_server_goes_on_with_what_it_had(start_server: Any):
    content, server = os.urandom(20 * MB), start_server("--no-sample")
    with httpx.Client(base_url=server.url, timeout=60) as http:
        upload = begin(http, "whole.txt", b"whole")
        line = half_sent(server, upload, "big.bin", content, 0, 11 * MB)
        settled(http, upload, "big.bin", MB)
    server.stop(signal.SIGKILL)
    line.close()
    again = start_server("--no-sample", home=server.home)
    with httpx.Client(base_url=again.url, timeout=60) as http:
        files = http.get("/upload", params={"id": upload}).json()["files"]
        assert files["whole.txt"] == 5 and 9 * MB < files["big.bin"] <= 11 * MB
        at = files["big.bin"]
        assert http.post(
            "/upload", params={"id": upload, "path": "big.bin", "offset": at}, content=content[at:]
        ).json()["bytes"] == len(content)
    assert (again.home / "uploads" / upload / "big.bin").read_bytes() == content


@pytest.mark.parametrize("offset", [1, 4, 6, 10**9])
def test_a_wrong_offset_is_a_conflict_that_says_where_the_file_stands(offset: int, server: Server, http: httpx.Client):
    upload = begin(http, "five", b"12345")
    got = http.post("/upload", params={"id": upload, "path": "five", "offset": offset}, content=b"x")
    assert got.status_code == 409 and got.json()["details"]["bytes"] == 5
    absent = http.post("/upload", params={"id": upload, "path": "none", "offset": offset}, content=b"x")
    assert absent.status_code == 409 and absent.json()["details"]["bytes"] == 0
    assert http.get("/upload", params={"id": upload}).json()["files"] == {"five": 5}
    assert (server.home / "uploads" / upload / "five").read_bytes() == b"12345"


@pytest.mark.parametrize("offset", ["-1", "1.5", "x", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(offset: str, http: httpx.Client):
    assert http.post("/upload", params={"path": "x", "offset": offset}, content=b"x").status_code == 400


def test_one_call_lists_what_has_arrived(http: httpx.Client):
    names = [f"set {n % 7}/ü {n}.txt" for n in range(900)]
    got = http.post("/upload", files=[("files", (name, b"1" * (n % 5))) for n, name in enumerate(names)]).json()
    listed = http.get("/upload", params={"id": got["upload"]})
    assert listed.headers["content-encoding"] == "gzip"
    assert listed.json()["files"] == {name: n % 5 for n, name in enumerate(names)}
    plain = http.get("/upload", params={"id": got["upload"]}, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == listed.json()


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", "a\0b"])
def test_no_path_leads_out_when_reading_either(path: str, http: httpx.Client):
    assert http.get("/upload", params={"id": begin(http), "path": path}).status_code == 400


def test_a_bad_name_among_good_ones_is_named(server: Server, http: httpx.Client):
    upload = begin(http)
    files = [("files", ("good.txt", b"1")), ("files", ("a/../../bad.txt", b"2")), ("files", ("later.txt", b"3"))]
    got = http.post("/upload", params={"id": upload}, files=files)
    assert got.status_code == 400 and got.json()["details"]["file"] == "a/../../bad.txt"
    assert http.get("/upload", params={"id": upload}).json()["files"] == {"first": 0, "good.txt": 1}
    assert not list(server.home.rglob("bad.txt"))


def test_lanes_side_by_side_mix_nothing(server: Server, http: httpx.Client):
    upload = begin(http)
    contents = {f"lane {n}/file.bin": os.urandom(2 * MB + n) for n in range(12)}

    def send(path: str) -> None:
        for at in range(0, len(contents[path]), MB):
            got = http.post(
                "/upload", params={"id": upload, "path": path, "offset": at}, content=contents[path][at : at + MB]
            )
            assert got.json()["bytes"] == min(at + MB, len(contents[path])), got.text

    with ThreadPoolExecutor(6) as lanes:
        list(lanes.map(send, contents))
    for path, content in contents.items():
        assert (server.home / "uploads" / upload / path).read_bytes() == content


def test_two_that_send_one_file_leave_it_whole(server: Server, http: httpx.Client):
    upload, ready = begin(http), threading.Barrier(4)
    contents = [bytes([letter]) * (3 * MB) for letter in b"abcd"]

    def send(content: bytes) -> int:
        ready.wait()
        return http.post("/upload", params={"id": upload, "path": "one.bin"}, content=content).status_code

    with ThreadPoolExecutor(4) as lanes:
        statuses = list(lanes.map(send, contents))
    assert set(statuses) <= {200, 409} and 200 in statuses
    assert (server.home / "uploads" / upload / "one.bin").read_bytes() in contents


def test_a_discarded_upload_is_gone(server: Server, http: httpx.Client):
    upload = begin(http, "a/b.txt", b"1")
    assert http.delete("/upload", params={"id": upload}).json() == {"discarded": upload}
    assert not (server.home / "uploads" / upload).exists()
    for got in (http.delete("/upload", params={"id": upload}), http.get("/upload", params={"id": upload})):
        assert got.status_code == 404
    for bad in ("../datasets", "..", "", "a/b"):
        assert http.delete("/upload", params={"id": bad}).status_code == 400


def test_another_site_cannot_discard(http: httpx.Client):
    upload = begin(http)
    assert http.delete("/upload", params={"id": upload}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert http.get("/upload", params={"id": upload}).status_code == 200


def post_to(wb: Any, limit: int, rounds: list[list[tuple[str, bytes]]]) -> tuple[str, list[list[httpx.Response]]]:
    """Post files to routes with a limit, those of a round side by side; return the upload and the answers."""
    access = web.Access(hosts=None, upload_bytes=limit)
    app = Starlette(routes=web.routes(wb, access), middleware=[Middleware(Guard, access=access)])

    async def posted() -> tuple[str, list[list[httpx.Response]]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            upload = (await http.post("/upload", params={"path": "first"})).json()["upload"]
            answers = []
            for files in rounds:
                sent = [
                    http.post("/upload", params={"id": upload, "path": path}, content=content)
                    for path, content in files
                ]
                answers.append(await asyncio.gather(*sent))
            return upload, answers

    return asyncio.run(posted())


def test_what_is_written_over_counts_once(wb):
    a, b, c = b"1" * 400, b"1" * 600, b"1"
    rounds = [[("a", a)]] * 5 + [[("b", b)], [("c", c)], [("a", b"")], [("c", a)]]
    upload, answers = post_to(wb, 1000, rounds)
    assert [each.status_code for (each,) in answers] == [200] * 6 + [400, 200, 200]
    assert "limit of 1,000 bytes" in answers[6][0].json()["message"]
    assert sum(path.stat().st_size for path in wb.workspace.upload(upload).iterdir()) == 1000


def test_lanes_together_keep_to_the_limit(wb):
    _, (answers,) = post_to(wb, 40_000, [[(str(n), b"1" * 1000) for n in range(60)]])
    statuses = [each.status_code for each in answers]
    assert statuses.count(200) == 40 and statuses.count(400) == 20


def test_an_upload_is_its_owners_alone(guarded: Guarded):
    def signed(name: str) -> httpx.Client:
        return httpx.Client(
            base_url=guarded.url, headers={"authorization": f"Bearer {guarded.tokens[name]}"}, timeout=60
        )

    with signed("ann") as ann, signed("bob") as bob:
        upload = begin(ann, "a.txt", b"secret")
        assert ann.get("/upload", params={"id": upload}).json()["files"] == {"a.txt": 6}
        assert bob.get("/upload", params={"id": upload}).status_code == 404
        assert bob.get("/upload", params={"id": upload, "path": "a.txt"}).status_code == 404
        assert bob.post("/upload", params={"id": upload, "path": "b.txt"}, content=b"x").status_code == 404
        assert bob.delete("/upload", params={"id": upload}).status_code == 404
        for forged in (upload.partition("-")[0], f"{upload.partition('-')[0]}-{begin(bob).partition('-')[2]}"):
            assert bob.get("/upload", params={"id": forged}).status_code == 404
        assert ann.get("/upload", params={"id": upload}).json()["files"] == {"a.txt": 6}


@pytest.mark.parametrize(
    "verb",
    ["datasets_create", "datasets_preview", "datasets_merge", "captions_import", "labels_import", "weights_import"],
)
def test_another_persons_upload_is_no_source(wb, tmp_path: Path, verb: str):
    make(wb, picture(tmp_path / "s" / "a.png").parent)
    with wb.acting("ann"):
        upload, folder = wb.workspace.new_upload("ann")
        picture(folder / "b.png")
    more = {"datasets_create": {"name": "x"}, "datasets_preview": {}, "weights_import": {"card": "sam2_tiny"}}.get(
        verb, {"dataset": "set"}
    )
    with wb.acting("bob"):
        job = wb.jobs.wait(call(wb, verb, source=f"upload:{upload}", **more), 60)
    assert job["state"] == "failed" and job["error"]["code"] == "not_found" and "upload" in job["error"]["message"]
    assert (folder / "b.png").is_file()
    with wb.acting("ann"):
        job = wb.jobs.wait(call(wb, "datasets_create", source=f"upload:{upload}", name="mine"), 60)
    assert job["state"] == "succeeded"


def test_who_owns_the_machine_may_use_any_upload(wb):
    upload, folder = wb.workspace.new_upload("ann")
    assert wb.workspace.upload(upload) == folder == wb.workspace.upload(upload, "ann")
    with pytest.raises(NotFound):
        wb.workspace.upload(upload, "bob")
    open_to_all, folder = wb.workspace.new_upload()
    assert wb.workspace.upload(open_to_all, "bob") == folder
