"""Proposing: a model's boxes become candidates of a dataset.

They are tried on a few images first, and a snapshot is taken before.
"""

from tator.workflows.proposing.classes import ClassRow, class_table
from tator.workflows.proposing.recipe import ProposingRecipe
from tator.workflows.proposing.run import propose, try_out
from tator.workflows.proposing.strip import strip_of

__all__ = ["ClassRow", "ProposingRecipe", "class_table", "propose", "strip_of", "try_out"]
