"""Pair label files, which lie anywhere, with the images of a dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tator.formats._lists import is_split_list, name_files
from tator.formats._places import IMAGE_FOLDERS, LABEL_FOLDERS
from tator.formats._references import composed
from tator.formats.tree import Tree
from tator.storage.images import EXTENSIONS
from tator.types import BadInput

GENERAL = LABEL_FOLDERS | {name.lower() for name in IMAGE_FOLDERS}  # folders whose names say nothing of an image
EXACT, BY_NAME = "exact", "by_name"


@dataclass
class LabelTree(Tree):
    """A folder of label files whose images are those of a dataset.

    An image whose label file is found by name stands beside that file, where every reader looks for it.

    Attributes:
        image_of: {path of an image in this tree: its path in the dataset}.
        how: {path in the dataset: exact where folders agree too, by_name where only the name does}.
        ambiguous: {reference: images of the dataset that it may mean}.
        missing: references that no image of the dataset has.
        renames: (text, instead) of what the files call images; see parsed_renames.
    """

    image_of: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    how: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    ambiguous: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    missing: dict[str, None] = field(default_factory=dict, repr=False, compare=False)
    renames: Sequence[tuple[str, str]] = ()

    def take(self, paths: Sequence[str]) -> None:
        """Make the images of a dataset those of the tree.

        Args:
            paths: of the images in the dataset.
        """
        by_stem = defaultdict(list)
        for path in paths:
            by_stem[_key(PurePosixPath(path).stem)].append(path)
        aliases: dict[str, str] = {}
        lists = set(name_files(self))
        for file in [*sorted(self.texts - lists), *self.tables]:
            if not is_split_list(file):
                self._pair(file, by_stem, aliases)
        self.image_of = {aliases.get(path, path): path for path in paths}
        self.images, self.masks = sorted(self.image_of), {}
        self.set_aside(())

    def _pair(self, file: str, by_stem: dict[str, list[str]], aliases: dict[str, str]) -> None:
        """Put the image that a label file is called like beside it."""
        place = _trunk(file)
        trunk = self._renamed(place)
        stem, is_text = trunk.rpartition("/")[2], file in self.texts
        near = by_stem.get(_key(stem), [])
        found = _nearest(near, trunk)
        if len(found) > 1 and is_text:
            self.ambiguous[file] = found
            self.texts.discard(file)
            self.claim(file)
            told = f"{', '.join(found[:3])}; expected folders that tell them apart"
            self.report.drop(file, "label file fits several images", told)
        elif not near and is_text:
            self.missing[file] = None
        elif len(found) == 1 and found[0] not in aliases:
            image = found[0]
            aliases[image] = f"{place}.{image.rpartition('.')[2]}"
            self.how[image] = EXACT if _folders(image) == _folders(trunk) else BY_NAME

    def find(
        self, reference: str, near: tuple[str, ...] = ("",), hint: str = "", inside: str = ""
    ) -> tuple[str | None, bool]:
        """Return what Tree.find does, and remember how the image was found."""
        reference = self._renamed(reference)
        found, is_guess = super().find(reference, near, hint, inside)
        if found is None:
            namesakes = [self.image_of[path] for path in self.namesakes(reference) if path in self.image_of]
            if len(namesakes) > 1:
                self.ambiguous[reference] = namesakes
            else:
                self.missing[reference] = None
        elif found in self.image_of:
            image = self.image_of[found]
            same = composed(reference.replace("\\", "/")).endswith(composed(image))
            self.how[image] = EXACT if same or self.how.get(image) == EXACT else BY_NAME
        return found, is_guess

    def _renamed(self, name: str) -> str:
        for text, instead in self.renames:
            name = name.replace(text, instead)
        return name


def parsed_renames(entries: Sequence[str]) -> list[tuple[str, str]]:
    """Return the changes of names that entries like "_gt=" describe.

    Args:
        entries: "text=instead", applied in this order to every place of the text in a name; nothing after = takes it off.

    Raises:
        BadInput: an entry has no text before "=", or none at all.
    """
    found = []
    for entry in entries:
        text, sign, instead = entry.partition("=")
        if not text or not sign:
            raise BadInput(f"name rule {entry[:100]!r} is refused; expected text=instead, such as _gt= to take _gt off")
        found.append((text, instead))
    return found


def _key(stem: str) -> str:
    return composed(stem).casefold()


def _trunk(file: str) -> str:
    """Return a label file's path without its ending, nor that of its image before it."""
    trunk, suffix = file.rpartition(".")[0], PurePosixPath(file.rpartition(".")[0]).suffix
    return trunk[: -len(suffix)] if suffix.lower() in EXTENSIONS else trunk


def _folders(path: str) -> list[str]:
    return [_key(part) for part in path.split("/")[:-1] if part.lower() not in GENERAL]


def _nearest(paths: Sequence[str], trunk: str) -> list[str]:
    """Return the images whose folders end most like those of a label file."""

    def shared(path: str) -> int:
        own, asked = _folders(path)[::-1], _folders(trunk)[::-1]
        return next((n for n, (a, b) in enumerate(zip(own, asked, strict=False)) if a != b), min(len(own), len(asked)))

    if len(paths) < 2:
        return list(paths)
    exact = [path for path in paths if _folders(path) == _folders(trunk)]
    most = max(map(shared, paths))
    return exact if len(exact) == 1 else [path for path in paths if shared(path) == most]
