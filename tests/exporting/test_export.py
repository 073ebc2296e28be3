"""Exports: read back by the tools they are for, the same bytes each time, nothing but what was accepted."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import update

from tator.editing.classes import delete_class
from tator.editing.rows import add_many
from tator.exporting.writing import export_dataset
from tator.formats.table import writable
from tator.ops import call
from tator.storage import schema
from tator.types import BadInput, NotFound
from tests.folders import boxes, export, finish, make, picture, same_boxes, text, yolo_folder
from tests.oracles import pixel_boxes, run_python, ultralytics_env, ultralytics_reads


def unpack(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(folder)
    return folder


def as_boxes(read: dict) -> dict[str, list[tuple]]:
    """Return {split/file name: (class, x1, y1, x2, y2)} of what Ultralytics read."""
    return {
        f"{split}/{label['file'].partition(f'/images/{split}/')[2]}": pixel_boxes(label, read["names"])
        for split in ("train", "val", "test")
        for label in read.get(split, [])
    }


def pycocotools_reads(path: Path) -> dict[str, list[tuple]]:
    from pycocotools.coco import COCO

    read = COCO(str(path))
    names = {c["id"]: c["name"] for c in read.loadCats(read.getCatIds())}
    assert sorted(names) == list(range(1, len(names) + 1))
    return {
        info["file_name"]: [
            (
                names[a["category_id"]],
                a["bbox"][0],
                a["bbox"][1],
                a["bbox"][0] + a["bbox"][2],
                a["bbox"][1] + a["bbox"][3],
            )
            for a in read.loadAnns(read.getAnnIds(imgIds=info["id"]))
        ]
        for info in read.loadImgs(read.getImgIds())
    }


@pytest.mark.slow
def test_ultralytics_and_pycocotools_read_bccd_back(wb, data: Path, tmp_path: Path):
    dataset = make(wb, data / "bccd")
    dataset.reorder([2, 0, 1])
    ours = {Path(path).name: found for path, found in boxes(dataset).items()}
    result, archive = export(dataset, "yolo")
    assert (result["images"], result["annotations"], result["left_out"]) == (364, 4886, [])
    assert result["notes"] == ["1131 attributes 'truncated' are left out: YOLO boxes holds none"]
    [read] = ultralytics_reads(tmp_path / "config", (unpack(archive, tmp_path / "yolo"), "detect"))
    assert read["names"] == {"0": "Platelets", "1": "RBC", "2": "WBC"}
    assert {split: len(read[split]) for split in ("train", "val", "test")} == {"train": 205, "val": 87, "test": 72}
    theirs = {Path(path).name: found for path, found in as_boxes(read).items()}
    assert all(same_boxes(ours[name], theirs[name]) for name in ours) and len(ours) == len(theirs)

    result, archive = export(dataset, "coco")
    folder, counted = unpack(archive, tmp_path / "coco"), Counter()
    for split in ("train", "val", "test"):
        for name, found in pycocotools_reads(folder / "annotations" / f"instances_{split}.json").items():
            assert (folder / "images" / split / name).is_file() and same_boxes(ours[name], found)
            counted[split] += 1
    assert counted == {"train": 205, "val": 87, "test": 72}


def test_polygons_survive_coco(wb, data: Path, tmp_path: Path):
    dataset = make(wb, data / "facade")
    result, archive = export(dataset, "coco", with_images=False)
    folder = unpack(archive, tmp_path / "coco")
    from pycocotools.coco import COCO

    read = COCO(str(folder / "annotations" / "instances_val.json"))
    shapes = read.loadAnns(read.getAnnIds())
    assert len(shapes) == result["annotations"] == 3849
    for shape in shapes[:200]:
        assert abs(read.annToMask(shape).sum() - shape["area"]) <= 0.06 * shape["area"] + 60


@pytest.mark.slow
def test_ultralytics_trains_on_an_export(wb, tmp_path: Path, data: Path):
    root = tmp_path / "few"
    for n, path in enumerate(sorted((data / "bccd" / "images").iterdir())[:16]):
        split = "train" if n < 12 else "val"
        (root / split / "images").mkdir(parents=True, exist_ok=True)
        (root / split / "images" / path.name).write_bytes(path.read_bytes())
        text(root / split / "labels" / f"{path.stem}.txt", (data / "bccd" / "labels" / f"{path.stem}.txt").read_text())
    text(root / "labelmap.txt", "RBC\nWBC\nPlatelets\n")
    folder = unpack(export(make(wb, root), "yolo")[1], tmp_path / "out")
    model = data.parent / "models" / "tiny26n.yaml"
    code = (
        f"from ultralytics import YOLO; YOLO({str(model)!r}).train(data={str(folder / 'data.yaml')!r}, epochs=1, imgsz=96, batch=4, plots=False, "
        f"amp=False, workers=0, device='cpu', project={str(tmp_path / 'run')!r}); print('ANSWER')"
    )
    run_python(code, env=ultralytics_env(tmp_path / "config"), folder=tmp_path)


@pytest.fixture
def mixed(wb, tmp_path: Path):
    """Return a dataset with namesakes, splits, a broken image, an unlabelled one and hostile class names."""
    root = tmp_path / "mixed"
    paths = (
        "train/images/a/x.png",
        "train/images/b/x.png",
        "val/images/x.png",
        "train/images/images/x.png",
        "train/images/a/X.jpg",
        "train/images/a/x.jpg",
    )
    for path in paths:
        picture(root / path)
        text(
            root / (path.replace("/images/", "/labels/", 1).rpartition(".")[0] + ".txt"),
            "0 .5 .5 .5 .5\n1 .25 .25 .125 .125\n",
        )
    text(root / "train" / "labels" / "images" / "x.txt", "")
    text(root / "train" / "images" / "labels" / "x.txt", "0 .5 .5 .5 .5\n1 .25 .25 .125 .125\n")
    picture(root / "train" / "images" / "bare.png")
    text(root / "train" / "images" / "broken.png", "no image")
    text(root / "labelmap.txt", "<img src=x onerror=alert(1)>\n=cmd|' /C calc'!A0\n")
    return make(wb, root)


def entries(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize("format", sorted(writable()))
def test_t36_namesakes_in_folders_and_splits_read_back_equal(wb, mixed, format: str):
    again = make(wb, export(mixed, format)[1], "again")
    assert [c.name for c in again.classes()] == [c.name for c in mixed.classes()]
    ours, theirs = ([found for found in boxes(each).values() if found] for each in (mixed, again))
    left = list(theirs)
    for found in ours:
        left.remove(next(other for other in left if same_boxes(found, other, 1.01 if format == "qwen" else 0.01)))
    assert not left and len(ours) == 6
    assert sorted(row.split for row in again.images()).count("val") == 1


@pytest.mark.parametrize("format", ["yolo", "coco"])
def test_namesakes_stay_apart_and_what_is_left_out_is_said(mixed, format: str):
    result, archive = export(mixed, format)
    found = entries(archive)
    pictures = [name for name in found if name.startswith("images/")]
    assert len(pictures) == len({name.casefold().rpartition(".")[0] for name in pictures}) == 6 == result["images"]
    assert {row["file"] for row in result["left_out"]} == {"train/images/bare.png", "train/images/broken.png"}
    assert not any("/images/" in name.removeprefix("images/") for name in pictures), (
        "Ultralytics looks for the last /images/"
    )
    originals = sorted(
        (mixed.root / row.path).read_bytes() for row in mixed.images() if not row.path.endswith("bare.png")
    )
    assert sorted(found[name] for name in pictures) == originals


@pytest.mark.slow
def test_ultralytics_reads_namesakes_and_hostile_names(mixed, tmp_path: Path):
    [read] = ultralytics_reads(tmp_path / "config", (unpack(export(mixed, "yolo")[1], tmp_path / "out"), "detect"))
    assert list(read["names"].values()) == ["<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0"]
    assert (
        len(read["train"]) == 5 and len(read["val"]) == 1 and all(len(found) == 2 for found in as_boxes(read).values())
    )


@pytest.mark.parametrize("format", ["yolo", "coco"])
def test_equal_content_is_equal_bytes(mixed, format: str):
    first, second = export(mixed, format), export(mixed, format)
    assert first[0]["file"] != second[0]["file"] and first[1].read_bytes() == second[1].read_bytes()


@pytest.mark.parametrize("format", ["yolo", "coco"])
def test_only_what_was_accepted_goes_out(wb, mixed, format: str):
    row = mixed.images()[0]
    with wb.store.write() as conn:
        add_many(
            conn,
            mixed.id,
            [
                {"image_id": row.id, "class_id": 0, "xyxy": [1, 1, 60, 40], "source": "machine@1", "status": status}
                for status in ("candidate", "rejected")
            ],
        )
    assert export(mixed, format)[0]["annotations"] == 12


def test_options(mixed):
    assert export(mixed, "yolo", splits=["val"])[0]["images"] == 1
    assert export(mixed, "yolo", states=["new"])[0]["images"] == 1
    assert export(mixed, "yolo", states=["reviewed", "new"])[0]["images"] == 7
    result, archive = export(mixed, "yolo", with_images=False)
    assert not [name for name in entries(archive) if name.startswith("images/")] and result["images"] == 6
    for bad, told in (
        ({"splits": ["test"]}, "no image"),
        ({"states": ["odd"]}, "odd"),
        ({"states": ["in_progress"]}, "no image"),
    ):
        with pytest.raises(BadInput, match=told):
            export(mixed, "yolo", **bad)
    with pytest.raises(BadInput, match="pickle"):
        export(mixed, "pickle")


@pytest.mark.slow
def test_a_dataset_without_splits_trains_too(wb, tmp_path: Path):
    dataset = make(wb, yolo_folder(tmp_path / "s", {"a.png": "0 .5 .5 .5 .5"}, ["cat"]))
    result, archive = export(dataset, "yolo")
    assert result["notes"] == [
        "1 images without a split are in train",
        "there is no val split: data.yaml validates on train",
    ]
    [read] = ultralytics_reads(tmp_path / "config", (unpack(archive, tmp_path / "out"), "detect"))
    assert read["nc"] == 1


def test_paths_forged_in_the_database_never_reach_an_export(wb, tmp_path: Path):
    text(tmp_path / "secret.png", "SECRET")
    dataset = make(wb, yolo_folder(tmp_path / "s", {f"{n}.png": "0 .5 .5 .5 .5" for n in range(7)}, ["cat"]))
    (dataset.root / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    forged = [
        "../secret.png",
        str(tmp_path / "secret.png"),
        "images/../../secret.png",
        "..\\secret.png",
        "file:///etc/passwd",
        "images/link.png",
    ]
    with wb.store.write() as conn:
        for row, path in zip(dataset.images(), forged, strict=False):
            conn.execute(update(schema.image).where(schema.image.c.id == row.id).values(path=path))
    for format in ("yolo", "coco", "tfrecord"):
        result, archive = export(dataset, format)
        assert result["images"] == 1 and {row["file"] for row in result["left_out"]} == set(forged)
        assert b"SECRET" not in archive.read_bytes() and not [
            name for name in entries(archive) if ".." in name or name.startswith("/")
        ]


def test_a_cancelled_export_leaves_nothing(mixed):
    work = export_dataset(mixed, "yolo")
    next(work)
    work.close()
    assert not list(mixed.workspace.folder("exports").iterdir())


def test_the_operations(wb, mixed):
    job = wb.jobs.wait(call(wb, "datasets_export", dataset="set", format="coco"), 60)
    assert job["state"] == "succeeded", job
    listed = call(wb, "exports_list")
    assert [row["file"] for row in listed] == [job["result"]["file"]] and listed[0]["bytes"] == job["result"]["bytes"]
    for bad in ("../tator.db", "/etc/passwd", "..", "x.zip/..", "a\\b.zip", ".zip", "tator.db", ""):
        with pytest.raises(BadInput):
            call(wb, "exports_delete", file=bad)
    with pytest.raises(NotFound):
        call(wb, "exports_delete", file="gone.zip")
    call(wb, "exports_delete", file=listed[0]["file"])
    assert call(wb, "exports_list") == []


CHANGES = {
    "renamed": lambda data: data.rename_class(0, "Katze"),
    "reordered": lambda data: data.reorder([1, 0]),
    "added": lambda data: data.add_class("bird"),
    "recoloured": lambda data: data.recolor(0, "#123456"),
    "deleted, its boxes moved": lambda data: delete_class(data, 1, 0, "me"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("format", ["yolo", "coco", "voc", "tfrecord"])
def test_t38_a_class_changed_while_an_export_runs(wb, tmp_path: Path, format: str, change: str, monkeypatch):
    """The label map is that of the start, and each box has the class it had or was given, never one of another number."""
    monkeypatch.setattr("tator.exporting.writing.BATCH", 10)
    rows = {f"{n:03}.png": "0 .25 .25 .5 .5\n1 .75 .75 .5 .5" for n in range(120)}
    dataset = make(wb, yolo_folder(tmp_path / "s", rows, ["cat", "dog"]))
    work = export_dataset(dataset, format)
    next(work)
    CHANGES[change](dataset)
    result = finish(work)
    again = make(wb, dataset.workspace.folder("exports") / result["file"], "again")
    assert [c.name for c in again.classes()] == ["cat", "dog"] and len(boxes(again)) == 120
    for found in boxes(again).values():
        names = {round(row[1]): row[0] for row in found}
        assert names[0] == "cat" and names[32] in (("cat", "dog") if "deleted" in change else ("dog",))
