"""Open Images' masks, their files and the columns of its versions; masks that strangers made (T05, T09, T27, T32-T33)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.formats._mask_png import write_mask
from tator.ops import call
from tator.types import BadInput
from tator.vision.masks import of_rle, to_dense
from tests.encoders import table
from tests.folders import boxes, make, picture, reasons, text
from tests.reading import dropped, named_boxes, read_folder, told

BOX_HEAD = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside".split(
    ","
)
MASK_HEAD = "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks".split(",")
CAT, DOG = "/m/01yrx", "/m/0bt9lr"


def box(image: str, name: str = CAT, sides=(0.25, 0.5, 0.25, 0.5), **flags) -> list:
    return [image, "xclick", name, 1, *sides, 0, 0, flags.get("group", 0), 0, 0]


def mask(file: str, image: str, name: str = CAT, sides=(0.25, 0.5, 0.25, 0.5)) -> list:
    return [file, image, name, "1a2b3c4d", *sides, "0.86864", "0.95498 0.65197 1;0.89370 0.56579 1"]


def draw(path: Path, size=(64, 48), kind: str = "1") -> None:
    """Write a mask whose pixels fill the box of `box`."""
    pixels = np.zeros(size[::-1], bool)
    pixels[size[1] // 4 : size[1] // 2, size[0] // 4 : size[0] // 2] = True
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "1":
        path.write_bytes(write_mask(pixels))
    else:
        Image.fromarray(pixels.astype(np.uint8) * 255).convert(kind).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with images a and b and the words of two classes."""
    for name in "ab":
        picture(tmp_path / "images" / "train" / f"{name}.jpg")
    table(tmp_path / "annotations" / "class-descriptions-boxable.csv", [[DOG, "Dog"], [CAT, "Cat"]])
    return tmp_path


def write(folder: Path, box_rows: list[list], mask_rows: list[list], split: str = "train") -> None:
    table(folder / "annotations" / f"{split}-annotations-bbox.csv", [BOX_HEAD, *box_rows])
    table(folder / "annotations" / f"{split}-annotations-object-segmentation.csv", [MASK_HEAD, *mask_rows])


@pytest.mark.parametrize("place", ["masks/train", "masks", "train-masks-0", "labels/masks/A", "annotations"])
@pytest.mark.parametrize("kind", ["1", "L", "RGB"])
def test_masks_join_the_box_of_their_class_and_place(folder: Path, place: str, kind: str):
    draw(folder / place / "a_m01yrx_1a2b3c4d.png", kind=kind)
    write(
        folder,
        [box("a", DOG), box("a", CAT, (0.1, 0.2, 0.1, 0.2)), box("a")],
        [mask("a_m01yrx_1a2b3c4d.png", "a", sides=(0.250001, 0.5, 0.249999, 0.5))],
    )
    source, found = read_folder(folder)
    assert found.keys() == {"images/train/a.jpg", "images/train/b.jpg"}, "a mask is no image"
    assert list(source.classes.values()) == ["Dog", "Cat"] and not dropped(source)
    assert [(source.classes[each.class_index], each.rle is not None) for each in found["images/train/a.jpg"]] == [
        ("Dog", False),
        ("Cat", False),
        ("Cat", True),
    ]
    rle = found["images/train/a.jpg"][2].rle
    assert to_dense(of_rle(rle), 64, 48)[12:24, 16:32].all() and of_rle(rle).data.sum() == 12 * 16


@pytest.mark.parametrize("size", [(64, 48), (32, 24), (128, 96), (640, 480), (63, 47), (16, 12)])
def test_masks_take_the_size_of_their_image(folder: Path, size: tuple[int, int]):
    draw(folder / "masks" / "x.png", size)
    write(folder, [box("a")], [mask("x.png", "a")])
    source, found = read_folder(folder)
    [label] = found["images/train/a.jpg"]
    assert label.xyxy == (16, 12, 32, 24) and label.rle["size"] == [48, 64]
    assert abs(int(of_rle(label.rle).data.sum()) - 12 * 16) <= 30


def test_masks_without_a_box_row_are_objects_of_their_own(folder: Path):
    draw(folder / "masks" / "x.png")
    draw(folder / "masks" / "y.png")
    table(
        folder / "train-annotations-object-segmentation.csv",
        [MASK_HEAD, mask("x.png", "a"), mask("y.png", "b", DOG, ("", "", "", ""))],
    )
    source, found = read_folder(folder)
    assert source.format == "openimages" and not dropped(source)
    assert named_boxes(source, found["images/train/a.jpg"]) == [("Cat", 16, 12, 32, 24)]
    assert named_boxes(source, found["images/train/b.jpg"]) == [("Dog", 16, 12, 32, 24)]
    assert all(labels[0].rle for labels in found.values())


def test_rows_whose_mask_is_missing_are_reported_and_their_box_kept(folder: Path):
    write(
        folder,
        [box("a")],
        [mask("gone.png", "a"), mask("gone2.png", "b"), mask("gone3.png", "b", DOG, ("", "", "", ""))],
    )
    source, found = read_folder(folder)
    assert (
        named_boxes(source, found["images/train/a.jpg"])
        == named_boxes(source, found["images/train/b.jpg"])
        == [("Cat", 16, 12, 32, 24)]
    )
    assert source.report.counts["repaired"] == {"mask file is not in the folder": 3} and "gone.png" in told(source)
    assert "segmentation.csv:2" in told(source) and "segmentation.csv:4" in told(source)


@pytest.mark.parametrize(
    ("given", "confidence", "repaired"),
    [("0.25", 0.25, 0), ("1", None, 0), ("1.0", None, 0), ("", None, 0), ("87", None, 1), ("high", None, 1)],
)
def test_confidence_is_that_of_a_machine_and_1_is_none(
    folder: Path, given: str, confidence: float | None, repaired: int
):
    row = box("a")
    row[3] = given
    draw(folder / "masks" / "m.png")
    write(folder, [row], [mask("m.png", "a")])
    source, found = read_folder(folder)
    [label] = found["images/train/a.jpg"]
    assert label.confidence == confidence and label.rle
    assert source.report.counts["repaired"]["confidence left out"] == repaired
    assert not repaired or "bbox.csv:2" in told(source) and given in told(source)


def test_two_equal_boxes_get_a_mask_each(folder: Path):
    draw(folder / "masks" / "x.png")
    draw(folder / "masks" / "y.png")
    write(folder, [box("a"), box("a")], [mask("x.png", "a"), mask("y.png", "a")])
    _, found = read_folder(folder)
    assert len(found["images/train/a.jpg"]) == 2 and all(label.rle for label in found["images/train/a.jpg"])


def test_equal_mask_names_in_two_splits_are_told_apart(folder: Path):
    picture(folder / "images" / "validation" / "a.jpg")
    for place, size in (("masks/train", (64, 48)), ("masks/validation", (32, 24))):
        draw(folder / place / "x.png", size)
    write(folder, [box("a")], [mask("x.png", "a")])
    write(folder, [box("a")], [mask("x.png", "a")], "validation")
    source, found = read_folder(folder)
    assert found["images/train/a.jpg"][0].rle and found["images/validation/a.jpg"][0].rle
    assert (
        source.splits == {"images/train/a.jpg": "train", "images/validation/a.jpg": "val"}
        and not source.report.counts["repaired"]
    )


def test_a_mask_called_like_its_image_leaves_the_image(tmp_path: Path):
    picture(tmp_path / "images" / "x.png")
    picture(tmp_path / "images" / "masks" / "photo.png")
    draw(tmp_path / "masks" / "x.png")
    draw(tmp_path / "masks" / "spare.png")
    write(tmp_path, [box("x"), box("photo")], [mask("x.png", "x"), mask("none.png", "photo")])
    source, found = read_folder(tmp_path)
    assert found.keys() == {"images/x.png", "images/masks/photo.png"} and found["images/x.png"][0].rle
    assert "masks/spare.png" in told(source) and "mask that no row names" in told(source)


def test_masks_without_their_images_are_no_dataset(wb, tmp_path: Path):
    draw(tmp_path / "set" / "masks" / "x.png")
    write(tmp_path / "set", [box("a")], [mask("x.png", "a")])
    with pytest.raises(BadInput, match="only masks"):
        make(wb, tmp_path / "set")
    assert call(wb, "datasets_list") == []


def test_groups_keep_out_and_a_class_is_needed(folder: Path):
    draw(folder / "masks" / "x.png")
    write(folder, [box("a", group=1)], [mask("x.png", "b", "")])
    source, found = read_folder(folder)
    assert dropped(source) == {"group of objects": 1, "object without a class": 1}


CLICKS = [f"XClick{n}{axis}" for axis in "XY" for n in range(1, 5)]
VERSIONS = {
    "oidv6-train-annotations-bbox.csv": ([*BOX_HEAD, *CLICKS], [*box("a"), *[0.3] * 8]),
    "train-annotations-bbox.csv": (BOX_HEAD, box("a")),
    "challenge-2019-train-detection-bbox.csv": (
        "ImageID LabelName XMin XMax YMin YMax IsGroupOf".split(),
        ["a", CAT, 0.25, 0.5, 0.25, 0.5, 0],
    ),
    "open_images_extended_miap_boxes_train.csv": (
        "ImageID LabelName Confidence XMin XMax YMin YMax IsOccluded IsTruncated IsGroupOf IsDepictionOf IsInsideOf GenderPresentation".split(),
        ["a", CAT, 1, 0.25, 0.5, 0.25, 0.5, 0, 0, 0, 0, 0, "Unknown"],
    ),
    "oidv7-train-boxes.csv": ([name.upper() for name in BOX_HEAD], [*box("a")[:8], -1, -1, -1, -1, -1]),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_columns_of_every_version(folder: Path, name: str):
    table(folder / "annotations" / name, list(VERSIONS[name]))
    source, found = read_folder(folder)
    assert named_boxes(source, found["images/train/a.jpg"]) == [("Cat", 16, 12, 32, 24)] and not dropped(source)
    assert source.splits == {"images/train/a.jpg": "train"} or "train" not in name


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("oidv7-train-annotations-human-imagelabels.csv", "ImageID,Source,LabelName,Confidence"),
        (
            "oidv7-train-annotations-point-labels.csv",
            "ImageId,X,Y,Label,EstimatedYesNo,Source,YesVotes,NoVotes,UnsureVotes,TextLabel",
        ),
        (
            "oidv6-train-annotations-vrd.csv",
            "ImageID,LabelName1,LabelName2,XMin1,XMax1,YMin1,YMax1,XMin2,XMax2,YMin2,YMax2,RelationshipLabel",
        ),
    ],
)
def test_other_files_of_open_images_are_named_as_not_read(folder: Path, name: str, head: str):
    write(folder, [box("a")], [])
    text(folder / "annotations" / name, f"{head}\na,x,{CAT},1\n")
    source, found = read_folder(folder)
    assert name in told(source) and dropped(source) == {"not boxes": 1} and len(found["images/train/a.jpg"]) == 1


def test_the_list_of_all_classes_names_only_those_met(folder: Path):
    (folder / "annotations" / "class-descriptions-boxable.csv").unlink()
    others = ([f"/m/{n}", f"thing {n}"] for n in range(20_000))
    table(
        folder / "annotations" / "oidv7-class-descriptions.csv", [["LabelName", "DisplayName"], [CAT, "Cat"], *others]
    )
    write(folder, [box("a")], [])
    source, _ = read_folder(folder)
    assert list(source.classes.values()) == ["Cat"]


ESCAPES = [
    "../../secret.png",
    "/etc/secret.png",
    "C:\\secret.png",
    "\\\\host\\secret.png",
    "file:///secret.png",
    "images/../../secret.png",
]
ESCAPES += ["", "x" * 5000, "a\0b.png"]


@pytest.mark.parametrize("reference", ESCAPES)
def test_t09_mask_paths_that_lead_out_are_named_and_nothing_is_read_there(folder: Path, reference: str):
    root = folder / "deep" / "set"
    picture(root / "images" / "a.jpg")
    draw(folder / "secret.png")
    write(root, [box("a")], [mask(reference, "a")])
    source, found = read_folder(root)
    assert source.report.counts["repaired"] == {"mask file is not in the folder": 1} and reference[:80] in told(source)
    assert found["images/a.jpg"][0].rle is None


def test_t05_masks_that_are_links_out_of_the_folder(folder: Path):
    root = folder / "deep" / "set"
    picture(root / "images" / "a.jpg")
    draw(folder / "secret.png")
    (root / "masks").mkdir()
    (root / "masks" / "x.png").symlink_to(folder / "secret.png")
    write(root, [box("a")], [mask("x.png", "a")])
    source, found = read_folder(root)
    assert "link leads out of the folder" in told(source) and found["images/a.jpg"][0].rle is None


GOOD = write_mask(np.ones((48, 64), bool))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:30],
        GOOD[:16] + b"\0\0\xc3\x50" * 2 + GOOD[24:],
        b"<svg onload=alert(1)>",
        b"\xff\xd8\xff",
        write_mask(np.zeros((48, 64), bool)),
    ],
    ids=["empty", "cut", "bomb", "svg", "jpeg", "black"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_t27_t32_t33_bad_masks_are_named_and_their_boxes_kept(wb, folder: Path, content: bytes):
    draw(folder / "masks" / "good.png")
    (folder / "masks" / "bad.png").write_bytes(content)
    write(folder, [box("a"), box("b")], [mask("bad.png", "a"), mask("good.png", "b")])
    dataset = make(wb, folder)
    assert boxes(dataset) == {f"images/train/{name}.jpg": [("Cat", 16, 12, 32, 24)] for name in "ab"}
    assert reasons(dataset, "repaired") == {"mask left out": 1} and not reasons(dataset)
    masks = {
        row.path: [each["rle"] is not None for each in found]
        for row, found in zip(
            dataset.images(),
            dataset.annotation_rows([row.id for row in dataset.images()], "accepted").values(),
            strict=True,
        )
    }
    assert masks == {"images/train/a.jpg": [False], "images/train/b.jpg": [True]}
