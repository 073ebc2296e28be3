"""The predictions of Label Studio's tasks, read where candidates are wanted."""

from __future__ import annotations

from tator.formats import Report
from tator.formats.label_studio import LabelStudioSource, read_tasks
from tator.formats.tree import Tree

NAME = "label_studio_predictions"
LABEL = "Predictions of Label Studio"


def sniff(tree: Tree) -> bool:
    """Whether the folder holds predictions and no labels: never, so it is a choice."""
    return False


def read(tree: Tree) -> LabelStudioSource:
    """Return the source of a folder whose predictions are asked for."""
    return read_tasks(PredictionsSource(tree, Report()))


class PredictionsSource(LabelStudioSource):
    """A folder with predictions; see formats.Source."""

    format = NAME
    wants_predictions = True
