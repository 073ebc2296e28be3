"""What is noted of images and boxes is found by a search."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from tator.datasets.dataset import Dataset
from tator.editing.rows import add_many
from tator.ops import call
from tator.storage.schema import image
from tator.types import BadInput
from tests.folders import make, yolo_folder

NOTED = {  # name -> attributes, tags, notes
    "a.png": ({"occluded": True, "colour": "dark red", "group": 1}, ["night", 'a "b"'], "Ask Ann."),
    "b.png": ({"occluded": False, "group": 12, "läge": "här"}, ["night shift", "状态"], "100% sure_"),
    "c c.png": (None, None, None),
}


@pytest.fixture
def noted(wb, tmp_path: Path) -> Dataset:
    dataset = make(wb, yolo_folder(tmp_path / "set", {name: "0 .5 .5 .2 .2" for name in NOTED}, ["cat"]))
    for row in dataset.images():
        attributes, tags, notes = NOTED[row.path.rpartition("/")[2]]
        with wb.store.write() as conn:
            conn.execute(update(image).where(image.c.id == row.id).values(tags=tags, notes=notes))
            box = {"image_id": row.id, "class_id": 0, "xyxy": [1, 1, 9, 9], "attributes": attributes}
            add_many(conn, dataset.id, [box])
    return dataset


SEARCHES = {
    "attribute:occluded": "ab",
    "attribute:occluded=true": "a",
    "attribute:occluded=False": "b",
    "attribute:group=1": "a",
    "attribute:group=12": "b",
    'attribute:"colour=dark red"': "a",
    "attribute:colour=red": "",
    "attribute:läge=här": "b",
    "attribute:nothing": "",
    "tag:night": "a",
    'tag:"night shift"': "b",
    "tag:状态": "b",
    "tag:nigh": "",
    "note:ann": "a",
    "note:100%": "b",
    "note:sure_": "b",
    "note:_": "b",
    "attribute:occluded tag:night": "a",
    "attribute:occluded tag:nothing": "",
    "tag:night a.png": "a",
    "tag:night b.png": "",
    "c c": "c",
    "PNG": "abc",
    "a.p": "a",
    "%": "",
    "": "abc",
}


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_finds_what_was_noted(wb, noted: Dataset, search: str):
    for operation in ("images_list", "images_find"):
        found = call(wb, operation, dataset="set", search=search)
        names = "".join(row["name"].rpartition("/")[2][0] for row in found["images"])
        assert (names, found["total"]) == (SEARCHES[search], len(SEARCHES[search])), operation


@pytest.mark.parametrize("search", ["attribute:", "tag:", "x note:", "attribute:=3"])
def test_a_form_without_its_word_is_refused(wb, noted: Dataset, search: str):
    with pytest.raises(BadInput, match="attribute"):
        call(wb, "images_list", dataset="set", search=search)
