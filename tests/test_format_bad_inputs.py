"""What a label file may hold that must be refused by name, with the good entries beside it read (T09-T16, T27-T41)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests import encoders
from tests.encoders import REFERRING
from tests.folders import boxes, export, make, named, picture, reasons, text
from tests.reading import named_boxes, read_folder, told

GOOD = [("a.png", "cat", (4.0, 4.0, 20.0, 20.0)), ("b.png", "dog", (8.0, 6.0, 30.0, 26.0))]
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
formats = pytest.mark.parametrize("format", sorted(REFERRING))


def folder(root: Path, format: str, rows) -> Path:
    """Write images a and b, an image c the labels may not speak of, and the label files."""
    for name in ("a.png", "b.png", "c.png"):
        picture(root / "images" / name)
    REFERRING[format](root, rows)
    return root


def good_are_read(source, found) -> None:
    assert named_boxes(source, found["images/a.png"]) == [pytest.approx(("cat", 4, 4, 20, 20), abs=0.01)]
    assert named_boxes(source, found["images/b.png"]) == [pytest.approx(("dog", 8, 6, 30, 26), abs=0.01)]
    assert found["images/c.png"] is None


@formats
def test_hand_written_files_are_recognised_and_read(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, GOOD))
    assert source.format == format and not source.report.counts["dropped"]
    good_are_read(source, found)


@formats
@pytest.mark.parametrize("reference", ESCAPES)
def test_paths_that_lead_out_are_named_and_nothing_is_read_there(tmp_path: Path, format: str, reference: str):
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
def test_export_of_escaping_references_holds_only_the_folder(wb, tmp_path: Path, format: str):
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
def test_ambiguous_names_are_reported_and_paths_decide(tmp_path: Path, format: str):
    for place in ("day", "night"):
        picture(tmp_path / place / "same.png")
    rows = [("same.png", "cat", (1, 1, 9, 9)), *GOOD]
    source, found = read_folder(folder(tmp_path, format, rows))
    assert "same.png" in told(source) and ("ambiguous" in told(source) or "not in the folder" in told(source))
    assert found["day/same.png"] is None and found["night/same.png"] is None
    good_are_read(source, found)


@pytest.mark.parametrize(
    "format", sorted(REFERRING.keys() - {"voc", "imagenet", "labelme"})
)  # there the label file's own name decides
def test_equal_basenames_are_told_apart_by_path(tmp_path: Path, format: str):
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
def test_bad_boxes_are_named_and_good_ones_kept(tmp_path: Path, format: str, reason: str):
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
def test_reversed_corners_are_dropped_or_repaired_with_a_note(tmp_path: Path, format: str):
    source, found = read_folder(folder(tmp_path, format, [("a.png", "dog", (30.0, 30.0, 10.0, 10.0)), *GOOD]))
    report = source.report
    # LabelMe's rectangle is two corners in any order, so there is nothing to say
    assert report.counts["dropped"].total() + report.counts["repaired"].total() == (0 if format == "labelme" else 1), (
        told(source)
    )
    assert len(found["images/a.png"]) in (1, 2)


@formats
def test_boxes_over_the_edge_are_clipped_with_a_note(tmp_path: Path, format: str):
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
def test_odd_class_names_are_data(wb, tmp_path: Path, format: str, name: str):
    dataset = make(wb, folder(tmp_path / "set", format, [("a.png", name, (4.0, 4.0, 20.0, 20.0)), GOOD[1]]))
    assert {row.name for row in dataset.classes()} == {name, "dog"}
    assert boxes(dataset)["images/a.png"] == [pytest.approx((name, 4, 4, 20, 20), abs=0.01)]


@formats
@pytest.mark.parametrize("name", ["ca\u202et", "c\u200bat", "cat\u2066", "\ufeffcat", "ca\u00adt"])
def test_hidden_characters_in_class_names_are_taken_out_with_a_note(wb, tmp_path: Path, format: str, name: str):
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


XML = {
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><{root}><meta/><filename>&e;</filename></{root}>',
    "billion laughs": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;">]><{root}><meta/><filename>&c;</filename></{root}>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]><{root}><meta/></{root}>',
    "cut off": "<{root}><meta/><filename>x.png</filename><object>",
    "not XML": "<{root}><meta/>\0\1\2",
    "unknown encoding": '<?xml version="1.0" encoding="x-none"?><{root}><meta/></{root}>',
    "unparsed entity": '<!DOCTYPE x [<!NOTATION n SYSTEM "n"><!ENTITY e SYSTEM "e.gif" NDATA n>]><{root}><meta/></{root}>',
}


@pytest.mark.parametrize("attack", XML)
@pytest.mark.parametrize(
    ("format", "root_tag"), [("voc", "annotation"), ("imagenet", "annotation"), ("cvat", "annotations")]
)
def test_dangerous_xml_is_refused_by_name(tmp_path: Path, format: str, root_tag: str, attack: str):
    root = folder(tmp_path, format, GOOD)
    text(
        root / "Annotations" / ("DET" if format == "imagenet" else "more") / "evil.xml",
        XML[attack].replace("{root}", root_tag),
    )
    source, found = read_folder(root)
    assert source.format == format
    assert "evil.xml" in told(source) and "refused as XML" in told(source)
    assert "root:" not in told(source)  # of /etc/passwd
    good_are_read(source, found)


def test_deep_xml_ends_the_file_not_the_process(tmp_path: Path):
    root = folder(tmp_path, "voc", GOOD)
    text(root / "Annotations" / "deep.xml", "<annotation>" + "<a>" * 200_000)
    source, found = read_folder(root)
    assert "deep.xml" in told(source)
    good_are_read(source, found)


JSON = ["coco", "roboflow", "createml", "via", "via3", "labelme", "qwen"]


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"a":' * 100_000, "{", "[1, 2", '{"a": 1e}', "9" * 5000], ids=lambda c: c[:6]
)
def test_broken_and_deep_json_is_refused_by_name(tmp_path: Path, format: str, content: str):
    root = folder(tmp_path, format, GOOD)
    marks = {
        "coco": '"images" "annotations" "categories"',
        "roboflow": '"images" "annotations" "categories"',
        "createml": '[ "image" "annotations"',
        "via": "region_attributes shape_attributes",
        "via3": '"project" "vid_list" "metadata"',
        "labelme": '"imagePath" "shapes"',
        "qwen": '{"image conversations" detections "conversations"',
    }[format]
    bad = root / ("evil.jsonl" if format == "qwen" else "evil.json")
    text(
        bad,
        marks + content
        if format == "qwen"
        else f"{marks}\n{content}"
        if format == "createml"
        else f"{content}\n{marks}",
    )
    source, found = read_folder(root)
    assert source.format == format
    assert bad.name in told(source) and "JSON" in told(source)
    good_are_read(source, found)


WRONG_TYPES = [None, 7, "x", [], {}, [None], [[]], [{}], {"a": None}, True, -1.5]


@pytest.mark.parametrize("value", WRONG_TYPES, ids=repr)
@pytest.mark.parametrize("format", JSON)
def test_json_of_wrong_types_never_crashes_a_reader(tmp_path: Path, format: str, value):
    """Replace every value of a good file, one at a time, by a value of another type."""
    root = folder(tmp_path, format, GOOD)
    path = next(p for p in root.rglob("*.json*"))
    good = path.read_text()
    content = json.loads(good.splitlines()[0]) if format == "qwen" else json.loads(good)
    for changed in mutations(content, value):
        path.write_text(json.dumps(changed) + ("\n" + good.splitlines()[1] if format == "qwen" else ""))
        source, found = read_folder(root, format)
        for labels in found.values():
            assert all(math.isfinite(v) for label in labels or [] for v in label.xyxy)


def mutations(content, value):
    """Yield copies of JSON with one value replaced."""
    if isinstance(content, dict):
        for key in content:
            yield {**content, key: value}
            yield from ({**content, key: each} for each in mutations(content[key], value))
    elif isinstance(content, list):
        for at, item in enumerate(content):
            yield [*content[:at], value, *content[at + 1 :]]
            yield from ([*content[:at], each, *content[at + 1 :]] for each in mutations(item, value))


def test_more_labels_than_an_image_may_have_are_refused_by_name(wb, tmp_path: Path):
    many = [("c.png", "cat", (1.0, 1.0, 9.0, 9.0))] * 100_001
    dataset = make(wb, folder(tmp_path / "set", "csv", [*GOOD, *many]))
    assert reasons(dataset) == {"too many labels": 1} and "images/c.png" in named(dataset)
    assert [len(found) for found in boxes(dataset).values()] == [1, 1, 0]


@formats
def test_unreadable_images_are_named_and_the_rest_is_imported(wb, tmp_path: Path, format: str):
    root = folder(tmp_path / "set", format, [("broken.png", "cat", (1.0, 1.0, 9.0, 9.0)), *GOOD])
    (root / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    dataset = make(wb, root)
    assert "images/broken.png" in named(dataset) and reasons(dataset) == {"unreadable image": 1}
    assert len(boxes(dataset)["images/a.png"]) == len(boxes(dataset)["images/b.png"]) == 1


@pytest.mark.parametrize("name", ["evil.svg", "page.html", "run.js", "photo.svgz", "x.xhtml"])
def test_active_files_are_refused_by_name(tmp_path: Path, name: str):
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


def test_hidden_from_spreadsheets(tmp_path: Path):
    from tator.formats._csv import harmless, restored

    for name in (*CLASS_NAMES, "'=x", "''-", "+", "\tx", "plain", "'quoted'"):
        assert restored(harmless(name)) == name
        assert harmless(name)[0] not in "=+-@\t"


assert encoders.WIDTH == 64 and encoders.HEIGHT == 48  # what tests.folders.picture draws
