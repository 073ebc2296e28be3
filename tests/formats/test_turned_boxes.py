"""Turned boxes: every format that holds an angle means the same box by it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.formats import Label
from tator.formats._shapes import extent
from tator.formats._turned import corners_of
from tator.formats.table import FORMATS, open_source
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written
from tests.folders import picture

SIDE = 400
HOLDERS = ("coco", "cvat", "datumaro", "dota", "label_studio", "labelme", "yolo_obb")
QUARTER = [40, 10, 40, 50, 20, 50, 20, 10]  # x 10 to 50, y 20 to 40, turned clockwise by 90 degrees


def turned_box(x: float, y: float, w: float, h: float, turn: float) -> Label:
    ring = [round(value, 4) for value in corners_of((x - w / 2, y - h / 2, x + w / 2, y + h / 2), turn)]
    return Label(0, extent(ring), [[ring]], attributes={"rotation": turn})


def there_and_back(root: Path, format: str, labels: list[Label]) -> list[Label]:
    """Return labels as a format has them after writing and reading."""
    path = FORMATS[format].image_path("train", "a.png")
    picture(root / path, (SIDE, SIDE))
    content = (root / path).read_bytes()
    image = Written(path, "a.png", "train", SIDE, SIDE, labels, content=lambda: (content, "png"))
    list(FORMATS[format].write(Folder(root), ["dog"], {"train": [image]}))
    return open_source(Tree.of(root), format).labels(path, SIDE, SIDE) or []


def assert_same(ours: Label, theirs: Label, told: str) -> None:
    assert theirs.polygons and theirs.attributes, told
    assert theirs.polygons[0][0] == pytest.approx(ours.polygons[0][0], abs=0.05), told
    apart = theirs.attributes["rotation"] - ours.attributes["rotation"]
    assert abs((apart + 180) % 360 - 180) < 0.2, told


@given(
    st.floats(1, 359).map(lambda turn: round(turn, 2)),
    st.floats(40, 130),
    st.floats(30, 120),
    st.permutations(HOLDERS),
)
@settings(max_examples=8, deadline=None)
def test_a_turned_box_is_the_same_after_any_chain_of_formats(turn: float, w: float, h: float, chain: list[str]):
    first = turned_box(200, 190, w, h, turn)
    now = [first]
    for format in chain:
        with TemporaryDirectory() as folder:
            now = there_and_back(Path(folder), format, now)
        assert len(now) == 1
        assert_same(first, now[0], f"{format} of {chain}")


def folder_of(root: Path, files: dict[str, str], image: str = "a.png") -> Tree:
    picture(root / image, (100, 80))
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Tree.of(root)


PAIRS = list(zip(QUARTER[::2], QUARTER[1::2], strict=True))
SHARES = " ".join(str(value / (100, 80)[at % 2]) for at, value in enumerate(QUARTER))
CVAT_BOX = '<box label="dog" occluded="0" xtl="10" ytl="20" xbr="50" ybr="40" rotation="90"></box>'
XANY = {"label": "dog", "points": PAIRS, "shape_type": "rotation", "direction": math.pi / 2}
COCO_ROW = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 40, 20], "attributes": {"rotation": 90.0}}
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
    "categories": [{"id": 1, "name": "dog"}],
    "annotations": [COCO_ROW],
}
VENDORS = {  # the same box as each vendor's documentation writes it
    # https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/: degrees clockwise about the centre
    "cvat": {
        "annotations.xml": f'<annotations><image id="0" name="a.png" width="100" height="80">{CVAT_BOX}</image></annotations>'
    },
    # https://docs.cvat.ai/docs/dataset_management/formats/format-coco/: as above, in the attributes
    "coco": {"annotations.json": json.dumps(COCO)},
    # https://captain-whu.github.io/DOTA/dataset.html: four corners clockwise
    "dota": {"a.txt": " ".join(map(str, QUARTER)) + " dog 0\n"},
    # https://docs.ultralytics.com/datasets/obb/: four corners as shares of the image
    "yolo_obb": {"a.txt": f"0 {SHARES}\n", "classes.txt": "dog\n"},
    # https://github.com/CVHub520/X-AnyLabeling, docs/en/user_guide.md: corners, and the direction in radians
    "labelme": {"a.json": json.dumps({"imagePath": "a.png", "imageWidth": 100, "imageHeight": 80, "shapes": [XANY]})},
}


@pytest.mark.parametrize("format", VENDORS)
def test_every_vendor_means_clockwise_on_the_screen(tmp_path: Path, format: str):
    (label,) = open_source(folder_of(tmp_path, VENDORS[format]), format).labels("a.png", 100, 80)
    assert label.polygons[0][0] == pytest.approx(QUARTER) and label.xyxy == pytest.approx((20, 10, 40, 50))
    assert label.attributes == {"rotation": pytest.approx(90)}


@pytest.mark.parametrize("format", ["cvat", "dota", "labelme", "yolo_obb"])
def test_a_box_that_the_edge_of_the_image_cut_has_no_angle_any_more(tmp_path: Path, format: str):
    cut = turned_box(SIDE - 30, 100, 120, 50, 30.0)
    (found,) = there_and_back(tmp_path, format, [cut])
    assert "rotation" not in (found.attributes or {}) and max(found.polygons[0][0]) <= SIDE
