"""Render a scene to pixels and boxes: ground, shadows, objects, light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tator.sample.scenes import FINE, HEIGHT, WIDTH, sprites
from tator.sample.scenes.ground import Frame, Grain, Ground
from tator.sample.scenes.layout import Layout, Thing, lay_out
from tator.types import Image

KINDS = ("marina", "beach", "town", "marina")
LIGHTS = (  # colour of the light, how dark shadows are, how long they are for an object of height 1
    ((1.03, 1.0, 0.95), 0.44, 0.75),
    ((1.1, 0.99, 0.84), 0.5, 1.25),
    ((0.97, 1.0, 1.03), 0.3, 0.5),
    ((1.0, 1.0, 1.0), 0.42, 0.6),
)
ORDER = {"person": 0, "boat": 0, "car": 0, "truck": 1, "building": 2, "tree": 3}
STOCK = 28  # sprites of a class
SEEN = 0.35  # share of an object that must lie inside the picture for its box to be a label
SOLID = 0.4  # opacity from which a pixel belongs to the object


@dataclass(frozen=True, eq=False)
class Scene:
    """A finished scene.

    Attributes:
        pixels: (HEIGHT, WIDTH, 3) uint8 RGB.
        boxes: (class name, (x1, y1, x2, y2) in pixels) of each object, exact to a third of a pixel.
    """

    pixels: Image
    boxes: list[tuple[str, tuple[float, float, float, float]]]


class Studio:
    """What all scenes share: noise to cut textures from, and a stock of sprites."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng((20_260_100, seed))
        self.grain = Grain(rng)
        kinds = {"boat": sprites.boat, "car": sprites.car, "truck": sprites.truck, "person": sprites.person}
        self.stock = {name: [draw(rng, rng.uniform(0.96, 1.12)) for _ in range(STOCK)] for name, draw in kinds.items()}
        self.stock["tree"] = [sprites.tree(rng) for _ in range(STOCK)]


def render(seed: int, studio: Studio) -> Scene:
    """Return the scene of a seed; equal seeds and studios give equal scenes."""
    rng = np.random.default_rng((20_260_101, seed))
    quarter = (0, 0, np.pi / 2, np.pi, -np.pi / 2)[int(rng.integers(5))]
    frame = Frame(float(quarter + rng.uniform(-0.2, 0.2)), int(rng.choice((-1, 1))))
    light, dark, long = LIGHTS[(seed + seed // len(KINDS)) % len(LIGHTS)]
    turn = rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(turn), np.sin(turn)])
    scene = lay_out(rng, Ground(rng, studio.grain, frame), sun, KINDS[seed % len(KINDS)], studio.stock)
    picture = scene.ground.color
    _wakes(picture, scene)
    _shadows(picture, scene, dark, long)
    scene.things.sort(key=lambda thing: ORDER[thing.class_name])
    boxes = [(thing.class_name, box) for thing in scene.things if (box := _draw(picture, thing))]
    return Scene(_develop(picture, studio.grain.cut(rng, studio.grain.dust), light), boxes)


def _outline(thing: Thing) -> NDArray[np.float64]:
    """Return (N, 2) image points around an object: an ellipse or its rectangle."""
    half = thing.sprite.size / 2 - 1
    if thing.class_name == "tree":
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * half * 0.84
    elif thing.class_name == "boat":
        points = np.array([(-1, -0.8), (0.3, -0.9), (1, 0), (0.3, 0.9), (-1, 0.8)]) * half
    else:
        points = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half * (0.96 if thing.class_name != "person" else 0.6)
    c, s = np.cos(thing.angle), np.sin(thing.angle)
    return points @ np.array([[c, s], [-s, c]]) + thing.at


def _shadows(picture: NDArray[np.float32], scene: Layout, dark: float, long: float) -> None:
    """Darken the ground where objects keep the sun off, softer the longer the shadow."""
    import cv2

    shade = np.zeros((HEIGHT, WIDTH), np.uint8)
    near = np.zeros((HEIGHT, WIDTH), np.uint8)
    for thing in scene.things:
        points = _outline(thing)
        cast = np.concatenate([points, points - scene.sun * thing.sprite.tall * long])
        hull = cv2.convexHull(np.round(cast * 16).astype(np.int32))
        cv2.fillConvexPoly(shade, hull, 255, cv2.LINE_AA, shift=4)
        cv2.fillConvexPoly(near, np.round((points - scene.sun) * 16).astype(np.int32), 255, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(shade, (0, 0), 2.4).astype(np.float32) * (dark / 255)
    contact = cv2.GaussianBlur(near, (0, 0), 4.5).astype(np.float32) * (0.22 / 255)
    gone = 1 - (1 - soft) * (1 - contact)
    picture *= 1 - cv2.merge([gone, gone * 0.97, gone * 0.88])  # a clear sky lights shadows blue


def _wakes(picture: NDArray[np.float32], scene: Layout) -> None:
    """Draw the white water behind boats under way."""
    import cv2

    foam = np.zeros((HEIGHT, WIDTH), np.uint8)
    for thing in scene.things:
        if not thing.wake:
            continue
        half = thing.sprite.size[0] / 2
        c, s = np.cos(thing.angle), np.sin(thing.angle)
        turn = np.array([[c, s], [-s, c]])
        for spread, strength in ((0.05, 120), (0.22, 66)):
            for side in (-1, 1):
                far = np.linspace(0, thing.wake, 12)
                line = np.stack([-half * 0.6 - far, side * (half * 0.22 + far * spread)], 1) @ turn + thing.at
                for a, b, fade in zip(line[:-1], line[1:], np.linspace(1, 0, 11)):
                    start, end = ([int(v) for v in np.round(p * 16)] for p in (a, b))
                    cv2.line(foam, start, end, int(strength * fade), 4, cv2.LINE_AA, shift=4)
    if foam.any():
        share = cv2.GaussianBlur(foam, (0, 0), 2.2).astype(np.float32)[..., None] / 255
        share *= np.clip(1 + 0.6 * scene.ground.rough[..., None], 0.2, 1.6)
        picture += (np.array((238, 246, 246), np.float32) - picture) * np.clip(share, 0, 1)


def _draw(picture: NDArray[np.float32], thing: Thing) -> tuple[float, float, float, float] | None:
    """Blend an object into the picture; return its box.

    None when too little of it is inside.
    """
    import cv2

    height, width = thing.sprite.layers.shape[:2]
    reach = int(np.ceil(np.hypot(height, width) / 2 / FINE)) + 2
    left, top = (int(np.floor(v)) - reach for v in thing.at)
    size = 2 * reach * FINE
    c, s = np.cos(thing.angle), np.sin(thing.angle)
    middle = (thing.at - (left, top)) * FINE
    back = middle - np.array([[c, -s], [s, c]]) @ (width / 2, height / 2)
    matrix = np.array([[c, -s, back[0]], [s, c, back[1]]])
    fine = cv2.warpAffine(thing.sprite.layers, matrix, (size, size), flags=cv2.INTER_LINEAR)
    patch = cv2.resize(fine, (2 * reach, 2 * reach), interpolation=cv2.INTER_AREA)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + 2 * reach, WIDTH), min(top + 2 * reach, HEIGHT)
    if x1 >= x2 or y1 >= y2:
        return None
    cut = patch[y1 - top : y2 - top, x1 - left : x2 - left]
    picture[y1:y2, x1:x2] = picture[y1:y2, x1:x2] * (1 - cut[..., 3:]) + cut[..., :3]
    return _box(fine[..., 3] > SOLID, left, top)


def _box(solid: NDArray[np.bool_], left: int, top: int) -> tuple[float, float, float, float] | None:
    """Return the box of an object's fine pixels, cut to the picture."""
    columns, rows = np.flatnonzero(solid.any(0)), np.flatnonzero(solid.any(1))
    x1, x2 = left + columns[0] / FINE, left + (columns[-1] + 1) / FINE
    y1, y2 = top + rows[0] / FINE, top + (rows[-1] + 1) / FINE
    cut = float(max(x1, 0.0)), float(max(y1, 0.0)), float(min(x2, WIDTH)), float(min(y2, HEIGHT))
    share = max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0) / ((x2 - x1) * (y2 - y1))
    return cut if share >= SEEN and min(cut[2] - cut[0], cut[3] - cut[1]) >= 6 else None


def _develop(picture: NDArray[np.float32], noise: NDArray[np.float32], light: tuple[float, float, float]) -> Image:
    """Return the picture as a camera has it: tinted, darker corners, fine grain."""
    import cv2

    y, x = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    falloff = (1.04 - 0.09 * (x * x + y * y)).astype(np.float32)
    out = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.45), np.float32)
    out *= cv2.merge([falloff * np.float32(part) for part in light])
    out += (noise * 3.2)[..., None]
    return np.asarray(cv2.convertScaleAbs(np.maximum(out, 0, out=out)), np.uint8)
