"""Label tab: the canvas, open on the dataset of the header."""

from __future__ import annotations

import gradio as gr

from tabs._parts.canvas import canvas
from tabs._parts.shell import Shell, in_browser
from tator.workbench import Workbench

TITLE = "Label"
ORDER = 0


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the canvas; it follows the header's dataset, and the header follows it."""
    board = canvas(wb, elem_id="canvas")
    in_browser([shell.dataset.change], "(name) => [{dataset: name ?? ''}]", shell.dataset, board)
    shell.on(board.opened, picked, shell.dataset, shell.dataset)


def picked(current: str, event: gr.EventData) -> object:
    """Return the header's value after the page opened an image of another dataset."""
    name = event._data.get("dataset", "")
    return gr.update(value=name) if name and name != current else gr.skip()
