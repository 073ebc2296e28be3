"""Wrong predictions of an evaluation as candidates of the review."""

from __future__ import annotations

import pytest

from tator.ops import call
from tator.types import BadInput, NotFound
from tests.ops.test_evaluate import planted, run, squares  # noqa: F401  (a fixture)


@pytest.fixture
def evaluated(wb, squares, tmp_path):  # noqa: F811
    """Return the dataset after an evaluation with one mistake of each kind."""
    run(wb, predictor="file", source=planted(squares, tmp_path / "p.json"))
    return squares


def test_wrong_predictions_are_reviewed_by_kind(wb, evaluated):
    for kind, images in (("false", 1), ("wrong_class", 1), ("loose_box", 1), ("duplicate", 1)):
        told = call(wb, "evaluate_review", name="one", kind=kind)
        assert (told["dataset"], told["source"], told["images"]) == ("squares", "evaluation@one", images), kind
        assert told["left_out"] == 0
    queue = call(wb, "review_queue", dataset="squares", source="evaluation@one")["items"]
    wrong = [row for row in call(wb, "evaluate_mistakes", name="one")["mistakes"] if row["predicted_xyxy"]]
    assert {item["image_id"] for item in queue} <= {row["image_id"] for row in wrong}
    assert call(wb, "review_progress", dataset="squares", source="evaluation@one") == {"left": len(queue), "done": 0}


def test_all_wrong_predictions_are_one_queue_and_answers_stay(wb, evaluated):
    told = call(wb, "evaluate_review", name="one")
    queue = call(wb, "review_queue", dataset="squares", source=told["source"])["items"]
    assert len(queue) == told["candidates"] > 1
    call(wb, "review_decide", dataset="squares", ids=[queue[0]["id"]], answer="rejected")
    call(wb, "evaluate_review", name="one")
    again = call(wb, "review_queue", dataset="squares", source=told["source"])["items"]
    assert [item["id"] for item in again] == [item["id"] for item in queue[1:]]


def test_what_was_missed_has_no_candidate(wb, evaluated):
    none = {"dataset": "", "source": "", "images": 0, "candidates": 0, "left_out": 0}
    assert call(wb, "evaluate_review", name="one", kind="missed") == none
    with pytest.raises(NotFound):
        call(wb, "evaluate_review", name="two")
    with pytest.raises(BadInput, match="kind"):
        call(wb, "evaluate_review", name="one", kind="odd")


def test_what_waits_in_an_image_that_is_open_is_still_to_review(wb, evaluated):
    told = call(wb, "evaluate_review", name="one")
    for item in call(wb, "review_queue", dataset="squares", source=told["source"])["items"]:
        call(wb, "image_lease", image_id=item["image_id"], client_id="me")
    assert call(wb, "evaluate_review", name="one") == told
