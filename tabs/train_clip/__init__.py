"""Train CLIP tab: class heads, trained on boxes and measured on unseen images."""

from __future__ import annotations

from tabs._parts import words as w
from tabs._parts.shell import Shell
from tabs._parts.workflow import Figure, Shelf, Task, Workflow
from tabs.train_clip.heads import curves, result
from tator.workbench import Workbench

TITLE, ORDER = "Train CLIP", 30
FIGURES = [
    Figure("encoder", "Encoder"),
    Figure("class_count", "Classes", w.count),
    Figure("accuracy", "Accuracy", w.percent),
    Figure("majority_accuracy", "Baseline", w.percent),
]
LABELS = {
    "c": "C",
    "test_size": "Held-out share",
    "min_per_class": "Fewest in a class",
    "activate": "Activate when trained",
}
HEADS = Workflow(
    title="Train a class head",
    purpose="A head learns the classes from your boxes; auto class in Label then names new ones.",
    tasks=[Task("heads_train", "Train head", labels=LABELS, curves=curves)],
    shelf=Shelf("heads", FIGURES, result),
    first="Training takes seconds to minutes and keeps whole images aside to measure itself.",
)


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    HEADS.build(shell)
