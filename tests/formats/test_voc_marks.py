"""VOC's flags, pose, turned boxes and CVAT's attributes are read and written."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

from tator.formats import Label
from tator.formats.table import FORMATS, open_source
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written

BOX = "<bndbox><xmin>20</xmin><ymin>20</ymin><xmax>60</xmax><ymax>40</ymax></bndbox>"


def read_object(folder: Path, inside: str):
    """Return the one label of an object and the report."""
    Image.new("RGB", (96, 72)).save(folder / "a.png")
    (folder / "a.xml").write_text(
        f"<annotation><filename>a.png</filename><object><name>cat</name>{inside}</object></annotation>"
    )
    source = open_source(Tree.of(folder), "voc")
    labels = source.labels("a.png", 96, 72)
    assert len(labels) == 1
    return labels[0], source.report


@pytest.mark.parametrize("flag", ["truncated", "occluded", "difficult"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", True), ("true", True), ("True", True), (" 1 ", True), ("0", None), ("", None), ("False", None)],
)
def test_flags_of_any_spelling(tmp_path: Path, flag: str, said: str, meant: bool | None):
    label, report = read_object(tmp_path, f"<{flag}>{said}</{flag}>{BOX}")
    assert label.attributes == ({flag: True} if meant else None)
    assert label.xyxy == (20, 20, 60, 40) and not report.counts["repaired"]


def test_a_flag_that_is_none_is_told(tmp_path: Path):
    label, report = read_object(tmp_path, f"<truncated>maybe</truncated>{BOX}")
    assert label.attributes is None and report.counts["repaired"] == {"flag not read": 1}


def test_what_cvat_adds_is_read_with_its_types(tmp_path: Path):
    said = {"occluded": "True", "colour": "red", "is_old": "false", "group": "3", "track": "7", "z": "2"}
    rows = "".join(f"<attribute><name>{n}</name><value>{v}</value></attribute>" for n, v in said.items())
    label, _ = read_object(tmp_path, f"<pose>Left</pose><attributes>{rows}</attributes>{BOX}")
    assert label.attributes == {
        "occluded": True,
        "colour": "red",
        "is_old": False,
        "group": "3",
        "track": "7",
        "z": 2,
        "pose": "Left",
    }


@pytest.mark.parametrize(
    "turned",
    [
        "<robndbox><cx>40</cx><cy>30</cy><w>40</w><h>20</h><angle>0.5235987756</angle></robndbox>",
        f"{BOX}<attributes><attribute><name>rotation</name><value>30.0</value></attribute></attributes>",
    ],
)
def test_turned_boxes_keep_their_angle(tmp_path: Path, turned: str):
    label, _ = read_object(tmp_path, turned)
    assert label.attributes["rotation"] == pytest.approx(30, abs=1e-3)
    assert label.polygons[0][0][:2] == pytest.approx([40 - 17.3205 + 5, 30 - 10 - 8.6603], abs=1e-3)


@pytest.mark.parametrize("format", ["voc", "imagenet"])
def test_marks_come_back_as_they_were(tmp_path: Path, format: str):
    kinds = [
        {name: True for name, is_on in zip(("truncated", "occluded", "difficult"), on, strict=True) if is_on}
        for on in itertools.product((False, True), repeat=3)
    ]
    labels = [Label(0, (at, at, at + 9.5, at + 8), attributes=marks or None) for at, marks in enumerate(kinds)]
    labels.append(Label(0, (30, 30, 50, 50), attributes={"pose": "Left & <up>", "truncated": True}))
    known = FORMATS[format]
    image = Written(known.image_path("train", "a.png"), "a.png", "train", 96, 72, labels)
    (tmp_path / image.path).parent.mkdir(parents=True)
    Image.new("RGB", (96, 72)).save(tmp_path / image.path)
    assert list(known.write(Folder(tmp_path), ["cat"], {"train": [image]})) == [1]
    assert open_source(Tree.of(tmp_path), format).labels(image.path, 96, 72) == labels
    assert all(known.holds(name) for label in labels for name in label.attributes or {})
