"""VIA's attributes of regions and of images: of every input type, in JSON of each version and in CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import named_boxes, read_folder, told

BOX = {"name": "rect", "x": 4, "y": 6, "width": 20, "height": 10}
FILE = {
    "caption": "A pond.",
    "weather": "rain",
    "quality": {"sharp": True, "dark": False},
    "url": "",
    "notes": "Later.",
}
VALUES = [
    ({"colour": "red"}, {"colour": "red"}),
    ({"colour": ""}, {}),
    ({"colour": None}, {}),
    ({"age": 3, "share": 0.5, "wet": True, "dry": False}, {"age": 3, "share": 0.5, "wet": True, "dry": False}),
    ({"digits": "12", "word": "true"}, {"digits": "12", "word": "true"}),
    ({"parts": {"wing": True, "tail": True, "leg": False}}, {"parts": ["wing", "tail"]}),
    ({"parts": {"wing": False}}, {}),
    ({"occluded": "true", "truncated": "0", "difficult": {"yes": True}}, {"occluded": True, "difficult": True}),
    ({"occlusion": "2", "truncation": "0.5", "rotation": "30"}, {"occlusion": 2, "truncation": 0.5, "rotation": 30}),
    ({"keypoints": "[[1, 2, 2]]", "text": "STOP"}, {"keypoints": [[1, 2, 2]], "text": "STOP"}),
]


def project(version: str, attributes: dict) -> tuple[str, str]:
    """Return the name and content of a file with one region of a duck."""
    region = {"shape_attributes": BOX, "region_attributes": {"class": "duck", **attributes}}
    entry = {"filename": "a.png", "size": 9, "regions": [region], "file_attributes": FILE}
    if version == "csv":
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow("filename,file_size,file_attributes,region_count,region_id".split(",") + REGION)
        rows.writerow(["a.png", 9, json.dumps(FILE), 1, 0, json.dumps(BOX), json.dumps(region["region_attributes"])])
        return "via.csv", out.getvalue()
    if version == "1":
        return "via.json", json.dumps({"a.png9": {**entry, "fileref": "", "regions": {"0": region}}})
    if version == "2 exported":
        return "via.json", json.dumps({"a.png9": entry})
    declared = {"region": {"class": {"type": "radio", "options": {"duck": ""}}}, "file": {}}
    whole = {"_via_settings": {}, "_via_img_metadata": {"a.png9": entry}, "_via_attributes": declared}
    return "via.json", json.dumps(whole)


REGION = ["region_shape_attributes", "region_attributes"]


@pytest.mark.parametrize(("given", "expected"), VALUES)
@pytest.mark.parametrize("version", ["1", "2", "2 exported", "csv"])
def test_attributes_of_regions_are_read(tmp_path: Path, version: str, given: dict, expected: dict):
    picture(tmp_path / "a.png")
    text(tmp_path / project(version, given)[0], project(version, given)[1])
    source, found = read_folder(tmp_path)
    assert source.format == "via" and named_boxes(source, found["a.png"]) == [("duck", 4, 6, 24, 16)]
    assert (found["a.png"][0].attributes or {}) == expected and not told(source)


@pytest.mark.parametrize("version", ["1", "2", "2 exported", "csv"])
def test_attributes_of_images_are_captions_tags_and_notes(tmp_path: Path, version: str):
    picture(tmp_path / "a.png")
    text(tmp_path / project(version, {})[0], project(version, {})[1])
    source, _ = read_folder(tmp_path)
    assert source.captions == {"a.png": "A pond."} and source.notes == {"a.png": "Later."}
    assert source.tags == {"a.png": ["weather: rain", "sharp"]}
