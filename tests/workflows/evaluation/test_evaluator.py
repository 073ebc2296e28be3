"""The evaluator: cases computed by hand, and what must not change a number."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.types import BadInput
from tator.workflows.evaluation.evaluator import Settings, evaluate_records
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.metrics import by_size
from tests.workflows.evaluation.scenes import NAMES, random_records, record, scaled, shuffled, thing

CAT = [10, 10, 60, 60]
FAR = [200, 100, 260, 160]


def numbers(records, **options) -> dict:
    return evaluate_records(records, Settings(**options)).metrics


def test_perfect_predictions():
    found = numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9)]), record(1, [("dog", FAR)], [("dog", FAR, 0.8)])])
    for key in (
        "bbox_AP",
        "f1@0.50_f1_micro",
        "f1@0.50_precision_macro",
        "f1ish@0.50_f1_full_micro",
        "best_f1",
        "coverage",
    ):
        assert found[key] == 1, key
    assert found["dup_rate"] == found["fp_per_image"] == 0 and found["det_rate"] == 1
    assert found["best_f1_score_thr"] == 0.8


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_image_without_objects_moves_nothing_else(place):
    lines = [([("cat", CAT)], [("cat", CAT, 0.9)]), ([("dog", FAR)], [("dog", FAR, 0.8)])]
    lines.insert(place, ([], []))
    found = numbers([record(at, *line) for at, line in enumerate(lines)])
    assert found["bbox_AP"] == found["f1@0.50_f1_micro"] == found["f1ish@0.50_f1_loc_macro"] == 1
    assert found["det_rate"] == pytest.approx(2 / 3)


def test_false_positives_on_negative_images_count():
    found = numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9)]), record(1, [], [("cat", FAR, 0.95)])], scope="all")
    assert found["f1@0.50_fp"] == 1 and found["f1@0.50_precision_micro"] == 0.5
    assert found["f1ish@0.50_fp_loc"] == 1 and found["f1ish_annotated@0.50_pred_ignored"] == 1
    assert found["bbox_AP"] == pytest.approx(0.5)


def test_no_predictions():
    found = numbers([record(0, [("cat", CAT)]), record(1, [("dog", FAR)])])
    assert found["bbox_AP"] == found["f1@0.50_recall_micro"] == found["f1ish@0.50_recall_full_micro"] == 0
    for key in ("f1@0.50_precision_micro", "f1@0.50_precision_macro", "f1ish@0.50_precision_loc_micro", "dup_rate"):
        assert found[key] is None, key
    assert found["best_f1"] == 0 and found["best_f1_score_thr"] is None and found["det_rate"] == 0


def test_nothing_at_all_is_undefined():
    found = numbers([record(0), record(1)])
    for key in ("bbox_AP", "f1@0.50_f1_micro", "best_f1", "coverage", "f1ish@0.50_f1_loc_macro", "recall_bound@0.50"):
        assert found[key] is None, key


def test_scores_rank():
    boxes = [("cat", FAR, 0.9), ("cat", CAT, 0.4)]
    one = numbers([record(0, [("cat", CAT)], boxes)])
    assert one["bbox_AP"] == pytest.approx(0.5) == numbers([record(0, [("cat", CAT)], boxes[::-1])])["bbox_AP"]
    better = [("cat", FAR, 0.4), ("cat", CAT, 0.9)]
    assert numbers([record(0, [("cat", CAT)], better)])["bbox_AP"] == 1


@pytest.mark.parametrize("score", [0.5, 1.0, None])
def test_scores_that_rank_nothing_are_flagged(score):
    same = [("cat", CAT, score), ("cat", FAR, score)]
    assert evaluate_records([record(0, [("cat", CAT)], same)], Settings()).facts["ap_is_rankless"]
    other = [("cat", CAT, 0.4), ("cat", FAR, 0.6)]
    assert not evaluate_records([record(0, [("cat", CAT)], other)], Settings()).facts["ap_is_rankless"]


def test_a_wrong_class_does_not_take_the_place_of_a_right_one():
    pred = [("cat", [10, 10, 60, 50], 0.6), ("dog", [10, 10, 60, 55], 0.9)]  # IoU .8 and .9
    found = numbers([record(0, [("cat", CAT)], pred)], scope="all")
    assert [found[f"f1@0.50_{key}"] for key in ("tp", "fp", "fn")] == [1, 1, 0]
    assert [found[f"f1ish@0.50_{key}_full"] for key in ("tp", "fp", "fn")] == [0, 2, 1]  # by overlap alone, as defined
    assert found["f1ish@0.50_matched_sem_bad"] == 1 and found["f1ish@0.50_tp_loc"] == 1


def test_open_vocabulary_by_hand():
    gt = [("cat", CAT), ("dog", FAR)]
    pred = [("Cat ", [10, 10, 60, 50], 0.9), ("bird", FAR, 0.8), ("dog", [0, 200, 9, 230], 0.7)]
    found = numbers([record(0, gt, pred)])
    assert found["f1ish@0.50_pred_ignored"] == 1 and found["f1ish@0.50_pred_eval"] == 2  # a bird is not annotated
    assert [found[f"f1ish@0.50_{key}_loc"] for key in ("tp", "fp", "fn")] == [1, 1, 1]
    assert found["f1ish@0.50_sem_acc_on_matched"] == 1
    every = numbers([record(0, gt, pred)], scope="all")
    assert [every[f"f1ish@0.50_{key}_loc"] for key in ("tp", "fp", "fn")] == [2, 1, 0]
    assert [every[f"f1ish@0.50_{key}_full"] for key in ("tp", "fp", "fn")] == [1, 2, 1]
    assert every["f1ish@0.50_f1_full_micro"] == pytest.approx(2 / 5)


def test_means_leave_out_images_where_nothing_is_defined():
    found = numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9)]), record(1), record(2, [("cat", CAT)])])
    assert found["f1@0.50_precision_macro"] == 1 and found["f1@0.50_recall_macro"] == 0.5
    assert found["f1@0.50_f1_macro"] == 0.5


def test_duplicates_lower_precision_not_recall():
    one = numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9)])])
    two = numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9), ("cat", [11, 10, 60, 60], 0.8)])])
    assert two["f1@0.50_recall_micro"] == one["f1@0.50_recall_micro"] == 1
    assert two["f1@0.50_precision_micro"] == 0.5 and two["dup_rate"] == 0.5 and one["dup_rate"] == 0


def test_regions_that_are_no_object():
    pred = [("cat", [210, 110, 230, 130], 0.9), ("cat", [220, 120, 250, 150], 0.8), ("dog", [205, 105, 215, 115], 0.7)]
    found = evaluate_records([record(0, [("!cat", FAR), ("dog", CAT)], pred)], Settings())
    assert found.metrics["f1@0.50_fp"] == 1  # the dog; cats lie in a crowd of cats
    assert found.facts["gt"] == 1 and found.facts["gt_ignored"] == 1


def test_confusion_has_a_background():
    pred = [("dog", CAT, 0.9), ("cat", [0, 200, 9, 230], 0.8), ("bird", [100, 200, 130, 230], 0.7)]
    found = evaluate_records(
        [record(0, [("cat", CAT), ("dog", FAR), ("bird", [100, 200, 130, 230])], pred)], Settings()
    )
    assert found.confusion == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert np.sum(found.confusion) == 4


def test_sizes_are_coco_s():
    gt = [("a", [0, 0, 31, 31]), ("a", [0, 100, 32, 132]), ("a", [100, 0, 200, 97])]
    found = evaluate_records([record(0, gt, [("a", gt[1][1], 0.9)])], Settings())
    rows = by_size(found.data, found.matched, 0.25)
    assert [rows[name]["gt"] for name in ("small", "medium", "large")] == [1, 1, 1]
    assert [rows[name]["recall"] for name in ("small", "medium", "large")] == [0, 1, 0]


def test_the_recall_that_candidates_could_reach():
    pred = [("dog", CAT, 0.01), ("dog", FAR, 0.02)]
    found = numbers([record(0, [("cat", CAT), ("dog", FAR)], pred)])
    assert found["recall_bound@0.50"] == 0.5 and found["recall_bound_any_class@0.50"] == 1 and found["coverage"] == 0


def test_the_best_threshold_and_how_sure_it_is():
    records = [record(k, [("cat", CAT)], [("cat", CAT, 0.9 - k / 100), ("cat", FAR, 0.3 + k / 100)]) for k in range(40)]
    found = numbers(records)
    assert found["best_f1"] == 1 and found["best_f1_score_thr"] == pytest.approx(0.51, abs=1e-9) or found["best_f1"] < 1
    low, high = found["best_f1_interval"]
    assert low <= found["best_f1"] <= high <= 1
    assert numbers(records) == found and numbers(records, seed=1)["best_f1"] == found["best_f1"]


def test_best_f1_is_the_largest_over_every_score():
    records = random_records(3)
    found = numbers(records)
    scores = sorted({row["score"] for each in records for row in each.pred})
    every = {thr: numbers(records, score_thr=thr, metrics="f1ish")["f1@0.50_f1_micro"] or 0 for thr in scores}
    assert found["best_f1"] == pytest.approx(max(every.values()))
    assert every[found["best_f1_score_thr"]] == pytest.approx(found["best_f1"])


def without_intervals(found: dict) -> dict:
    return {key: value for key, value in found.items() if "interval" not in key}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_lines_and_boxes_changes_nothing(seed):
    records = random_records(seed)
    one, other = (evaluate_records(each, Settings(), NAMES) for each in (records, shuffled(records, seed)))
    alike = {key: value for key, value in one.metrics.items() if not key.startswith("bbox_")}
    assert alike == {key: value for key, value in other.metrics.items() if not key.startswith("bbox_")}
    assert one.confusion == other.confusion and one.facts["by_size"] == other.facts["by_size"]


@pytest.mark.parametrize("seed", range(3))
def test_without_ties_the_order_changes_no_ap_either(seed):
    records = random_records(seed, with_ties=False)
    one, other = (without_intervals(numbers(each)) for each in (records, shuffled(records, seed)))
    assert one == pytest.approx(other)


@pytest.mark.parametrize("seed", range(3))
def test_the_scale_changes_nothing_but_the_buckets(seed):
    records = random_records(seed)
    sized = ("APs", "APm", "APl", "ARs", "ARm", "ARl")
    one, two = (
        {key: value for key, value in without_intervals(numbers(each)).items() if not key.endswith(sized)}
        for each in (records, scaled(records, 2))
    )
    assert one == pytest.approx(two)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_an_empty_image_and_a_duplicate_change_only_what_they_must(seed):
    records = random_records(seed, images=4)
    before = numbers(records, metrics="f1ish", score_thr=0)
    after = numbers([*records, record(99)], metrics="f1ish", score_thr=0)
    same = [key for key in before if key.startswith("f1")]
    assert {key: before[key] for key in same} == {key: after[key] for key in same}
    first = next((each for each in records if each.pred), None)
    if first is not None:
        first.pred.append({**first.pred[0], "score": 0.0})
        more = numbers(records, metrics="f1ish", score_thr=0)
        assert (
            more["f1@0.50_recall_micro"] in (before["f1@0.50_recall_micro"], None)
            or more["f1@0.50_tp"] > before["f1@0.50_tp"]
        )
        assert more["f1@0.50_fp"] + more["f1@0.50_tp"] >= before["f1@0.50_fp"] + before["f1@0.50_tp"]


def test_swapped_corners_are_swapped_back_and_counted():
    swapped = [60, 60, 10, 10]
    found = evaluate_records(
        [record(0, [("cat", swapped)], [("cat", swapped, 0.9), ("cat", [60, 10, 10, 60], 0.8)])], Settings()
    )
    assert found.metrics["f1@0.50_tp"] == 1 and found.metrics["bbox_AP"] == 1
    assert found.facts["counters"]["corners_swapped"] == 2 and found.facts["counters"]["gt_corners_swapped"] == 1


BAD = [
    (thing("cat", [5, 5, 5, 50]), "degenerate"),
    (thing("cat", [5, 5, 50]), "invalid_geometry"),
    (thing("cat", [5, 5, float("nan"), 50]), "invalid_coord"),
    (thing("cat", [5, 5, float("inf"), 50]), "invalid_coord"),
    ({"desc": "cat"}, "invalid_geometry"),
    ({"desc": "cat", "bbox_2d": [1, 1, 5, 5], "poly": [1, 1, 5, 5, 1, 5]}, "invalid_geometry"),
    ({"desc": "cat", "line": [1, 1, 5, 5]}, "invalid_geometry"),
    ({"desc": "cat", "poly": [1, 1, 5, 5, 9]}, "invalid_geometry"),
    ({"desc": "cat", "bbox_2d": [True, 1, 5, 5]}, "invalid_coord"),
    ({"desc": "cat", "bbox_2d": ["<|coord_1200|>", 1, 5, 5]}, "invalid_coord"),
    (thing("  ", [5, 5, 9, 50]), "invalid_desc"),
    ("cat", "invalid_geometry"),
    (thing("cat", [5, 5, 9, 50], 1.5), "invalid_score"),
    (thing("cat", [5, 5, 9, 50], float("nan")), "invalid_score"),
]


@pytest.mark.parametrize(("bad", "code"), BAD)
def test_a_bad_prediction_is_dropped_alone_and_told(bad, code):
    line = record(0, [("cat", CAT)], [("cat", CAT, 0.9)])
    line.pred.insert(0, bad)
    found = evaluate_records([line], Settings())
    assert found.metrics["f1@0.50_tp"] == 1 and found.metrics["f1@0.50_fp"] == 0
    assert found.facts["counters"][code] == 1
    assert len(found.data.invalid[0][1]) == 1 and found.data.invalid[0][1][0]["raw"] is bad


SYNONYMS = LabelPolicy("glossary", aliases={"kitty": "cat"})


def fake_embed(texts):
    table = {"cat": [1, 0], "feline": [0.8, 0.6], "dog": [0, 1], "rock": [-1, 0]}
    return np.array([table[text] for text in texts], np.float32)


@pytest.mark.parametrize(
    ("policy", "desc", "is_hit"),
    [
        (LabelPolicy(), "cat", True),
        (LabelPolicy(), "Cat", False),
        (LabelPolicy("casefold"), "CAT", True),
        (LabelPolicy("casefold"), "kitty", False),
        (SYNONYMS, "Kitty", True),
        (SYNONYMS, "feline", False),
        (LabelPolicy("embed", embed=fake_embed), "feline", True),
        (LabelPolicy("embed", embed=fake_embed), "rock", False),
        (LabelPolicy("embed", embed=fake_embed, threshold=0.9), "feline", False),
    ],
)
@pytest.mark.parametrize("miss", ["drop", "bucket", "error"])
def test_label_policies(policy, desc, is_hit, miss):
    from dataclasses import replace

    line = record(0, [("cat", CAT), ("dog", FAR)], [(desc, CAT, 0.9)])
    policy = replace(policy, miss=miss)
    if not is_hit and miss == "error":
        with pytest.raises(BadInput, match=desc):
            evaluate_records([line], Settings(policy))
        return
    found = evaluate_records([line], Settings(policy))
    assert found.metrics["f1@0.50_tp"] == is_hit
    assert found.metrics["f1@0.50_fp"] == (not is_hit and miss == "bucket")
    assert found.facts["counters"].get("unknown_dropped", 0) == (not is_hit and miss == "drop")
    assert ("unknown" in found.data.names) == (not is_hit and miss == "bucket")
    assert found.data.label_report["unique_unknown_desc"] == (desc != "cat")


def test_an_encoder_is_needed_only_where_a_name_is_unknown():
    policy = LabelPolicy("embed")
    assert numbers([record(0, [("cat", CAT)], [("cat", CAT, 0.9)])], policy=policy)["f1@0.50_tp"] == 1
    with pytest.raises(BadInput, match="encoder"):
        numbers([record(0, [("cat", CAT)], [("feline", CAT, 0.9)])], policy=policy)


@pytest.mark.parametrize(
    "options",
    [
        {"metrics": "all"},
        {"scope": "some"},
        {"iou_thrs": [0]},
        {"f1ish_iou_thrs": [1.2]},
        {"score_thr": -0.1},
        {"max_dets": [10, 1]},
        {"f1ish_iou_thrs": [0.3, 0.305]},
    ],
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(BadInput):
        Settings(**options)


def test_the_package_loads_no_model_library():
    code = "import sys, tator.workflows.evaluation.pipeline, tator.workflows.evaluation.evaluating; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "gradio", "hotcoco", "pycocotools", "scipy"} & set(done.stdout.split())
