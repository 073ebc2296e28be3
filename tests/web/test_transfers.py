"""Runs are downloaded as zips, over their routes."""

from __future__ import annotations

import asyncio
import io
import zipfile
from functools import partial

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tator.ops import call
from tator.types import NotFound
from tator.web.transfers import run
from tator.workflows.heads import Head, heads_of, keep_head


def get(app: Starlette, address: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tator") as client:
            return await client.get(address)

    return asyncio.run(ask())


def test_runs_download_as_zips_that_leave_nothing_behind(wb):
    layer = (np.ones((3, 2), np.float32), np.zeros(2, np.float32))
    head = Head(("cat", "dog"), "colour_texture", 1, np.zeros(3, np.float32), np.ones(3, np.float32), (layer,))
    keep_head(heads_of(wb.workspace), "ein Kopf", head, {"dataset": "pets"})
    told, paths = call(wb, "runs_download", family="heads", name="ein Kopf"), ("/run/{family}/{name}", "/head/{name}")
    app = Starlette(routes=[Route(path, partial(run, wb)) for path in paths])
    got = get(app, told["url"])
    assert got.headers["content-type"] == "application/zip" and "attachment" in got.headers["content-disposition"]
    assert get(app, "/head/ein Kopf").content == got.content, "the same run gives the same bytes"
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    assert sorted(sizes) == [f"ein Kopf/{file}" for file in ("head.json", "head.safetensors", "recipe.json")]
    assert sum(sizes.values()) == told["bytes"]
    for address in ("/run/heads/absent", "/run/absent/ein Kopf", "/run/heads/%2e%2e%5c"):
        with pytest.raises(NotFound):
            get(app, address)
    assert not list(wb.workspace.folder("tmp").iterdir()), "the zip is deleted after the answer has gone out"
