"""Cityscapes' polygons: a JSON file an image, objects from the back to the front.

They are read where no masks lie beside them, which leave out what nearer objects hide.

Source: Cityscapes' README, "Dataset structure", *_polygons.json.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from tator.formats import folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._mask_meaning import is_nothing
from tator.formats._shapes import number
from tator.formats.tree import Tree

NAME = "cityscapes"
LABEL = "Cityscapes polygons"
CAMERA = "_leftImg8bit"
GROUP = re.compile(r"(.+)group")  # cargroup: objects that are not told apart
_END = re.compile(r"(_gt(fine|coarse))?_polygons$", re.I)


def sniff(tree: Tree) -> bool:
    """Whether the folder has Cityscapes' JSON files."""
    return any(is_cityscapes(sample) for _, sample in tree.samples(".json"))


def is_cityscapes(sample: bytes) -> bool:
    """Whether both ends of a file look like those of Cityscapes."""
    return b'"imgHeight"' in sample and b'"objects"' in sample and b'"polygon"' in sample


def read(tree: Tree) -> CityscapesSource:
    """Return the source of a folder that `sniff` took."""
    source = CityscapesSource.of_files(tree, is_cityscapes, ".json")
    if source.nothings:
        told = f"{source.nothings:,} polygons such as {source.nothing!r}"
        source.report.notice(".", "polygons that are no objects are left out", told)
    source.settle()
    return source


class CityscapesSource(DrawnSource):
    """A folder with Cityscapes' polygons; see formats.Source."""

    format = NAME
    nothings = 0  # polygons of classes such as out of roi
    nothing = ""  # the first of these classes

    def add(self, path: str) -> None:
        """Take the polygons of an image."""
        content = read_object(self.tree, path, self.report, "a file of Cityscapes' polygons")
        if content is None:
            return
        image = self._image_of(path)
        if image is None:
            return
        self.know(image)
        self.told_size(image, path, content.get("imgWidth"), content.get("imgHeight"))
        if split := folder_split(image):
            self.splits[image] = split
        for row in map(as_dict, as_list(content.get("objects"))):
            name = row.get("label")
            if isinstance(name, str) and is_nothing(name):
                self.nothings, self.nothing = self.nothings + 1, self.nothing or name
            else:
                self.take(image, path, None, self._entry(row))

    def _image_of(self, path: str) -> str | None:
        """Return the photograph of a file, None after noting that there is none."""
        stem = _END.sub("", PurePosixPath(path).stem)
        split = folder_split(path) or ""
        found = self.tree.namesakes(f"{stem}{CAMERA}") or self.tree.namesakes(stem)
        return self.find(found[0] if len(found) == 1 else f"{stem}{CAMERA}", path, hint=split)

    def _entry(self, row: dict[str, Any]) -> Drawn | Refused:
        name = row.get("label")
        if not isinstance(name, str) or not name:
            return Refused("object without a class", str(row)[:80])
        if row.get("deleted"):
            return Refused("object marked as deleted", name[:80])
        group = GROUP.fullmatch(name)
        ring = [number(value) for point in as_list(row.get("polygon")) for value in as_list(point)]
        attributes = {"crowd": True} if group else {}
        return Drawn(self.name(group[1] if group else name), rings=[[ring]], attributes=attributes)
