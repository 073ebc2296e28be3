"""Toy: bright regions become candidates, above a size learned from accepted boxes."""

from tator.workflows.toy.finding import TOYS, learn, worker_of
from tator.workflows.toy.recipe import ToyRecipe

__all__ = ["TOYS", "ToyRecipe", "learn", "worker_of"]
