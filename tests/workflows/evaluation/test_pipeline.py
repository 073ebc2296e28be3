"""The pipeline from one config: checked, resolved, cut off, continued, cancelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tator.types import BadInput, Conflict, NotFound
from tator.workflows.evaluation.config import HIDDEN, checked_config, ignored_keys, overridden, read_config, redacted
from tator.workflows.evaluation.ground_truth import FileTruth
from tator.workflows.evaluation.infer import Again
from tator.workflows.evaluation.pipeline import Outcome, Run, run_pipeline
from tator.workflows.evaluation.places import read_manifest, resolve
from tator.workflows.evaluation.predictors.base import Prediction
from tator.workflows.evaluation.predictors.replay import Replay
from tator.workflows.evaluation.records import read_records
from tests.folders import finish, picture

ALL = {"infer": True, "eval": True, "vis": False}
BOX = [4.0, 4.0, 30.0, 30.0]


class Looker:
    """Finds one box in every image, the further right the longer the image's name."""

    score_source = "model"
    needs_pixels = True

    def __init__(self, weights: str = "one", kill_after: int = 0) -> None:
        self.weights, self.left, self.batches = weights, kill_after, []

    def open(self) -> None:
        self.batches.clear()

    def predict_batch(self, asked):
        self.batches.append(len(asked))
        if any("bad" in each.record.image for each in asked):
            raise ValueError("cannot look at this one")
        answers = [self._answer(each) for each in asked]
        if self.left and (left := self.left - len(asked)) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.left:
            self.left = left
        return answers

    def _answer(self, asked) -> Prediction:
        shift = float(asked.load()[0, 0, 0]) / 64
        return Prediction(
            [{"type": "bbox_2d", "points": [4 + shift, 4, 30, 30], "desc": "cat", "score": 0.5 + shift / 10}]
        )

    def close(self) -> None:
        pass

    def describe(self) -> dict:
        return {"predictor": "looker", "weights": self.weights}


def world(folder: Path, names=("a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg")) -> Path:
    """Write images and a file of ground truth, one box each; return the file."""
    rows = []
    for name in names:
        picture(folder / "images" / f"{name}.png")
        rows.append(
            {"images": [f"images/{name}.png"], "width": 64, "height": 48, "objects": [{"bbox_2d": BOX, "desc": "cat"}]}
        )
    (folder / "gt.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "gt.jsonl"


def run_of(gt: Path, out: Path, predictor=None, again=Again.REFUSE, stages=ALL, **infer) -> Run:
    config = checked_config(
        {"stages": stages, "artifacts": {"run_dir": str(out)}, "infer": {"gt_jsonl": str(gt), **infer}}
    )
    truth = FileTruth(gt, gt.parent)
    return Run(config, resolve(config), truth, predictor or Looker(), again=again)


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "gt_vs_pred.jsonl").read_text().splitlines()]


# the config


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"train": {}}, "no section train"),
        ({"eval": {"overlay": "yes"}}, "eval.overlay must be true or false"),
        ({"eval": {"score": 1}}, "eval has no score"),
        ({"stages": {"infer": True, "eval": True}}, "stages lacks vis"),
        ({"infer": {"mode": "words"}}, "infer.mode must be one of"),
        ({"infer": {"limit": -1}}, "infer.limit must be 0 or more"),
        ({"infer": {"limit": True}}, "infer.limit must be a whole number"),
        ({"infer": {"limit": 2.5}}, "infer.limit must be a whole number"),
        ({"infer": []}, "infer must be a mapping"),
        ({"eval": {"iou_thrs": ["a"]}}, "eval.iou_thrs must list a number"),
        ({"infer": {"phrases": [1]}}, "infer.phrases must list text"),
    ],
)
def test_a_wrong_config_is_refused_by_its_key(config, said):
    with pytest.raises(BadInput, match=said):
        checked_config(config)


def test_an_explicit_zero_stays_zero():
    found = checked_config({"eval": {"overlay_k": 0, "semantic_threshold": 0, "score_thr": 0}, "vis": {"limit": 0}})
    assert found["eval"]["overlay_k"] == found["eval"]["semantic_threshold"] == found["eval"]["score_thr"] == 0
    assert found["vis"]["limit"] == 0 and checked_config({})["stages"] == {"infer": True, "eval": False, "vis": False}


def test_overrides_change_a_copy():
    config = {"eval": {"score_thr": 0.1}, "run": {"name": "x"}}
    found = overridden(config, ["eval.score_thr=0.5", "infer.limit=0", "eval.overlay=true"])
    assert found["eval"] == {"score_thr": 0.5, "overlay": True} and found["infer"]["limit"] == 0
    assert config == {"eval": {"score_thr": 0.1}, "run": {"name": "x"}}
    for wrong in ("run.name.first=1", "eval.score_thr", "=1", "a..b=1", "run.name=[1"):
        with pytest.raises(BadInput):
            overridden(config, [wrong])


def test_deprecated_keys_are_borne_with_a_warning():
    with pytest.warns(DeprecationWarning, match="eval.unknown_policy"):
        assert "unknown_policy" not in checked_config({"eval": {"unknown_policy": "bucket"}})["eval"]


def test_keys_that_nothing_reads_are_named():
    given = {"infer": {"generation": {"seed": 1}, "limit": 2}, "eval": {"num_workers": 2, "unknown_policy": "drop"}}
    assert ignored_keys(given) == ["infer.generation", "eval.unknown_policy", "eval.num_workers"]
    assert ignored_keys({"infer": {"limit": 2}, "eval": None}) == []


def test_secrets_are_hidden_at_any_depth():
    told = redacted(
        {"infer": {"backend": {"hf_token": "x", "headers": [{"API_token": "y", "max_tokens": 5}]}}, "password": "z"}
    )
    assert told == {
        "infer": {"backend": {"hf_token": HIDDEN, "headers": [{"API_token": HIDDEN, "max_tokens": 5}]}},
        "password": HIDDEN,
    }


def test_yaml_is_read_without_running_it(tmp_path):
    for content in ("- 1\n- 2\n", "!!python/object/apply:os.system ['true']", "a: [1", ""):
        (tmp_path / "x.yaml").write_text(content)
        with pytest.raises(BadInput):
            read_config(tmp_path / "x.yaml")


# the places


@pytest.mark.parametrize(
    ("sections", "folder"),
    [
        (
            {
                "artifacts": {"run_dir": "/r", "gt_vs_pred_jsonl": "/g/p.jsonl"},
                "run": {"output_dir": "/o", "name": "n"},
            },
            "/r",
        ),
        ({"artifacts": {"gt_vs_pred_jsonl": "/g/p.jsonl"}, "run": {"output_dir": "/o", "name": "n"}}, "/o/n"),
        ({"artifacts": {"gt_vs_pred_jsonl": "/g/p.jsonl"}, "run": {"output_dir": "/o"}}, "/g"),
    ],
)
def test_which_path_wins(sections, folder):
    assert resolve(checked_config(sections)).run_dir == Path(folder)


def test_no_folder_is_refused():
    with pytest.raises(BadInput, match="run_dir"):
        resolve(checked_config({}))


@pytest.mark.parametrize(
    ("env", "config", "root", "source"),
    [("/e", "/c", "/e", "env"), ("", "/c", "/c", "config"), ("", "", "/data", "gt_parent")],
)
def test_the_source_of_the_root_is_recorded(env, config, root, source):
    sections = {
        "artifacts": {"run_dir": "/r"},
        "run": {"root_image_dir": config},
        "infer": {"gt_jsonl": "/data/gt.jsonl"},
    }
    places = resolve(checked_config(sections), env)
    assert (places.root, places.root_source) == (Path(root), source)


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"schema_version": "1"},
        {"schema_version": True},
        {"stages": None},
        {"root_image_dir_source": "x"},
    ],
)
def test_a_manifest_of_another_program_is_refused(tmp_path, change):
    run = run_of(world(tmp_path), tmp_path / "run")
    finish(run_pipeline(run))
    file = tmp_path / "run" / "resolved_config.json"
    told = read_manifest(file)
    file.write_text(json.dumps(told | change))
    with pytest.raises(BadInput, match="resolved_config.json"):
        read_manifest(file)


# the run


def test_a_run_leaves_all_its_files(tmp_path):
    outcome: Outcome = finish(run_pipeline(run_of(world(tmp_path), tmp_path / "run", stages={**ALL, "vis": True})))
    here = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"resolved_config.json", "run_metadata.json", "gt_vs_pred.jsonl", "summary.json", "events.jsonl", "vis/vis_0006.png",
            "eval/metrics.json", "eval/per_image.json", "eval/per_class.csv", "eval/confusion.csv", "eval/coco_gt.json",
            "eval/coco_preds.json", "eval/matches.jsonl", "eval/matches@0.30.jsonl"} <= here  # fmt: skip
    assert outcome.summary["total_emitted"] == 7 and outcome.summary["status"] == "complete"
    row = lines(tmp_path / "run")[0]
    assert (
        row["schema_version"] == 1 and row["record_index"] == 0 and row["coord_mode"] == "pixel" and row["errors"] == []
    )
    metrics = json.loads((tmp_path / "run" / "eval" / "metrics.json").read_text())
    assert metrics["metrics"]["f1@0.50_tp"] == 7 and metrics["label_policy"] == "exact"


@pytest.mark.parametrize("batch", [1, 3, 7])
@pytest.mark.parametrize("limit", [0, 1, 4, 6, 7, 99])
def test_the_limit_is_exact(tmp_path, batch, limit):
    finish(run_pipeline(run_of(world(tmp_path), tmp_path / "run", batch_size=batch, limit=limit)))
    assert len(lines(tmp_path / "run")) == (min(limit, 7) if limit else 7)


def test_bad_lines_are_counted_and_the_rest_goes_on(tmp_path):
    gt = world(tmp_path, ("a", "bb"))
    good = gt.read_text().splitlines()
    lost = json.loads(good[0]) | {"images": ["gone.png"]}
    other = json.loads(good[0]) | {"width": 65}
    several = json.loads(good[0]) | {"images": ["images/a.png", "images/bb.png"]}
    sizeless = {"images": ["images/a.png"], "objects": []}
    gt.write_text(
        "\n".join([good[0], "{broken", "", "[1]", *map(json.dumps, (lost, other, several, sizeless)), good[1]]) + "\n"
    )
    outcome = finish(run_pipeline(run_of(gt, tmp_path / "run")))
    assert [row["errors"] for row in lines(tmp_path / "run")] == [
        [], ["image_load_failed"], ["size_mismatch"], ["multi_image_not_supported"], ["size_mismatch"], []
    ]  # fmt: skip
    assert [row["record_index"] for row in lines(tmp_path / "run")] == [0, 4, 5, 6, 7, 8]
    assert outcome.summary["counters"] == {
        "image_load_failed": 1, "invalid_json": 2, "multi_image_not_supported": 1, "size_mismatch": 2
    }  # fmt: skip


def test_an_image_that_fails_fails_alone(tmp_path):
    predictor = Looker()
    finish(run_pipeline(run_of(world(tmp_path, ("a", "bad", "ccc")), tmp_path / "run", predictor)))
    assert [row["errors"] for row in lines(tmp_path / "run")] == [[], ["generation_failed"], []]
    assert predictor.batches == [3, 1, 1, 1]


def test_without_infer_the_file_must_be_there(tmp_path):
    off = {"infer": False, "eval": True, "vis": False}
    gt = world(tmp_path)
    with pytest.raises(NotFound, match="gt_vs_pred"):
        finish(run_pipeline(run_of(gt, tmp_path / "run", stages=off)))
    finish(run_pipeline(run_of(gt, tmp_path / "one")))
    (tmp_path / "one" / "gt_vs_pred.jsonl").rename(tmp_path / "run" / "pred.jsonl")  # what it was called once
    assert finish(run_pipeline(run_of(gt, tmp_path / "run", stages=off))).evaluation.metrics["f1@0.50_tp"] == 7


def test_what_is_there_is_not_overwritten_unasked(tmp_path):
    gt = world(tmp_path)
    finish(run_pipeline(run_of(gt, tmp_path / "run", limit=2)))
    with pytest.raises(Conflict, match="exists"):
        finish(run_pipeline(run_of(gt, tmp_path / "run")))
    assert len(lines(tmp_path / "run")) == 2
    finish(run_pipeline(run_of(gt, tmp_path / "run", again=Again.OVERWRITE)))
    assert len(lines(tmp_path / "run")) == 7


KILLED = """
import sys
from pathlib import Path
from tests.workflows.evaluation.test_pipeline import Looker, finish, run_of, run_pipeline
folder = Path(sys.argv[1])
finish(run_pipeline(run_of(folder / "gt.jsonl", folder / "run", Looker(kill_after=4), batch_size=2)))
"""


def test_killed_and_continued_gives_the_same_bytes(tmp_path):
    gt = world(tmp_path)
    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[3])
    assert died.returncode == -signal.SIGKILL
    assert len(lines(tmp_path / "run")) == 2 and not (tmp_path / "run" / "summary.json").exists()
    with (tmp_path / "run" / "gt_vs_pred.jsonl").open("ab") as file:
        file.write(b'{"schema_version":1,"record_in')  # a line that was cut off
    again = Looker()
    outcome = finish(run_pipeline(run_of(gt, tmp_path / "run", again, Again.RESUME, batch_size=2)))
    assert sum(again.batches) == 5 and outcome.summary["total_emitted"] == 7
    finish(run_pipeline(run_of(gt, tmp_path / "whole", batch_size=3)))
    assert (tmp_path / "run" / "gt_vs_pred.jsonl").read_bytes() == (
        tmp_path / "whole" / "gt_vs_pred.jsonl"
    ).read_bytes()


def test_other_weights_or_labels_are_refused_by_name(tmp_path):
    gt = world(tmp_path)
    finish(run_pipeline(run_of(gt, tmp_path / "run", limit=2)))
    with pytest.raises(Conflict, match="weights was one, is two"):
        finish(run_pipeline(run_of(gt, tmp_path / "run", Looker("two"), Again.RESUME)))
    gt.write_text(gt.read_text().replace('"cat"', '"dog"'))
    with pytest.raises(Conflict, match="ground_truth was"):
        finish(run_pipeline(run_of(gt, tmp_path / "run", again=Again.RESUME)))
    assert len(lines(tmp_path / "run")) == 2


def test_cancelled_between_batches_it_can_go_on(tmp_path):
    gt = world(tmp_path)
    work = run_pipeline(run_of(gt, tmp_path / "run", batch_size=2))
    next(work)
    next(work)
    work.close()
    assert len(lines(tmp_path / "run")) == 4 and not (tmp_path / "run" / "summary.json").exists()
    events = [json.loads(line)["event"] for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert events == ["batch", "batch", "cancelled"]
    finish(run_pipeline(run_of(gt, tmp_path / "run", again=Again.RESUME)))
    assert len(lines(tmp_path / "run")) == 7


# records


def test_records_of_another_schema_and_doubled_ones_are_refused(tmp_path):
    file = tmp_path / "x.jsonl"
    for rows, said in (
        ([{"schema_version": 2}], "x.jsonl:1: schema_version is 2"),
        ([{"record_index": 3}, {}, {"record_index": 3}], "x.jsonl:3: record_index 3 stands in line 1"),
        ([{"record_index": -1}], "record_index is"),
    ):
        file.write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(BadInput, match=said):
            list(read_records(file))


@pytest.mark.parametrize(
    ("objects", "mode", "reason"),
    [
        (
            [{"bbox_2d": ["<|coord_1|>", "<|coord_1|>", "<|coord_9|>", "<|coord_9|>"], "desc": "a"}],
            "coord",
            "coord_tokens_found",
        ),
        ([{"bbox_2d": [1, 1, 900, 9], "desc": "a"}], "coord", "points_exceed_image"),
        ([{"bbox_2d": [1, 1, 60, 9], "desc": "a"}], "text", "within_image_bounds"),
        ([], "text", "no_valid_records"),
    ],
)
def test_how_coordinates_are_written_is_told_with_its_reason(tmp_path, objects, mode, reason):
    file = tmp_path / "gt.jsonl"
    file.write_text(json.dumps({"images": ["a.png"], "width": 64, "height": 48, "objects": objects}))
    truth = FileTruth(file)
    assert (truth.resolved, truth.facts["mode_resolution_reason"]) == (mode, reason)


def test_two_objects_of_one_image_are_read_in_one_space(tmp_path):
    file = tmp_path / "gt.jsonl"
    boxes = [[100, 100, 500, 500], [100, 100, 900, 900]]
    objects = [{"bbox_2d": box, "desc": "a"} for box in boxes]
    file.write_text(json.dumps({"images": ["a.png"], "width": 640, "height": 480, "objects": objects}))
    found = [row["points"] for row in next(FileTruth(file, mode="coord").records()).gt]
    assert found[0][2] == pytest.approx(500 / 999 * 640) and found[1][2] == pytest.approx(900 / 999 * 640)


def test_replay_is_a_predictor_too(tmp_path):
    gt = world(tmp_path)
    results = [{"image_id": k, "category_id": 1, "bbox": [4, 4, 26, 26], "score": 0.9} for k in range(7)]
    (tmp_path / "p.json").write_text(json.dumps(results))
    run = run_of(gt, tmp_path / "run")
    run.predictor = Replay(tmp_path / "p.json", run.truth)
    assert finish(run_pipeline(run)).evaluation.metrics["bbox_AP"] == 1
