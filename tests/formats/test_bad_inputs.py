"""What a label file may name and hold that must be refused by name, with the good entries beside it read (T09-T13, T27-T41)."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests import encoders
from tests.encoders import REFERRING
from tests.folders import boxes, export, make, named, picture, reasons, text
from tests.reading import named_boxes, read_folder, told
from tests.two_good import GOOD, folder, formats, good_are_read

ESCAPES = (
    "../../secret.png",
    "/etc/secret.png",
    "C:\\temp\\secret.png",
    "\\\\host\\share\\secret.png",
    "file:///etc/secret.png",
    "..\\..\\secret.png",
    "images/../../secret.png",
    "http://169.254.169.254/secret.png",
)


@formats
def test_hand_written_files_are_recognised_and_read(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, GOOD))
    assert source.format == format and not source.report.counts["dropped"]
    good_are_read(source, found)


@formats
@pytest.mark.parametrize("reference", ESCAPES)
def test_t09_t10_t13_paths_that_lead_out_are_named_and_nothing_is_read_there(
    tmp_path: Path, format: str, reference: str
):
    picture(tmp_path / "secret.png")
    root = folder(tmp_path / "deep" / "set", format, [(reference, "cat", (1, 1, 9, 9)), *GOOD])
    source, found = read_folder(root)
    assert len(found) == 3 and "secret.png" in told(source) and "image is not in the folder" in told(source)
    good_are_read(source, found)


@formats
def test_a_path_that_leads_out_to_a_namesake_is_said(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, [("../../elsewhere/b.png", "cat", (1, 1, 9, 9)), GOOD[0]]))
    assert "path found by its end" in told(source) and "../../elsewhere/b.png is images/b.png" in told(source)
    assert len(found["images/b.png"]) == 1


@formats
def test_t09_t10_t13_export_of_escaping_references_holds_only_the_folder(wb, tmp_path: Path, format: str):
    import zipfile

    (tmp_path / "secret.png").write_bytes(b"secret")
    rows = [(reference, "cat", (1, 1, 9, 9)) for reference in ESCAPES]
    dataset = make(wb, folder(tmp_path / "deep" / "set", format, [*rows, *GOOD]))
    _, path = export(dataset, "yolo")
    with zipfile.ZipFile(path) as archive:
        images = {name for name in archive.namelist() if name.endswith(".png")}
        assert images == {"images/train/a.png", "images/train/b.png"}
        assert not any(b"secret" in archive.read(name) for name in archive.namelist())


@formats
def test_t36_ambiguous_names_are_reported_and_paths_decide(tmp_path: Path, format: str):
    for place in ("day", "night"):
        picture(tmp_path / place / "same.png")
    rows = [("same.png", "cat", (1, 1, 9, 9)), *GOOD]
    source, found = read_folder(folder(tmp_path, format, rows))
    assert "same.png" in told(source) and ("ambiguous" in told(source) or "not in the folder" in told(source))
    assert found["day/same.png"] is None and found["night/same.png"] is None
    good_are_read(source, found)


@pytest.mark.parametrize(
    "format", sorted(REFERRING.keys() - {"voc", "imagenet", "labelme", "labelme_xml"})
)  # there the label file's own name decides
def test_t36_equal_basenames_are_told_apart_by_path(tmp_path: Path, format: str):
    for place in ("day", "night"):
        picture(tmp_path / place / "same.png")
    rows = [("day/same.png", "cat", (1, 1, 9, 9)), ("night/same.png", "dog", (2, 2, 8, 8)), *GOOD]
    source, found = read_folder(folder(tmp_path, format, rows))
    assert not source.report.counts["dropped"]
    assert [named_boxes(source, found[f"{place}/same.png"])[0][0] for place in ("day", "night")] == ["cat", "dog"]


BAD_BOXES = {
    "not a finite number": [(math.nan, 1, 9, 9), (1, math.inf, 9, 9)],
    "zero area": [(5, 5, 5, 9), (7, 7, 7, 7)],
    "outside the image": [(100, 100, 140, 140), (-60, -60, -5, -5)],
}


@formats
@pytest.mark.parametrize("reason", BAD_BOXES)
def test_t39_bad_boxes_are_named_and_good_ones_kept(tmp_path: Path, format: str, reason: str):
    rows = [("a.png", "dog", box) for box in BAD_BOXES[reason]]
    source, found = read_folder(folder(tmp_path, format, [*rows, *GOOD]))
    assert source.report.counts["dropped"].total() == 2, told(source)
    assert reason in told(source) or "no box" in told(source), told(source)
    assert (
        "a.png" in told(source)
        or "a.xml" in told(source)
        or "a.json" in told(source)
        or ":2:" in told(source)
        or ":1:" in told(source)
    )
    good_are_read(source, found)


@formats
def test_t39_reversed_corners_are_dropped_or_repaired_with_a_note(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, [("a.png", "dog", (30.0, 30.0, 10.0, 10.0)), *GOOD]))
    report = source.report
    # LabelMe's rectangle is corners in any order, so there is nothing to say
    expected = 0 if format in ("labelme", "labelme_xml") else 1
    assert report.counts["dropped"].total() + report.counts["repaired"].total() == expected, told(source)
    assert len(found["images/a.png"]) in (1, 2)


@formats
def test_t39_boxes_over_the_edge_are_clipped_with_a_note(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, [("c.png", "cat", (-8.0, 10.0, 20.0, 60.0)), *GOOD]))
    assert named_boxes(source, found["images/c.png"]) == [pytest.approx(("cat", 0, 10, 20, 48), abs=0.01)]
    assert "clipped to the image" in told(source)


CLASS_NAMES = (
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "ship 🚢",
    "日本 語",
    "a\"b'c&d;e,f",
    "-1",
)


@formats
@pytest.mark.parametrize("name", CLASS_NAMES)
def test_t28_t29_odd_class_names_are_data(wb, tmp_path: Path, format: str, name: str):
    dataset = make(wb, folder(tmp_path / "set", format, [("a.png", name, (4.0, 4.0, 20.0, 20.0)), GOOD[1]]))
    assert {row.name for row in dataset.classes()} == {name, "dog"}
    assert boxes(dataset)["images/a.png"] == [pytest.approx((name, 4, 4, 20, 20), abs=0.01)]


@formats
@pytest.mark.parametrize("name", ["ca\u202et", "c\u200bat", "cat\u2066", "\ufeffcat", "ca\u00adt"])
def test_t29_hidden_characters_in_class_names_are_taken_out_with_a_note(wb, tmp_path: Path, format: str, name: str):
    dataset = make(wb, folder(tmp_path / "set", format, [("a.png", name, (4.0, 4.0, 20.0, 20.0)), GOOD[1]]))
    assert {row.name for row in dataset.classes()} == {"cat", "dog"}
    assert "class name changed" in named(dataset, "repaired")


@formats
def test_an_object_without_a_class_is_named_and_its_image_kept_for_a_person(wb, tmp_path: Path, format: str):
    dataset = make(wb, folder(tmp_path / "set", format, [("a.png", "", (5.0, 5.0, 9.0, 9.0)), *GOOD]))
    drops, repairs = named(dataset), named(dataset, "repaired")
    assert "without a class" in drops or "without a class" in repairs or "class name changed" in repairs
    states = {row.path: row.state for row in dataset.images()}
    assert states == {
        "images/a.png": "in_progress" if drops else "reviewed",
        "images/b.png": "reviewed",
        "images/c.png": "new",
    }
    assert len(boxes(dataset)["images/b.png"]) == 1


@pytest.mark.parametrize("tag", ["filename", "path", "folder"])
@pytest.mark.parametrize("reference", ESCAPES)
def test_t10_every_place_for_a_path_in_voc(tmp_path: Path, tag: str, reference: str):
    picture(tmp_path / "secret.png")
    root = folder(tmp_path / "deep" / "set", "voc", GOOD)
    shape = "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
    text(
        root / "Annotations" / "lost.xml",
        f"<annotation><{tag}>{encoders.escaped(reference)}</{tag}>{shape}</annotation>",
    )
    source, found = read_folder(root)
    assert len(found) == 3 and "lost.xml" in told(source) and "image is not in the folder" in told(source)
    good_are_read(source, found)


@formats
def test_t33_unreadable_images_are_named_and_the_rest_is_imported(wb, tmp_path: Path, format: str):
    root = folder(tmp_path / "set", format, [("broken.png", "cat", (1.0, 1.0, 9.0, 9.0)), *GOOD])
    (root / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    dataset = make(wb, root)
    assert "images/broken.png" in named(dataset) and reasons(dataset) == {"unreadable image": 1}
    assert len(boxes(dataset)["images/a.png"]) == len(boxes(dataset)["images/b.png"]) == 1


@pytest.mark.parametrize("name", ["evil.svg", "page.html", "run.js", "photo.svgz", "x.xhtml"])
def test_t27_active_files_are_refused_by_name(tmp_path: Path, name: str):
    root = folder(tmp_path, "voc", GOOD)
    text(root / "images" / name, "<svg onload=alert(1)>")
    source, found = read_folder(root)
    assert f"images/{name}" in told(source) and "file kind refused" in told(source)
    good_are_read(source, found)


@pytest.mark.parametrize("cut", [0, 5, 11, 12, 40, -1])
def test_a_record_file_that_is_cut_off_keeps_the_records_before(tmp_path: Path, cut: int):
    root = folder(tmp_path, "tfrecord", GOOD)
    path = root / "data.tfrecord"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] if cut < 0 else whole + whole[:cut])
    source, found = read_folder(root)
    assert ("cut off" in told(source)) == (cut != 0)
    assert len(found["images/a.png"]) == 1


def test_damaged_records_never_crash(tmp_path: Path):
    root = folder(tmp_path, "tfrecord", GOOD)
    path = root / "data.tfrecord"
    whole = bytearray(path.read_bytes())
    for at in range(12, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        read_folder(root)


def test_t28_hidden_from_spreadsheets(tmp_path: Path):
    from tator.formats.cells import harmless, restored

    for name in (*CLASS_NAMES, "'=x", "''-", "+", "\tx", "plain", "'quoted'"):
        assert restored(harmless(name)) == name
        assert harmless(name)[0] not in "=+-@\t"
