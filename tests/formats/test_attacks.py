"""Label files made against their parser: XML that reaches out or unfolds, deep, huge and ill-typed JSON (T15, T16, T31)."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path

import pytest

from tator.importing import filling
from tests.folders import boxes, make, named, reasons, text
from tests.reading import read_folder, told
from tests.two_good import GOOD, folder, formats, good_are_read

XML = {
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><{root}><meta/><filename>&e;</filename></{root}>',
    "billion laughs": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;">]><{root}><meta/><filename>&c;</filename></{root}>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]><{root}><meta/></{root}>',
    "cut off": "<{root}><meta/><filename>x.png</filename><object>",
    "not XML": "<{root}><meta/>\0\1\2",
    "unknown encoding": '<?xml version="1.0" encoding="x-none"?><{root}><meta/></{root}>',
    "entity in an attribute": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><{root} a="&e;"><meta/></{root}>',
    "quadratic blowup": '<!DOCTYPE x [<!ENTITY a "'
    + "a" * 5_000
    + '">]><{root}><meta/><filename>'
    + "&a;" * 50_000
    + "</filename></{root}>",
    "laughs in an attribute": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><{root} a="&b;"><meta/></{root}>',
    "laughs of many names": '<!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};">' for n in range(1, 30))
    + "]><{root}><meta/><filename>&a29;</filename></{root}>",
    "laughs that call themselves": '<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]><{root}><meta/><filename>&a;</filename></{root}>',
    "unparsed entity": '<!DOCTYPE x [<!NOTATION n SYSTEM "n"><!ENTITY e SYSTEM "e.gif" NDATA n>]><{root}><meta/></{root}>',
}


@pytest.mark.parametrize("attack", XML)
@pytest.mark.parametrize(
    ("format", "root_tag"), [("voc", "annotation"), ("imagenet", "annotation"), ("cvat", "annotations")]
)
def test_t15_t16_dangerous_xml_is_refused_by_name(tmp_path: Path, format: str, root_tag: str, attack: str):
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


def test_t31_deep_xml_ends_the_file_not_the_process(tmp_path: Path):
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
def test_t31_broken_and_deep_json_is_refused_by_name(tmp_path: Path, format: str, content: str):
    root = folder(tmp_path, format, GOOD)
    marks = {
        "coco": '"images": "annotations": "categories":',
        "roboflow": '"images": "annotations": "categories":',
        "createml": '[ "image" "annotations"',
        "via": "region_attributes shape_attributes",
        "via3": '"project" "vid_list" "metadata"',
        "labelme": '"imagePath": "shapes":',
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


@formats
def test_t31_more_labels_than_an_image_may_have_are_refused_by_name(wb, tmp_path: Path, format: str, monkeypatch):
    monkeypatch.setattr(filling, "ANNOTATIONS_LIMIT", 500)  # the real one is met below
    many = [("c.png", "cat", (1.0, 1.0, 9.0 + n / 32, 9.0)) for n in range(501)]
    dataset = make(wb, folder(tmp_path / "set", format, [*GOOD, *many]))
    assert reasons(dataset) == {"too many labels": 1} and "images/c.png" in named(dataset)
    assert [len(found) for found in boxes(dataset).values()] == [1, 1, 0]


@pytest.mark.slow
def test_t31_the_limit_itself(wb, tmp_path: Path):
    many = [("c.png", "cat", (1.0, 1.0, 9.0, 9.0))] * (filling.ANNOTATIONS_LIMIT + 1)
    dataset = make(wb, folder(tmp_path / "set", "csv", [*GOOD, *many]))
    assert reasons(dataset) == {"too many labels": 1} and [len(found) for found in boxes(dataset).values()] == [1, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["coco", "csv"])
def test_t31_a_million_boxes_on_an_image(wb, tmp_path: Path, format: str):
    """As COCO they are 80 MB of JSON: refused by name, the images beside it are in."""
    many = [("c.png", "cat", (n % 50 + 0.5, n % 40 + 0.5, n % 50 + 9.25, n % 40 + 7.75)) for n in range(1_000_000)]
    dataset = make(wb, folder(tmp_path / "set", format, [*GOOD, *many]))
    assert reasons(dataset) == {"too many labels": 1} and [len(found) for found in boxes(dataset).values()] == [1, 1, 0]


MARKS = {
    "voc": (".xml", "<annotation>", 65 << 20),
    "cvat": (".xml", "<annotations><meta/><image name='c.png'>", 65 << 20),
    "labelme": (".json", '"imagePath": "shapes":', 513 << 20),
    "createml": (".json", '[ "image" "annotations"', 513 << 20),
    "via": (".json", "region_attributes shape_attributes", 513 << 20),
    "via3": (".json", '"vid_list" "metadata"', 513 << 20),
    "coco": (".json", '"images": "annotations": "categories":', (4 << 30) + 1),
    "qwen": (".jsonl", '"image" "conversations" detections', 65 << 20),
    "openimages": (".csv", "ImageID,LabelName,XMin,XMax,YMin,YMax\nc.png,cat,0,1,0,", 3 << 20),
    "csv": (".csv", "filename,class,xmin,ymin,xmax,ymax\nc.png,cat,1,1,9,", 3 << 20),
    "tfrecord": (".tfrecord", "\0\0\0\x7f\0\0\0\0", 1 << 20),
}


@pytest.mark.parametrize("format", MARKS)
def test_t31_files_beyond_every_measure_are_refused_by_name(tmp_path: Path, format: str):
    """Sparse files: they take no room on the disk, and would fill the memory of who reads them whole."""
    ending, mark, size = MARKS[format]
    root = folder(tmp_path, format, GOOD)
    place = root / "Annotations" if format == "voc" else root
    text(place / f"huge{ending}", mark)
    with open(place / f"huge{ending}", "r+b") as file:
        file.truncate(size)
    source, found = read_folder(root, format)
    assert f"huge{ending}" in told(source)
    good_are_read(source, found)


@pytest.mark.parametrize("kind", ["external subset", "entity", "parameter entity", "stylesheet", "include"])
@pytest.mark.parametrize(("format", "root_tag"), [("voc", "annotation"), ("cvat", "annotations")])
def test_t15_nothing_that_xml_points_at_is_fetched(tmp_path: Path, format: str, root_tag: str, kind: str):
    root = folder(tmp_path, format, GOOD)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        before, inside = {
            "external subset": (f'<!DOCTYPE x SYSTEM "{address}">', ""),
            "entity": (f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]>', "&e;"),
            "parameter entity": (f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{address}"> %p;]>', ""),
            "stylesheet": (f'<?xml-stylesheet href="{address}"?>', ""),
            "include": ("", f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{address}" parse="text"/>'),
        }[kind]
        text(
            root / ("Annotations" if format == "voc" else ".") / "evil.xml",
            f"{before}<{root_tag}><meta/>{inside}</{root_tag}>",
        )
        source, found = read_folder(root, format)
        with pytest.raises(BlockingIOError):
            listener.accept()
    good_are_read(source, found)
