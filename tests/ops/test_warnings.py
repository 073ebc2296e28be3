"""Warnings: each code is used where it says, and answers carry it only where it happened."""

from __future__ import annotations

import ast

from tator import warning_codes
from tator.ops import call, operations
from tator.vision.prompts import is_cut
from tator.warning_codes import CLASSES_LEFT_OUT, NOT_CONVERGED, warned
from tests.sources import PRODUCT, name_of, tree_of

KNOWN = {name for name, code in vars(warning_codes).items() if isinstance(code, warning_codes.WarningCode)}


def test_every_code_is_used_and_only_codes_are():
    imported, spelled = set(), []
    for path in PRODUCT:
        if name_of(path) == "tator/warning_codes.py":
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "tator.warning_codes":
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.Constant) and node.value == "warnings":
                spelled.append(f"{name_of(path)}:{node.lineno}")
    assert imported - {"WarningCode", "warned", "warning_codes"} == KNOWN
    assert not spelled, "answers get their warnings from `warned`"


def test_every_code_is_listed_with_a_sentence_and_operations_that_exist(wb):
    listed = call(wb, "warnings_list")
    assert len(listed) == len(KNOWN) == len({row["id"] for row in listed})
    for row in listed:
        assert row["id"].isidentifier() and row["text"].endswith(".")
        assert set(row["where"]) <= set(operations())
    of_runs = {row["id"] for row in listed if not row["where"]}
    assert of_runs == {"candidates_outside", "candidates_retired"}


def test_an_answer_carries_only_what_happened():
    assert warned({"a": 1}, {NOT_CONVERGED: False}) == {"a": 1}
    told = warned({"a": 1}, {NOT_CONVERGED: True, CLASSES_LEFT_OUT: False})
    assert told == {"a": 1, "warnings": ["not_converged"]}


def test_a_point_or_box_past_the_image_was_cut():
    assert not is_cut([0, 0, 50, 40], 50, 40) and is_cut([0, 0, 50.5, 40], 50, 40) and is_cut([3, -0.1], 50, 40)
