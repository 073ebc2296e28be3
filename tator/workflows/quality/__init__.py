"""Quality of a dataset: problems, their repair, and statistics.

Others may use `equal_groups` and `alike_groups` (images that show the same) and `joined` (groups of pairs).
"""

from tator.workflows.quality.images_check import alike_groups, equal_groups, joined

__all__ = ["alike_groups", "equal_groups", "joined"]
