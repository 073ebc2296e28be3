"""CVAT's tracks lie on their frames; flags, order, groups and turned boxes are read and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tator.formats import Label
from tator.formats._shapes import box_ring, extent, turned
from tator.formats.table import FORMATS, open_source
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written

HEAD = """<annotations><meta><task><labels><label><name>dog</name><attributes>
<attribute><name>old</name><input_type>checkbox</input_type></attribute>
<attribute><name>age</name><input_type>number</input_type></attribute>
<attribute><name>tag</name><input_type>text</input_type></attribute></attributes></label></labels></task></meta>"""


def source_of(folder: Path, names: list[str], inside: str):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (96, 72)).save(folder / name)
    (folder / "annotations.xml").write_text(f"{HEAD}{inside}</annotations>")
    return open_source(Tree.of(folder), "cvat")


def row(frame: int, x: int, keyframe: int = 1, outside: int = 0) -> str:
    box = f'xtl="{x}" ytl="10" xbr="{x + 20}" ybr="40"'
    return f'<box frame="{frame}" keyframe="{keyframe}" outside="{outside}" occluded="0" {box} z_order="0"></box>'


@pytest.mark.parametrize("name", ["frame_{:06d}.PNG", "images/frame_{:06d}.jpg", "{:03d}.png", "a/shot-{}.png"])
def test_a_track_lies_on_every_frame(tmp_path: Path, name: str):
    names = [name.format(at) for at in range(3)]
    rows = row(0, 10) + row(1, 14, keyframe=0) + row(2, 18)
    source = source_of(tmp_path, names, f'<track id="4" label="dog" group_id="2">{rows}</track>')
    for at, path in enumerate(names):
        (label,) = source.labels(path, 96, 72)
        assert label.xyxy == (10 + 4 * at, 10, 30 + 4 * at, 40)
        assert label.attributes == {"track": 4, "group": 2} | ({"interpolated": True} if at == 1 else {})


def test_frames_between_key_frames_are_filled_until_it_is_outside(tmp_path: Path):
    names = [f"frame_{at:06d}.png" for at in range(8)]
    rows = row(0, 10) + row(4, 30) + row(6, 30, outside=1)
    source = source_of(tmp_path, names, f'<track id="0" label="dog">{rows}</track>')
    found = [source.labels(path, 96, 72) or [] for path in names]
    assert [[label.xyxy[0] for label in labels] for labels in found] == [[10], [15], [20], [25], [30], [30], [], []]
    assert [bool(labels[0].attributes.get("interpolated")) for labels in found[:6]] == [0, 1, 1, 1, 0, 1]


def test_frames_without_an_image_are_named(tmp_path: Path):
    source = source_of(tmp_path, ["frame_000000.png"], f'<track id="0" label="dog">{row(0, 10) + row(1, 12)}</track>')
    assert len(source.labels("frame_000000.png", 96, 72)) == 1
    (told,) = source.report.entries["dropped"]
    assert told["reason"] == "image is not in the folder" and "frame 1" in told["detail"]


def test_attributes_have_the_types_that_labels_declare(tmp_path: Path):
    rows = (
        '<attribute name="old">true</attribute><attribute name="age">3</attribute><attribute name="tag">3</attribute>'
    )
    shape = f'<box label="dog" occluded="1" z_order="4" group_id="9" xtl="1" ytl="1" xbr="9" ybr="9">{rows}</box>'
    source = source_of(tmp_path, ["a.png"], f'<image name="a.png" width="96" height="72">{shape}</image>')
    (label,) = source.labels("a.png", 96, 72)
    assert label.attributes == {"old": True, "age": 3, "tag": "3", "occluded": True, "z": 4, "group": 9}


@pytest.mark.parametrize("turn", [0.5, 30.0, 90.0, 135.0, 271.0, 359.0])
def test_marks_and_turned_boxes_come_back(tmp_path: Path, turn: float):
    ring = [round(value, 4) for value in turned(box_ring((30, 30, 60, 40)), turn, 45, 35)]
    marks = {"occluded": True, "z": -3, "group": 5}
    labels = [
        Label(0, extent(ring), [[ring]], attributes={**marks, "rotation": turn}),
        Label(0, (1, 2, 30, 40), attributes=marks),
        Label(0, (1, 2, 30, 41), attributes=None),
        Label(0, (10, 10, 30, 40), [[[10, 10, 30, 10, 20, 40]]], attributes={"occluded": True}),
    ]
    image = Written("a.png", "a.png", "train", 96, 72, labels)
    Image.new("RGB", (96, 72)).save(tmp_path / "a.png")
    assert list(FORMATS["cvat"].write(Folder(tmp_path), ["dog"], {"train": [image]})) == [1]
    read = open_source(Tree.of(tmp_path), "cvat").labels("a.png", 96, 72)
    assert [each.attributes for each in read] == [each.attributes for each in labels]
    for ours, theirs in zip(labels, read, strict=True):
        assert theirs.xyxy == pytest.approx(ours.xyxy, abs=0.01)
    assert read[0].polygons[0][0] == pytest.approx(ring, abs=0.01)
