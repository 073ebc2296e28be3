"""ImageNet DET: VOC's XML under Annotations/, classes by WordNet ids.

Source: https://image-net.org/challenges/LSVRC/2017/, the object detection task; the XML is VOC's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tator.formats import Report
from tator.formats._voc_marks import HELD
from tator.formats.tree import Tree
from tator.formats.voc import VocSource, annotation_xml, is_older, is_voc, label_map
from tator.formats.writing import Output, Splits, each

NAME = "imagenet"
LABEL = "ImageNet DET"
HOLDS_ATTRIBUTES = HELD
_NAMED = re.compile(r"(n\d{8})[\s,:]+(?:\d+\s+)?(.+)")  # map_det.txt and LOC_synset_mapping.txt
SYNSET_LIST = ("map_det.txt", "map_clsloc.txt", "loc_synset_mapping.txt", "synset_words.txt", "words.txt")


def sniff(tree: Tree) -> bool:
    """Return whether VOC's XML lies in ImageNet's layout or has WordNet ids."""
    return any(
        is_voc(sample) and ("DET" in PurePosixPath(path).parts or re.search(rb"<name>\s*n\d{8}\s*<", sample))
        for path, sample in tree.samples(".xml")
    )


def read(tree: Tree) -> ImageNetSource:
    """Return the source of a folder that `sniff` took."""
    source = ImageNetSource(tree, Report())
    for path, sample in tree.each_sample(".xml"):
        if not (is_voc(sample) and is_older(sample)):
            source.add(path)
    source.settle(label_map(tree, source.report))
    return source


class ImageNetSource(VocSource):
    """A folder with ImageNet's files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self._words = _synset_words(tree, report)

    def class_of(self, name: str) -> str:
        """Return the words of a WordNet id where a list gives them."""
        return self._words.get(name.strip(), name)


def _synset_words(tree: Tree, report: Report) -> dict[str, str]:
    """Return {WordNet id: words} of the lists that ImageNet comes with."""
    words: dict[str, str] = {}
    for path in sorted(tree.texts):
        if PurePosixPath(path).name.lower() not in SYNSET_LIST:
            continue
        for line in (tree.try_text(path, report) or "").splitlines():
            if found := _NAMED.fullmatch(line.strip()):
                words.setdefault(found[1], found[2].replace("_", " "))
    return words


def image_path(split: str, name: str) -> str:
    """Return where an image goes."""
    return f"Data/DET/{split}/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write an XML file per image, split lists and class names; yield images done."""
    out.text("labelmap.txt", "".join(f"{name}\n" for name in names))
    for split, images in splits.items():
        rows = "".join(f"{image.trunk} {at}\n" for at, image in enumerate(images, 1))
        out.text(f"ImageSets/DET/{split}.txt", rows)
    for done, image in enumerate(each(splits), 1):
        xml = annotation_xml(out, names, image, filename=image.trunk.rpartition("/")[2])
        out.text(f"Annotations/DET/{image.split}/{image.trunk}.xml", xml)
        yield done
