"""Runs are downloaded from a running app as zips."""

from __future__ import annotations

import io
import time
import zipfile

import httpx
import numpy as np

from tator.storage.workspace import Workspace
from tator.workflows.heads import Head, heads_of, keep_head
from tests.conftest import Server


def test_runs_download_as_zips_that_leave_nothing_behind(server: Server):
    home, http = server.home, httpx.Client(base_url=server.url, timeout=60)
    layer = (np.ones((3, 2), np.float32), np.zeros(2, np.float32))
    head = Head(("cat", "dog"), "colour_texture", 1, np.zeros(3, np.float32), np.ones(3, np.float32), (layer,))
    keep_head(heads_of(Workspace(home)), "ein Kopf", head, {"dataset": "pets"})
    told = http.post("/gradio_api/run/runs_download", json={"data": ["heads", "ein Kopf"]}).json()["data"][0]
    got = http.get(told["url"])
    assert got.headers["content-type"] == "application/zip" and "attachment" in got.headers["content-disposition"]
    assert http.get("/head/ein Kopf").content == got.content, "the same run gives the same bytes"
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    assert sorted(sizes) == [f"ein Kopf/{file}" for file in ("head.json", "head.safetensors", "recipe.json")]
    assert sum(sizes.values()) == told["bytes"]
    for address in ("/run/heads/absent", "/run/absent/ein Kopf", "/run/heads/..%2f..", "/run/heads/%2e%2e"):
        assert http.get(address).status_code in (400, 404)
    until = time.monotonic() + 20  # the zip is deleted after the answer has gone out
    while list((home / "tmp").glob("run-*")) and time.monotonic() < until:
        time.sleep(0.05)
    assert not list((home / "tmp").glob("run-*"))
