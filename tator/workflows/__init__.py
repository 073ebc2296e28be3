"""The workflows, one package each, which see each other's `__init__` only."""

from __future__ import annotations

import importlib
import pkgutil


def load_workflows() -> None:
    """Import every workflow, so that its families of runs and trash are known."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
