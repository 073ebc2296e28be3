"""The frame that the tests of tabs draw in, and a dataset whose names try to become markup."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from tabs._parts.shell import Shell, build
from tator.ops import call

EVIL = '<img src=x onerror="alert(1)">\'&{{x}}${1}'
NAMES = ["cat", EVIL[:80]]


@pytest.fixture
def shell(wb) -> Shell:
    """Lend the frame of a window over the test's workbench."""
    with gr.Blocks() as window:
        return build(wb, window)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images with YOLO boxes, a broken label line and a broken image."""
    place = tmp_path / "source"
    (place / "sub").mkdir(parents=True)
    for i, name in enumerate(["a", "b", "sub/c"]):
        Image.new("RGB", (64, 48), (40 * i, 90, 120)).save(place / f"{name}.png")
        (place / f"{name}.txt").write_text("0 0.5 0.5 0.25 0.25\n1 0.3 0.3 0.2 0.2\n")
    (place / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n0 0.5 nonsense 0.1 0.1\n")
    (place / "broken.jpg").write_bytes(b"not an image")
    (place / "classes.txt").write_text("\n".join(NAMES))
    return place


@pytest.fixture
def imported(wb, folder) -> str:
    job = wb.jobs.wait(call(wb, "datasets_create", name="cats", source=str(folder)), timeout_s=60)
    assert job["state"] == "succeeded", job["error"]
    return job["id"]
