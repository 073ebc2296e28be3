"""Images that EXIF turns: what an export holds agrees with its labels in every reader, or the export says so."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.exporting.qwen_datasets import build_qwen
from tests.folders import export, finish, make, picture, text

ENDINGS = ("jpg", "png", "tif", "webp")
OBJECT = (40, 4, 56, 12)  # x1 y1 x2 y2 of a bright patch in the upright frame of 64 x 40


def upright() -> np.ndarray:
    pixels = np.zeros((40, 64, 3), np.uint8)
    x1, y1, x2, y2 = OBJECT
    pixels[y1:y2, x1:x2] = 255
    return pixels


def stored(path: Path, orientation: int) -> Path:
    """Write the upright picture as a camera stores it that was held so."""
    pixels = upright()
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 100, "subsampling": 0} if path.suffix == ".jpg" else {}
    options |= {"lossless": True} if path.suffix == ".webp" else {}
    PIL.Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif, **options)
    return path


@pytest.fixture
def turned(wb, tmp_path: Path):
    """Return a dataset of every orientation in every kind of file, with one labelled object each, and a plain image."""
    root = tmp_path / "source"
    x1, y1, x2, y2 = OBJECT
    row = f"0 {(x1 + x2) / 128} {(y1 + y2) / 80} {(x2 - x1) / 64} {(y2 - y1) / 40}\n"
    for orientation in range(1, 9):
        for ending in ENDINGS:
            stored(root / "images" / f"{ending}{orientation}.{ending}", orientation)
            text(root / "labels" / f"{ending}{orientation}.txt", row)
    picture(root / "images" / "plain.jpg", size=(64, 40))
    text(root / "labels" / "plain.txt", row)
    text(root / "classes.txt", "patch\n")
    return make(wb, root)


def seen(path: Path) -> dict[str, np.ndarray]:
    """Return the pixels as readers that know no EXIF see them."""
    import cv2

    with PIL.Image.open(path) as plain:
        found = {"Pillow": np.asarray(plain.convert("RGB"))}
    for name, flags in (("turned", 0), ("not turned", cv2.IMREAD_IGNORE_ORIENTATION)):
        found[f"cv2, {name}"] = cv2.imread(str(path), cv2.IMREAD_COLOR | flags)
    return found


def test_images_and_labels_of_an_export_agree_in_every_reader(turned, tmp_path: Path):
    result, archive = export(turned, "coco")
    assert "28 images that EXIF turns are written upright, encoded anew: not every reader turns them" in result["notes"]
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "annotations" / "instances_train.json").read_text())
    boxes = {row["image_id"]: row["bbox"] for row in told["annotations"]}
    assert len(told["images"]) == 33
    for row in told["images"]:
        file = tmp_path / "out" / "images" / "train" / row["file_name"]
        if row["file_name"] == "plain.jpg":
            continue
        for reader, pixels in seen(file).items():
            assert pixels.shape[:2] == (row["height"], row["width"]) == (40, 64), (file.name, reader)
            ys, xs = np.nonzero(pixels[..., 0] > 128)
            x, y, w, h = boxes[row["id"]]
            found = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            assert np.abs(np.subtract(found, (x, y, x + w, y + h))).max() <= 1, (file.name, reader)


def test_all_other_images_stay_byte_for_byte(turned):
    result, archive = export(turned, "yolo")
    plain = [row for row in turned.images() if row.path.endswith(("plain.jpg", *(f"1.{e}" for e in ENDINGS)))]
    assert len(plain) == 5 and result["images"] == 33
    with zipfile.ZipFile(archive) as opened:
        for row in plain:
            assert opened.read(f"images/train/{row.path.rpartition('/')[2]}") == turned.path(row).read_bytes()


def test_equal_content_is_equal_bytes_with_turned_images_too(turned):
    first, second = (export(turned, "voc")[0]["sha256"] for _ in range(2))
    assert first == second


def test_labels_alone_say_that_the_images_beside_them_are_turned(turned):
    told, _ = export(turned, "coco", with_images=False)
    [note] = [note for note in told["notes"] if "EXIF" in note]
    assert note == "28 images are turned by EXIF: labels are made for the upright picture, which not every reader shows"


def test_a_qwen_folder_links_what_is_upright_and_writes_the_rest_anew(wb, turned):
    built = finish(build_qwen(turned, "talk"))
    folder, images = Path(built["folder"]), {row.path.rpartition("/")[2]: row for row in turned.images()}
    files = {path.name: path for path in folder.rglob("*") if path.name in images}
    assert files.keys() == images.keys()
    for name, file in files.items():
        is_same = file.samefile(turned.path(images[name]))
        assert is_same == (name == "plain.jpg" or "1." in name), name
        assert is_same or all(pixels.shape == (40, 64, 3) for pixels in seen(file).values())
    assert any(note.startswith("28 images that EXIF turns") for note in built["notes"])


@pytest.mark.parametrize("format", ["coco", "yolo", "voc"])
def test_deep_images_are_exported_as_they_are(wb, tmp_path: Path, format: str):
    kinds = {"u16.png": np.uint16, "u12.tif": np.uint16, "f32.tif": np.float32, "i32.tif": np.int32}
    for name, kind in kinds.items():
        path = text(tmp_path / "source" / "images" / name, "")
        PIL.Image.fromarray(np.linspace(0, 4095, 40 * 64).reshape(40, 64).astype(kind)).save(path)
        text(tmp_path / "source" / "labels" / f"{path.stem}.txt", "0 0.5 0.5 0.2 0.2\n")
    dataset = make(wb, tmp_path / "source")
    result, archive = export(dataset, format)
    assert result["images"] == len(kinds) and not any("EXIF" in note for note in result["notes"])
    with zipfile.ZipFile(archive) as opened:
        files = {Path(name).name: opened.read(name) for name in opened.namelist()}
    assert all(files[name] == (tmp_path / "source" / "images" / name).read_bytes() for name in kinds)
