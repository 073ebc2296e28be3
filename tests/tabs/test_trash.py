"""The trash in the Datasets tab: what it lists, what it asks, what a pick does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabs._parts.shell import Shell
from tabs.datasets import trash, views
from tator.ops import call
from tator.types import Conflict
from tests.deleting import delete, full_dataset
from tests.folders import make, yolo_folder
from tests.tabs.conftest import EVIL
from tests.tabs.test_tabs import read


def opened(shell: Shell, **facts) -> str:
    return trash.draw(shell, trash.AT_FIRST | {"open": True} | facts)


def test_the_trash_is_closed_then_empty_then_lists(shell, wb, tmp_path: Path):
    assert trash.draw(shell, trash.AT_FIRST) == "" and "waits here, whole" in opened(shell)
    full_dataset(wb, tmp_path)
    call(wb, "snapshots_delete", dataset="pets", name="v1")
    call(wb, "glossaries_save", name=EVIL[:80], text="car: auto")
    call(wb, "glossaries_delete", name=EVIL[:80])
    delete(wb, "pets")
    drawn = read(opened(shell))
    assert "3 images · 4 boxes" in drawn.said and "of pets" in drawn.said and "img" not in drawn.tags
    assert "dataset 'pets' is in the trash; restore it first" in drawn.said
    assert drawn.said.count("Restore") == 2, "the snapshot waits for its dataset"
    for rows in ([], call(wb, "datasets_list")):
        assert "Trash (3)" in views.listing(rows, "", 3)
    assert "Trash<" in views.listing([], "")


def test_deleting_for_good_is_asked_about_first(shell, wb, tmp_path: Path):
    full_dataset(wb, tmp_path)
    entry = delete(wb, "pets")
    shown, restored = trash.changed(shell, trash.AT_FIRST | {"open": True}, {"act": "ask", "entry": entry})
    asked = opened(shell, **shown)
    assert restored is None and "Delete dataset pets for good?" in read(asked).said and "#trash-purge" in asked
    shown, _ = trash.changed(shell, shown, {"act": "keep"})
    assert "#trash-purge" not in opened(shell, **shown)
    shown, _ = trash.changed(shell, shown, {"act": "ask", "entry": trash.EVERYTHING})
    assert "delete 1 thing for good?" in read(opened(shell, **shown)).said
    assert len(call(wb, "trash_list")) == 1
    assert trash.changed(shell, shown, {"act": "close"}) == (trash.AT_FIRST, None)


def test_a_taken_name_asks_for_another(shell, wb, tmp_path: Path):
    full_dataset(wb, tmp_path)
    entry = delete(wb, "pets")
    make(wb, yolo_folder(tmp_path / "new", {"z.png": None}), "pets")
    shown, restored = trash.changed(shell, trash.AT_FIRST | {"open": True}, {"act": "restore", "entry": entry})
    asked = opened(shell, **shown)
    assert restored is None and "Another dataset is called pets now" in read(asked).said and 'value="pets 2"' in asked
    with pytest.raises(Conflict, match="'pets' exists"):
        trash.changed(shell, shown, {"act": "restore", "entry": entry, "value": "pets"})
    shown, restored = trash.changed(shell, shown, {"act": "restore", "entry": entry, "value": "pets 2"})
    assert restored["name"] == "pets 2" and shown["renamed"] == "" and shell.names() == ["pets", "pets 2"]


def test_many_things_are_paged(shell, wb):
    for n in range(trash.PAGE + 3):
        call(wb, "glossaries_save", name=f"words {n:02}", text="car: auto")
        call(wb, "glossaries_delete", name=f"words {n:02}")
    first = read(opened(shell)).said
    assert "words 22" in first and "words 02" not in first and "1 of 2" in first
    shown, _ = trash.changed(shell, trash.AT_FIRST | {"open": True}, {"act": "turn", "page": "2"})
    assert "words 02" in read(opened(shell, **shown)).said
