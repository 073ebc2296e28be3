"""The box refiner of a dataset, which tightens loose boxes.

It learns from the accepted boxes.

It makes the weights of the ridge_box backend. Others may use `train`, `status`, `report` and `weights_path` of a
dataset's refiner; `is_due`, `may_look` and `count_accepted` say when it learns again.
"""

from tator.runtime.providers import provide
from tator.workflows.refiner.learning import count_accepted, is_due, may_look, status, train
from tator.workflows.refiner.providing import current_weights
from tator.workflows.refiner.shelf import REFINERS, report, weights_path

__all__ = ["REFINERS", "count_accepted", "is_due", "may_look", "report", "status", "train", "weights_path"]

provide("ridge_box", current_weights)
