"""Label files without images come onto images that are there: matched by name, kept, replaced, or as candidates."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.editing.edits import undo
from tator.ops import call
from tator.types import BadInput
from tests.folders import boxes, coco, make, picture, text

BOX = "0 .5 .5 .5 .5"
XYXY = (16.0, 12.0, 48.0, 36.0)
PATHS = ("day/a.png", "night/a.png", "b.png", "c.JPG")


@pytest.fixture
def dataset(wb, tmp_path: Path):
    for path in PATHS:
        picture(tmp_path / "pictures" / path)
    return make(wb, tmp_path / "pictures")


def done(wb, name: str, **arguments) -> dict:
    job = wb.jobs.wait(call(wb, name, dataset="set", **arguments), 60)
    assert job["state"] == "succeeded", job["error"]
    return job["result"]


def yolo(root: Path, files: dict[str, str]) -> Path:
    for name, rows in files.items():
        text(root / name, rows)
    text(root / "classes.txt", "cat\ndog\n")
    return root


VOC = (
    "<annotation><filename>{}</filename><size><width>64</width><height>48</height></size><object><name>cat</name>"
    "<bndbox><xmin>16</xmin><ymin>12</ymin><xmax>48</xmax><ymax>36</ymax></bndbox></object></annotation>"
)
SHAPE = {"label": "cat", "points": [[16, 12], [48, 36]], "shape_type": "rectangle"}
LABELME = {"version": "5.0", "flags": {}, "shapes": [SHAPE], "imagePath": "b.png", "imageHeight": 48, "imageWidth": 64}
FORMS = {
    "yolo flat": {"b.txt": BOX, "classes.txt": "cat\n"},
    "yolo tree": {"labels/train/b.txt": BOX, "classes.txt": "cat\n"},
    "voc": {"Annotations/b.xml": VOC.format("b.png")},
    "labelme": {"x/b.json": json.dumps(LABELME)},
    "coco": {"instances.json": coco(["somewhere/b.png"], [{"bbox": [16, 12, 32, 24]}], ["cat"])},
    "csv": {"rows.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\nb.png,64,48,cat,16,12,48,36\n"},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_finds_its_image_by_name(wb, dataset, tmp_path: Path, form: str):
    for name, content in FORMS[form].items():
        text(tmp_path / "labels_only" / name, content)
    seen = done(wb, "labels_preview", source=str(tmp_path / "labels_only"))
    assert (seen["matched"]["images"], seen["annotations"], boxes(dataset)["b.png"]) == (1, 1, [])
    assert [(row["source"], row["count"], row["how"]) for row in seen["classes"] if row["count"]] == [("cat", 1, "new")]
    told = done(wb, "labels_import", source=str(tmp_path / "labels_only"))
    assert (told["images"], told["annotations"]) == (1, 1)
    assert boxes(dataset) == {path: [("cat", *XYXY)] if path == "b.png" else [] for path in PATHS}


def test_folders_tell_namesakes_apart_and_what_they_cannot_is_listed(wb, dataset, tmp_path: Path):
    files = {"labels/day/a.txt": BOX, "a.txt": BOX, "labels/C.txt": BOX, "labels/gone.txt": BOX}
    seen = done(wb, "labels_preview", source=str(yolo(tmp_path / "l", files)))
    assert seen["matched"]["ambiguous_files"] == [{"file": "a.txt", "images": ["day/a.png", "night/a.png"]}]
    assert seen["matched"]["not_found_files"] == ["labels/gone.txt"]
    assert (seen["matched"]["exact"], seen["matched"]["by_name"], seen["matched"]["images"]) == (2, 0, 2)
    assert seen["report"]["counts"]["dropped"]["label file fits several images"] == 1
    done(wb, "labels_import", source=str(tmp_path / "l"))
    assert {path for path, found in boxes(dataset).items() if found} == {"day/a.png", "c.JPG"}


@pytest.mark.parametrize(("existing", "count"), [("keep", 2), ("replace", 1), ("skip", 1)])
def test_existing_labels_are_kept_replaced_or_skipped_and_undone(wb, dataset, tmp_path: Path, existing, count):
    done(wb, "labels_import", source=str(yolo(tmp_path / "one", {"b.txt": BOX})))
    before = boxes(dataset)["b.png"]
    source = str(yolo(tmp_path / "two", {"b.txt": "1 .25 .25 .25 .25"}))
    told = done(wb, "labels_import", source=source, existing=existing)
    found = boxes(dataset)["b.png"]
    assert (
        len(found) == count and told["skipped"] == (existing == "skip") and told["removed"] == (existing == "replace")
    )
    assert told["snapshot"] in [each["name"] for each in call(wb, "snapshots_list", dataset="set")]
    if existing != "skip":
        assert done(wb, "labels_import", source=source)["repeated"] == 1 and boxes(dataset)["b.png"] == found
        undo(wb.store, next(row.id for row in dataset.images() if row.path == "b.png"), "me", 1)
        assert boxes(dataset)["b.png"] == before


def test_candidates_keep_their_confidence_and_their_outline(wb, dataset, tmp_path: Path):
    ring = [16, 12, 48, 12, 48, 36, 16, 36]
    rows = [{"bbox": [16, 12, 32, 24], "score": 0.25, "segmentation": [ring]}, {"bbox": [2, 2, 8, 8]}]
    text(tmp_path / "l" / "found.json", coco(["b.png"], rows, ["cat"]))
    for _ in range(2):  # the same source again replaces what it found
        done(wb, "labels_import", source=str(tmp_path / "l"), status="candidate", source_name="yolo11")
    key = next(row.id for row in dataset.images() if row.path == "b.png")
    found = sorted(dataset.annotation_rows([key], "candidate")[key], key=lambda row: row["x1"])
    assert [(row["source"], row["confidence"]) for row in found] == [("file@yolo11", 1.0), ("file@yolo11", 0.25)]
    assert found[1]["polygons"] and not found[0]["polygons"] and boxes(dataset)["b.png"] == []


def test_a_mapping_joins_and_leaves_out(wb, dataset, tmp_path: Path):
    source = str(yolo(tmp_path / "l", {"b.txt": f"{BOX}\n1 .25 .25 .25 .25"}))
    done(wb, "labels_import", source=source, mapping=["cat=animal", "dog="])
    assert [row[0] for row in boxes(dataset)["b.png"]] == ["animal"]


def test_a_zip_is_read_and_what_holds_no_labels_is_refused_by_name(wb, dataset, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr("labels/b.txt", BOX)
    assert done(wb, "labels_import", source=str(tmp_path / "l.zip"))["annotations"] == 1
    text(tmp_path / "none" / "readme.txt", "hello there")
    job = wb.jobs.wait(call(wb, "labels_import", dataset="set", source=str(tmp_path / "none")), 60)
    assert job["state"] == "failed" and "readme.txt" in job["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("lines", "\ufeffcat\r\nyes\n12\n\n"),
        ("yaml", "names:\n  0: cat\n  1: yes\n  2: 12\n"),
        ("yaml", "nc: 3\nnames: [cat, yes, 12]\n"),
        ("yaml", "- cat\n- yes\n- 12\n"),
        ("json", '["cat", "yes", "12"]'),
        ("json", '{"names": {"1": "yes", "0": "cat", "2": "12"}}'),
        ("json", '{"cat": 0, "12": 2, "yes": 1}'),
        ("json", '[{"name": "cat"}, {"name": "yes"}, {"name": 12}]'),
    ],
)
def test_class_lists_come_in_as_they_are_written(wb, dataset, kind: str, content: str):
    told = call(wb, "classes_import", dataset="set", text=content, kind=kind)
    assert told["added"] == ["cat", "yes", "12"] == [row.name for row in dataset.classes()]
    assert call(wb, "classes_import", dataset="set", text=content, kind=kind)["kept"] == 3


@pytest.mark.parametrize("kind", ["txt", "names", "yaml", "json"])
def test_class_lists_go_out_and_come_back(wb, dataset, kind: str):
    for name in ("no", "Bär: 1", "12", "null"):
        call(wb, "class_add", dataset="set", name=name)
    written = call(wb, "classes_export", dataset="set", kind=kind)
    read = "lines" if kind in ("txt", "names") else kind
    told = call(wb, "classes_import", dataset="set", text=written["text"], kind=read)
    assert told == {"added": [], "kept": 4, "refused": []} and written["file"].endswith(kind)


@pytest.mark.parametrize(
    ("kind", "content"), [("lines", "\n\n"), ("yaml", "names: {a: b"), ("json", "[[1]]"), ("json", "3"), ("yaml", "")]
)
def test_what_is_no_class_list_is_refused(wb, dataset, kind: str, content: str):
    with pytest.raises(BadInput, match="expected"):
        call(wb, "classes_import", dataset="set", text=content, kind=kind)


def test_predictions_become_candidates_and_ground_truth_labels(wb, dataset, tmp_path: Path):
    ours = {"type": "bbox_2d", "points": list(XYXY), "desc": "cat", "score": 1.0}
    row = {"image": "b.png", "width": 64, "height": 48, "gt": [ours], "pred": [{**ours, "desc": "dog", "score": 0.5}]}
    text(tmp_path / "l" / "gt_vs_pred.jsonl", json.dumps(row))
    done(wb, "labels_import", source=str(tmp_path / "l"), status="candidate", source_name="vlm")
    key = next(row.id for row in dataset.images() if row.path == "b.png")
    (found,) = dataset.annotation_rows([key], "candidate")[key]
    assert (dataset.class_names()[found["class_id"]], found["confidence"], boxes(dataset)["b.png"]) == ("dog", 0.5, [])
    done(wb, "labels_import", source=str(tmp_path / "l"))
    assert boxes(dataset)["b.png"] == [("cat", *XYXY)]


def test_predictions_of_label_studio_become_candidates(wb, dataset, tmp_path: Path):
    x1, y1, x2, y2 = XYXY
    place = {"x": x1 / 0.64, "y": y1 / 0.48, "width": (x2 - x1) / 0.64, "height": (y2 - y1) / 0.48}
    said = [
        {"result": [{"from_name": "l", "to_name": "i", "value": place | {"rectanglelabels": [name]}}], "score": 0.5}
        for name in ("cat", "dog")
    ]
    row = {"data": {"image": "b.png"}, "annotations": said[:1], "predictions": said[1:]}
    text(tmp_path / "l" / "tasks.json", json.dumps([row]))
    done(wb, "labels_import", source=str(tmp_path / "l"), status="candidate", source_name="vlm")
    key = next(row.id for row in dataset.images() if row.path == "b.png")
    (found,) = dataset.annotation_rows([key], "candidate")[key]
    assert (dataset.class_names()[found["class_id"]], found["confidence"], boxes(dataset)["b.png"]) == ("dog", 0.5, [])
    done(wb, "labels_import", source=str(tmp_path / "l"))
    assert [name for name, *_ in boxes(dataset)["b.png"]] == ["cat"]


@pytest.mark.parametrize("form", ["yolo flat", "labelme", "coco", "csv"])
@pytest.mark.parametrize("rules", [["_gt=", "old-=b"], ["old-_gt=b"]])
def test_rules_say_how_files_call_the_images(wb, dataset, tmp_path: Path, form: str, rules: list[str]):
    for name, content in FORMS[form].items():
        old = name.replace("b.", "old-_gt.").replace("/b", "/old-_gt") if "classes" not in name else name
        text(tmp_path / "other" / old, content.replace("b.png", "old-_gt.png"))
    asked = {"source": str(tmp_path / "other"), "renames": rules}
    seen = done(wb, "labels_preview", **asked)
    assert (seen["matched"]["images"], seen["annotations"]) == (1, 1)
    done(wb, "labels_import", **asked)
    assert boxes(dataset)["b.png"] == [("cat", *XYXY)]


@pytest.mark.parametrize("rule", ["gt", "", "=b"])
def test_a_rule_that_says_nothing_is_refused(wb, dataset, tmp_path: Path, rule: str):
    yolo(tmp_path / "other", {"b.txt": BOX})
    job = wb.jobs.wait(call(wb, "labels_preview", dataset="set", source=str(tmp_path / "other"), renames=[rule]), 60)
    assert job["state"] == "failed" and "expected text=instead" in job["error"]["message"]
