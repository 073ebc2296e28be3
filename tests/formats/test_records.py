"""The parts of TFRecord: checksums, label maps, damaged and forged messages (T31, T39)."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.formats import Report
from tator.formats._label_map import label_map_text, read_label_map
from tator.formats._records import integers, masked, texts
from tator.formats.tree import Tree
from tests.encoders import checksum
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told
from tests.records import mask_png, record


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_checksums_of_the_standard(content: bytes, expected: int):
    assert masked(content) == ((expected >> 15 | expected << 17) + 0xA282EAD8) & 0xFFFFFFFF


@given(st.binary(max_size=100), st.integers(0, 3000))
def test_checksums_of_any_length(content: bytes, more: int):
    content = content + bytes(range(256)) * (more // 256) + content[: more % 256]
    assert struct.pack("<I", masked(memoryview(content))) == checksum(content)


def label_map(folder: Path, content: str) -> tuple[dict[int, str], Report]:
    report = Report()
    return read_label_map(Tree.of(text(folder / "label_map.pbtxt", content).parent), report).names, report


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("item {\n  id: 1\n  name: 'cat'\n}\nitem {\n  id: 2\n  name: 'dog'\n}\n", {1: "cat", 2: "dog"}),
        ('item { name: "/m/01yrx" id: 1 display_name: "cat" }', {1: "cat"}),
        ("# classes\nitem{id:3 name:'a b' # odd\n}", {3: "a b"}),
        (r'item { id: 1 name: "\303\251t\303\251 \"x\" \\ {}" }', {1: 'été "x" \\ {}'}),
        ("item { id: 1 name: 'cat' keypoints { id: 9 label: 'nose' } display_name: 'Cat' }", {1: "Cat"}),
    ],
)
def test_label_maps_of_any_spelling(tmp_path: Path, content: str, names: dict[int, str]):
    assert label_map(tmp_path, content)[0] == names


BROKEN = [
    "item {",
    "item { id: x name: 'cat' }",
    "}}}",
    "item { name: 'cat' }",
    "item { id: 1 name: 'ca }",
    "\0\1",
    "{" * 100_000,
    "item {" * 20_000,
]


@pytest.mark.parametrize("content", BROKEN)
def test_broken_label_maps_name_no_class(tmp_path: Path, content: str):
    names, report = label_map(tmp_path, content)
    assert names == {} and report.counts["dropped"].total() <= 1


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20), max_size=6))
def test_label_maps_read_back_equal(tmp_path_factory: pytest.TempPathFactory, names: list[str]):
    found, _ = label_map(tmp_path_factory.mktemp("map"), label_map_text(names))
    assert list(found.values()) == names


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_damage_is_named_and_the_records_beside_it_are_read(tmp_path: Path, at: int):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    with open(tmp_path / "train.tfrecord", "wb") as file:
        record(file, "a.png")
        end = file.tell()
        record(file, "b.png")
    content = bytearray((tmp_path / "train.tfrecord").read_bytes())
    at = 12 + at % (end - 12)
    content[at] ^= 0x10
    (tmp_path / "train.tfrecord").write_bytes(content)
    source, found = read_folder(tmp_path)
    assert dropped(source) == {"damaged record": 1} and "train.tfrecord:1" in told(source)
    assert found["a.png"] is None and named_boxes(source, found["b.png"]) == [("cat", 16, 12, 32, 24)]


@pytest.mark.parametrize("flip", [0x01, 0x08, 0x80, 0xFF])
def test_changed_messages_with_a_right_checksum_never_crash(tmp_path: Path, flip: int):
    """Each byte of a good record is changed in turn: kinds, lengths and numbers of fields, texts, floats."""
    picture(tmp_path / "a.png")
    buffer = io.BytesIO()
    record(buffer, "a.png", image_object_class_label=integers(1), image_object_mask=texts(mask_png()))
    message = buffer.getvalue()[12:-4]
    with open(tmp_path / "train.tfrecord", "wb") as file:
        for at in range(len(message)):
            changed = message[:at] + bytes([message[at] ^ flip]) + message[at + 1 :]
            length = struct.pack("<Q", len(changed))
            file.write(length + struct.pack("<I", masked(length)) + changed + struct.pack("<I", masked(changed)))
    source, found = read_folder(tmp_path)
    assert "damaged record" not in dropped(source) and len(found["a.png"]) > 0


@given(st.binary(max_size=200))
def test_any_message_with_a_right_checksum_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, message: bytes):
    folder = tmp_path_factory.mktemp("fuzz")
    length = struct.pack("<Q", len(message))
    content = length + struct.pack("<I", masked(length)) + message + struct.pack("<I", masked(message))
    (folder / "x.tfrecord").write_bytes(content)
    source, _ = read_folder(folder)
    assert source.format == "tfrecord"
