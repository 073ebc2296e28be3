"""One evaluation asked for in the tab, on the command line and through the API, for tests that compare what it writes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gradio as gr

from tabs import evaluate
from tabs._parts.shell import build
from tabs._parts.tasks import TaskForm
from tator.ops import call
from tator.workbench import Workbench
from tests.conftest import ROOT


def three_ways(wb: Workbench, dataset: str, asked: dict[str, Any]) -> dict[str, bytes]:
    """Return metrics.json by way."""
    jobs = [call(wb, "evaluate", dataset=dataset, name="api", **asked), _in_tab(wb, dataset, asked)]
    for job in jobs:
        ended = wb.jobs.wait(job, timeout_s=300)
        assert ended["state"] == "succeeded", ended["error"]
    flags = [word for key, value in asked.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "tator", "--home", str(wb.workspace.home), "--device", "cpu", "--json"]
    command += ["evaluate", "--dataset", dataset, "--name", "cli", *flags]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    folder = wb.workspace.folder("runs") / "evaluation"
    return {way: (folder / way / "eval" / "metrics.json").read_bytes() for way in ("tab", "cli", "api")}


def _in_tab(wb: Workbench, dataset: str, asked: dict[str, Any]) -> str:
    """Press the button of the tab's form and return the job's id."""
    with gr.Blocks() as window:
        shell = build(wb, window)
    with shell.window, gr.Tabs() as shell.tabs, gr.Tab("T") as shell.tab:
        pages = evaluate.pages_of(shell)
    form = next(part for part in pages.parts if isinstance(part, TaskForm))
    held = form._arguments | form._settings
    values = {widget: widget.value for widget in form.inputs} | {shell.dataset: dataset}
    values |= {held[name]: value for name, value in (asked | {"name": "tab"}).items()}
    return form.begin(values)
