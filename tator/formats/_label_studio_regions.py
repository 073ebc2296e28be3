"""Objects, and answers about the whole image, in a Label Studio annotation.

Results that share an id are one region: its place, its label, and what was asked about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list
from tator.formats._named_points import told_apart
from tator.formats._typed import listed

ANSWERS = ("choices", "taxonomy", "text", "rating", "number", "datetime")
NO_AREA = ("keypoint", "vector")
ELSEWHERE = {
    "video": "annotation of a video",
    "span": "annotation of a text or a sound",
    "bitmask": "mask as an embedded picture",
}
Answer = tuple[str, str, Any]  # the name of what asked, the kind of answer, the answer


@dataclass(frozen=True)
class Region:
    """One object.

    Attributes:
        name: of its class.
        kind: rectangle, polygon, ellipse or brush.
        value: its place, in percent of the image.
        attributes: see tator.attributes.
        confidence: as the file has it, None for none.
        points: (name, x, y) of key points, in percent.
    """

    name: str
    kind: str
    value: dict
    attributes: dict[str, Any] = field(default_factory=dict)
    confidence: Any = None
    points: tuple[tuple[str, Any, Any], ...] = ()


@dataclass
class Said:
    """What one annotation says of an image.

    Attributes:
        regions: its objects.
        refused: what is no object.
        answers: about the whole image.
        size: width and height that it states.
        turn: degrees by which the image was shown turned.
    """

    regions: list[Region] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    size: tuple[Any, Any] = (None, None)
    turn: Any = 0


def said_by(results: Sequence[dict], score: Any = None) -> Said:
    """Return what the results of an annotation say.

    Args:
        results: of one image.
        score: of all of them, where one has none.
    """
    said, groups = Said(), _groups(results)
    points: dict[Any, list[tuple[str, Any, Any]]] = {}
    numbers: dict[Any, int] = {}
    for key, rows in groups.items():
        placed = next((row for row in rows if kind_of(row)), None)
        if placed is None:
            said.answers += [answer for row in rows for answer in _answers(row)]
            said.refused += [_other(row) for row in rows if not _answers(row)]
            continue
        if placed.get("original_width"):
            said.size = placed.get("original_width"), placed.get("original_height")
        said.turn = placed.get("image_rotation") or said.turn
        parent = placed.get("parentID")
        if kind_of(placed) == "keypoint" and isinstance(parent, (str, int)) and parent in groups and parent != key:
            points.setdefault(parent, []).append(_point(placed, rows))
        elif isinstance(found := _region(key, placed, rows, score), Refused):
            said.refused.append(found)
        else:
            numbers[key] = len(said.regions)
            said.regions.append(found)
    _give_points(said, points, numbers)
    return said


def _groups(results: Sequence[dict]) -> dict[Any, list[dict]]:
    """Return the results by the region they belong to."""
    groups: dict[Any, list[dict]] = {}
    for at, row in enumerate(results):
        key = row.get("id")
        groups.setdefault(key if isinstance(key, (str, int)) else ("none", at), []).append(row)
    return groups


def kind_of(row: dict) -> str:
    """Return which shape a result has, "" for none."""
    value = as_dict(row.get("value"))
    marks = {"rle": "brush", "imageDataURL": "bitmask", "sequence": "video", "vertices": "vector"}
    marks |= {"points": "polygon", "radiusX": "ellipse", "start": "span"}
    found = next((kind for mark, kind in marks.items() if mark in value), "")
    if found or not {"x", "y"} <= value.keys():
        return found
    return "rectangle" if {"width", "height"} <= value.keys() else "keypoint"


def labels_of(row: dict) -> list[str]:
    """Return the labels of a result: a field that is called after the tool, or labels."""
    value = as_dict(row.get("value"))
    found = [each for key, each in value.items() if str(key).endswith("labels")]
    return [label for each in found for label in as_list(each) if isinstance(label, str) and label]


def _region(key: Any, placed: dict, rows: Sequence[dict], score: Any) -> Region | Refused:
    """Return the object of a region, or why it is none."""
    kind, value = kind_of(placed), as_dict(placed.get("value"))
    attributes = _attributes(placed, rows)
    names = list(dict.fromkeys(name for row in rows for name in labels_of(row)))
    shown = ", ".join(names)[:80]
    if kind in ELSEWHERE:
        return Refused(ELSEWHERE[kind], shown)
    if kind == "polygon" and value.get("closed") is False:
        return Refused("shape without an area", f"open line: {shown}")
    if kind in NO_AREA:
        return Refused("shape without an area", f"{kind}: {shown}")
    if not names:
        alone = [name for name, said in attributes.items() if isinstance(said, str) and _is_choice(rows, name)]
        if len(alone) != 1:
            return Refused("object without a class", f"{kind} {str(key)[:40]}; expected a label")
        names = [attributes.pop(alone[0])]
    if len(names) > 1:
        attributes["labels"] = names
    confidence = next((row["score"] for row in rows if row.get("score") is not None), score)
    return Region(names[0], kind, value, attributes, confidence)


def _is_choice(rows: Sequence[dict], name: str) -> bool:
    return any(row.get("from_name") == name and "choices" in as_dict(row.get("value")) for row in rows)


def _attributes(placed: dict, rows: Sequence[dict]) -> dict[str, Any]:
    """Return what was asked about one region, by the name of what asked."""
    found: dict[str, Any] = {}
    answers = [answer for row in rows for answer in _answers(row)]
    texts = [name for name, kind, _ in answers if kind == "text"]
    for name, kind, value in answers:
        found["text" if kind == "text" and len(texts) == 1 else name] = value
    for row in (placed, *rows):
        if said := as_dict(row.get("meta")).get("text"):
            found.setdefault("note" if "text" in found else "text", _plain("text", said))
    return found


def _answers(row: dict) -> list[Answer]:
    """Return the answers in a result."""
    value, name = as_dict(row.get("value")), str(row.get("from_name") or "answer")
    return [(name, kind, _plain(kind, value[kind])) for kind in ANSWERS if value.get(kind) not in (None, [], "")]


def _plain(kind: str, value: Any) -> Any:
    """Return an answer as text, number, true or false, or a list of texts."""
    if kind == "text":
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    if not isinstance(value, list):
        return value
    texts = [" / ".join(map(str, each)) if isinstance(each, list) else str(each) for each in value]
    if len(texts) != 1:
        return texts
    return {"true": True, "false": False}.get(texts[0], listed(texts[0]))


def _other(row: dict) -> Refused:
    """Return why a result without place and answer is nothing."""
    kind = str(row.get("type"))[:40]
    if kind == "relation":
        named = ", ".join(map(str, as_list(row.get("labels"))))[:80]
        return Refused("relation between objects", named or "without a name")
    return Refused("unknown shape", f"{kind}: {', '.join(labels_of(row))[:80]}")


def _point(placed: dict, rows: Sequence[dict]) -> tuple[str, Any, Any]:
    value = as_dict(placed.get("value"))
    name = next((name for row in rows for name in labels_of(row)), "point")
    return name, value.get("x"), value.get("y")


def _give_points(said: Said, points: dict[Any, list[tuple[str, Any, Any]]], numbers: dict[Any, int]) -> None:
    """Give objects the key points whose parent they are; refuse the others."""
    for parent, held in points.items():
        if parent in numbers:
            at = numbers[parent]
            named = zip(told_apart([name for name, _, _ in held]), held, strict=True)
            said.regions[at] = replace(said.regions[at], points=tuple((name, x, y) for name, (_, x, y) in named))
        else:
            said.refused += [Refused("shape without an area", f"keypoint: {name[:80]}") for name, _, _ in held]
