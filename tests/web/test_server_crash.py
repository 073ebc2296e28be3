"""kill -9 of the whole server while it saves: what it acknowledged is there after the restart."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import PIL.Image
import pytest
from gradio_client import Client

from tests.conftest import Server

KILLS = 3


def save(url: str, image_id: int, revision: int, client_id: str, n: int) -> int | None:
    """Add box n of a client through the canvas's last-chance route; return the acknowledged revision, None when the server is gone."""
    row = {"id": f"{client_id}-{n}", "class_id": 0, "xyxy": [n % 50, 1, n % 50 + 5, 9]}
    edits = json.dumps([{"seq": n, "kind": "edit", "label": "Draw box", "ops": [{"op": "add", "annotation": row}]}])
    body = {"image_id": image_id, "base_revision": revision, "client_id": client_id, "edits": edits}
    try:
        answer = httpx.post(f"{url}/beacon", json=body, headers={"origin": url}, timeout=60)
    except httpx.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["revision"]


@pytest.mark.slow
def test_killing_the_server_loses_no_acknowledged_edit(start_server: Callable[..., Server], tmp_path: Path):
    source = tmp_path / "images"
    source.mkdir()
    PIL.Image.new("RGB", (64, 48), (90, 120, 90)).save(source / "a.png")
    (source / "classes.txt").write_text("thing\n")
    server, home = start_server("--no-sample"), None
    client = Client(server.url, verbose=False)
    client.predict(name="crash", source=str(source), api_name="/datasets_create")
    while not (listed := client.predict(api_name="/datasets_list")) or not listed[0]["is_complete"]:
        time.sleep(0.1)
    image_id = client.predict(dataset="crash", api_name="/images_list")["images"][0]["id"]
    known: set[str] = set()
    for kill in range(KILLS):
        revision = client.predict(image_id=image_id, api_name="/image_open")["revision"]
        last = random.randrange(5, 60)
        for n in range(1, 10_000):
            if n == last:  # it ends while the next ones are on their way
                threading.Thread(target=server.stop, args=[signal.SIGKILL]).start()
            if (revision := save(server.url, image_id, revision, f"kill{kill}", n)) is None:
                break
            known.add(f"kill{kill}-{n}")
        home = server.home
        server = start_server("--no-sample", home=home)
        client = Client(server.url, verbose=False)
        opened = client.predict(image_id=image_id, api_name="/image_open")
        there = {row["id"] for row in opened["annotations"]}
        assert known <= there and len(there - known) <= kill + 1  # one may have been saved without the answer arriving
        assert len(known) > kill
    last = opened["annotations"][-1]["id"]
    after = client.predict(image_id=image_id, client_id="undo", seq=1, api_name="/annotations_undo")
    assert after["revision"] == opened["revision"] + 1
    assert last not in {row["id"] for row in client.predict(image_id=image_id, api_name="/image_open")["annotations"]}
