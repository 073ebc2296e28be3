"""Which four numbers a file means by a box, judged by all of its boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SLACK = 1.5  # pixels that boxes may leave their image by: tools round
EVEN = 0.02  # share by which an area may differ from the box's
MOST = 0.95  # of the boxes must fit a form for it to be the one
Four = tuple[float, float, float, float]
FORMS = {
    "xywh": "x, y, width, height",
    "xyxy": "x1, y1, x2, y2",
    "cxcywh": "centre x, centre y, width, height",
}


@dataclass(frozen=True)
class Seen:
    """A box as a file has it, and what is known beside it.

    Attributes:
        values: its four numbers.
        size: width and height of the image in pixels, zeros where unknown.
        area: as the file has it, None for none.
    """

    values: Four
    size: tuple[float, float] = (0, 0)
    area: float | None = None


@dataclass(frozen=True)
class BoxForm:
    """What the four numbers of a box are.

    Attributes:
        name: a key of FORMS.
        is_share: whether they are shares of the image's sides.
        reason: why it is that one, "" for the usual one.
    """

    name: str = "xywh"
    is_share: bool = False
    reason: str = ""

    def corners(self, values: Sequence[float], width: int, height: int) -> Four:
        """Return x1, y1, x2, y2 in pixels of an image of this size."""
        across, down = (width, height) if self.is_share else (1, 1)
        x1, y1, x2, y2 = _corners(self.name, (values[0], values[1], values[2], values[3]))
        return x1 * across, y1 * down, x2 * across, y2 * down


def form_of(boxes: Sequence[Seen], said: str = "", is_pixels: bool = False) -> BoxForm:
    """Return what the numbers of boxes are; x, y, width, height where unclear.

    Args:
        boxes: all of them.
        said: form that a file states, a key of FORMS; it is believed where the boxes allow it.
        is_pixels: whether a file states that they are in pixels.
    """
    good = [box for box in boxes if all(map(math.isfinite, box.values))]
    values = [value for box in good for value in box.values]
    if not values:
        return BoxForm()
    is_share = (
        not is_pixels and all(0 <= value <= 1 for value in values) and any(value != int(value) for value in values)
    )
    fitting = {name: _fit(name, good, is_share) for name in FORMS}
    measured = {name: _areas(name, good) for name in FORMS if name != "cxcywh"}  # centre or corner, the area is one
    if not said and any(box.area is not None for box in good) and measured["xyxy"] >= MOST > measured["xywh"]:
        return BoxForm("xyxy", is_share, "the areas in the file are those of such boxes")
    usual = said or ("cxcywh" if is_share else "xywh")
    order = sorted(FORMS, key=lambda name: (-min(fitting[name], MOST), name != usual, name != "xywh"))
    told = f"{fitting[order[0]]:.0%} of the boxes lie inside their images so, {fitting['xywh']:.0%} as {FORMS['xywh']}"
    return BoxForm(order[0], is_share, told if is_share or order[0] != usual or said not in ("", "xywh") else "")


def _corners(form: str, values: Four) -> Four:
    a, b, c, d = values
    if form == "xyxy":
        return values
    return (a, b, a + c, b + d) if form == "xywh" else (a - c / 2, b - d / 2, a + c / 2, b + d / 2)


def _fit(form: str, boxes: Sequence[Seen], is_share: bool) -> float:
    """Return which share of the boxes lie in their image, if they are of a form."""
    fits = 0
    for box in boxes:
        x1, y1, x2, y2 = _corners(form, box.values)
        width, height = (1, 1) if is_share else box.size
        slack = 1e-3 if is_share else SLACK
        right, bottom = (width or math.inf) + slack, (height or math.inf) + slack
        fits += -slack <= x1 < x2 <= right and -slack <= y1 < y2 <= bottom
    return fits / len(boxes)


def _areas(form: str, boxes: Sequence[Seen]) -> float:
    """Return which share of the areas is that of its box, if they are of a form."""
    known = [box for box in boxes if box.area is not None and box.area > 0]
    right = 0
    for box in known:
        x1, y1, x2, y2 = _corners(form, box.values)
        right += abs((x2 - x1) * (y2 - y1) - (box.area or 0)) <= EVEN * (box.area or 0)
    return right / len(known) if known else 0.0
