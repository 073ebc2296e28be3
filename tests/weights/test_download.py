"""Downloads: resume, checksums, and addresses that a server must not be made to open."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tator.types import BadInput, Forbidden, NotFound, Unavailable
from tator.weights.download import Network, client, fetch, get_json, pinned, public_address

DATA = bytes(range(256)) * 20_000  # 5 MB


class Server(ThreadingHTTPServer):
    """A file server on loopback that can break off, refuse and redirect."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen, self.cuts, self.redirects, self.refusals = [], [], {}, {}
        self.files = {"/file.bin": DATA}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        path = self.path.split("?")[0]
        server.seen.append((path, self.headers.get("Range"), self.headers.get("Authorization")))
        if path in server.redirects:
            self.send_response(302)
            self.send_header("Location", server.redirects[path])
            self.end_headers()
            return
        if path in server.refusals or path not in server.files:
            status, code = server.refusals.get(path, (404, "EntryNotFound"))
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, start = server.files[path], 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start < len(body) else 416)
            self.send_header(
                "Content-Range",
                f"bytes {start}-{len(body) - 1}/{len(body)}" if start < len(body) else f"bytes */{len(body)}",
            )
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(max(len(body) - start, 0)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        self.wfile.write(body[start : start + cut if cut is not None else None])
        if cut is not None:
            self.wfile.flush()
            self.connection.close()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def drive(work):
    """Return (progress steps, result)."""
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as end:
            return steps, end.value


def network(server, **more):
    return Network(hub=server.url, **more)


def test_a_broken_download_continues_where_it_stopped(server, tmp_path):
    server.cuts = [3_000_000, 1_000_000]
    with client(network(server)) as web:
        steps, checksum = drive(fetch(web, server.url + "/file.bin", tmp_path / "file.bin", len(DATA)))
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert checksum == hashlib.sha256(DATA).hexdigest()
    ranges = [seen[1] for seen in server.seen]
    assert ranges[0] is None and all(r and r.startswith("bytes=") for r in ranges[1:]) and len(ranges) == 3
    done = [step.done for step in steps]
    assert done == sorted(done) and done[-1] == len(DATA) and steps[-1].total == len(DATA)


def test_a_cancelled_download_is_continued_by_the_next(server, tmp_path):
    with client(network(server)) as web:
        work = fetch(web, server.url + "/file.bin", tmp_path / "file.bin", len(DATA))
        next(work), next(work)
        work.close()
        kept = (tmp_path / "file.bin.part").stat().st_size
        assert 0 < kept < len(DATA) and not (tmp_path / "file.bin").exists()
        drive(fetch(web, server.url + "/file.bin", tmp_path / "file.bin", len(DATA)))
    assert server.seen[-1][1] == f"bytes={kept}-"
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_a_complete_part_of_unknown_size_is_recognised(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(DATA)
    with client(network(server)) as web:
        drive(fetch(web, server.url + "/file.bin", tmp_path / "file.bin"))
    assert (tmp_path / "file.bin").read_bytes() == DATA and len(server.seen) == 1


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": len(DATA) + 5}])
def test_what_differs_from_its_checksum_or_size_is_not_kept(server, tmp_path, wrong):
    server.files["/file.bin"] = DATA
    with client(network(server)) as web, pytest.raises(BadInput, match="file.bin arrived damaged and was deleted"):
        drive(fetch(web, server.url + "/file.bin", tmp_path / "file.bin", **wrong))
    assert list(tmp_path.iterdir()) == []


def test_refusals_are_told_apart(server, tmp_path):
    server.refusals = {"/gated": (403, "GatedRepo")}
    with client(network(server)) as web:
        with pytest.raises(Unavailable, match="asks for permission .403 GatedRepo") as caught:
            drive(fetch(web, server.url + "/gated", tmp_path / "x"))
        assert caught.value.details == {"status": 403, "code": "GatedRepo"}
        with pytest.raises(NotFound, match="/nothing does not exist"):
            drive(fetch(web, server.url + "/nothing", tmp_path / "x"))
        with pytest.raises(Unavailable, match="does not answer with JSON"):
            get_json(web, server.url + "/file.bin")


def test_no_server_is_a_message(tmp_path, monkeypatch):
    monkeypatch.setattr("tator.weights.download.PAUSE_S", 0)
    with client(Network(hub="http://127.0.0.1:9")) as web, pytest.raises(Unavailable, match="cannot be reached"):
        drive(fetch(web, "http://127.0.0.1:9/file", tmp_path / "x"))


def test_offline_fetches_nothing():
    with pytest.raises(Unavailable, match="set to work offline"):
        client(Network(offline=True))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest/meta-data/", "https://2130706433/x",
        "https://0x7f.1/x", "https://10.0.0.8/x", "https://192.168.1.1/x", "https://localhost/x",
        "https://[::ffff:127.0.0.1]/x", "https://[64:ff9b::7f00:1]/x", "https://[fe80::1]/x", "https://0.0.0.0/x",
        "https://100.64.0.1/x", "https://224.0.0.1/x", "https://[2002:7f00:1::]/x", "http://example.com/x",
        "ftp://example.com/x", "https://user@example.com/x", "https://hub.example@127.0.0.1/x",
    ],
)  # fmt: skip
def test_addresses_inside_are_refused(url):
    with pytest.raises(Forbidden):
        pinned(httpx.Request("GET", url), Network())


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "https://0177.0.0.1/x", "https:///x", "not an address", "//host/x"]
)
def test_what_is_no_web_address_is_refused(url, tmp_path):
    with client(Network()) as web, pytest.raises((Forbidden, BadInput)):
        drive(fetch(web, url, tmp_path / "x"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "https://[::1]:1/x", "https://10.1.2.3/x", "http://localhost/x"]
)
def test_a_redirect_inside_is_refused(server, tmp_path, target):
    server.redirects = {"/moved": target}
    with client(network(server)) as web, pytest.raises(Forbidden):
        drive(fetch(web, server.url + "/moved", tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_the_name_is_resolved_once_and_the_connection_goes_to_that_address():
    """A name that answers public first and private after (DNS rebinding) gains nothing."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    asked = []

    def resolve(host, *_, **__):
        asked.append(host)
        return [(0, 0, 0, "", (next(answers), 443))]

    request = pinned(httpx.Request("GET", "https://weights.example/a.pth"), Network(), resolve)
    assert asked == ["weights.example"]
    assert request.url.host == "93.184.215.14" and request.headers["Host"] == "weights.example"
    assert request.extensions["sni_hostname"] == "weights.example"


def test_one_private_address_among_public_ones_is_refused():
    resolve = lambda *_, **__: [(0, 0, 0, "", (a, 443)) for a in ("93.184.215.14", "192.168.0.5")]  # noqa: E731
    with pytest.raises(Forbidden, match="leads to 192.168.0.5"):
        public_address("weights.example", resolve)


def test_only_a_proxy_may_resolve_unknown_names():
    def resolve(*_, **__):
        raise OSError("no such host")

    assert public_address("weights.example", resolve, behind_proxy=True) == ""
    with pytest.raises(Unavailable, match="weights.example cannot be resolved"):
        public_address("weights.example", resolve)


def test_the_token_stays_with_the_hub(server, tmp_path):
    other = Server()
    other.files = {"/cdn": DATA}
    server.redirects = {"/repo": other.url.replace("127.0.0.1", "localhost") + "/cdn"}
    try:
        with client(network(server, trusted=("localhost",))) as web:
            drive(fetch(web, server.url + "/repo", tmp_path / "x", token="secret"))
    finally:
        other.shutdown()
        other.server_close()
    assert server.seen[0][2] == "Bearer secret" and other.seen[0][2] is None


def test_settings_are_read_from_what_they_are_given(tmp_path):
    plain = Network.of({})
    assert plain.hub == "https://huggingface.co" and not plain.offline and not plain.token and plain.cache
    given = {
        "HF_ENDPOINT": "https://hf-mirror.com/", "HF_TOKEN": "t", "HF_HUB_OFFLINE": "1", "HTTPS_PROXY": "http://proxy:8080",
        "HF_HOME": str(tmp_path), "TATOR_TRUSTED_HOSTS": "nas.lan,",
    }  # fmt: skip
    assert Network.of(given) == Network(
        "https://hf-mirror.com", "t", True, "http://proxy:8080", tmp_path / "hub", ("nas.lan",)
    )
