"""The generated part of CONTRIBUTING.md is what `make docs` writes."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.sources import ROOT


@pytest.fixture
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("map", ROOT / "docs" / "map.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_map_is_up_to_date(writer: ModuleType):
    page = writer.PAGE.read_text(encoding="utf-8")
    assert writer.text(page) == page, "run `make docs`"


def test_only_what_is_between_the_markers_is_written(writer: ModuleType):
    page = f"before\n{writer.BEGIN}old{writer.END}after\n"
    assert writer.text(page) == f"before\n{writer.BEGIN}{writer.table()}{writer.END}after\n"
