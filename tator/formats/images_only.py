"""Images without labels; lists of classes and splits beside them are read."""

from __future__ import annotations

from tator.formats import Label, Report
from tator.formats._gathered import Gathered
from tator.formats.tree import Tree

NAME = "images"
LABEL = "Images only"


def sniff(tree: Tree) -> bool:
    """Return that no folder is known by it: it is what is left."""
    return False


def read(tree: Tree) -> ImagesOnly:
    """Return the source of a folder in which no labels were found."""
    source = ImagesOnly(tree, Report())
    source.settle()
    return source


class ImagesOnly(Gathered):
    """A folder of images; see formats.Source."""

    format = NAME

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return that the source does not mention the image."""
        return None
