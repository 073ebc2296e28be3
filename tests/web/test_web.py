"""Routes and guards of a running app: media, uploads, downloads, health, metrics, foreign pages, forged calls."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import PIL.Image
import pytest

from tator.web import routes as web
from tests.conftest import Guarded, Server

FOREIGN = "https://elsewhere.example"


@pytest.fixture(scope="module")
def home(server: Server) -> Path:
    return server.home


@pytest.fixture(scope="module")
def site(server: Server) -> Server:
    return server


@pytest.fixture
def http(site: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=60) as client:
        yield client


@pytest.fixture
def ids(site: Server, http: httpx.Client) -> dict[str, int]:
    listed = run(http, "images_list", ["shots", 0, 100, "", ""]).json()["data"][0]
    return {row["name"]: row["id"] for row in listed["images"]}


def run(http: httpx.Client, name: str, arguments: list) -> httpx.Response:
    return http.post(f"/gradio_api/run/{name}", json={"data": arguments})


# --- media


def test_an_upright_jpeg_is_served_as_it_is_and_kept_for_ever(http: httpx.Client, ids: dict, home: Path):
    got = http.get(f"/media/{ids['a_upright.jpg']}?v=1")
    assert got.status_code == 200 and got.headers["content-type"] == "image/jpeg"
    assert got.content == (home.parent / "images" / "a_upright.jpg").read_bytes()
    assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert got.headers["x-content-type-options"] == "nosniff" and "sandbox" in got.headers["content-security-policy"]
    again = http.get(f"/media/{ids['a_upright.jpg']}?v=1", headers={"if-none-match": got.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_without_a_version_the_browser_asks_again(http: httpx.Client, ids: dict):
    assert "no-cache" in http.get(f"/media/{ids['a_upright.jpg']}").headers["cache-control"]


@pytest.mark.parametrize(
    ("name", "size"), [("a_upright.jpg", (64, 48)), ("b_turned.jpg", (48, 64)), ("c_deep.tif", (64, 48))]
)
def test_every_kind_of_image_arrives_upright_and_viewable(name: str, size: tuple, http: httpx.Client, ids: dict):
    got = http.get(f"/media/{ids[name]}?v=1")
    with PIL.Image.open(io.BytesIO(got.content)) as shown:
        assert (
            shown.format in ("JPEG", "PNG", "WEBP") and got.headers["content-type"] == f"image/{shown.format.lower()}"
        )
        assert shown.size == size and shown.getexif().get(0x0112, 1) == 1
    with PIL.Image.open(io.BytesIO(http.get(f"/thumb/{ids[name]}?v=1").content)) as small:
        assert max(small.size) <= 256 and (small.width > small.height) == (size[0] > size[1])


def test_a_page_named_png_is_never_served(http: httpx.Client, ids: dict):
    if "d_page.png" not in ids:  # the import may already have left it out
        assert http.get("/media/999999").status_code == 404
        return
    for route in ("media", "thumb"):
        got = http.get(f"/{route}/{ids['d_page.png']}?v=1")
        assert got.status_code == 400 and b"<script>" not in got.content


@pytest.mark.parametrize(
    "path", ["/media/0", "/media/987654", "/thumb/987654", "/media/../../etc/passwd", "/media/1;drop"]
)
def test_media_of_no_image_is_not_found(path: str, http: httpx.Client):
    assert http.get(path).status_code in (404, 422)


def test_assets_have_their_type_and_a_version_of_their_content(http: httpx.Client):
    script = next(path for path in sorted(web.ASSETS.rglob("*.js")))
    inner = script.relative_to(web.ASSETS).as_posix()
    version = re.search(r"assets/([0-9a-f]{12})/", http.get("/config").text)  # as the page names it
    got = http.get(f"/assets/{version[1]}/{inner}")
    assert got.headers["content-type"].startswith("text/javascript") and "immutable" in got.headers["cache-control"]
    assert "no-cache" in http.get(f"/assets/0000/{inner}").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/requirements.txt",
        "/etc/passwd",
        "canvas/../../app.py",
        "canvas",
        "absent.js",
    ],
)
def test_assets_stay_in_their_folder(path: str, http: httpx.Client):
    got = http.get(f"/{web.assets_url()}/{path}")
    assert got.status_code in (400, 404) and b"import " not in got.content


# --- uploads


def test_an_upload_keeps_sub_folders_and_goes_on_where_it_stopped(http: httpx.Client, home: Path):
    first = http.post("/upload", params={"path": "train/images/one.jpg"}, content=b"abc").json()
    upload = first["upload"]
    assert (first["path"], first["bytes"]) == ("train/images/one.jpg", 3)
    more = http.post("/upload", params={"id": upload, "path": "train/images/one.jpg", "offset": 3}, content=b"def")
    assert more.json()["bytes"] == 6
    stale = http.post("/upload", params={"id": upload, "path": "train/images/one.jpg", "offset": 3}, content=b"xyz")
    assert stale.status_code == 409 and stale.json()["details"]["bytes"] == 6
    assert http.get("/upload", params={"id": upload, "path": "train/images/one.jpg"}).json()["bytes"] == 6
    assert (home / "uploads" / upload / "train" / "images" / "one.jpg").read_bytes() == b"abcdef"


def test_multipart_takes_several_files(http: httpx.Client, home: Path):
    files = [("files", ("a/one.txt", b"1")), ("files", ("a/two.txt", b"22"))]
    got = http.post("/upload", files=files).json()
    assert got["bytes"] == 3
    assert {p.name for p in (home / "uploads" / got["upload"] / "a").iterdir()} == {"one.txt", "two.txt"}


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "C:\\x",
        "..\\x",
        "\\\\host\\x",
        "a\0b",
        "x" * 300,
        "",
        ".",
        "file:///x",
        "a/" * 600 + "x",
    ],
)
def test_an_upload_stays_in_its_folder(path: str, http: httpx.Client, home: Path):
    before = sorted(p for p in home.parent.rglob("*") if "uploads" not in p.parts)
    got = http.post("/upload", params={"path": path}, content=b"abc")
    assert got.status_code == 400 and got.json()["code"] == "bad_input"
    assert sorted(p for p in home.parent.rglob("*") if "uploads" not in p.parts) == before
    assert not [
        p for p in (home / "uploads").rglob("*") if p.is_file() and p.read_bytes() == b"abc" and p.name != "one.jpg"
    ]


@pytest.mark.parametrize("upload", ["../..", "absent", "a/b", "..", "x" * 100])
def test_an_unknown_upload_is_refused(upload: str, http: httpx.Client):
    assert http.post("/upload", params={"id": upload, "path": "x"}, content=b"abc").status_code in (400, 404)


def test_a_large_upload_streams(http: httpx.Client, home: Path):
    piece = b"0123456789abcdef" * 65536

    def body() -> Iterator[bytes]:
        for _ in range(20):
            yield piece

    got = http.post("/upload", params={"path": "big.bin"}, content=body()).json()
    assert got["bytes"] == 20 * len(piece) == (home / "uploads" / got["upload"] / "big.bin").stat().st_size


# --- downloads


def test_exports_download_by_name_only(http: httpx.Client, home: Path):
    folder = home / "exports"
    folder.mkdir(exist_ok=True)
    (folder / "some file.zip").write_bytes(b"PK")
    got = http.get("/export/some file.zip")
    assert got.content == b"PK" and got.headers["content-disposition"].startswith("attachment")
    for name in ("..%2ftator.db", "../tator.db", "absent.zip", "%2e%2e%2ftator.db"):
        assert http.get(f"/export/{name}").status_code in (400, 404)


# --- health and metrics


def test_health_touches_nothing(http: httpx.Client):
    assert http.get("/healthz").json() == {"ok": True}


def test_metrics_count_requests_operations_jobs_models_and_memory(http: httpx.Client):
    run(http, "jobs_list", ["", 10])
    text = http.get("/metrics").text
    assert 'tator_requests_total{route="/gradio_api/run",status="200"}' in text
    assert 'tator_operation_seconds_count{operation="jobs_list",outcome="ok"}' in text
    assert 'tator_jobs{state="succeeded"}' in text
    assert "tator_loaded_models" in text and "process_resident_memory_bytes" in text


def test_metrics_are_for_this_machine_or_a_token(guarded: Guarded, http: httpx.Client):
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        assert http.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    forwarded = {"x-forwarded-for": "1.2.3.4"}
    for token, status in ((guarded.metrics_token, 200), ("other", 403), ("s3cre", 403)):
        got = httpx.get(f"{guarded.url}/metrics", headers=forwarded | {"authorization": f"Bearer {token}"})
        assert got.status_code == status


# --- pages of other sites


@pytest.mark.parametrize(
    "path",
    [
        "/upload?path=x",
        "/beacon",
        "/gradio_api/component_server/",
        "/gradio_api/run/runtime_unload",
        "/gradio_api/upload",
    ],
)
@pytest.mark.parametrize(
    "headers",
    [{"origin": FOREIGN}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
def test_another_site_cannot_write(path: str, headers: dict, http: httpx.Client):
    got = http.post(path, headers=headers | {"content-type": "text/plain"}, content=b"{}")
    assert got.status_code == 403 and got.json()["code"] == "origin"


def test_another_site_cannot_read(http: httpx.Client, ids: dict):
    assert http.get(f"/media/{ids['a_upright.jpg']}", headers={"origin": FOREIGN}).status_code == 403
    assert http.get("/config", headers={"origin": FOREIGN}).status_code == 403


def test_our_own_page_may_write(site: Server, http: httpx.Client):
    assert http.post("/upload?path=x", headers={"origin": site.url}, content=b"1").status_code == 200
    assert (
        http.post(
            "/upload?path=x", headers={"origin": site.url, "sec-fetch-site": "same-origin"}, content=b"1"
        ).status_code
        == 200
    )


def test_a_rebound_name_is_refused(http: httpx.Client):
    rebound = {"host": "elsewhere.example:7860", "origin": "http://elsewhere.example:7860"}
    assert http.get("/healthz", headers=rebound).status_code == 403
    assert http.post("/upload?path=x", headers=rebound, content=b"1").status_code == 403


# --- too much, too deep


def test_a_hundred_megabytes_of_json_are_refused(http: httpx.Client):
    got = http.post(
        "/gradio_api/run/jobs_list", content=b"[" * (100 * 2**20), headers={"content-type": "application/json"}
    )
    assert got.status_code == 413
    assert http.get("/healthz").status_code == 200


def test_a_body_of_undeclared_length_is_refused_too(http: httpx.Client):
    def body() -> Iterator[bytes]:
        for _ in range(16):
            yield b" " * 2**20

    assert http.post("/beacon", content=body()).status_code == 413
    assert http.post(
        "/gradio_api/run/jobs_list", content=body(), headers={"content-type": "application/json"}
    ).status_code in (400, 413)


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_deeply_nested_json_is_refused(opened: str, http: httpx.Client):
    deep = (opened * 200_000).encode()
    assert http.post("/beacon", content=deep).status_code == 400
    assert http.post(
        "/gradio_api/run/jobs_list", content=deep, headers={"content-type": "application/json"}
    ).status_code in (400, 422)
    assert http.get("/healthz").status_code == 200


def test_the_beacon_saves_and_refuses(http: httpx.Client, ids: dict):
    image = ids["a_upright.jpg"]
    row = {
        "id": "beacon-1",
        "class_id": 0,
        "xyxy": [4, 4, 20, 20],
        "polygons": None,
        "confidence": None,
        "source": "human",
        "status": "accepted",
    }
    run(http, "class_add", ["shots", "thing", ""])
    edits = [{"seq": 1, "kind": "edit", "label": "Draw box", "ops": [{"op": "add", "annotation": row}]}]
    opened = run(http, "image_open", [image]).json()["data"][0]
    body = {"image_id": image, "base_revision": opened["revision"], "client_id": "page", "edits": edits}
    got = http.post("/beacon", content=json.dumps(body), headers={"content-type": "text/plain"})
    assert got.status_code == 200 and got.json()["result"]["acknowledged"] == [1]
    stale = http.post("/beacon", json=body | {"client_id": "other"})
    assert stale.status_code == 409 and stale.json()["code"] == "conflict"
    assert http.post("/beacon", content=b"no json").status_code == 400
    assert http.post("/beacon", json={"image_id": image}).status_code == 400


# --- forged calls of Gradio's own

FORGED = [
    "/etc/passwd",
    "../../../../etc/passwd",
    "http://127.0.0.1:1/x",
    "http://169.254.169.254/latest",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("path", FORGED)
def test_forged_file_data_reads_nothing(path: str, http: httpx.Client):
    forged = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
    for name, arguments in (("datasets_get", [forged]), ("datasets_create", ["x", forged, "linked", True])):
        got = run(http, name, arguments)
        assert got.status_code >= 400 and "root:" not in got.text


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "{home}/tator.db",
        "{cwd}/app.py",
        "..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/proc/self/environ",
    ],
)
def test_gradios_file_route_serves_none_of_ours(path: str, http: httpx.Client, home: Path):
    filled = path.format(home=home, cwd=Path.cwd())
    for prefix in ("/gradio_api/file=", "/file=", "/gradio_api/file/"):
        assert http.get(prefix + filled).status_code in (400, 403, 404)


def test_component_server_takes_no_other_function_or_operation(http: httpx.Client, site: Server):
    components = [part["id"] for part in http.get("/config").json()["components"]]
    for component in (*components[:12], 10**6):
        for name in ("__init__", "preprocess", "load", "ls", "get_config", "rpc.__globals__"):
            body = {"data": ["/etc"], "component_id": component, "fn_name": name, "session_hash": "forged"}
            got = httpx.post(f"{site.url}/gradio_api/component_server/", json=body)  # Gradio hangs up after an error
            assert got.status_code >= 400 and "root" not in got.text
    canvas = [
        part["id"]
        for part in http.get("/config").json()["components"]
        if "rpc" in json.dumps(part.get("props", {}).get("server_fns", []))
    ]
    for component in canvas:
        for data in (
            {"m": "datasets_delete", "p": {"dataset": "shots", "confirm": "shots"}},
            {"m": "__import__"},
            ["x"],
            "x",
            None,
            {"m": 3},
        ):
            body = {"data": data, "component_id": component, "fn_name": "rpc", "session_hash": "forged"}
            got = http.post("/gradio_api/component_server/", json=body).json()
            assert got["ok"] is False and got["code"] in ("forbidden", "bad_input")
    assert run(http, "datasets_get", ["shots"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "body"),
    [("x.svg", b"<svg onload=alert(1) xmlns='http://www.w3.org/2000/svg'/>"), ("x.html", b"<script>1</script>")],
)
def test_uploaded_pages_are_never_shown(name: str, body: bytes, http: httpx.Client):
    kept = http.post("/gradio_api/upload", files={"files": (name, body)}).json()[0]
    got = http.get(f"/gradio_api/file={kept}")
    assert got.status_code in (403, 404) or "attachment" in got.headers.get("content-disposition", "")
