"""The same photographs in nine encodings read alike; the traps of real datasets are listed."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest

from tator.formats.table import FORMATS, writable
from tests.folders import picture, same_boxes, text
from tests.reading import copy_files, dropped, named_boxes, read_folder, told

ENCODINGS = {
    "voc": ("pascalvoc_format", "Annotations"),
    "imagenet": ("imagenet_format", "."),
    "cvat": ("cvat_format", "."),
    "labelme": ("labelme_format", "json"),
    "openimages": ("openimages_format", "."),
    "yolo": ("yolo_format", "."),
    "coco v1": ("coco_format_v1", "annotations"),
    "coco v2": ("coco_format_v2", "annotations"),
    "tfrecord": ("tfrecord_format", "."),
}
EXPECTED = {"imagenet": "voc", "coco v1": "coco", "coco v2": "coco"}  # the "imagenet" files have VOC's layout and names


@pytest.fixture(scope="module")
def encoded(data: Path, tmp_path_factory: pytest.TempPathFactory):
    def build(encoding: str) -> Path:
        folder, below = ENCODINGS[encoding]
        root = tmp_path_factory.mktemp(encoding.replace(" ", "_"))
        copy_files(data / "formats" / "images", root / "images")
        return copy_files(data / "formats" / "gts" / folder, root / below) and root

    return build


@pytest.fixture(scope="module")
def truth(encoded) -> dict[str, list[tuple]]:
    source, found = read_folder(encoded("voc"), "voc")
    return {path: named_boxes(source, labels) for path, labels in found.items()}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_reads_to_equal_boxes(encoded, truth, encoding: str):
    source, found = read_folder(encoded(encoding))
    assert source.format == EXPECTED.get(encoding, encoding)
    assert dropped(source) == {}
    assert sum(map(len, truth.values())) == 273 and found.keys() == truth.keys()
    for path, labels in found.items():
        assert same_boxes(named_boxes(source, labels), truth[path], within=0.5), path


def test_class_lists_are_kept_in_their_order(encoded, data: Path):
    order = (data / "formats" / "gts" / "yolo_format" / "obj.names").read_text().split()
    for encoding in ("yolo", "imagenet", "cvat", "coco v1", "tfrecord"):
        source, _ = read_folder(encoded(encoding))
        assert list(source.classes.values()) == order, encoding


def test_bccd_reads_alike_from_voc_and_yolo(data: Path):
    yolo, boxes = read_folder(data / "bccd", "yolo")
    voc, objects = read_folder(data / "bccd", "voc")
    assert sum(map(len, boxes.values())) == sum(map(len, objects.values())) == 4886
    assert dropped(yolo) == {} and dropped(voc) == {"zero area": 2}
    assert "BloodImage_00338.xml" in told(voc) and "BloodImage_00343.xml" in told(voc)
    assert voc.splits == yolo.splits and len(voc.splits) == 364
    for path in boxes:
        assert same_boxes(named_boxes(yolo, boxes[path]), named_boxes(voc, objects[path]), within=0.5), path


def test_two_formats_in_one_folder_are_said(data: Path):
    source, _ = read_folder(data / "bccd")
    assert source.format == "yolo"
    assert "labels in several formats" in told(source) and FORMATS["voc"].label in told(source)


def test_chess_keeps_the_stray_class_for_the_mapping_to_decide(data: Path):
    source, found = read_folder(data / "chess")
    assert source.format == "roboflow" and "super-category left out: 'pieces'" in told(source)
    used = {source.classes[label.class_index] for labels in found.values() for label in labels or []}
    assert len(source.classes) == 13 and set(source.classes.values()) - used == {"bishop"}
    assert len(found) == 58 and sum(map(len, found.values())) == 386
    assert set(source.splits.values()) == {"val"}


def test_facade_tells_images_of_two_folders_apart(data: Path):
    source, found = read_folder(data / "facade")
    assert len(found) == 108 and sum(len(labels or []) for labels in found.values()) == 3849
    assert sum("/images/" in path for path in found) == 24
    assert all(label.polygons for labels in found.values() for label in labels or [])
    assert len(source.classes) == 10


def test_ships_dirty_has_every_oddity_listed(data: Path):
    source, found = read_folder(data / "ships_dirty")
    assert source.format == "yolo" and list(source.classes.values()) == ["Ships"]
    images = {path.stem for path in (data / "ships_dirty/train/images").iterdir()}
    labels = {path.stem for path in (data / "ships_dirty/train/labels").iterdir()}
    jpegs = sum(path.suffix == ".jpg" for path in (data / "ships_dirty/train/images").iterdir())
    assert len(found) == jpegs == 405
    assert sum(each is None for each in found.values()) == len(images - labels)
    assert dropped(source).get("label file without an image", 0) == len(labels - images)
    assert "split folder is not in the dataset" in told(source)


@pytest.mark.parametrize(
    "content",
    [
        "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: [cat, dog]\n",
        "path: ../datasets/mine\ntrain: train/images\nval: valid/images\nnames:\n  0: cat\n  1: dog\n",
        "train: train/images\nval: valid/images\nnames: {'0': cat, '1': dog}\nroboflow: {version: 1}\n",
        "path: /home/me/data\ntrain: [train/images]\nval: ./valid/images\nnames:\n- cat\n- dog\n",
        "\ufefftrain: train\nvalid: valid\nnc: 2\nnames: [cat, dog]\ndownload: https://example.invalid/x.zip\n",
        "train: /content/drive/train/images\nval: C:\\data\\valid\\images\nnames: [cat, dog]\n",
    ],
)
def test_roboflow_trees_of_any_spelling(tmp_path: Path, content: str):
    for split in ("train", "valid"):
        picture(tmp_path / split / "images" / "a.jpg")
        text(tmp_path / split / "labels" / "a.txt", "1 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "data.yaml", content)
    source, found = read_folder(tmp_path)
    assert source.classes == {0: "cat", 1: "dog"}
    assert source.splits == {"train/images/a.jpg": "train", "valid/images/a.jpg": "val"}
    assert all(named_boxes(source, labels) == [("dog", 16, 12, 48, 36)] for labels in found.values())
    assert ("download ignored" in told(source)) == ("download" in content)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['true']",
        "!!python/object/new:os.system ['true']",
        "!!python/name:os.system",
        "!x y",
    ],
)
def test_yaml_with_tags_is_refused_by_name(tmp_path: Path, tag: str):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "data.yaml", f"names: {tag}\ntrain: images\n")
    source, found = read_folder(tmp_path)
    assert "data.yaml" in told(source) and "refused as YAML" in told(source)
    assert len(found["images/a.jpg"]) == 1


def test_the_operation_offers_every_format_that_can_be_written():
    from tator.ops import operations

    hint = operations()["datasets_export"].parameters["format"].annotation
    assert set(typing.get_args(hint)) == set(writable())


def test_keypoints_beside_boxes_are_kept(tmp_path: Path):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5 " + "0.4 0.4 2 " * 4 + "\n")
    text(tmp_path / "data.yaml", "train: images\nnames: [cat]\nkpt_shape: [4, 3]\n")
    source, found = read_folder(tmp_path)
    assert (
        named_boxes(source, found["images/a.jpg"]) == [("cat", 16, 12, 48, 36)]
        and found["images/a.jpg"][0].polygons is None
    )
    assert found["images/a.jpg"][0].attributes["keypoints"] == [pytest.approx([25.6, 19.2, 2])] * 4


def test_every_file_is_read_where_there_are_many(tmp_path: Path):
    """A sniff looks at some files of a folder; a reader must not."""
    for n in range(450):
        picture(tmp_path / f"{n}.png")
        text(tmp_path / f"{n}.csv", f"filename,class,xmin,ymin,xmax,ymax\n{n}.png,cat,1,2,30,40\n")
    source, found = read_folder(tmp_path)
    assert source.format == "csv" and all(
        named_boxes(source, labels) == [("cat", 1, 2, 30, 40)] for labels in found.values()
    )
