"""Formats with rows of text: the examples of their authors, many spellings, and bad rows named beside good ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.formats.table import FORMATS, open_source, recognised
from tator.formats.tree import Tree
from tests.folders import picture, text

SIZE = (64, 48)
Found = list[tuple[str, tuple[float, ...], dict | None]]


def read(root: Path, format: str) -> tuple[dict[str, Found], dict]:
    """Return {image: [(class, box, attributes)]} and the report, after seeing that the format is recognised."""
    tree = Tree.of(root)
    assert recognised(tree) == [format]
    source = open_source(tree)
    found = {path: source.labels(path, *SIZE) for path in tree.images}
    told = {
        path: [(source.classes[each.class_index], each.xyxy, each.attributes) for each in labels]
        for path, labels in found.items()
        if labels is not None
    }
    return told, source.report.as_json()


def pictures(root: Path, *names: str) -> None:
    for name in names:
        picture(root / name, SIZE)


DOTA = """imagesource:GoogleEarth
gsd:0.146343590398
10 10 30 10 30 20 10 20 plane 0
20 10 30 20 20 30 10 20 large-vehicle 1
"""


@pytest.mark.parametrize(
    ("labels", "images"),
    [("labelTxt", "images"), ("labelTxt-v1.5", "images"), ("", ""), ("train/labelTxt", "train/images")],
)
def test_dota_with_its_head_in_any_layout(tmp_path: Path, labels: str, images: str):
    pictures(tmp_path, f"{images}/P0706.png".lstrip("/"))
    text(tmp_path / labels / "P0706.txt", DOTA)
    found, report = read(tmp_path, "dota")
    [rows] = found.values()
    assert rows[0] == ("plane", (10, 10, 30, 20), None)
    name, box, facts = rows[1]
    assert (name, box) == ("large-vehicle", (10, 10, 30, 30))
    assert facts == {"rotation": pytest.approx(45), "difficult": True}
    assert not report["counts"]["dropped"]


KITTI = "Car 0.00 0 1.85 10.0 12.0 30.5 40.0 1.67 1.87 3.69 -16.53 2.39 58.49 1.57"


def test_kitti_keeps_what_is_solid_and_regions_that_nobody_labelled(tmp_path: Path):
    pictures(tmp_path, "image_2/000001.png", "image_2/000002.png")
    more = "Cyclist 0.25 2 -10 1 2 9 20 -1 -1 -1 -1000 -1000 -1000 -10\nDontCare -1 -1 -10 40 1 60 20 -1 -1 -1 -1000 -1000 -1000 -10\n"
    text(tmp_path / "label_2/000001.txt", f"{KITTI}\n{more}")
    text(tmp_path / "label_2/000002.txt", "")
    found, _ = read(tmp_path, "kitti")
    solid = {"alpha": 1.85, "dimensions": [1.67, 1.87, 3.69], "location": [-16.53, 2.39, 58.49], "rotation_y": 1.57}
    assert found == {
        "image_2/000001.png": [
            ("Car", (10, 12, 30.5, 40), solid),
            ("Cyclist", (1, 2, 9, 20), {"truncation": 0.25, "occlusion": 2}),
            ("DontCare", (40, 1, 60, 20), {"crowd": True}),
        ],
        "image_2/000002.png": [],
    }


def test_kitti_results_have_a_confidence(tmp_path: Path):
    pictures(tmp_path, "image_2/1.png")
    text(tmp_path / "label_2/1.txt", f"{KITTI} 0.75")
    source = open_source(Tree.of(tmp_path))
    assert [each.confidence for each in source.labels("image_2/1.png", *SIZE)] == [0.75]


def test_what_a_row_says_and_cannot_be_kept_is_told(tmp_path: Path):
    pictures(tmp_path, "k/image_2/1.png", "d/images/1.png")
    text(tmp_path / "k/label_2/1.txt", KITTI.replace("Car 0.00 0", "Car 3.5 1.5"))
    found, report = read(tmp_path / "k", "kitti")
    assert not {"truncation", "occlusion"} & found["image_2/1.png"][0][2].keys()
    assert report["counts"]["repaired"] == {"truncation left out": 1, "occlusion left out": 1}
    text(tmp_path / "d/labelTxt/1.txt", "10 10 30 10 30 20 10 20 plane 2\n")
    found, report = read(tmp_path / "d", "dota")
    assert found["images/1.png"][0][2] == {"difficult": True}
    assert report["counts"]["repaired"] == {"difficulty 2 read as difficult": 1}


@pytest.mark.parametrize("row", ["1,7.5,1,1,9,9,1,1,1", "1,7,1,1,9,9,1,1.5,1", "1.5,7,1,1,9,9,1,1,1"])
def test_a_mot_row_with_a_fractional_number_is_named(tmp_path: Path, row: str):
    pictures(tmp_path, "img1/1.png")
    rows = ["1,7,1,1,9,9,1,1,1"] * 60  # past what a look reads
    text(tmp_path / "gt/gt.txt", "\n".join([*rows, row]))
    [entry] = read(tmp_path, "mot")[1]["dropped"]
    assert (entry["reason"], entry["line"]) == ("not a row of MOTChallenge", 61)


def test_mot_sequences_with_tracks_visibility_and_what_does_not_count(tmp_path: Path):
    pictures(tmp_path, "train/MOT16-02/img1/000001.jpg", "train/MOT16-02/img1/000002.jpg")
    rows = "1,7,10,5,20,30,1,1,0.86\n2,7,12,5,20,30,0,7,0.5\n9,7,12,5,20,30,1,1,1\n2,8,nonsense\n"
    text(tmp_path / "train/MOT16-02/gt/gt.txt", rows)
    tree = Tree.of(tmp_path)
    assert recognised(tree) == [], "a row of text among numbers is no sequence"
    text(tmp_path / "train/MOT16-02/gt/gt.txt", rows.rsplit("\n", 2)[0])
    found, report = read(tmp_path, "mot")
    assert found == {
        "train/MOT16-02/img1/000001.jpg": [("Pedestrian", (10, 5, 30, 35), {"track": 7, "visibility": 0.86})],
        "train/MOT16-02/img1/000002.jpg": [
            ("Static person", (12, 5, 32, 35), {"track": 7, "crowd": True, "visibility": 0.5})
        ],
    }
    assert report["counts"]["dropped"] == {"frame is not in the folder": 1}


def test_mot_names_of_its_own_and_the_folder_that_seqinfo_names(tmp_path: Path):
    pictures(tmp_path, "a/frames/1.png")
    text(tmp_path / "a/seqinfo.ini", "[Sequence]\nname=a\nimDir=frames\n")
    text(tmp_path / "a/gt/labels.txt", "cat\ndog\n")
    text(tmp_path / "a/gt/gt.txt", "1,1,1,1,10,10,1,2,1\n")
    assert read(tmp_path, "mot")[0] == {"a/frames/1.png": [("dog", (1, 1, 11, 11), {"track": 1, "visibility": 1})]}


WIDER = """0--Parade/one.jpg
2
10 10 20 20 2 0 0 0 1 0
40 1 5 5 0 0 0 1 0 0
0--Parade/none.jpg
0
0 0 0 0 0 0 0 0 0 0
0--Parade/two.jpg
1
1 1 9 9 0 0 0 0 0 0
"""


def test_wider_faces_with_their_grades_and_images_without_faces(tmp_path: Path):
    names = [f"WIDER_val/images/0--Parade/{name}.jpg" for name in ("none", "one", "two")]
    pictures(tmp_path, *names)
    text(tmp_path / "wider_face_split/wider_face_val_bbx_gt.txt", WIDER)
    found, report = read(tmp_path, "wider")
    assert list(found) == names and found[names[0]] == []
    assert found[names[1]] == [
        ("face", (10, 10, 30, 30), {"blur": 2, "occlusion": 1}),
        ("face", (40, 1, 45, 6), {"crowd": True}),
    ]
    assert not report["counts"]["dropped"]


def test_wider_rows_that_end_with_a_class_and_spell_their_grades(tmp_path: Path):
    """As CVAT and datumaro write them, whose order of the grades is another."""
    pictures(tmp_path, "WIDER_train/images/no_label/a.jpg")
    rows = "4 6 20 10 1 - - True - False cat\n30 20 10 20 - - - - - True dog\n1 1 9 9 0 0 0 0 0 0\n5 5 9 9 cat\n"
    text(tmp_path / "wider_face_split/wider_face_train_bbx_gt.txt", f"no_label/a.jpg\n4\n{rows}")
    found, report = read(tmp_path, "wider")
    assert list(found.values()) == [
        [
            ("cat", (4, 6, 24, 16), {"blur": 1, "occlusion": 1}),
            ("dog", (30, 20, 40, 40), {"crowd": True}),
            ("face", (1, 1, 10, 10), None),
            ("cat", (5, 5, 14, 14), None),
        ]
    ]
    assert not report["counts"]["dropped"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("-1 -1", []),
        ("0 0", []),
        ("-0.5 0", ["truncation"]),
        ("2 0", ["truncation"]),
        ("0 -2", ["occlusion"]),
        ("0 1.5", ["occlusion"]),
        ("-3 0.5", ["occlusion", "truncation"]),
    ],
)
def test_kitti_says_which_truncation_and_occlusion_it_cannot_keep(tmp_path: Path, columns: str, told: list[str]):
    pictures(tmp_path, "image_2/000001.png")
    text(tmp_path / "label_2/000001.txt", KITTI.replace("0.00 0", columns, 1))
    found, report = read(tmp_path, "kitti")
    [[(_, _, facts)]] = found.values()
    assert not (facts or {}).keys() & {"truncation", "occlusion"}
    assert sorted(reason.split()[0] for reason in report["counts"]["repaired"]) == told


def test_wider_says_where_a_list_breaks_off(tmp_path: Path):
    pictures(tmp_path, "0--Parade/one.jpg", "0--Parade/none.jpg", "0--Parade/two.jpg")
    text(tmp_path / "wider_face_train_bbx_gt.txt", WIDER.replace("0--Parade/two.jpg", "what is this"))
    found, report = read(tmp_path, "wider")
    assert len(found) == 2
    [entry] = report["dropped"]
    assert (entry["reason"], entry["line"]) == ("not a list of WIDER FACE", 8)


def test_deeppcb_pairs_a_label_file_with_the_tested_board(tmp_path: Path):
    pictures(tmp_path, *(f"group1/00041/000410{n}_{kind}.jpg" for n in "12" for kind in ("temp", "test")))
    text(tmp_path / "group1/00041_not/0004101.txt", "5 6 20 22 3\n30 1 40 9 6\n")
    text(tmp_path / "group1/00041_not/0004102.txt", "")
    found, report = read(tmp_path, "deeppcb")
    assert found == {
        "group1/00041/0004101_test.jpg": [("mousebite", (5, 6, 20, 22), None), ("pin-hole", (30, 1, 40, 9), None)],
        "group1/00041/0004102_test.jpg": [],
    }
    assert report["counts"]["noticed"] == {"templates have no labels": 1}


GOOD = {"dota": "10 10 30 10 30 20 10 20 plane 0", "kitti": KITTI, "deeppcb": "5 6 20 22 3"}
BAD = {
    "dota": {
        "10 10 30 10 30 20 plane 0": "not a row",
        "10 10 30 10 30 20 10 nan plane 0": "not a row",
        "90 90 99 90 99 99 90 99 plane 0": "zero area",
        "10 10 10 10 10 10 10 10 plane 0": "zero area",
    },
    "kitti": {
        "Car 0 0 0 10 12 30": "not a row",
        "Car 0 0 0 30 12 10 40 -1 -1 -1 -1 -1 -1 -1": "negative",
        "Car 0 0 0 10 12 inf 40 -1 -1 -1 -1 -1 -1 -1": "not a row",
        "Car 0 0 0 900 900 990 990 -1 -1 -1 -1 -1 -1 -1": "outside",
    },
    "deeppcb": {
        "5 6 20 22": "not a row",
        "9 6 5 22 1": "not a row",
        "5 6 20 22 99": "not a row",
        "70 6 90 22 1": "outside",
    },
}


@pytest.mark.parametrize(("format", "row"), [(format, row) for format, rows in BAD.items() for row in rows])
def test_a_bad_row_is_named_with_its_line_and_the_good_ones_are_read(tmp_path: Path, format: str, row: str):
    pictures(tmp_path, "a_test.png", *(f"{at}_test.png" for at in range(9)))
    stem = "a_test" if format != "deeppcb" else "a"
    for at in range(9):
        text(tmp_path / f"{at}{'' if format == 'deeppcb' else '_test'}.txt", GOOD[format])
    text(tmp_path / f"{stem}.txt", f"{GOOD[format]}\n{row}\n{GOOD[format]}\n")
    found, report = read(tmp_path, format)
    assert len(found["a_test.png"]) == 2
    [entry] = report["dropped"]
    assert (entry["file"], entry["line"]) == (f"{stem}.txt", 2) and BAD[format][row] in entry["reason"]


def test_numbers_in_pixels_are_not_yolo(tmp_path: Path):
    pictures(tmp_path, "a.png")
    text(tmp_path / "a.txt", "0 120 88 40 40\n1 50 60 33 20\n")
    assert "yolo" not in recognised(Tree.of(tmp_path))


def test_every_one_of_them_is_in_the_table():
    assert {"dota", "kitti", "mot", "wider", "deeppcb"} <= FORMATS.keys()
