"""Which Pythons the app starts on, and that a busy machine does not end it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import PYTHONS, check_python
from tator.types import Unavailable
from tests.conftest import free_port

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


# Gradio asks for the page after the server answers already, and says no when that takes longer than 3 s.
SLOW = "import sys, gradio.networking as n; n.url_ok = lambda url: False; import app; sys.exit(app.main(sys.argv[1:]))"


def test_a_machine_too_busy_for_the_first_page_does_not_end_the_app(tmp_path: Path):
    command = [sys.executable, "-c", SLOW, "--home", str(tmp_path / "home"), "--port", str(free_port()), "--no-sample"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        is_ready = any("Tator is on http" in line for line in process.stdout or ())
        process.terminate()
        assert is_ready and process.wait(60) == 0
