"""Notices that several tabs give."""

from __future__ import annotations

import gradio as gr

from tabs._parts import html as h

SAID_S = 6


def tell_trashed(name: str) -> None:
    """Say that something is in the trash."""
    text = h.join([f"{name} is in the trash. Restore it in the Datasets tab, under Trash."])
    gr.Info(text, title="Deleted", duration=SAID_S)
