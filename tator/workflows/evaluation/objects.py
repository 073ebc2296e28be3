"""The objects of one image as arrays, after the one check that all of them pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.workflows.evaluation.coordinates import NORM1000, STEPS, to_pixels, token_value

BOX, POLYGON = "bbox_2d", "poly"
LARGEST = 1e15  # pixels; what is larger is no place in an image
CANONICAL = {  # codes of samples, and what summaries count them as
    "geometry_keys": "invalid_geometry",
    "geometry_points": "invalid_geometry",
    "geometry_kind": "invalid_geometry",
    "bbox_points": "invalid_geometry",
    "poly_points": "invalid_geometry",
    "degenerate": "degenerate",
    "coord_parse": "invalid_coord",
    "coord_range": "invalid_coord",
    "score": "invalid_score",
    "desc": "invalid_desc",
}


@dataclass(frozen=True, eq=False)
class Objects:
    """N objects of one image.

    Attributes:
        xyxy: (N, 4) float64 pixels, x2/y2 exclusive, not rounded.
        labels: N descriptions, stripped.
        scores: (N,) in [0, 1]; 1 where none was given.
        ignored: (N,) regions that are no object: crowds and difficult ones.
        outlines: N rings or run lengths, None for a plain box.
        ids: N ids of annotations, "" where there is none.
    """

    xyxy: NDArray[np.float64]
    labels: list[str]
    scores: NDArray[np.float64]
    ignored: NDArray[np.bool_]
    outlines: list[Any]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass
class Checked:
    """What the check of an image's objects left, and what it refused.

    Attributes:
        objects: those that are sound.
        invalid: {"reason", "raw"} of the others.
        counts: of the reasons, and of corners swapped back and of scores that were not given.
    """

    objects: Objects
    invalid: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Refused(ValueError):
    """An object that does not pass; the text is the code of the reason."""


def check_objects(raw: Any, width: int, height: int, coord_mode: str = "") -> Checked:
    """Return the sound objects of a record's list, in pixels.

    Args:
        raw: objects as read; each has a `desc` and one geometry.
        width: of the image in pixels.
        height: of the image in pixels.
        coord_mode: norm1000 or pixel; "" reads tokens as norm1000 and numbers as pixels.
    """
    rows: list[tuple] = []
    result = Checked(_objects(()))
    if not isinstance(raw, list):
        result.counts["invalid_geometry"] += raw is not None
        return result
    is_pixels = coord_mode != NORM1000
    for each in raw:
        if is_pixels and (row := _plain_row(each)) is not None:
            rows.append(row)
            result.counts["score_missing"] += "score" not in each
            continue
        try:
            rows.append(_row(each, width, height, coord_mode, result.counts))
        except Refused as reason:
            result.invalid.append({"reason": str(reason), "raw": each})
            result.counts[CANONICAL[str(reason)]] += 1
    result.objects = _objects(rows)
    return result


def _objects(rows: Sequence[tuple]) -> Objects:
    boxes, labels, scores, ignored, outlines, ids = zip(*rows, strict=True) if rows else ((),) * 6
    return Objects(
        np.array(boxes, np.float64).reshape(-1, 4),
        list(labels),
        np.array(scores, np.float64),
        np.array(ignored, bool),
        list(outlines),
        list(ids),
    )


def _plain_row(each: Any) -> tuple | None:
    """Return the columns of a sound box in pixels quickly; None for all else."""
    try:
        x1, y1, x2, y2 = box = each["points"]
        score, desc = each.get("score", 1.0), each["desc"]
        is_sound = (
            each["type"] == BOX
            and type(x1) is type(y1) is type(x2) is type(y2) is type(score) is float
            and -LARGEST < x1 < x2 < LARGEST
            and -LARGEST < y1 < y2 < LARGEST
            and 0 <= score <= 1
            and type(desc) is str
            and desc
            and desc == desc.strip()
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if not is_sound:
        return None
    return box, desc, score, bool(each.get("ignore") or each.get("iscrowd")), each.get("rle"), str(each.get("id", ""))


def _row(each: Any, width: int, height: int, coord_mode: str, counts: Counter[str]) -> tuple:
    """Return one object's columns.

    Raises:
        Refused: it is not sound.
    """
    if not isinstance(each, dict):
        raise Refused("geometry_kind")
    kind, points = _geometry(each)
    values = _pixels(points, width, height, coord_mode)
    if kind == BOX and len(values) != 4:
        raise Refused("bbox_points")
    if kind == POLYGON and (len(values) < 6 or len(values) % 2):
        raise Refused("poly_points")
    box = _box(values, kind, counts)
    desc = each.get("desc")
    if not isinstance(desc, str) or not desc.strip():
        raise Refused("desc")
    outline = values if kind == POLYGON else each.get("rle")
    crowd = bool(each.get("ignore") or each.get("iscrowd"))
    return box, desc.strip(), _score(each, counts), crowd, outline, str(each.get("id", ""))


def _geometry(each: dict[str, Any]) -> tuple[str, Any]:
    """Return the kind and the points of an object's one geometry."""
    if "points" in each:
        kind = {"bbox": BOX, "polygon": POLYGON}.get(str(each.get("type")), each.get("type"))
        if kind not in (BOX, POLYGON):
            raise Refused("geometry_kind")
        return kind, each["points"]
    found = [key for key in (BOX, POLYGON) if key in each]
    if len(found) != 1 or "line" in each:
        raise Refused("geometry_keys")
    return found[0], each[found[0]]


def flat(points: Any) -> list[Any]:
    """Return the values of points, which may be nested in pairs.

    Raises:
        Refused: they are no list.
    """
    if not isinstance(points, list | tuple):
        raise Refused("geometry_points")
    found: list[Any] = []
    for value in points:
        found.extend(value) if isinstance(value, list | tuple) else found.append(value)
    return found


def _pixels(points: Any, width: int, height: int, coord_mode: str) -> list[float]:
    values = flat(points)
    steps = [token_value(value) for value in values]
    if any(step is not None for step in steps):
        values = [value if step is None else step for value, step in zip(values, steps, strict=True)]
        coord_mode = NORM1000
    if not all(_is_number(value) for value in values):
        raise Refused("coord_parse")
    if coord_mode != NORM1000:
        return [float(value) for value in values]
    if any(not 0 <= value <= STEPS for value in values):
        raise Refused("coord_range")
    return to_pixels(values, width, height).tolist()


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    )  # no NaN, no infinity


def _box(values: list[float], kind: str, counts: Counter[str]) -> tuple[float, float, float, float]:
    """Return the box of a geometry; corners that are swapped are swapped back."""
    xs, ys = values[0::2], values[1::2]
    box = min(xs), min(ys), max(xs), max(ys)
    if not (box[2] > box[0] and box[3] > box[1]):
        raise Refused("degenerate")
    counts["corners_swapped"] += kind == BOX and list(box) != values
    return box


def _score(each: dict[str, Any], counts: Counter[str]) -> float:
    score = each.get("score")
    if score is None:
        counts["score_missing"] += 1
        return 1.0
    if not _is_number(score) or not 0 <= score <= 1:
        raise Refused("score")
    return float(score)


def plain_objects(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return objects as a record stores them: type, points, desc, score and ids."""
    keys = ("type", "points", "desc", "score", "ignore", "rle", "id")
    return [{key: each[key] for key in keys if key in each and each[key] is not None} for each in objects]
