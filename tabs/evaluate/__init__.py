"""Evaluate tab: predictions against labels, mistakes, and two runs compared."""

from __future__ import annotations

from functools import partial

from tabs._parts import words as w
from tabs._parts.pages import Pages
from tabs._parts.shell import Shell
from tabs._parts.workflow import Figure, Shelf, Task, Workflow
from tabs.evaluate.comparing import Compare
from tabs.evaluate.mistakes import Mistakes
from tabs.evaluate.numbers import Reports, forget_point, keep_point, result
from tator.workbench import Workbench

TITLE, ORDER = "Evaluate", 50
FIGURES = [
    Figure("split", "Split", lambda split: split or "all"),
    Figure("predictor", "Predictor"),
    Figure("images", "Images", w.count),
    Figure("bbox_AP", "AP", w.percent),
    Figure("bbox_AP50", "AP50", w.percent),
    Figure("best_f1", "Best F1", w.percent),
]
LABELS = {
    "source": "Of what",
    "split": "Split",
    "score_thr": "Score threshold",
    "iou_thr": "Overlap (IoU)",
    "conf": "Lowest confidence",
    "limit": "Most images",
    "max_det": "Most predictions",
    "use_operating_point": "Use the operating point",
    "meaning_thr": "Least cosine of one meaning",
    "overlays": "Pictures of the worst images",
}
CHOICES = {
    "snapshot": "snapshots_list @dataset",
    "source": "candidates_sources @dataset",
    "split": ["", "train", "val", "test", "none"],
}
BY_FILE = ("config", "overrides", "root_image_dir", "resume", "overwrite")  # the command line has them


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    pages_of(shell)


def pages_of(shell: Shell) -> Pages:
    """Draw the tab's pages and return them."""
    task = Task("evaluate", "Evaluate", "Evaluate", LABELS, CHOICES, hidden=BY_FILE, typed=("source",))
    workflow = Workflow(
        title="Evaluate predictions",
        purpose="Candidates, a file, a head or a model is compared with your labels: numbers, and every mistake.",
        tasks=[task],
        shelf=Shelf(
            "evaluation",
            FIGURES,
            partial(result, shell),
            {"point": partial(keep_point, shell), "forget": partial(forget_point, shell)},
        ),
        first="The labels are frozen first, so that the numbers always say what they are of.",
    )
    return workflow.build(shell, [Mistakes(shell), Compare(shell)], [Reports(shell)])
