"""Hugging Face objects: every table and form of a row, boxes by evidence, images inside a table, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tator.formats import Label
from tator.formats._box_forms import Seen, form_of
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.importing.creating import import_dataset
from tator.types import BadInput, Unavailable
from tests.folders import boxes, finish, make, named, picture, reasons, text
from tests.reading import dropped, named_boxes, read_folder, told

DOG, CAT = ("dog", 16, 24, 48, 36), ("cat", 1, 2, 9, 12)
DOG_BOX, CAT_BOX = [16.0, 24, 32, 12], [1.0, 2, 8, 10]
NAMES = ["cat", "dog"]
CARD = """---
task_categories: [object-detection]
dataset_info:
  features:
    - name: image
      dtype: image
    - name: objects
      sequence:
        - name: bbox
          sequence: float32
          length: 4
        - name: category
          dtype:
            class_label:
              names:
                '0': cat
                '1': dog
---
Pictures of pets.
"""
FORMS = {
    "columns": {"objects": {"id": [1, 2], "area": [384, 80], "bbox": [DOG_BOX, CAT_BOX], "category": [1, 0]}},
    "plural": {"objects": {"bbox": [DOG_BOX, CAT_BOX], "categories": [1, 0]}},
    "structs": {"objects": [{"bbox": DOG_BOX, "category": 1}, {"bbox": CAT_BOX, "category": 0}]},
    "row": {"bbox": [DOG_BOX, CAT_BOX], "category": [1, 0], "area": [384.0, 80.0]},
    "texts": {"objects": {"bbox": [DOG_BOX, CAT_BOX], "label": ["dog", "cat"]}},
}


def one(root: Path, name: str = "train/a.png"):
    source, found = read_folder(root)
    assert source.format == "hf_objects"
    return source, found[name]


def lines(root: Path, rows: list[dict]) -> None:
    text(root / "train/metadata.jsonl", "\n".join(map(json.dumps, rows)) + "\n")


def as_csv(root: Path, rows: list[dict], spell=json.dumps) -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(rows[0])
    writer.writerows([value if isinstance(value, str) else spell(value) for value in row.values()] for row in rows)
    text(root / "train/metadata.csv", table.getvalue())


def parquet(root: Path, rows: list[dict], name: str = "train/metadata.parquet") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), root / name)


def as_python_csv(root: Path, rows: list[dict]) -> None:
    as_csv(root, rows, repr)


HELD = [(write, form) for write in (lines, parquet, as_csv, as_python_csv) for form in FORMS]


@pytest.mark.parametrize(("write", "form"), [each for each in HELD if each[1] != "row" or each[0] in (lines, parquet)])
def test_every_table_and_form(tmp_path: Path, write, form: str):
    picture(tmp_path / "train/a.png")
    text(tmp_path / "README.md", CARD)
    write(tmp_path, [{"file_name": "a.png", **FORMS[form]}])
    source, found = one(tmp_path)
    assert named_boxes(source, found) == [CAT, DOG] and not dropped(source)
    assert sorted(source.classes.values()) == NAMES and source.splits == {"train/a.png": "train"}
    assert not [label for label in found if label.attributes]


def test_rows_as_the_library_writes_them(tmp_path: Path):
    picture(tmp_path / "train/a.png")
    text(tmp_path / "README.md", CARD)
    text(tmp_path / "train.jsonl", json.dumps({"image": {"bytes": None, "path": "train/a.png"}, **FORMS["columns"]}))
    source, found = one(tmp_path)
    assert named_boxes(source, found) == [CAT, DOG] and not dropped(source)


def test_a_first_row_without_objects_and_keys_in_another_order(tmp_path: Path):
    for name in ("a", "b"):
        picture(tmp_path / f"train/{name}.png")
    rows = [{"objects": {"category": [], "bbox": []}, "text": "x" * 40_000, "file_name": "b.png"}]
    lines(tmp_path, [*rows, {"objects": {"category": ["dog"], "bbox": [DOG_BOX]}, "file_name": "a.png"}, *rows])
    source, found = one(tmp_path)
    assert named_boxes(source, found) == [DOG]


@pytest.mark.parametrize("file", ["dataset_info.json", "dataset_infos.json", "classes.txt"])
def test_names_of_numbers(tmp_path: Path, file: str):
    label = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
    features = {"features": {"objects": {"category": label, "bbox": {"_type": "Sequence"}}}}
    content = {"dataset_info.json": features, "dataset_infos.json": {"default": features}}.get(file)
    text(tmp_path / file, json.dumps(content) if content else "\n".join(NAMES))
    picture(tmp_path / "train/a.png")
    lines(tmp_path, [{"file_name": "a.png", **FORMS["columns"]}])
    source, found = one(tmp_path)
    assert named_boxes(source, found) == [CAT, DOG] and list(source.classes.values()) == NAMES


def test_numbers_without_names_are_told(tmp_path: Path):
    picture(tmp_path / "train/a.png")
    lines(tmp_path, [{"file_name": "a.png", "objects": {"bbox": [DOG_BOX] * 2, "category": [2, 10]}}])
    source, _ = one(tmp_path)
    assert list(source.classes.values()) == ["class 2", "class 10"] and "categories without names" in told(source)


def test_what_a_row_has_besides(tmp_path: Path):
    picture(tmp_path / "train/a.png")
    ring = [16, 24, 48, 24, 48, 36]
    more = {"iscrowd": [1, 0], "score": [0.5, None], "occluded": [1, 0], "segmentation": [[ring], None]}
    row = {"file_name": "a.png", "text": "Pets.", "hash": "x", "width": 64, "height": 48}
    lines(tmp_path, [row | {"objects": {"bbox": [DOG_BOX, CAT_BOX], "category": ["dog", "cat"], **more}}])
    source, found = one(tmp_path)
    first, second = found
    assert first.attributes == {"crowd": True, "occluded": True} and first.confidence == 0.5 and first.polygons
    assert second.attributes == {"occluded": False} and second.confidence is None and not second.polygons
    assert source.captions == {"train/a.png": "Pets."}
    assert "column left out: hash" in told(source) and "column left out: width" not in told(source)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"bbox": [DOG_BOX]}, "object without a class"),
        ({"bbox": [DOG_BOX], "category": [True]}, "object without a class"),
        ({"bbox": [[1, 2, 3]], "category": ["dog"]}, "box refused"),
        ({"bbox": [[1, 2, "x", 4]], "category": ["dog"]}, "not a finite number"),
        ({"bbox": [DOG_BOX], "category": ["dog", "cat"]}, "box refused"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    for name in ("a", "b"):
        picture(tmp_path / f"train/{name}.png")
    good = {"file_name": "b.png", "objects": {"bbox": [DOG_BOX], "category": ["dog"]}}
    lines(tmp_path, [{"file_name": "a.png", "objects": row}, good, {"file_name": "gone.png", "objects": row}])
    source, found = one(tmp_path, "train/b.png")
    assert dropped(source) == {reason: 1, "image is not in the folder": 1} and named_boxes(source, found) == [DOG]


CORNERS = [(16.0, 24.0, 48.0, 36.0), (1.0, 2.0, 9.0, 12.0), (50.0, 40.0, 60.0, 47.0)]


def spelled(form: str, share: bool) -> list[Seen]:
    """The corners in another form, with sizes, without areas."""
    found = []
    for x1, y1, x2, y2 in CORNERS:
        a, b = ((x1 + x2) / 2, (y1 + y2) / 2) if form == "cxcywh" else (x1, y1)
        c, d = (x2, y2) if form == "xyxy" else (x2 - x1, y2 - y1)
        values = (a / 64, b / 48, c / 64, d / 48) if share else (a, b, c, d)
        found.append(Seen(values, (64, 48)))
    return found


@pytest.mark.parametrize(("form", "share"), [("xywh", False), ("xyxy", False), ("cxcywh", True), ("xyxy", True)])
def test_the_form_of_boxes_is_judged(form: str, share: bool):
    rows = spelled(form, share)
    found = form_of(rows)
    assert (found.name, found.is_share) == (form, share) and bool(found.reason) == ((form, share) != ("xywh", False))
    back = [found.corners(row.values, 64, 48) for row in rows]
    assert back == [pytest.approx(corners) for corners in CORNERS]


def test_areas_and_cards_tell_the_form():
    rows = [Seen((1, 2, 9, 12), (640, 480), 80), Seen((10, 20, 40, 50), (640, 480), 900)]
    assert form_of(rows).name == "xyxy" and form_of([Seen(row.values, row.size) for row in rows]).name == "xywh"
    assert form_of([Seen((0.25, 0.25, 0.5, 0.5))], "xywh", is_pixels=True) == form_of([])
    assert form_of([Seen((0.25, 0.25, 0.5, 0.5))], "xywh").is_share
    assert form_of([Seen((1, 2, 9, 12))], "xyxy").name == "xyxy"
    assert form_of([Seen((30, 30, 9, 12), (64, 48))], "xyxy").name == "xywh"  # what cannot be is not believed


@pytest.mark.parametrize(
    ("prose", "box"),
    [
        ("boxes in [x_min, y_min, x_max, y_max] format", DOG[1:3] + (32, 36)),
        ("boxes as `[x, y, width, height]` (COCO format)", DOG),
    ],
)
def test_what_a_card_says_of_boxes_is_believed(tmp_path: Path, prose: str, box: tuple):
    picture(tmp_path / "train/a.png")
    text(tmp_path / "README.md", CARD + prose)
    values = [16, 24, 32, 36] if "x_max" in prose else DOG_BOX
    lines(tmp_path, [{"file_name": "a.png", "objects": {"bbox": [values], "category": [1]}}])
    source, found = one(tmp_path)
    assert found[0].xyxy == pytest.approx(box[-4:])
    assert ("form of the boxes judged" in told(source)) == ("x_max" in prose)


def table_with_images(root: Path) -> Path:
    """Write Parquet tables that hold their images: one with a name, one without."""
    rows = []
    for at, named_as in enumerate(("a.png", None)):
        content = picture(root.parent / f"{at}.png").read_bytes()
        rows.append({"image": {"bytes": content, "path": named_as}, "objects": {"bbox": [DOG_BOX], "category": [1]}})
    features = {"info": {"features": {"objects": {"feature": {"category": {"names": NAMES, "_type": "ClassLabel"}}}}}}
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(features)})
    (root / "data").mkdir(parents=True)
    pq.write_table(table, root / "data/validation-00000-of-00001.parquet")
    return root


def test_images_inside_a_table_are_taken_out(tmp_path: Path, wb):
    dataset = make(wb, table_with_images(tmp_path / "set"), storage="managed")
    folder = "validation-00000-of-00001"
    assert boxes(dataset) == {f"{folder}/000001-a.png": [DOG], f"{folder}/000002.png": [DOG]}
    assert {row.split for row in dataset.images()} == {"val"} and not reasons(dataset)
    with pytest.raises(BadInput, match="inside the label files: import a copy"):
        make(wb, tmp_path / "set", "linked")


def test_a_table_with_images_beside_other_images(tmp_path: Path):
    root = table_with_images(tmp_path / "set")
    picture(root / "thumbnail.png")
    source, found = read_folder(root)
    assert (
        source.format == "hf_objects"
        and dropped(source) == {"image inside a table is not taken out": 2}
        and not found["thumbnail.png"]
    )


def test_without_pyarrow_it_is_named(tmp_path: Path, wb, monkeypatch: pytest.MonkeyPatch):
    root = table_with_images(tmp_path / "set")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(Unavailable, match="needs pyarrow"):
        finish(import_dataset(wb.workspace, wb.store, "set", str(root), "managed"))
    picture(root / "train/a.png")
    lines(root, [{"file_name": "a.png", "objects": {"bbox": [DOG_BOX], "category": ["dog"]}}])
    dataset = make(wb, root, "both")
    assert boxes(dataset) == {"train/a.png": [DOG]} and "needs pyarrow" in named(dataset)


@pytest.mark.parametrize(
    "content", [b"PAR1\0\0PAR1", b"PAR1" + b"objects bbox " * 3 + (39).to_bytes(4, "little") + b"PAR1"]
)
def test_a_damaged_table_is_named(tmp_path: Path, content: bytes):
    picture(tmp_path / "train/a.png")
    lines(tmp_path, [{"file_name": "a.png", "objects": {"bbox": [DOG_BOX], "category": ["dog"]}}])
    (tmp_path / "train/more.parquet").write_bytes(content)
    source, found = one(tmp_path)
    assert named_boxes(source, found) == [DOG]
    assert dropped(source) == ({"refused as Parquet": 1} if b"bbox" in content else {})


def test_what_is_written_is_read_with_everything(tmp_path: Path):
    for split, name in (("train", "a.png"), ("val", "a.png")):
        picture(tmp_path / split / name)
    given = {"crowd": True, "occluded": False, "text": "x"}
    crowd, sure = Label(1, (16.0, 24.0, 48.0, 36.0), attributes=given), Label(0, (1.0, 2.0, 9.0, 12.0), confidence=0.5)
    splits = {
        split: [Written(f"{split}/a.png", "a.png", split, 64, 48, [crowd, sure], "Pets.")] for split in ("train", "val")
    }
    list(FORMATS["hf_objects"].write(Folder(tmp_path), ["on", "1.0"], splits))
    source, found = read_folder(tmp_path)
    assert list(source.classes.values()) == ["on", "1.0"] and source.splits == {
        "train/a.png": "train",
        "val/a.png": "val",
    }
    for first, second in found.values():
        assert first.attributes == given and first.confidence is None
        assert second.attributes is None and second.confidence == 0.5
    assert source.captions == dict.fromkeys(found, "Pets.") and not dropped(source)
