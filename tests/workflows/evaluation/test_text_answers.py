"""Answers of language models: clean, fenced, cut off, wrong in one place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.workflows.evaluation.coordinates import STEPS, to_pixels, to_steps
from tator.workflows.evaluation.text_answers import read_answer

ONE = '"object_1": {"desc": "cat", "bbox_2d": [100, 100, 500, 500]}'
TWO = '"object_2": {"desc": "dog", "bbox_2d": [1, 2, 300, 400]}'
TOKENS = (
    '{"object_1": {"desc": "cat", "bbox_2d": ["<|coord_100|>", "<|coord_100|>", "<|coord_500|>", "<|coord_500|>"]}}'
)


def named(text: str) -> list[str]:
    return [row["desc"] for row in read_answer(text, 999, 999).objects]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{" + ONE + ", " + TWO + "}", ["cat", "dog"]),
        ("```json\n{" + ONE + "}\n```", ["cat"]),
        ("Here it is: {" + ONE + "} I hope that helps {", ["cat"]),
        ("{" + ONE + ", " + TWO[:30], ["cat"]),
        ("{" + ONE + ", " + TWO + ", ", ["cat", "dog"]),
        ("{" + ONE + ", " + TWO, ["cat", "dog"]),
        ("{" + ONE + ",}", ["cat"]),
        ('{"object_1": {"desc": "cat", "bbox_2d": [1, 2, 300, 400,],},}', ["cat"]),
        ('{"object_1": {"desc": "cat", "bbox_2d": [1, 2, 300, 400<|im_end|>', ["cat"]),
        ('{"object_1": {"desc": "cat", "bbox_2d": [1, 2, 300, 400', []),
        ("{" + ONE + ", " + TWO.replace("object_2", "object_1") + "}", ["dog"]),
        ("{" + TWO + ", " + ONE.replace("object_1", "object_10") + "}", ["dog", "cat"]),
        ("{" + ONE.replace("cat", "a } cat") + "}", ["a } cat"]),
        ("{" + ONE.replace("cat", 'a \\"big\\" cat') + "}", ['a "big" cat']),
        ('[{"bbox_2d": [1, 2, 300, 400], "label": "cat"}, {"bbox_2d": [5, 5, 9, 9], "label": "dog"}]', ["cat", "dog"]),
        ('[{"bbox_2d": [1, 2, 300, 400], "label": "cat"}, {"bbox_2d": [5, 5', ["cat"]),
        ("{}", []),
        ("nothing", []),
        ("", []),
        ("{" * 5000, []),
        (TOKENS, ["cat"]),
    ],
)
def test_as_much_is_read_as_can_be(text, found):
    assert named(text) == found


def test_tokens_and_steps_are_one_place():
    plain = read_answer("{" + ONE + "}", 640, 480)
    tokens = read_answer(TOKENS + "<|im_end|>", 640, 480)
    assert plain.objects == tokens.objects and tokens.is_ended and not plain.is_ended
    assert tokens.special_tokens == ["<|coord_100|>", "<|coord_500|>", "<|im_end|>"]
    assert tokens.objects[0]["points"] == pytest.approx(
        [100 / 999 * 640, 100 / 999 * 480, 500 / 999 * 640, 500 / 999 * 480]
    )


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"desc": "cat", "bbox_2d": ["<|coord_1200|>", 1, 5, 5]}, "coord_range"),
        ({"desc": "cat", "bbox_2d": [1, 2, 3]}, "geometry_points"),
        ({"desc": "cat", "bbox_2d": [1, 2, 3, 4, 5, 6]}, "bbox_points"),
        ({"desc": "cat", "line": [1, 2, 3, 4]}, "geometry_kind"),
        ({"desc": "cat"}, "geometry_keys"),
        ({"desc": "cat", "bbox_2d": [1, 2, 3, 4], "poly": [1, 1, 5, 5, 1, 5]}, "geometry_keys"),
        ({"desc": "cat", "bbox_2d": [5, 5, 5, 9]}, "degenerate"),
        ({"desc": "cat", "bbox_2d": [5, 5, "far", 9]}, "coord_parse"),
        ({"desc": "", "bbox_2d": [5, 5, 8, 9]}, "desc"),
        ({"bbox_2d": [5, 5, 8, 9]}, "desc"),
        ("cat", "geometry_kind"),
        ({"desc": "cat", "bbox_2d": "5 5 8 9"}, "geometry_points"),
    ],
)
def test_one_bad_object_is_dropped_alone_with_its_reason(entry, code):
    good = {"desc": "dog", "poly": [[1, 1], [500, 1], [500, 500]]}
    answer = read_answer(json.dumps({"object_1": entry, "object_2": good}), 100, 100)
    assert [row["desc"] for row in answer.objects] == ["dog"] and answer.objects[0]["type"] == "poly"
    assert answer.error_entries == [{"object_key": "object_1", "code": code}]


def test_pixels_are_said_never_guessed():
    text = '{"object_1": {"desc": "cat", "bbox_2d": [1, 2, 900, 400]}}'
    assert read_answer(text, 640, 480).objects[0]["points"][2] == pytest.approx(900 / 999 * 640)
    assert read_answer(text, 640, 480, "pixel").objects[0]["points"][2] == 900


@given(st.integers(1, 5000), st.integers(1, 5000), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_in_steps_contains_the_box_and_is_near_it(width, height, parts):
    x1, x2, y1, y2 = (*sorted(parts[:2]), *sorted(parts[2:]))
    box = [x1 * width, y1 * height, x2 * width, y2 * height]
    steps = to_steps(box, width, height)
    assert all(0 <= step <= STEPS for step in steps) and steps[0] < steps[2] and steps[1] < steps[3]
    back = to_pixels(steps, width, height)
    for at, side in enumerate((width, height, width, height)):
        inward = back[at] - box[at] if at < 2 else box[at] - back[at]
        assert inward <= 1e-6 * side and abs(back[at] - box[at]) <= side / STEPS + 1e-6 * side


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [100, 100, 100, 100], [50, 0, 50, 100]])
def test_no_box_collapses(box):
    left, top, right, bottom = to_steps(box, 100, 100)
    assert left < right and top < bottom
