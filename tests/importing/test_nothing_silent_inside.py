"""What is wrong inside a label file, with an image or with a link is named on every surface, beside what is good."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tabs.datasets.report_view import is_clean
from tator.importing.preview import preview_source
from tests.folders import coco, finish, picture, text
from tests.importing.test_nothing_silent import IMPORT, good, plant, said_of

ROW = "0 .5 .5 .2 .2\n"
ROWS = {  # label file of an image: what stands in it beside a good row
    "bad_row": "0 0.5 0.5 word 0.2\n",
    "short_row": "0 0.5 0.5\n",
    "unknown_class": "9 .4 .4 .2 .2\n",
    "broken_class": "0.5 .4 .4 .2 .2\n",
    "not_finite": "0 nan .5 .2 .2\n",
    "endless": "0 .5 inf .2 .2\n",
    "outside": "0 1.8 1.8 .1 .1\n",
    "no_area": "0 .5 .5 0 .2\n",
    "negative": "0 .5 .5 -.2 .2\n",
    "clipped": "0 .95 .5 .3 .2\n",
    "twice": "0 .5 .5 .2 .2\n",
    "sure": "0 .5 .5 .3 .3 7.5\n",
}
VOC_CUT = "<annotation><filename>a.png</filename><object><name>cat</name><bndbox><xmin>1</xmin>"
OTHERS = {
    "torn.jpg": "an image that cannot be read, with its boxes",
    "empty.png": "an image file without content",
    "drawing.svg": "a kind of file that can carry scripts",
    ".hidden.png": "a hidden image",
    "lost_at_root.txt": "a label file of no image, at the root",
    "labels/deep/lost.txt": "a label file of no image, in a folder",
    "labels/same.txt": "a label file that may be of two namesakes",
    "out.png": "a link to an image elsewhere",
    "more": "a link to a folder elsewhere",
    "nowhere": "a link to nothing",
    "gone.png": "an image that a list of labels names, and that is not there",
    "cut.xml": "an XML file that ends too early",
    "secret.xml": "an XML file with entities",
    "cut.zip": "an archive that ends too early",
    "odd_words.txt": "label rows in UTF-16",
}


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each surface says of a good dataset with one fault of every kind in it."""
    root, elsewhere = good(tmp_path_factory.mktemp("set")), tmp_path_factory.mktemp("elsewhere")
    for name, row in ROWS.items():
        picture(root / "images" / f"{name}.png")
        text(root / "labels" / f"{name}.txt", ROW + row)
    for name in ("torn.jpg", "empty.png", "odd_words.png", "day/same.png", "night/same.png"):
        picture(root / "images" / name)
    plant(root, {"images/torn.jpg": b"no picture", "images/empty.png": b"", "images/drawing.svg": "<svg/>"})
    plant(root, {"labels/torn.txt": ROW * 1 + "1 .3 .3 .1 .1\n", "labels/same.txt": ROW, "lost_at_root.txt": ROW})
    plant(root, {"labels/deep/lost.txt": ROW, "images/.hidden.png": b"x", "cut.xml": VOC_CUT, "cut.zip": b"PK\3\4\x14"})
    plant(root, {"secret.xml": '<!DOCTYPE x [<!ENTITY a "b">]><annotation>&a;</annotation>'})
    plant(root, {"labels/odd_words.txt": ROW.encode("utf-16"), "rows.json": coco(["gone.png"], [{}])})
    picture(elsewhere / "out.png")
    os.symlink(elsewhere / "out.png", root / "images" / "out.png")
    os.symlink(elsewhere, root / "images" / "more")
    os.symlink(root / "nothing", root / "images" / "nowhere")
    return said_of(root, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("name", [*(f"labels/{name}.txt" for name in ROWS), *OTHERS])
def test_each_fault_is_named_everywhere(surfaces: dict[str, str], name: str):
    assert [where for where, said in surfaces.items() if name not in said and where != IMPORT] == []


def test_an_image_that_cannot_be_read_says_how_many_boxes_went_with_it(surfaces: dict[str, str]):
    for where, said in surfaces.items():
        assert "its 2 labels are left out too" in said, where


def test_the_window_does_not_say_clean(surfaces: dict[str, str]):
    assert [where for where, said in surfaces.items() if ">clean<" in said] == []


@pytest.mark.parametrize("name", ROWS)
def test_one_fault_alone_is_enough_not_to_be_clean(wb, tmp_path: Path, name: str):
    root = good(tmp_path / "set")
    picture(root / "images" / f"{name}.png")
    text(root / "labels" / f"{name}.txt", ROW + ROWS[name])
    assert not is_clean(finish(preview_source(wb.workspace, str(root)))["report"])
