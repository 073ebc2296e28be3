"""Exports load in the programs they are made for: same boxes, same class order."""

from __future__ import annotations

import json
import math
import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tator.datasets.dataset import Dataset
from tator.editing.rows import add_many
from tator.formats import Label
from tator.formats._shapes import mask_of
from tests.folders import boxes, export, make, same_boxes, text
from tests.oracles import datumaro_reads, pixel_boxes, run_python, ultralytics_env, ultralytics_reads
from tests.reading import copy_files

pytestmark = pytest.mark.slow
NAMES = ["RBC", "WBC", "Platelets"]


@pytest.fixture(scope="module")
def cells(data: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return a dataset of 12 blood-smear photos in three splits, classes in an order that is not the alphabet's."""
    from tator.workbench import Workbench

    root = tmp_path_factory.mktemp("cells")
    for split in ("train", "val", "test"):
        stems = (data / "bccd" / f"{split}.txt").read_text().split()[:4]
        for stem in (Path(each).stem for each in stems):
            copy_files(data / "bccd" / "images" / f"{stem}.jpg", root / "images" / split)
            copy_files(data / "bccd" / "labels" / f"{stem}.txt", root / "labels" / split)
    (root / "labelmap.txt").write_text("\n".join(NAMES) + "\n")
    wb = Workbench.at(tmp_path_factory.mktemp("home"))
    yield make(wb, root, "cells")
    wb.close()


@pytest.fixture(scope="module")
def truth(cells: Dataset) -> dict[str, list[tuple]]:
    return {Path(path).name: rows for path, rows in boxes(cells).items()}


@pytest.fixture(scope="module")
def unpacked(cells: Dataset, tmp_path_factory: pytest.TempPathFactory):
    def build(format: str) -> Path:
        folder = tmp_path_factory.mktemp(format)
        with zipfile.ZipFile(export(cells, format)[1]) as archive:
            archive.extractall(folder)
        return folder

    return build


def check(found: dict[str, list[tuple]], truth: dict[str, list[tuple]], within: float = 0.1) -> None:
    assert found and found.keys() <= truth.keys()
    for name, rows in found.items():
        assert same_boxes(rows, truth[name], within), name


def xywh(box) -> tuple:
    x, y, w, h = box
    return x, y, x + w, y + h


def test_pycocotools_reads_coco(unpacked, truth):
    from pycocotools.coco import COCO

    found = {}
    for split in ("train", "val", "test"):
        api = COCO(str(unpacked("coco") / "annotations" / f"instances_{split}.json"))
        names = [category["name"] for category in api.loadCats(sorted(api.getCatIds()))]
        assert names == NAMES
        for image in api.loadImgs(api.getImgIds()):
            rows = api.loadAnns(api.getAnnIds(image["id"]))
            found[image["file_name"]] = [(names[row["category_id"] - 1], *xywh(row["bbox"])) for row in rows]
    assert found.keys() == truth.keys()
    check(found, truth)


def supervised(dataset) -> dict[str, list[tuple]]:
    return {
        Path(path).name: [(dataset.classes[c], *map(float, b)) for c, b in zip(found.class_id, found.xyxy, strict=True)]
        for path, _, found in dataset
    }


@pytest.mark.parametrize("format", ["coco", "yolo", "voc"])
def test_supervision_reads(unpacked, truth, format: str):
    import supervision as sv

    root, load = unpacked(format), sv.DetectionDataset
    if format == "coco":
        found = load.from_coco(str(root / "images/train"), str(root / "annotations/instances_train.json"))
    elif format == "yolo":
        found = load.from_yolo(str(root / "images/train"), str(root / "labels/train"), str(root / "data.yaml"))
    else:
        found = load.from_pascal_voc(str(root / "JPEGImages"), str(root / "Annotations"))
    # supervision takes VOC's corners to count from 1, and its classes in the order met
    assert found.classes == NAMES if format != "voc" else sorted(found.classes) == sorted(NAMES)
    check(supervised(found), truth, within=1.01 if format == "voc" else 0.1)


DATUMARO = {
    "coco": "coco_instances",
    "voc": "voc_detection",
    "cvat": "cvat",
    "openimages": "open_images",
    "roboflow": "roboflow_coco",
    "datumaro": "datumaro",
}


@pytest.mark.parametrize(("format", "importer"), DATUMARO.items())
def test_datumaro_reads(unpacked, truth, format: str, importer: str):
    read = datumaro_reads(unpacked(format), importer)
    assert [name for name in read["labels"] if name in NAMES] == NAMES
    found = {
        f"{Path(item).name}.jpg": [row[1:6] for row in rows if row[0] == "bbox"] for item, rows in read["items"].items()
    }
    assert found.keys() == truth.keys()
    check(found, truth, within=1.01)


@pytest.fixture(scope="module")
def walls(data: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return a dataset of 6 house fronts in two splits, with outlines, one of them with a hole, one of two parts."""
    from tator.workbench import Workbench

    source, root = data / "facade" / "valid", tmp_path_factory.mktemp("walls")
    content = json.loads((source / "_annotations.coco.json").read_text())
    images = [image for image in content["images"] if (source / image["file_name"]).is_file()][:6]
    for image in images:
        copy_files(source / image["file_name"], root)
    for split, part in (("train", images[:4]), ("val", images[4:])):
        rows = [row for row in content["annotations"] if row["image_id"] in {image["id"] for image in part}]
        rows[0]["segmentation"] = [[10, 10, 60, 10, 60, 60, 10, 60], [80, 10, 99, 10, 99, 60, 80, 60]]
        rows[0]["bbox"] = [10, 10, 89, 50]
        text(root / f"{split}.json", json.dumps({**content, "images": part, "annotations": rows}))
    wb = Workbench.at(tmp_path_factory.mktemp("home"))
    dataset = make(wb, root, "walls")
    ring, hole = (
        [200.0, 200.0, 300.0, 200.0, 300.0, 300.0, 200.0, 300.0],
        [220.0, 220.0, 220.0, 280.0, 280.0, 280.0, 280.0, 220.0],
    )
    row = {
        "image_id": dataset.images()[0].id,
        "class_id": dataset.classes()[0].class_id,
        "xyxy": (200, 200, 300, 300),
        "status": "accepted",
    }
    with wb.store.write() as conn:
        add_many(conn, dataset.id, [{**row, "polygons": [[ring, hole]], "rle": None, "source": "human"}])
    yield dataset
    wb.close()


def areas(dataset: Dataset) -> dict[str, list[tuple[str, int]]]:
    """Return {image: sorted (class name, pixels of the object)}."""
    names = {row.class_id: row.name for row in dataset.classes()}
    rows = {row.id: row for row in dataset.images()}
    found: dict[str, list] = {}
    for image_id, each in dataset.annotation_rows(list(rows), "accepted").items():
        size = rows[image_id].width, rows[image_id].height
        masks = [(names[a["class_id"]], mask_of(Label(0, (0, 0, 1, 1), a["polygons"], a["rle"]), *size)) for a in each]
        found[Path(rows[image_id].path).name] = sorted((name, int(mask.data.sum())) for name, mask in masks)
    return found


def same_areas(ours: list[tuple], theirs: list[tuple], share: float) -> bool:
    """Whether objects are as large, but for a share and for two pixels around a square of that area."""
    return [name for name, _ in ours] == [name for name, _ in theirs] and all(
        abs(a - b) <= share * a + 8 * math.sqrt(a) * (share > 0) for (_, a), (_, b) in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(
    ("format", "importer", "share"),
    [
        ("coco", "coco_instances", 0.02),
        ("cvat", "cvat", 0.02),
        ("openimages", "open_images", 0),
        ("datumaro", "datumaro", 0.02),
    ],
)
def test_datumaro_reads_outlines(walls, tmp_path: Path, format: str, importer: str, share: float):
    with zipfile.ZipFile(export(walls, format)[1]) as archive:
        archive.extractall(tmp_path)
    read = datumaro_reads(tmp_path, importer)
    truth = areas(walls)
    assert {f"{Path(item).name}.jpg" for item in read["items"]} == truth.keys()
    for item, rows in read["items"].items():
        whole: dict[tuple, float] = {}
        for at, (kind, name, *_, area, group) in enumerate(rows):
            if kind in ("polygon", "mask"):  # parts of one object are a group
                whole[name, group or -at] = whole.get((name, group or -at), 0) + area
        found = sorted((name, area) for (name, _), area in whole.items())
        assert same_areas(truth[f"{Path(item).name}.jpg"], found, share), item


@pytest.mark.parametrize("format", ["coco", "yolo_seg"])
def test_supervision_reads_outlines(walls, tmp_path: Path, format: str):
    import supervision as sv

    with zipfile.ZipFile(export(walls, format)[1]) as archive:
        archive.extractall(tmp_path)
    images, load = str(tmp_path / "images" / "train"), sv.DetectionDataset
    if format == "coco":
        read = load.from_coco(images, str(tmp_path / "annotations" / "instances_train.json"), force_masks=True)
    else:
        read = load.from_yolo(images, str(tmp_path / "labels" / "train"), str(tmp_path / "data.yaml"), force_masks=True)
    truth = areas(walls)
    assert len(read) == 4, [path for path, _, _ in read]
    for path, _, found in read:
        ours = sorted((read.classes[c], int(m.sum())) for c, m in zip(found.class_id, found.mask, strict=True))
        assert same_areas(truth[Path(path).name], ours, 0.02), path


YOLO_TASKS = {"yolo": "detect", "yolo_seg": "segment", "yolo_obb": "obb"}


@pytest.fixture(scope="module")
def yolo_read(unpacked, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    sets = [(unpacked(format), task) for format, task in YOLO_TASKS.items()]
    return dict(zip(YOLO_TASKS, ultralytics_reads(tmp_path_factory.mktemp("config"), *sets), strict=True))


@pytest.mark.parametrize("format", YOLO_TASKS)
def test_ultralytics_reads_yolo(yolo_read, truth, format: str):
    read = yolo_read[format]
    assert list(read["names"].values()) == NAMES
    found = {
        Path(label["file"]).name: pixel_boxes(label, read["names"])
        for split in ("train", "val", "test")
        for label in read[split]
    }
    assert found.keys() == truth.keys()
    check(found, truth, within=0.2)


ULTRALYTICS_TRAINS = """
import sys
from ultralytics import YOLO
model = YOLO(sys.argv[2])
model.train(data=sys.argv[1] + "/data.yaml", epochs=1, imgsz=64, batch=2, workers=0, device="cpu", project=sys.argv[3],
            amp=False, plots=False, pretrained=False, verbose=False)
print("ANSWER" + ",".join(model.names.values()))
"""


@pytest.mark.parametrize(
    ("format", "model"), [("yolo", "yolo11n.yaml"), ("yolo_seg", "yolo11n-seg.yaml"), ("yolo_obb", "yolo11n-obb.yaml")]
)
def test_ultralytics_trains_an_epoch(unpacked, tmp_path: Path, format: str, model: str):
    env = ultralytics_env(tmp_path / "config")
    told = run_python(ULTRALYTICS_TRAINS, str(unpacked(format)), model, str(tmp_path / "run"), env=env, folder=tmp_path)
    assert told.strip().split(",") == NAMES
    assert list((tmp_path / "run").rglob("last.pt"))


def test_rfdetr_reads_roboflow(unpacked, truth):
    from rfdetr.datasets.coco import build_roboflow_from_coco
    from rfdetr.detr import RFDETR

    root = unpacked("roboflow")
    assert RFDETR._load_classes(str(root)) == NAMES
    args = SimpleNamespace(
        dataset_dir=str(root),
        square_resize_div_64=True,
        segmentation_head=False,
        multi_scale=False,
        expanded_scales=False,
        patch_size=16,
        num_windows=2,
        augmentation_backend="cpu",
        aug_config={},
    )
    for split in ("train", "val", "test"):
        dataset = build_roboflow_from_coco(split, args, 384)
        found = {}
        for at, image_id in enumerate(dataset.ids):
            facts = dataset.coco.loadImgs(image_id)[0]
            found[facts["file_name"]] = [
                (NAMES[dataset.cat2label[row["category_id"]]], *xywh(row["bbox"]))
                for row in dataset.coco.imgToAnns[image_id]
            ]
            if split == "val":  # training cuts parts out
                labels = dataset[at][1]["labels"].tolist()
                assert sorted(NAMES[label] for label in labels) == sorted(row[0] for row in found[facts["file_name"]])
        check(found, truth)


RFDETR_TRAINS = """
import sys
from rfdetr import RFDETRNano
model = RFDETRNano(pretrain_weights=None, num_classes=3, device="cpu", resolution=128, dec_layers=1, num_queries=40,
                   num_select=40, group_detr=1)
model.train(dataset_dir=sys.argv[1], output_dir=sys.argv[2], epochs=1, batch_size=2, grad_accum_steps=1, num_workers=0,
            multi_scale=False, expanded_scales=False, tensorboard=False, use_ema=False, run_test=False,
            eval_backend="faster_coco_eval")
print("ANSWER" + ",".join(model.model.class_names))
"""


def test_rfdetr_trains_an_epoch(unpacked, tmp_path: Path):
    run = tmp_path / "run"
    told = run_python(RFDETR_TRAINS, str(unpacked("roboflow")), str(run), env=dict(os.environ), folder=tmp_path)
    assert told.strip().split(",") == NAMES
    assert (run / "checkpoint_best_total.pth").stat().st_size > 1 << 20
    shutil.rmtree(run)  # half a gigabyte


def test_qwen_records_are_conversations(unpacked, truth):
    root = unpacked("qwen")
    assert json.loads((root / "metadata.json").read_text())["classes"] == NAMES
    rows = [json.loads(line) for line in (root / "train" / "annotations.jsonl").read_text().splitlines()]
    assert len(rows) == 8 and all((root / "train" / row["image"]).is_file() for row in rows)
    for row in rows[0::2]:
        human, gpt = row["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt") and human["value"].startswith("<image>\n")
        detections = json.loads(gpt["value"])["detections"]
        found = [(each["label"], *each["bbox"]) for each in detections]
        assert same_boxes(found, truth[row["image"]], within=0.51)
