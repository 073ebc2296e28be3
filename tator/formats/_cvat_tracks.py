"""Put the shapes of a CVAT track onto frames, those between key frames too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

FRAME = re.compile(r"(?:^|[^0-9])0*(\d{1,9})$")
CORNERS = ("xtl", "ytl", "xbr", "ybr")
Given = dict[str, str]  # attributes of a shape's tag


def frames_of(images: Sequence[str]) -> dict[int, str]:
    """Return {frame: image}: by the number a name ends in, else by order of the names.

    Numbers count only where every image has one of its own.
    """
    numbered: dict[int, str] = {}
    for path in images:
        if found := FRAME.search(PurePosixPath(path).stem):
            numbered.setdefault(int(found[1]), path)
    return numbered if len(numbered) == len(images) else dict(enumerate(sorted(images)))


def filled(shapes: Sequence[Given], frames: Sequence[int]) -> Iterator[tuple[Given, bool]]:
    """Yield the shapes of a track, and boxes between key frames of those not written.

    With each comes whether it was interpolated. A box moves in a straight line; what is outside is not there.

    Args:
        shapes: of the track, with frame, keyframe and outside.
        frames: that have an image.
    """
    ordered = sorted(
        (each for each in shapes if each.get("frame", "").isdecimal()), key=lambda each: int(each["frame"])
    )
    for at, given in enumerate(ordered):
        if given.get("outside") == "1":
            continue
        yield given, given.get("keyframe") == "0"
        if at + 1 < len(ordered):
            yield from _between(given, ordered[at + 1], frames)
        elif any(int(b["frame"]) - int(a["frame"]) > 1 for a, b in pairwise(ordered)):
            last = int(given["frame"])
            yield from (({**given, "frame": str(frame)}, True) for frame in frames if frame > last)


def _between(first: Given, second: Given, frames: Sequence[int]) -> Iterator[tuple[Given, bool]]:
    start, end = int(first["frame"]), int(second["frame"])
    for frame in frames:
        if not start < frame < end:
            continue
        moved = {**first, "frame": str(frame)}
        if second.get("outside") != "1" and all(key in first and key in second for key in CORNERS):
            share = (frame - start) / (end - start)
            moved |= {key: str(_along(first[key], second[key], share)) for key in CORNERS}
        yield moved, True


def _along(first: str, second: str, share: float) -> float | str:
    try:
        return float(first) + (float(second) - float(first)) * share
    except ValueError:
        return first
