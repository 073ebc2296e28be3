"""Names on boxes that are there: the evaluator's figures are those that scikit-learn computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.workflows.evaluation import judge_names

CLASSES = ["cat", "dog", "emu"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(1, 6))
def test_figures_equal_scikit_learn_s(seed: int, n: int, images: int):
    from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

    rng = np.random.default_rng(seed)
    true, named = (rng.choice(CLASSES, n).tolist() for _ in range(2))
    found = judge_names(true, named, rng.uniform(0.2, 1, n), rng.integers(0, images, n), CLASSES)
    precision, recall, f1, support = precision_recall_fscore_support(true, named, labels=CLASSES, zero_division=0)
    for at, row in enumerate(found["per_class"]):
        assert [row[key] for key in ("precision", "recall", "f1")] == pytest.approx([precision[at], recall[at], f1[at]])
        assert row["support"] == support[at]
    assert found["confusion"] == confusion_matrix(true, named, labels=CLASSES).tolist()
    there = [name for name in CLASSES if name in true]
    assert found["macro_f1"] == pytest.approx(f1_score(true, named, labels=there, average="macro", zero_division=0))


def test_right_names_reach_one_and_wrong_ones_do_not():
    image, sure = np.array([5, 5, 9, 9]), np.array([0.9, 0.8, 0.7, 0.6])
    right = judge_names(["cat", "dog", "cat", "dog"], ["cat", "dog", "cat", "dog"], sure, image, ["cat", "dog"])
    wrong = judge_names(["cat", "dog", "cat", "dog"], ["cat", "cat", "cat", "dog"], sure, image, ["cat", "dog"])
    assert right["AP"] == right["best_f1"] == 1 and wrong["AP"] < 1 and wrong["best_f1"] < 1
    low, high = wrong["best_f1_interval"]
    assert low <= wrong["best_f1"] <= high
