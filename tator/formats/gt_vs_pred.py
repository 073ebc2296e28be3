"""The predictions of gt_vs_pred.jsonl, read where candidates are wanted."""

from __future__ import annotations

from tator.formats.gt_jsonl import SUFFIXES, RecordsSource, is_ground_truth
from tator.formats.tree import Tree

NAME = "gt_vs_pred"
LABEL = "Predictions of gt_vs_pred.jsonl"


def sniff(tree: Tree) -> bool:
    """Whether the folder holds predictions and no labels: never, so it is a choice."""
    return False


def read(tree: Tree) -> PredictionsSource:
    """Return the source of a folder whose predictions are asked for."""
    source = PredictionsSource.of_files(tree, is_ground_truth, *SUFFIXES)
    source.settle()
    return source


class PredictionsSource(RecordsSource):
    """A folder with predictions; see formats.Source."""

    format = NAME
    key = "pred"
