"""The first LabelMe's XML: outlines, boxes, masks, attributes, parts, and what was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

RING = "<polygon><username>ann</username>" + "".join(
    f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((4, 6), (24, 6), (24, 16), (4, 16))
)
RING += "</polygon>"


def thing(inside: str = RING, name: str = "cat", deleted: str = "<deleted>0</deleted>", number: int = 0) -> str:
    return f"<object><name>{name}</name>{deleted}<verified>0</verified><id>{number}</id>{inside}</object>"


def folder(root: Path, *objects: str, size: str = "<nrows>48</nrows><ncols>64</ncols>") -> Path:
    picture(root / "Images" / "a.png")
    head = f"<filename>a.png</filename><folder>x</folder><imagesize>{size}</imagesize>"
    text(root / "Annotations" / "a.xml", f"<annotation>{head}{''.join(objects)}</annotation>")
    return root


@pytest.mark.parametrize("name", ["cat", "\ncat\n", " cat "])
@pytest.mark.parametrize("kind", ["", "<type>bounding_box</type>"])
def test_outlines_and_boxes(tmp_path: Path, name: str, kind: str):
    source, found = read_folder(folder(tmp_path, thing(RING + kind, name)))
    assert source.format == "labelme_xml" and not told(source)
    assert named_boxes(source, found["Images/a.png"]) == [("cat", 4, 6, 24, 16)]
    assert bool(found["Images/a.png"][0].polygons) == (not kind)


@pytest.mark.parametrize("said", ["1", "true", " 1 ", "yes", "\n1\n"])
def test_deleted_objects_are_left_out_and_counted(tmp_path: Path, said: str):
    gone = f"<deleted>{said}</deleted>"
    source, found = read_folder(folder(tmp_path, thing(), thing(name="old", deleted=gone), thing(deleted=gone)))
    assert dropped(source) == {"object was deleted in LabelMe": 2} and "a.xml" in told(source)
    assert named_boxes(source, found["Images/a.png"]) == [("cat", 4, 6, 24, 16)]
    assert list(source.classes.values()) == ["cat"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("<attributes>red, very old</attributes>", {"text": "red, very old"}),
        ("<attributes></attributes>", None),
        ("<attributes>wet=True, age=3, note</attributes>", {"wet": True, "age": "3", "text": "note"}),
        ("<attributes>track=7, z=2, truncated=yes</attributes>", {"track": "7", "z": 2, "truncated": True}),
        ("<occluded>yes</occluded>", {"occluded": True}),
        ("<occluded>no</occluded><attributes/>", None),
        ("<occluded/><parts><hasparts/><ispartof/></parts>", None),
    ],
)
def test_attributes(tmp_path: Path, given: str, expected: dict | None):
    source, found = read_folder(folder(tmp_path, thing(RING + given)))
    assert [label.attributes for label in found["Images/a.png"]] == [expected] and not told(source)


def parts(has: str, of: str) -> str:
    return f"{RING}<parts><hasparts>{has}</hasparts><ispartof>{of}</ispartof></parts>"


@pytest.mark.parametrize(
    "shapes",
    [
        (parts("1,2", ""), parts("", "0"), parts("", "0"), parts("", "")),
        (parts("", ""), parts("2", "0"), parts("", "1"), parts("", "")),
        (parts("1", ""), parts("2", ""), parts("", ""), parts("", "")),
        (parts("1", "2"), parts("2", "0"), parts("0", "1"), parts("", "")),
    ],
)
def test_parts_and_their_whole_are_one_group(tmp_path: Path, shapes: tuple[str, ...]):
    rows = [thing(inside, number=at) for at, inside in enumerate(shapes)]
    _, found = read_folder(folder(tmp_path, *rows))
    groups = [(label.attributes or {}).get("group") for label in found["Images/a.png"]]
    assert groups[3] is None and len({*groups[:3]}) == (1 if None not in groups[:3] else 0)


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("", "no outline"),
        ("<polygon></polygon>", "no outline"),
        ("<polygon><pt><x>1</x><y>2</y></pt></polygon>", "shape without an area"),
        ("<polygon>" + "<pt><x>1</x><y>2</y></pt>" * 2 + "</polygon>", "shape without an area"),
        (RING.replace("<x>24</x>", "<x>NaN</x>"), "polygon refused"),
        (RING.replace("<x>24</x>", "<x></x>"), "polygon refused"),
        ("<segm><mask>m.png</mask></segm>", "no outline"),
    ],
)
def test_t39_what_is_no_outline_is_named_and_the_others_are_read(tmp_path: Path, inside: str, reason: str):
    source, found = read_folder(folder(tmp_path, thing(inside, "dog"), thing(), size=""))
    assert dropped(source) == {reason: 1} and "a.xml" in told(source)
    assert named_boxes(source, found["Images/a.png"]) == [("cat", 4, 6, 24, 16)]


def test_masks_are_read_as_their_box_and_told(tmp_path: Path):
    box = "<box><xmin>4</xmin><ymin>6</ymin><xmax>24</xmax><ymax>16</ymax></box>"
    source, found = read_folder(folder(tmp_path, thing(f"<segm>{box}<mask>a_mask_0.png</mask></segm>")))
    assert named_boxes(source, found["Images/a.png"]) == [("cat", 4, 6, 24, 16)]
    assert "mask read as its box" in told(source) and "a_mask_0.png" in told(source)


def test_files_of_both_kinds_are_read_by_their_own_reader(tmp_path: Path):
    folder(tmp_path, thing(), thing(deleted="<deleted>1</deleted>"))
    picture(tmp_path / "Images" / "b.png")
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    text(tmp_path / "Annotations" / "b.xml", f"<annotation><object><name>dog</name>{box}</object></annotation>")
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["Images/a.png"]) == [("cat", 4, 6, 24, 16)]
    assert named_boxes(source, found["Images/b.png"]) == [("dog", 1, 2, 9, 9)]
    assert dropped(source) == {"object was deleted in LabelMe": 1}
