"""The page of labels alone says what would be read, what was, and what fits no image."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabs._parts.shell import Shell
from tabs.datasets import labels_page
from tator.ops import call
from tests.folders import text


@pytest.mark.usefixtures("imported")
def test_a_look_and_an_import_are_drawn_with_what_fits_no_image(wb, shell: Shell, tmp_path: Path):
    source = tmp_path / "labels"
    for name in ("sub/c.txt", "gone <i>.txt"):
        text(source / name, "0 .1 .1 .1 .1\n1 .8 .8 .1 .1\n")
    text(source / "classes.txt", "Cat\nfox\n")
    said = {}
    for verb in ("labels_preview", "labels_import"):
        job = wb.jobs.wait(call(wb, verb, dataset="cats", source=str(source)), 60)
        assert job["state"] == "succeeded", job["error"]
        said[verb] = str(labels_page.draw(shell, job["id"]))
    assert "2 labels of 1 image" in said["labels_preview"] and "What would be read" in said["labels_preview"]
    assert "spelled alike" in said["labels_preview"] and "new class" in said["labels_preview"]
    assert "What was read" in said["labels_import"] and "snapshot: before labels" in said["labels_import"]
    for drawn in said.values():
        assert "1 fit no image" in drawn and "gone &lt;i&gt;.txt" in drawn and "<i>" not in drawn
