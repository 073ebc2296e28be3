"""Which Pythons the app starts on."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import PYTHONS, check_python
from tator.types import Unavailable

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_pythons_that_the_pins_serve_are_taken(version: tuple[int, int]):
    check_python(version)


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_other_pythons_are_refused_with_a_sentence(version: tuple[int, int]):
    with pytest.raises(Unavailable, match=rf"needs Python 3\.11 to 3\.14; this is 3\.{version[1]}$"):
        check_python(version)


def test_the_makefile_and_the_readme_name_the_same_pythons():
    oldest, newest = PYTHONS
    assert f"{oldest} <= sys.version_info[:2] <= {newest}" in (ROOT / "Makefile").read_text()
    assert "(3.{1} to 3.{3})".format(*oldest, *newest) in (ROOT / "README.md").read_text()
