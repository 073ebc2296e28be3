"""Quality of a dataset: problems, their repair, and statistics."""
