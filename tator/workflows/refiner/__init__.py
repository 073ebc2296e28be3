"""The box refiner of a dataset: when and from what it learns."""
