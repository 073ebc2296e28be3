"""Toy tab: train on accepted boxes, then propose the bright regions of images."""

from __future__ import annotations

from tabs._parts.shell import Shell
from tabs._parts.workflow import Figure, Shelf, Task, Workflow
from tator.workbench import Workbench

TITLE, ORDER = "Toy", 95
TOYS = Workflow(
    title="Find bright regions",
    purpose="A toy learns how large they are, then proposes them as candidates.",
    tasks=[Task("toy_train", "Train toy", "Train"), Task("toy_propose", "Propose", labels={"run": "Toy"})],
    shelf=Shelf("toys", [Figure("threshold", "Threshold"), Figure("smallest", "Smallest area")]),
)


def build(wb: Workbench, shell: Shell) -> None:
    """Draw the tab and wire it."""
    TOYS.build(shell)
