"""Files of services with any value damaged: nothing stops a reader, and what is left is read or named."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tator.attributes import cleaned
from tator.formats._brush import packed
from tator.formats.table import FORMATS
from tator.formats.tree import Tree
from tests.folders import picture, text

JUNK = (
    None,
    True,
    -1,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\0",
    "\ud800",
    [],
    {},
    [None],
    [[]],
    {"x": 1},
    [1, 2, 3, 4],
)
PLACE = {"x": 25, "y": 50, "width": 50, "height": 25, "rotation": 5}


def region(value: dict, kind: str, **more) -> dict:
    sizes = {"original_width": 64, "original_height": 48}
    return {"id": kind, "from_name": kind, "to_name": "image", "type": kind, "value": value, **sizes, **more}


def label_studio() -> list:
    import numpy as np

    results = [
        region(PLACE | {"rectanglelabels": ["dog"]}, "rectanglelabels", score=0.5),
        region({"points": [[1, 2], [30, 4], [5, 60]], "polygonlabels": ["dog"]}, "polygonlabels", meta={"text": ["a"]}),
        region({"x": 50, "y": 50, "radiusX": 5, "radiusY": 5, "ellipselabels": ["cat"]}, "ellipselabels"),
        region({"format": "rle", "rle": packed(np.ones((48, 64), bool)), "brushlabels": ["cat"]}, "brushlabels"),
        region(
            {"x": 30, "y": 60, "width": 1, "keypointlabels": ["nose"]}, "keypointlabels", parentID="rectanglelabels"
        ),
        region({"choices": ["a"]}, "choices"),
        region({"text": ["a"]}, "textarea"),
        {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["on"]},
    ]
    said = {"id": 1, "completed_by": {"id": 3}, "was_cancelled": False, "result": results}
    short = {
        "image": "a.png",
        "id": 2,
        "box": [PLACE | {"labels": ["dog"]}],
        "mood": "a",
        "annotator": 1,
        "annotation_id": 1,
    }
    guess = {"result": results, "score": 0.5, "model_version": "m"}
    return [
        {"id": 1, "data": {"image": "a.png"}, "annotations": [said, said], "predictions": [guess], "file_upload": "u"},
        short,
    ]


def bdd100k() -> dict:
    graph = {
        "nodes": [{"id": "1", "category": "nose", "location": [20, 30]}],
        "edges": [{"source": "1", "target": "1"}],
    }
    poly = [{"vertices": [[1, 2], [30, 4], [5, 40], [9, 9]], "types": "LCCL", "closed": True}]
    row = {"id": "1", "category": "car", "score": 0.5, "attributes": {"occluded": True}, "graph": graph}
    rows = [
        row | {"box2d": {"x1": 1, "y1": 2, "x2": 9, "y2": 8}},
        row | {"poly2d": poly},
        row | {"rle": {"counts": "0", "size": [48, 64]}},
    ]
    frame = {
        "name": "a.png",
        "videoName": "v",
        "frameIndex": 0,
        "labels": rows,
        "attributes": {"a": "b"},
        "size": {"width": 64, "height": 48},
    }
    return {
        "frames": [frame, frame | {"name": "b.png"}],
        "config": {"categories": [{"name": "x", "subcategories": [{"name": "car"}]}]},
    }


def hf_objects() -> list:
    objects = {
        "bbox": [[1, 2, 3, 4]],
        "category": ["dog"],
        "area": [12],
        "iscrowd": [0],
        "segmentation": [[[1, 2, 9, 2, 9, 9]]],
        "score": [0.5],
    }
    rows = [{"file_name": "a.png", "objects": objects, "width": 64, "height": 48, "text": "a"}]
    return [*rows, {"file_name": "a.png", "objects": [{"bbox": [1, 2, 3, 4], "category": 1}]}]


def vott() -> dict:
    place = {"boundingBox": {"height": 12, "width": 32, "left": 16, "top": 24}, "points": [{"x": 1, "y": 2}] * 4}
    regions = [{"id": "1", "type": kind, "tags": ["dog"], **place} for kind in ("RECTANGLE", "POLYGON")]
    asset = {"name": "a.png", "path": "file:/a.png", "size": {"width": 64, "height": 48}, "type": 1, "id": "1"}
    row = {"asset": asset, "regions": regions, "version": "2.1.0"}
    old = {
        "a.png": [{"x1": 1, "y1": 2, "x2": 9, "y2": 8, "width": 64, "height": 48, "type": "Rectangle", "tags": ["dog"]}]
    }
    return {"assets": {"1": row}, "tags": [{"name": "dog"}], "securityToken": "x"} | {"frames": old, "inputTags": "dog"}


WHOLE = {"label_studio": label_studio(), "bdd100k": bdd100k(), "hf_objects": hf_objects(), "vott": vott()}


def places(value, at=()) -> list[tuple]:
    """Return the way to every value that is inside another; of a long list the first ones."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:6]) if isinstance(value, list) else ()
    return [way for key, each in inner for way in ((*at, key), *places(each, (*at, key)))]


def damaged(value, way: tuple, junk) -> None:
    for key in way[:-1]:
        if (
            not isinstance(value, (dict, list))
            or isinstance(value, list)
            and not (isinstance(key, int) and key < len(value))
        ):
            return
        value = value[key] if isinstance(value, list) else value.get(key)
    if isinstance(value, dict) or isinstance(value, list) and isinstance(way[-1], int) and way[-1] < len(value):
        value[way[-1]] = junk


@pytest.mark.parametrize("format", sorted(WHOLE))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_value_stops_a_reader(format: str, data: st.DataObject):
    content = copy.deepcopy(WHOLE[format])
    ways = places(content)
    for way, junk in data.draw(
        st.lists(st.tuples(st.sampled_from(ways), st.sampled_from(JUNK)), min_size=1, max_size=3)
    ):
        damaged(content, way, copy.deepcopy(junk))
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        picture(root / "a.png")
        rows = content if format == "hf_objects" else [content]
        text(root / ("metadata.jsonl" if format == "hf_objects" else "rows.json"), "\n".join(map(json.dumps, rows)))
        tree = Tree.of(root)
        source = FORMATS[format].read(tree)
        for label in source.labels("a.png", 64, 48) or []:
            x1, y1, x2, y2 = label.xyxy
            assert 0 <= x1 < x2 <= 64 and 0 <= y1 < y2 <= 48 and label.class_index in source.classes
            cleaned(label.attributes, lambda reason, detail: None)
        assert all(isinstance(tag, str) for tags in source.tags.values() for tag in tags)
        assert all(isinstance(said, str) for said in (*source.notes.values(), *source.captions.values()))
