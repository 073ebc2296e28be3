"""Datasets: their images, classes, splits, snapshots and words, and how they are deleted."""
