"""Logins: nothing answers a stranger, tokens and cookies open the same doors, guessing is slowed down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tator.types import BadInput
from tator.web.accounts import FREE_FAILURES, Accounts, add_account
from tests.conftest import Guarded

PASSWORD = "correct horse"


@contextmanager
def signed_in(guarded: Guarded, name: str = "ann") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, timeout=60) as http:
        assert http.post("/login", data={"username": name, "password": PASSWORD}).status_code == 200
        yield http


DOORS = [
    ("GET", "/media/1?v=1"),
    ("GET", "/thumb/1?v=1"),
    ("GET", "/crop/x?v=1"),
    ("GET", "/assets/x/tator.css"),
    ("GET", "/export/x.zip"),
    ("GET", "/head/x"),
    ("GET", "/run/heads/x"),
    ("GET", "/upload?id=x&path=x"),
    ("POST", "/upload?path=x"),
    ("GET", "/upload?id=x"),
    ("DELETE", "/upload?id=x"),
    ("POST", "/beacon"),
    ("POST", "/gradio_api/run/datasets_list"),
    ("POST", "/gradio_api/call/datasets_list"),
    ("POST", "/gradio_api/component_server/"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/info"),
    ("POST", "/gradio_api/mcp/"),
    ("GET", "/gradio_api/mcp/schema"),
    ("GET", "/gradio_api/mcp/"),
    ("GET", "/gradio_api/file=/etc/passwd"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_stranger_is_told_to_log_in(method: str, path: str, guarded: Guarded):
    got = httpx.request(method, guarded.url + path, json={"data": []} if method == "POST" else None)
    assert got.status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YW5uOng=", "bearer\ttoken"])
def test_a_wrong_token_opens_nothing(header: str, guarded: Guarded):
    for method, path in DOORS:
        assert httpx.request(method, guarded.url + path, headers={"authorization": header}).status_code == 401


def test_health_needs_no_login(guarded: Guarded):
    assert httpx.get(f"{guarded.url}/healthz").json() == {"ok": True}


def test_a_cookie_and_a_token_open_the_same_doors(guarded: Guarded):
    with signed_in(guarded) as http:
        assert http.post("/gradio_api/run/datasets_list", json={"data": []}).status_code == 200
        assert http.get("/media/1").status_code == 404
    with httpx.Client(base_url=guarded.url, headers={"authorization": f"Bearer {guarded.tokens['bob']}"}) as http:
        assert http.post("/gradio_api/run/datasets_list", json={"data": []}).status_code == 200
        assert http.get("/media/1").status_code == 404
        assert http.get("/gradio_api/user").json() == "bob"


def test_gradio_client_logs_in(guarded: Guarded):
    assert Client(guarded.url, auth=("ann", PASSWORD), verbose=False).predict(api_name="/datasets_list") == []
    with pytest.raises(ValueError, match="Could not login"):
        Client(guarded.url, auth=("ann", "wrong horse"), verbose=False)


def test_the_roots_of_imports_are_closed_unless_named(guarded: Guarded, tmp_path: Path):
    (tmp_path / "images").mkdir()
    with signed_in(guarded, "bob") as http:
        job = http.post(
            "/gradio_api/run/datasets_create", json={"data": ["x", str(tmp_path / "images"), "linked", True, "", []]}
        )
        message = job.text if job.status_code != 200 else until_ended(http, job.json()["data"][0])["error"]["message"]
        assert "outside" in message


def until_ended(http: httpx.Client, job_id: str) -> dict:
    for _ in range(200):
        job = http.post("/gradio_api/run/jobs_get", json={"data": [job_id]}).json()["data"][0]
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"{job_id} did not end")


def test_jobs_carry_who_started_them(guarded: Guarded):
    with signed_in(guarded) as http:
        started = http.post("/gradio_api/run/datasets_create", json={"data": ["y", "/nowhere", "linked", True, "", []]})
        if started.status_code == 200:
            assert until_ended(http, started.json()["data"][0])["user"] == "ann"
        jobs = http.post("/gradio_api/run/jobs_list", json={"data": ["", 10]}).json()["data"][0]
        assert {job["user"] for job in jobs} <= {"ann", "bob"}


def test_guessing_has_to_wait(tmp_path: Path):
    add_account(tmp_path / "logins", "ann", PASSWORD)
    accounts = Accounts(tmp_path / "logins")
    for name in ("ann", "nobody"):
        for _ in range(FREE_FAILURES):
            assert accounts.wait_s(name) == 0
            assert not accounts.verify(name, "wrong horse")
        assert accounts.wait_s(name) > 0
        assert not accounts.verify(name, PASSWORD)
    time.sleep(accounts.wait_s("ann"))
    assert accounts.verify("ann", PASSWORD) and accounts.wait_s("ann") == 0


def test_an_unknown_name_costs_as_much_as_a_wrong_password(tmp_path: Path):
    add_account(tmp_path / "logins", "ann", PASSWORD)
    accounts = Accounts(tmp_path / "logins")
    accounts.verify("warm", "up please")

    def cost(name: str) -> float:
        began = time.process_time()
        accounts.verify(name, "wrong horse")
        return time.process_time() - began

    known, unknown = min(cost("ann") for _ in range(2)), min(cost("nobody") for _ in range(2))
    assert unknown > known / 3


@pytest.mark.parametrize("text", ["", "# nobody\n", "ann\n", "ann:plain\n", "ann:$argon2id$x:y:z\n"])
def test_a_file_without_a_sound_login_is_refused(text: str, tmp_path: Path):
    (tmp_path / "logins").write_text(text)
    with pytest.raises(BadInput, match="logins"):
        Accounts(tmp_path / "logins")


def test_a_changed_file_is_read_again(tmp_path: Path):
    add_account(tmp_path / "logins", "ann", PASSWORD)
    accounts = Accounts(tmp_path / "logins")
    token = add_account(tmp_path / "logins", "bob", PASSWORD)
    assert accounts.of_token(token) == "bob" and accounts.verify("bob", PASSWORD)
