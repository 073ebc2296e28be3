"""VoTT: assets, projects, version 1 and CSV; every region, and what is no object, by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.formats.table import open_source
from tator.formats.tree import Tree
from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

BOX = ("dog", 16, 24, 48, 36)
TAGS = [{"name": "cat", "color": "#5db300"}, {"name": "dog", "color": "#e81123"}]
PLACE = {"boundingBox": {"height": 12, "width": 32, "left": 16, "top": 24}}
CORNERS = {"points": [{"x": x, "y": y} for x, y in ((16, 24), (48, 24), (48, 36), (16, 36))]}
THREE = {"points": CORNERS["points"][:3]}
FACTS = {
    "name": "Pets",
    "securityToken": "Pets Token",
    "videoSettings": {"frameExtractionRate": 15},
    "version": "2.1.0",
}


def region(kind: str = "RECTANGLE", tags=("dog",), **place) -> dict:
    return {"id": "eMXC-G1Pl", "type": kind, "tags": list(tags), **(place or PLACE | CORNERS)}


def asset(*regions: dict, name: str = "a.png", **more) -> dict:
    size = {"width": 64, "height": 48}
    facts = {
        "format": "png",
        "id": "0a1b",
        "name": name,
        "path": f"file:C:/Pet%20shop/{name}",
        "size": size,
        "state": 2,
        "type": 1,
    }
    return {"asset": facts | more, "regions": list(regions), "version": "2.1.0"}


def alone(row: dict) -> dict[str, str]:
    """An asset file beside the project, which lists its assets."""
    project = FACTS | {"tags": TAGS, "assets": {"0a1b": row["asset"]}}
    return {"0a1b-asset.json": json.dumps(row), "Pets.vott": json.dumps(project)}


def exported(row: dict) -> dict[str, str]:
    return {"vott-json-export/Pets-export.json": json.dumps(FACTS | {"tags": TAGS, "assets": {"0a1b": row}})}


def late_keys(row: dict) -> dict[str, str]:
    """An export whose assets come after a text longer than any look at a file's ends."""
    held = {"assets": {"0": {"x": "x" * 50_000}, "0a1b": row, "1": {"x": "x" * 50_000}}, "tags": TAGS}
    return {"export.json": json.dumps({"activeLearningSettings": "x" * 40_000} | held | FACTS | {"more": "x" * 40_000})}


def one(root: Path, files: dict[str, str], name: str = "a.png"):
    """Read a folder with one image; return the source and the image's labels."""
    picture(root / name)
    for file, content in files.items():
        text(root / file, content)
    source, found = read_folder(root)
    assert source.format == "vott"
    return source, found[name]


@pytest.mark.parametrize("form", [alone, exported, late_keys])
@pytest.mark.parametrize(
    ("row", "corners"),
    [
        (region(), 0),
        (region("SQUARE"), 0),
        (region(**CORNERS), 0),
        (region(**PLACE), 0),
        (region("POLYGON", **PLACE, **THREE), 6),
        (region("POLYGON", **THREE), 6),
    ],
)
def test_every_form_and_region(tmp_path: Path, form, row: dict, corners: int):
    source, (label,) = one(tmp_path, form(asset(row)))
    assert named_boxes(source, [label]) == [pytest.approx(BOX)] and not dropped(source)
    assert list(source.classes.values()) == ["cat", "dog"]
    assert len(label.polygons[0][0]) == corners if label.polygons else not corners


def test_no_file_is_left_unread(tmp_path: Path):
    picture(tmp_path / "a.png")
    for file, content in alone(asset(region())).items():
        text(tmp_path / file, content)
    tree = Tree.of(tmp_path)
    open_source(tree)
    assert tree.claimed >= set(alone(asset()))


def test_images_are_found_by_their_whole_path_first(tmp_path: Path):
    picture(tmp_path / "one/a.png")
    rows = {str(at): asset(region(tags=[tag]), path=f"file:/x/{tag}/a.png") for at, tag in enumerate(("one", "two"))}
    source, _ = one(tmp_path, {"export.json": json.dumps(FACTS | {"assets": rows})}, "two/a.png")
    names = {path: named_boxes(source, labels)[0][0] for path, labels in found_of(tmp_path).items()}
    assert names == {"one/a.png": "one", "two/a.png": "two"}


def found_of(root: Path) -> dict:
    return read_folder(root)[1]


def test_several_tags_of_a_region_are_told_and_kept(tmp_path: Path):
    source, (label,) = one(tmp_path, exported(asset(region(tags=["dog", "wet"]))))
    assert label.attributes == {"tags": ["dog", "wet"]} and "several tags of a region" in told(source)
    assert named_boxes(source, [label]) == [pytest.approx(BOX)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (region(tags=[]), "object without a class"),
        (region("POLYLINE", **THREE), "shape without an area"),
        (region("POINT", points=[{"x": 1, "y": 2}]), "shape without an area"),
        (region(points=[]), "not a finite number"),
        (region(boundingBox={"left": 1}), "not a finite number"),
        (region("POLYGON", points=[{"x": 1}, {"x": 2, "y": 2}, {"x": 3, "y": 4}]), "polygon refused"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, row: dict, reason: str):
    source, found = one(tmp_path, exported(asset(region(), row)))
    assert dropped(source) == {reason: 1} and named_boxes(source, found) == [pytest.approx(BOX)]


def test_videos_and_their_frames_are_named(tmp_path: Path):
    video = asset(region(), name="film.mp4", type=2)
    frame = asset(region(), name="film.mp4#t=5.1", type=3, parent={"name": "film.mp4"})
    here = asset(region(), name="film.mp4#t=6.png", type=3)
    rows = dict(enumerate((video, frame, here)))
    source, found = one(tmp_path, {"export.json": json.dumps(FACTS | {"assets": rows})}, "film.mp4#t=6.png")
    assert dropped(source) == {"annotation of a video": 2} and named_boxes(source, found) == [pytest.approx(BOX)]


def test_version_1_is_scaled_from_the_size_it_was_shown_in(tmp_path: Path):
    place = {"x1": 8, "y1": 12, "x2": 24, "y2": 18, "width": 32, "height": 24, "type": "Rectangle", "tags": ["dog"]}
    shape = {"points": [{"x": 8, "y": 12}, {"x": 24, "y": 12}, {"x": 24, "y": 18}]}
    frames = {"a.png": [place, place | shape | {"type": "polygon"}], "17": [place], "b.png": []}
    content = {"frames": frames, "framerate": "1", "inputTags": "cat,dog", "scd": False}
    picture(tmp_path / "b.png")
    source, found = one(tmp_path, {"set.json": json.dumps(content)})
    assert named_boxes(source, found) == [pytest.approx(BOX)] * 2 and list(source.classes.values()) == ["cat", "dog"]
    assert dropped(source) == {"annotation of a video": 1} and found_of(tmp_path)["b.png"] == []


def test_the_csv_export(tmp_path: Path):
    picture(tmp_path / "a.png")
    text(tmp_path / "Pets-export.csv", '"image","xmin","ymin","xmax","ymax","label"\n"a.png",16,24,48,36,"dog"\n')
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["a.png"]) == [BOX] and source.format == "csv"
