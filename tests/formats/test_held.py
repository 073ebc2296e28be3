"""What a format says that it holds comes back from its files: every attribute, tag, note, caption and skeleton.

The table is that of the formats: one that is added is tried with all that it claims.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tator.attributes import RESERVED, Skeleton, cleaned
from tator.formats import Label, Source
from tator.formats._shapes import box_ring, extent, turned
from tator.formats.table import FORMATS, open_source, writable
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Folder, Written
from tests.folders import picture

WIDTH, HEIGHT = 640, 480
RING = [round(value, 4) for value in turned(box_ring((200, 200, 260, 230)), 30, 230, 215)]
VALUES: dict[str, Any] = {
    "occluded": True,
    "truncated": True,
    "difficult": True,
    "crowd": True,
    "group": 7,
    "text": 'Straße <1> & "2"',
    "track": 4,
    "interpolated": True,
    "occlusion": 2,
    "truncation": 0.25,
    "z": 3,
    "rotation": 30.0,
    "keypoints": [[12.0, 14.0, 2], [20.5, 30.0, 1], [0.0, 0.0, 0]],
}
FREE: dict[str, Any] = {
    "colour of the roof": "red",
    "age": 3,
    "share": 0.5,
    "is wet": True,
    "is_dry": False,
    "parts": ["wing", "tail"],
    "digits": "12",
    "日本": "é",
}
OWN: dict[str, Any] = {  # names that one format has, and others too where they hold any
    "pose": "Left",
    "alpha": 1.5,
    "dimensions": [1.5, 2.0, 4.25],
    "location": [-3.5, 1.0, 20.0],
    "rotation_y": -0.5,
}
SKELETON = Skeleton(("head", "hand", "tail"), ((0, 1), (1, 2)))


def held(format: str) -> dict[str, Any]:
    """Return {attribute: a value of it} of all that a format claims."""
    names = FORMATS[format].holds_attributes
    if names == ANY:
        return VALUES | FREE | OWN
    return {name: (VALUES | OWN).get(name) for name in sorted(names)}


def labels_of(given: dict[str, Any]) -> list[Label]:
    """Return an object for each attribute, and one with all that go together, each at a place of its own."""
    each = [{name: value} for name, value in given.items()]
    together = {name: value for name, value in given.items() if name not in ("rotation", "crowd", "keypoints")}
    found = []
    for at, attributes in enumerate([*each, *([together] if len(each) > 1 else [])]):
        x, y = 8.0 + 60 * (at % 10), 8.0 + 60 * (at // 10)
        if "rotation" in attributes:
            found.append(Label(0, extent(RING), [[RING]], attributes=attributes))
        else:
            found.append(Label(0, (x, y, x + 40 + at, y + 32), attributes=attributes))
    return found


def there_and_back(root: Path, format: str, labels: list[Label], **more: Any) -> tuple[Source, list[Label], Folder]:
    known, out = FORMATS[format], Folder(root)
    out.skeletons = {0: SKELETON}
    path = known.image_path("train", "a b.png")
    picture(root / path, (WIDTH, HEIGHT))
    content = (root / path).read_bytes()
    image = Written(path, "a b.png", "train", WIDTH, HEIGHT, labels, content=lambda: (content, "png"), **more)
    assert list(known.write(out, ["dog", "cat"], {"train": [image]}))[-1] == 1
    source = open_source(Tree.of(root), format)
    return source, source.labels(path, WIDTH, HEIGHT) or [], out


def nearest(found: list[Label], wanted: Label) -> Label:
    return min(found, key=lambda label: float(np.abs(np.subtract(label.xyxy, wanted.xyxy)).sum()))


def stored(label: Label) -> dict[str, Any]:
    """Return the attributes as an import keeps them."""
    return cleaned(label.attributes, lambda reason, detail: pytest.fail(f"{reason}: {detail}")) or {}


def assert_equal(ours: Any, theirs: Any, name: str, told: str) -> None:
    if name == "keypoints":  # a file may leave out those that are not seen
        seen, back = ([point for point in points if point[2]] for points in (ours, theirs))
        numbers = 2 if "hidden" in told else 3
        assert np.allclose(np.array(seen)[:, :numbers], np.array(back)[:, :numbers], atol=0.02), (
            f"{ours} became {theirs}"
        )
        assert len(theirs) == len(ours) or theirs == back
    elif name == "rotation":
        assert ours == pytest.approx(theirs, abs=0.02)
    else:
        assert (type(ours), ours) == (type(theirs), theirs), f"{name}: {ours!r} became {theirs!r}"


def test_every_reserved_name_has_a_value_here():
    assert VALUES.keys() == RESERVED.keys() and all(RESERVED[name].fits(value) for name, value in VALUES.items())


@pytest.mark.parametrize("format", sorted(name for name in writable() if FORMATS[name].holds_attributes))
def test_attributes_that_a_format_holds_come_back(tmp_path: Path, format: str):
    labels = labels_of(held(format))
    source, found, out = there_and_back(tmp_path, format, labels)
    assert len(found) == len(labels) and not source.report.counts["dropped"]
    for wanted in labels:
        back = stored(nearest(found, wanted))
        for name, value in (wanted.attributes or {}).items():
            assert name in back, f"{name} is lost: {back}"
            assert_equal(value, back[name], name, " ".join(out.notes))
        assert not (back.keys() - wanted.attributes.keys()), f"{back} has more than {wanted.attributes}"


@pytest.mark.parametrize("format", sorted(name for name in writable() if FORMATS[name].holds_skeletons))
def test_skeletons_come_back(tmp_path: Path, format: str):
    label = Label(0, (8, 8, 60, 70), attributes={"keypoints": VALUES["keypoints"]})
    source, _, _ = there_and_back(tmp_path, format, [label])
    index = next(at for at, name in source.classes.items() if name == "dog")
    assert source.skeletons == {index: SKELETON}


@pytest.mark.parametrize("format", sorted(writable()))
def test_tags_notes_and_captions_come_back(tmp_path: Path, format: str):
    known = FORMATS[format]
    said = {"tags": ["night", "wet road"], "notes": "Two lines,\nof a person: é", "caption": "A dog."}
    source, _, _ = there_and_back(tmp_path, format, [Label(0, (8, 8, 60, 70))], **said)
    path = known.image_path("train", "a b.png")
    back = {
        "tags": getattr(source, "tags", {}).get(path),
        "notes": getattr(source, "notes", {}).get(path),
        "caption": source.captions.get(path),
    }
    claims = {"tags": known.holds_tags, "notes": known.holds_notes, "caption": known.holds_captions}
    assert back == {name: said[name] if claims[name] else None for name in said}
