"""A class that is deleted while boxes come in keeps none of them: each is left out and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.importing import cloning, filling
from tator.importing.cloning import merge_dataset
from tator.importing.merging import merge_source
from tator.ops import call
from tests.folders import make, named, yolo_folder

ROWS = "0 .5 .5 .2 .2\n1 .3 .3 .2 .2"


@pytest.mark.parametrize("kind", ["folder", "dataset"])
def test_boxes_that_come_after_the_deletion_are_left_out(wb, tmp_path: Path, monkeypatch, kind: str):
    pets = make(wb, yolo_folder(tmp_path / "mine", {"own.png": "1 .5 .5 .2 .2"}, ["cat", "dog"]), "pets", "managed")
    more = yolo_folder(tmp_path / "more", {f"{at}.png": ROWS for at in range(3)}, ["cat", "dog"])
    for module in (filling, cloning):
        monkeypatch.setattr(module, "BATCH", 1)
    others = make(wb, more, "others")
    work = merge_source(pets, str(more)) if kind == "folder" else merge_dataset(pets, others)
    for _ in work:
        if 0 in pets.class_names() and len(pets.images()) > 1:
            call(wb, "class_delete", dataset="pets", class_id=0, move_to=1)
    found = pets.annotation_rows([row.id for row in pets.images()])
    assert {row["class_id"] for rows in found.values() for row in rows} == {1} and len(found) == 4
    if kind == "folder":
        assert "class was deleted meanwhile" in named(pets)
