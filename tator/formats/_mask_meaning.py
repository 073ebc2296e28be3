"""What the pixels of a group of masks mean.

It is judged by a list of classes and by the values that occur.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tator.formats._mask_lists import ClassList, Named

NOTHING = re.compile(
    r"[ _-]*(back[ _-]?ground|bg|void|ignored?|unlabell?ed|none|nothing|ego[ _-]?vehicle|rectification[ _-]?border|"
    r"out[ _-]?of[ _-]?roi)[ _-]*([ _-](class|label|region|area))?",
    re.I,
)  # classes that are no objects
VOIDS = (255, 65535)  # values that stand for no class where no list has them
BLACK, BORDER, WHITE = 0x000000, 0xE0E0C0, 0xFFFFFF  # colours that do; BORDER is that of PASCAL VOC
NOTHINGS = frozenset((0, *VOIDS, BORDER, WHITE))  # values and colours that are seldom an object
VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()
CITYSCAPES = (  # by label id from 0
    "unlabeled,ego vehicle,rectification border,out of roi,static,dynamic,ground,road,sidewalk,parking,rail track,building,"
    "wall,fence,guard rail,bridge,tunnel,pole,polegroup,traffic light,traffic sign,vegetation,terrain,sky,person,rider,car,"
    "truck,bus,caravan,trailer,train,motorcycle,bicycle"
).split(",")
TRAINED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)  # Cityscapes' ids by train id


@dataclass(frozen=True)
class Meaning:
    """What the pixels of a group of masks mean.

    Attributes:
        path: of the list that says so, or what it is called.
        names: {value or 0xRRGGBB: class name, "" for what is no object}.
        by_colour: whether pixels are told by their colours.
        order: class names as the list has them.
        told: what was judged and not said by the list; "" for nothing.
    """

    path: str
    names: Mapping[int, str]
    by_colour: bool
    order: tuple[str, ...]
    told: str = field(default="", compare=False)


def voc_colour(number: int) -> int:
    """Return the colour that PASCAL VOC gives a number, as 0xRRGGBB.

    Source: VOCcode/VOClabelcolormap.m of the development kit.
    """
    channels = [0, 0, 0]
    for bit in range(8):
        for at in range(3):
            channels[at] |= (number >> (3 * bit + at) & 1) << (7 - bit)
    return channels[0] << 16 | channels[1] << 8 | channels[2]


def voc_list() -> ClassList:
    """Return the classes of PASCAL VOC, which its masks have without a list."""
    rows = (Named(name, at, voc_colour(at)) for at, name in enumerate(VOC))
    return ClassList("the classes of PASCAL VOC", tuple(rows), True)


def cityscapes_list(is_trained: bool) -> ClassList:
    """Return the classes of Cityscapes.

    Args:
        is_trained: by train ids, else by label ids.
    """
    names = [CITYSCAPES[at] for at in TRAINED] if is_trained else CITYSCAPES
    rows = tuple(Named(name, at) for at, name in enumerate(names))
    return ClassList("the classes of Cityscapes", rows, True)


def judged(listed: ClassList, values: Collection[int], colours: Collection[int]) -> Meaning | None:
    """Return what masks mean by a list, None where it does not fit them.

    Args:
        listed: the list.
        values: that occur in some masks; none where masks have colours only.
        colours: that occur, as 0xRRGGBB; none where masks have values only.
    """
    by_value = _fitting(_of_values(listed, values), values)
    by_colour = _fitting(_of_colours(listed, colours if not values else ()), colours)
    if by_colour is None or by_value is None:
        return by_colour or by_value
    shares = [sum(code in found.names for code in codes) for found, codes in ((by_colour, colours), (by_value, values))]
    is_whole = shares[0] == len(colours)  # a palette may be in another order than the list
    return by_colour if is_whole or shares[0] > shares[1] else by_value


def meant(listed: ClassList, codes: Collection[int], by_colour: bool) -> Meaning | None:
    """Return what masks without an object mean by a list, None where it lacks one.

    Args:
        listed: the list.
        codes: values or colours that occur, none of which is an object.
        by_colour: whether they are colours.
    """
    found = _of_colours(listed, codes) if by_colour else _of_values(listed, codes)
    return found if found and found.names.keys() >= set(codes) else None


def _fitting(found: Meaning | None, codes: Collection[int]) -> Meaning | None:
    """Return a meaning where most of what occurs is listed and an object is among it."""
    if found is None:
        return None
    named = [code for code in codes if code and found.names.get(code)]  # 0 or black alone is no evidence
    unknown = [code for code in codes if code not in found.names]
    return found if named and len(named) >= len(unknown) else None


def _of_colours(listed: ClassList, met: Collection[int]) -> Meaning | None:
    """Return the meaning of a list's colours.

    A list without any means those that VOC gives its values, where nothing else is met.
    """
    colours = {row.colour: _object_name(row.name) for row in reversed(listed.rows) if row.colour is not None}
    if not colours:
        colours = {voc_colour(row.value): _object_name(row.name) for row in reversed(listed.rows) if row.value >= 0}
        if not met or set(met) - {BLACK, BORDER, *colours}:
            return None
    return Meaning(listed.path, {BLACK: "", BORDER: "", WHITE: "", **colours}, True, _order(listed.rows))


def _of_values(listed: ClassList, values: Collection[int]) -> Meaning | None:
    rows = listed.rows
    names = {row.value: _object_name(row.name) for row in reversed(rows) if row.value >= 0}
    objects = _order(rows)
    told = ""
    if set(values) <= {0, 255} and 255 in values and 255 not in names and len(objects) == 1:
        names, told = {0: "", 255: objects[0]}, f"value 255 is read as {objects[0]!r}"
    elif not listed.is_numbered and len(objects) == len(rows):  # the list has no background
        if len(rows) in values:
            names = {0: ""} | {row.value + 1: row.name for row in rows}
            told = f"values count from 1: 1 is {rows[0].name!r}, 0 is the background"
        elif 0 in values:
            told = f"value 0 is read as {rows[0].name!r}; where it is the background, list that first"
    return Meaning(listed.path, {**dict.fromkeys(VOIDS, ""), 0: "", **names}, False, objects, told)


def is_nothing(name: str) -> bool:
    """Return whether a class is called like the background, or like what is ignored."""
    return NOTHING.fullmatch(name) is not None or name == "_"


def _object_name(name: str) -> str:
    """Return the name of a class of objects, "" for the background and the like."""
    return "" if is_nothing(name) else name


def _order(rows: Sequence[Named]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.name for row in rows if _object_name(row.name)))
