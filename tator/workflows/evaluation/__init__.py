"""Evaluation: predictions compared with labels, from any predictor to numbers.

Others may use `Settings` and `evaluate_records` (numbers of records), `Record` (one image), `LabelPolicy`,
`average_precision`, `paired_bootstrap` (how sure a difference is), `by_size`, `find_leaks` (images of two splits),
`is_sequence` (images that are frames of scenes), `evaluations_by_snapshot` (what snapshots were frozen for) and `judge_names` (names on boxes that are there).
It needs neither torch nor transformers nor Gradio.
"""

from tator.workflows.evaluation.accuracy import average_precision
from tator.workflows.evaluation.compare import paired_bootstrap
from tator.workflows.evaluation.evaluator import Evaluation, Settings, evaluate_records
from tator.workflows.evaluation.frozen import evaluations_by_snapshot
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.leaks import find_leaks, is_sequence
from tator.workflows.evaluation.metrics import by_size
from tator.workflows.evaluation.naming import judge_names
from tator.workflows.evaluation.records import Record
from tator.workflows.evaluation.shelf import EVALUATIONS, evaluations_of

__all__ = [
    "EVALUATIONS",
    "Evaluation",
    "LabelPolicy",
    "Record",
    "Settings",
    "average_precision",
    "by_size",
    "evaluate_records",
    "evaluations_by_snapshot",
    "evaluations_of",
    "find_leaks",
    "is_sequence",
    "judge_names",
    "paired_bootstrap",
]
