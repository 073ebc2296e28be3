"""Write tasks that Label Studio imports, and the configuration they need."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tator.formats import Label
from tator.formats._brush import packed
from tator.formats._shapes import mask_of
from tator.formats._xml import escaped
from tator.formats.writing import Output, Splits, Written, each
from tator.vision import masks

CONFIG = "label_config.xml"
LOCAL = "/data/local-files/?d="  # the address of a file in the folder that Label Studio serves
DIGITS = 7  # decimals of a percentage: of 100,000 pixels they are a hundredth of one
HINT = (  # where the addresses in the tasks lead
    "  <!-- the images show when Label Studio runs with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and\n"
    "       LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=the folder of this file -->\n"
)
PARTS = (
    "outlines with holes or several parts are written as masks of whole pixels: Label Studio has one ring an outline"
)
TOOLS = {"box": "RectangleLabels", "outline": "PolygonLabels", "mask": "BrushLabels"}


@dataclass
class Asked:
    """What the labelling configuration has to ask, from what was written.

    Attributes:
        tags: of images.
        choices: {attribute: its values}.
        numbers: attributes that are numbers.
        points: names of key points.
        has_text: whether an object has a text.
    """

    tags: dict[str, None] = field(default_factory=dict)
    choices: dict[str, dict[str, None]] = field(default_factory=dict)
    numbers: dict[str, None] = field(default_factory=dict)
    points: dict[str, None] = field(default_factory=dict)
    has_text: bool = False


def write_tasks(out: Output, names: list[str], splits: Splits, config: str) -> Iterator[int]:
    """Write a list of tasks and the configuration; yield images done.

    Args:
        out: where to.
        names: of the classes.
        splits: images.
        config: name of the configuration's file.
    """
    asked, before = Asked(), b"[\n"
    with out.open("tasks.json") as file:
        for done, image in enumerate(each(splits), 1):
            task = _task(out, image, names, done, asked)
            file.write(before + json.dumps(task, ensure_ascii=False).encode())
            before = b",\n"
            yield done
        file.write(b"\n]\n" if before != b"[\n" else b"[]\n")
    out.text(config, _config(names, asked))


def _task(out: Output, image: Written, names: list[str], number: int, asked: Asked) -> dict:
    frame = {"original_width": image.width, "original_height": image.height, "image_rotation": 0, "to_name": "image"}
    rows: list[dict] = []
    for at, label in enumerate(image.labels, 1):
        rows += [frame | row for row in _region(out, image, label, names, f"{number}-{at}", asked)]
    rows += [{"to_name": "image", **row} for row in _answers(image, number, asked)]
    annotation = {"id": number, "result": rows, "was_cancelled": False, "ground_truth": False}
    address = LOCAL + quote(image.path)
    return {"id": number, "data": {"image": address}, "annotations": [annotation], "predictions": []}


def _answers(image: Written, number: int, asked: Asked) -> Iterator[dict]:
    """Yield the results about the whole image."""
    if image.tags:
        asked.tags |= dict.fromkeys(image.tags)
        yield _result(f"{number}-tags", "tags", "choices", {"choices": list(image.tags)})
    for name, text in (("caption", image.caption), ("notes", image.notes)):
        if text:
            yield _result(f"{number}-{name}", name, "textarea", {"text": [text]})


def _result(key: str, name: str, kind: str, value: dict) -> dict:
    return {"id": key, "from_name": name, "type": kind, "value": value, "origin": "manual"}


def _region(
    out: Output, image: Written, label: Label, names: list[str], key: str, asked: Asked
) -> Iterator[dict[str, Any]]:
    """Yield the results of an object: its shape, its attributes, its key points."""
    given = dict(label.attributes or {})
    points, turn = given.pop("keypoints", None), given.pop("rotation", None)
    tool, value = _shape(out, image, label, turn)
    if tool != "box" and turn is not None:
        given["rotation"] = turn
    kind = TOOLS[tool].lower()
    row = _result(key, tool, kind, value | {kind: [names[label.class_index]]})
    yield row if label.confidence is None else row | {"score": label.confidence}
    for name, attribute in given.items():
        yield _result(key, name, *_attribute(name, attribute, value, asked))
    skeleton = out.skeletons.get(label.class_index)
    for at, (x, y, v) in enumerate(points or ()):
        known = skeleton.names if skeleton else ()
        name = known[at] if at < len(known) else f"point {at + 1}"
        asked.points.setdefault(name)
        if v == 1:
            out.notes["key points that are hidden are written as seen: Label Studio knows no others"] += 1
        if v:
            place = {"x": _share(x, image.width), "y": _share(y, image.height), "width": 0.5}
            row = _result(f"{key}-{at + 1}", "point", "keypointlabels", place | {"keypointlabels": [name]})
            yield row | {"parentID": key}


def _attribute(name: str, attribute: Any, place: dict, asked: Asked) -> tuple[str, dict]:
    """Return the type and value of the result that holds an attribute."""
    where = {key: place[key] for key in place if not key.endswith("labels") and key not in ("rle", "format")}
    if isinstance(attribute, (int, float)) and not isinstance(attribute, bool):
        asked.numbers.setdefault(name)
        return "number", where | {"number": attribute}
    if name == "text":
        asked.has_text = True
        return "textarea", where | {"text": [attribute]}
    is_words = isinstance(attribute, list) and all(isinstance(each, str) for each in attribute)
    listed = attribute if is_words else [json.dumps(attribute) if isinstance(attribute, list) else attribute]
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in listed]
    asked.choices.setdefault(name, {}).update(dict.fromkeys(texts))
    return "choices", where | {"choices": texts}


def _shape(out: Output, image: Written, label: Label, turn: float | None) -> tuple[str, dict]:
    """Return the tool of a shape, and its place in percent."""
    if turn is not None and label.polygons and [len(ring) for ring in label.polygons[0]] == [8]:
        ax, ay, bx, by, cx, cy, _, _ = label.polygons[0][0]
        return "box", _box(image, ax, ay, math.hypot(bx - ax, by - ay), math.hypot(cx - bx, cy - by), turn)
    if label.polygons and len(label.polygons) == len(label.polygons[0]) == 1:
        flat = label.polygons[0][0]
        pairs = zip(flat[0::2], flat[1::2], strict=True)
        return "outline", {"points": [[_share(x, image.width), _share(y, image.height)] for x, y in pairs]}
    if label.polygons or label.rle:
        if label.polygons:
            out.notes[PARTS] += 1
        if mask := mask_of(label, image.width, image.height):
            return "mask", {"format": "rle", "rle": packed(masks.to_dense(mask, image.width, image.height))}
    x1, y1, x2, y2 = label.xyxy
    return "box", _box(image, x1, y1, x2 - x1, y2 - y1, 0.0)


def _box(image: Written, x: float, y: float, w: float, h: float, turn: float) -> dict:
    across, down = (_share(value, image.width) for value in (x, w)), (_share(value, image.height) for value in (y, h))
    (x, w), (y, h) = across, down
    return {"x": x, "y": y, "width": w, "height": h, "rotation": round(turn, 6)}


def _share(value: float, side: int) -> float:
    return round(value / side * 100, DIGITS)


def _config(names: Sequence[str], asked: Asked) -> str:
    """Return the labelling configuration: tools with their classes, and questions."""
    parts = ["<View>\n", HINT, '  <Image name="image" value="$image"/>\n']
    for tool, element in TOOLS.items():
        parts += [f'  <{element} name="{tool}" toName="image">\n', *_values("Label", names), f"  </{element}>\n"]
    if asked.points:
        points = _values("Label", asked.points)
        parts += ['  <KeyPointLabels name="point" toName="image">\n', *points, "  </KeyPointLabels>\n"]
    each_region = 'toName="image" perRegion="true"'
    for name, values in asked.choices.items():
        head = f'  <Choices name="{escaped(name)}" {each_region} choice="multiple">\n'
        parts += [head, *_values("Choice", values), "  </Choices>\n"]
    parts += [f'  <Number name="{escaped(name)}" {each_region}/>\n' for name in asked.numbers]
    if asked.has_text:
        parts.append(f'  <TextArea name="text" {each_region}/>\n')
    if asked.tags:
        head = '  <Choices name="tags" toName="image" choice="multiple">\n'
        parts += [head, *_values("Choice", asked.tags), "  </Choices>\n"]
    parts += [f'  <TextArea name="{name}" toName="image"/>\n' for name in ("caption", "notes")]
    return "".join([*parts, "</View>\n"])


def _values(element: str, values: Sequence[str] | dict[str, None]) -> list[str]:
    return [f'    <{element} value="{escaped(value)}"/>\n' for value in values]
