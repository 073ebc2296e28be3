"""Exports in tiles: what is visible enough is found at its place in every format, and what is cut off is said."""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import Snapshot, freeze
from tator.editing.rows import add_many
from tator.exporting.tiling import Tiling, tile_name
from tator.exporting.writing import export_dataset
from tator.formats.table import FORMATS, writable
from tator.ops import call
from tator.storage import schema
from tator.storage.images import read_image
from tator.types import BadInput
from tator.vision import masks
from tests.exporting.test_export import entries, unpack
from tests.folders import boxes, export, finish, make, picture, same_boxes, text
from tests.oracles import ultralytics_reads

SIZE = 96
PLACE = re.compile(r"(.+)_x(\d+)_y(\d+)\.(?:jpg|png)")
SIZES = {"train/images/wide.png": (250, 150), "train/images/b/tall.jpg": (96, 260), "val/images/small.png": (60, 40)}
FRAME = [[20.0, 20, 180, 20, 180, 140, 20, 140], [60.0, 50, 140, 50, 140, 110, 60, 110]]


def drawn(size: tuple[int, int]) -> list[tuple]:
    """Return boxes of an image: a large one, and many small ones at every place where tiles may meet."""
    width, height = size
    rng = np.random.default_rng(width)
    small = [
        (x, y, min(x + w, width), min(y + h, height))
        for x, y, w, h in zip(
            rng.uniform(0, width - 6, 40),
            rng.uniform(0, height - 6, 40),
            rng.uniform(5, 60, 40),
            rng.uniform(5, 60, 40),
        )
    ]
    return [(1.0, 2.0, width - 1.0, height - 1.0), *small]


@pytest.fixture
def wide(wb, tmp_path: Path) -> Dataset:
    """Return a dataset of three images of different shapes, two classes, an image without objects, and a caption."""
    root = tmp_path / "wide"
    for path, (width, height) in SIZES.items():
        picture(root / path, (width, height))
        rows = [
            f"{at % 2} {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height} {(x2 - x1) / width} {(y2 - y1) / height}\n"
            for at, (x1, y1, x2, y2) in enumerate(drawn((width, height)))
        ]
        text(root / (path.replace("/images/", "/labels/", 1).rpartition(".")[0] + ".txt"), "".join(rows))
    picture(root / "train" / "images" / "plain.png", (120, 96))
    text(root / "train" / "labels" / "plain.txt", "")
    text(root / "text_labels" / "train" / "images" / "wide.txt", "a wide picture")
    text(root / "labelmap.txt", "cat\ndog\n")
    return make(wb, root)


def source_of(path: str) -> tuple[str, tuple[int, int]]:
    """Return the trunk of the image that a tile was cut from, and the tile's place in it."""
    found = PLACE.fullmatch(path.rpartition("/")[2])
    assert found, path
    return found[1], (int(found[2]), int(found[3]))


def expected(dataset: Dataset, tiling: Tiling) -> dict[tuple, list[tuple]]:
    """Return {(trunk, place): boxes in image pixels} by the rule itself, written plainly."""
    out = defaultdict(list)
    for row in dataset.images():
        for left, top, right, bottom in tiling.tiles(row.width, row.height).tolist():
            key = row.path.rpartition("/")[2].rpartition(".")[0], (left, top)
            out[key] = []
            for name, x1, y1, x2, y2 in boxes(dataset)[row.path]:
                cut = max(x1, left), max(y1, top), min(x2, right), min(y2, bottom)
                area = max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0)
                if area > 0 and area >= tiling.min_visible * (x2 - x1) * (y2 - y1):
                    out[key].append((name, *cut))
    return dict(out)


def mapped_back(dataset: Dataset) -> dict[tuple, list[tuple]]:
    """Return {(trunk, place): boxes in pixels of the whole image} of an imported export."""
    out = {}
    for path, found in boxes(dataset).items():
        trunk, (left, top) = source_of(path)
        assert (trunk, (left, top)) not in out
        out[trunk, (left, top)] = [(name, x1 + left, y1 + top, x2 + left, y2 + top) for name, x1, y1, x2, y2 in found]
    return out


@pytest.mark.parametrize("format", sorted(writable().keys() - {"masks"}))  # in masks, objects hide one another
def test_what_is_visible_enough_is_found_at_its_place(wb, wide: Dataset, format: str):
    tiling = Tiling(SIZE, 0.2, 0.3)
    result, archive = export(wide, format, tiling=tiling)
    again = make(wb, archive, "again", "managed")
    ours, theirs = expected(wide, tiling), mapped_back(again)
    assert ours.keys() == theirs.keys() and result["tiles"] == len(ours)
    within = 1.01 if format == "qwen" else 0.5  # whole pixels
    assert all(same_boxes(ours[key], theirs[key], within) for key in ours)
    assert result["annotations"] == sum(map(len, ours.values()))
    splits = defaultdict(set)
    for row in again.images():
        assert (row.width, row.height) == (min(SIZE, row.width), min(SIZE, row.height))
        splits[source_of(row.path)[0]].add(row.split)
    assert splits == {"wide": {"train"}, "tall": {"train"}, "plain": {"train"}, "small": {"val"}}


@pytest.mark.slow
def test_ultralytics_reads_tiles(wide: Dataset, tmp_path: Path):
    tiling = Tiling(SIZE)
    folder = unpack(export(wide, "yolo", tiling=tiling)[1], tmp_path / "out")
    (read,) = ultralytics_reads(tmp_path / "config", (folder, "detect"))
    counts = {source_of(label["file"]): len(label["cls"]) for split in ("train", "val") for label in read[split]}
    assert counts == {key: len(found) for key, found in expected(wide, tiling).items()}


def test_what_is_cut_off_is_said(wide: Dataset):
    tiling = Tiling(SIZE, 0.2, 0.3)
    result, _ = export(wide, "yolo", tiling=tiling)
    kept = expected(wide, tiling)
    touching = expected(wide, Tiling(SIZE, 0.2, 0.0))
    pieces = sum(map(len, touching.values())) - sum(map(len, kept.values()))
    empty = sum(not found for found in kept.values())
    facts = {key: result[key] for key in ("images", "tiles_left_out", "pieces_left_out", "objects_left_out")}
    assert facts == {
        "images": 4,
        "tiles_left_out": 0,
        "pieces_left_out": pieces,
        "objects_left_out": 1,
    }  # the large one of the wide image
    assert result["notes"] == [
        "1 objects are in no tile: none shows 30% of them; larger tiles would",
        f"{pieces} pieces of objects are not labelled: their tile shows less than 30% of them",
        f"{empty} of {len(kept)} tiles are without objects",
        "1 captions are left out: they describe whole images",
    ]


def test_tiles_without_objects_are_left_out_where_asked(wb, wide: Dataset):
    tiling = Tiling(SIZE, 0.2, 0.3, keep_empty=False)
    result, archive = export(wide, "coco", tiling=tiling)
    full = {key: found for key, found in expected(wide, tiling).items() if found}
    assert mapped_back(make(wb, archive, "again", "managed")).keys() == full.keys()
    empty = len(expected(wide, tiling)) - len(full)
    assert result["tiles"] == len(full) and result["tiles_left_out"] == empty > 0
    assert f"{empty} tiles without objects are left out" in result["notes"]


@pytest.mark.parametrize("with_images", [True, False])
def test_equal_content_is_equal_bytes_also_of_a_snapshot(wide: Dataset, with_images: bool):
    options = {"format": "coco", "with_images": with_images, "tiling": Tiling(SIZE)}
    first, second = export(wide, **options), export(wide, **options)
    assert first[1].read_bytes() == second[1].read_bytes() and first[0]["sha256"] == second[0]["sha256"]
    finish(freeze(wide, "v1"))
    frozen = finish(export_dataset(Snapshot.open(wide, "v1"), **options))
    assert frozen["sha256"] == first[0]["sha256"]
    pictures = [name for name in entries(first[1]) if name.startswith("images/")]
    assert len(pictures) == (first[0]["tiles"] if with_images else 0)


def test_tiles_show_the_pixels_of_their_place(wide: Dataset):
    found = entries(export(wide, "yolo", tiling=Tiling(SIZE))[1])
    rows = {row.path.rpartition("/")[2].rpartition(".")[0]: row for row in wide.images()}
    checked = 0
    for path, content in found.items():
        if not path.startswith("images/"):
            continue
        trunk, (left, top) = source_of(path)
        pixels = read_image(wide.path(rows[trunk]))[top : top + SIZE, left : left + SIZE]
        if rows[trunk].path.endswith(".jpg"):
            packed = io.BytesIO()
            Image.fromarray(pixels).save(packed, "JPEG", quality=95)
            assert path.endswith(".jpg") and content == packed.getvalue()
        else:
            with Image.open(io.BytesIO(content)) as shown:
                assert shown.format == "PNG" and (np.asarray(shown) == pixels).all()
        checked += 1
    assert checked == len(expected(wide, Tiling(SIZE)))


def test_tiles_of_a_turned_photo_stand_upright(wb, tmp_path: Path):
    turned = Image.Exif()
    turned[0x0112] = 6
    path = picture(tmp_path / "s" / "images" / "turned.jpg", (200, 90), exif=turned)
    text(tmp_path / "s" / "labels" / "turned.txt", "0 .5 .5 .2 .2\n")
    text(tmp_path / "s" / "labelmap.txt", "cat\n")
    found = entries(export(make(wb, tmp_path / "s"), "yolo", tiling=Tiling(100, 0))[1])
    assert sorted(name for name in found if name.endswith(".jpg")) == [
        "images/train/turned_x0_y0.jpg",
        "images/train/turned_x0_y100.jpg",
    ]
    with Image.open(io.BytesIO(found["images/train/turned_x0_y100.jpg"])) as shown:
        apart = np.abs(np.asarray(shown).astype(int) - read_image(path)[100:200])
        assert shown.size == (90, 100) and shown.getexif().get(0x0112, 1) == 1 and np.median(apart) < 12


@pytest.fixture
def shaped(wb, tmp_path: Path) -> tuple[Dataset, np.ndarray]:
    """Return a dataset with a frame around a hole, a comb and a mask, and the pixels of the three."""
    root = tmp_path / "shaped"
    picture(root / "images" / "a.png", (200, 160))
    text(root / "labels" / "a.txt", "")
    text(root / "labelmap.txt", "frame\ncomb\nblob\n")
    dataset = make(wb, root)
    comb = [[4.0, 4, 196, 4, 196, 150, 170, 150, 170, 30, 40, 30, 40, 150, 4, 150]]
    blob = np.zeros((160, 200), bool)
    blob[60:130, 30:170] = (
        (np.random.default_rng(1).random((7, 14)) > 0.4).repeat(10, 0).repeat(10, 1)
    )  # parts and holes
    mask = masks.of_dense(blob)
    shapes = [{"polygons": [FRAME]}, {"polygons": [comb]}, {"rle": masks.to_rle(mask, 200, 160)}]
    around = [(20, 20, 180, 140), (4, 4, 196, 150), tuple(map(float, masks.box_of(mask)))]
    row = dataset.images()[0]
    with wb.store.write() as conn:
        add_many(
            conn,
            dataset.id,
            [
                {"image_id": row.id, "class_id": at, "xyxy": box, "source": "human", "status": "accepted"} | shape
                for at, (box, shape) in enumerate(zip(around, shapes, strict=True))
            ],
        )
    pixels = [masks.to_dense(masks.of_polygons([rings], 200, 160), 200, 160) for rings in (FRAME, comb)]
    return dataset, np.stack([*pixels, blob])


@pytest.mark.parametrize("format", ["coco", "roboflow", "cvat", "labelme", "yolo_seg", "via"])
def test_holes_concave_outlines_and_masks_stay_right(wb, shaped: tuple, format: str):
    """A format with one ring an object joins parts and traces masks, to half a pixel; the others are exact."""
    dataset, pixels = shaped
    result, archive = export(dataset, format, states=["reviewed"], tiling=Tiling(SIZE, 0.25, 0.05))
    again = make(wb, archive, "again", "managed")
    found = again.annotation_rows([row.id for row in again.images()])
    checked = 0
    for row in again.images():
        _, (left, top) = source_of(row.path)
        for each in found[row.id]:
            mask = (
                masks.of_rle(each["rle"]) if each["rle"] else masks.of_polygons(each["polygons"], row.width, row.height)
            )
            inner = pixels[each["class_id"], top : top + row.height, left : left + row.width]
            wrong = (masks.to_dense(mask, row.width, row.height) != inner).sum()
            traced = each["class_id"] == 2 and format not in ("coco", "roboflow", "cvat")
            assert wrong <= (0.1 * inner.sum() if traced else 2), (row.path, each["class_id"], wrong)
            checked += 1
    assert checked == result["annotations"] > 15


def test_nothing_is_written_where_no_tile_shows_an_object(shaped: tuple):
    with pytest.raises(BadInput, match="no tile shows an object"):
        export(shaped[0], "coco", tiling=Tiling(32, 0, 1.0, keep_empty=False))
    assert not list(shaped[0].workspace.folder("exports").iterdir())


def test_an_outline_is_measured_by_its_own_area(shaped: tuple, wb):
    dataset, pixels = shaped
    tiling = Tiling(SIZE, 0.25, 0.2)
    again = make(wb, export(dataset, "coco", tiling=tiling, states=["reviewed"])[1], "again", "managed")
    ours = {
        (class_id, left, top)
        for left, top, right, bottom in tiling.tiles(200, 160).tolist()
        for class_id in range(3)
        if pixels[class_id, top:bottom, left:right].sum() >= 0.2 * pixels[class_id].sum()
    }
    rows = {row.id: source_of(row.path)[1] for row in again.images()}
    theirs = {
        (each["class_id"], *rows[key]) for key, found in again.annotation_rows(list(rows)).items() for each in found
    }
    assert ours == theirs


def test_tiles_of_two_images_never_share_a_name(wb, tmp_path: Path):
    root = tmp_path / "names"
    long = "ü" * 120
    names = ["a.png", "a_x0_y0.png", "A.jpg", "sub/a.png", "a.jpg", f"{long}1.png", f"{long}2.png"]
    for name in names:
        picture(root / "images" / name, (150, 60))
        text(root / "labels" / (name.rpartition(".")[0] + ".txt"), "0 .5 .5 .5 .5\n")
    text(root / "labelmap.txt", "cat\n")
    for format in ("yolo", "voc", "labelme"):
        result, archive = export(make(wb, root, f"set {format}"), format, tiling=Tiling(100, 0))
        tiles = [name for name in entries(archive) if name.endswith((".png", ".jpg"))]
        assert len({name.casefold().rpartition(".")[0] for name in tiles}) == 2 * len(names) == result["tiles"]
        assert len(make(wb, archive, f"again {format}", "managed").images()) == 2 * len(names)


def test_a_long_name_is_cut_and_stays_its_own():
    first, second = tile_name("a/" + "x" * 250 + "1.png", 0, 640), tile_name("a/" + "x" * 250 + "2.png", 0, 640)
    assert first != second and first.startswith("a/xxx") and first.endswith("_x0_y640.png") and len(first) < 250
    assert tile_name("b.c/d.e.jpeg", 5, 0) == "b.c/d.e_x5_y0.jpg"


def test_an_image_that_changed_since_its_import_is_said(wide: Dataset):
    picture(wide.root / "train" / "images" / "wide.png", (99, 99))
    (wide.root / "val" / "images" / "small.png").write_bytes(b"no image")
    result, archive = export(wide, "yolo", tiling=Tiling(SIZE))
    reasons = {row["file"]: row["reason"] for row in result["left_out"]}
    assert "99 x 99 now, the labels are for 250 x 150" in reasons["train/images/wide.png"]
    assert "labels only" in reasons["val/images/small.png"]
    assert not [name for name in entries(archive) if name.startswith("images/") and ("wide" in name or "small" in name)]


def test_an_image_of_too_many_tiles_is_left_out_with_the_reason(wb, wide: Dataset):
    with wb.store.write() as conn:
        conn.execute(
            update(schema.image)
            .where(schema.image.c.path == "train/images/wide.png")
            .values(width=200_000, height=90_000)
        )
    result, _ = export(wide, "yolo", tiling=Tiling(SIZE))
    assert result["images"] == 3 and "choose larger tiles" in result["left_out"][0]["reason"]


REFUSED = [("tile_px", 31), ("tile_px", -5), ("tile_px", 10**6), ("tile_overlap", 0.95), ("tile_overlap", -0.1),
           ("tile_min_visible", 1.5), ("tile_min_visible", -0.1)]  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), REFUSED)
def test_settings_out_of_range_are_refused(wb, wide: Dataset, setting: str, value: float):
    job = wb.jobs.wait(call(wb, "datasets_export", dataset="set", **({"tile_px": 64} | {setting: value})), 60)
    assert job["state"] == "failed" and job["error"]["code"] == "bad_input" and setting in job["error"]["message"]


def test_the_operation_cuts_tiles(wb, wide: Dataset):
    job = wb.jobs.wait(
        call(wb, "datasets_export", dataset="set", format="voc", tile_px=SIZE, tile_overlap=0, tile_keep_empty=False),
        60,
    )
    assert job["state"] == "succeeded", job
    archive = wb.workspace.folder("exports") / job["result"]["file"]
    assert "-tiles96-" in archive.name
    with zipfile.ZipFile(archive) as opened:
        listed = opened.read("ImageSets/Main/train.txt").decode().split()
        sizes = {
            opened.read(f"Annotations/{trunk}.xml").decode().partition("<size>")[2].partition("</size>")[0].strip()
            for trunk in listed
        }
    assert "wide_x154_y54" in listed and len(sizes) == 1
    assert FORMATS["voc"].image_path("train", "x") == "JPEGImages/x"
