"""CVAT's skeletons, tags of images, and where a shape comes from, as CVAT writes them; and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats.table import FORMATS, open_source
from tator.formats.tree import Tree
from tator.formats.writing import Folder, Written
from tests.folders import picture, text
from tests.reading import read_folder, told

SVG = (
    '&lt;line x1="1" y1="1" x2="9" y2="9" data-type="edge" data-node-from="1" data-node-to="2"&gt;&lt;/line&gt;'
    '&lt;circle data-type="element node" data-node-id="2" data-label-name="tail"&gt;&lt;/circle&gt;'
    '&lt;circle data-type="element node" data-node-id="1" data-label-name="head"&gt;&lt;/circle&gt;'
)
PART = "<label><name>{}</name><type>points</type><parent>dog</parent></label>"
LABELS = {
    "drawn": f"<label><name>dog</name><type>skeleton</type><svg>{SVG}</svg></label>",
    "drawn and listed": f"<label><name>dog</name><svg>{SVG}</svg></label>{PART.format('tail')}{PART.format('head')}",
    "listed": f"<label><name>dog</name></label>{PART.format('head')}{PART.format('tail')}",
    "not declared": "<label><name>dog</name></label>",
}
POINTS = (
    '<points label="head" outside="0" occluded="1" points="10.5,20.0"></points>'
    '<points label="tail" outside="0" occluded="0" points="40.0,30.0"></points>'
)


def file(root: Path, labels: str, inside: str) -> Path:
    picture(root / "a.png", (96, 72))
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    text(root / "annotations.xml", f"<annotations><version>1.1</version>{meta}{inside}</annotations>")
    return root


def image(inside: str) -> str:
    return f'<image id="0" name="a.png" width="96" height="72">{inside}</image>'


@pytest.mark.parametrize("labels", LABELS)
def test_a_skeleton_is_a_box_with_key_points(tmp_path: Path, labels: str):
    shape = f'<skeleton label="dog" source="manual" z_order="0">{POINTS}</skeleton>'
    source, found = read_folder(file(tmp_path, LABELS[labels], image(shape)))
    (label,) = found["a.png"]
    assert list(source.classes.values()) == ["dog"] and not told(source)
    assert label.xyxy == (10.5, 20, 40, 30) and label.attributes == {"keypoints": [[10.5, 20, 1], [40, 30, 2]]}
    assert source.skeletons == {0: Skeleton(("head", "tail"), ((0, 1),) if "drawn" in labels else ())}


def test_a_skeleton_in_a_track_lies_on_its_frames(tmp_path: Path):
    rows = "".join(
        f'<skeleton frame="{at}" keyframe="1" z_order="0">{POINTS.replace("10.5", str(at))}</skeleton>' for at in (0, 1)
    )
    gone = '<skeleton frame="2" keyframe="1" outside="1"></skeleton>'
    for at in range(3):
        picture(tmp_path / f"frame_{at}.png", (96, 72))
    (file(tmp_path, LABELS["drawn"], f'<track id="3" label="dog">{rows}{gone}</track>') / "a.png").unlink()
    _, found = read_folder(tmp_path)
    assert [[label.attributes for label in found[f"frame_{at}.png"] or []] for at in range(3)] == [
        [{"keypoints": [[at, 20, 1], [40, 30, 2]], "track": 3}] for at in (0, 1)
    ] + [[]]


def test_a_skeleton_joins_the_box_of_its_group(tmp_path: Path):
    def box(x: int, group: int) -> str:
        return f'<box label="dog" group_id="{group}" xtl="{x}" ytl="5" xbr="{x + 40}" ybr="40"></box>'

    skeleton = '<skeleton label="dog" group_id="{}">' + POINTS + "</skeleton>"
    inside = box(1, 1) + skeleton.format(1) + box(2, 2) + box(3, 3) + box(4, 3) + skeleton.format(3)
    _, found = read_folder(file(tmp_path, LABELS["drawn"], image(inside)))
    points = {"keypoints": [[10.5, 20, 1], [40, 30, 2]]}
    assert [(label.xyxy[0], label.attributes) for label in found["a.png"]] == [
        (1, points),
        (2, {"group": 2}),
        (3, {"group": 3}),
        (4, {"group": 3} | points),
    ]


def test_points_that_are_not_seen_are_told(tmp_path: Path):
    shape = f'<skeleton label="dog">{POINTS.replace("outside=" + chr(34) + "0", "outside=" + chr(34) + "1")}</skeleton>'
    source, found = read_folder(file(tmp_path, LABELS["drawn"], image(shape)))
    assert found["a.png"] == [] and "a skeleton of 0 points that are seen: dog" in told(source)


def test_tags_of_images_and_sources_of_shapes(tmp_path: Path):
    tag = '<tag label="night" source="manual"><attribute name="moon">full</attribute></tag>'
    shapes = "".join(
        f'<box label="dog" source="{source}" xtl="{at}" ytl="1" xbr="{at + 9}" ybr="9"></box>'
        for at, source in enumerate(("manual", "auto", "semi-auto", ""))
    )
    labels = LABELS["listed"] + "<label><name>night</name><type>tag</type></label>"
    source, found = read_folder(file(tmp_path, labels, image(tag + shapes)))
    assert source.tags == {"a.png": ["night"]} and list(source.classes.values()) == ["dog"]
    assert "moon of night" in told(source)
    assert [label.attributes for label in found["a.png"]] == [None, {"source": "auto"}, {"source": "semi-auto"}, None]


SEEN = [[10.0, 20.0, 2], [40.0, 30.0, 1], [0.0, 0.0, 0]]
AROUND, WIDER = (10.0, 20.0, 40.0, 30.0), (8.0, 12.0, 60.0, 50.0)
RING = [[[8.0, 12.0, 60.0, 12.0, 60.0, 50.0]]]
WRITTEN = [
    Label(0, AROUND, attributes={"keypoints": SEEN}),
    Label(0, AROUND, attributes={"keypoints": SEEN, "group": 4, "z": 2, "occluded": True, "colour": "red"}),
    Label(0, WIDER, attributes={"keypoints": SEEN, "source": "auto", "age": 3}),
    Label(0, WIDER, attributes={"group": 4}),
    Label(0, WIDER, attributes={"group": "pair", "keypoints": SEEN}),
    Label(0, WIDER, RING, attributes={"keypoints": SEEN, "rotation": 20.0}),
    Label(0, WIDER, attributes={"keypoints": [[0.0, 0.0, 0]] * 3}),
]


@pytest.mark.parametrize("names", [("head", "tail", "paw"), ("head",), ()])
def test_key_points_come_back_with_their_box_and_group(tmp_path: Path, names: tuple[str, ...]):
    out = Folder(tmp_path)
    out.skeletons = {0: Skeleton(names, ())} if names else {}
    picture(tmp_path / "a.png", (96, 72))
    written = Written("a.png", "a.png", "train", 96, 72, WRITTEN)
    assert list(FORMATS["cvat"].write(out, ["dog"], {"train": [written]})) == [1] and not out.notes
    source = open_source(Tree.of(tmp_path), "cvat")
    back = source.labels("a.png", 96, 72)
    assert [(label.xyxy, label.attributes) for label in back] == [(label.xyxy, label.attributes) for label in WRITTEN]
    assert back[5].polygons == RING
    assert source.skeletons[0].names == names + tuple(str(at) for at in range(len(names) + 1, 4))
