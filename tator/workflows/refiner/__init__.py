"""The box refiner of a dataset: when and from what it learns; it makes the weights of the ridge_box backend."""

from tator.runtime.providers import provide
from tator.workflows.refiner.providing import current_weights

provide("ridge_box", current_weights)
