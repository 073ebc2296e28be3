"""Datasets: images, classes, splits, snapshots, glossaries, and their deletion."""
