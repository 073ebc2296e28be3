"""Pictures of single objects: cut from the upright image, kept in a cache, and only of annotations that exist."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.requests import Request

from tator.editing.candidates import replace_candidates
from tator.storage.crops import CROPS, crop
from tator.types import BadInput, Detections, NotFound
from tator.web.media import crop_of
from tests.folders import make, yolo_folder

RED, GREY = (250, 10, 10), (90, 90, 90)


def picture(path: Path, size: tuple[int, int] = (400, 300), box: tuple = (100, 60, 180, 120), **facts) -> Path:
    """Write a grey picture with a red box."""
    drawn = Image.new("RGB", size, GREY)
    drawn.paste(RED, box)
    drawn.save(path, **facts)
    return path


def is_red(pixel: tuple[int, ...]) -> bool:
    return pixel[0] > 150 and pixel[1] < 90


def request(key: str, query: bytes = b"v=1") -> Request:
    return Request({"type": "http", "headers": [], "query_string": query, "path_params": {"annotation_id": key}})


def test_a_crop_shows_a_box_its_surroundings_and_its_outline(tmp_path):
    path = picture(tmp_path / "a.png")
    with Image.open(crop(path, tmp_path / "cache", (100, 60, 180, 120))) as shown:
        assert shown.size == (112, 92), "a fifth of the longer side on each side"
        assert is_red(shown.getpixel((56, 46))) and not is_red(shown.getpixel((5, 5)))
        assert min(shown.getpixel((15, 46))) > 150, "the outline runs around the box"
    with Image.open(crop(path, tmp_path / "cache", (100, 60, 180, 120), size=56)) as small:
        assert small.size == (56, 46) and is_red(small.getpixel((28, 23)))


@pytest.mark.parametrize(
    "box, size",
    [
        ((0, 0, 400, 300), (192, 144)),
        ((-50, -50, 40, 40), (58, 58)),
        ((395, 290, 400, 300), (13, 18)),
        ((10, 10, 10.5, 11), (16, 17)),
    ],
)
def test_boxes_at_the_edge_beyond_it_and_tiny_ones_have_a_crop(tmp_path, box, size):
    with Image.open(crop(picture(tmp_path / "a.png"), tmp_path / "cache", box)) as shown:
        assert shown.size == size


def test_a_turned_photo_is_cut_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise: stored (x, y) is shown at (height - y, x)
    path = picture(tmp_path / "a.jpg", exif=exif, quality=95)
    with Image.open(crop(path, tmp_path / "cache", (180, 100, 240, 180))) as shown:
        assert shown.size == (92, 112) and is_red(shown.getpixel((46, 56))) and not is_red(shown.getpixel((4, 4)))


@pytest.mark.parametrize("box", [(400, 0, 500, 50), (-20, -20, -5, -5), (10, 310, 20, 330)])
def test_a_box_outside_the_image_is_refused_and_not_cached(tmp_path, box):
    path = picture(tmp_path / "a.png")
    with pytest.raises(BadInput, match="outside its 400 x 300"):
        crop(path, tmp_path / "cache", box)
    assert not [each for each in (tmp_path / "cache").rglob("*") if each.is_file()]


def test_the_route_answers_an_annotation_and_keeps_the_picture(wb, tmp_path):
    pets = make(wb, yolo_folder(tmp_path / "pets", {"a.png": None}, ["cat"]), "pets")
    (row,) = pets.images()
    picture(pets.path(row), (64, 48), (16, 12, 48, 36))
    replace_candidates(pets, {row.id: Detections.of([[16, 12, 48, 36]], [0.5], [0])}, "blobs", "run")
    (key,) = [each["id"] for each in pets.annotation_rows([row.id], "candidate")[row.id]]
    got = crop_of(wb, request(key))
    assert got.headers["content-type"] == "image/jpeg" and "immutable" in got.headers["cache-control"]
    (kept,) = [each for each in CROPS.folder(wb.workspace).rglob("*.jpg")]
    with Image.open(io.BytesIO(kept.read_bytes())) as shown:
        assert is_red(shown.getpixel((shown.width // 2, shown.height // 2)))
    for odd in ("nothing", "../../etc/passwd", "x" * 500):
        with pytest.raises(NotFound, match="no annotation"):
            crop_of(wb, request(odd))
    pets.path(row).unlink()
    with pytest.raises(NotFound, match="is missing"):
        crop_of(wb, request(key))
