"""The page of labels alone says what would be read, what was, and what fits no image."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabs._parts.shell import Shell
from tabs.datasets import import_preview, labels_page
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
        said[verb] = str(labels_page.draw(shell, job["id"], import_preview.opened(job["id"])))
    assert "2 labels of 1 image" in said["labels_preview"] and "What would be read" in said["labels_preview"]
    assert "spelled alike" in said["labels_preview"] and "What fox becomes" in said["labels_preview"]
    assert "What was read" in said["labels_import"] and "snapshot: before labels" in said["labels_import"]
    for drawn in said.values():
        assert "1 fit no image" in drawn and "gone &lt;i&gt;.txt" in drawn and "<i>" not in drawn


@pytest.mark.usefixtures("imported")
def test_what_a_class_becomes_is_changed_by_hand_before_the_import(wb, shell: Shell, tmp_path: Path):
    source = tmp_path / "labels"
    text(source / "c_gt.txt", "0 .1 .1 .1 .1\n1 .8 .8 .1 .1\n")
    text(source / "classes.txt", "Cat\nfox\n")
    asked = {"dataset": "cats", "source": str(source), "renames": ["_gt="]}
    job = wb.jobs.wait(call(wb, "labels_preview", **asked), 60)
    held = import_preview.opened(job["id"])
    names = [row["source"] for row in job["result"]["classes"]]
    held = import_preview.changed(shell, held, {"act": "type", "row": names.index("fox"), "value": "wolf"})
    held = import_preview.changed(shell, held, {"act": "choose", "row": names.index("Cat"), "value": "out"})
    drawn = str(labels_page.draw(shell, job["id"], held))
    assert "left out" in drawn and 'value="wolf"' in drawn and "2 labels of 1 image" in drawn
    mapping = import_preview.agreed(shell, held, str(source), "cats")
    assert sorted(mapping) == ["Cat=", "fox=wolf"]
    told = wb.jobs.wait(call(wb, "labels_import", mapping=mapping, **asked), 60)["result"]
    assert told["annotations"] == 1
    assert "wolf" in [row["name"] for row in call(wb, "datasets_get", dataset="cats")["classes"]]
