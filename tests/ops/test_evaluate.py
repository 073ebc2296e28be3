"""Evaluations as a person makes them: run, look, compare, fix a label, run again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.cli import main
from tator.datasets.dataset import Dataset
from tator.editing.candidates import replace_candidates
from tator.editing.edits import save_edits
from tator.ops import call, operations, prepared
from tator.types import BadInput, Conflict, Detections, NotFound
from tests.folders import coloured, finish, make

SQUARES = 24


def run(wb, name: str = "one", operation: str = "evaluate", **arguments) -> dict:
    verb = operations()[operation]
    given = {"dataset": "squares"} if operation == "evaluate" else {}
    return finish(verb.fn(wb, **prepared(wb, verb, {"name": name, **given, **arguments})))


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "set"), "squares")


def results(dataset: Dataset, path: Path, shift: float = 0.0, leave_out: int = 0) -> str:
    """Write the labels as predictions, moved and with the first ones of each image left out."""
    order = {row.class_id: at for at, row in enumerate(dataset.classes(), 1)}
    rows = []
    for at, image in enumerate(dataset.images()):
        found = dataset.annotations([image.id])[image.id]
        for k, (box, class_id) in enumerate(zip(found.xyxy.tolist(), found.class_id.tolist(), strict=True)):
            x1, y1, x2, y2 = box
            if k >= leave_out:
                rows.append(
                    {
                        "image_id": at,
                        "category_id": order[class_id],
                        "bbox": [x1 + shift, y1, x2 - x1, y2 - y1],
                        "score": 0.9 - k / 10,
                    }
                )
    path.write_text(json.dumps(rows))
    return str(path)


def test_from_a_file_to_numbers_and_pages(wb, squares, tmp_path):
    told = run(wb, predictor="file", source=results(squares, tmp_path / "p.json", leave_out=1))
    assert told["metrics"]["coverage"] == 0.75 and "warnings" not in told
    row = call(wb, "runs_list", family="evaluation")[0]
    assert row["name"] == "one" and row["dataset"] == "squares" and row["figures"]["snapshot"] == "evaluation one"
    whole = call(wb, "evaluate_get", name="one")
    assert whole["metrics"]["f1@0.50_fn"] == 6 and whole["ground_truth"]["gt_sha256"] and whole["predictions"]["sha256"]
    page = call(wb, "evaluate_report", name="one")["content"]
    assert page.startswith("<!doctype html>") and "squares" in page and "http" not in page
    assert json.loads(call(wb, "evaluate_report", name="one", format="json")["content"])["images"] == 6
    with pytest.raises(Conflict):
        run(wb, predictor="file", source=str(tmp_path / "p.json"))
    with pytest.raises(NotFound):
        call(wb, "evaluate_get", name="two")


def test_curves_hold_the_counts_of_every_threshold(wb, squares, tmp_path):
    source = results(squares, tmp_path / "p.json", shift=3)
    run(wb, predictor="file", source=source)
    curves = call(wb, "evaluate_curves", name="one")
    assert curves["is_exact"] and curves["thresholds"] == sorted(curves["thresholds"], reverse=True)
    for at, thr in enumerate(curves["thresholds"]):
        again = run(wb, f"at {at}", predictor="file", source=source, score_thr=thr)
        got = call(wb, "evaluate_get", name=again["evaluation"])["metrics"]
        assert (curves["all"]["tp"][at], curves["all"]["pred"][at]) == (
            got["f1@0.50_tp"],
            got["f1@0.50_tp"] + got["f1@0.50_fp"],
        )
        rows = [sum(row["tp"][at] for row in curves["classes"]), sum(row["gt"] for row in curves["classes"])]
        assert rows == [curves["all"]["tp"][at], SQUARES]


def planted(squares: Dataset, path: Path) -> str:
    """Write one mistake of each kind into the first images; all else is right."""
    rows = json.loads(Path(results(squares, path)).read_text())
    of = {image: [row for row in rows if row["image_id"] == image] for image in range(6)}
    rows.remove(of[0][0])  # missed
    rows.append({"image_id": 1, "category_id": 1, "bbox": [34, 26, 8, 6], "score": 0.8})  # false
    of[2][0]["category_id"] = 3 - of[2][0]["category_id"]  # wrong class
    of[3][0]["bbox"][0] += 10  # loose
    rows.append({**of[4][0], "score": 0.3})  # duplicate
    path.write_text(json.dumps(rows))
    return str(path)


def test_every_kind_of_mistake_is_told_once_with_its_image(wb, squares, tmp_path):
    run(wb, predictor="file", source=planted(squares, tmp_path / "p.json"))
    found = call(wb, "evaluate_mistakes", name="one")
    assert found["counts"] == {"missed": 1, "false": 1, "wrong_class": 1, "loose_box": 1, "duplicate": 1}
    place = {row["kind"]: row["record_index"] for row in found["mistakes"]}
    assert place == {"missed": 0, "false": 1, "wrong_class": 2, "loose_box": 3, "duplicate": 4}
    ids = [row.id for row in squares.images()]
    assert all(row["image_id"] == ids[row["record_index"]] for row in found["mistakes"])
    wrong = call(wb, "evaluate_mistakes", name="one", kind="wrong_class")["mistakes"][0]
    assert {wrong["class"], wrong["predicted_class"]} == {"red", "blue"} and wrong["overlap"] > 0.9
    assert call(wb, "evaluate_mistakes", name="one", max_score=0.35)["total"] == 2  # the duplicate, and the missed one
    assert call(wb, "evaluate_mistakes", name="one", score_thr=0.5)["counts"]["duplicate"] == 0
    assert len(call(wb, "evaluate_mistakes", name="one", limit=2, offset=4)["mistakes"]) == 1
    for sort in ("worst", "confidence", "overlap", "area", "image"):
        assert call(wb, "evaluate_mistakes", name="one", sort=sort)["total"] == 5
    with pytest.raises(BadInput, match="limit"):
        call(wb, "evaluate_mistakes", name="one", limit=0)


def test_two_evaluations_of_the_same_labels(wb, squares, tmp_path):
    run(wb, "better", predictor="file", source=results(squares, tmp_path / "p.json"))
    run(wb, "worse", predictor="file", source=planted(squares, tmp_path / "q.json"))
    found = call(wb, "evaluate_compare", one="better", other="worse")
    assert found["kind"] == "predictions" and found["images"] == {"wins": 0, "losses": 5, "ties": 1}
    assert found["metrics"]["bbox_AP50"]["delta"] < 0 and found["bootstrap"]["delta"] < 0
    low, high = found["bootstrap"]["interval"]
    assert low <= found["bootstrap"]["delta"] <= high and found["bootstrap"]["share_better"] == 0
    same = call(wb, "evaluate_compare", one="better", other="better")
    assert same["images"]["ties"] == 6 and same["bootstrap"]["delta"] == 0 and not same["bootstrap"]["is_clear"]
    assert call(wb, "evaluate_compare", one="better", other="worse") == found


def test_the_edit_that_moved_ap_is_named(wb, squares, tmp_path):
    source = planted(squares, tmp_path / "p.json")
    run(wb, "before", predictor="file", source=source)
    image = squares.images()[0]
    box = next(row for row in call(wb, "evaluate_mistakes", name="before", kind="missed")["mistakes"])
    op = {"op": "delete", "id": box["annotation"]}
    save_edits(
        wb.store, image.id, image.revision, "me", [{"seq": 1, "kind": "edit", "label": "Delete box", "ops": [op]}]
    )
    run(wb, "after", predictor="file", source=source)
    found = call(wb, "evaluate_compare", one="before", other="after")
    assert found["kind"] == "labels" and len(found["images"]) == 1
    row = found["images"][0]
    assert (row["image_id"], row["removed"], row["added"]) == (image.id, 1, 0)
    assert [each["label"] for each in row["edits"]] == ["Delete box"] and row["delta"][box["class"]] > 0
    one, two = found["AP"][box["class"]]
    assert two - one == pytest.approx(row["delta"][box["class"]])
    assert call(wb, "evaluate_get", name="before")["ground_truth"]["snapshot"] == "evaluation before"


def test_what_a_run_stored_is_evaluated_whatever_became_of_it(wb, squares):
    image = squares.images()[0]
    found = squares.annotations([image.id])[image.id]
    told = Detections.of(found.xyxy + 2, np.full(len(found), 0.8, np.float32), found.class_id)  # no repeats of labels
    replace_candidates(squares, {image.id: told}, "finder", "first")
    first = run(wb, source="finder@first")
    assert first["metrics"]["coverage"] == pytest.approx(4 / 24) and "repeats_were_not_stored" in first["warnings"]
    ids = squares.annotations([image.id], "candidate")[image.id].data["id"].tolist()
    ops = [{"op": "delete", "id": each} for each in found.data["id"].tolist()]
    ops += [{"op": "set", "id": each, "changes": {"status": "accepted"}} for each in ids]
    save_edits(wb.store, image.id, image.revision, "me", [{"seq": 1, "kind": "edit", "label": "Accept", "ops": ops}])
    after = run(wb, "two", source="finder@first")
    assert (
        after["metrics"]["coverage"] == pytest.approx(4 / 24)
        and after["metrics"]["bbox_AP75"] > first["metrics"]["bbox_AP75"]
    )
    with pytest.raises(NotFound, match="finder@first"):
        run(wb, "three", source="finder@second")
    assert run(wb, "three", source="finder@first")["evaluation"] == "three"  # the failed start left the name free


def test_a_head_names_the_boxes_that_are_there(wb, squares):
    finish(
        operations()["heads_train"].fn(
            wb, **prepared(wb, operations()["heads_train"], {"dataset": "squares", "name": "h"})
        )
    )
    told = run(wb, predictor="head", source="h")
    assert told["metrics"]["coverage"] == 1 and told["metrics"]["bbox_AP50"] == 1


def test_a_concept_segmenter_is_asked_for_the_classes(wb, squares):
    ready = [row["id"] for row in call(wb, "models_list", task="find") if row["state"] == "ready"]
    if not ready:
        with pytest.raises(Exception, match="[Ww]eights|ready|needs"):
            run(wb, predictor="concept")
        return
    assert run(wb, predictor="concept", source=ready[0])["summary"]["total_emitted"] == 6


def test_the_operating_point_stays_with_the_run(wb, squares, tmp_path):
    run(wb, predictor="file", source=results(squares, tmp_path / "p.json"))
    call(wb, "operating_point_set", name="one", score_thr=0.4, classes=["red"], class_score_thrs=[0.6])
    assert call(wb, "evaluate_get", name="one")["operating_point"] == {"score_thr": 0.4, "classes": {"red": 0.6}}
    for wrong in ({"classes": ["green"], "class_score_thrs": [0.5]}, {"classes": ["red"]}, {"score_thr": 1.5}):
        with pytest.raises(BadInput):
            call(wb, "operating_point_set", name="one", **{"score_thr": 0.4, **wrong})


def test_constant_scores_are_warned_of(wb, squares, tmp_path):
    source = Path(results(squares, tmp_path / "p.json"))
    source.write_text(json.dumps([row | {"score": 0.5} for row in json.loads(source.read_text())]))
    told = run(wb, predictor="file", source=str(source))
    assert told["warnings"] == ["scores_rank_nothing"] and told["ap_is_rankless"]
    assert "rank nothing" in call(wb, "evaluate_report", name="one")["content"]


def test_predictions_of_other_images_are_warned_of(wb, squares, tmp_path):
    source = Path(results(squares, tmp_path / "p.json"))
    source.write_text(
        json.dumps(
            json.loads(source.read_text()) + [{"image_id": 99, "category_id": 1, "bbox": [1, 1, 5, 5], "score": 0.1}]
        )
    )
    assert run(wb, predictor="file", source=str(source))["warnings"] == ["images_outside_evaluation"]


def test_leaks_between_splits_are_found_and_ap_is_told_without_them(wb, tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 8)):
        for number in range(count):
            small = rng.integers(0, 256, (6, 8, 3), np.uint8)
            picture = Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)
            for part in ("images", "labels"):
                (tmp_path / "set" / split / part).mkdir(parents=True, exist_ok=True)
            picture.save(tmp_path / "set" / split / "images" / f"{split}{'abcdefgh'[number]}.png")
            (tmp_path / "set" / split / "labels" / f"{split}{'abcdefgh'[number]}.txt").write_text("0 .5 .5 .3 .3\n")
    for name in "ab":  # two test images once more in train, smaller and as JPEG
        there = Image.open(tmp_path / "set" / "test" / "images" / f"test{name}.png")
        there.resize((120, 90)).save(tmp_path / "set" / "train" / "images" / f"copy{name}.jpg", quality=70)
        shutil.copy(
            tmp_path / "set" / "test" / "labels" / f"test{name}.txt",
            tmp_path / "set" / "train" / "labels" / f"copy{name}.txt",
        )
    (tmp_path / "set" / "data.yaml").write_text(
        "train: train/images\nval: test/images\ntest: test/images\nnames: [thing]\n"
    )
    data = make(wb, tmp_path / "set", "squares")
    split = {row.path: row.split for row in data.images()}
    judged = next(name for path, name in split.items() if "test/" in path)
    rows = [row for row in data.images() if row.split == judged]
    box = {"category_id": 1, "bbox": [56, 42, 48, 36]}
    results = [
        {"image_id": at, "score": 0.9, **box}
        for at, row in enumerate(rows)
        if row.path.endswith(("testa.png", "testb.png"))
    ]
    (tmp_path / "p.json").write_text(json.dumps(results))
    told = run(wb, predictor="file", source=str(tmp_path / "p.json"), split=judged)
    honesty = call(wb, "evaluate_get", name="one")["split_honesty"]
    assert {row["name"].rpartition("/")[2] for row in honesty["rows"]} == {"testa.png", "testb.png"}
    assert all("copy" in row["other"] for row in honesty["rows"]) and honesty["share"] == 0.25
    assert "splits_leak" in told["warnings"]
    assert told["metrics"]["bbox_AP50"] > 0.2 and honesty["without"] == {
        **honesty["without"],
        "images": 6,
        "bbox_AP50": 0,
    }


CONFIG = """
run: {{output_dir: {out}, name: here}}
stages: {{infer: true, eval: true, vis: true}}
infer: {{dataset: squares, predictor: file, source: {source}}}
eval: {{score_thr: 0.25, overlay: true, overlay_k: 2}}
vis: {{limit: 2}}
"""


def test_the_command_line_gives_the_same_numbers(wb, squares, tmp_path, capsys, monkeypatch):
    source = planted(squares, tmp_path / "p.json")
    run(wb, predictor="file", source=source)
    (tmp_path / "x.yaml").write_text(CONFIG.format(out=tmp_path / "out", source="p.json"))
    monkeypatch.chdir(tmp_path)
    home = ["--home", str(wb.workspace.home), "--json"]
    assert main(["evaluate", "--config", "x.yaml", *home]) == 0
    told = json.loads(capsys.readouterr().out)
    ours = call(wb, "evaluate_get", name="one")
    theirs = json.loads((tmp_path / "out" / "here" / "eval" / "metrics.json").read_text())
    for key in ("metrics", "per_class", "confusion", "by_size", "counters"):
        assert theirs[key] == ours[key], key
    assert told["folder"] == str(tmp_path / "out" / "here")
    assert len(list((tmp_path / "out" / "here" / "vis").glob("*.png"))) == 2
    assert len(list((tmp_path / "out" / "here" / "eval" / "overlays").glob("*.png"))) == 2
    file = str(tmp_path / "out" / "here" / "gt_vs_pred.jsonl")
    assert main(["evaluate-predictions", "--predictions", file, "--out", str(tmp_path / "again"), *home]) == 0
    capsys.readouterr()
    again = json.loads((tmp_path / "again" / "eval" / "metrics.json").read_text())
    assert again["metrics"] == theirs["metrics"]
    assert main(["visualise", "--predictions", file, "--root-image-dir", str(squares.root), "--limit", "1", *home]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == ["vis_0000.png"]
    assert main(["preflight", *home]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    assert main(["evaluate", "--config", "x.yaml", "--overrides", "eval.metrics=nothing", *home]) == 2
    assert "eval.metrics" in capsys.readouterr().err


def test_a_root_from_the_environment_is_told(wb, tmp_path, capsys, monkeypatch):
    (tmp_path / "gt.jsonl").write_text(json.dumps({"images": ["a.png"], "width": 9, "height": 9, "objects": []}))
    (tmp_path / "p.json").write_text("[]")
    config = (
        f"infer: {{gt_jsonl: {tmp_path}/gt.jsonl, source: {tmp_path}/p.json}}\nartifacts: {{run_dir: {tmp_path}/run}}\n"
    )
    (tmp_path / "x.yaml").write_text(config)
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path / "elsewhere"))
    assert main(["evaluate", "--config", str(tmp_path / "x.yaml"), "--home", str(wb.workspace.home)]) == 0
    capsys.readouterr()
    told = json.loads((tmp_path / "run" / "resolved_config.json").read_text())
    assert (told["root_image_dir"], told["root_image_dir_source"]) == (str(tmp_path / "elsewhere"), "env")
