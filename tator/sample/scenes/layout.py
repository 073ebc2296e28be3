"""Lay out one scene: the coast, streets and houses, and what stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tator.sample.scenes import HEIGHT, WIDTH, sprites
from tator.sample.scenes.ground import Frame, Ground
from tator.sample.scenes.sprites import Sprite

COARSE = 4  # pixels a cell of the map of what is taken


@dataclass
class Thing:
    """One object in its place.

    Attributes:
        class_name: one of scenes.CLASSES.
        sprite: as drawn, looking along +x.
        at: (2,) middle in image pixels.
        angle: of its +x axis in the image, radians.
        wake: length of the wave behind a moving boat, in pixels.
    """

    class_name: str
    sprite: Sprite
    at: NDArray[np.float64]
    angle: float
    wake: float = 0.0


@dataclass
class Layout:
    """A scene under construction.

    Attributes:
        rng: source of chance.
        ground: what is painted.
        sun: (2,) unit vector towards the light, in image pixels.
        size: scale of houses and car parks.
        stock: sprites to choose from, by class.
        things: objects placed so far.
    """

    rng: np.random.Generator
    ground: Ground
    sun: NDArray[np.float64]
    size: float
    stock: Mapping[str, Sequence[Sprite]]
    things: list[Thing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = np.zeros((HEIGHT // COARSE, WIDTH // COARSE), np.uint8)

    @property
    def frame(self) -> Frame:
        """Return the town's axes."""
        return self.ground.frame

    def any(self, class_name: str) -> Sprite:
        """Return one of the sprites of a class."""
        return self.stock[class_name][int(self.rng.integers(len(self.stock[class_name])))]

    def put(
        self,
        class_name: str,
        sprite: Sprite,
        u: float,
        v: float,
        angle: float = 0.0,
        room: float = 1.0,
        wake: float = 0.0,
    ) -> bool:
        """Place an object unless another is in the way; return whether it was placed.

        Args:
            class_name: one of scenes.CLASSES.
            sprite: what to place.
            u: along the coast.
            v: inland.
            angle: in the town, radians.
            room: the object's size is multiplied by this to see what is in its way.
            wake: length of the wave behind it, in pixels.
        """
        import cv2

        at, turned = self.frame.to_image([(u, v)])[0], self.frame.turn(angle)
        if not (-30 < at[0] < WIDTH + 30 and -30 < at[1] < HEIGHT + 30):
            return False
        half = sprite.size / 2 * room
        c, s = np.cos(turned), np.sin(turned)
        corners = (np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half) @ np.array([[c, s], [-s, c]]) + at
        want = np.zeros_like(self.taken)
        cv2.fillConvexPoly(want, np.round(corners / COARSE).astype(np.int32), 1)
        if (want & self.taken).any():
            return False
        self.taken |= want
        self.things.append(Thing(class_name, sprite, at, turned, wake))
        return True

    def building(self, u: float, v: float, angle: float = 0.0) -> bool:
        """Place a house, its roof lit as it is turned."""
        turned = self.frame.turn(angle)
        c, s = np.cos(turned), np.sin(turned)
        own = np.array([c * self.sun[0] + s * self.sun[1], -s * self.sun[0] + c * self.sun[1]])
        return self.put("building", sprites.building(self.rng, self.size, own), u, v, angle, 1.02)

    def tree(self, u: float, v: float) -> bool:
        """Place one of the grove's trees, turned so that its lit side faces the sun."""
        lit = float(np.arctan2(self.sun[1], self.sun[0]))
        return self.put("tree", self.any("tree"), u, v, (lit - self.frame.angle) * self.frame.flip, 0.72)

    def people(self, count: int, u1: float, u2: float, v1: float, v2: float) -> None:
        """Scatter people over a strip."""
        for _ in range(count):
            u, v = self.rng.uniform(u1, u2), self.rng.uniform(v1, v2)
            self.put("person", self.any("person"), u, v, self.rng.uniform(0, 2 * np.pi), 1.15)

    def trees(self, count: int, u1: float, u2: float, v1: float, v2: float) -> None:
        """Scatter trees over a rectangle."""
        for _ in range(count):
            self.tree(self.rng.uniform(u1, u2), self.rng.uniform(v1, v2))

    def traffic(self, v: float, angle: float, share: float) -> None:
        """Let cars and lorries drive along a lane."""
        u = -1000 + self.rng.uniform(0, 120)
        while u < 1000:
            if self.rng.random() < share:
                kind = "truck" if self.rng.random() < 0.22 else "car"
                self.put(kind, self.any(kind), u, v + self.rng.uniform(-1.5, 1.5), angle, 1.1)
            u += self.rng.uniform(110, 230)

    def cars_in_stalls(self, u1: float, u2: float, v1: float, v2: float, stall: float, share: float) -> None:
        """Park cars in some stalls of a car park."""
        deep = (v2 - v1) * 0.36
        for u in np.arange(u1 + stall / 2, u2, stall).tolist():
            for v, facing in ((v1 + deep * 0.5, -1), (v2 - deep * 0.5, 1)):
                if self.rng.random() < share:
                    turn = facing * np.pi / 2 * self.rng.choice((-1, 1)) + self.rng.uniform(-0.04, 0.04)
                    self.put("car", self.any("car"), u, v + self.rng.uniform(-2, 2), turn, 0.9)

    def moored(self, u: float, v1: float, v2: float, width: float, share: float) -> None:
        """Moor boats on both sides of a pier."""
        for side in (-1, 1):
            v = v1 + 26
            while v < v2 - 20:
                if self.rng.random() < share:
                    boat = self.any("boat")
                    reach = boat.size[0] / 2 + width / 2 + 5
                    angle = (
                        (0 if side > 0 else np.pi) + np.pi * (self.rng.random() < 0.3) + self.rng.uniform(-0.05, 0.05)
                    )
                    self.put("boat", boat, u + side * reach, v, angle, 1.0)
                v += 44 * self.size

    def boats_under_way(self, count: int, v1: float, v2: float) -> None:
        """Let boats cross the open water, each with its wake."""
        for _ in range(count if v2 - v1 > 40 else 0):
            angle = self.rng.choice((0, np.pi)) + self.rng.uniform(-0.5, 0.5)
            spot = self.rng.uniform(-680, 680), self.rng.uniform(v1, v2)
            boat = self.any("boat")
            self.put(
                "boat", boat, *spot, angle, 1.6, wake=float(self.rng.choice((0, 1, 1)) * self.rng.uniform(90, 170))
            )


def lay_out(
    rng: np.random.Generator, ground: Ground, sun: NDArray[np.float64], kind: str, stock: Mapping[str, Sequence[Sprite]]
) -> Layout:
    """Paint the ground of a scene and place its objects.

    Args:
        rng: source of chance.
        ground: to paint on.
        sun: (2,) unit vector towards the light.
        kind: marina, beach or town.
        stock: sprites to choose from, by class; houses are drawn for the place.
    """
    scene = Layout(rng, ground, sun, float(rng.uniform(0.98, 1.12)), stock)
    ground.grass()
    extent = abs(np.sin(ground.frame.angle)) * WIDTH / 2 + abs(np.cos(ground.frame.angle)) * HEIGHT / 2
    coast = (
        -extent
        + 2
        * extent
        * {"marina": rng.uniform(0.42, 0.56), "beach": rng.uniform(0.3, 0.46), "town": rng.uniform(0.0, 0.16)}[kind]
    )
    inland = _beach(scene, coast) if kind == "beach" else _marina(scene, coast, extent)
    _streets(scene, inland, extent)
    return scene


def _marina(scene: Layout, coast: float, extent: float) -> float:
    """Build a quay with piers and a promenade; return where the streets may begin."""
    ground, rng = scene.ground, scene.rng
    ground.water([(-1300, coast), (1300, coast)], False, float(rng.uniform(0, 1)))
    reach = min(330, coast + extent - 50)
    first, gap = rng.uniform(-650, -500), rng.uniform(290, 370)
    piers = [u for u in np.arange(first, 700, gap).tolist() if rng.random() < 0.85] if reach > 120 else []
    for u in piers:
        end = coast - reach * rng.uniform(0.75, 1.0)
        ground.pier(u, end, coast + 4, 15)
        scene.moored(u, end, coast - 16, 15, rng.uniform(0.45, 0.75))
        scene.people(1, u - 3, u + 3, end + 20, coast - 10)
    if coast + extent > 170:
        scene.boats_under_way(int(rng.integers(1, 4)), -extent + 20, coast - reach - 60 if piers else coast - 80)
    ground.quay(coast)
    ground.paving(coast + 12, coast + 72)
    ground.path([(-1200, coast + 118), (1200, coast + 118)], 5)
    for u in np.arange(-760 + rng.uniform(0, 60), 760, rng.uniform(120, 165)).tolist():
        if rng.random() < 0.7:
            scene.tree(u, coast + 100 + rng.uniform(-5, 5))
    scene.people(int(rng.integers(6, 12)), -700, 700, coast + 20, coast + 66)
    return coast + 150


def _beach(scene: Layout, coast: float) -> float:
    """Draw a bay with sand and a park behind it; return where the streets may begin."""
    ground, rng = scene.ground, scene.rng
    u = np.linspace(-1300, 1300, 160)
    bend, phase = rng.uniform(22, 52), rng.uniform(0, 6)
    line = [*zip(u, coast + bend * np.sin(u / rng.uniform(240, 330) + phase) + 9 * np.sin(u / 71))]
    ground.sand(line, coast + 104)
    ground.water(line, True, float(rng.uniform(0, 1)))
    ground.path([*zip(u, coast + 128 + 7 * np.sin(u / 120))], 18)
    scene.boats_under_way(int(rng.integers(3, 7)), coast - 330, coast - bend - 70)
    scene.people(int(rng.integers(9, 16)), -700, 700, coast + bend + 22, coast + 98)
    scene.people(int(rng.integers(2, 5)), -700, 700, coast + 122, coast + 134)
    park = coast + 240
    scene.trees(int(rng.integers(9, 15)), -700, 700, coast + 178, park - 18)
    return park + 30


def _streets(scene: Layout, inland: float, extent: float) -> None:
    """Fill the land from some distance inland on: road, plots, road, plots."""
    rng, ground = scene.rng, scene.ground
    crossing = rng.uniform(-420, 420)
    is_first = True
    while inland < extent + 60:
        lane = 42.0
        if is_first:
            ground.street(crossing - lane, crossing + lane, inland + 2 * lane + 14, extent + 300)
        ground.road(inland, inland + 2 * lane)
        scene.traffic(inland + lane * 0.52, np.pi, rng.uniform(0.45, 0.75))
        scene.traffic(inland + lane * 1.48, 0.0, rng.uniform(0.45, 0.75))
        scene.people(int(rng.integers(1, 4)), -700, 700, inland + 2 * lane + 3, inland + 2 * lane + 13)
        _plots(scene, -780, crossing - lane - 22, inland + 2 * lane + 20, 232)
        _plots(scene, crossing + lane + 22, 780, inland + 2 * lane + 20, 232)
        inland, is_first = inland + 2 * lane + 290, False


def _plots(scene: Layout, u1: float, u2: float, v: float, deep: float) -> None:
    """Fill a row of plots with houses, car parks and gardens."""
    rng = scene.rng
    while u2 - u1 > 190:
        kind = rng.choice(("house", "house", "house", "cars", "park"))
        wide = min(
            {"house": rng.uniform(258, 300), "cars": rng.uniform(200, 290), "park": rng.uniform(200, 280)}[kind],
            u2 - u1,
        )
        middle = u1 + wide / 2
        if kind == "house":
            _house(scene, middle, v, deep, wide)
        elif kind == "cars":
            stall = 33 * scene.size
            last = u1 + 14 + stall * int((wide - 28) / stall)
            scene.ground.parking(u1 + 14, last, v + 6, v + 186 * scene.size, stall)
            scene.cars_in_stalls(u1 + 14, last, v + 6, v + 186 * scene.size, stall, rng.uniform(0.4, 0.75))
            scene.people(1, u1 + 20, last, v + 80, v + 110)
        else:
            bow = [
                (u1 + wide * t, v + deep * (0.5 + 0.3 * np.sin(np.pi * t * 1.4 + v)))
                for t in np.linspace(-0.02, 1.02, 30)
            ]
            scene.ground.path(bow, 14)
            scene.trees(int(rng.integers(3, 6)), u1 + 40, u1 + wide - 40, v + 40, v + deep - 30)
            scene.people(2, u1 + 20, u1 + wide - 20, v + 50, v + deep - 30)
        u1 += wide


def _house(scene: Layout, u: float, v: float, deep: float, wide: float) -> None:
    """Build a house with its drive and garden trees."""
    rng = scene.rng
    drive = u + rng.choice((-1, 1)) * wide * 0.36
    scene.ground.paint(
        scene.ground.mask(scene.ground.strip(v - 18, v + 84, drive - 17, drive + 17)),
        scene.ground.flat((176, 168, 156), 4, 4, 5),
    )
    scene.building(
        u + rng.uniform(-8, 8), v + deep * 0.48 + rng.uniform(-8, 8), rng.choice((0, np.pi)) + rng.uniform(-0.03, 0.03)
    )
    if rng.random() < 0.5:
        scene.put("car", scene.any("car"), drive, v + 36, np.pi / 2 * rng.choice((-1, 1)), 1.0)
    scene.trees(int(rng.integers(1, 3)), u - wide * 0.44, u + wide * 0.44, v + deep * 0.86, v + deep * 0.98)
