"""A click of GrabCut finds the object under it, or says that it cannot: never the picture, never nothing that is shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tator.models.grabcut import GrabCut
from tator.protocols import Prompt
from tator.types import Detections
from tator.vision.boxes import area
from tator.vision.matching import iou

MODEL = GrabCut(None, "cpu")


def as_jpeg(pixels: np.ndarray, quality: int = 85) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def click(pixels: np.ndarray, *at: tuple[float, float]) -> Detections:
    points = np.array(at, np.float32)
    return MODEL.segment(MODEL.embed(pixels), Prompt(points, np.ones(len(points), bool)))


def scene(size: tuple[int, int], box: tuple[int, int, int, int], noise: int = 6) -> np.ndarray:
    """Return a grey-green ground with one red object."""
    rng = np.random.default_rng(sum(box))
    pixels = np.full((size[1], size[0], 3), (96, 120, 100), np.int16)
    x1, y1, x2, y2 = box
    pixels[y1:y2, x1:x2] = (190, 60, 50)
    return np.clip(pixels + rng.integers(-noise, noise + 1, pixels.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [60, 75, 95])
@pytest.mark.parametrize("box", [(100, 80, 120, 96), (60, 60, 130, 100), (0, 0, 40, 30), (260, 200, 300, 240)])
def test_one_point_on_a_jpeg_gives_its_object_or_none(box: tuple, quality: int):
    found = click(as_jpeg(scene((320, 260), box), quality), ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    assert len(found) == 1 or quality < 95 or 0 in box or box[2] == 300
    if len(found):
        assert iou(found.xyxy, np.array([box], np.float32))[0, 0] > 0.6
        assert found.mask is not None and found.mask[0].data.any()


@pytest.mark.parametrize("kind", ["plain", "noise", "gradient"])
def test_where_nothing_stands_out_it_says_so(kind: str):
    rng = np.random.default_rng(1)
    across = np.linspace(60, 180, 300)[None, :, None].repeat(240, 0).repeat(3, 2)
    pixels = {"plain": np.full((240, 300, 3), 120), "noise": rng.integers(0, 255, (240, 300, 3)), "gradient": across}
    found = click(as_jpeg(pixels[kind].astype(np.uint8)), (150, 120))
    assert not len(found) or area(found.xyxy)[0] < 0.02 * 240 * 300, "no full picture for a click into nothing"


def test_clicks_on_a_drawn_scene_are_objects_or_nothing():
    from tator.sample.scenes.render import Studio, render

    drawn = render(1, Studio())
    pixels, hits, found = as_jpeg(drawn.pixels, 88), 0, 0
    chosen = [box for name, box in drawn.boxes if name == "boat"][:5]
    for box in chosen:
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        answer = click(pixels, middle)
        found += len(answer)
        if len(answer):
            assert area(answer.xyxy)[0] < 0.1 * pixels.shape[0] * pixels.shape[1]
            hits += iou(answer.xyxy, np.array([box], np.float32))[0, 0] > 0.4
    assert hits >= 0.8 * found and found >= 3
