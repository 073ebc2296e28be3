"""Large JSON: read entry by entry to the same end as whole, whatever the order of its keys and where its parts are cut."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.formats import Label, _coco_file, _json_stream
from tator.formats._json_stream import entries
from tests.folders import picture, text
from tests.formats.test_round_trip import Sample
from tests.formats.test_round_trip import written as written_as
from tests.reading import read_folder, told

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WANTED = ("images", "annotations")


def written(content: dict, **how) -> bytes:
    return json.dumps(content, **how).encode("utf-8", "surrogatepass")


@settings(max_examples=80)
@given(
    st.dictionaries(st.sampled_from([*WANTED, "info", "a", "\u00e4"]), st.lists(VALUES, max_size=5)),
    VALUES,
    st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}]),
    st.integers(1, 40),
)
def test_lists_are_found_wherever_they_stand_and_however_the_text_is_cut(lists: dict, other, how: dict, chunk: int):
    content = written(lists | {"other": other}, **how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json_stream, "CHUNK", chunk)
        try:
            found = list(entries(io.BytesIO(content), WANTED))
        except UnicodeError:  # a lone surrogate is no UTF-8
            raise AssertionError from None
    for key in WANTED:
        read = [json.loads(content[start:end]) for of, _, start, end in found if of == key]
        assert read == lists.get(key, [])
    assert all(isinstance(value, str) or value == json.loads(content[a:b]) for _, value, a, b in found if _ascii(value))


def _ascii(value: object) -> bool:
    return json.dumps(value, ensure_ascii=False).isascii()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"images": 3}',
        b'{"images": [1, 2',
        b'{"images": [1 2]}',
        b'{"images": [1,]}',
        b'{"images": []',
        b'{"images": [{"a": }]}',
        b'{"images": []} x',
        b"{3: []}",
        b'{"images" []}',
        b'{"other": {"a": [}}',
    ],
)
@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_what_is_not_json_is_refused_with_its_place(content: bytes, chunk: int, monkeypatch):
    monkeypatch.setattr(_json_stream, "CHUNK", chunk)
    with pytest.raises(ValueError, match="byte|not a list"):
        list(entries(io.BytesIO(content), WANTED))


def test_a_mark_before_the_text_is_no_part_of_it():
    content = b'\xef\xbb\xbf {"images": [{"a": 1}]}\n'
    [(key, entry, start, end)] = entries(io.BytesIO(content), WANTED)
    assert (key, entry, content[start:end]) == ("images", {"a": 1}, b'{"a": 1}')


def dataset() -> dict:
    """Return a COCO file of three images: captions, crowds, ids of each kind, strays, names outside ASCII."""
    rows = [
        {"id": n, "image_id": of, "category_id": kind, "bbox": [n, 1, 10 + n, 8], "iscrowd": 0, "segmentation": []}
        for n, (of, kind) in enumerate([(1, 1), ("zw\u00f6lf", 2), (1.0, 2), ("zw\u00f6lf", 1), (77, 1), (1, "\u00fc")])
    ]
    rows.append({"id": 20, "image_id": 1, "caption": "Ein Stra\u00dfenfest", "category_id": 1})
    rows.append({"id": 21, "image_id": "3", "category_id": 1, "keypoints": [3, 4, 2, 9, 9, 1], "num_keypoints": 2})
    images = [("a.png", 1), ("b \u00e4.png", "zw\u00f6lf"), ("c.png", 3), ("lost.png", 9)]
    return {
        "info": {"annotations": ["a decoy"], "description": '"images": ['},
        "licenses": [{"id": 1, "name": "free"}],
        "images": [{"id": key, "file_name": name, "width": 64, "height": 48} for name, key in images],
        "annotations": [*rows, "no object"],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "h\u00e4user"}, {"id": "\u00fc", "name": "x"}],
    }


def state(root: Path) -> tuple:
    source, found = read_folder(root)
    return source.format, source.classes, source.captions, found, told(source)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("seed", range(4))
def test_a_large_file_says_what_a_small_one_says(tmp_path: Path, seed: int, encoding: str, monkeypatch):
    for name in ("a.png", "b \u00e4.png", "c.png"):
        picture(tmp_path / name)
    content = list(dataset().items())
    random.Random(seed).shuffle(content)
    whole = json.dumps(dict(content), ensure_ascii=False, indent=seed or None)
    (tmp_path / "a.json").write_bytes(whole.encode(encoding))
    small = state(tmp_path)
    monkeypatch.setattr(_coco_file, "IN_MEMORY", 0)
    monkeypatch.setattr(_json_stream, "CHUNK", 7 + seed)
    assert state(tmp_path) == small
    assert small[0] == "coco" and set(small[1].values()) == {"cat", "h\u00e4user", "x"}
    assert "Stra\u00dfenfest" in small[2]["a.png"] and sum(map(len, small[3].values())) == 6
    assert "image_id 77" in small[4] and "lost.png" in small[4] and "1 of annotations" in small[4]


def test_a_cut_large_file_is_refused_by_name(tmp_path: Path, monkeypatch):
    picture(tmp_path / "a.png")
    text(tmp_path / "a.json", json.dumps(dataset())[:-30])
    text(tmp_path / "b.json", json.dumps(dataset()))
    monkeypatch.setattr(_coco_file, "IN_MEMORY", 0)
    source, found = read_folder(tmp_path)
    assert "a.json" in told(source) and "refused as JSON" in told(source) and len(found["a.png"]) == 3


@pytest.mark.parametrize("first", ["images", "annotations", "categories", "info"])
def test_coco_is_told_by_its_keys_behind_a_long_part(tmp_path: Path, first: str):
    picture(tmp_path / "a.png")
    content = dataset()
    content[first] = (
        [*content[first], *({"filler": n} for n in range(12_000))] if first != "info" else {"x": "y" * 300_000}
    )
    order = [first, *(key for key in ("images", "annotations", "categories", "info") if key != first)]
    text(tmp_path / "a.json", json.dumps({key: content[key] for key in order}))
    source, found = read_folder(tmp_path)
    assert source.format == "coco" and len(found["a.png"]) == 3


JSON_OBJECTS = ["coco", "darwin", "datumaro", "labelme", "supervisely", "via", "via3", "bdd100k"]


@pytest.mark.parametrize("format", JSON_OBJECTS)
def test_a_format_is_told_by_keys_between_long_texts(tmp_path: Path, format: str):
    box = Label(0, (4.0, 5.0, 20.0, 30.0), polygons=[[[4.0, 5.0, 20.0, 5.0, 20.0, 30.0]]])
    written_as(tmp_path, format, Sample(["cat"], {"train": [("0.png", [box], None)]}))
    for path in tmp_path.rglob("*.json"):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and path.name not in ("meta.json", "obj_class_to_machine_color.json"):
            path.write_text(json.dumps({"aa": "y" * 40_000, **content, "zz": "y" * 40_000}))
    source, found = read_folder(tmp_path)
    assert source.format == format and sum(len(labels or ()) for labels in found.values()) == 1


@pytest.mark.parametrize("encoding", ["cp1252", "gbk"])
def test_letters_deep_in_a_file_of_one_line_tell_its_encoding(tmp_path: Path, encoding: str, monkeypatch):
    name = "fu\u00dfg\u00e4nger \u00fcber stra\u00dfe" if encoding == "cp1252" else "\u8f66\u8f86\u884c\u4eba"
    picture(tmp_path / f"{name}.png")
    rows = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}]
    images = [{"id": 1, "file_name": f"{name}.png", "width": 64, "height": 48}]
    content = {"info": "y" * 1_200_000, "annotations": rows, "images": images, "categories": [{"id": 1, "name": name}]}
    (tmp_path / "a.json").write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    monkeypatch.setattr(_coco_file, "IN_MEMORY", 0)
    source, found = read_folder(tmp_path)
    assert list(source.classes.values()) == [name] and len(found[f"{name}.png"]) == 1
    assert "text is not UTF-8" in told(source)


@pytest.mark.parametrize("in_memory", [0, 1 << 30])
def test_a_file_whose_lists_stand_deeper_is_refused_by_name(tmp_path: Path, in_memory: int, monkeypatch):
    picture(tmp_path / "a.png")
    text(tmp_path / "a.json", json.dumps({"project": dataset()}))
    monkeypatch.setattr(_coco_file, "IN_MEMORY", in_memory)
    source, _ = read_folder(tmp_path)
    assert "a.json" in told(source) and "nothing of COCO in it" in told(source)
