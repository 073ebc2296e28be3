"""The main job through HTTP, MCP and the command line: import, train, draw, tweak, name, undo, export."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client

from tator.ops import operations
from tator.vision.matching import iou
from tests.conftest import ROOT, Server
from tests.test_mcp import answer, use_tool

IMAGES = 24  # of BCCD: enough for a refiner and a head, quick enough to do three times
Verb = Callable[..., Any]  # verb("datasets_list", argument=...) -> plain result, of the finished job for long work


@pytest.fixture(scope="session")
def cells(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the first BCCD images, their labels and a split."""
    folder = tmp_path_factory.mktemp("cells")
    names = [path.stem for path in sorted((data / "bccd" / "images").iterdir())[:IMAGES]]
    for part, suffix in (("images", ".jpg"), ("labels", ".txt")):
        (folder / part).mkdir()
        for name in names:
            shutil.copy(data / "bccd" / part / f"{name}{suffix}", folder / part)
    shutil.copy(data / "bccd" / "labelmap.txt", folder)
    (folder / "train.txt").write_text("\n".join(names[:16]))
    (folder / "test.txt").write_text("\n".join(names[16:]))
    return folder


def finished(verb: Verb, job_id: str) -> Any:
    """Follow a job to its end and return its result."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        job = verb("jobs_get", job_id=job_id)
        if job["state"] not in ("queued", "running"):
            assert job["state"] == "succeeded", job["error"]
            return job["result"]
        time.sleep(0.1)
    raise AssertionError(f"job {job_id} did not end")


def over_http(server: Server) -> Verb:
    client = Client(server.url, verbose=False)

    def verb(name: str, /, **arguments: Any) -> Any:
        result = client.predict(api_name=f"/{name}", **arguments)
        return finished(verb, result) if operations()[name].is_job else result

    return verb


def over_mcp(server: Server) -> Verb:
    def verb(name: str, /, **arguments: Any) -> Any:
        result = use_tool(server.url, name, None, **arguments)
        if operations()[name].is_job:
            return finished(verb, result.content[0].text.strip('"'))
        return answer(result)

    return verb


def over_command_line(server: Server) -> Verb:
    def verb(name: str, /, **arguments: Any) -> Any:
        flags = []
        for key, value in arguments.items():
            if isinstance(value, bool):
                flags.append(f"--{'' if value else 'no-'}{key.replace('_', '-')}")
            else:
                flags += [f"--{key.replace('_', '-')}", *(map(str, value) if isinstance(value, list) else [str(value)])]
        command = [sys.executable, "-m", "tator", "--home", str(server.home), name.replace("_", "-"), *flags]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return verb


@pytest.mark.slow
@pytest.mark.parametrize("surface", [over_http, over_mcp, over_command_line])
def test_the_main_job(surface: Callable[[Server], Verb], server: Server, cells: Path):
    verb, name = surface(server), f"cells {surface.__name__}"
    made = verb("datasets_create", name=name, source=str(cells), storage="linked")
    assert made["images"] == made["labelled"] == IMAGES

    head = verb("heads_train", dataset=name, name=f"head {surface.__name__}")
    assert head["accuracy"] > head["majority_accuracy"] and head["accuracy"] >= 0.9

    target = verb("images_list", dataset=name, search=(cells / "test.txt").read_text().split()[0])["images"][0]
    opened = verb("image_open", image_id=target["id"])
    truth = opened["annotations"][0]
    loose = loosen(truth["xyxy"], opened["width"], opened["height"])
    tight = verb("tweak_boxes", image_id=target["id"], boxes=loose, class_ids=[truth["class_id"]])["boxes"][0]["xyxy"]
    assert overlap(tight, truth["xyxy"]) > overlap(loose, truth["xyxy"])
    named = verb("classify_boxes", image_id=target["id"], boxes=tight)["boxes"][0]
    assert named["class_id"] == truth["class_id"]
    clicked = verb("segment", image_id=target["id"], positive=middle(truth["xyxy"]), class_id=truth["class_id"])
    assert overlap(clicked["candidates"][0]["xyxy"], truth["xyxy"]) > 0.5

    row = {
        "id": f"{surface.__name__}-1",
        "class_id": named["class_id"],
        "xyxy": tight,
        "source": "ridge_box",
        "status": "accepted",
    }
    edits = json.dumps([{"seq": 1, "kind": "edit", "label": "Draw box", "ops": [{"op": "add", "annotation": row}]}])
    client_id = f"journey-{surface.__name__}"
    saved = verb(
        "annotations_save", image_id=target["id"], base_revision=opened["revision"], client_id=client_id, edits=edits
    )
    assert saved["annotation_count"] == len(opened["annotations"]) + 1
    verb("annotations_undo", image_id=target["id"], client_id=client_id, seq=2)
    verb("annotations_redo", image_id=target["id"], client_id=client_id, seq=3)
    assert (
        len(verb("annotations_list", dataset=name, image=target["name"])["annotations"])
        == len(opened["annotations"]) + 1
    )

    export = verb("datasets_export", dataset=name, format="yolo", with_images=False)
    with zipfile.ZipFile(server.home / "exports" / export["file"]) as archive:
        labels = [
            entry
            for entry in archive.namelist()
            if entry.endswith(".txt") and Path(entry).stem == Path(target["name"]).stem
        ]
        assert len(archive.read(labels[0]).splitlines()) == len(opened["annotations"]) + 1


def loosen(xyxy: list[float], width: int, height: int) -> list[float]:
    """Return the box with every side 15 % further out, inside the image."""
    x1, y1, x2, y2 = xyxy
    dx, dy = 0.15 * (x2 - x1), 0.15 * (y2 - y1)
    return [max(0.0, x1 - dx), max(0.0, y1 - dy), min(float(width), x2 + dx), min(float(height), y2 + dy)]


def middle(xyxy: list[float]) -> list[float]:
    return [(xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2]


def overlap(a: list[float], b: list[float]) -> float:
    return float(iou(np.asarray([a], np.float32), np.asarray([b], np.float32))[0, 0])
