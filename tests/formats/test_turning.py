"""Labels made on the stored pixels of an image that EXIF turns land where the object is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from tator.formats import Label
from tator.formats._turning import turned_labels
from tator.formats.table import open_source
from tator.formats.tree import Tree
from tator.vision.masks import of_dense, of_rle, to_dense, to_rle
from tests.folders import coco as coco_text
from tests.folders import text

STORED = (64, 40)
OBJECT = (50, 6, 60, 14)  # x1 y1 x2 y2 of a bright patch in the stored frame


def photograph(path: Path, orientation: int) -> np.ndarray:
    """Write an image whose stored pixels have a bright patch; return the upright one."""
    pixels = np.zeros((STORED[1], STORED[0], 3), np.uint8)
    x1, y1, x2, y2 = OBJECT
    pixels[y1:y2, x1:x2] = 255
    picture = PIL.Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, exif=exif)
    with PIL.Image.open(path) as saved:
        return np.asarray(PIL.ImageOps.exif_transpose(saved))


def bright(upright: np.ndarray) -> tuple[float, ...]:
    rows, columns = np.nonzero(upright[..., 0] > 128)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_every_kind_of_shape_is_turned_with_the_image(tmp_path: Path, orientation: int):
    upright = photograph(tmp_path / "a.png", orientation)
    x1, y1, x2, y2 = map(float, OBJECT)
    dense = np.zeros(STORED[::-1], bool)
    dense[OBJECT[1] : OBJECT[3], OBJECT[0] : OBJECT[2]] = True
    ring = [x1, y1, x2, y1, x2, y2, x1, y2]
    label = Label(
        0, (x1, y1, x2, y2), [[ring]], to_rle(of_dense(dense), *STORED), None, {"keypoints": [[x1, y1, 2], [0, 0, 0]]}
    )
    [turned] = turned_labels([label], orientation, STORED)
    assert turned.xyxy == bright(upright)
    xs, ys = turned.polygons[0][0][0::2], turned.polygons[0][0][1::2]
    assert (min(xs), min(ys), max(xs), max(ys)) == bright(upright)
    assert np.array_equal(to_dense(of_rle(turned.rle), *STORED[::-1]), upright[..., 0] > 128)
    x, y, v = turned.attributes["keypoints"][0]
    assert v == 2 and x in (turned.xyxy[0], turned.xyxy[2]) and y in (turned.xyxy[1], turned.xyxy[3])
    assert turned.attributes["keypoints"][1] == [0, 0, 0]


def voc(size: tuple[int, int]) -> str:
    x1, y1, x2, y2 = OBJECT
    box = f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
    head = f"<filename>a.png</filename><size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation>{head}<object><name>dog</name><bndbox>{box}</bndbox></object></annotation>"


def labelme(size: tuple[int, int]) -> str:
    x1, y1, x2, y2 = OBJECT
    shape = {"label": "dog", "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle"}
    return json.dumps({"shapes": [shape], "imagePath": "a.png", "imageWidth": size[0], "imageHeight": size[1]})


def coco(size: tuple[int, int]) -> str:
    return coco_text(["a.png"], [{"bbox": [OBJECT[0], OBJECT[1], 10, 8]}], size=size)


@pytest.mark.parametrize(("ending", "write"), [("xml", voc), ("json", labelme), ("json", coco)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_file_that_states_the_stored_size_is_turned_and_told(tmp_path: Path, ending: str, write, orientation: int):
    upright = photograph(tmp_path / "a.png", orientation)
    text(tmp_path / f"a.{ending}", write(STORED))
    source = open_source(Tree.of(tmp_path))
    [label] = source.labels("a.png", upright.shape[1], upright.shape[0])
    counts = source.report.as_json()["counts"]
    if orientation >= 5:
        assert np.allclose(label.xyxy, bright(upright), atol=1.01)  # VOC counts pixels from 1
        assert counts["repaired"] == {"labels turned with the image": 1}
    else:
        assert np.allclose(label.xyxy, OBJECT, atol=1.01) and not counts["repaired"]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("states", ["image", "mask", "text"])
def test_everything_of_a_coco_object_is_turned(tmp_path: Path, orientation: int, states: str):
    upright = photograph(tmp_path / "a.png", orientation)
    x1, y1, x2, y2 = OBJECT
    dense = np.zeros(STORED[::-1], bool)
    dense[y1:y2, x1:x2] = True
    box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "keypoints": [x1, y1, 2, x2, y2, 1]}
    rows = [
        box | {"segmentation": to_rle(of_dense(dense), *STORED)},
        box | {"segmentation": [[x1, y1, x2, y1, x2, y2]]},
    ]
    content = json.loads(coco_text(["a.png"], rows, size=STORED))
    for side in ("width", "height"):
        content["images"][0][side] = {"image": content["images"][0][side], "mask": None}.get(
            states, str(content["images"][0][side])
        )
    text(tmp_path / "a.json", json.dumps(content))
    source = open_source(Tree.of(tmp_path))
    mask, outline = source.labels("a.png", upright.shape[1], upright.shape[0])
    assert mask.xyxy == outline.xyxy == bright(upright)
    assert np.array_equal(to_dense(of_rle(mask.rle), *STORED[::-1]), upright[..., 0] > 128)
    ring = outline.polygons[0][0]
    assert (min(ring[0::2]), min(ring[1::2]), max(ring[0::2]), max(ring[1::2])) == bright(upright)
    (ax, ay, _), (bx, by, _) = outline.attributes["keypoints"]
    assert (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)) == bright(upright)
    assert source.report.as_json()["counts"]["repaired"] == {"labels turned with the image": 1}


def test_a_file_made_on_the_upright_image_is_left_as_it_is(tmp_path: Path):
    upright = photograph(tmp_path / "a.png", 6)
    size = upright.shape[1], upright.shape[0]
    text(tmp_path / "a.json", labelme(size).replace("[[50, 6], [60, 14]]", "[[4, 5], [30, 50]]"))
    source = open_source(Tree.of(tmp_path))
    assert source.labels("a.png", *size)[0].xyxy == (4, 5, 30, 50) and not source.report.counts["repaired"]


def test_a_swapped_size_of_an_image_that_is_not_turned_is_only_noted(tmp_path: Path):
    photograph(tmp_path / "a.png", 1)
    text(tmp_path / "a.json", labelme(STORED[::-1]).replace("[[50, 6], [60, 14]]", "[[4, 5], [30, 30]]"))
    source = open_source(Tree.of(tmp_path))
    assert source.labels("a.png", *STORED)[0].xyxy == (4, 5, 30, 30)
    assert source.report.as_json()["counts"]["noticed"] == {"image size differs": 1}
