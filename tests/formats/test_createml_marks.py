"""Create ML's list with what other programs add: a confidence, and keys of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import read_folder, told


@pytest.mark.parametrize(
    ("more", "confidence", "attributes", "reason"),
    [
        ({}, None, None, ""),
        ({"confidence": 0.5}, 0.5, None, ""),
        ({"confidence": 1}, 1.0, None, ""),
        ({"confidence": "high"}, None, None, "confidence left out"),
        ({"confidence": 7}, None, None, "confidence left out"),
        ({"colour": "red", "occluded": "1", "truncated": False}, None, {"colour": "red", "occluded": True}, ""),
    ],
)
def test_what_a_box_says_besides_its_place(tmp_path: Path, more: dict, confidence, attributes, reason: str):
    picture(tmp_path / "a.png")
    box = {"label": "cat", "coordinates": {"x": 20, "y": 20, "width": 10, "height": 8}, **more}
    text(tmp_path / "train.json", json.dumps([{"image": "a.png", "annotations": [box]}]))
    source, found = read_folder(tmp_path)
    assert source.format == "createml" and (reason in told(source) if reason else not told(source))
    (label,) = found["a.png"]
    assert (label.confidence, label.attributes, label.xyxy) == (confidence, attributes, (15, 16, 25, 24))
