"""Proposing: a model's boxes become candidates of a dataset, tried on a strip of images first, with a snapshot before."""

from tator.workflows.proposing.classes import ClassRow, class_table
from tator.workflows.proposing.recipe import ProposingRecipe
from tator.workflows.proposing.run import propose, try_out
from tator.workflows.proposing.strip import strip_of

__all__ = ["ClassRow", "ProposingRecipe", "class_table", "propose", "strip_of", "try_out"]
