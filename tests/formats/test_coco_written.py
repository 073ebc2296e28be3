"""COCO files that are written read back equal, here and by pycocotools: attributes, crowds, angles, key points, masks."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats._shapes import extent, mask_of
from tator.formats._turned import corners_of
from tator.formats.table import FORMATS
from tator.formats.writing import Folder, Written
from tator.vision.masks import of_polygons, to_dense, to_rle
from tests.folders import picture
from tests.reading import dropped, read_folder

WIDTH, HEIGHT = 64, 48
NAMES = ["cat", "dog"]
SKELETON = Skeleton(("nose", "ear", "tail"), ((0, 1), (1, 2)))
RING = [4.0, 6.0, 24.0, 6.0, 24.0, 16.0, 4.0, 16.0]
HOLE = [8.0, 8.0, 8.0, 12.0, 16.0, 12.0, 16.0, 8.0]
MASK = to_rle(of_polygons([[RING, HOLE]], WIDTH, HEIGHT), WIDTH, HEIGHT)
BOX = (4.0, 6.0, 24.0, 16.0)
POINTS = [[5.0, 7.0, 2], [0.0, 0.0, 0], [9.5, 8.0, 1]]

text = st.text("abc _é日", min_size=1, max_size=8)
free = st.dictionaries(
    text.map("x".__add__), text | st.integers(-5, 5) | st.booleans() | st.floats(-9, 9) | st.lists(text, max_size=2)
)
reserved = st.fixed_dictionaries(
    {},
    optional={
        "occluded": st.booleans(),
        "truncated": st.booleans(),
        "difficult": st.booleans(),
        "crowd": st.just(True),
        "group": st.integers(0, 9) | text,
        "track": st.integers(0, 9) | text,
        "text": text,
        "z": st.integers(-3, 3),
        "interpolated": st.booleans(),
        "occlusion": st.integers(0, 3),
        "truncation": st.floats(0, 1),
        "keypoints": st.just(POINTS),
    },
)


@st.composite
def labels(draw: st.DrawFn) -> Label:
    """A box, an outline, parts, a mask or a turned box, with attributes."""
    attributes = draw(free) | draw(reserved)
    index = draw(st.integers(0, 1))
    kind = draw(st.sampled_from(("box", "outline", "parts", "mask", "turned")))
    found = Label(index, BOX, confidence=draw(st.none() | st.floats(0, 1)), attributes=attributes or None)
    if kind == "turned":
        turn = float(draw(st.integers(1, 359)))
        ring = corners_of((20, 16, 40, 28), turn)
        return replace(found, xyxy=extent(ring), polygons=[[ring]], attributes={**attributes, "rotation": turn})
    part = [30.0, 6.0, 40.0, 6.0, 40.0, 16.0]
    return replace(
        found,
        xyxy=(4.0, 6.0, 40.0, 16.0) if kind == "parts" else BOX,
        polygons={"outline": [[RING]], "parts": [[RING], [part]]}.get(kind),
        rle=MASK if kind == "mask" else None,
    )


def written(root: Path, format: str, found: Sequence[Label], **more) -> Path:
    """Write one image of a format with its picture."""
    known = FORMATS[format]
    place = known.image_path("train", "a.png")
    out = Folder(root)
    out.skeletons = {1: SKELETON}
    list(known.write(out, NAMES, {"train": [Written(place, "a.png", "train", WIDTH, HEIGHT, found, **more)]}))
    picture(root / place)
    return root


def same(ours: Label, theirs: Label) -> None:
    """Fail where two labels differ by more than the rounding of a thousandth of a pixel."""
    assert (theirs.class_index, theirs.rle, theirs.confidence) == (ours.class_index, ours.rle, ours.confidence)
    assert theirs.xyxy == pytest.approx(ours.xyxy, abs=2e-3)
    assert (theirs.attributes or {}) == (ours.attributes or {})
    flat = [[v for polygon in each.polygons or [] for ring in polygon for v in ring] for each in (ours, theirs)]
    assert flat[1] == pytest.approx(flat[0], abs=2e-3)


@pytest.mark.parametrize("format", ["coco", "roboflow"])
@settings(max_examples=40, deadline=None)
@given(found=st.lists(labels(), max_size=5), tags=st.lists(text, max_size=2, unique=True), notes=st.none() | text)
def test_everything_is_read_back_equal(format: str, found: list[Label], tags: list[str], notes: str | None):
    with tempfile.TemporaryDirectory() as folder:
        source, read = read_folder(written(Path(folder), format, found, tags=tags, notes=notes))
    [(path, back)] = read.items()
    assert not dropped(source) and not source.report.counts["repaired"]
    assert not source.report.counts["noticed"].keys() - {"crowd regions are not single objects"}
    for ours, theirs in zip(found, back or [], strict=True):
        same(ours, theirs)
    assert source.tags.get(path, []) == tags
    assert source.notes.get(path) == (notes if notes and notes.strip() else None)
    assert source.skeletons == {1: SKELETON} and list(source.classes.values()) == NAMES


def test_an_outline_with_a_hole_is_written_as_a_mask(tmp_path: Path):
    source, read = read_folder(written(tmp_path, "coco", [Label(0, BOX, [[RING, HOLE]], attributes={"crowd": True})]))
    [back] = read["images/train/a.png"] or []
    assert back.rle == MASK and back.attributes == {"crowd": True}
    assert source.report.counts["noticed"] == {"crowd regions are not single objects": 1}


def content(root: Path) -> dict:
    return json.loads((root / "annotations/instances_train.json").read_bytes())


def test_the_fields_are_those_that_coco_cvat_and_datumaro_have(tmp_path: Path):
    said = {"crowd": True, "track": 7, "z": 2, "occluded": False, "keypoints": POINTS}
    facts = content(written(tmp_path, "coco", [Label(1, BOX, rle=MASK, attributes=said), Label(0, BOX)]))
    first, second = facts["annotations"]
    assert first["iscrowd"] == 1 and second["iscrowd"] == 0
    assert first["attributes"] == {"is_crowd": True, "track_id": 7, "z_order": 2, "occluded": False}
    assert first["keypoints"] == [5, 7, 2, 0, 0, 0, 9.5, 8, 1] and first["num_keypoints"] == 2
    assert not {"attributes", "keypoints"} & second.keys() and second["num_keypoints"] == 0
    assert facts["categories"][1]["skeleton"] == [[1, 2], [2, 3]]
    assert facts["categories"][1]["keypoints"] == list(SKELETON.names) and "keypoints" not in facts["categories"][0]


def test_a_turned_box_is_at_its_place_for_readers_that_know_no_angle(tmp_path: Path):
    ring = corners_of((20, 16, 40, 28), 30)
    [row] = content(written(tmp_path, "coco", [Label(0, extent(ring), [[ring]], attributes={"rotation": 30.0})]))[
        "annotations"
    ]
    x1, y1, x2, y2 = extent(ring)
    assert row["bbox"] == pytest.approx([x1, y1, x2 - x1, y2 - y1], abs=2e-3)
    assert row["segmentation"][0] == pytest.approx(ring, abs=2e-3) and row["attributes"] == {"rotation": 30.0}


@pytest.fixture
def api(tmp_path: Path):
    """Return pycocotools' view of a file with an outline, a mask with a hole, and a crowd with key points."""
    from pycocotools.coco import COCO

    found = [
        Label(0, BOX, [[RING]], attributes={"occluded": True}),
        Label(0, BOX, [[RING, HOLE]]),
        Label(1, BOX, rle=MASK, attributes={"crowd": True}),
        Label(1, BOX, [[RING]], attributes={"keypoints": POINTS}),
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        yield COCO(str(written(tmp_path, "coco", found) / "annotations/instances_train.json")), found


def test_pycocotools_reads_masks_crowds_and_key_points(api):
    known, found = api
    rows = known.loadAnns(known.getAnnIds())
    assert [row["id"] for row in known.loadAnns(known.getAnnIds(iscrowd=True))] == [3]
    for row, label in zip(rows, found, strict=True):
        ours = to_dense(mask_of(label, WIDTH, HEIGHT), WIDTH, HEIGHT)
        assert (known.annToMask(row).astype(bool) == ours).all() and row["area"] == pytest.approx(ours.sum(), abs=1)
    [dog] = known.loadCats(known.getCatIds(catNms=["dog"]))
    assert len(dog["keypoints"]) == 3 and np.reshape(rows[3]["keypoints"], (-1, 3)).tolist() == POINTS


@pytest.mark.parametrize("kind", ["segm", "bbox", "keypoints"])
def test_pycocotools_scores_our_file_against_itself_as_perfect(api, kind: str):
    from pycocotools.cocoeval import COCOeval

    known, _ = api
    dog = known.getCatIds(catNms=["dog"])
    rows = [row | {"score": 1.0} for row in known.loadAnns(known.getAnnIds(iscrowd=False, catIds=dog))]
    run = COCOeval(known, known.loadRes(rows), kind)
    run.params.catIds = dog
    if kind == "keypoints":
        run.params.kpt_oks_sigmas = np.full(3, 0.1)
    run.evaluate()
    run.accumulate()
    run.summarize()
    assert run.stats[0] == pytest.approx(1)
