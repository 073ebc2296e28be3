"""The window: one module a workflow, each with TITLE, ORDER and build(wb, shell)."""

from __future__ import annotations

import importlib
import json
import pkgutil
from types import ModuleType

import gradio as gr

from tabs._parts import shell
from tabs._parts import theme as look
from tabs._parts.theme import css_paths
from tabs._parts.window import Window
from tator.api import publish
from tator.workbench import Workbench

THEME = look.theme()

__all__ = ["THEME", "build", "css_paths", "head", "modules"]


def modules() -> list[ModuleType]:
    """Return the tab modules in the order of their ORDER."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    found = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return sorted(found, key=lambda module: module.ORDER)


def head() -> str:
    """Return what the page's head needs, with the title of each tab by its name."""
    titles = json.dumps({_name(module): module.TITLE for module in modules()})
    return f"{look.head()}<script>window.tator.tabs = {titles};</script>"


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def build(wb: Workbench) -> Window:
    """Draw the whole window over a workbench and publish its operations.

    In one context: each time one ends, Gradio makes the server's app anew.
    """
    with Window(title="Tator", fill_height=True, fill_width=True, analytics_enabled=False) as window:
        frame = shell.build(wb, window)
        with gr.Tabs(elem_id="t-tabs") as frame.tabs:
            for module in modules():
                name = _name(module)
                classes = ["t-tab"] if name == "label" else ["t-tab", "t-page"]
                with gr.Tab(module.TITLE, id=name, elem_id=f"tab-{name}", elem_classes=classes) as frame.tab:
                    module.build(wb, frame)
        publish(wb)
    return window
