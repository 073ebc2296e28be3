"""Predictions in files: what they are called, which images they mean, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.types import BadInput
from tator.workflows.evaluation.ground_truth import FileTruth
from tator.workflows.evaluation.predictors.base import Asked
from tator.workflows.evaluation.predictors.replay import Replay
from tator.workflows.evaluation.records import Record

NAMES = ["train/one.jpg", "train/two.jpg", "three.jpg"]


@pytest.fixture
def truth(tmp_path: Path) -> FileTruth:
    rows = [
        {"images": [name], "width": 100, "height": 50, "objects": [{"bbox_2d": [1, 1, 9, 9], "desc": desc}]}
        for name, desc in zip(NAMES, ("cat", "dog", "cat"), strict=True)
    ]
    (tmp_path / "gt.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return FileTruth(tmp_path / "gt.jsonl", mode="text")


def replayed(path: Path, truth: FileTruth, **options) -> tuple[dict[int, list[tuple]], Replay]:
    replay = Replay(path, truth, **options)
    replay.open()
    answers = replay.predict_batch([Asked(record, lambda: None) for record in truth.records()])
    rows = {
        k: [(each["desc"], *each["points"], each.get("score")) for each in one.objects] for k, one in enumerate(answers)
    }
    return {k: found for k, found in rows.items() if found}, replay


def result(image, category=1, **more) -> dict:
    return {"image_id": image, "category_id": category, "bbox": [10, 10, 20, 5], "score": 0.5, **more}


CAT = ("cat", 10, 10, 30, 15, 0.5)


@pytest.mark.parametrize("image", ["train/one.jpg", "one.jpg", "one", 0])
def test_images_are_found_by_number_path_name_or_stem(truth, tmp_path, image):
    (tmp_path / "p.json").write_text(json.dumps([result(image)]))
    assert replayed(tmp_path / "p.json", truth)[0] == {0: [CAT]}


def test_a_whole_coco_file_names_its_images_and_classes(truth, tmp_path):
    whole = {
        "images": [{"id": 77, "file_name": "two.jpg"}],
        "categories": [{"id": 9, "name": "bird"}],
        "annotations": [result(77, 9)],
    }
    (tmp_path / "p.json").write_text(json.dumps(whole))
    assert replayed(tmp_path / "p.json", truth)[0] == {1: [("bird", *CAT[1:])]}


def test_ids_that_do_not_meet_are_refused_by_name(truth, tmp_path):
    for images in ([17, 18], ["a.png", "b.png"]):
        (tmp_path / "p.json").write_text(json.dumps([result(image) for image in images]))
        with pytest.raises(BadInput, match=f"{images[0]!r}.*there are"):
            replayed(tmp_path / "p.json", truth)


def test_some_ids_that_do_not_meet_are_told(truth, tmp_path):
    (tmp_path / "p.json").write_text(json.dumps([result("one.jpg"), result("gone.jpg")]))
    found, replay = replayed(tmp_path / "p.json", truth)
    assert (
        found == {0: [CAT]} and replay.describe()["unmet"] == ["'gone.jpg'"] and replay.describe()["unmet_images"] == 1
    )


@pytest.mark.parametrize(("categories", "names"), [((1, 2), ("cat", "dog")), ((0, 1), ("cat", "dog"))])
def test_categories_count_from_one_or_from_zero_where_zero_occurs(truth, tmp_path, categories, names):
    (tmp_path / "p.json").write_text(json.dumps([result(0, category) for category in categories]))
    assert [row[0] for row in replayed(tmp_path / "p.json", truth)[0][0]] == list(names)


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"a": 1}', '[{"image_id": 0, "category_id": 7, "bbox": [1,1,2,2], "score": 1}]', "NaN"]
)
def test_files_that_are_no_results_are_refused(truth, tmp_path, content):
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(BadInput, match="p.json"):
        replayed(tmp_path / "p.json", truth)


def test_yolo_text_with_scores(truth, tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "one.txt").write_text("0 .2 .5 .2 .2 0.75\n\n1 .5 .5 .1 .1\n")
    (folder / "three.txt").write_text("1 .1 .1 .5 .1 .5 .5 0.25\n")
    found, _ = replayed(folder, truth)
    assert [row[0] for row in found[0]] == ["cat", "dog"] and found[0][1][5] is None
    assert found[0][0][1:] == pytest.approx((10, 20, 30, 30, 0.75)) and found[0][1][1:5] == pytest.approx(
        (45, 22.5, 55, 27.5)
    )
    assert found[2] == [("dog", 10, 5, 50, 5, 50, 25, 0.25)]


@pytest.mark.parametrize("line", ["0 .2 .5", "2 .2 .5 .2 .2 .5", "cat .2 .5 .2 .2 .5", "-1 .2 .5 .2 .2 .5"])
def test_yolo_lines_that_are_none_are_refused_by_place(truth, tmp_path, line):
    (tmp_path / "one.txt").write_text(f"0 .2 .5 .2 .2 .5\n{line}\n")
    with pytest.raises(BadInput, match="one.txt:2"):
        replayed(tmp_path, truth)


def test_our_own_records(truth, tmp_path):
    record = Record(
        2, "three.jpg", 100, 50, [], [{"type": "bbox_2d", "points": [1, 2, 3, 4], "desc": "cat", "score": 0.1}]
    )
    record.score_source = "constant"
    (tmp_path / "p.jsonl").write_bytes(record.as_line())
    found, replay = replayed(tmp_path / "p.jsonl", truth)
    assert found == {2: [("cat", 1, 2, 3, 4, 0.1)]} and replay.score_source == "constant"
    (tmp_path / "p.jsonl").write_bytes(b"{broken\n")
    with pytest.raises(BadInput, match="p.jsonl:1"):
        replayed(tmp_path / "p.jsonl", truth)


def test_answers_in_words_are_read_in_the_space_that_is_said(truth, tmp_path):
    text = '{"object_1": {"desc": "cat", "bbox_2d": [10, 20, 30, 40]}, "object_2": {"desc": "dog", "bbox_2d": [1, 2, 3'
    (tmp_path / "p.jsonl").write_text(json.dumps({"record_index": 1, "text": text}))
    found, replay = replayed(tmp_path / "p.jsonl", truth, coord_mode="pixel")
    assert found == {1: [("cat", 10, 20, 30, 40, None)]} and replay.score_source == "constant"
    found, _ = replayed(tmp_path / "p.jsonl", truth)
    assert found[1][0][1:5] == pytest.approx((10 / 999 * 100, 20 / 999 * 50, 30 / 999 * 100, 40 / 999 * 50))
