"""Models over HTTP and the command line: import a checkpoint, prompt it, train a head on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests import tiny
from tests.conftest import ROOT
from tests.ops.test_models import BOX, HEIGHT, WIDTH, draw_dataset


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    """Lend a running app that works offline, with one small dataset."""
    folder = tmp_path_factory.mktemp("models")
    server = start_server("--no-sample", home=folder / "home", env={"HF_HUB_OFFLINE": "1", "TATOR_DEVICE": "cpu"})
    server.shots = draw_dataset(folder)
    return server


@pytest.fixture(scope="module")
def client(server) -> Client:
    client = Client(server.url, verbose=False)
    finish(client, client.predict(name="shots", source=str(server.shots), api_name="/datasets_create"))
    return client


def finish(client: Client, job_id: str, timeout_s: float = 120.0) -> dict:
    """Wait for a job and return its result."""
    until = time.monotonic() + timeout_s
    while (job := client.predict(job_id=job_id, api_name="/jobs_get"))["state"] in ("queued", "running"):
        assert time.monotonic() < until, job
        time.sleep(0.2)
    assert job["state"] == "succeeded", job["error"]
    return job["result"]


def tator(home: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tator", "--home", str(home), "--device", "cpu", "--json", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_checkpoint_is_imported_prompted_and_learned_from(server, client):
    first = client.predict(dataset="shots", api_name="/images_list")["images"][0]["id"]
    with pytest.raises(AppError, match="unavailable: SAM 2.1 tiny .*set to work offline.*Copy"):
        client.predict(image_id=first, segmenter="sam2_tiny", box=BOX, api_name="/segment")
    for card, source in (("sam2_tiny", tiny.sam2()), ("sam3", tiny.sam3()), ("clip_vit_b_32", tiny.clip())):
        finish(client, client.predict(card=card, source=str(source), api_name="/weights_import"))
    ready = {card["id"] for card in client.predict(api_name="/models_list") if card["state"] == "ready"}
    assert {"sam2_tiny", "sam3", "sam3_tracker", "clip_vit_b_32"} <= ready
    boxed = client.predict(image_id=first, box=BOX, api_name="/segment")
    assert boxed["segmenter"] == "sam2_tiny" and boxed["candidates"][0]["polygons"]
    found = client.predict(image_id=first, phrases=["red box"], conf=0.0, api_name="/find")
    assert found["finder"] == "sam3" and found["phrases"][0]["candidates"]
    x1, y1, x2, y2 = found["phrases"][0]["candidates"][0]["xyxy"]
    assert 0 <= x1 < x2 <= WIDTH and 0 <= y1 < y2 <= HEIGHT
    trained = client.predict(
        dataset="shots", name="with clip", encoder="clip_vit_b_32", test_size=0.5, api_name="/heads_train"
    )
    assert finish(client, trained)["head"] == "with clip"
    named = client.predict(image_id=first, boxes=BOX, api_name="/classify_boxes")
    assert named["head"] == "with clip" and named["boxes"][0]["class_name"] in ("red", "blue")
    assert client.predict(api_name="/runtime_unload")["still_lent"] == []
    row = tator(server.home, "segment", "--image-id", str(first), "--segmenter", "sam2_tiny", "--box", *map(str, BOX))
    assert row.returncode == 0 and json.loads(row.stdout)["candidates"], row.stderr
    row = tator(server.home, "find", "--image-id", str(first), "--phrases", "red box", "disc", "--finder", "sam3")
    assert row.returncode == 0 and len(json.loads(row.stdout)["phrases"]) == 2, row.stderr
    row = tator(server.home, "models-list", "--task", "find")
    assert {card["id"]: card["state"] for card in json.loads(row.stdout)}["sam3"] == "ready"
    refused = tator(
        server.home, "segment", "--image-id", str(first), "--segmenter", "sam2_large", "--box", *map(str, BOX)
    )
    assert (
        refused.returncode == 2 and "unavailable: SAM 2.1 large" in refused.stderr and "Traceback" not in refused.stderr
    )
