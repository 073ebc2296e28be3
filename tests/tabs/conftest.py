"""The frame that the tests of tabs draw in."""

from __future__ import annotations

import gradio as gr
import pytest

from tabs._parts.shell import Shell, build


@pytest.fixture
def shell(wb) -> Shell:
    """Lend the frame of a window over the test's workbench."""
    with gr.Blocks() as window:
        return build(wb, window)
