"""The ground of a scene: water, sand, grass, paving and roads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tator.sample.scenes import HEIGHT, WIDTH

Field = NDArray[np.float32]  # (HEIGHT, WIDTH)
Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Frame:
    """Where the town's axes lie in the image.

    u runs along the coast, v inland, both in pixels from the middle.

    Attributes:
        angle: of the u axis in radians.
        flip: -1 mirrors the town, 1 does not.
    """

    angle: float
    flip: int

    def to_image(self, points: Points) -> NDArray[np.float64]:
        """Return (N, 2) image coordinates of (N, 2) town coordinates."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        uv = np.asarray(points, float).reshape(-1, 2) * (1, self.flip)
        return uv @ np.array([[c, s], [-s, c]]) + (WIDTH / 2, HEIGHT / 2)

    def turn(self, angle: float) -> float:
        """Return an angle of the town as one of the image."""
        return self.angle + self.flip * angle


class Grain:
    """Noise to cut textures from, made once for all scenes.

    Every field is about -1..1.
    """

    MARGIN = 400

    def __init__(self, rng: np.random.Generator) -> None:
        self.soft = self._layers(rng, ((5, 8), (10, 4), (22, 2)))
        self.rough = self._layers(rng, ((40, 2), (110, 2), (300, 1.5)))
        self.wave = self._layers(rng, ((60, 2), (130, 1.6), (240, 1.2)), stretch=3.2)
        self.dust = rng.standard_normal(self.soft.shape, dtype=np.float32) * 0.5

    def _layers(self, rng: np.random.Generator, layers: Sequence[tuple[int, float]], stretch: float = 1.0) -> Field:
        """Sum smooth random fields, given as (cells across, weight)."""
        import cv2

        width, height = WIDTH + self.MARGIN, HEIGHT + self.MARGIN
        total = np.zeros((height, width), np.float32)
        for cells, weight in layers:
            rows = max(4, int(cells * height / width * stretch))
            small = rng.standard_normal((rows, max(4, cells)), dtype=np.float32)
            total += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return total / (np.std(total) * 2)

    def cut(self, rng: np.random.Generator, field: Field) -> Field:
        """Return a scene-sized piece of a field, from a random place, perhaps mirrored."""
        x, y = rng.integers(0, self.MARGIN, 2)
        piece = field[y : y + HEIGHT, x : x + WIDTH]
        return piece[:, ::-1] if rng.random() < 0.5 else piece


class Ground:
    """The picture while its ground is painted.

    Attributes:
        color: (HEIGHT, WIDTH, 3) float32 RGB in 0..255.
    """

    def __init__(self, rng: np.random.Generator, grain: Grain, frame: Frame) -> None:
        self.rng, self.grain, self.frame = rng, grain, frame
        self.soft, self.rough, self.dust = (grain.cut(rng, field) for field in (grain.soft, grain.rough, grain.dust))
        self.color = np.zeros((HEIGHT, WIDTH, 3), np.float32)

    def mask(self, points: Points) -> NDArray[np.uint8]:
        """Return a polygon of the town as (HEIGHT, WIDTH) uint8 coverage."""
        import cv2

        covered = np.zeros((HEIGHT, WIDTH), np.uint8)
        corners = np.round(self.frame.to_image(points) * 16).astype(np.int32)
        cv2.fillPoly(covered, [corners], 255, cv2.LINE_AA, shift=4)
        return covered

    def paint(self, covered: NDArray[np.uint8], texture: Callable[[slice, slice], NDArray[np.float32]]) -> None:
        """Lay a texture over the covered pixels.

        It is asked only for the rows and columns in question.
        """
        import cv2

        x, y, w, h = cv2.boundingRect(covered)
        if not w:
            return
        rows, columns = slice(y, y + h), slice(x, x + w)
        share = covered[rows, columns, None].astype(np.float32) / 255
        self.color[rows, columns] += (texture(rows, columns) - self.color[rows, columns]) * share

    def flat(self, color: Sequence[float], soft: float, rough: float, dust: float) -> Callable[[slice, slice], Field]:
        """Return a texture: a colour with noise of three grains, in units of brightness."""

        def texture(rows: slice, columns: slice) -> Field:
            noise = (
                soft * self.soft[rows, columns] + rough * self.rough[rows, columns] + dust * self.dust[rows, columns]
            )
            return np.asarray(color, np.float32) + noise[..., None]

        return texture

    def grass(self) -> None:
        """Cover everything with meadow: patches of green and straw, and a fine grain."""
        import cv2

        straw = np.clip(self.soft * 0.5 + 0.28, 0, 1) * np.float32(0.62)
        grain = 7 * self.rough + 8 * self.dust
        bands = [green + (dry - green) * straw + grain for green, dry in ((104, 156), (142, 158), (70, 92))]
        self.color = np.asarray(cv2.merge(bands), np.float32)

    def strip(self, v1: float, v2: float, u1: float = -1200, u2: float = 1200) -> list[tuple[float, float]]:
        """Return the rectangle between two distances from the coast."""
        return [(u1, v1), (u2, v1), (u2, v2), (u1, v2)]

    def lines(self, pairs: Sequence[Points], color: Sequence[float], width: float, strength: float = 1.0) -> None:
        """Draw straight lines of the town; width in pixels."""
        import cv2

        covered = np.zeros((HEIGHT, WIDTH), np.uint8)
        for pair in pairs:
            a, b = np.round(self.frame.to_image(pair) * 16).astype(np.int32)
            cv2.line(
                covered,
                tuple(map(int, a)),
                tuple(map(int, b)),
                int(255 * strength),
                max(1, round(width)),
                cv2.LINE_AA,
                shift=4,
            )
        self.paint(covered, lambda rows, columns: np.asarray(color, np.float32) + 5 * self.rough[rows, columns, None])

    def water(self, coast: Points, is_beach: bool, tint: float) -> None:
        """Fill the sea beyond a coast line: shallows, waves, glints and foam.

        Args:
            coast: line of the town from end to end.
            is_beach: the bottom falls off slowly, and there is foam.
            tint: 0 blue, 1 green.
        """
        import cv2

        covered = self.mask([*coast, (1300, -1300), (-1300, -1300)])
        small = cv2.resize((covered > 127).astype(np.uint8), (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_NEAREST)
        shore = cv2.resize(
            cv2.distanceTransform(small, cv2.DIST_L2, 5) * 4, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR
        )
        waves = self.grain.cut(self.rng, self.grain.wave)
        shallow = np.array((126, 196, 190) if is_beach else (62, 132, 142), np.float32)
        deep = np.array((24, 84 + 16 * tint, 124 - 22 * tint), np.float32)

        def texture(rows: slice, columns: slice) -> Field:
            far, wave, soft = shore[rows, columns], waves[rows, columns], self.soft[rows, columns]
            depth = 1 - cv2.exp(-np.maximum(far + 14 * soft, 0) / np.float32(110 if is_beach else 210))
            light = 6 * soft + 5.5 * wave + 1.5 * self.dust[rows, columns] + np.clip(wave - 0.82, 0, 1) * 70
            color = cv2.merge([shallow[n] + (deep[n] - shallow[n]) * depth + light for n in range(3)])
            for shift, strength in ((5.0, 0.85), (26.0, 0.3)) if is_beach else ():
                foam = cv2.exp(-np.square((far - shift - 7 * self.rough[rows, columns] - 4 * wave) / 4.5)) * np.float32(
                    strength
                )
                color += (np.float32(246) - color) * foam[..., None]
            return color

        self.paint(covered, texture)

    def sand(self, coast: Points, inner: float) -> None:
        """Lay a beach between a coast line and a distance inland, darker at the water."""
        outer = [(u, v - 30) for u, v in coast]
        self.paint(self.mask([*outer, (1200, inner), (-1200, inner)]), self.flat((232, 212, 170), 7, 4, 6))
        wet = [*outer, *[(u, v + 13 + 3 * math.sin(u / 37)) for u, v in reversed(coast)]]
        self.paint(self.mask(wet), self.flat((196, 174, 134), 5, 3, 4))

    def quay(self, v: float) -> None:
        """Build a straight wall of stone blocks along the water, with a shade below it."""
        self.paint(self.mask(self.strip(v - 7, v)), self.flat((40, 62, 68), 2, 2, 2))
        self.paint(self.mask(self.strip(v - 1, v + 12)), self.flat((186, 180, 168), 4, 5, 4))
        self.lines([((u, v), (u, v + 12)) for u in np.arange(-1200, 1200, 22).tolist()], (146, 140, 130), 1)
        self.lines([((-1200, v + 12), (1200, v + 12))], (140, 134, 124), 1)

    def paving(self, v1: float, v2: float, color: Sequence[float] = (206, 194, 176)) -> None:
        """Pave a strip with slabs."""
        self.paint(self.mask(self.strip(v1, v2)), self.flat(color, 5, 4, 4))
        joints = [((-1200, v), (1200, v)) for v in np.arange(v1, v2 + 1, 12).tolist()]
        joints += [((u, v1), (u, v2)) for u in np.arange(-1200, 1200, 18).tolist()]
        self.lines(joints, [c * 0.9 for c in color], 1, 0.55)

    def road(self, v1: float, v2: float) -> None:
        """Lay a two-lane road along the coast with kerbs, edge lines and a dashed middle."""
        self.paint(self.mask(self.strip(v1 - 15, v2 + 15)), self.flat((188, 184, 176), 4, 3, 4))
        self.paint(self.mask(self.strip(v1 - 2, v2 + 2)), self.flat((214, 210, 202), 2, 2, 3))
        self.paint(self.mask(self.strip(v1, v2)), self.flat((92, 94, 98), 4, 3, 5))
        white, middle = (232, 230, 220), (v1 + v2) / 2
        self.lines([((-1200, v), (1200, v)) for v in (v1 + 4, v2 - 4)], white, 1.4, 0.75)
        self.lines([((u, middle), (u + 26, middle)) for u in np.arange(-1200, 1200, 54).tolist()], white, 2, 0.9)

    def street(self, u1: float, u2: float, v1: float, v2: float) -> None:
        """Lay a road away from the coast, with a zebra crossing at its mouth."""
        self.paint(self.mask(self.strip(v1, v2, u1 - 15, u2 + 15)), self.flat((188, 184, 176), 4, 3, 4))
        self.paint(self.mask(self.strip(v1 - 16, v2, u1, u2)), self.flat((92, 94, 98), 4, 3, 5))
        white, middle = (232, 230, 220), (u1 + u2) / 2
        self.lines([((middle, v), (middle, v + 26)) for v in np.arange(v1 + 46, v2, 54).tolist()], white, 2, 0.9)
        self.lines([((u, v1 + 4), (u, v1 + 26)) for u in np.arange(u1 + 8, u2 - 3, 12).tolist()], white, 6, 0.9)

    def parking(self, u1: float, u2: float, v1: float, v2: float, stall: float) -> None:
        """Lay a car park: stalls of one width along both long sides."""
        self.paint(self.mask(self.strip(v1, v2, u1, u2)), self.flat((112, 112, 114), 5, 3, 5))
        deep = (v2 - v1) * 0.36
        marks = [
            ((u, v), (u, v + d)) for u in np.arange(u1, u2 + 1, stall).tolist() for v, d in ((v1, deep), (v2, -deep))
        ]
        self.lines(marks, (230, 230, 224), 1.6, 0.85)

    def pier(self, u: float, v1: float, v2: float, width: float) -> None:
        """Build a wooden pier into the water, with planks and posts."""
        self.paint(
            self.mask(self.strip(v1 + 4, v2, u - width / 2 + 5, u + width / 2 + 7)), self.flat((22, 56, 72), 2, 2, 2)
        )
        self.paint(self.mask(self.strip(v1, v2, u - width / 2, u + width / 2)), self.flat((170, 138, 102), 4, 7, 7))
        planks = [((u - width / 2, v), (u + width / 2, v)) for v in np.arange(v1, v2, 5).tolist()]
        self.lines(planks, (126, 98, 70), 1, 0.7)
        sides = [((u + side * width / 2, v1), (u + side * width / 2, v2)) for side in (-1, 1)]
        self.lines(sides, (110, 84, 60), 1.5, 0.8)

    def path(self, points: Points, width: float) -> None:
        """Wind a gravel path along some points."""
        import cv2

        covered = np.zeros((HEIGHT, WIDTH), np.uint8)
        for grow, color in ((3, (150, 146, 104)), (0, (216, 200, 164))):
            covered[:] = 0
            line = np.round(self.frame.to_image(points) * 16).astype(np.int32)
            cv2.polylines(covered, [line], False, 255, round(width) + grow, cv2.LINE_AA, shift=4)
            self.paint(covered, self.flat(color, 4, 4, 6))
