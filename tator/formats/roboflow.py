"""COCO as Roboflow lays it out, in folders train, valid and test.

Each holds its images and _annotations.coco.json.

Source: https://github.com/roboflow/rf-detr, which trains on this layout.
"""

from __future__ import annotations

from collections.abc import Iterator

from tator.formats import coco
from tator.formats._coco_written import write_file
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits

NAME = "roboflow"
LABEL = "COCO in Roboflow's folders"
FILE = "_annotations.coco.json"
FOLDERS = {"val": "valid"}
HOLDS_CONFIDENCE = True
HOLDS_ATTRIBUTES = coco.HOLDS_ATTRIBUTES
HOLDS_TAGS = True
HOLDS_NOTES = True
HOLDS_SKELETONS = True


def sniff(tree: Tree) -> bool:
    """Whether the folder has Roboflow's COCO files."""
    return any(path.rpartition("/")[2] == FILE for path in tree.tables) and coco.sniff(tree)


def read(tree: Tree) -> coco.CocoSource:
    """Return the source of a folder that `sniff` took."""
    source = coco.read(tree)
    source.format = NAME
    return source


def image_path(split: str, name: str) -> str:
    """Return where an image goes."""
    return f"{FOLDERS.get(split, split)}/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a COCO file into the folder of each split; yield how many images are done."""
    done = 0
    for split, images in splits.items():
        file_name = f"{FOLDERS.get(split, split)}/{FILE}"
        yield from (done + count for count in write_file(out, file_name, names, images, lambda image: image.name))
        done += sum(1 for _ in images)
