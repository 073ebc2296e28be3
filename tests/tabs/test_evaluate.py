"""What the Evaluate tab draws of an evaluation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabs.evaluate import mistakes, numbers

SCORES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_slider_counts_exactly_what_scores_say(scores: list[float], random):
    hits = [random.random() < 0.5 for _ in scores]
    edges = np.union1d(scores, np.arange(101) / 100)[::-1]
    line = {
        "gt": 70,
        "tp": [sum(hit and score >= edge for score, hit in zip(scores, hits, strict=True)) for edge in edges],
        "pred": [sum(score >= edge for score in scores) for edge in edges],
    }
    [every, cats] = numbers.sampled({"thresholds": edges.tolist(), "all": line, "classes": [line | {"class": "cat"}]})
    assert (every["class"], cats["class"]) == ("All classes", "cat")
    for step in range(numbers.STEPS + 1):
        assert cats["pred"][step] == sum(score >= step / 100 for score in scores)
        assert cats["tp"][step] == line["tp"][edges.tolist().index(step / 100)]


def test_undefined_shares_are_dashes():
    assert numbers._counted({"class": "x", "gt": 0, "tp": [0], "pred": [0]}, 0)[-3:] == ["–", "–", "–"]


def test_the_gallery_turns_filters_on_and_off_and_goes_back_to_the_first_page():
    shown = mistakes.AT_FIRST | {"page": 3}
    missed = mistakes.changed(shown, {"act": "kind", "kind": "missed"})
    assert (missed["kind"], missed["page"]) == ("missed", 1)
    assert mistakes.changed(missed, {"act": "kind", "kind": "missed"})["kind"] == ""
    assert mistakes.changed(missed, {"act": "turn", "page": "2"}) == missed | {"page": 2}
    assert mistakes.changed(missed, {"act": "class_name", "value": "<b>"})["class_name"] == "<b>"


def test_a_card_shows_the_part_of_the_image_and_escapes_names():
    row = {
        "kind": "wrong_class", "image_id": 7, "file_name": "a/<i>.jpg", "class": "<b>", "predicted_class": "dog",
        "score": 0.5, "xyxy": [10.0, 10.0, 20.0, 20.0], "predicted_xyxy": [12.0, 10.0, 22.0, 20.0],
    }  # fmt: skip
    drawn = mistakes.card("run", row)
    assert 'viewBox="-30.0 -30.0 92.0 90.0"' in drawn and "<b>" not in drawn and "&lt;b&gt; as dog" in drawn
