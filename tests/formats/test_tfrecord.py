"""TFRecord: images and masks inside, in and out, and records that strangers made (T09, T27, T32, T33, T36, T40)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.formats import tfrecord
from tator.formats._records import floats, integers, texts, write_example
from tator.formats.writing import Folder, Written
from tator.importing.creating import import_dataset
from tator.importing.embedded import take_out
from tator.importing.merging import merge_source
from tator.importing.preview import preview_source
from tator.types import BadInput
from tests.folders import boxes, coco, export, finish, make, named, picture, reasons, same_boxes, text
from tests.oracles import tfrecord_reads
from tests.reading import dropped, named_boxes, read_folder, told
from tests.records import mask_png, png, record


@pytest.fixture
def animals(wb, tmp_path: Path):
    """Return a dataset with namesakes in two folders and two splits, an outline, a mask, an image without labels, and odd files."""
    root = tmp_path / "animals"
    for name in ("train/a.png", "val/a.png", "train/night/a.png", "train/bare.jpg"):
        picture(root / name)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(root / "train" / "turned.jpg", exif=exif)
    Image.fromarray((np.arange(48 * 64).reshape(48, 64) * 20).astype(np.uint16)).save(root / "train" / "deep.tif")
    rle = {"size": [48, 64], "counts": [48 * 10 + 5, 30, 18, 30, 48 * 64 - 48 * 10 - 83]}
    text(
        root / "train.json",
        coco(
            ["train/a.png", "train/night/a.png", "train/bare.jpg", "train/turned.jpg", "train/deep.tif"],
            [
                {"segmentation": [[4, 4, 14, 4, 14, 14]]},
                {"category_id": 2, "bbox": [30, 5, 9, 9]},
                {"image_id": 2, "bbox": [10, 5, 2, 30], "segmentation": rle},
                {"image_id": 4, "category_id": 2, "bbox": [0, 0, 24, 32]},
                {"image_id": 5, "bbox": [1, 1, 60, 40]},
            ],
        ),
    )
    text(root / "val.json", coco(["val/a.png"], [{"category_id": 2, "bbox": [1, 2, 3, 4]}]))
    return make(wb, root, "animals")


def by_name(dataset) -> dict[str, list[tuple]]:
    rows = {row.path: row for row in dataset.images(readable=False)}
    return {
        f"{rows[path].split}/{path.rpartition(f'{rows[path].split}/')[2]}": found
        for path, found in boxes(dataset).items()
    }


def test_an_export_is_records_only_and_reads_back_equal(wb, animals, tmp_path: Path):
    result, archive = export(animals, "tfrecord")
    with zipfile.ZipFile(archive) as opened:
        assert sorted(opened.namelist()) == ["label_map.pbtxt", "train.tfrecord", "val.tfrecord"]
    assert result["images"] == 6 and result["annotations"] == 6 and result["left_out"] == []
    assert [note for note in result["notes"] if "encoded again" in note][0].startswith("2 images")
    again = make(wb, archive, "again")
    assert [c.name for c in again.classes()] == ["cat", "dog"] and not reasons(again)
    ours, theirs = by_name(animals), by_name(again)
    assert {name.replace(".tif", ".png") for name in ours} == theirs.keys()
    for name, found in ours.items():
        assert same_boxes(found, theirs[name.replace(".tif", ".png")], 0.01), name
    with_masks = [
        row for row in again.annotation_rows([row.id for row in again.images()], "accepted").values() for row in row
    ]
    assert sum(row["rle"] is not None for row in with_masks) == 2
    assert export(animals, "tfrecord")[0]["sha256"] == result["sha256"]
    for row in again.images():
        assert again.load(row).shape == (row.height, row.width, 3)


@pytest.mark.slow
def test_protobuf_reads_our_records(animals, tmp_path: Path):
    with zipfile.ZipFile(export(animals, "tfrecord")[1]) as opened:
        opened.extractall(tmp_path / "out")
    files = tfrecord_reads(tmp_path / "out")
    assert {name: len(rows) for name, rows in files.items()} == {"train.tfrecord": 5, "val.tfrecord": 1}
    rows = {row["image/filename"][0]: row for row in files["train.tfrecord"]}
    assert rows.keys() == {"a.png", "night/a.png", "bare.jpg", "turned.jpg", "deep.png"}
    for row in rows.values():
        height, width, digest = row["image/encoded"][0]  # decoded without EXIF, as TensorFlow does
        assert (height, width) == (row["image/height"][0], row["image/width"][0]) and digest == row["image/key/sha256"][
            0
        ]
        assert row["image/format"] == ["png" if row["image/filename"][0].endswith("png") else "jpeg"]
    first = rows["a.png"]
    assert first["image/object/class/text"] == ["cat", "dog"] and first["image/object/class/label"] == [1, 2]
    assert first["image/object/bbox/xmin"] == pytest.approx([4 / 64, 30 / 64])
    assert first["image/object/bbox/ymax"] == pytest.approx([14 / 48, 14 / 48])
    assert first["image/object/mask"] == [[48, 64, 55], [48, 64, 0]]  # the dog has none
    assert rows["night/a.png"]["image/object/mask"] == [[48, 64, 60]] and "image/object/mask" not in rows["bare.jpg"]
    assert (rows["turned.jpg"]["image/width"], rows["turned.jpg"]["image/height"]) == ([48], [64])
    assert len({row["image/source_id"][0] for rows in files.values() for row in rows}) == 6


def test_an_export_without_its_images_is_refused(animals):
    with pytest.raises(BadInput, match="holds the images"):
        export(animals, "tfrecord", with_images=False)


@pytest.mark.slow
def test_images_that_vanished_are_said(animals, tmp_path: Path):
    (tmp_path / "animals" / "train" / "bare.jpg").unlink()
    result, archive = export(animals, "tfrecord")
    assert [row["file"] for row in result["left_out"]] == ["train/bare.jpg"]
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "out")
    assert len(tfrecord_reads(tmp_path / "out")["train.tfrecord"]) == 4


@pytest.mark.slow
def test_large_splits_are_several_files(tmp_path: Path):
    content = png((8, 8))
    images = [
        Written("", f"{n:04d}.png", "train", 8, 8, [], None, lambda: (content, "png"))
        for n in range(tfrecord.SHARD + 1)
    ]
    assert list(tfrecord.write(Folder(tmp_path), ["cat"], {"train": images}))[-1] == tfrecord.SHARD + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "label_map.pbtxt",
        "train.tfrecord-00000-of-00002",
        "train.tfrecord-00001-of-00002",
    ]
    finish(take_out(tmp_path))
    source, found = read_folder(tmp_path)
    assert source.format == "tfrecord" and len(found) == tfrecord.SHARD + 1 and set(source.splits.values()) == {"train"}


@pytest.mark.parametrize(
    "name", ["train.tfrecord", "coco_train.record-00003-of-00100", "train.tfrecords", "x-train.tfrecord-00000-of-00001"]
)
def test_names_of_record_files_tell_their_split(tmp_path: Path, name: str):
    with open(tmp_path / name, "wb") as file:
        record(file, "a.png", png())
    finish(take_out(tmp_path))
    source, found = read_folder(tmp_path)
    assert source.splits == {"images/train/a.png": "train"} and not dropped(source)
    assert named_boxes(source, found["images/train/a.png"]) == [("cat", 16, 12, 32, 24)]


def records_only(folder: Path) -> Path:
    folder.mkdir()
    with open(folder / "train.tfrecord", "wb") as file:
        record(file, "a.png", png())
        record(file, "b.png", png())
    return folder


def test_a_folder_of_records_is_copied_never_written_into(wb, tmp_path: Path):
    folder = records_only(tmp_path / "records")
    seen = finish(preview_source(wb.workspace, str(folder)))
    assert (seen["format"], seen["images"], seen["annotations"]) == ("tfrecord", 2, 2)
    with pytest.raises(BadInput, match="inside the label files"):
        make(wb, folder, "linked")
    dataset = make(wb, folder, "managed", storage="managed")
    assert [found for found in boxes(dataset).values()] == [[("cat", 16, 12, 32, 24)]] * 2
    assert finish(merge_source(dataset, str(folder)))["images"] == 2 and len(dataset.images()) == 4
    assert [path.name for path in folder.iterdir()] == ["train.tfrecord"]
    assert not list(wb.workspace.folder("tmp").iterdir())


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_an_import_of_records_that_was_cut_goes_on(wb, tmp_path: Path, steps: int):
    (tmp_path / "set").mkdir()
    with open(tmp_path / "set" / "train.tfrecord", "wb") as file:
        for number in range(120):
            record(file, f"{number}.png", png())
    work = import_dataset(wb.workspace, wb.store, "set", str(tmp_path / "set"), "managed")
    for _ in range(steps):
        next(work)
    work.close()
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert len(dataset.images()) == 120 and all(len(found) == 1 for found in boxes(dataset).values())


def test_labelme_files_with_their_image_inside(wb, tmp_path: Path):
    """LabelMe keeps the photograph in its file where it is told to; people then send the files alone."""
    import base64
    import json

    packed = base64.b64encode(png()).decode()
    shape = {"label": "cat", "points": [[4, 4], [20, 20]], "shape_type": "rectangle"}
    for name in ("a.png", "b"):
        content = {"imagePath": f"..\\photos\\{name}", "imageData": packed, "shapes": [shape]}
        text(tmp_path / "set" / f"{name[0]}.json", json.dumps(content))
    text(tmp_path / "set" / "bad.json", json.dumps({"imagePath": "c.png", "imageData": "%%%", "shapes": [shape]}))
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert boxes(dataset) == {"a.png": [("cat", 4, 4, 20, 20)], "b.png": [("cat", 4, 4, 20, 20)]}
    assert "bad.json" in named(dataset)


ODD = [
    "../../evil.png",
    "/etc/evil.png",
    "C:\\evil.png",
    "file:///evil.png",
    ".hidden.png",
    "a/../../evil.png",
    "",
    "x" * 300 + ".png",
    "con\0trol.png",
    " lead.png",
    "a//b.png",
]


@pytest.mark.parametrize("name", ODD)
def test_t09_names_inside_records_stay_in_the_folder(wb, tmp_path: Path, name: str):
    (tmp_path / "set").mkdir()
    with open(tmp_path / "set" / "train.tfrecord", "wb") as file:
        record(file, name, png())
        record(file, "good.png", png())
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert sorted(boxes(dataset).values()) == [[("cat", 16, 12, 32, 24)]] * 2
    assert all(row.path.startswith("images/train/") for row in dataset.images())
    assert {path for path in tmp_path.rglob("*") if "home" not in path.parts} == before


@pytest.mark.parametrize("name", ["evil.svg", "page.html", "run.js", "evil.png", "noending"])
def test_t27_active_content_inside_records_is_no_image(wb, tmp_path: Path, name: str):
    (tmp_path / "set").mkdir()
    with open(tmp_path / "set" / "train.tfrecord", "wb") as file:
        record(file, name, b"<svg onload=alert(1)>")
        record(file, "good.png", png())
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert reasons(dataset) == {"unreadable image": 1} and len(dataset.images()) == 1
    assert not [path for path in dataset.root.rglob("*") if path.suffix in (".svg", ".html", ".js")]


@pytest.mark.parametrize(
    "content", [png()[:60], png()[:16] + b"\0\0\xc3\x50" * 2 + png()[24:], b"", b"\xff\xd8\xff", b"GIF89a"]
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_t32_t33_bombs_and_cut_images_inside_records(wb, tmp_path: Path, content: bytes):
    (tmp_path / "set").mkdir()
    with open(tmp_path / "set" / "train.tfrecord", "wb") as file:
        record(file, "bad.png", content)
        record(file, "good.png", png())
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert "bad.png" in named(dataset) and [row.path for row in dataset.images()] == ["images/train/good.png"]


def test_t36_equal_names_in_records_are_images_of_their_own(wb, tmp_path: Path):
    (tmp_path / "set").mkdir()
    for split in ("train", "val"):
        with open(tmp_path / "set" / f"{split}.tfrecord", "wb") as file:
            record(file, "same.png", png())
            record(file, "SAME.png", png((32, 32)))
            record(file, "same.png", png((16, 16)))
            record(file, "same..png", png())
    dataset = make(wb, tmp_path / "set", storage="managed")
    assert len(dataset.images()) == 8 and all(len(found) == 1 for found in boxes(dataset).values())
    sizes = {row.path: (row.width, row.height) for row in dataset.images()}
    assert sizes["images/val/SAME-2.png"] == (32, 32) and sizes["images/val/same-3.png"] == (16, 16)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (texts(mask_png()), ""),
        (texts(mask_png(on=False)), ""),
        (texts(mask_png((24, 64))), "mask left out"),
        (texts(mask_png((480, 640))), "larger than the image"),
        (texts(b"no picture"), "not a PNG that can be read"),
        (texts(mask_png()[:30]), "not a PNG that can be read"),
        (texts(png(format="JPEG")), "not a PNG that can be read"),
        (texts(mask_png(), mask_png()), "masks left out"),
        (floats([0.0] * 64 * 48), "masks left out"),
        (integers(1), "masks left out"),
        (texts(mask_png()[:16] + b"\0\0\xc3\x50" * 2 + mask_png()[24:]), "mask left out"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_masks_inside_records_are_checked(tmp_path: Path, mask: bytes, reason: str):
    picture(tmp_path / "a.png")
    with open(tmp_path / "train.tfrecord", "wb") as file:
        record(file, "a.png", image_object_mask=mask)
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["a.png"]) == [("cat", 16, 12, 32, 24)]
    assert reason in told(source) and bool(reason) == bool(source.report.counts["repaired"])
    assert (found["a.png"][0].rle is not None) == (mask == texts(mask_png()))


@pytest.mark.parametrize(
    ("ids", "numbers", "names"),
    [
        ((1, 2), (1, 2), ["cat", "dog"]),
        ((0, 1), (0, 1), ["cat", "dog"]),
        ((5, 90), (90, 5), ["dog", "cat"]),
        ((7, 3), (3, 7), ["dog", "cat"]),
        ((1, 2), (2, 9), ["dog", "class 9"]),
        ((), (0, 3), ["class 0", "class 3"]),
    ],
)
def test_t40_numbers_of_classes_of_any_kind(tmp_path: Path, ids: tuple, numbers: tuple, names: list[str]):
    picture(tmp_path / "a.png")
    rows = "".join(f"item {{ id: {at} name: '{name}' }}\n" for at, name in zip(ids, ("cat", "dog"), strict=False))
    text(tmp_path / "label_map.pbtxt", rows)
    with open(tmp_path / "train.tfrecord", "wb") as file:
        sides = {
            f"image/object/bbox/{side}": floats([value] * 2)
            for side, value in (("xmin", 0), ("ymin", 0), ("xmax", 1), ("ymax", 1))
        }
        write_example(file, {"image/filename": texts("a.png"), "image/object/class/label": integers(*numbers), **sides})
    source, found = read_folder(tmp_path)
    assert [source.classes[label.class_index] for label in found["a.png"]] == names and not dropped(source)
