"""Objects seen from above, drawn large: boats, cars, roofs, trees and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tator.sample.scenes import FINE

Number = float | np.floating
Points = Sequence[Sequence[Number]] | NDArray[np.float64]  # (N, 2) x, y
Color = Sequence[float] | NDArray[np.float64]  # RGB in 0..255

HULLS = ((244, 243, 238), (236, 238, 240), (32, 58, 92), (178, 46, 42), (40, 104, 112), (226, 178, 70))
DECKS = ((196, 152, 104), (214, 190, 152), (226, 220, 206))
PAINTS = (
    (206, 48, 44),
    (34, 84, 158),
    (236, 236, 234),
    (44, 46, 52),
    (168, 172, 178),
    (238, 186, 48),
    (58, 122, 84),
    (120, 30, 42),
    (82, 146, 190),
)
LOADS = ((222, 122, 40), (52, 110, 158), (190, 196, 200), (160, 44, 40), (76, 128, 82))
ROOFS = ((176, 82, 58), (150, 66, 50), (192, 106, 74), (112, 98, 92), (96, 108, 124))
FLATS = ((168, 168, 164), (150, 154, 158), (186, 178, 166))
LEAVES = ((74, 122, 52), (56, 108, 58), (96, 134, 56), (62, 96, 46), (128, 140, 62))
SHIRTS = ((226, 58, 52), (250, 196, 40), (40, 96, 190), (250, 250, 248), (232, 104, 154), (30, 150, 130), (40, 40, 48))
SKINS = ((236, 196, 164), (204, 150, 112), (128, 84, 60))
HAIRS = ((52, 36, 26), (34, 28, 26), (148, 104, 56), (206, 172, 108), (120, 116, 112))


@dataclass(frozen=True, eq=False)
class Sprite:
    """A drawn object that looks along +x.

    Attributes:
        layers: (h, w, 4) float32 RGB in 0..255 times opacity, and opacity in 0..1, at FINE times its size.
        tall: height over the ground in pixels, for its shadow.
    """

    layers: NDArray[np.float32]
    tall: float

    @property
    def size(self) -> NDArray[np.float64]:
        """Return (width, height) in pixels of the scene."""
        return np.array(self.layers.shape[1::-1]) / FINE


_ROUND = np.stack([f(np.linspace(0, 2 * np.pi, 40, endpoint=False)) for f in (np.cos, np.sin)], 1)
_CORNERS = np.concatenate(
    [  # a rounded rectangle of half size 1 and corner radius 1: where each point's arc centre lies, and the arc
        np.stack([np.full(6, sx), np.full(6, sy), np.cos(t), np.sin(t)], 1)
        for (sx, sy), t in zip(
            ((1, 1), (-1, 1), (-1, -1), (1, -1)), (np.linspace(0, np.pi / 2, 6) + q * np.pi / 2 for q in range(4))
        )
    ]
)


class Pad:
    """A transparent sheet to draw on.

    Coordinates count from its middle, in pixels of the scene.
    """

    def __init__(self, width: float, height: float) -> None:
        self.shape = int(np.ceil(height * FINE)) + 4, int(np.ceil(width * FINE)) + 4
        self.color = np.zeros((*self.shape, 3), np.float32)
        self.alpha = np.zeros(self.shape, np.float32)

    def _at(self, points: Points) -> NDArray[np.int32]:
        middle = np.array([self.shape[1] / 2, self.shape[0] / 2])
        return np.round((np.asarray(points, float) * FINE + middle) * 16).astype(np.int32)

    def poly(self, points: Points, color: Color) -> None:
        """Fill a polygon."""
        import cv2

        corners = [self._at(points)]
        cv2.fillPoly(self.color, corners, tuple(map(float, color)), shift=4)
        cv2.fillPoly(self.alpha, corners, 1.0, shift=4)

    def oval(self, x: float, y: float, rx: float, ry: float, color: Color) -> None:
        """Fill an ellipse."""
        self.poly(_ROUND * (rx, ry) + (x, y), color)

    def box(self, x1: Number, y1: Number, x2: Number, y2: Number, color: Color, round_: float = 0.0) -> None:
        """Fill a rectangle with rounded corners."""
        r = min(round_, (x2 - x1) / 2, (y2 - y1) / 2)
        half, middle = np.array([(x2 - x1) / 2 - r, (y2 - y1) / 2 - r]), ((x1 + x2) / 2, (y1 + y2) / 2)
        points = _CORNERS[:, :2] * half + _CORNERS[:, 2:] * r + middle
        self.poly(points, color)

    def line(self, points: Points, color: Color, width: float) -> None:
        """Draw a thin line over what is there."""
        import cv2

        thick = max(1, round(width * FINE))
        cv2.polylines(self.color, [self._at(points)], False, tuple(map(float, color)), thick, cv2.LINE_AA, shift=4)

    def done(self, tall: float, round_light: float = 0.0) -> Sprite:
        """Return what was drawn.

        round_light darkens towards the rim, as on a rounded body.
        """
        if round_light:
            import cv2

            rim = cv2.distanceTransform((self.alpha > 0).astype(np.uint8), cv2.DIST_L2, 3) / FINE
            self.color *= (1 - round_light * np.exp(-rim / 2.2))[..., None]
        self.color *= self.alpha[..., None]
        return Sprite(np.dstack([self.color, self.alpha]), tall)


def shade(color: Color, by: float) -> tuple[float, ...]:
    """Return a colour made lighter (by > 1) or darker."""
    return tuple(float(min(255, max(0, c * by))) for c in color)


def pick(rng: np.random.Generator, options: Sequence[Color]) -> Color:
    """Return one of the colours."""
    return options[int(rng.integers(len(options)))]


def _hull(length: float, beam: float, inset: float) -> list[tuple[float, float]]:
    """Return the outline of a boat, bow at +x, drawn in from its rim."""
    along = np.linspace(0, 1, 24)
    half = (
        (beam / 2 - inset)
        * np.minimum(1, 0.86 + 0.5 * along)
        * np.sqrt(np.clip(1 - np.clip((along - 0.42) / 0.58, 0, 1) ** 2.1, 0, 1))
    )
    x = -length / 2 + inset + along * (length - 2 * inset - inset * 0.6)
    return [*zip(x, half), *zip(x[::-1], -half[::-1])]


def boat(rng: np.random.Generator, size: float) -> Sprite:
    """Return a sailing boat, motor boat or open boat."""
    kind = int(rng.integers(3))
    length = size * rng.uniform(*((92, 128), (80, 116), (52, 66))[kind])
    beam = length * (0.27, 0.31, 0.38)[kind]
    hull, deck = pick(rng, HULLS), pick(rng, DECKS)
    pad = Pad(length, beam * 1.1)
    pad.poly(_hull(length, beam, 0), shade(hull, 0.72))
    pad.poly(_hull(length, beam, 1.2), hull)
    pad.poly(_hull(length, beam, 3.2 * size + 0.6), deck)
    for plank in np.arange(-beam / 2, beam / 2, 2.4):
        pad.line([(-length * 0.46, plank), (length * 0.3, plank)], shade(deck, 0.9), 0.35)
    (_sails, _cabin, _benches)[kind](pad, rng, length, beam, deck)
    return pad.done(7 * size, 0.12)


def _sails(pad: Pad, rng: np.random.Generator, length: float, beam: float, deck: Color) -> None:
    pad.box(-length * 0.40, -beam * 0.22, -length * 0.16, beam * 0.22, shade(deck, 0.62), 2)
    pad.box(-length * 0.12, -beam * 0.24, length * 0.22, beam * 0.24, (240, 238, 230), 4)
    for side in (-1, 1):
        pad.box(-length * 0.06, side * beam * 0.19 - 0.8, length * 0.16, side * beam * 0.19 + 0.8, (52, 62, 74), 0.8)
    cover = pick(rng, ((38, 64, 104), (238, 232, 216), (150, 42, 40)))
    pad.oval(-length * 0.13, 0, length * 0.24, 2.6, shade(cover, 0.9))
    pad.oval(-length * 0.13, -0.6, length * 0.23, 1.4, shade(cover, 1.2))
    pad.oval(length * 0.11, 0, 1.9, 1.9, (222, 222, 220))
    pad.line([(length * 0.11, 0), (length * 0.47, 0)], (214, 214, 210), 0.5)


def _cabin(pad: Pad, rng: np.random.Generator, length: float, beam: float, deck: Color) -> None:
    pad.box(-length * 0.44, -beam * 0.3, -length * 0.2, beam * 0.3, shade(deck, 0.78), 3)
    pad.box(-length * 0.18, -beam * 0.34, length * 0.24, beam * 0.34, (44, 56, 70), 6)
    pad.box(-length * 0.18, -beam * 0.3, length * 0.14, beam * 0.3, (246, 245, 240), 4)
    pad.box(-length * 0.1, -beam * 0.18, length * 0.06, beam * 0.18, (222, 224, 222), 3)
    pad.box(
        -length * 0.41,
        -beam * 0.24,
        -length * 0.34,
        beam * 0.24,
        pick(rng, ((176, 62, 52), (240, 236, 226), (54, 86, 128))),
        2,
    )
    pad.box(-length * 0.5, -2.2, -length * 0.45, 2.2, (46, 48, 54), 1)


def _benches(pad: Pad, rng: np.random.Generator, length: float, beam: float, deck: Color) -> None:
    pad.poly(_hull(length, beam, 5), shade(deck, 0.66))
    for at in (-0.3, -0.06, 0.16):
        pad.box(length * at - 2, -beam * 0.4, length * at + 2, beam * 0.4, shade(deck, 1.06), 1)
    pad.box(-length * 0.5, -2, -length * 0.4, 2, (50, 52, 58), 1)


def car(rng: np.random.Generator, size: float) -> Sprite:
    """Return a car."""
    length, width = size * rng.uniform(50, 57), size * rng.uniform(23, 25.5)
    paint, glass = pick(rng, PAINTS), (40, 50, 60)
    x, y = length / 2, width / 2
    pad = Pad(length, width + 4)
    for side in (-1, 1):
        pad.box(x * 0.2, side * (y + 0.6) - 1, x * 0.34, side * (y + 0.6) + 1, shade(paint, 0.7), 0.8)
    pad.box(-x, -y, x, y, paint, 7 * size)
    pad.box(x * 0.42, -y * 0.8, x * 0.94, y * 0.8, shade(paint, 1.1), 5 * size)
    pad.poly([(x * 0.42, -y * 0.84), (x * 0.1, -y * 0.7), (x * 0.1, y * 0.7), (x * 0.42, y * 0.84)], glass)
    pad.poly([(-x * 0.84, -y * 0.72), (-x * 0.58, -y * 0.66), (-x * 0.58, y * 0.66), (-x * 0.84, y * 0.72)], glass)
    for side in (-1, 1):
        pad.poly(
            [
                (x * 0.3, side * y * 0.94),
                (x * 0.06, side * y * 0.8),
                (-x * 0.54, side * y * 0.8),
                (-x * 0.7, side * y * 0.94),
            ],
            glass,
        )
        pad.box(x * 0.84, side * y * 0.68 - 1.8, x * 0.97, side * y * 0.68 + 1.8, (250, 246, 220), 1)
        pad.box(-x * 0.99, side * y * 0.68 - 2, -x * 0.93, side * y * 0.68 + 2, (168, 26, 26), 0.6)
    pad.box(-x * 0.56, -y * 0.68, x * 0.1, y * 0.68, shade(paint, 1.16), 3)
    pad.line([(x * 0.33, -y * 0.5), (x * 0.18, y * 0.1)], (112, 132, 146), 1.2)
    return pad.done(9 * size, 0.28)


def truck(rng: np.random.Generator, size: float) -> Sprite:
    """Return a lorry with its load behind the cab."""
    length, width = size * rng.uniform(108, 128), size * 31
    load, cab = pick(rng, LOADS), pick(rng, ((236, 236, 232), (178, 44, 40), (46, 82, 140), (242, 190, 54)))
    x, y = length / 2, width / 2
    pad = Pad(length, width + 6)
    for side in (-1, 1):
        pad.box(x * 0.78, side * (y + 1) - 1.4, x * 0.84, side * (y + 1) + 1.4, (44, 44, 48), 0.6)
    pad.box(x * 0.46, -y * 0.94, x, y * 0.94, cab, 4)
    pad.box(x * 0.88, -y * 0.84, x * 0.965, y * 0.84, (38, 48, 58), 1.5)
    pad.box(x * 0.52, -y * 0.7, x * 0.84, y * 0.7, shade(cab, 1.1), 3)
    pad.box(x * 0.4, -y * 0.5, x * 0.48, y * 0.5, (52, 52, 56))
    pad.box(-x, -y, x * 0.42, y, shade(load, 0.8))
    pad.box(-x + 1.4, -y + 1.4, x * 0.42 - 1.4, y - 1.4, load)
    for rib in np.arange(-x + 4, x * 0.4, 4.2):
        pad.line([(rib, -y + 1.5), (rib, y - 1.5)], shade(load, 0.84), 0.7)
        pad.line([(rib + 1, -y + 1.5), (rib + 1, y - 1.5)], shade(load, 1.14), 0.5)
    return pad.done(19 * size, 0.14)


def building(rng: np.random.Generator, size: float, sun: NDArray[np.float64]) -> Sprite:
    """Return a tiled or flat roof.

    Args:
        rng: source of chance.
        size: scale.
        sun: unit vector towards the light, in the building's own frame.
    """
    width, depth = size * rng.uniform(150, 236), size * rng.uniform(106, 146)
    pad = Pad(width, depth)
    (_flat_roof if rng.random() < 0.36 else _tiled_roof)(pad, rng, width / 2, depth / 2, sun)
    return pad.done(size * rng.uniform(26, 40))


def _tiled_roof(pad: Pad, rng: np.random.Generator, x: float, y: float, sun: NDArray[np.float64]) -> None:
    """Draw a hipped roof, each side as bright as it faces the sun, with rows of tiles."""
    tile = pick(rng, ROOFS)
    hip = y * rng.uniform(0.0, 0.95)
    a, b = (-x + hip, 0.0), (x - hip, 0.0)
    sides = [
        ([(-x, -y), (x, -y), b, a], (0, -1)),
        ([(-x, y), (x, y), b, a], (0, 1)),
        ([(-x, -y), (-x, y), a], (-1, 0)),
        ([(x, -y), (x, y), b], (1, 0)),
    ]
    for corners, normal in sides:
        pad.poly(corners, shade(tile, 0.98 + 0.3 * float(np.dot(normal, sun))))
    for row in np.arange(3.2, y, 3.2):
        for side in (-1, 1):
            reach = x - hip * (1 - row / y)
            pad.line([(-reach, side * row), (reach, side * row)], shade(tile, 0.8 + 0.24 * float(side * sun[1])), 0.5)
    pad.line([a, b], shade(tile, 1.34), 1.6)
    for corner, end in (((-x, -y), a), ((-x, y), a), ((x, -y), b), ((x, y), b)):
        pad.line([corner, end], shade(tile, 1.2), 1.1)
    pad.line([(-x, -y), (x, -y), (x, y), (-x, y), (-x, -y)], shade(tile, 0.62), 1.8)
    at, side = rng.uniform(-0.4, 0.4) * x, rng.choice((-1, 1))
    pad.box(at - 7, side * y * 0.42 - 6, at + 7, side * y * 0.42 + 6, shade(tile, 0.55))
    pad.box(at - 5, side * y * 0.42 - 4, at + 5, side * y * 0.42 + 4, (74, 66, 62))
    for window in range(int(rng.integers(0, 4))):
        left = -x * 0.5 + window * 26
        pad.box(left - 1, -side * y * 0.62 - 1, left + 15, -side * y * 0.62 + 11, (70, 60, 56))
        pad.box(left, -side * y * 0.62, left + 14, -side * y * 0.62 + 10, (128, 158, 178))


def _flat_roof(pad: Pad, rng: np.random.Generator, x: float, y: float, sun: NDArray[np.float64]) -> None:
    """Draw a flat roof with its parapet, plant and solar panels."""
    roof = pick(rng, FLATS)
    pad.box(-x, -y, x, y, shade(roof, 1.2))
    pad.box(-x + 4, -y + 4, x - 4, y - 4, shade(roof, 0.72))
    pad.box(-x + 4 - 3 * sun[0], -y + 4 - 3 * sun[1], x - 4 - 3 * sun[0], y - 4 - 3 * sun[1], roof)
    pad.line([(-x, -y), (x, -y), (x, y), (-x, y), (-x, -y)], shade(roof, 0.8), 1.2)
    if rng.random() < 0.7:
        for column in np.arange(-x + 20, x * 0.3, 21):
            for row in (-y * 0.55, -y * 0.55 + 25):
                pad.box(column, row, column + 18, row + 21, (36, 54, 92))
                pad.line([(column + 9, row), (column + 9, row + 21)], (86, 110, 150), 0.6)
                pad.line([(column, row + 10), (column + 18, row + 10)], (86, 110, 150), 0.6)
    for _ in range(int(rng.integers(2, 5))):
        px, py = rng.uniform(x * 0.35, x * 0.8), rng.uniform(-y * 0.7, y * 0.7)
        pad.box(px - 9 - 4 * sun[0], py - 8 - 4 * sun[1], px + 9 - 4 * sun[0], py + 8 - 4 * sun[1], shade(roof, 0.6), 1)
        pad.box(px - 9, py - 8, px + 9, py + 8, (206, 208, 206), 1)
        pad.oval(px, py, 5, 5, (120, 124, 126))
        pad.oval(px, py, 2, 2, (70, 72, 76))


def tree(rng: np.random.Generator) -> Sprite:
    """Return a canopy lit from +x: clumps of leaves, lighter towards the sun."""
    radius, sun = rng.uniform(26, 48), np.array([1.0, 0.0])
    leaf = np.array(pick(rng, LEAVES), float) * rng.uniform(0.9, 1.12)
    pad = Pad(radius * 2.3, radius * 2.3)
    for level, (reach, count, clump) in enumerate(
        ((0.72, 26, 0.34), (0.58, 30, 0.25), (0.44, 26, 0.2), (0.3, 16, 0.15))
    ):
        for _ in range(count):
            turn, far = rng.uniform(0, 2 * np.pi), radius * reach * np.sqrt(rng.uniform(0.15, 1.25))
            spot = np.array([np.cos(turn), np.sin(turn)]) * far + sun * radius * 0.1 * level
            facing = float(spot @ sun) / radius
            light = 0.62 + 0.14 * level + 0.24 * facing + rng.uniform(-0.07, 0.07)
            pad.oval(
                spot[0],
                spot[1],
                radius * clump * rng.uniform(0.7, 1.1),
                radius * clump * rng.uniform(0.7, 1.1),
                shade(leaf, light),
            )
    for _ in range(90):
        turn, far = rng.uniform(0, 2 * np.pi), radius * 0.85 * np.sqrt(rng.uniform(0, 1))
        spot = np.array([np.cos(turn), np.sin(turn)]) * far
        tone = (0.75 if rng.random() < 0.5 else 1.2) + 0.25 * float(spot @ sun) / radius
        dot = rng.uniform(0.8, 1.8)
        pad.oval(spot[0], spot[1], dot, dot, shade(leaf, tone))
    return pad.done(radius * 0.75)


def person(rng: np.random.Generator, size: float) -> Sprite:
    """Return a person: shoulders, arms, head, sometimes a bag or hat."""
    shirt, skin = pick(rng, SHIRTS), pick(rng, SKINS)
    pad = Pad(20 * size, 24 * size)
    step = rng.uniform(2, 4.4) * size
    for side in (-1, 1):
        pad.oval(side * step, side * 3 * size, 3.8 * size, 2.1 * size, (56, 58, 72))
        pad.oval(-side * step * 0.7, side * 8.2 * size, 3.6 * size, 1.9 * size, skin)
    pad.oval(0, 0, 4.6 * size, 9.2 * size, shade(shirt, 0.78))
    pad.oval(0.5, -0.3, 3.8 * size, 8.2 * size, shirt)
    if rng.random() < 0.3:
        pad.box(-6.4 * size, -4 * size, -2 * size, 4 * size, pick(rng, SHIRTS), 1.6)
    pad.oval(1.6 * size, 0, 3.9 * size, 3.7 * size, skin)
    is_hat = rng.random() < 0.2
    pad.oval(
        0.9 * size,
        0,
        (4.2 if is_hat else 3.5) * size,
        (4.2 if is_hat else 3.6) * size,
        (236, 214, 160) if is_hat else pick(rng, HAIRS),
    )
    return pad.done(15 * size, 0.1)
